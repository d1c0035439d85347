import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { App, Stack } from 'aws-cdk-lib/core';
import { Template } from 'aws-cdk-lib/assertions';
import { SpotBatchEnvironment } from '../src/spot-batch-environment';
// eslint-disable-next-line
if (!(Promise as any).withResolvers) (Promise as any).withResolvers = function () { let resolve, reject; const promise = new this((a: any, b: any) => { resolve = a; reject = b; }); return { promise, resolve, reject }; };
// eslint-disable-next-line
const { StateMachine } = require('aws-local-stepfunctions');

test('run', async () => {
  const stack = new Stack(new App(), 'S');
  const environment = new SpotBatchEnvironment(stack, 'E');
  const failed = new sfn.Fail(stack, 'Failed');
  const context = { scope: stack, statePrefix: '', runPath: '$.run', fileSystemPath: '$.fileSystem', associationPath: '$.associations.output', resultPath: '$.compute', schedulePath: '$.s', failures: { protect: (s: any) => { s.addCatch(failed, { resultPath: '$.error' }); } } };
  new sfn.StateMachine(stack, 'M', { definitionBody: sfn.DefinitionBody.fromChainable(sfn.Chain.start(environment.attach(context)).next(environment.detach(context))) });
  const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine')) as any;
  const join = (value: any): string => typeof value === 'string' ? value : value['Fn::Join'] ? value['Fn::Join'][1].map(join).join('') : JSON.stringify(value.Ref === 'AWS::Region' ? 'us-east-1' : value.Ref === 'AWS::Partition' ? 'aws' : value.Ref ?? 'arn:' + value['Fn::GetAtt'].join('.')).slice(1, -1);
  const def = JSON.parse(join(Properties.DefinitionString));
  for (const s of Object.values(def.States) as any[]) if (s.Type === 'Task' && !/^arn:aws:/.test(s.Resource)) s.Resource = 'arn:aws:lambda:us-east-1:111122223333:function:x';
  const machine = new StateMachine(def, {});
  const calls: any[] = [];
  let shown = 'base'; let refused = false; let gone = 0;
  const check = (p: any) => { calls.push('check ' + p.turn + ' ' + shown); return { next: shown === 'ours' ? 'DONE' : 'UPDATE', seen: shown, seenAt: 'T', launchTemplateExists: true }; };
  const handlers: any = {};
  for (const [name, s] of Object.entries(def.States) as any[]) if (s.Type === 'Task') handlers[name] = async () => { throw new Error('no ' + name); };
  Object.assign(handlers, {
    CreateLaunchTemplate: async (p: any) => { calls.push(p); return {}; },
    CheckComputeEnvironment: async (p: any) => check(p),
    UpdateComputeEnvironment: async (p: any) => { calls.push(p); if (!refused) { refused = true; const e = new Error('is being updated'); e.name = 'Batch.ClientException'; throw e; } shown = 'ours'; return {}; },
    CheckComputeEnvironmentReturned: async (p: any) => ({ next: shown === 'ours' ? 'UPDATE' : p.turn === 0 ? 'WAIT' : 'DONE', seen: shown, seenAt: 'T' + p.turn, launchTemplateExists: true }),
    ReturnComputeEnvironment: async (p: any) => { calls.push(p); shown = 'base'; return {}; },
    DeleteLaunchTemplate: async (p: any) => { calls.push(p); throw new Error('nope'); },
    CheckInstances: async (p: any) => { calls.push(p); return { remaining: gone++ ? 0 : 1, seen: '', quietAt: 'Q' }; },
  });
  const input = { run: { id: 'R1', token: 'tok', executionArn: 'e', startedAt: 's' }, fileSystem: { fileSystemId: 'fs-1', mountName: 'abc' }, associations: { output: { fileSystemPath: '/export' } }, compute: {}, s: { waits: [1, 1, 1], count: 3 } };
  const waits = Object.fromEntries(Object.entries(def.States).filter(([, s]: any) => s.Type === 'Wait').map(([n]) => [n, 0]));
  const { result } = machine.run(input, { overrides: { taskResourceLocalHandlers: handlers, waitTimeOverrides: waits, retryIntervalOverrides: Object.fromEntries(Object.keys(handlers).map((n) => [n, 0])) } });
  const out = await result;
  for (const c of calls) if (c.LaunchTemplateData) { console.log(Buffer.from(c.LaunchTemplateData.UserData, 'base64').toString().slice(0, 700)); c.LaunchTemplateData.UserData = c.LaunchTemplateData.UserData.length; }
  console.log(JSON.stringify(calls, null, 1), JSON.stringify(out.compute, null, 1));
});

import { mkdtempSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { App, Duration, Stack } from 'aws-cdk-lib/core';
import { EngineOptions, LocalEngine, Run } from '../local/engine';

const HANDLER = `
const { FSxClient, DescribeFileSystemsCommand, CreateFileSystemCommand, FileSystemNotFound, paginateDescribeFileSystems } = require('@aws-sdk/client-fsx');
const client = new FSxClient({});
let calls = 0;
exports.handler = async ({ action, ...given }) => {
  calls++;
  switch (action) {
    case 'create':
      return (await client.send(new CreateFileSystemCommand({
        FileSystemType: 'LUSTRE', FileSystemTypeVersion: '2.15', StorageCapacity: 1200, SubnetIds: ['subnet-1'], ClientRequestToken: 'token',
        LustreConfiguration: { DeploymentType: 'SCRATCH_2' }, Tags: [{ Key: 'run', Value: given.run }], ...given.more,
      }))).FileSystem;
    case 'status': {
      const found = [];
      for await (const page of paginateDescribeFileSystems({ client }, {})) found.push(...page.FileSystems);
      return { lifecycle: found[0].Lifecycle, createdAt: found[0].CreationTime, isDate: found[0].CreationTime instanceof Date, calls, now: Date.now() };
    }
    case 'missing':
      try {
        await client.send(new DescribeFileSystemsCommand({ FileSystemIds: ['fs-00000000000000000'] }));
      } catch (error) {
        return { name: error.name, message: error.message, isModelled: error instanceof FileSystemNotFound, status: error.$metadata.httpStatusCode };
      }
    case 'raise':
      throw Object.assign(new Error('on purpose'), { name: 'NamedError' });
    case 'count':
      return { count: given.count + 1, environment: process.env.COLOUR, region: process.env.AWS_REGION };
    case 'flaky':
      if (calls < 3) throw new Error('not yet');
      return { calls };
    case 'long':
      return { text: 'x'.repeat(given.length) };
  }
};`;

interface TestStack {
  readonly stack: Stack;
  readonly role: iam.IRole;
  invoke(id: string, payload: object, props?: object): tasks.LambdaInvoke;
}

/** A state machine around a hand-made handler, synthesized as any other. */
function engine(build: (given: TestStack) => sfn.IChainable, options: Partial<EngineOptions> = {}): LocalEngine {
  const app = new App({ outdir: mkdtempSync(path.join(tmpdir(), 'assembly-')), analyticsReporting: false });
  const stack = new Stack(app, 'Test');
  const folder = mkdtempSync(path.join(tmpdir(), 'handler-'));
  writeFileSync(path.join(folder, 'index.js'), HANDLER);
  const handler = new lambda.Function(stack, 'Handler', {
    runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(folder), environment: { COLOUR: 'blue' }, timeout: Duration.minutes(1),
  });
  handler.addToRolePolicy(new iam.PolicyStatement({ actions: ['fsx:DescribeFileSystems'], resources: ['*'] }));
  handler.addToRolePolicy(new iam.PolicyStatement({
    actions: ['fsx:CreateFileSystem', 'fsx:TagResource'],
    resources: [stack.formatArn({ service: 'fsx', resource: 'file-system', resourceName: '*' })],
    conditions: { 'StringEquals': { 'aws:RequestTag/run': 'r1' }, 'ForAllValues:StringEquals': { 'aws:TagKeys': ['run'] } },
  }));
  handler.addToRolePolicy(new iam.PolicyStatement({
    actions: ['iam:CreateServiceLinkedRole'], resources: ['*'], conditions: { StringEquals: { 'iam:AWSServiceName': 'fsx.amazonaws.com' } },
  }));
  const definition = build({
    stack,
    role: handler.role!,
    invoke: (id, payload, props = {}) => new tasks.LambdaInvoke(stack, id, {
      lambdaFunction: handler.currentVersion,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({ ...payload }),
      retryOnServiceExceptions: false,
      ...props,
    }),
  });
  new sfn.StateMachine(stack, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(definition) });
  return new LocalEngine({ template: app.synth().directory, job: () => undefined, ...options });
}

const states = (run: Run) => run.history.filter(({ type }) => type === 'StateEntered').map(({ state }) => state);
const attempts = (run: Run) => run.history.filter(({ type }) => type === 'Task');
const sdk = (given: TestStack, id: string, service: string, action: string, parameters: object, iamAction = `${service}:${action}`) =>
  new tasks.CallAwsService(given.stack, id, { service, action, parameters: parameters as any, iamAction, iamResources: ['*'], resultPath: sfn.JsonPath.DISCARD });

describe('running a synthesized state machine', () => {
  test('a loop of 30 days takes no time; state, waits and turns are the definition\'s', async () => {
    const world = engine(({ stack, invoke }) => {
      const begin = new sfn.Pass(stack, 'Begin', { result: sfn.Result.fromObject({ count: 0 }), resultPath: '$.counter' });
      const wait = new sfn.Wait(stack, 'Wait', { time: sfn.WaitTime.duration(Duration.hours(1)) });
      const look = invoke('Look', { 'action': 'count', 'count.$': '$.counter.count' }, { resultPath: '$.counter' });
      const choice = new sfn.Choice(stack, 'IsDone').when(sfn.Condition.numberGreaterThanEquals('$.counter.count', 720), new sfn.Succeed(stack, 'Done')).otherwise(wait);
      return begin.next(wait).next(look).next(choice);
    });
    const started = process.cpuUsage();
    const run = await world.execute(undefined, { hello: 'world' });
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000); // microseconds; other processes do not count
    expect(run).toMatchObject({ status: 'SUCCEEDED', output: { hello: 'world', counter: { count: 720, environment: 'blue', region: 'us-east-1' } } });
    const [first] = run.history;
    const last = run.history.at(-1)!;
    expect(Date.parse(last.time) - Date.parse(first.startTime)).toBe(30 * 24 * 3600_000);
    expect(run.historyEventCount).toBe(2 + 2 + 720 * 9 + 2);
    expect(attempts(run)[5]).toMatchObject({ state: 'Look', attempt: 1, parameters: { action: 'count', count: 5 }, answer: { count: 6 } });
  });

  test('handlers reach the models through the real SDK: paginators, dates, exceptions, warm state', async () => {
    const world = engine(({ invoke }) => invoke('Create', { action: 'create', run: 'r1' }, { resultPath: '$.created' })
      .next(invoke('Status', { action: 'status' }, { resultPath: '$.status' }))
      .next(invoke('Missing', { action: 'missing' }, { resultPath: '$.missing' })));
    const run = await world.execute();
    expect(run).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        created: { FileSystemId: expect.stringMatching(/^fs-/), Lifecycle: 'CREATING' },
        status: { lifecycle: 'CREATING', createdAt: '2026-11-22T15:00:00.000Z', isDate: true, calls: 2, now: Date.parse('2026-11-22T15:00:00Z') },
        missing: { name: 'FileSystemNotFound', isModelled: true, status: 400 },
      },
    });
    expect(run.calls.map(({ service, action, error }) => `${service}:${action}${error ? ` ${error.name}` : ''}`))
      .toEqual(['fsx:CreateFileSystem', 'fsx:DescribeFileSystems', 'fsx:DescribeFileSystems FileSystemNotFound']);
  });

  test('what the policies do not allow is denied, dependent actions and conditions included', async () => {
    const create = (more: object) => engine(({ invoke }) => invoke('Create', { action: 'create', run: 'other', more })).execute();
    const run = await create({});
    expect(run).toMatchObject({ status: 'FAILED', error: 'AccessDeniedException' });
    expect(run.calls[0].denied!.map(({ action }) => action)).toEqual(['fsx:CreateFileSystem', 'fsx:TagResource']);
    const [call] = (await create({ Tags: [{ Key: 'run', Value: 'r1' }], SecurityGroupIds: ['sg-1'], KmsKeyId: 'k' })).calls;
    expect(call.denied!.map(({ action }) => action)).toEqual([
      'ec2:GetSecurityGroupsForVpc', 'kms:Decrypt', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:CreateGrant', 'kms:DescribeKey',
    ]);
  });

  test('parameters that the API does not have are refused and recorded', async () => {
    const run = await engine(({ invoke }) => invoke('Create', { action: 'create', run: 'r1', more: { Colour: 1, StorageCapacity: 'x' } })).execute();
    expect(run).toMatchObject({ status: 'FAILED', error: 'ValidationException' });
    expect(run.calls[0].problems).toEqual(['StorageCapacity must be a number, got string', 'Colour does not exist']);
  });

  test('errors of handlers are retried and caught by name; the Cause is what Lambda makes of them', async () => {
    const world = engine(({ stack, invoke }) => {
      const raise = invoke('Raise', { action: 'raise' });
      raise.addRetry({ errors: ['NamedError'], maxAttempts: 2, interval: Duration.seconds(10), backoffRate: 2 });
      raise.addCatch(invoke('Flaky', { action: 'flaky' }).addRetry({ errors: ['States.ALL'] }), { errors: ['NamedError'], resultPath: '$.error' });
      return raise.next(new sfn.Succeed(stack, 'Never'));
    });
    const run = await world.execute();
    expect(states(run)).toEqual(['Raise', 'Flaky']);
    expect(attempts(run).map(({ state, attempt, error }) => [state, attempt, error?.Error])).toEqual([
      ['Raise', 1, 'NamedError'], ['Raise', 2, 'NamedError'], ['Raise', 3, 'NamedError'], ['Flaky', 1, undefined],
    ]);
    const { Error, Cause } = run.history.find(({ type, state }) => type === 'StateExited' && state === 'Raise')!.output.error;
    expect([Error, JSON.parse(Cause)]).toEqual(['NamedError', { errorType: 'NamedError', errorMessage: 'on purpose', trace: ['NamedError: on purpose'] }]);
    expect(Date.parse(attempts(run)[2].startedAt) - Date.parse(attempts(run)[0].startedAt)).toBe(30_000);
  });
});

describe('SDK integrations', () => {
  test.each([
    ['defaults', {}, 'FSx.FileSystemNotFoundException', 'FSx.FSxException'],
    ['other readings', { modelledErrorName: 'plain', unmodelledErrorName: 'own' }, 'FSx.FileSystemNotFound', 'FSx.ThrottlingException'],
  ])('error names, %s', async (_, switches, modelled, unmodelled) => {
    const remove = (given: TestStack) => sdk(given, 'Delete', 'fsx', 'deleteFileSystem', { FileSystemId: 'fs-00000000000000000' });
    expect(await engine(remove, { switches }).execute()).toMatchObject({ status: 'FAILED', error: modelled });
    const faults = [{ on: 'fsx:DeleteFileSystem', error: { name: 'ThrottlingException' } }];
    expect(await engine(remove, { switches, faults }).execute()).toMatchObject({ status: 'FAILED', error: unmodelled });
  });

  test('parameters are PascalCase, whatever the API\'s casing; an unknown one cannot be caught', async () => {
    const create = (parameters: object) => engine((given) => {
      const task = sdk(given, 'Create', 'ec2', 'createLaunchTemplate', parameters, 'ec2:CreateLaunchTemplate');
      return task.addCatch(new sfn.Pass(given.stack, 'Caught'));
    }).execute();
    const run = await create({ LaunchTemplateName: 'test', LaunchTemplateData: { UserData: 'dXNlcg==' } });
    expect(run.status).toBe('SUCCEEDED');
    expect(run.calls[0].input).toEqual({ LaunchTemplateName: 'test', LaunchTemplateData: { UserData: 'dXNlcg==' }, ClientToken: expect.any(String) });
    expect(await create({ LaunchTemplateName: 'test', LaunchTemplateDta: {} })).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });
});

describe('what the interpreter does not know', () => {
  const long = (length: number) => ({ invoke, stack }: TestStack) => invoke('Long', { action: 'long', length }, { resultPath: '$.first' })
    .addCatch(new sfn.Pass(stack, 'Caught')).next(invoke('Again', { action: 'long', length: 200_000 }, { resultPath: '$.second' }))
    .next(invoke('After', { action: 'count', count: 1 }));

  test.each([
    ['a task\'s answer', 300_000, ['Long']],
    ['a state\'s output', 100_000, ['Long', 'Again']],
  ])('%s of more than 256 KiB ends the execution, and nothing catches it', async (_, length, entered) => {
    const run = await engine(long(length)).execute();
    expect(run).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    expect(states(run)).toEqual(entered);
  });

  test('a missing path is States.Runtime, which States.ALL does not catch', async () => {
    const run = await engine(({ invoke, stack }) =>
      invoke('Look', { 'action': 'count', 'count.$': '$.nowhere' }).addCatch(new sfn.Pass(stack, 'Caught'))).execute();
    expect(run).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  test.each<[string, (given: TestStack) => sfn.IChainable]>([
    ['States.Hash', ({ stack }) => new sfn.Pass(stack, 'P', { parameters: { 'hash.$': 'States.Hash($.a, \'SHA-1\')' } })],
    ['$$.State', ({ stack }) => new sfn.Pass(stack, 'P', { parameters: { 'name.$': '$$.State.Name' } })],
    ['wildcard', ({ stack }) => new sfn.Pass(stack, 'P', { parameters: { 'all.$': '$.list[*].x' } })],
    ['Assign', ({ stack }) => new sfn.Pass(stack, 'P', { assign: { x: 1 } })],
    ['JSONata', ({ stack }) => sfn.Pass.jsonata(stack, 'P', { outputs: '{% $states.input %}' })],
    ['end at once', ({ stack, invoke }) => invoke('P', {}, { taskTimeout: sfn.Timeout.duration(Duration.days(30)) }).next(new sfn.Succeed(stack, 'S'))],
  ])('%s is refused', async (what, build) => {
    await expect(engine(build).execute()).rejects.toThrow(what);
  });
});

describe('faults', () => {
  const build = ({ invoke }: TestStack) => invoke('Create', { action: 'create', run: 'r1' }, { resultPath: '$.created' })
    .addRetry({ errors: ['TimeoutError'] }).next(invoke('Status', { action: 'status' }, { taskTimeout: sfn.Timeout.duration(Duration.minutes(5)) }));

  test('a call that succeeds but loses its answer is made again', async () => {
    const run = await engine(build, { faults: [{ on: 'fsx:CreateFileSystem', loseAnswer: true }] }).execute();
    expect(run.status).toBe('SUCCEEDED');
    expect(run.calls.filter(({ action }) => action === 'CreateFileSystem').map(({ answerLost }) => answerLost)).toEqual([true, undefined]);
  });

  test.each([
    ['error', { task: 'Status', error: { name: 'Broken' } }, { status: 'FAILED', error: 'Broken' }],
    ['missing field', { task: 'Status', dropField: 'lifecycle' }, { status: 'SUCCEEDED', output: expect.not.objectContaining({ lifecycle: 'CREATING' }) }],
    ['missing field of an API', { on: 'fsx:DescribeFileSystems', dropField: 'FileSystems[0].Lifecycle' }, { output: { calls: 2, now: expect.any(Number), isDate: true, createdAt: expect.any(String) } }],
    ['long answer', { task: 'Status', padKiB: 260 }, { status: 'FAILED', error: 'States.DataLimitExceeded' }],
    ['hang', { task: 'Status', hang: true }, { status: 'FAILED', error: 'States.Timeout' }],
    ['abort', { enter: 'Status', do: 'abort' as const }, { status: 'ABORTED' }],
  ])('%s', async (_, fault, outcome) => {
    const run = await engine(build, { faults: [fault] }).execute();
    expect(run).toMatchObject(outcome);
    expect(run.history.at(-1)!.type).toBe({ SUCCEEDED: 'ExecutionSucceeded', FAILED: 'ExecutionFailed', ABORTED: 'ExecutionAborted' }[run.status]);
    if (run.status === 'ABORTED') expect(run.calls.map(({ action }) => action)).toEqual(['CreateFileSystem']);
  });
});

describe('one world', () => {
  const build = ({ stack, invoke }: TestStack) => invoke('Create', { action: 'create', run: 'r1' }, { resultPath: '$.created' })
    .next(new sfn.Wait(stack, 'Wait', { time: sfn.WaitTime.duration(Duration.minutes(10)) })).next(invoke('Status', { action: 'status' }));

  test('executions run at once and one after another; the same seed gives the same history', async () => {
    const play = async () => {
      const world = engine(build);
      const both = await Promise.all([world.execute(), world.execute()]);
      await world.pass(60);
      return [...both, await world.execute()];
    };
    const runs = await play();
    expect(runs.map(({ output }) => output.lifecycle)).toEqual(['AVAILABLE', 'AVAILABLE', 'AVAILABLE']);
    expect(runs.map(({ history }) => history.at(-1)!.time.slice(11, 19))).toEqual(['15:10:00', '15:10:00', '15:21:00']);
    const masked = (all: Run[]) => JSON.stringify(all.map(({ history }) => history.slice(1)));
    expect(masked(await play())).toBe(masked(runs));
    expect(Date.now() - Date.parse('2026-11-22T15:10:00Z')).not.toBe(0); // real time is back
  });

  test('StopExecution', async () => {
    const world = engine(build, { faults: [{ at: 30, do: 'abort' }] });
    const run = await world.execute();
    expect(run.status).toBe('ABORTED');
    expect(world.models.stepFunctions.call('DescribeExecution', { executionArn: run.executionArn })).toMatchObject({ status: 'ABORTED' });
  });

  test('scaled real time', async () => {
    const started = performance.now();
    const run = await engine(build, { clock: { scale: 3000 } }).execute();
    expect(run.output.lifecycle).toBe('AVAILABLE');
    expect(performance.now() - started).toBeGreaterThan(190);
  });
});

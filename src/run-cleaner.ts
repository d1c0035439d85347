import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { CustomResource, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct, IConstruct } from 'constructs';
import { acknowledgeWildcards } from './private/acknowledge';
import { allow, NO_RESOURCE_TYPE } from './private/allow';
import { PartFunction } from './private/part-function';
import { CleanerVariable, ENDED_BADLY, GUARD_RESOURCE_TYPE, RUN_CLEANER_BUNDLE } from './private/run-cleaner-payloads';
import { RunTag } from './private/tags';
import { check, validate } from './private/validation';

/**
 * Properties of a RunCleaner.
 */
export interface RunCleanerProps {
  /** The state machine of the pipeline: its executions are looked at, and clean-ups are executions of it. */
  readonly stateMachine: sfn.IStateMachine;

  /** What file systems of this pipeline carry in their tag `cdk-lustre-auto-export:pipeline`. No others are touched. */
  readonly pipelineName: string;

  /**
   * How often everything of the pipeline is looked at. What is found without a running execution is cleaned up one sweep
   * later. Whole minutes from 10 minutes to 1 day.
   *
   * @default Duration.hours(1)
   */
  readonly sweepInterval?: Duration;

  /**
   * Whether decisions are only logged, one line of JSON each, and nothing is tagged or started. The stack is guarded
   * against deletion all the same.
   *
   * @default false
   */
  readonly dryRun?: boolean;

  /**
   * Log group of the function that cleans up.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * Cleans up, from outside, after runs that could not do so themselves: runs that were stopped, that timed out, or that died
 * of an error that cannot be caught. It also ends what a failure policy keeps for a time, and tries again what could not be
 * proven to be in S3, after an hour, then less and less often, up to once a day.
 *
 * It never deletes anything itself: it starts the state machine's own clean-up, with the same proof and the same policy. It
 * leaves alone what has a running execution, what is kept without an end, and what is not tagged as this pipeline's.
 *
 * It guards its stack, too: while a file system of the pipeline lives, or a run is running, the deletion of the stack fails
 * with a message that names it and says what to type; nothing that is told to `protect` is deleted before that. An update
 * that removes the construct from a stack that stays is not stopped: CloudFormation tries three times and goes on.
 */
export class RunCleaner extends Construct {
  private readonly function: PartFunction;
  private readonly guard: CustomResource;

  constructor(scope: Construct, id: string, props: RunCleanerProps) {
    super(scope, id);
    const sweepInterval = props.sweepInterval ?? Duration.hours(1);
    validate(this,
      check.impossible(sweepInterval.isUnresolved(), 'sweepInterval is a token; it must be known at synth'),
      check.duration('sweepInterval', sweepInterval, Duration.minutes(10), Duration.days(1)),
      check.impossible(!sweepInterval.isUnresolved() && sweepInterval.toSeconds({ integral: false }) % 60 !== 0,
        `sweepInterval is ${sweepInterval.toHumanString()}; it must be whole minutes`),
      check.impossible(props.pipelineName === '', 'pipelineName is empty; it must be the name that the pipeline tags its file systems with'),
    );
    this.function = new PartFunction(this, 'Handler', {
      bundle: RUN_CLEANER_BUNDLE,
      description: 'Cleans up after runs that could not do so themselves',
      logGroup: props.logGroup,
      timeout: Duration.minutes(10), // a hundred file systems, several calls each
      environment: {
        [CleanerVariable.STATE_MACHINE_ARN]: props.stateMachine.stateMachineArn,
        [CleanerVariable.PIPELINE]: props.pipelineName,
        [CleanerVariable.SWEEP_SECONDS]: String(sweepInterval.toSeconds()),
        [CleanerVariable.DRY_RUN]: String(props.dryRun ?? false),
      },
    });
    this.grantHandler(props);
    const target = new targets.LambdaFunction(this.function.newest);
    const ended = new events.Rule(this, 'ExecutionEnded', {
      description: 'A run has ended without success: it may not have cleaned up',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [props.stateMachine.stateMachineArn], status: ENDED_BADLY },
      },
      targets: [target],
    });
    const sweep = new events.Rule(this, 'Sweep', {
      description: 'Looks for what runs have left behind',
      schedule: events.Schedule.rate(sweepInterval),
      targets: [target],
    });
    this.guard = new CustomResource(this, 'Guard', {
      resourceType: GUARD_RESOURCE_TYPE,
      serviceToken: this.function.newest.functionArn,
      serviceTimeout: Duration.minutes(30), // three tries of the function; the default is an hour
    });
    // CloudFormation deletes the guard first, so that the cleaner lives on where it refuses
    this.protect(this.function, ended, sweep);
  }

  /**
   * Lets the deletion of the stack come to these constructs only when no file system of the pipeline lives.
   *
   * @param constructs anything that a clean-up needs: all of the pipeline, its network and its bucket
   */
  public protect(...constructs: IConstruct[]): void {
    this.guard.node.addDependency(...constructs);
  }

  /**
   * Sweeps and other calls of the cleaner that failed (AWS/Lambda Errors): what it watches over may be left behind.
   *
   * @param props what differs from a sum over five minutes
   */
  public metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.function.newest.metricErrors(props);
  }

  private grantHandler({ stateMachine, pipelineName }: RunCleanerProps): void {
    allow(this.function, { actions: ['fsx:DescribeFileSystems', 'ec2:DescribeLaunchTemplates'], resources: ['*'], wildcards: NO_RESOURCE_TYPE });
    allow(this.function, {
      actions: ['fsx:TagResource'],
      resources: [Stack.of(this).formatArn({ service: 'fsx', resource: 'file-system', resourceName: '*' })],
      conditions: { StringEquals: { [`aws:ResourceTag/${RunTag.PIPELINE}`]: pipelineName } },
      wildcards: 'FSx chooses the id of a file system; a condition on its tag admits those of this pipeline alone',
    });
    stateMachine.grant(this.function, 'states:StartExecution', 'states:ListExecutions');
    const { principalStatements } = stateMachine.grantExecution(this.function, 'states:DescribeExecution');
    acknowledgeWildcards(this.function.role, principalStatements, 'the star stands for the executions of this one state machine');
  }
}

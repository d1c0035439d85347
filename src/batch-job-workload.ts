import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { PreflightCheck } from './preflight-check';
import { allow, NO_RESOURCE_TYPE, Permission } from './private/allow';
import { BATCH_JOB_BUNDLE, BatchJobSettings } from './private/batch-job-payloads';
import { InvocationProps, PartFunction } from './private/part-function';
import { PollLoop } from './private/poll-loop';
import { RunTags } from './private/run-tags';
import { RunTag } from './private/tags';
import { check, validate } from './private/validation';
import { IWorkload, WorkloadContext } from './workload';

/** What an earlier try with a lost answer made is found by its name, but a list may show it only after some seconds (unconfirmed). */
const MADE_BY_NAME = { retryAfter: Duration.seconds(30) };

/**
 * Properties of a BatchJobWorkload.
 */
export interface BatchJobWorkloadProps {
  /**
   * Where the container sees the exported directory of the run's file system. An absolute path.
   *
   * The container finds it in the environment variable `LUSTRE_PATH`, too.
   *
   * @default '/lustre'
   */
  readonly containerPath?: string;

  /**
   * Role that the container's own code assumes.
   *
   * @default - none: the code has no AWS permissions of its own
   */
  readonly jobRole?: iam.IRole;

  /**
   * Role that ECS uses to pull the image and to read secrets. Instances of the queue may pull from ECR without it.
   *
   * @default - none
   */
  readonly executionRole?: iam.IRole;

  /**
   * Longest time that the job may be without an instance, at its start and after every reclaim. Then the run fails with
   * `JobNeverStarted`, and with what the last instances said. Between 10 minutes and 1 day.
   *
   * @default Duration.hours(2)
   */
  readonly jobStartTimeout?: Duration;

  /**
   * Log group of the function that talks to Batch.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * The work of a run as one AWS Batch job that runs the user's container image.
 *
 * A reclaim of the SPOT instance, and a start that never ran the image, is tried again up to `jobDefinitionRetryAttempts`
 * times. Any other failure ends the run with `JobFailed`. The container has to be able to resume: it finds what its
 * earlier attempt wrote under `LUSTRE_PATH`, and the number of its attempt in `AWS_BATCH_JOB_ATTEMPT`.
 */
export class BatchJobWorkload extends Construct implements IWorkload {
  private readonly function: PartFunction;
  private readonly settings: BatchJobSettings;

  constructor(scope: Construct, id: string, props: BatchJobWorkloadProps = {}) {
    super(scope, id);
    const containerPath = props.containerPath ?? '/lustre';
    const jobStartTimeout = props.jobStartTimeout ?? Duration.hours(2);
    validate(this,
      check.pattern('containerPath', containerPath, /^\/[A-Za-z0-9._/-]*[A-Za-z0-9._-]$/, 'an absolute path such as /lustre, and not / itself'),
      check.duration('jobStartTimeout', jobStartTimeout, Duration.minutes(10), Duration.days(1)),
    );
    this.settings = {
      containerPath,
      jobRoleArn: props.jobRole?.roleArn,
      executionRoleArn: props.executionRole?.roleArn,
      jobStartTimeoutSeconds: jobStartTimeout.toSeconds(),
      tags: new RunTags(this).render(),
    };
    this.function = new PartFunction(this, 'Handler', {
      bundle: BATCH_JOB_BUNDLE,
      description: 'Submits, follows and stops the job of a run',
      logGroup: props.logGroup,
    });
    this.grantHandler([props.jobRole, props.executionRole].filter((role) => role !== undefined));
  }

  /** The image exists. */
  public preflightChecks(): PreflightCheck[] {
    return [PreflightCheck.containerImage()];
  }

  public run(context: WorkloadContext): sfn.IChainable {
    const submit = this.invocation(context, 'SubmitJob', MADE_BY_NAME);
    const loop = new PollLoop(context.scope, {
      statePrefix: context.statePrefix,
      wait: 'WaitForJobCompletion',
      first: submit, // a resubmission comes back here, and the count of the waits goes on: one deadline for all of them
      checks: [this.invocation(context, 'CheckJobStatus')],
      choice: 'IsJobComplete',
      done: this.verdict(context, 'SUCCEEDED'),
      branches: [{ when: this.verdict(context, 'RESUBMIT'), then: () => submit }],
      giveUp: this.invocation(context, 'JobTimedOut'),
      schedulePath: context.schedulePath,
      counterPath: `${context.resultPath}.jobWait`,
    });
    return this.invocation(context, 'CreateJobDefinition', MADE_BY_NAME).next(loop.chain);
  }

  public stop(context: WorkloadContext): sfn.IChainable {
    return new PollLoop(context.scope, {
      statePrefix: context.statePrefix,
      wait: 'WaitForJobsToStop',
      checks: [this.invocation(context, 'StopJobs')],
      choice: 'AreJobsStopped',
      done: sfn.Condition.and(sfn.Condition.isPresent(`${context.resultPath}.stopped`), sfn.Condition.booleanEquals(`${context.resultPath}.stopped`, true)),
      giveUp: this.invocation(context, 'JobsNotStopped'),
      schedulePath: context.schedulePath,
      counterPath: `${context.resultPath}.stopWait`,
      lookFirst: true,
    }).chain;
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.function.grantInvoke(grantee);
  }

  private verdict({ resultPath }: WorkloadContext, verdict: string): sfn.Condition {
    return sfn.Condition.and(sfn.Condition.isPresent(`${resultPath}.verdict`), sfn.Condition.stringEquals(`${resultPath}.verdict`, verdict));
  }

  private invocation(context: WorkloadContext, action: string, more: Partial<InvocationProps> = {}) {
    return this.function.invocation(context.scope, {
      ...more,
      action,
      statePrefix: context.statePrefix,
      resultPath: context.resultPath,
      failures: context.failures,
      payload: {
        run: sfn.JsonPath.objectAt(context.runPath),
        parameters: sfn.JsonPath.objectAt(context.parametersPath),
        compute: sfn.JsonPath.objectAt(context.computePath),
        job: sfn.JsonPath.objectAt(context.resultPath),
        settings: this.settings,
      },
    });
  }

  private grantHandler(roles: iam.IRole[]): void {
    const grant = (permission: Permission) => allow(this.function, permission);
    const batchArn = (resource: string, resourceName: string) => Stack.of(this).formatArn({ service: 'batch', resource, resourceName });
    grant({
      actions: ['batch:DescribeJobs', 'batch:ListJobs', 'batch:DescribeJobDefinitions'],
      resources: ['*'],
      wildcards: NO_RESOURCE_TYPE,
    });
    grant({
      actions: ['batch:RegisterJobDefinition', 'batch:DeregisterJobDefinition'],
      resources: [batchArn('job-definition', 'lustre-*')],
      wildcards: 'each run has a definition of its own, whose name carries its id behind lustre-',
    });
    grant({
      actions: ['batch:SubmitJob'],
      resources: [batchArn('job-definition', 'lustre-*'), batchArn('job-queue', '*'), batchArn('job', '*')],
      wildcards: 'the environment tells the queue only at run time, Batch chooses the id of a job; the definition is always one of a run',
    });
    grant({
      actions: ['batch:TagResource'],
      resources: [batchArn('job-definition', 'lustre-*'), batchArn('job', '*')],
      conditions: { Null: { [`aws:RequestTag/${RunTag.RUN_ID}`]: 'false' } },
      wildcards: 'neither is known before it exists; a condition asks for the tag of a run',
    });
    grant({
      actions: ['batch:TerminateJob'],
      resources: [batchArn('job', '*')],
      conditions: { Null: { [`aws:ResourceTag/${RunTag.RUN_ID}`]: 'false' } },
      wildcards: 'Batch chooses the id of a job; a condition on its tag admits those of runs alone',
    });
    grant({
      actions: ['ecs:DescribeContainerInstances'],
      resources: [Stack.of(this).formatArn({ service: 'ecs', resource: 'container-instance', resourceName: '*' })],
      wildcards: 'Batch makes the cluster, ECS chooses the id of an instance; this only reads',
    });
    grant({ actions: ['ec2:DescribeInstances'], resources: ['*'], wildcards: NO_RESOURCE_TYPE });
    grant({
      actions: ['ec2:GetConsoleOutput'],
      resources: [Stack.of(this).formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' })],
      conditions: { Null: { [`aws:ResourceTag/${RunTag.ENVIRONMENT}`]: 'false' } },
      wildcards: 'EC2 chooses the id of an instance; a condition on its tag admits those of environments of this library alone',
    });
    if (roles.length > 0) {
      grant({ actions: ['iam:PassRole'], resources: roles.map((role) => role.roleArn), conditions: { StringLike: { 'iam:PassedToService': 'ecs-tasks.*' } } });
    }
  }
}

import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { IWorkload, PreflightCheck, WorkloadContext } from '../../src';

/** Looks for the run's jobs by their name, ends them where it is told to, and says what the contract wants to know. */
const HANDLER = `
const { BatchClient, ListJobsCommand, TerminateJobCommand } = require('@aws-sdk/client-batch');
const batch = new BatchClient({});
exports.handler = async ({ run, compute, end }) => {
  const { jobSummaryList: jobs } = compute.jobQueueArn === undefined ? { jobSummaryList: [] }
    : await batch.send(new ListJobsCommand({ jobQueue: compute.jobQueueArn, filters: [{ name: 'JOB_NAME', values: ['plain-' + run.id] }] }));
  const alive = jobs.filter(({ status }) => status !== 'SUCCEEDED' && status !== 'FAILED');
  for (const { jobId } of end ? alive : []) await batch.send(new TerminateJobCommand({ jobId, reason: 'the run is over' }));
  const failed = jobs.some(({ status }) => status === 'FAILED');
  return {
    alive: alive.length, mayHaveWritten: jobs.length > 0, lastWritePossibleAt: new Date(Date.now() + 600000).toISOString(),
    outcome: failed ? 'FAILED' : alive.length > 0 || jobs.length === 0 ? 'STOPPED' : 'SUCCEEDED',
  };
};`;

/** A stranger's workload: one job, registered and submitted by direct calls of AWS Batch, with no second attempt. */
export class PlainJobWorkload extends Construct implements IWorkload {
  private readonly handler = new lambda.Function(this, 'Handler', {
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(HANDLER),
    timeout: Duration.minutes(1),
    initialPolicy: [new iam.PolicyStatement({ actions: ['batch:ListJobs', 'batch:TerminateJob'], resources: ['*'] })],
  });

  public preflightChecks(): PreflightCheck[] {
    return [];
  }

  public run(context: WorkloadContext): sfn.IChainable {
    const { scope, statePrefix, computePath, resultPath } = context;
    const name = sfn.JsonPath.format('plain-{}', sfn.JsonPath.stringAt(`${context.runPath}.id`));
    const define = this.call(context, 'DefineJob', 'registerJobDefinition', {
      JobDefinitionName: name,
      Type: 'container',
      ContainerProperties: {
        Image: 'busybox:1',
        ResourceRequirements: [{ Type: 'VCPU', Value: '1' }, { Type: 'MEMORY', Value: '512' }],
        Volumes: [{ Name: 'data', Host: { SourcePath: sfn.JsonPath.stringAt(`${computePath}.hostPath`) } }],
        MountPoints: [{ SourceVolume: 'data', ContainerPath: '/data' }],
      },
    });
    const start = this.call(context, 'StartJob', 'submitJob', { JobName: name, JobQueue: sfn.JsonPath.stringAt(`${computePath}.jobQueueArn`), JobDefinition: name });
    const failed = this.raise(context, 'PlainJobFailed', 'the job failed or took too long; see its log');
    const succeeded = new sfn.Pass(scope, `${statePrefix}JobSucceeded`);
    define.next(start).next(this.untilNoneIsAlive(context, 'Job', false, failed)).next(new sfn.Choice(scope, `${statePrefix}HasJobSucceeded`)
      .when(sfn.Condition.stringEquals(`${resultPath}.outcome`, 'SUCCEEDED'), succeeded)
      .otherwise(failed));
    return sfn.Chain.custom(define, [succeeded], succeeded);
  }

  public stop(context: WorkloadContext): sfn.IChainable {
    return this.untilNoneIsAlive(context, 'End', true, this.raise(context, 'PlainJobLives', 'the job was terminated but does not end'));
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.handler.grantInvoke(grantee); // what is called directly brings its own permission
  }

  /** The n-th turn waits for the n-th number of the schedule. */
  private untilNoneIsAlive(context: WorkloadContext, what: string, end: boolean, tooLate: sfn.Parallel): sfn.Chain {
    const { scope, statePrefix, resultPath, schedulePath } = context;
    const begin = new sfn.Pass(scope, `${statePrefix}Begin${what}`, { parameters: { wait: { turn: 0 } }, resultPath });
    const look = new tasks.LambdaInvoke(scope, `${statePrefix}LookAt${what}`, {
      lambdaFunction: this.handler,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({ run: sfn.JsonPath.objectAt(context.runPath), compute: sfn.JsonPath.objectAt(context.computePath), end }),
      resultPath: `${resultPath}.seen`,
    });
    look.addRetry({ errors: ['States.ALL'], maxAttempts: 6 });
    context.failures.protect(look);
    const next = new sfn.Pass(scope, `${statePrefix}Next${what}`, {
      parameters: {
        'turn.$': `States.MathAdd(${resultPath}.wait.turn, 1)`,
        'seconds.$': `States.ArrayGetItem(${schedulePath}.waits, ${resultPath}.wait.turn)`,
      },
      resultPath: `${resultPath}.wait`,
    });
    const wait = new sfn.Wait(scope, `${statePrefix}WaitFor${what}`, { time: sfn.WaitTime.secondsPath(`${resultPath}.wait.seconds`) });
    const note = new sfn.Pass(scope, `${statePrefix}Note${what}`, { inputPath: `${resultPath}.seen`, resultPath });
    begin.next(look).next(new sfn.Choice(scope, `${statePrefix}Is${what}Over`)
      .when(sfn.Condition.numberEquals(`${resultPath}.seen.alive`, 0), note)
      .when(sfn.Condition.numberGreaterThanEqualsJsonPath(`${resultPath}.wait.turn`, `${schedulePath}.count`), tooLate)
      .otherwise(next.next(wait).next(look)));
    return sfn.Chain.custom(begin, [note], note);
  }

  /** An error with a name needs no function: a Fail can be caught around its branch. */
  private raise({ scope, statePrefix, failures }: WorkloadContext, error: string, cause: string): sfn.Parallel {
    const raise = new sfn.Parallel(scope, `${statePrefix}Raise${error}`, { resultPath: sfn.JsonPath.DISCARD });
    failures.protect(raise.branch(new sfn.Fail(scope, `${statePrefix}${error}`, { error, cause })));
    return raise;
  }

  private call({ scope, statePrefix, failures }: WorkloadContext, name: string, action: string, parameters: { [name: string]: unknown }) {
    const task = new tasks.CallAwsService(scope, `${statePrefix}${name}`, {
      service: 'batch', action, parameters, iamResources: ['*'], resultPath: sfn.JsonPath.DISCARD,
    });
    task.addRetry({ errors: ['States.ALL'], maxAttempts: 6 });
    failures.protect(task);
    return task;
  }
}

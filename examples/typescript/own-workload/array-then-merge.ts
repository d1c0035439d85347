import * as path from 'path';
import { Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { IWorkload, PreflightCheck, WorkloadContext } from 'cdk-lustre-auto-export';
import { Construct } from 'constructs';

export interface ArrayThenMergeProps {
  /** Number of children, 2 to 10,000. Each finds its own in `AWS_BATCH_JOB_ARRAY_INDEX`, from 0. */
  readonly size: number;
  readonly arrayCommand: string[];
  /** Of the job that begins when all children have succeeded, and sees what they wrote. */
  readonly mergeCommand: string[];
}

/** An array job, then a second job on the same file system. Image, vCPUs, memory and attempts are the run's parameters. */
export class ArrayThenMerge extends Construct implements IWorkload {
  private readonly handler: lambda.Function;
  private readonly steps: { [key: string]: unknown }[];

  constructor(scope: Construct, id: string, props: ArrayThenMergeProps) {
    super(scope, id);
    this.steps = [
      { name: 'array', size: props.size, command: props.arrayCommand },
      { name: 'merge', command: props.mergeCommand },
    ];
    // not the states themselves: SubmitJob has no idempotency token, so that somebody has to look before it is called again
    this.handler = new lambda.Function(this, 'Handler', {
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(path.join(__dirname, 'jobs')),
      timeout: Duration.minutes(2),
    });
    const batchArn = (resource: string, resourceName: string) => Stack.of(this).formatArn({ service: 'batch', resource, resourceName });
    const grant = (actions: string[], ...resources: string[]) => {
      const statement = new iam.PolicyStatement({ actions, resources });
      this.handler.addToRolePolicy(statement);
      return statement;
    };
    const ours = batchArn('job-definition', 'array-then-merge-*');
    grant(['batch:ListJobs', 'batch:DescribeJobDefinitions'], '*'); // they take no resource
    grant(['batch:RegisterJobDefinition', 'batch:DeregisterJobDefinition'], ours);
    grant(['batch:SubmitJob'], ours, batchArn('job-queue', '*'), batchArn('job', '*'));
    // nobody knows a job's id before it exists, so that its tag tells whose it is
    const tagged = (tag: string) => ({ Null: { [`aws:${tag}/array-then-merge`]: 'false' } });
    grant(['batch:TagResource'], batchArn('job', '*')).addConditions(tagged('RequestTag'));
    grant(['batch:TerminateJob'], batchArn('job', '*')).addConditions(tagged('ResourceTag'));
    // for who checks the app with cdk-nag; with aws-cdk-lib 2.257 or later, `Validations.of(this.handler).acknowledge` does the same
    const arn = 'arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>';
    this.handler.node.addMetadata('aws:cdk:acknowledged-rules', {
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]': 'it lets the function write its log',
      'AwsSolutions-IAM5[Resource::*]': 'ListJobs and DescribeJobDefinitions take no resource',
      [`AwsSolutions-IAM5[Resource::${arn}:job-definition/array-then-merge-*]`]: 'names carry the id of the run',
      [`AwsSolutions-IAM5[Resource::${arn}:job-queue/*]`]: 'the environment tells the queue at run time',
      [`AwsSolutions-IAM5[Resource::${arn}:job/*]`]: 'Batch chooses the id of a job',
    });
  }

  /** The image exists. */
  public preflightChecks(): PreflightCheck[] {
    return [PreflightCheck.containerImage()];
  }

  public run(context: WorkloadContext): sfn.IChainable {
    return this.untilDone(context, 'WorkOn', 'JobTimedOut');
  }

  public stop(context: WorkloadContext): sfn.IChainable {
    return this.untilDone(context, 'StopAll', 'JobsNotStopped');
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.handler.currentVersion.grantInvoke(grantee);
  }

  /** Calls the action again and again until it answers `done: true`. The n-th turn waits for the n-th number of the schedule. */
  private untilDone(context: WorkloadContext, action: string, tooLateError: string): sfn.Chain {
    const { scope, statePrefix, resultPath, schedulePath, failures } = context;
    const name = (text: string) => `${statePrefix}${text}`;

    const begin = new sfn.Pass(scope, name(`Begin${action}`), { parameters: { turn: 0 }, resultPath: `${resultPath}.wait` });
    const act = new tasks.LambdaInvoke(scope, name(action), {
      lambdaFunction: this.handler.currentVersion,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({
        action,
        steps: this.steps,
        run: sfn.JsonPath.objectAt(context.runPath),
        parameters: sfn.JsonPath.objectAt(context.parametersPath),
        compute: sfn.JsonPath.objectAt(context.computePath),
        job: sfn.JsonPath.objectAt(resultPath),
      }),
      resultPath,
      retryOnServiceExceptions: false,
    });
    act.addRetry({ errors: ['JobFailed'], maxAttempts: 0 });
    // the first pause is long enough for a list to show the job of a call whose answer was lost
    act.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(30), maxAttempts: 8, maxDelay: Duration.minutes(5) });
    failures.protect(act);

    const next = new sfn.Pass(scope, name(`NextTurnOf${action}`), {
      parameters: {
        'turn.$': `States.MathAdd(${resultPath}.wait.turn, 1)`,
        'seconds.$': `States.ArrayGetItem(${schedulePath}.waits, ${resultPath}.wait.turn)`,
      },
      resultPath: `${resultPath}.wait`,
    });
    const wait = new sfn.Wait(scope, name(`WaitFor${action}`), { time: sfn.WaitTime.secondsPath(`${resultPath}.wait.seconds`) });

    // a Fail of its own would end the run without its clean-up; within a Parallel it can be caught
    const tooLate = new sfn.Parallel(scope, name(`GiveUp${action}`), { resultPath: sfn.JsonPath.DISCARD });
    tooLate.branch(new sfn.Fail(scope, name(tooLateError), { error: tooLateError, cause: 'the time that the schedule gives is up' }));
    failures.protect(tooLate);

    const done = new sfn.Pass(scope, name(`${action}Done`));
    begin.next(act).next(new sfn.Choice(scope, name(`Is${action}Done`))
      .when(sfn.Condition.booleanEquals(`${resultPath}.done`, true), done)
      .when(sfn.Condition.numberGreaterThanEqualsJsonPath(`${resultPath}.wait.turn`, `${schedulePath}.count`), tooLate)
      .otherwise(next.next(wait).next(act)));
    return sfn.Chain.custom(begin, [done], done);
  }
}

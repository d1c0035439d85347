import * as path from 'path';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeLogWriting, acknowledgeWildcards } from './acknowledge';
import { PERMANENT_ERRORS } from './errors';
import { IFailurePath } from '../failure-path';

export interface PartFunctionProps {
  /** Name of the bundle under `assets/lambda`. */
  readonly bundle: string;
  readonly description: string;
  /** @default - a log group of the function's own */
  readonly logGroup?: logs.ILogGroup;
  readonly environment?: { [name: string]: string };
  /** @default Duration.minutes(2) */
  readonly timeout?: Duration;
}

export interface InvocationProps {
  /** Name of the state; the handler's action has the same name, without the prefix. */
  readonly action: string;
  readonly statePrefix: string;
  readonly payload: { [key: string]: unknown };
  readonly resultPath: string;
  readonly failures: IFailurePath;
  readonly comment?: string;
  /** How long an error is waited for before the first new try. @default Duration.seconds(2) */
  readonly retryAfter?: Duration;
}

/**
 * The one function of a part. Each Task that needs its answer read goes through it, so that an answer with a missing
 * field, or of more than 256 KiB, is an error that the state machine can catch (`States.Runtime` cannot be, E18).
 */
export class PartFunction extends Construct implements iam.IGrantable {
  public readonly grantPrincipal: iam.IPrincipal;
  public readonly role: iam.IRole;
  private readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: PartFunctionProps) {
    super(scope, id);
    this.function = new lambda.Function(this, 'Function', {
      description: props.description,
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(path.join(__dirname, '..', '..', 'assets', 'lambda', props.bundle)),
      memorySize: 256,
      timeout: props.timeout ?? Duration.minutes(2),
      environment: props.environment,
      logGroup: props.logGroup ?? new logs.LogGroup(this, 'Logs', { retention: logs.RetentionDays.THREE_MONTHS, removalPolicy: RemovalPolicy.RETAIN }),
      // an execution of 30 days outlives a deploy: it goes on with the bundle it was started with
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    this.grantPrincipal = this.function.grantPrincipal;
    this.role = this.function.role!;
    acknowledgeLogWriting(this.role);
  }

  /** The function itself, in its newest version, for what no execution waits for: a rule, CloudFormation. */
  public get newest(): lambda.IFunction {
    return this.function;
  }

  /** A Task that calls the function; every call is idempotent, so that all but deliberate errors are retried. */
  public invocation(scope: Construct, props: InvocationProps): tasks.LambdaInvoke {
    const task = new tasks.LambdaInvoke(scope, `${props.statePrefix}${props.action}`, {
      lambdaFunction: this.function.currentVersion,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({ action: props.action, ...props.payload }),
      resultPath: props.resultPath,
      retryOnServiceExceptions: false,
      taskTimeout: sfn.Timeout.duration(Duration.minutes(5)),
      comment: props.comment,
    });
    task.addRetry({ errors: PERMANENT_ERRORS, maxAttempts: 0 });
    // half an hour in all: a job of a week must not die of a quarter of an hour of trouble in one Describe
    task.addRetry({ errors: ['States.ALL'], interval: props.retryAfter ?? Duration.seconds(2), backoffRate: 2, maxAttempts: 13, maxDelay: Duration.minutes(5) });
    props.failures.protect(task);
    return task;
  }

  /** Lets the state machine call every version: one that is running calls the version of its own time. */
  public grantInvoke(grantee: iam.IGrantable): void {
    const { principalStatements } = this.function.grantInvoke(grantee);
    acknowledgeWildcards(grantee.grantPrincipal, principalStatements, 'the star stands for the versions of this one function');
  }
}

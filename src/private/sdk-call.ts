import * as iam from 'aws-cdk-lib/aws-iam';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { IFailurePath } from '../failure-path';

export interface SdkCallProps {
  /** Name of the service in an SDK integration's ARN: `ec2`, `batch`, `fsx`. */
  readonly service: string;
  /** The API action in camel case. */
  readonly action: string;
  /** Parameters in Pascal case, whatever the API's own case is (E4). */
  readonly parameters: { [name: string]: unknown };
  readonly comment?: string;
  /** Errors that lead elsewhere than into the failure path, at once or after all retries. */
  readonly expected?: { readonly errors: string[]; readonly retry: boolean; readonly then: sfn.IChainable; readonly resultPath: string };
  readonly failures: IFailurePath;
}

/**
 * A Task that calls an AWS API directly and drops its answer: nothing of it can be missing or too long.
 *
 * Unlike `CallAwsService` it grants nothing by itself: the part's `grantTo` does, narrowed by conditions. The calls are
 * idempotent, so every error is tried again: which name a transient error arrives under is not certain (E5, E5a).
 */
export class SdkCall extends sfn.TaskStateBase {
  protected readonly taskMetrics?: sfn.TaskMetricsConfig = undefined;
  protected readonly taskPolicies?: iam.PolicyStatement[] = undefined;

  constructor(scope: Construct, id: string, private readonly call: SdkCallProps) {
    super(scope, id, { comment: call.comment, resultPath: sfn.JsonPath.DISCARD, taskTimeout: sfn.Timeout.duration(Duration.minutes(5)) });
    if (call.expected) {
      if (!call.expected.retry) this.addRetry({ errors: call.expected.errors, maxAttempts: 0 });
      this.addCatch(call.expected.then, { errors: call.expected.errors, resultPath: call.expected.resultPath });
    }
    this.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 6, maxDelay: Duration.minutes(1) });
    call.failures.protect(this);
  }

  protected _renderTask(): object {
    const { service, action, parameters } = this.call;
    return {
      Resource: Stack.of(this).formatArn({
        service: 'states', region: '', account: '', resource: 'aws-sdk', resourceName: `${service}:${action}`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      Parameters: sfn.FieldUtils.renderObject(parameters),
    };
  }
}

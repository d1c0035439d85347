import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { BatchEnvironmentContext, ExportDrainContext, IBatchEnvironment, IExportDrainMonitor, PreflightCheck, SpotBatchEnvironment } from '../src';

/** What the document's function answers: are all values of the last `lambdaTimeDiffMinutes` zero? No values: no. */
const HANDLER = `
const { CloudWatchClient, GetMetricStatisticsCommand } = require('@aws-sdk/client-cloudwatch');
const cloudWatch = new CloudWatchClient({});
exports.handler = async ({ fileSystemId, periodSeconds, timeDiffMinutes }) => {
  const { Datapoints } = await cloudWatch.send(new GetMetricStatisticsCommand({
    Namespace: 'AWS/FSx', MetricName: 'AgeOfOldestQueuedMessage', Statistics: ['Average'], Period: periodSeconds,
    Dimensions: [{ Name: 'FileSystemId', Value: fileSystemId }, { Name: 'Publisher', Value: 'AutoExport' }],
    StartTime: new Date(Date.now() - timeDiffMinutes * 60000), EndTime: new Date(),
  }));
  return { allZero: Datapoints.length > 0 && Datapoints.every(({ Average }) => Average === 0), values: Datapoints.length };
};`;

/**
 * The drain of the document that this project began with, as anybody could write it against the public contracts:
 * CheckMetrics from the job's end on, every `waitForCheckMetricsSeconds`, until all values that it sees are zero.
 */
export class SeedMonitor extends Construct implements IExportDrainMonitor {
  private readonly handler = new lambda.Function(this, 'Handler', {
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(HANDLER),
    timeout: Duration.minutes(1),
    initialPolicy: [new iam.PolicyStatement({ actions: ['cloudwatch:GetMetricStatistics'], resources: ['*'] })],
  });

  public drain({ scope, statePrefix, resultPath, parametersPath, fileSystemPath, failures }: ExportDrainContext): sfn.IChainable {
    const check = new tasks.LambdaInvoke(scope, `${statePrefix}CheckMetrics`, {
      lambdaFunction: this.handler,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({
        fileSystemId: sfn.JsonPath.stringAt(`${fileSystemPath}.fileSystemId`),
        periodSeconds: sfn.JsonPath.numberAt(`${parametersPath}.lambdaPeriodSeconds`),
        timeDiffMinutes: sfn.JsonPath.numberAt(`${parametersPath}.lambdaTimeDiffMinutes`),
      }),
      resultPath,
    });
    failures.protect(check);
    const wait = new sfn.Wait(scope, `${statePrefix}WaitForMetrics`, { time: sfn.WaitTime.secondsPath(`${parametersPath}.waitForCheckMetricsSeconds`) });
    const exported = new sfn.Pass(scope, `${statePrefix}AllZero`, {
      parameters: { proven: true, reason: 'AllZero', evidence: sfn.JsonPath.objectAt(resultPath) }, resultPath,
    });
    check.next(new sfn.Choice(scope, `${statePrefix}AreAllZero`).when(sfn.Condition.booleanEquals(`${resultPath}.allZero`, true), exported).otherwise(wait.next(check)));
    return sfn.Chain.custom(check, [exported], exported);
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.handler.grantInvoke(grantee);
  }
}

/** The document's environment: after the job nobody waits for its instances, so that the first look at the metric is at the job's end. */
export class SeedEnvironment extends Construct implements IBatchEnvironment {
  private readonly inner = new SpotBatchEnvironment(this, 'Instances');
  public readonly vpc = this.inner.vpc;
  public readonly securityGroup = this.inner.securityGroup;

  public preflightChecks(): PreflightCheck[] {
    return this.inner.preflightChecks();
  }

  public reserve(context: BatchEnvironmentContext): sfn.IChainable {
    return this.inner.reserve(context);
  }

  public attach(context: BatchEnvironmentContext): sfn.IChainable {
    return this.inner.attach(context);
  }

  public detach({ scope, statePrefix }: BatchEnvironmentContext): sfn.IChainable {
    return new sfn.Pass(scope, `${statePrefix}LeaveInstances`);
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.inner.grantTo(grantee);
  }
}

import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { ExportDrainContext, IExportDrainMonitor } from '../../src';

/** Ten minutes without an old message, all after the last possible write, and a healthy link. */
const HANDLER = `
const { CloudWatchClient, GetMetricStatisticsCommand } = require('@aws-sdk/client-cloudwatch');
const { FSxClient, DescribeDataRepositoryAssociationsCommand } = require('@aws-sdk/client-fsx');
const cloudWatch = new CloudWatchClient({}), fsx = new FSxClient({});
exports.handler = async ({ fileSystem, association, job, compute }) => {
  const { Associations: [{ Lifecycle }] } = await fsx.send(new DescribeDataRepositoryAssociationsCommand({ AssociationIds: [association.associationId] }));
  const quiet = Math.max(Date.parse(job.lastWritePossibleAt), Date.parse(compute.quietAt || 0)) + 120000;
  const { Datapoints } = await cloudWatch.send(new GetMetricStatisticsCommand({
    Namespace: 'AWS/FSx', MetricName: 'AgeOfOldestQueuedMessage', Statistics: ['Maximum'], Period: 60,
    Dimensions: [{ Name: 'FileSystemId', Value: fileSystem.fileSystemId }, { Name: 'Publisher', Value: 'AutoExport' }],
    StartTime: new Date(Date.now() - 12 * 60000), EndTime: new Date(),
  }));
  const zeros = Datapoints.filter(({ Timestamp, Maximum }) => Timestamp.getTime() >= quiet && Maximum === 0).length;
  return { proven: Lifecycle === 'AVAILABLE' && zeros >= 10, link: Lifecycle, zeros };
};`;

/** How long it looks: once a minute. */
const LOOKS = 60;

/** A stranger's drain monitor: a small function of its own that reads the queue's metric once a minute. */
export class QuietQueueMonitor extends Construct implements IExportDrainMonitor {
  private readonly handler = new lambda.Function(this, 'Handler', {
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(HANDLER),
    timeout: Duration.minutes(1),
    initialPolicy: [new iam.PolicyStatement({ actions: ['fsx:DescribeDataRepositoryAssociations', 'cloudwatch:GetMetricStatistics'], resources: ['*'] })],
  });

  public drain({ scope, statePrefix, resultPath, ...context }: ExportDrainContext): sfn.IChainable {
    const begin = new sfn.Pass(scope, `${statePrefix}BeginLooking`, { parameters: { count: { looks: 0 } }, resultPath });
    const wait = new sfn.Wait(scope, `${statePrefix}WaitAMinute`, { time: sfn.WaitTime.duration(Duration.minutes(1)) });
    const count = new sfn.Pass(scope, `${statePrefix}CountLooks`, {
      parameters: { 'looks.$': `States.MathAdd(${resultPath}.count.looks, 1)` }, resultPath: `${resultPath}.count`,
    });
    const look = new tasks.LambdaInvoke(scope, `${statePrefix}LookAtQueue`, {
      lambdaFunction: this.handler,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({
        fileSystem: sfn.JsonPath.objectAt(context.fileSystemPath),
        association: sfn.JsonPath.objectAt(context.associationPath),
        job: sfn.JsonPath.objectAt(context.jobPath),
        compute: sfn.JsonPath.objectAt(context.computePath),
      }),
      resultPath: `${resultPath}.evidence`,
    });
    look.addRetry({ errors: ['States.ALL'], maxAttempts: 6 });
    context.failures.protect(look);
    const verdict = (name: string, proven: boolean) => new sfn.Pass(scope, `${statePrefix}${name}`, {
      parameters: { proven, reason: name, evidence: sfn.JsonPath.objectAt(`${resultPath}.evidence`) }, resultPath,
    });
    const [quiet, never] = [verdict('QueueQuiet', true), verdict('QueueNeverQuiet', false)];
    begin.next(wait).next(count).next(look).next(new sfn.Choice(scope, `${statePrefix}IsQueueQuiet`)
      .when(sfn.Condition.booleanEquals(`${resultPath}.evidence.proven`, true), quiet)
      .when(sfn.Condition.numberGreaterThanEquals(`${resultPath}.count.looks`, LOOKS), never)
      .otherwise(wait));
    return sfn.Chain.custom(begin, [quiet, never], never);
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.handler.grantInvoke(grantee); // LambdaInvoke does so, too
  }
}

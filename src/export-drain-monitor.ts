import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ExportDrainContext, IExportDrainMonitor } from './drain-monitor';
import { allow, NO_RESOURCE_TYPE, Permission } from './private/allow';
import { DrainReason, DrainSettings, EXPORT_DRAIN_BUNDLE } from './private/export-drain-payloads';
import { PartFunction } from './private/part-function';
import { PollLoop } from './private/poll-loop';
import { RunTag } from './private/tags';
import { check, validate } from './private/validation';

/**
 * Properties of an ExportDrainMonitor.
 */
export interface ExportDrainMonitorProps {
  /**
   * How many one-minute points of the queue's metric in a row have to be zero. From 3 to 60: fewer prove nothing, because
   * the metric still reads 0 for about a minute while a new backlog waits. The run-time parameters `lambdaPeriodSeconds`
   * and `lambdaTimeDiffMinutes` can only raise it.
   *
   * @default 3
   */
  readonly consecutiveZeros?: number;

  /**
   * How long after the end of an instance FSx may still export files that the instance had open, where its job did not
   * succeed. Between 5 minutes and 1 day.
   *
   * @default Duration.minutes(10)
   */
  readonly evictionTime?: Duration;

  /**
   * How long after a change the metric may still not show it. Between 1 minute and 1 hour.
   *
   * @default Duration.minutes(2)
   */
  readonly publicationLag?: Duration;

  /**
   * How long the link to S3 may be MISCONFIGURED before the drain fails with `AssociationMisconfigured`. FSx is asked once
   * to look again, after three quarters of it. Between 4 minutes and 1 day.
   *
   * @default Duration.minutes(20)
   */
  readonly misconfiguredGrace?: Duration;

  /**
   * How long a metric that says nothing (no data points, old ones, gaps) delays the proof by an export task. It begins when
   * the metric could have shown an empty queue, and again whenever it shows one that is not. Without an export task
   * (`exportVerification` METRIC_ONLY) such a metric never proves anything. Between 1 minute and 1 day.
   *
   * @default Duration.minutes(20)
   */
  readonly metricGrace?: Duration;

  /**
   * How long nothing may move (the queue's age, objects under the prefix, counts of the export task) before the drain fails
   * with `ExportStalled`. Between 1 hour and 7 days.
   *
   * @default Duration.hours(12)
   */
  readonly stallTimeout?: Duration;

  /**
   * Log group of the function that looks at the export.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * Proves that everything is exported: the link to S3 is healthy; the age of the oldest queued change was zero for a while
 * that began after the last possible write; automatic export is switched off, and an export task finds nothing that it
 * could not export. `exportVerification` of a run chooses among these. No data is never taken for zero.
 *
 * Ends with `FilesNotExported`, `ExportStalled`, `DrainTimedOut`, `AutoExportNotSwitchedOff`, `AssociationMisconfigured`,
 * `AssociationFailed` or `ExportNotProven` where it cannot be proven.
 */
export class ExportDrainMonitor extends Construct implements IExportDrainMonitor {
  private readonly function: PartFunction;
  private readonly settings: DrainSettings;
  private readonly readable = new Set<s3.IBucket>();

  constructor(scope: Construct, id: string, props: ExportDrainMonitorProps = {}) {
    super(scope, id);
    const consecutiveZeros = props.consecutiveZeros ?? 3; // B7
    const evictionTime = props.evictionTime ?? Duration.minutes(10); // G4, C9: after minutes
    const publicationLag = props.publicationLag ?? Duration.minutes(2); // B5: 60-70 s, and a minute for the first reading of a backlog (B6)
    const misconfiguredGrace = props.misconfiguredGrace ?? Duration.minutes(20); // A3.2a: 15 minutes, and some for the re-trigger
    const metricGrace = props.metricGrace ?? Duration.minutes(20);
    const stallTimeout = props.stallTimeout ?? Duration.hours(12);
    validate(this,
      check.wholeNumber('consecutiveZeros', consecutiveZeros, 3, 60),
      check.duration('evictionTime', evictionTime, Duration.minutes(5), Duration.days(1)),
      check.duration('publicationLag', publicationLag, Duration.minutes(1), Duration.hours(1)),
      check.duration('misconfiguredGrace', misconfiguredGrace, Duration.minutes(4), Duration.days(1)),
      check.duration('metricGrace', metricGrace, Duration.minutes(1), Duration.days(1)),
      check.duration('stallTimeout', stallTimeout, Duration.hours(1), Duration.days(7)),
    );
    this.settings = {
      consecutiveZeros,
      evictionSeconds: evictionTime.toSeconds(),
      publicationLagSeconds: publicationLag.toSeconds(),
      misconfiguredGraceSeconds: misconfiguredGrace.toSeconds(),
      metricGraceSeconds: metricGrace.toSeconds(),
      stallSeconds: stallTimeout.toSeconds(),
    };
    this.function = new PartFunction(this, 'Handler', {
      bundle: EXPORT_DRAIN_BUNDLE,
      description: 'Looks whether everything that a run wrote is exported',
      logGroup: props.logGroup,
    });
    this.grantHandler();
  }

  public drain(context: ExportDrainContext): sfn.IChainable {
    const { scope, statePrefix, resultPath } = context;
    const evidencePath = `${resultPath}.evidence`;
    this.allowReading(context.bucket);
    const begin = new sfn.Pass(scope, `${statePrefix}BeginDrain`, {
      comment: 'not proven until shown otherwise',
      parameters: { proven: false, reason: DrainReason.NOT_PROVEN, evidence: { reason: DrainReason.NOT_LOOKED_YET, memory: {} } },
      resultPath,
    });
    const giveUp = this.invocation(context, 'GiveUpDrain', `${resultPath}.end`, {});
    const act = (action: string) => this.invocation(context, action, `${evidencePath}.memory`, {
      run: sfn.JsonPath.objectAt(context.runPath),
      fileSystem: sfn.JsonPath.objectAt(context.fileSystemPath),
      association: sfn.JsonPath.objectAt(context.associationPath),
      execution: sfn.JsonPath.stringAt('$$.Execution.Id'),
    });
    const switchOff = act('SwitchOffAutomaticExport');
    const startTask = act('StartExportTask');
    const loop = new PollLoop(scope, {
      statePrefix,
      wait: 'WaitForExport',
      checks: [this.invocation(context, 'CheckMetrics', evidencePath, {
        run: sfn.JsonPath.objectAt(context.runPath),
        execution: sfn.JsonPath.stringAt('$$.Execution.Id'),
        parameters: sfn.JsonPath.objectAt(context.parametersPath),
        fileSystem: sfn.JsonPath.objectAt(context.fileSystemPath),
        association: sfn.JsonPath.objectAt(context.associationPath),
        job: sfn.JsonPath.objectAt(context.jobPath),
        compute: sfn.JsonPath.objectAt(context.computePath),
        settings: this.settings,
      })],
      choice: 'IsExportComplete',
      done: sfn.Condition.and(
        sfn.Condition.isPresent(`${evidencePath}.memory.firstLookAt`),
        sfn.Condition.isPresent(`${evidencePath}.lookedAt`),
        sfn.Condition.isPresent(`${evidencePath}.reason`),
        this.verdict(evidencePath, 'PROVEN'),
      ),
      branches: [
        { when: this.verdict(evidencePath, 'FAILED'), then: () => giveUp },
        { when: this.verdict(evidencePath, 'SWITCH_OFF'), then: (again) => switchOff.next(again) },
        { when: this.verdict(evidencePath, 'START_TASK'), then: (again) => startTask.next(again) },
      ],
      giveUp,
      schedulePath: context.schedulePath,
      counterPath: `${resultPath}.wait`,
      lookFirst: true,
    });
    const proven = new sfn.Pass(scope, `${statePrefix}ExportProven`, {
      parameters: {
        proven: true,
        reason: sfn.JsonPath.stringAt(`${evidencePath}.reason`),
        evidence: sfn.JsonPath.objectAt(evidencePath),
        startedAt: sfn.JsonPath.stringAt(`${evidencePath}.memory.firstLookAt`),
        endedAt: sfn.JsonPath.stringAt(`${evidencePath}.lookedAt`),
      },
      resultPath,
    });
    return begin.next(loop.chain).next(proven);
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.function.grantInvoke(grantee);
  }

  private invocation(context: ExportDrainContext, action: string, resultPath: string, payload: { [key: string]: unknown }) {
    const { scope, statePrefix, failures } = context;
    return this.function.invocation(scope, {
      action, statePrefix, failures, resultPath, payload: { ...payload, export: sfn.JsonPath.objectAt(context.resultPath) },
    });
  }

  private verdict(evidencePath: string, verdict: string): sfn.Condition {
    return sfn.Condition.and(sfn.Condition.isPresent(`${evidencePath}.verdict`), sfn.Condition.stringEquals(`${evidencePath}.verdict`, verdict));
  }

  private grant(permission: Permission): void {
    allow(this.function, permission);
  }

  private grantHandler(): void {
    const arnOf = (resource: string) => Stack.of(this).formatArn({ service: 'fsx', resource, resourceName: '*' });
    const ours = { Null: { [`aws:ResourceTag/${RunTag.RUN_ID}`]: 'false' } }; // of a run of this library only
    const asOurs = { Null: { [`aws:RequestTag/${RunTag.RUN_ID}`]: 'false' } };
    const wildcards = 'FSx chooses the ids; a condition on the tag of a run admits what runs have made and make alone';
    this.grant({
      actions: ['fsx:DescribeDataRepositoryAssociations', 'fsx:DescribeDataRepositoryTasks', 'cloudwatch:GetMetricStatistics'],
      resources: ['*'],
      wildcards: NO_RESOURCE_TYPE,
    });
    this.grant({ actions: ['fsx:UpdateDataRepositoryAssociation'], resources: [arnOf('association')], conditions: ours, wildcards });
    // the task is made with its tags, on a file system that has its own already
    this.grant({ actions: ['fsx:CreateDataRepositoryTask'], resources: [arnOf('file-system')], conditions: ours, wildcards });
    this.grant({ actions: ['fsx:CreateDataRepositoryTask', 'fsx:TagResource'], resources: [arnOf('task')], conditions: asOurs, wildcards });
  }

  /** What lands in the bucket is progress, and the report of a task lies in it; nothing else is ever read. */
  private allowReading(bucket: s3.IBucket): void {
    if (this.readable.has(bucket)) return; // rendered twice
    this.readable.add(bucket);
    this.grant({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] });
    const reports = ['.lustre-auto-export/*', '*/.lustre-auto-export/*'];
    this.grant({
      actions: ['s3:GetObject'],
      resources: reports.map((pattern) => bucket.arnForObjects(pattern)),
      wildcards: 'FSx chooses the names of the reports, the run their folder; nothing outside of .lustre-auto-export/ is read',
    });
    bucket.encryptionKey?.grantDecrypt(this.function);
  }
}

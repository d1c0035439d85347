import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ExportDrainContext, IExportDrainMonitor } from './drain-monitor';
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
   * Log group of the function that looks at the export.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * Waits until the queue of automatic export is proven to be empty: the link to S3 is healthy, and the age of the oldest
 * queued change was zero for a while that began after the last possible write. No data is never taken for zero.
 *
 * Ends with `DrainTimedOut`, `AssociationMisconfigured`, `AssociationFailed` or `ExportNotProven` where it cannot be proven.
 */
export class ExportDrainMonitor extends Construct implements IExportDrainMonitor {
  private readonly function: PartFunction;
  private readonly settings: DrainSettings;

  constructor(scope: Construct, id: string, props: ExportDrainMonitorProps = {}) {
    super(scope, id);
    const consecutiveZeros = props.consecutiveZeros ?? 3; // B7
    const evictionTime = props.evictionTime ?? Duration.minutes(10); // G4
    const publicationLag = props.publicationLag ?? Duration.minutes(2); // B5: 60-70 s, and a minute for the first reading of a backlog (B6)
    const misconfiguredGrace = props.misconfiguredGrace ?? Duration.minutes(20); // A3.2a: 15 minutes, and some for the re-trigger
    validate(this,
      check.wholeNumber('consecutiveZeros', consecutiveZeros, 3, 60),
      check.duration('evictionTime', evictionTime, Duration.minutes(5), Duration.days(1)),
      check.duration('publicationLag', publicationLag, Duration.minutes(1), Duration.hours(1)),
      check.duration('misconfiguredGrace', misconfiguredGrace, Duration.minutes(4), Duration.days(1)),
    );
    this.settings = {
      consecutiveZeros,
      evictionSeconds: evictionTime.toSeconds(),
      publicationLagSeconds: publicationLag.toSeconds(),
      misconfiguredGraceSeconds: misconfiguredGrace.toSeconds(),
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
    const begin = new sfn.Pass(scope, `${statePrefix}BeginDrain`, {
      comment: 'not proven until shown otherwise',
      parameters: { proven: false, reason: DrainReason.NOT_PROVEN, evidence: { reason: DrainReason.NOT_LOOKED_YET, memory: {} } },
      resultPath,
    });
    const giveUp = this.invocation(context, 'GiveUpDrain', `${resultPath}.end`, {});
    const loop = new PollLoop(scope, {
      statePrefix,
      wait: 'WaitForExport',
      checks: [this.invocation(context, 'CheckMetrics', evidencePath, {
        run: sfn.JsonPath.objectAt(context.runPath),
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
        this.verdict(evidencePath, 'PROVEN'),
      ),
      branches: [{ when: this.verdict(evidencePath, 'FAILED'), then: () => giveUp }],
      giveUp,
      schedulePath: context.schedulePath,
      counterPath: `${resultPath}.wait`,
      lookFirst: true,
    });
    const proven = new sfn.Pass(scope, `${statePrefix}ExportProven`, {
      parameters: {
        proven: true,
        reason: DrainReason.QUEUE_EMPTY,
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

  private grantHandler(): void {
    const grant = (props: iam.PolicyStatementProps) => this.function.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement(props));
    // Service Authorization Reference: the FSx Describe and GetMetricStatistics take no resource and no condition key
    grant({ actions: ['fsx:DescribeDataRepositoryAssociations', 'cloudwatch:GetMetricStatistics'], resources: ['*'] });
    grant({
      actions: ['fsx:UpdateDataRepositoryAssociation'],
      resources: [Stack.of(this).formatArn({ service: 'fsx', resource: 'association', resourceName: '*' })],
      conditions: { Null: { [`aws:ResourceTag/${RunTag.RUN_ID}`]: 'false' } }, // associations of a run of this library only
    });
  }
}

import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { IFailurePath } from './failure-path';

/**
 * What a drain monitor is told when it renders its states. Every `...Path` is a JSON path into the state document.
 */
export interface ExportDrainContext {
  /** Scope to create the states under. */
  readonly scope: Construct;
  /** Put before the name of every state, so that a part can be rendered twice into one state machine. */
  readonly statePrefix: string;
  /** `{ id, executionArn, startedAt, token }` of the run. */
  readonly runPath: string;
  /** The run's parameters, by the names that the secret uses. */
  readonly parametersPath: string;
  /** `{ fileSystemId, mountName }`. */
  readonly fileSystemPath: string;
  /** `{ associationId, fileSystemPath, dataRepositoryPath }` of the association that exports. */
  readonly associationPath: string;
  /** `{ outcome, mayHaveWritten, lastWritePossibleAt }` of the workload. */
  readonly jobPath: string;
  /** What the batch environment wrote, `quietAt` in it, if there, is when its last instance was seen gone. */
  readonly computePath: string;
  /**
   * The one place in the document that the monitor writes to. Afterwards it holds at least
   * `{ proven, reason, evidence }`. Only `proven` with the value true lets the file system be deleted, a missing key is false.
   * A monitor that knows which files did not arrive puts them into `evidence.failedFiles`: `{ total, byReason: { <reason>:
   * { count, files, fix } }, report }`; the error and the output of the run name them.
   */
  readonly resultPath: string;
  /** `{ waits, count }`: the seconds to wait before each look. No wait left means that the time is up. */
  readonly schedulePath: string;
  /** Bucket of the association, for a monitor that looks into it: what it needs there it grants to its own function. */
  readonly bucket: s3.IBucket;
  /** What happens when a state fails: the file system is kept. */
  readonly failures: IFailurePath;
}

/**
 * Answers when every byte that was written is in S3.
 *
 * There is no implementation that does nothing: without an answer the file system is never deleted.
 * Implementations: `ExportDrainMonitor`.
 */
export interface IExportDrainMonitor {
  /**
   * Renders the states that wait until the export is complete, and write the verdict.
   * No job of the run writes any more when they begin. A monitor may switch automatic export off: a file system that is
   * kept gets it back.
   *
   * @param context where the states belong, and which paths they read and write
   */
  drain(context: ExportDrainContext): sfn.IChainable;

  /**
   * Grants what the rendered states need to the role of the state machine.
   *
   * @param grantee the state machine that the states are in
   */
  grantTo(grantee: iam.IGrantable): void;
}

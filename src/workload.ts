import * as iam from 'aws-cdk-lib/aws-iam';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { IFailurePath } from './failure-path';
import { PreflightCheck } from './preflight-check';

/**
 * What a workload is told when it renders its states. Every `...Path` is a JSON path into the state document.
 */
export interface WorkloadContext {
  /** Scope to create the states under. */
  readonly scope: Construct;
  /** Put before the name of every state, so that a part can be rendered twice into one state machine. */
  readonly statePrefix: string;
  /** `{ id, executionArn, startedAt, token }` of the run. */
  readonly runPath: string;
  /** The run's parameters, by the names that the secret uses. */
  readonly parametersPath: string;
  /** `{ jobQueueArn, hostPath }` of the batch environment. Empty where the environment was never attached. */
  readonly computePath: string;
  /**
   * The one place in the document that the workload writes to. After `run` and after `stop` it holds at least
   * `{ outcome: 'SUCCEEDED' | 'FAILED' | 'STOPPED', mayHaveWritten, lastWritePossibleAt }`.
   * `lastWritePossibleAt` (ISO 8601) includes the time a dead client needs to be evicted.
   */
  readonly resultPath: string;
  /** `{ waits, count }`: the seconds to wait before each look. No wait left means that the time is up. */
  readonly schedulePath: string;
  /** What happens when a state fails. */
  readonly failures: IFailurePath;
}

/**
 * What a run computes while its file system is there.
 *
 * Implementations: `BatchJobWorkload`.
 */
export interface IWorkload {
  /** What has to be true before a run may create anything. May be empty. */
  preflightChecks(): PreflightCheck[];

  /**
   * Renders the states that do the work and end when it has succeeded. Work that fails ends in the failure path.
   *
   * @param context where the states belong, and which paths they read and write
   */
  run(context: WorkloadContext): sfn.IChainable;

  /**
   * Renders the states that end when no job of this run is left that can write. They run after success and after
   * failure, are idempotent, and are safe where `run` never began or got half way.
   *
   * @param context where the states belong, and which paths they read and write
   */
  stop(context: WorkloadContext): sfn.IChainable;

  /**
   * Grants what the rendered states need to the role of the state machine.
   *
   * @param grantee the state machine that the states are in
   */
  grantTo(grantee: iam.IGrantable): void;
}

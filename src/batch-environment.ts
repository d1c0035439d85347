import * as iam from 'aws-cdk-lib/aws-iam';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { IFailurePath } from './failure-path';
import { PreflightCheck } from './preflight-check';

/**
 * What a batch environment is told when it renders its states. Every `...Path` is a JSON path into the state document.
 */
export interface BatchEnvironmentContext {
  /** Scope to create the states under. */
  readonly scope: Construct;
  /** Put before the name of every state, so that a part can be rendered twice into one state machine. */
  readonly statePrefix: string;
  /** `{ id, executionArn, startedAt, token }` of the run. */
  readonly runPath: string;
  /** `{ fileSystemId, mountName }`: known as soon as the file system is being created. */
  readonly fileSystemPath: string;
  /** `{ fileSystemPath }`: the directory of the file system that is exported, with a leading slash. */
  readonly associationPath: string;
  /**
   * The one place in the document that the environment writes to.
   * After `attach` it holds at least `{ jobQueueArn, hostPath }`. After `detach` also `quietAt`, the time (ISO 8601)
   * from which no instance of this run could write any more, if the environment knows it.
   */
  readonly resultPath: string;
  /** `{ waits, count }`: the seconds to wait before each look. No wait left means that the time is up. */
  readonly schedulePath: string;
  /** What happens when a state fails. */
  readonly failures: IFailurePath;
}

/**
 * Where jobs run: something that gives a job queue whose instances show the run's file system at a host path.
 *
 * Implementations: `SpotBatchEnvironment`.
 */
export interface IBatchEnvironment {
  /** What has to be true before a run may create anything. May be empty. */
  preflightChecks(): PreflightCheck[];

  /**
   * Renders the states that wait until this run may use the environment. Nothing that costs money has been created when
   * they run. `detach` gives it back. An environment that any number of runs can use at once renders a Pass state.
   *
   * @param context where the states belong, and which paths they read and write
   */
  reserve(context: BatchEnvironmentContext): sfn.IChainable;

  /**
   * Renders the states that make the run's file system visible to the jobs of a queue.
   * The file system may still be in creation when they run.
   *
   * @param context where the states belong, and which paths they read and write
   */
  attach(context: BatchEnvironmentContext): sfn.IChainable;

  /**
   * Renders the states that undo `attach` and end when no instance of this run can write any more.
   * They are idempotent, and safe where `reserve` or `attach` never began or got half way. What `reserve` took they give
   * back at their very end.
   *
   * @param context where the states belong, and which paths they read and write
   */
  detach(context: BatchEnvironmentContext): sfn.IChainable;

  /**
   * Grants what the rendered states need to the role of the state machine.
   *
   * @param grantee the state machine that the states are in
   */
  grantTo(grantee: iam.IGrantable): void;
}

import * as sfn from 'aws-cdk-lib/aws-stepfunctions';

/**
 * The life of one file system per execution, from creation to deletion.
 *
 * Implementations: `LustreLifecycleStateMachine`.
 */
export interface ILustreLifecycle {
  /** The state machine. Each of its executions is a run. */
  readonly stateMachine: sfn.IStateMachine;
}

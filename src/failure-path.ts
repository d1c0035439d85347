import * as sfn from 'aws-cdk-lib/aws-stepfunctions';

/**
 * The way out of a part when one of its states fails.
 *
 * The orchestrator lends it to each part through the part's context, so that a part needs no knowledge of what
 * happens after a failure.
 */
export interface IFailurePath {
  /**
   * Adds the Catch that leads into the failure path to a Task, Map or Parallel state.
   *
   * Call it for every Task, Map and Parallel state that a part renders at the top level. A Task inside of a Map or
   * Parallel cannot lead out of it: protect the Map or Parallel instead. Protecting a state twice changes nothing.
   *
   * @param state the state, with its Retry
   * @throws if the state is of a type that the States Language does not let catch errors
   */
  protect(state: sfn.State): void;
}

import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { IFailurePath } from '../failure-path';

/** A failure path that begins at one state and puts the error at one place of the document. */
export class CatchInto implements IFailurePath {
  // a second catcher for States.ALL would make the definition invalid
  private readonly caught = new WeakSet<sfn.State>();

  /**
   * @param target where a failure leads
   * @param resultPath where `{ Error, Cause }` is put
   */
  constructor(
    private readonly target: sfn.IChainable,
    private readonly resultPath: string,
  ) {}

  public protect(state: sfn.State): void {
    if (!('addCatch' in state)) throw new Error(`state ${state.stateId} cannot catch errors: only Task, Map and Parallel states can be protected`);
    const { addCatch } = state as sfn.TaskStateBase;
    if (this.caught.has(state)) return;
    this.caught.add(state);
    addCatch.call(state, this.target, { errors: ['States.ALL'], resultPath: this.resultPath });
  }
}

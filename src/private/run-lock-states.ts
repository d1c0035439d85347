import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { EnvironmentSettings } from './batch-environment-payloads';
import { PartFunction } from './part-function';
import { PollLoop } from './poll-loop';
import { BatchEnvironmentContext } from '../batch-environment';
import { IFailurePath } from '../failure-path';

/** The states that give an environment to one run at a time, and take it back. */
export class RunLockStates {
  constructor(private readonly handler: PartFunction, private readonly settings: EnvironmentSettings) {}

  public reserve(context: BatchEnvironmentContext): sfn.IChainable {
    const { scope, statePrefix, resultPath, failures } = context;
    const lock = `${resultPath}.lock`;
    const reserved = sfn.Condition.and(sfn.Condition.isPresent(`${lock}.reserved`), sfn.Condition.booleanEquals(`${lock}.reserved`, true));
    return new PollLoop(scope, {
      statePrefix,
      wait: 'WaitForFreeComputeEnvironment',
      checks: [this.invocation(context, 'ReserveComputeEnvironment', lock)],
      choice: 'IsComputeEnvironmentReserved',
      done: reserved,
      giveUp: this.handler.invocation(scope, {
        action: 'GiveUpOnReservation', statePrefix, resultPath: `${resultPath}.gaveUp`, failures, payload: { lock: sfn.JsonPath.objectAt(lock) },
      }),
      schedulePath: context.schedulePath,
      counterPath: `${resultPath}.wait`,
      lookFirst: true,
    }).chain;
  }

  /** Best effort: a lock that stays is taken over, because its run has ended. */
  public release(context: BatchEnvironmentContext, onwards: sfn.IChainable): sfn.IChainable {
    const failures: IFailurePath = {
      protect: (state) => {
        (state as sfn.TaskStateBase).addCatch(onwards, { errors: ['States.TaskFailed', 'States.Timeout'], resultPath: sfn.JsonPath.DISCARD });
        context.failures.protect(state);
      },
    };
    return this.invocation({ ...context, failures }, 'ReleaseComputeEnvironment', sfn.JsonPath.DISCARD).next(onwards);
  }

  private invocation({ scope, statePrefix, runPath, failures }: BatchEnvironmentContext, action: string, resultPath: string) {
    return this.handler.invocation(scope, {
      action,
      statePrefix,
      resultPath,
      failures,
      payload: { settings: this.settings, run: sfn.JsonPath.objectAt(runPath), self: sfn.JsonPath.stringAt('$$.Execution.Id') },
    });
  }
}

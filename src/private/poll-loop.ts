import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

export interface PollLoopProps {
  readonly statePrefix: string;
  /** Name of the Wait state. */
  readonly wait: string;
  /** A Task between the beginning and the first wait; a branch can come back to it. */
  readonly first?: sfn.TaskStateBase;
  /** The looks that are taken after each wait, in order. */
  readonly checks: (sfn.State & sfn.IChainable & sfn.INextable)[];
  /** Name of the Choice that judges them. */
  readonly choice: string;
  /** What ends the loop well. */
  readonly done: sfn.Condition;
  /** Other ways to go on, in order, looked at after `done`; each leads back into the loop or out of it. */
  readonly branches?: { readonly when: sfn.Condition; readonly then: (again: sfn.IChainable) => sfn.IChainable }[];
  /** A Task that raises the named error of the deadline. */
  readonly giveUp: sfn.TaskStateBase;
  readonly schedulePath: string;
  /** Where the loop counts. */
  readonly counterPath: string;
  /** @default false - wait before the first look */
  readonly lookFirst?: boolean;
}

/**
 * A loop with back-off and deadline: the n-th turn waits for the n-th number of a schedule that was computed once;
 * a schedule without a number left is the deadline (JSONPath can neither multiply nor do dates).
 */
export class PollLoop {
  /** One turn: wait, look, judge. */
  public readonly next: sfn.Pass;
  /** The loop as one link of a chain: what follows is where it goes on when it has ended well. */
  public readonly chain: sfn.IChainable;

  constructor(scope: Construct, props: PollLoopProps) {
    const name = (text: string) => `${props.statePrefix}${text}`;
    const begin = new sfn.Pass(scope, name(`Begin${props.wait}`), {
      parameters: { turn: 0, seconds: 0 },
      resultPath: props.counterPath,
    });
    const next = this.next = new sfn.Pass(scope, name(`Next${props.wait}`), {
      parameters: {
        'turn.$': `States.MathAdd(${props.counterPath}.turn, 1)`,
        'seconds.$': `States.ArrayGetItem(${props.schedulePath}.waits, ${props.counterPath}.turn)`,
      },
      resultPath: props.counterPath,
    });
    const wait = new sfn.Wait(scope, name(props.wait), { time: sfn.WaitTime.secondsPath(`${props.counterPath}.seconds`) });
    const choice = new sfn.Choice(scope, name(props.choice));
    next.next(wait);
    sfn.Chain.start(wait).next(props.checks.slice(1).reduce<sfn.Chain>((chain, check) => chain.next(check), sfn.Chain.start(props.checks[0]))).next(choice);
    const firstTurn = props.lookFirst ? props.checks[0] : next;
    begin.next(props.first ? props.first.next(firstTurn) : firstTurn);

    const deadline = sfn.Condition.numberGreaterThanEqualsJsonPath(`${props.counterPath}.turn`, `${props.schedulePath}.count`);
    // raising is the giveUp Task's whole purpose; the Fail state is where a Task that answered all the same would end
    props.giveUp.next(new sfn.Fail(scope, name(`${props.wait}Ended`), { error: 'DeadlineNotRaised', cause: 'a task that raises the deadline answered instead' }));

    const judge = (onwards: sfn.IChainable) => {
      choice.when(props.done, onwards);
      for (const branch of props.branches ?? []) {
        choice.when(sfn.Condition.and(sfn.Condition.not(deadline), branch.when), branch.then(next));
      }
      choice.when(deadline, props.giveUp);
      choice.otherwise(next);
      return sfn.Chain.start(choice);
    };
    // branches are looked at in their order, so that they are all added when the first one's target is known
    this.chain = sfn.Chain.custom(begin, [{ next: judge }], choice);
  }
}

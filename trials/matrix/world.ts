import { Happening, Plan, Way } from './cell';
import { Run } from '../../local/engine';
import { Fault } from '../../local/faults';
import { HistoryEvent } from '../../local/history';
import { BRISK, Rehearsal } from '../../test/helpers/pipeline-run';

const ENDS = ['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut'];

/** What is kept without need is looked at again within the day. */
const PATIENCE_HOURS = 30;

/** A fault as the plan has it, until it lifts: from then on it is due at no time. */
function liftable(fault: Fault, isOver: () => boolean): Fault {
  const { nth = 1 } = fault as { nth?: unknown };
  return Object.defineProperty({ ...fault }, 'nth', { enumerable: true, get: () => isOver() ? 0 : nth });
}

/** The world of a way, in which a plan goes wrong. */
export class World {
  readonly rehearsal: Rehearsal;
  /** Executions in the order in which they began. */
  readonly executions: string[] = [];
  private isOver = false;
  private readonly prepared: (() => void)[] = [];
  private readonly undo = new Map<string, (() => void)[]>();
  private readonly happened = new Set<Happening>();

  /** @param listen told of every line of every history */
  constructor(readonly way: Way, private readonly plan: Plan, listen: (event: HistoryEvent, executionArn: string) => void = () => undefined) {
    const base = way.options?.() ?? {};
    this.rehearsal = new Rehearsal({
      events: true,
      ...base,
      ...plan.options,
      faults: [...base.faults ?? [], ...(plan.options?.faults ?? []), ...(plan.faults ?? []).map((fault) => 'at' in fault ? fault : liftable(fault, () => this.isOver))],
      onEvent: (event, executionArn) => {
        this.listen(event, executionArn);
        listen(event, executionArn);
      },
    } as ConstructorParameters<typeof Rehearsal>[0]);
    this.rehearsal.models.fsx.durations.delete = 60_000;
    for (const { prepare } of [way, plan]) {
      const undo = prepare?.(this.rehearsal);
      if (undo) this.prepared.push(undo);
    }
  }

  async perform(): Promise<Run[]> {
    const input = { ...BRISK, ...this.way.input, ...this.plan.input };
    const perform = this.plan.perform ?? this.way.perform ?? ((rehearsal: Rehearsal) => rehearsal.run(input));
    const runs = await perform(this.rehearsal, input);
    return Array.isArray(runs) ? runs : [runs];
  }

  /** Lets the cleaner's sweeps pass until nothing is left, or nothing more can be expected. @returns what is wrong with what is there then */
  async rest(patienceHours = PATIENCE_HOURS): Promise<string[]> {
    const { rehearsal } = this;
    const { engine: { clock }, models } = rehearsal;
    const until = clock.now() + patienceHours * 3_600_000;
    for (;;) {
      const found = await rehearsal.violations(); // an hour and some sweeps pass
      if (clock.now() >= until || (found.length === 0 && models.fsx.living().length === 0)) return found;
    }
  }

  private listen({ type, state }: HistoryEvent, executionArn: string): void {
    if (type === 'ExecutionStarted') this.executions.push(executionArn);
    if (type === 'StateEntered') this.happen(state, executionArn);
    if (ENDS.includes(type)) this.ended(executionArn);
  }

  private happen(state: string, executionArn: string): void {
    const due = (this.plan.happenings ?? []).filter((each) => each.enter === state && this.executions[each.execution ?? 0] === executionArn);
    for (const happening of due.filter((each) => !this.happened.has(each))) {
      this.happened.add(happening);
      const { lasts } = happening;
      const undo = happening.do(this.rehearsal, executionArn);
      if (undo && lasts === 'execution') this.until(executionArn, undo);
      if (undo && typeof lasts === 'number') this.rehearsal.engine.clock.after(lasts * 1000, undo);
    }
  }

  private until(executionArn: string, undo: () => void): void {
    this.undo.set(executionArn, [...this.undo.get(executionArn) ?? [], undo]);
  }

  private ended(executionArn: string): void {
    const index = this.executions.indexOf(executionArn);
    const { liftsWith = 0 } = this.plan;
    const lift = () => { this.isOver = true; };
    if (index === liftsWith) lift();
    if (index === 0) {
      this.prepared.splice(0).forEach((undo) => undo());
      if (typeof liftsWith === 'object') this.rehearsal.engine.clock.after(liftsWith.hours * 3_600_000, lift);
    }
    for (const undo of this.undo.get(executionArn) ?? []) undo();
    this.undo.delete(executionArn);
  }
}

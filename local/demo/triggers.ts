import { DemoListener } from './demo-run';
import { Trigger } from './faults';
import { LocalEngine } from '../engine';
import { HistoryEvent } from '../history';

/** Lets happen what a fault says, each once. */
export class Triggers {
  private readonly left: Set<Trigger>;
  private readonly visits = new Map<string, number>();

  constructor(
    private readonly engine: () => LocalEngine, triggers: readonly Trigger[] = [], private readonly files: number, private readonly listener: DemoListener,
  ) {
    this.left = new Set(triggers);
  }

  passed({ type, state, time }: HistoryEvent): void {
    if (type === 'StateEntered') this.visits.set(state, (this.visits.get(state) ?? 0) + 1);
    this.fire(Date.parse(time), ({ when }) => {
      if (type === 'StateEntered') return 'enters' in when && when.enters === state && this.visits.get(state) === (when.visit ?? 1);
      return type === 'StateExited' && 'leaves' in when && when.leaves === state;
    });
  }

  written(files: number, time: number): void {
    this.fire(time, ({ when }) => 'written' in when && files >= when.written * this.files);
  }

  private fire(time: number, isDue: (trigger: Trigger) => boolean): void {
    for (const trigger of [...this.left].filter(isDue)) {
      this.left.delete(trigger);
      this.listener({ kind: 'fault', says: trigger.says }, time);
      trigger.act(this.engine());
    }
  }
}

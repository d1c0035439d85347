import { copy } from './copy';

/** The n-th time, from the a-th to the b-th time, or every time. */
export type Nth = number | [number, number] | 'always';

interface Answer {
  /** Instead of an answer; nothing happens in the service. */
  readonly error?: { readonly name: string; readonly message?: string };
  /** The call succeeds, but its caller only sees an error. */
  readonly loseAnswer?: boolean;
  /** Path of a member that the answer lacks: `FileSystems[0].Lifecycle`. */
  readonly dropField?: string;
  /** Makes the answer so much longer. */
  readonly padKiB?: number;
}

/** A call of an API, whoever makes it. What the SDK's own retries hide is not worth a fault: this is seen after them. */
export interface ApiFault extends Answer {
  /** `fsx:DescribeFileSystems` */
  readonly on: string;
  /** @default 1 */
  readonly nth?: Nth;
}

/** A Task state, by name. */
export interface TaskFault extends Answer {
  readonly task: string;
  readonly nth?: Nth;
  /** Never answers: runs into the Task's time-out. */
  readonly hang?: boolean;
}

/** The moment a state is entered. */
export interface EnterFault {
  readonly enter: string;
  readonly nth?: Nth;
  readonly do: 'abort';
}

/** A moment of the world's time. */
export interface TimedFault<Engine = any> {
  /** Seconds after the first execution began. */
  readonly at: number;
  /** What the engine's `events` know by this name, or anything at all. */
  readonly do: string | ((engine: Engine) => void | Promise<unknown>);
}

export type Fault = ApiFault | TaskFault | EnterFault | TimedFault;

/** What goes wrong, as data. Counts how often each place was passed. */
export class Faults {
  private readonly counts = new Map<Fault, number>();

  constructor(private readonly faults: readonly Fault[] = []) {}

  public get timed(): TimedFault[] {
    return this.faults.filter((fault): fault is TimedFault => 'at' in fault);
  }

  /** To be asked once for each call. */
  public ofCall(name: string): ApiFault | undefined {
    return this.due(this.faults.filter((fault): fault is ApiFault => 'on' in fault && fault.on === name));
  }

  /** To be asked once for each attempt of a Task. */
  public ofTask(state: string): TaskFault | undefined {
    return this.due(this.faults.filter((fault): fault is TaskFault => 'task' in fault && fault.task === state));
  }

  /** To be asked once each time a state is entered. */
  public onEnter(state: string): EnterFault | undefined {
    return this.due(this.faults.filter((fault): fault is EnterFault => 'enter' in fault && fault.enter === state));
  }

  private due<F extends Fault & { readonly nth?: Nth }>(candidates: F[]): F | undefined {
    return candidates.filter((fault) => {
      const count = (this.counts.get(fault) ?? 0) + 1;
      this.counts.set(fault, count);
      const nth = fault.nth ?? 1;
      return nth === 'always' || (Array.isArray(nth) ? count >= nth[0] && count <= nth[1] : count === nth);
    })[0];
  }
}

/** The answer as the fault leaves it. */
export function spoil(answer: any, fault: Answer | undefined): any {
  if (fault?.dropField === undefined && fault?.padKiB === undefined) return answer;
  const spoilt = copy(answer) ?? {};
  if (fault.dropField !== undefined) {
    const path = fault.dropField.split(/[.[\]]+/).filter((part) => part !== '');
    const owner = path.slice(0, -1).reduce<any>((value, part) => value?.[part], spoilt);
    if (owner) delete owner[path[path.length - 1]];
  }
  if (fault.padKiB !== undefined) spoilt.padding = 'x'.repeat(fault.padKiB * 1024);
  return spoilt;
}

import { copy } from './copy';

/** The n-th time, from the a-th to the b-th time, each of several times, or every time. */
export type Nth = number | [number, number] | { readonly among: readonly number[] } | 'always';

/** Where a call or a state comes from. */
export interface Origin {
  readonly executionArn: string;
  /** The first execution of a world is 1. */
  readonly number: number;
  readonly isCleanUp: boolean;
}

/** Executions that a fault is for; what comes from no execution only meets faults that are for any. */
interface Limits {
  /** @default 'any' */
  readonly of?: 'run' | 'cleanUp' | 'any';
  /** Only the n-th execution of the world, in the order of their starts. */
  readonly execution?: number;
}

/** Counts only what its limits let through. */
interface Counted extends Limits {
  /** @default 1 */
  readonly nth?: Nth;
}

/** From its n-th time on it meets everything of that execution until that has ended; then it is over. */
interface Lasting extends Counted {
  readonly until?: 'executionEnds';
}

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
export interface ApiFault extends Answer, Lasting {
  /** `fsx:DescribeFileSystems` */
  readonly on: string;
}

/** A Task state, by name. */
export interface TaskFault extends Answer, Lasting {
  readonly task: string;
  /** Never answers: runs into the Task's time-out. */
  readonly hang?: boolean;
}

/** The moment a state is entered. */
export interface EnterFault extends Counted {
  readonly enter: string;
  readonly do: 'abort' | 'timeOut';
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
  /** The execution that has met a fault that lasts. */
  private readonly held = new Map<Fault, string>();
  private readonly met = new Set<Fault>();

  constructor(private readonly faults: readonly Fault[] = []) {}

  public get timed(): TimedFault[] {
    return this.faults.filter((fault): fault is TimedFault => 'at' in fault);
  }

  /** Those that something has met, timed ones aside. */
  public get struck(): readonly Fault[] {
    return [...this.met];
  }

  /** Whether any fault asks which execution an API call comes from. */
  public get needOrigin(): boolean {
    return this.faults.some((fault) => 'on' in fault && (fault.of !== undefined || fault.execution !== undefined || fault.until !== undefined));
  }

  /** To be asked once for each call. */
  public ofCall(name: string, origin?: Origin): ApiFault | undefined {
    return this.due(this.faults.filter((fault): fault is ApiFault => 'on' in fault && fault.on === name), origin);
  }

  /** To be asked once for each attempt of a Task. */
  public ofTask(state: string, origin?: Origin): TaskFault | undefined {
    return this.due(this.faults.filter((fault): fault is TaskFault => 'task' in fault && fault.task === state), origin);
  }

  /** To be asked once each time a state is entered. */
  public onEnter(state: string, origin?: Origin): EnterFault | undefined {
    return this.due(this.faults.filter((fault): fault is EnterFault => 'enter' in fault && fault.enter === state), origin);
  }

  private due<F extends Fault & Lasting>(candidates: F[], origin?: Origin): F | undefined {
    const [fault] = candidates.filter((each) => isFor(each, origin) && this.isDue(each, origin));
    if (fault) this.met.add(fault);
    return fault;
  }

  private isDue(fault: Fault & Lasting, origin?: Origin): boolean {
    const count = (this.counts.get(fault) ?? 0) + 1;
    this.counts.set(fault, count);
    if (fault.until === undefined) return hits(fault.nth ?? 1, count);
    const held = this.held.get(fault);
    if (held !== undefined) return held === origin?.executionArn;
    if (!origin || !hits(fault.nth ?? 1, count)) return false;
    this.held.set(fault, origin.executionArn);
    return true;
  }
}

function hits(nth: Nth, count: number): boolean {
  if (nth === 'always') return true;
  if (typeof nth === 'number') return count === nth;
  return Array.isArray(nth) ? count >= nth[0] && count <= nth[1] : (nth as { among: number[] }).among.includes(count);
}

function isFor({ of = 'any', execution }: Limits, origin?: Origin): boolean {
  if (of === 'any' && execution === undefined) return true;
  return origin !== undefined && (of === 'any' || (of === 'cleanUp') === origin.isCleanUp) && (execution ?? origin.number) === origin.number;
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

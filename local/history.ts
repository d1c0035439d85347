/** One line of the record of an execution: enough to replay it in another interpreter. */
export interface HistoryEvent {
  readonly type: 'ExecutionStarted' | 'StateEntered' | 'StateExited' | 'Task'
  | 'ExecutionRedriven' | 'ExecutionSucceeded' | 'ExecutionFailed' | 'ExecutionAborted' | 'ExecutionTimedOut';
  readonly [field: string]: any;
}

interface Attempt {
  readonly type: 'Task';
  readonly state: string;
  readonly resource: string;
  readonly parameters: unknown;
  readonly startedAt: string;
  readonly attempt: number;
  endedAt?: string;
  answer?: unknown;
  error?: { readonly Error: string; readonly Cause: string };
}

/** What AWS would write: Wait, Pass, Choice and Succeed are entered and exited; a Task is also scheduled, started and ended (E9, E10). */
const STATE_EVENTS = 2;
const TASK_EVENTS = 3;

/** Record of one execution. Attempts of a Task stand before the exit of their state. */
export class History {
  readonly events: HistoryEvent[] = [];
  /** Estimate of AWS's own count, of which 25,000 end an execution (E9). */
  eventCount = 0;
  lastState?: string;
  private open: Attempt[] = [];
  private readonly attempts = new Map<string, number>();

  constructor(private readonly now: () => number, private readonly onEvent?: (event: HistoryEvent) => void) {}

  public add(event: HistoryEvent, awsEvents = 1): void {
    this.eventCount += awsEvents;
    this.events.push(event);
    this.onEvent?.(event);
  }

  public entered(state: string, stateType: string, input: unknown, time: string): void {
    this.lastState = state;
    this.attempts.set(state, 0);
    this.add({ type: 'StateEntered', state, stateType, time, input });
  }

  public exited(state: string, stateType: string, output: unknown, time: string): void {
    this.flush(state);
    this.add({ type: 'StateExited', state, stateType, time, output }, STATE_EVENTS - 1);
  }

  public startTask(state: string, resource: string, parameters: unknown): { answer(value: unknown): void; fail(error: string, cause: string): void } {
    const attempt = (this.attempts.get(state) ?? 0) + 1;
    this.attempts.set(state, attempt);
    const record: Attempt = { type: 'Task', state, resource, parameters, startedAt: this.time(), attempt };
    this.open.push(record);
    const end = (outcome: Partial<Attempt>) => {
      if (record.endedAt === undefined) Object.assign(record, outcome, { endedAt: this.time() });
    };
    return {
      answer: (answer) => end({ answer }),
      fail: (Error, Cause) => end({ error: { Error, Cause } }),
    };
  }

  /** A state failed, perhaps to be retried. @returns whether a call of the state raised that error */
  public failed(state: string, error: string, cause: string): boolean {
    const last = this.open.filter((each) => each.state === state).at(-1);
    // still open: the Task's own time-out ended it
    if (last && last.endedAt === undefined) Object.assign(last, { error: { Error: error, Cause: cause }, endedAt: this.time() });
    this.flush(state);
    return last?.error?.Error === error;
  }

  /** Calls that were under way when the execution ended. */
  public close(): void {
    for (const state of new Set(this.open.map((each) => each.state))) this.flush(state);
  }

  private flush(state: string): void {
    for (const record of this.open.filter((each) => each.state === state)) this.add(record as HistoryEvent, TASK_EVENTS);
    this.open = this.open.filter((each) => each.state !== state);
  }

  private time(): string {
    return new Date(this.now()).toISOString();
  }
}

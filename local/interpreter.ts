import { createRequire } from 'module';
import type { StateMachine } from 'aws-local-stepfunctions' with { 'resolution-mode': 'import' };
import { prepare, TaskDefinition } from './definition';
import { History } from './history';
import { TaskError } from './task-error';
import { turn } from './world-clock';

// node 20 lacks it; the interpreter's Catch on States.ALL would swallow the TypeError as if the task had failed
(Promise as any).withResolvers ??= function withResolvers(this: PromiseConstructor) {
  let resolve, reject;
  const promise = new this((onResolve, onReject) => { resolve = onResolve; reject = onReject; });
  return { promise, resolve, reject };
};

const load = createRequire(__filename);
const Interpreter: typeof StateMachine = load('aws-local-stepfunctions').StateMachine;

// its JSONPath hands a plain value over by throwing it; the stack, which nobody reads, was a tenth of an execution's time
const paths = createRequire(load.resolve('aws-local-stepfunctions'))('jsonpath-plus');
const { JSONPath } = paths;
paths.JSONPath = (...query: unknown[]) => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return JSONPath(...query);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

/** A state of the engine's own, which no history shows. */
const RESUME = 'the engine resumes here';

/** 256 KiB of UTF-8: input or output of a state, answer of a task (E9). */
const DATA_LIMIT = 256 * 1024;

export interface Outcome {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';
  readonly output?: any;
  readonly error?: string;
  readonly cause?: string;
}

/** Where a redriven execution goes on. */
export interface Resumption {
  readonly state: string;
  readonly input: unknown;
}

export interface ExecutionOptions {
  readonly input: unknown;
  readonly startDate: Date;
  readonly resume?: Resumption;
  /** The context object: `Execution` and `StateMachine`. */
  readonly context: { readonly Execution: { readonly Id: string; readonly [key: string]: unknown }; readonly [key: string]: unknown };
  readonly history: History;
  readonly during: <T>(work: Promise<T>) => Promise<T>;
  /** Makes the call of a Task: chosen by its Resource ARN, never by the state's name. */
  readonly task: (task: TaskDefinition, parameters: any, state: string) => Promise<unknown>;
  /** Told of each state that is entered, before anything of it is done. */
  readonly onEnter?: (state: string, execution: Execution) => void;
}

/** A definition that this interpreter runs as AWS would; anything else has been refused. */
export class Machine {
  private readonly machine: StateMachine;
  private readonly runnable: any;
  private readonly tasks: Record<string, TaskDefinition>;
  private readonly fails: Record<string, any>;

  constructor(readonly definition: any) {
    const { runnable, tasks, fails } = prepare(definition);
    this.tasks = tasks;
    this.fails = fails;
    this.runnable = runnable;
    this.machine = new Interpreter(runnable, { validationOptions: { noValidate: true } });
  }

  public start(options: ExecutionOptions): Execution {
    return new Execution(options.resume ? this.resumed(options.resume) : this.machine, this.tasks, this.fails, options);
  }

  /** The same definition behind a state that brings the input, so that the context keeps that of the execution. */
  private resumed({ state, input }: Resumption): StateMachine {
    const found = this.runnable.States[state];
    if (!found || ['Map', 'Parallel'].includes(found.Type)) throw new Error(`redriving from inside a Map or Parallel is not modelled: ${state}`);
    const States = { ...this.runnable.States, [RESUME]: { Type: 'Pass', Result: input, Next: state } };
    return new Interpreter({ ...this.runnable, StartAt: RESUME, States }, { validationOptions: { noValidate: true } });
  }
}

/** One execution. States are run by the interpreter; what it does not know of is added here: limits, history, faults. */
export class Execution {
  readonly result: Promise<Outcome>;
  private readonly stop: () => void;
  /** Documents that have been measured: the output of a state is the input of the next. */
  private readonly measured = new WeakSet<object>();
  /** Set when the execution ended otherwise than by its definition. */
  private verdict?: Outcome;

  constructor(
    machine: StateMachine,
    tasks: Record<string, TaskDefinition>,
    private readonly fails: Record<string, any>,
    private readonly options: ExecutionOptions,
  ) {
    const handlers = Object.fromEntries(Object.entries(tasks)
      .map(([state, task]) => [state, (parameters: any) => this.call(state, task, parameters)]));
    // the interpreter takes the time of the call for $$.Execution.StartTime
    const run = at(options.startDate, () => machine.run(options.input as any, {
      overrides: { taskResourceLocalHandlers: handlers as any },
      context: options.context as any,
      noThrowOnAbort: true,
    }));
    this.stop = run.abort;
    this.result = this.finish(run.result, this.read(run.eventLogs));
  }

  /** StopExecution: cannot be caught (E18). */
  public abort(error?: string, cause?: string): void {
    this.end({ status: 'ABORTED', error, cause });
  }

  /** The machine's own time-out cannot be caught either (E18). */
  public timeOut(): void {
    this.end({ status: 'TIMED_OUT' });
  }

  private end(verdict: Outcome): void {
    if (this.verdict) return;
    this.verdict = verdict;
    this.stop();
  }

  private async finish(result: Promise<unknown>, log: Promise<void>): Promise<Outcome> {
    let outcome: Outcome;
    try {
      outcome = { status: 'SUCCEEDED', output: await result };
    } catch (thrown: any) {
      const error = thrown.cause ?? thrown;
      outcome = { status: 'FAILED', error: error.name, cause: error.message };
    }
    await log;
    return this.verdict ?? this.unnamed(outcome);
  }

  /** The interpreter makes up a name for a Fail state that has none. */
  private unnamed(outcome: Outcome): Outcome {
    const fail = this.fails[this.options.history.lastState ?? ''];
    if (outcome.status !== 'FAILED' || !fail) return outcome;
    return {
      ...outcome,
      error: 'Error' in fail || 'ErrorPath' in fail ? outcome.error : undefined,
      cause: 'Cause' in fail || 'CausePath' in fail ? outcome.cause : undefined,
    };
  }

  private async call(state: string, task: TaskDefinition, parameters: any): Promise<any> {
    // the log is read first, so that a limit or a fault on entering this state acts before its call is made
    await this.options.during(turn());
    if (this.verdict) throw new TaskError('States.Runtime', 'the execution has ended', false);
    const { history } = this.options;
    const attempt = history.startTask(state, task.resource, parameters);
    try {
      if (size(parameters) > DATA_LIMIT) throw tooLarge(`the parameters of ${state}`);
      const answer = await this.options.task(task, parameters, state) ?? null;
      if (size(answer) > DATA_LIMIT) throw tooLarge(`the answer of ${state}`);
      attempt.answer(answer);
      return answer;
    } catch (error: any) {
      attempt.fail(error.name, error.message);
      throw error instanceof TaskError ? error : new TaskError(error.name, error.message, false);
    }
  }

  /** Follows what the interpreter reports. */
  private async read(log: AsyncIterable<any>): Promise<void> {
    const { history, onEnter } = this.options;
    for await (const event of log) {
      // what follows the end never happened
      if (this.verdict || event.state?.name === RESUME) continue;
      const time = new Date(event.timestamp).toISOString();
      switch (event.type) {
        case 'StateEntered':
          history.entered(event.state.name, event.state.type, event.state.input, time);
          this.check(event.state.input, `the input of ${event.state.name}`);
          onEnter?.(event.state.name, this);
          break;
        case 'StateExited':
          history.exited(event.state.name, event.state.type, event.state.output, time);
          this.check(event.state.output, `the output of ${event.state.name}`);
          break;
        case 'StateFailed':
          this.failed(event);
          break;
      }
    }
  }

  private failed(event: any): void {
    const { name, type } = event.state;
    const raised = this.options.history.failed(name, event.Error, event.Cause);
    // an error that neither the task nor the States Language names comes out of the interpreter's own evaluation
    if (['Task', 'Pass', 'Choice', 'Wait'].includes(type) && !raised && !event.Error.startsWith('States.')) {
      this.end({ status: 'FAILED', error: 'States.Runtime', cause: `${event.Error}: ${event.Cause} in state ${name}` });
    }
  }

  private check(value: unknown, what: string): void {
    if (typeof value === 'object' && value !== null) {
      if (this.measured.has(value)) return;
      this.measured.add(value);
    }
    if (size(value) <= DATA_LIMIT) return;
    const error = tooLarge(what);
    this.end({ status: 'FAILED', error: error.name, cause: error.message });
  }
}

/** Whatever asks for the time while this is called is told this one. */
function at<T>(time: Date, call: () => T): T {
  const { Date: before } = globalThis;
  if (before.now() === time.getTime()) return call();
  const Then = class extends before {
    constructor() { super(time); }
  };
  globalThis.Date = Then as DateConstructor;
  try {
    return call();
  } finally {
    globalThis.Date = before;
  }
}

function size(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value), 'utf8');
}

function tooLarge(what: string): TaskError {
  return new TaskError('States.DataLimitExceeded', `${what} is longer than 256 KiB`, false);
}

import { ChildProcess, execFileSync, fork } from 'child_process';
import { shareMemory } from '../local/memory';

/** One for each core of the smallest machine that trials are meant for. */
export const PROCESSES = 2;

export interface PoolOptions {
  /** File of a process that `serve`s. */
  readonly worker: string;
  readonly args?: readonly string[];
  /** Asked of each process before anything else. */
  readonly first?: object;
  /** A process is replaced after so many answers: what it remembers grows. @default Infinity */
  readonly answersAProcess?: number;
  /** Longer than any answer takes that ever comes. */
  readonly patienceSeconds: number;
}

/** What became of a question. */
export type Outcome<Answer> = { readonly answer: Answer } | { readonly failed: 'hangs' | 'died'; readonly says: string };

/** Asks several processes, each one question at a time: the clock of a world is its process's own. */
export class Pool<Ask, Answer> {
  private readonly living = new Set<ChildProcess>();

  constructor(private readonly options: PoolOptions) {
    shareMemory();
    process.once('exit', () => this.stop());
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  }

  /** Tells of each outcome as it comes, in no order. */
  public async run(asks: Iterable<Ask>, listen: (ask: Ask, outcome: Outcome<Answer>) => void): Promise<void> {
    const waiting = asks[Symbol.iterator]();
    await Promise.all(Array.from({ length: PROCESSES }, () => this.work(waiting, listen)));
  }

  private async work(waiting: Iterator<Ask>, listen: (ask: Ask, outcome: Outcome<Answer>) => void): Promise<void> {
    let worker: ChildProcess | undefined;
    let answers = 0;
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      if (!worker || !this.living.has(worker) || answers === this.options.answersAProcess) {
        if (worker) this.dismiss(worker);
        worker = await this.hire();
        answers = 0;
      }
      answers++;
      listen(next.value, await this.ask(worker, next.value));
    }
    if (worker) this.dismiss(worker);
  }

  private async hire(): Promise<ChildProcess> {
    const { worker: file, args = [], first } = this.options;
    const execArgv = [...process.execArgv, '--max-semi-space-size=64']; // less time in the garbage collector
    const worker = fork(file, args, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    worker.on('error', () => undefined); // what could not be sent, or begun, is told where it was asked
    this.living.add(worker);
    const outcome = first === undefined ? undefined : await this.ask(worker, first);
    if (outcome && 'failed' in outcome) throw new Error(`a process could not begin: it ${outcome.says}`);
    return worker;
  }

  private ask(worker: ChildProcess, ask: Ask | object): Promise<Outcome<Answer>> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome<Answer>) => {
        clearTimeout(timer);
        worker.removeAllListeners('message').removeAllListeners('exit');
        if ('failed' in outcome) this.kill(worker);
        resolve(outcome);
      };
      const timer = setTimeout(() => settle({ failed: 'hangs', says: `gave no answer in ${this.options.patienceSeconds} s` }), 1000 * this.options.patienceSeconds);
      worker.once('message', (answer: Answer) => settle({ answer }));
      worker.once('exit', (code, signal) => settle({ failed: 'died', says: `ended with ${code ?? signal}` }));
      worker.send(ask as object, (error) => error && settle({ failed: 'died', says: `took no question: ${error.message}` }));
    });
  }

  /** Nothing is under way: it tidies up, and ends. */
  private dismiss(worker: ChildProcess): void {
    if (this.living.delete(worker)) worker.disconnect();
  }

  private kill(worker: ChildProcess): void {
    if (!this.living.delete(worker)) return;
    try {
      if (worker.pid !== undefined && worker.exitCode === null) endHosts(worker.pid);
    } finally {
      worker.kill('SIGKILL');
    }
  }

  private stop(): void {
    for (const worker of this.living) this.kill(worker);
  }
}

/** The other side: answers one question after the other, and ends with its parent. */
export function serve<Ask, Answer>(answer: (ask: Ask) => Promise<Answer>): void {
  process.on('message', (ask: Ask) => {
    answer(ask).then((message) => process.send!(message), (error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    });
  });
  process.on('disconnect', () => process.exit(0));
  process.on('exit', () => endHosts(process.pid));
}

/** Ends the hosts that a process boots: each has process groups of its own. */
export function endHosts(parent: number): void {
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' }).trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const below = (above: number): number[][] => processes.filter(([, ppid]) => ppid === above).flatMap((each) => [each, ...below(each[0])]);
  for (const group of new Set(below(parent).filter(([pid, , pgid]) => pid === pgid).map(([pid]) => pid))) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch { /* it has ended by itself */ }
  }
}

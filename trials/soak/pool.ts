import { ChildProcess, fork } from 'child_process';
import { join } from 'path';
import { Answer, Ask } from './worker';

/** A process is replaced after so many schedules: hosts that have booted are remembered for ever. */
const SCHEDULES_A_PROCESS = 3000;
/** No schedule takes so long but one that never ends. */
const LONGEST_SECONDS = 180;

/** Plays asks on several processes, in no order. An ask whose process dies or hangs is answered with the reason. */
export class Pool {
  private readonly living = new Set<ChildProcess>();

  constructor(private readonly seed: number, private readonly processes: number) {}

  async run(asks: Iterator<Ask>, listen: (answer: Answer) => void): Promise<void> {
    await Promise.all(Array.from({ length: this.processes }, () => this.work(asks, listen)));
  }

  stop(): void {
    for (const child of this.living) child.kill('SIGKILL');
  }

  private async work(asks: Iterator<Ask>, listen: (answer: Answer) => void): Promise<void> {
    let child: ChildProcess | undefined;
    let played = 0;
    for (let next = asks.next(); !next.done; next = asks.next()) {
      if (child && played++ >= SCHEDULES_A_PROCESS) child = this.end(child);
      if (!child) played = 0;
      child ??= this.begin();
      const answer = await this.ask(child, next.value);
      if (!this.living.has(child)) child = undefined;
      listen(answer);
    }
    if (child) this.end(child);
  }

  private begin(): ChildProcess {
    const child = fork(join(__dirname, 'worker.ts'), [String(this.seed)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.living.add(child);
    return child;
  }

  private end(child: ChildProcess): undefined {
    this.living.delete(child);
    child.kill('SIGKILL'); // nothing is under way
  }

  private ask(child: ChildProcess, ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      const done = (answer: Answer) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(answer);
      };
      const fail = (is: 'without end' | 'other', says: string) => {
        this.end(child);
        done({ index: ask.index, verdict: { violations: [{ is, says }], endedBy: [], cleanUps: [], kept: [], longestHistory: 0 } });
      };
      const timer = setTimeout(() => fail('without end', `nothing for ${LONGEST_SECONDS} s`), 1000 * (LONGEST_SECONDS + (ask.shrinkSeconds ?? 0)));
      child.once('message', (answer: Answer) => done(answer));
      child.once('exit', (code, signal) => fail('other', `DEFECT the process of the world ended with ${code ?? signal}`));
      child.send(ask);
    });
  }
}

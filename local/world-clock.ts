import { setImmediate as realImmediate, setTimeout as realTimeout } from 'timers';
import { createClock } from '@sinonjs/fake-timers';
import { Clock } from './clock';

/** Longest delay of a 32-bit timer; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** How long a world without a single timer may stand still in real time before it is called stuck. */
const STUCK_AFTER_MS = 10_000;
const REAL_TICK_MS = 10;
/** A tick never counts more real time than this: a blocked event loop must not time out the world's calls. */
const LONGEST_TICK_MS = 50;

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, Date: globalThis.Date };
let installed: WorldClock | undefined;

/**
 * Time of one world. While something runs in it, the global `setTimeout` and `Date` are the world's, so that the
 * interpreter's waits, the bundled handlers and the models share one time. Between runs the world stands still.
 */
export abstract class WorldClock implements Clock {
  protected readonly fake: ReturnType<typeof createClock>;
  protected readonly work = new Set<Promise<unknown>>();
  private running = 0;
  private broken?: (error: Error) => void;
  private failure?: Promise<never>;

  constructor(start: Date) {
    this.fake = createClock(start.getTime());
  }

  protected get alive(): boolean {
    return this.running > 0;
  }

  public now(): number {
    return this.fake.now;
  }

  public after(milliseconds: number, callback: () => void): void {
    if (milliseconds > LONGEST_TIMER) {
      this.fake.setTimeout(() => this.after(milliseconds - LONGEST_TIMER, callback), LONGEST_TIMER);
    } else {
      this.fake.setTimeout(callback, milliseconds);
    }
  }

  public async during<T>(work: Promise<T>): Promise<T> {
    this.work.add(work);
    try {
      return await work;
    } finally {
      this.work.delete(work);
    }
  }

  /** Lets the world's time pass until the work is done. Several may run at once. */
  public async run<T>(start: () => Promise<T>): Promise<T> {
    if (this.running++ === 0) this.install();
    try {
      return await Promise.race([start(), this.failure!]);
    } finally {
      if (--this.running === 0) this.uninstall();
    }
  }

  /** For those who have given the world up: the process has its own time again, whatever still waits in the world. */
  public abandon(): void {
    this.running = 0;
    if (installed === this) this.uninstall();
  }

  /** Lets so much of the world's time pass. */
  public async pass(milliseconds: number): Promise<void> {
    await this.run(() => new Promise<void>((resolve) => this.after(milliseconds, resolve)));
  }

  /** Moves the world's time on while anything runs. */
  protected abstract drive(): Promise<void>;

  /** Runs whatever is due next, then everything that follows from it without time passing. */
  protected async step(): Promise<void> {
    this.fake.next();
    await turn();
  }

  private install(): void {
    if (installed) throw new Error('another world is running in this process');
    installed = this;
    globalThis.setTimeout = Object.assign((callback: (...args: unknown[]) => void, delay = 0, ...args: unknown[]) => {
      if (delay > LONGEST_TIMER) throw new Error(`a timer of ${delay} ms is longer than 24.8 days`);
      return this.fake.setTimeout(callback, delay, ...args);
    }, { __promisify__: real.setTimeout.__promisify__ }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = this.fake.clearTimeout as unknown as typeof clearTimeout;
    globalThis.Date = this.fake.Date as unknown as DateConstructor;
    this.failure = new Promise<never>((_, reject) => { this.broken = reject; });
    this.failure.catch(() => undefined); // a failure is told to the runs, which may all have ended
    this.drive().catch((error) => this.broken?.(error));
  }

  private uninstall(): void {
    installed = undefined;
    Object.assign(globalThis, real);
  }
}

/** As fast as the machine can: jumps from timer to timer, but only when no real work is under way. */
export class VirtualClock extends WorldClock {
  protected async drive(): Promise<void> {
    let idleSince: number | undefined;
    await turn();
    while (this.alive) {
      if (this.work.size > 0) {
        await Promise.race([...this.work].map((work) => work.catch(() => undefined)));
        await turn();
      } else if (this.fake.countTimers() > 0) {
        idleSince = undefined;
        await this.step();
      } else {
        // perhaps somebody forgot to say that work goes on: give it a moment, then say that the world is stuck
        idleSince ??= performance.now();
        if (performance.now() - idleSince > STUCK_AFTER_MS) throw new Error('the world is stuck: something waits, but nothing is left to happen');
        await new Promise<void>((resolve) => { realTimeout(resolve, 1); });
      }
    }
  }
}

/** Real time, faster by a factor: for the demo, where real processes write real files. */
export class ScaledClock extends WorldClock {
  constructor(start: Date, private readonly scale: number) {
    super(start);
  }

  protected async drive(): Promise<void> {
    let last = performance.now();
    while (this.alive) {
      await new Promise<void>((resolve) => { realTimeout(resolve, REAL_TICK_MS); });
      const now = performance.now();
      let reached = false;
      this.fake.setTimeout(() => { reached = true; }, Math.min(now - last, LONGEST_TICK_MS) * this.scale);
      last = now;
      while (!reached) await this.step();
    }
  }
}

/** Promises settle and events are read; no time passes. */
export function turn(): Promise<void> {
  return new Promise((resolve) => { realImmediate(resolve); });
}

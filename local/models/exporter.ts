/** How fast a file system exports. */
export interface Pace {
  objectsPerSecond: number;
  bytesPerSecond: number;
  /** Between a change and its object when nothing else waits. */
  latencyMs: number;
  /** How long a change takes until the queue knows it: a backlog that begins only after the job's end. */
  delayMs: number;
}

export const MEASURED_PACE: Readonly<Pace> = {
  objectsPerSecond: 213, // A5.10: a million files of 10 KB
  bytesPerSecond: 102_400 * 1024 ** 2 / 349, // A5.10: 102,400 files of 1 MB in 349 s at 600 MB/s
  latencyMs: 8_000, // A5.10: a single small file is visible after 8-10 s
  delayMs: 0,
};

const MINUTE = 60_000;

/** One change waiting to be exported. */
export interface Message {
  readonly kind: 'put' | 'delete';
  readonly path: string;
  /** More than one where the path stands for that many files. */
  readonly count: number;
  /** Bytes of one file. */
  readonly size: number;
  /** When the queue first saw it. */
  readonly since: number;
}

/**
 * The queue of automatic export: first in, first out, at a limited rate.
 *
 * It works lazily: `advance` does all the exports that were due since the last look, in order, and takes a sample of the
 * age of the oldest message at every full minute on its way. So ten idle hours cost 600 samples and no timers.
 */
export class ExportQueue {
  private messages: Message[] = [];
  /** How many of the first message's files are done. */
  private done = 0;
  private working = false;
  /** Until when the exporter is busy with what it already did. */
  private busyUntil: number;
  private sampledUntil: number;
  private advancing = false;
  private readonly ages = new Map<number, number>();
  private firstMessageAt?: number;

  /** `exports` is called when that many files of a message have been exported, at that time. */
  constructor(
    private readonly now: () => number,
    private readonly pace: Pace,
    private readonly exports: (message: Message, done: number, at: number) => void,
  ) {
    this.busyUntil = now();
    this.sampledUntil = Math.floor(now() / MINUTE) * MINUTE;
  }

  push(message: Omit<Message, 'since'>): void {
    this.advance();
    const since = this.now() + this.pace.delayMs;
    // Behind all that the queue sees earlier: the delay may have been changed meanwhile.
    let place = this.messages.length;
    while (place > (this.done > 0 ? 1 : 0) && this.messages[place - 1].since > since) place--;
    this.messages.splice(place, 0, { ...message, since });
    this.firstMessageAt = Math.min(this.firstMessageAt ?? since, since);
  }

  /** Exports go on. */
  resume(): void {
    this.advance();
    if (!this.working) this.busyUntil = Math.max(this.busyUntil, this.now());
    this.working = true;
  }

  /** Nothing is exported; the messages wait. */
  pause(): void {
    this.advance();
    this.working = false;
  }

  /** All waiting messages are forgotten. */
  drop(): void {
    this.advance();
    this.messages = [];
    this.done = 0;
  }

  /** Files that wait. */
  get waiting(): number {
    this.advance();
    return this.messages.reduce((sum, { count }) => sum + count, -this.done);
  }

  /** When the first message came, if ever. */
  get firstMessage(): number | undefined {
    return this.firstMessageAt;
  }

  /** Age in seconds of the oldest message at a full minute that has passed; undefined before the queue existed. */
  ageAt(minute: number): number | undefined {
    this.advance();
    return this.ages.get(minute);
  }

  /** Does what was due until now. */
  advance(): void {
    if (this.advancing) return;
    this.advancing = true;
    try {
      while (this.working && this.messages.length > 0 && this.exportFirst()) { /* until nothing more was due */ }
      this.sample(this.now());
    } finally {
      this.advancing = false;
    }
  }

  /** Exports the first message, or as much of it as was due; answers whether all of it is done. */
  private exportFirst(): boolean {
    const message = this.messages[0];
    const each = Math.max(1000 / this.pace.objectsPerSecond, 1000 * message.size / this.pace.bytesPerSecond);
    const start = Math.max(this.busyUntil, message.since + this.pace.latencyMs);
    const due = Math.min(Math.floor((this.now() - start) / each), message.count - this.done);
    if (due <= 0) return false;
    const end = start + due * each;
    this.sample(end);
    this.busyUntil = end;
    this.done += due;
    this.exports(message, this.done, end);
    if (this.done < message.count) return false;
    this.messages.shift();
    this.done = 0;
    return true;
  }

  /** The first message is the oldest from the last sample until this time. */
  private sample(until: number): void {
    for (; this.sampledUntil <= until; this.sampledUntil += MINUTE) {
      const first = this.messages[0];
      const waits = first !== undefined && first.since <= this.sampledUntil;
      this.ages.set(this.sampledUntil, waits ? Math.floor((this.sampledUntil - first.since) / 1000) : 0);
    }
  }
}

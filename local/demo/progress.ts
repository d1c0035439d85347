import { setInterval } from 'timers'; // the real one: the world's time runs faster
import { MultiBar, SingleBar } from 'cli-progress';
import pc from 'picocolors';
import { DemoEvent, DemoListener } from './demo-run';
import { count, duration } from '../pictures/text';

const LINE_EVERY_MS = 2000;

/** What is shown while the run goes on. */
abstract class Progress {
  protected state = '';
  protected attempt = 'no job yet';
  protected written = 0;
  protected exported = 0;
  protected age?: number;
  protected task?: string;
  protected now = 0;
  private start?: number;

  readonly listen: DemoListener = (event, time) => {
    this.start ??= time;
    this.now = time - this.start;
    if (event.kind === 'written' || event.kind === 'exported') this[event.kind] = event.files;
    if (event.kind === 'age') this.age = event.seconds;
    if (event.kind === 'state') this.state = `${event.isCleanUp ? 'clean-up: ' : ''}${event.name}`;
    if (event.kind === 'task') this.task = `export task ${event.phase}, ${count(event.done)} of ${count(event.total)} exported${event.failed ? `, ${count(event.failed)} failed` : ''}`;
    if (event.kind === 'attempt') this.attempt = `attempt ${event.attempt}`;
    if (event.kind === 'attempt ended') this.attempt = `attempt ${event.attempt} ended`;
    this.show(event);
  };

  /** What is known of the export: the task where there is one, or else the age of the queue. */
  protected get exportText(): string {
    return this.task ?? (this.age === undefined ? 'age unknown' : `oldest waits ${count(Math.round(this.age))} s`);
  }

  /** The notable events, in words. */
  protected notice(event: DemoEvent): string | undefined {
    switch (event.kind) {
      case 'attempt': return `job attempt ${event.attempt} runs on ${event.instanceId}`;
      case 'attempt ended': return `job attempt ${event.attempt} ended: ${event.how}${event.note ? ` (${event.note})` : ''}`;
      case 'task': return this.task;
      case 'link': return event.says;
      case 'fault': return `FAULT: ${event.says}`;
      case 'cleaner': return `the cleaner decides: ${event.says}`;
      case 'ended': return `${event.isCleanUp ? 'the clean-up' : 'the execution'} has ended: ${event.how}`;
      case 'deleted': return 'the file system is gone';
      default: return undefined;
    }
  }

  abstract stop(): void;
  protected abstract show(event: DemoEvent): void;
}

/** A line for each new state and notable event, and one every two seconds. */
export class PlainProgress extends Progress {
  private readonly seen = new Set<string>();
  private readonly timer = setInterval(() => this.print(
    `${this.state}: ${this.attempt}, ${count(this.written)} of ${count(this.total)} files written, ${count(this.exported)} exported, ${this.exportText}`), LINE_EVERY_MS);

  constructor(private readonly total: number, private readonly write: (line: string) => void) {
    super();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  protected show(event: DemoEvent): void {
    if (event.kind === 'state' && !this.seen.has(this.state)) this.print(`state ${this.state}`);
    if (event.kind === 'state') this.seen.add(this.state);
    const notice = this.notice(event);
    if (notice) this.print(notice);
  }

  private print(text: string): void {
    this.write(`${duration(this.now).padStart(7)}  ${text}`);
  }
}

/** Bars at the bottom of the terminal, notable events scroll above them. */
export class LiveProgress extends Progress {
  private readonly bars: MultiBar;
  private readonly lines: Record<'state' | 'written' | 'exported', SingleBar>;

  constructor(total: number, scale: number) {
    super();
    this.bars = new MultiBar({
      fps: 10 / scale, // its timer runs in the world's time
      hideCursor: true,
      barsize: 32,
      autopadding: true,
      format: `${pc.bold('{name}')} {bar} {value} of {total} files  {more}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
    });
    const bar = (name: string, format?: string) => this.bars.create(total, 0, { name, more: '' }, format ? { format } : {});
    this.lines = { state: bar('state', `${pc.cyan('{more}')}`), written: bar('written '), exported: bar('exported') };
  }

  stop(): void {
    this.refresh();
    this.bars.stop();
  }

  protected show(event: DemoEvent): void {
    const notice = this.notice(event);
    if (notice) this.bars.log(`${pc.dim(duration(this.now).padStart(7))}  ${notice}\n`);
    this.refresh();
  }

  private refresh(): void {
    this.lines.state.update(0, { more: `${duration(this.now)}  ${this.state}` });
    this.lines.written.update(this.written, { more: this.attempt });
    this.lines.exported.update(this.exported, { more: this.exportText });
  }
}

import { DemoListener } from './demo-run';
import { JobWatcher } from './job-process';
import { LocalEngine } from '../engine';

const LOOK_EVERY_MS = 200;
const MINUTE = 60_000;

/** Looks again and again at what is really there: the exports, the metric, the link, the export task, the file system. */
export class Observer {
  private readonly timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  private minute = 0;
  private deleted = false;
  private told = new Map<string, string>();
  private linesRead = 0;

  constructor(private readonly engine: LocalEngine, private readonly watcher: JobWatcher, private readonly listener: DemoListener) {}

  look(): void {
    const { clock, models: { fsx, buckets } } = this.engine;
    const now = clock.now();
    const fileSystem = newest(this.engine);
    this.listener({ kind: 'written', files: this.watcher.closed.size }, now);
    const objects = buckets.list().flatMap((bucket) => bucket.list()).filter(({ key }) => !/(\/|checkpoint\.json.*|failures\.csv)$/.test(key));
    this.listener({ kind: 'exported', files: objects.length }, now);
    this.lookAtCleaner(now);
    if (!fileSystem) return;
    this.lookAtLink(now);
    this.lookAtTask(now);
    const minute = Math.floor(now / MINUTE) * MINUTE;
    const age = fsx.exportAgeAt(fileSystem.id, minute);
    if (minute > this.minute && age !== undefined && !fileSystem.deletion) this.listener({ kind: 'age', seconds: age }, minute);
    this.minute = minute;
    if (fileSystem.gone && !this.deleted) {
      this.deleted = true;
      this.listener({ kind: 'deleted' }, (fileSystem.deletion?.at ?? now) + fileSystem.durations.delete);
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private lookAtLink(now: number): void {
    const [link] = newest(this.engine)!.associations;
    if (!link || newest(this.engine)!.deletion) return;
    const says = `the link is ${link.lifecycle}${link.failure ? ` (${link.failure})` : ''}, automatic export ${link.exporting ? 'on' : 'OFF'}`;
    this.tellOnce('link', says, () => this.listener({ kind: 'link', lifecycle: link.lifecycle, says }, now));
  }

  private lookAtTask(now: number): void {
    const { DataRepositoryTasks: tasks } = this.engine.models.fsx.call('DescribeDataRepositoryTasks', {}) as { DataRepositoryTasks: any[] };
    const task = tasks.filter(({ Type }) => Type === 'EXPORT_TO_REPOSITORY').sort((a, b) => a.CreationTime - b.CreationTime).pop();
    if (!task) return;
    const { SucceededCount: done = 0, FailedCount: failed = 0, TotalCount: total = 0 } = task.Status ?? {};
    this.tellOnce('task', `${task.TaskId} ${task.Lifecycle} ${done} ${failed} ${total}`,
      () => this.listener({ kind: 'task', id: task.TaskId, phase: task.Lifecycle, done, failed, total }, now));
  }

  private lookAtCleaner(now: number): void {
    const decisions = decisionsOf(this.engine);
    for (const says of decisions.slice(this.linesRead)) this.listener({ kind: 'cleaner', says }, now);
    this.linesRead = decisions.length;
  }

  private tellOnce(what: string, says: string, tell: () => void): void {
    if (this.told.get(what) === says) return;
    this.told.set(what, says);
    tell();
  }
}

/** The last file system that there was. */
export function newest({ models: { fsx } }: LocalEngine) {
  return fsx.living().pop() ?? (fsx.deletions().length > 0 ? fsx.fileSystem() : undefined);
}

/** What the cleaner logs: a line of JSON for each decision. */
export function decisionsOf({ lambda }: LocalEngine): string[] {
  return lambda.log.filter(({ line }) => line.startsWith('{') && line.includes('"decision"')).map(({ line }) => JSON.parse(line))
    .map(({ decision, why, done }) => [decision, why, done].filter(Boolean).join(': '));
}

import { World } from '../world';
import { Association, ExportFailure } from './association';
import { Bucket } from './bucket';
import { reading } from './checks';
import { FileEntry, isIn, normal } from './files';
import { FileSystem } from './fsx-file-system';
import { FailedFile, reportKey, reportText, TaskReport } from './task-report';

const REFRESH_MS = 30_000; // A8.4
const KEPT_MS = 14 * 24 * 3600_000; // LG:data-repo-task-status: 14 days after it finished
const LONGEST_MESSAGE = 256; // DataRepositoryTaskFailureDetails

/** How fast tasks export: in parallel, much faster than the queue (A8.9: up to hundreds of GBps; no number for files). 0 files a second: they stand still. */
export interface TaskPace {
  filesPerSecond: number;
  bytesPerSecond: number;
}

/** What a task needs of the model around it. */
export interface TaskHost {
  readonly pace: TaskPace;
  /** The message with which the task fails as a whole, if a test says so. */
  readonly failure?: string;
  bucketOf(association: Association): Bucket | undefined;
  /** Whether reports of a link cannot be written (B10: S3CompletionReportUploadFailure). */
  reportFails(linked: string): boolean;
}

export interface TaskRequest {
  readonly type: 'EXPORT_TO_REPOSITORY' | 'IMPORT_METADATA_FROM_REPOSITORY';
  readonly report: TaskReport;
  readonly paths?: string[];
  /** What an import imports into. */
  readonly association?: Association;
}

/** What is left to export of one path. */
interface Work {
  readonly path: string;
  readonly association: Association;
  readonly count: number;
  done: number;
  /** What it had when its copy began. */
  content?: string;
}

/** One data repository task. It exports what is new or changed; deletions are not its work (A8.5). */
export class DataRepositoryTask {
  readonly id: string;
  readonly type: TaskRequest['type'];
  readonly tags = new Map<string, string>();
  readonly created: number;
  lifecycle = 'PENDING';
  started?: number;
  ended?: number;
  failure?: string;
  private refreshed: number;
  private total = 0;
  private succeeded = 0;
  private readonly failed: FailedFile[] = [];
  private failedCount = 0;
  private work: Work[] = [];
  /** Milliseconds of work that were there and not used up by a whole file. */
  private spare = 0;

  constructor(private readonly world: World, readonly fileSystem: FileSystem, private readonly request: TaskRequest, private readonly host: TaskHost) {
    this.id = `task-${world.id(17)}`; // A2.10
    this.type = request.type;
    this.created = this.refreshed = world.clock.now();
    world.clock.after(fileSystem.durations.taskPending, () => this.start());
  }

  /** Blocks another task (A8.1) and the deletion (A7.2: only "CANCELED, SUCCEEDED, or FAILED" is finished). */
  get live(): boolean {
    return ['PENDING', 'EXECUTING', 'CANCELING'].includes(this.lifecycle);
  }

  /** Nobody knows it any more. */
  get forgotten(): boolean {
    return this.ended !== undefined && this.world.clock.now() > this.ended + KEPT_MS;
  }

  get arn(): string {
    return this.fileSystem.arn.replace(/:file-system\/.*/, `:task/${this.id}`);
  }

  describe(): Record<string, unknown> {
    const { report, paths } = this.request;
    const date = (time: number | undefined) => time === undefined ? undefined : new Date(time);
    const sparse = reading(this.world, 'statusCounts', 'present') === 'absent';
    const counts = {
      TotalCount: this.total, // may be more than the sum while it executes
      SucceededCount: this.succeeded,
      FailedCount: sparse && this.failedCount === 0 ? undefined : this.failedCount,
      LastUpdatedTime: new Date(this.refreshed),
    };
    return {
      TaskId: this.id,
      Lifecycle: this.lifecycle,
      Type: this.type,
      CreationTime: new Date(this.created),
      StartTime: date(this.started),
      EndTime: date(this.ended),
      ResourceARN: this.arn,
      Tags: [...this.tags].map(([Key, Value]) => ({ Key, Value })),
      FileSystemId: this.fileSystem.id,
      Paths: paths,
      FailureDetails: this.failure === undefined ? undefined : { Message: this.failure.slice(0, LONGEST_MESSAGE) }, // A8.4: only if FAILED
      Status: sparse && this.started === undefined ? undefined : counts,
      Report: report,
    };
  }

  /** Somebody cancels it: what is exported stays, nothing more follows (A8.8). */
  cancel(): void {
    if (this.lifecycle !== 'PENDING' && this.lifecycle !== 'EXECUTING') return;
    this.lifecycle = 'CANCELING';
    this.world.clock.after(this.fileSystem.durations.taskCanceling, () => {
      if (this.lifecycle === 'CANCELING') this.end('CANCELED');
    });
  }

  /** It fails as a whole, whatever its files did. */
  fail(message: string): void {
    if (!this.live) return;
    this.failure = message;
    this.end('FAILED');
  }

  private start(): void {
    if (this.lifecycle !== 'PENDING') return;
    this.lifecycle = 'EXECUTING';
    this.started = this.refreshed = this.world.clock.now();
    if (this.host.failure !== undefined) return this.fail(this.host.failure);
    if (this.type === 'IMPORT_METADATA_FROM_REPOSITORY') {
      this.world.clock.after(0, () => this.import(this.request.association!));
      return;
    }
    const { files } = this.fileSystem;
    files.scan();
    const wanted = this.request.paths?.map(normal) ?? ['/'];
    const missing = wanted.find((path) => path !== '/' && !files.get(path));
    if (missing) return this.fail(`the path ${missing} does not exist`); // A8.2
    this.work = this.toDo(wanted);
    this.total = this.work.reduce((sum, { count, done }) => sum + count - done, 0);
    this.step(0);
  }

  /** New or changed since the last export (A8.5): files, symlinks and directories (A5.3). */
  private toDo(wanted: string[]): Work[] {
    const { files, associations } = this.fileSystem;
    return files.list().filter(({ path, kind }) => kind !== 'special' && wanted.some((each) => isIn(path, each))).flatMap(({ path, count }) => {
      const association = associations.find((each) => each.covers(path));
      if (!association || association.isArchived(path)) return [];
      return [{ path, association, count, done: association.exportedOf(path) }];
    });
  }

  /** Does what could be done in this time, then again until nothing is left. */
  private step(milliseconds: number): void {
    if (this.lifecycle !== 'EXECUTING') return;
    if (this.fileSystem.gone || this.fileSystem.lifecycle === 'FAILED') return this.fail('the file system failed');
    this.spare += milliseconds;
    while (this.work.length > 0 && this.exportFirst()) { /* as far as the time reaches */ }
    this.refreshed = this.world.clock.now();
    if (this.work.length === 0) return this.finish();
    const left = this.work.reduce((sum, work) => sum + (work.count - work.done) * this.timeOf(work), 0) - this.spare;
    const pause = Math.min(REFRESH_MS, Math.max(Math.ceil(left), 1));
    this.world.clock.after(pause, () => this.step(pause));
  }

  /** Milliseconds for one file of a path. */
  private timeOf({ path }: Work): number {
    const { filesPerSecond, bytesPerSecond } = this.host.pace;
    return Math.max(1000 / filesPerSecond, 1000 * (this.fileSystem.files.get(path)?.size ?? 0) / bytesPerSecond);
  }

  /** Exports the first path, or as much of it as the time allows; answers whether it is done with. */
  private exportFirst(): boolean {
    const [work] = this.work;
    const { path, association } = work;
    const entry = this.fileSystem.files.get(path);
    const left = Math.min(work.count, entry?.count ?? 0) - work.done;
    const works = ['AVAILABLE', 'UPDATING'].includes(association.lifecycle);
    const code = entry && (works ? association.refusal(entry) : 'AccessDenied');
    if (!entry || left < 0) {
      this.total -= work.count - work.done; // removed or renamed meanwhile: nothing is left to export
    } else if (code) {
      this.failed.push({ path, code: this.reported(code) });
      this.failedCount += left;
    } else {
      const each = this.timeOf(work);
      const now = each > 0 ? Math.min(left, Math.floor(this.spare / each)) : left;
      this.copy(work, entry, now);
      if (now < left) return false;
    }
    this.work.shift();
    return true;
  }

  /** What changes while it is copied is in S3 as it was, or torn, and stays dirty. */
  private copy(work: Work, entry: FileEntry, files: number): void {
    const { association, path } = work;
    const present = association.contentOf(path);
    work.content ??= present;
    if (files === 0) return;
    work.done += files;
    this.succeeded += files;
    this.spare -= files * this.timeOf(work);
    association.copy(entry, work.done, this.world.clock.now(), work.content === present ? undefined : work.content);
  }

  /** The report's name of a failure; two of them are in no list (A8.7, B10). */
  private reported(code: ExportFailure): string {
    switch (code) {
      case 'AccessDenied': return 'S3AccessDenied';
      case 'NameNotUtf8': return reading(this.world, 'utf8Failure', 'InternalError');
      case 'KmsKeyNotFound': return reading(this.world, 'kmsFailureCode', 'S3AccessDenied');
      default: return code;
    }
  }

  private finish(): void {
    if (this.failedCount > 0) this.failure = `${this.failedCount} files could not be exported`; // A8.4: any failed file
    const late = reading(this.world, 'reportDelivery', 'withEnd') === 'aMinuteLater';
    if (late) this.world.clock.after(60_000, () => this.writeReport()); else this.writeReport();
    this.end(this.failure === undefined ? 'SUCCEEDED' : 'FAILED');
  }

  private writeReport(): void {
    const { Enabled, Path = '' } = this.request.report;
    const always = reading(this.world, 'exportReport', 'onlyFailures') === 'always';
    if (!Enabled || this.fileSystem.lifecycle === 'DELETING' || (this.failedCount === 0 && !always)) return;
    const association = this.fileSystem.associations.find(({ settings }) => isIn(Path, settings.dataRepositoryPath.replace(/\/+$/, '')));
    const bucket = association && this.host.bucketOf(association);
    if (!bucket || this.host.reportFails(association.settings.fileSystemPath)) return;
    const bytes = reportText(this.world, this.failed);
    bucket.put(reportKey(this.world, Path, this.id), { size: bytes.length, content: this.id, bytes });
  }

  /** Only names, sizes and metadata come; contents are loaded when they are read (G7). */
  private import(association: Association): void {
    const { files } = this.fileSystem;
    const bucket = this.host.bucketOf(association);
    const prefix = association.keyOf({ path: association.settings.fileSystemPath, kind: 'directory' }).replace(/^\/$/, '');
    for (const { key } of bucket?.list(prefix).filter((object) => !object.key.endsWith('/')) ?? []) {
      const path = normal(`${association.settings.fileSystemPath}/${key.slice(prefix.length)}`);
      if (files.get(path)) continue;
      const body = bucket!.body(key);
      files.import(path, body);
      association.archived.set(path, body.content);
      this.succeeded++;
      this.total++;
    }
    this.end('SUCCEEDED');
  }

  private end(lifecycle: string): void {
    this.lifecycle = lifecycle;
    this.work = [];
    this.ended = this.refreshed = this.world.clock.now();
  }
}

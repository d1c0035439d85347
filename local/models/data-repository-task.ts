import { World } from '../world';
import { Association } from './association';
import { Bucket } from './bucket';
import { isIn, normal } from './files';
import { FileSystem } from './fsx-file-system';

/** Files a second: a task copies in parallel, much faster than the queue (A8.9; no number is published). */
const FILES_PER_SECOND = 2_000;

export interface TaskReport {
  readonly Enabled: boolean;
  readonly Path?: string;
  readonly Format?: string;
  readonly Scope?: string;
}

/** One data repository task. It exports what is new or changed; deletions are not its work (A8.5). */
export class DataRepositoryTask {
  readonly id: string;
  readonly tags = new Map<string, string>();
  readonly created: number;
  lifecycle = 'PENDING';
  started?: number;
  ended?: number;
  failure?: string;
  private updated: number;
  private succeeded = 0;
  private failed: { readonly path: string; readonly code: string }[] = [];

  constructor(
    private readonly world: World,
    readonly type: 'EXPORT_TO_REPOSITORY' | 'IMPORT_METADATA_FROM_REPOSITORY',
    readonly fileSystem: FileSystem,
    private readonly bucketOf: (association: Association) => Bucket,
    readonly report: TaskReport,
    readonly paths?: string[],
    /** What an import imports into. */
    private readonly association?: Association,
  ) {
    this.id = `task-${world.id(17)}`; // A2.10
    this.created = world.clock.now();
    this.updated = this.created;
    world.clock.after(fileSystem.durations.taskPending, () => this.start());
  }

  get live(): boolean {
    return this.lifecycle === 'PENDING' || this.lifecycle === 'EXECUTING';
  }

  get arn(): string {
    return this.fileSystem.arn.replace(/:file-system\/.*/, `:task/${this.id}`);
  }

  describe(): Record<string, unknown> {
    return {
      TaskId: this.id,
      Lifecycle: this.lifecycle,
      Type: this.type,
      CreationTime: new Date(this.created),
      StartTime: this.started === undefined ? undefined : new Date(this.started),
      EndTime: this.ended === undefined ? undefined : new Date(this.ended),
      ResourceARN: this.arn,
      Tags: [...this.tags].map(([Key, Value]) => ({ Key, Value })),
      FileSystemId: this.fileSystem.id,
      Paths: this.paths,
      FailureDetails: this.failure === undefined ? undefined : { Message: this.failure }, // A8.4: only if FAILED
      Status: {
        TotalCount: this.succeeded + this.failed.length,
        SucceededCount: this.succeeded,
        FailedCount: this.failed.length,
        LastUpdatedTime: new Date(this.updated),
      },
      Report: this.report,
    };
  }

  private start(): void {
    this.lifecycle = 'EXECUTING';
    this.started = this.updated = this.world.clock.now();
    const work = this.type === 'EXPORT_TO_REPOSITORY' ? this.fileSystem.files.list().reduce((sum, { count }) => sum + count, 0) : 0;
    this.world.clock.after(Math.ceil(1000 * work / FILES_PER_SECOND), () => {
      if (this.type === 'EXPORT_TO_REPOSITORY') this.export(); else this.import(this.association!);
      this.ended = this.updated = this.world.clock.now();
    });
  }

  private export(): void {
    const { files, associations } = this.fileSystem;
    files.scan();
    const wanted = this.paths?.map(normal) ?? ['/'];
    const missing = wanted.find((path) => path !== '/' && !files.get(path));
    if (missing) return this.end(`the path ${missing} does not exist`); // A8.2
    for (const entry of files.list().filter(({ path, kind }) => kind !== 'special' && wanted.some((each) => isIn(path, each)))) {
      const association = associations.find((each) => each.covers(entry.path));
      if (!association || association.archived.get(entry.path) === files.body(entry.path).content) continue;
      const code = association.lifecycle === 'AVAILABLE' ? association.refusal(entry) : 'S3AccessDenied';
      if (code) {
        this.failed.push({ path: entry.path, code });
      } else {
        association.copy(entry, entry.count, this.world.clock.now());
        this.succeeded += entry.count;
      }
    }
    this.writeReport();
    this.end(this.failed.length > 0 ? `${this.failed.length} files could not be exported` : undefined); // A8.4: any failed file
  }

  /** Only names, sizes and metadata come; contents are loaded when they are read (G7). */
  private import(association: Association): void {
    const { files } = this.fileSystem;
    const bucket = this.bucketOf(association);
    const prefix = association.keyOf({ path: association.settings.fileSystemPath, kind: 'directory' }).replace(/^\/$/, '');
    for (const { key } of bucket.list(prefix).filter((object) => !object.key.endsWith('/'))) {
      const path = normal(`${association.settings.fileSystemPath}/${key.slice(prefix.length)}`);
      if (files.get(path)) continue;
      const body = bucket.body(key);
      files.import(path, body);
      association.archived.set(path, body.content);
      this.succeeded++;
    }
    this.end();
  }

  /** A report object exists only where something failed (A8.3). */
  private writeReport(): void {
    if (!this.report.Enabled || this.failed.length === 0) return;
    const association = this.fileSystem.associations.find(({ settings }) => this.report.Path!.startsWith(settings.dataRepositoryPath));
    const directory = this.report.Path!.replace(/^s3:\/\/[^/]+\//, '').replace(/\/$/, '');
    const lines = ['FilePath,FileStatus,ErrorCode', ...this.failed.map(({ path, code }) => `"${path}",FAILED,${code}`)];
    const text = lines.join('\n');
    this.bucketOf(association!).put(`${directory}/task-${this.id.replace(/^task-/, '')}/failures.csv`, { size: text.length, content: this.id, bytes: text });
  }

  private end(failure?: string): void {
    this.failure = failure;
    this.lifecycle = failure === undefined ? 'SUCCEEDED' : 'FAILED';
  }
}

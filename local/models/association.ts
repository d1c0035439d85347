import { AwsError, World } from '../world';
import { Bucket } from './bucket';
import { reading } from './checks';
import { ExportQueue, Message, Pace } from './exporter';
import { Body, FileChange, FileEntry, Files, isIn } from './files';

const MAX_KEY_BYTES = 1024; // A5.6
const MAX_OBJECT_BYTES = 5 * 1024 ** 4; // A5.6
const MEND_BY_ITSELF_MS = 15 * 60_000; // A3.2a: "within 15 minutes"

/** Why a file cannot be exported: 2022's names without `S3Export` (B10), and for two of them what is the matter. */
export type ExportFailure =
  'PathSizeTooLong' | 'FileSizeTooLarge' | 'ResourceBusy' | 'AccessDenied' | 'S3Error' | 'InternalError' | 'KmsKeyNotFound' | 'NameNotUtf8';

/** One line of the event log (B10). It is written whether or not the file system has a log: it is ground truth. */
export interface ExportEvent {
  readonly at: number;
  readonly path: string;
  readonly code: Exclude<ExportFailure, 'NameNotUtf8'>;
}

export interface AssociationSettings {
  readonly id: string;
  readonly fileSystemPath: string;
  readonly dataRepositoryPath: string;
  readonly importedFileChunkSize: number;
  readonly batchImport: boolean;
  readonly exportEvents?: string[];
  readonly importEvents?: string[];
}

/** What an association needs to know of its file system. */
export interface AssociationHost {
  readonly world: World;
  readonly files: Files;
  readonly bucket?: Bucket;
  /** How long CREATING and UPDATING last. */
  readonly durations: { readonly createAssociation: number; readonly updateAssociation: number };
  readonly pace: Pace;
  /** Called when it is AVAILABLE for the first time. */
  available(association: Association): void;
  /** The code with which the export of a file fails, if a test says so. */
  exportFails(path: string): ExportFailure | undefined;
  log(event: ExportEvent): void;
}

/** The link of one directory to one prefix, with its queue of automatic export. */
export class Association {
  readonly created: number;
  readonly tags = new Map<string, string>();
  readonly queue: ExportQueue;
  /** Content of each file as it was last exported or imported: what differs is dirty (B13). */
  readonly archived = new Map<string, string>();
  lifecycle = 'CREATING';
  failure?: string;
  exportEvents?: string[];
  importEvents?: string[];
  importedFileChunkSize: number;
  /** When its directory appears by itself, if it does (A4.2). */
  directoryAt?: number;
  /** When it was first AVAILABLE with an export policy. */
  exportsSince?: number;
  /** Why it cannot work, until somebody mends it. */
  private cause?: string;
  private mendings = 0;
  private wasAvailable = false;

  constructor(readonly settings: AssociationSettings, private readonly host: AssociationHost) {
    this.created = host.world.clock.now();
    this.exportEvents = settings.exportEvents;
    this.importEvents = settings.importEvents;
    this.importedFileChunkSize = settings.importedFileChunkSize;
    this.queue = new ExportQueue(() => host.world.clock.now(), host.pace, (message, done, at) => this.export(message, done, at));
    if (!host.bucket) this.cause = 'The bucket of the data repository path does not exist';
  }

  get exporting(): boolean {
    return (this.exportEvents?.length ?? 0) > 0;
  }

  get bucketName(): string {
    return this.settings.dataRepositoryPath.split('/')[2];
  }

  covers(path: string): boolean {
    return isIn(path, this.settings.fileSystemPath);
  }

  /** Key of a file's object; a directory's ends with a slash (A5.4). */
  keyOf(entry: Pick<FileEntry, 'path' | 'kind'>): string {
    const [, ...prefix] = this.settings.dataRepositoryPath.replace(/^s3:\/\//, '').split('/');
    const inside = entry.path.slice(this.settings.fileSystemPath.length).split('/');
    const key = [...prefix, ...inside].filter((part) => part !== '').join('/');
    return entry.kind === 'directory' ? `${key}/` : key;
  }

  /** The file system became AVAILABLE: the queued creation begins (A4.1). */
  begin(): void {
    const { world, durations } = this.host;
    if (reading(world, 'associationDirectory', 'created') === 'created') this.directoryAt = world.clock.now() + durations.createAssociation; // A4.2
    world.clock.after(durations.createAssociation, () => this.settle('CREATING'));
  }

  /** Exports stop silently (G8) until the cause is mended (`mend`). */
  misconfigure(message: string): void {
    this.cause = message;
    if (this.lifecycle === 'AVAILABLE') this.settle(this.lifecycle);
  }

  /** The cause is mended: it comes back by itself within 15 minutes, or at once on an update (A3.2a). */
  mend(): void {
    this.cause = undefined;
    const mending = ++this.mendings;
    this.host.world.clock.after(MEND_BY_ITSELF_MS, () => {
      if (mending === this.mendings) this.settle('MISCONFIGURED');
    });
  }

  /** FAILED is for ever (A3.2). */
  fail(message: string): void {
    this.queue.pause();
    this.lifecycle = 'FAILED';
    this.failure = message;
  }

  update(change: { exportEvents?: string[] | null; importEvents?: string[]; importedFileChunkSize?: number }): void {
    const { world } = this.host;
    if (!['AVAILABLE', 'MISCONFIGURED'].includes(this.lifecycle)) {
      throw new AwsError('BadRequest', `Association ${this.settings.id} cannot be updated in the lifecycle state ${this.lifecycle}`);
    }
    if (this.lifecycle === 'MISCONFIGURED' && reading(world, 'updateOfMisconfigured', 'checksAgain') === 'refused') { // A3.2a
      throw new AwsError('BadRequest', `Association ${this.settings.id} is misconfigured`);
    }
    if (change.exportEvents?.length === 0 && reading(world, 'emptyExportEvents', 'accepted') === 'refused') { // A6.2
      throw new AwsError('BadRequest', 'AutoExportPolicy.Events must not be empty');
    }
    const wasExporting = this.exporting;
    if (change.exportEvents !== undefined) this.exportEvents = change.exportEvents ?? undefined;
    this.importEvents = change.importEvents ?? this.importEvents;
    this.importedFileChunkSize = change.importedFileChunkSize ?? this.importedFileChunkSize;
    const dropsQueue = wasExporting && !this.exporting ? 'queueWhenDisabled' : 'queueOnUpdate'; // A6.2
    if (reading(world, dropsQueue, 'kept') === 'dropped') this.queue.drop();
    this.lifecycle = 'UPDATING'; // A6.1
    world.clock.after(this.host.durations.updateAssociation, () => this.settle('UPDATING'));
  }

  /** The file system is being deleted. */
  end(): void {
    this.queue.pause();
    this.lifecycle = 'DELETING';
  }

  /** A change on the file system enters the queue, if the policy asks for it. */
  see(change: FileChange, entry: FileEntry | undefined): void {
    const event = change.kind === 'removed' ? 'DELETED' : this.archived.has(change.path) ? 'CHANGED' : 'NEW'; // A3.4
    if (!this.exporting || !this.exportEvents!.includes(event) || entry?.kind === 'special') return; // A5.3
    const missed = this.lifecycle === 'MISCONFIGURED' && reading(this.host.world, 'missedWhileMisconfigured', 'lost') === 'lost'; // G8
    if (missed || this.exportsSince === undefined) return;
    this.queue.push({ kind: change.kind === 'removed' ? 'delete' : 'put', path: change.path, count: change.count, size: entry?.size ?? 0 });
  }

  /** Why a file cannot be exported now. */
  refusal(entry: FileEntry): ExportFailure | undefined {
    const key = this.keyOf(entry);
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) return 'PathSizeTooLong';
    if (key.includes('\uFFFD')) return 'NameNotUtf8'; // A5.6: what a name that is not UTF-8 is read as
    if (entry.size > MAX_OBJECT_BYTES) return 'FileSizeTooLarge';
    if (entry.openBy.length > 0) return 'ResourceBusy'; // G9
    return this.host.exportFails(entry.path);
  }

  /** Whether its present content was exported or imported: `archived` and not `dirty` (B13). */
  isArchived(path: string): boolean {
    const content = this.contentOf(path);
    return content !== undefined && this.archived.get(path) === content;
  }

  /** How many of an entry's files S3 has with their present content: where one half of it is done. */
  exportedOf(path: string): number {
    const entry = this.host.files.get(path);
    const object = entry && this.host.bucket?.get(this.keyOf(entry));
    return object && object.content === this.contentOf(path) ? Math.min(object.count, entry!.count) : 0;
  }

  /** Undefined where the file is gone. */
  contentOf(path: string): string | undefined {
    return quietly(() => this.host.files.body(path).content);
  }

  /** Writes objects of an entry, unless a real process removes it meanwhile; `copied` is the content that was read, if it has changed since. */
  copy(entry: FileEntry, count: number, at: number, copied?: string): void {
    const present = quietly(() => this.host.files.body(entry.path));
    if (present) this.put(entry, copied === undefined ? present : { size: entry.size, content: copied }, count, at);
  }

  /** The object of a file, with its POSIX metadata (A5.5). */
  private put(entry: FileEntry, body: Body, count: number, at: number): void {
    if (this.keyOf(entry) === '/') return; // the root of a bucket is no object
    const before = this.host.bucket!.get(this.keyOf(entry));
    const there = before?.content === body.content ? before.count : 0;
    this.host.bucket!.put(this.keyOf(entry), body, {
      count: Math.max(count, there), // queue and task may both have had a part of it
      modified: at,
      metadata: {
        'file-permissions': `0${(0o100000 + entry.mode % 0o4000).toString(8)}`, // setuid is not kept
        'file-owner': `${entry.uid}`,
        'file-group': `${entry.gid}`,
        'file-atime': `${entry.modified * 1e6}ns`,
        'file-mtime': `${entry.modified * 1e6}ns`,
        'user-agent': 'aws-fsx-lustre',
      },
    });
    if (count === entry.count) this.archived.set(entry.path, body.content);
  }

  private export(message: Message, done: number, at: number): void {
    if (message.kind === 'delete') {
      this.archived.delete(message.path);
      // Nobody remembers what it was: the object of a directory has another key.
      this.host.bucket!.delete(this.keyOf({ path: message.path, kind: 'file' }));
      this.host.bucket!.delete(this.keyOf({ path: message.path, kind: 'directory' }));
      return;
    }
    const entry = this.host.files.get(message.path);
    if (!entry) return; // removed meanwhile; its own message follows
    const code = this.refusal(entry);
    // What cannot be exported leaves the queue all the same (B8).
    if (code) this.host.log({ at, path: message.path, code: logged(code) }); else this.copy(entry, Math.min(done, entry.count), at);
  }

  /** CREATING or UPDATING is over, or its health changed. */
  private settle(from: string): void {
    if (this.lifecycle !== from) return;
    this.lifecycle = this.cause === undefined ? 'AVAILABLE' : 'MISCONFIGURED';
    this.failure = this.cause;
    if (this.lifecycle === 'AVAILABLE') {
      if (from === 'CREATING' && this.directoryAt !== undefined) this.host.files.makeDirectory(this.settings.fileSystemPath);
      // Messages from before automatic export was switched off are still exported, unless they were dropped.
      this.queue.resume();
      if (this.exporting) this.exportsSince ??= this.host.world.clock.now();
      if (!this.wasAvailable) this.host.available(this);
      this.wasAvailable = true;
    } else {
      this.queue.pause();
    }
  }
}

/** Undefined where a real process has just removed the file. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as Error).message.startsWith('ENOENT')) return undefined;
    throw error;
  }
}

/** The log knows no error of a name that is not UTF-8 (B10). */
function logged(code: ExportFailure): ExportEvent['code'] {
  return code === 'NameNotUtf8' ? 'InternalError' : code;
}

import { AwsError, World } from '../world';
import { Association, ExportFailure } from './association';
import { Buckets } from './bucket';
import { DataRepositoryTask, TaskPace } from './data-repository-task';
import { MEASURED_PACE, Pace } from './exporter';
import { Files, MemoryFiles } from './files';
import { Deletion, Durations, durations, FileSystem, LastSeenFile } from './fsx-file-system';
import { ACCOUNT_QUOTA } from './fsx-requests';
import { MountedFileSystem, MountFailed } from './mount';

/** The model of IAM, as far as FSx makes and deletes service-linked roles in it (A4.11). */
export interface ServiceLinkedRoles {
  readonly serviceLinkedRoles: { delete(roleName: string): boolean };
  createServiceLinkedRole(role: { roleName: string; createdBy: string; inUse: () => boolean }): void;
}

export interface FsxOptions {
  /** Contents of a new file system. @default in memory */
  readonly files?: () => Files;
  /** How often, in the world's time, real directories are scanned. @default never: nothing changes that the model is not told */
  readonly scanEveryMs?: number;
}

/** A file system as a booting host finds it: seconds from now until a thing is there, 0 if it is. */
export interface ReachableFileSystem {
  readonly fileSystemId: string;
  readonly dnsName: string;
  readonly mountName: string;
  readonly directories: { readonly [path: string]: number };
  readonly availableAfter: number;
  readonly version: string;
}

/** Everything about FSx but its API: ground truth, what hosts do with file systems, and steering. */
export class FsxState {
  /** For all that is asynchronous and not begun yet. */
  readonly durations: Durations;
  readonly quota = { ...ACCOUNT_QUOTA };
  /** Every file system there ever was; those that are gone stay for their metrics. */
  protected readonly fileSystems = new Map<string, FileSystem>();
  protected readonly tasks: DataRepositoryTask[] = [];
  protected readonly pace: Pace = { ...MEASURED_PACE };
  /** How fast tasks export from now on; steering. */
  readonly taskPace: TaskPace = { filesPerSecond: 2_000, bytesPerSecond: MEASURED_PACE.bytesPerSecond }; // A5.10: the file system's throughput
  /** Messages with which the next tasks fail as a whole. */
  protected readonly taskFailures: string[] = [];
  private reportsFail = false;
  /** Message with which the next creation fails. */
  protected shortage?: string;
  private readonly exportFailures: { path: RegExp; code: ExportFailure }[] = [];

  constructor(protected readonly world: World, protected readonly buckets: Buckets, protected readonly options: FsxOptions) {
    this.durations = durations(world);
    // Exports are done lazily: whoever looks into a bucket sees all that were due.
    for (const bucket of buckets.list()) bucket.beforeUse.push(() => this.advance());
  }

  // ---- ground truth ----

  /** File systems that exist, those being deleted included. */
  living(): FileSystem[] {
    return [...this.fileSystems.values()].filter(({ gone }) => !gone);
  }

  deletions(): Deletion[] {
    return [...this.fileSystems.values()].flatMap(({ deletion }) => deletion ? [deletion] : []);
  }

  /** A file system by its id, even a gone one; without an id the newest. */
  fileSystem(id = [...this.fileSystems.keys()].pop()): FileSystem {
    this.advance();
    const found = id === undefined ? undefined : this.fileSystems.get(id);
    if (!found) throw new Error(`there never was a file system ${id ?? ''}`);
    return found;
  }

  /** The association that exports, of a file system or of the newest. */
  association(fileSystemId?: string): Association {
    const { associations } = this.fileSystem(fileSystemId);
    const found = associations.find(({ exporting }) => exporting) ?? associations[0];
    if (!found) throw new Error(`file system ${fileSystemId ?? ''} has no association`);
    return found;
  }

  /** Files written, files that S3 has of them, messages waiting. */
  progress(fileSystemId?: string): { files: number; exported: number; waiting: number } {
    const fileSystem = this.fileSystem(fileSystemId);
    const all = fileSystem.files.list().filter(({ kind }) => kind === 'file' || kind === 'symlink');
    const files = all.reduce((sum, { count }) => sum + count, 0);
    const archived = (path: string) => fileSystem.associations.some((each) => each.archived.has(path));
    return {
      files,
      exported: all.filter(({ path }) => archived(path)).reduce((sum, { count }) => sum + count, 0),
      waiting: fileSystem.associations.reduce((sum, { queue }) => sum + queue.waiting, 0),
    };
  }

  /** Files of which S3 does not have all with their present content. */
  missing(fileSystemId?: string): LastSeenFile[] {
    return this.fileSystem(fileSystemId).inventory().filter(({ missing }) => missing > 0);
  }

  /** Does all exports that were due until now. */
  advance(): void {
    for (const fileSystem of this.living()) fileSystem.advance();
  }

  // ---- hosts ----

  reachable(): ReachableFileSystem[] {
    const seconds = (time: number) => Math.max(0, Math.ceil((time - this.world.clock.now()) / 1000));
    return this.living().filter(({ lifecycle }) => lifecycle === 'CREATING' || lifecycle === 'AVAILABLE').map((fileSystem) => ({
      fileSystemId: fileSystem.id,
      dnsName: fileSystem.dnsName,
      mountName: fileSystem.mountName,
      availableAfter: fileSystem.lifecycle === 'AVAILABLE' ? 0 : seconds(fileSystem.availableAt),
      version: fileSystem.settings.version,
      directories: {
        ...Object.fromEntries(fileSystem.associations.flatMap((each) => each.directoryAt === undefined
          ? [] : [[each.settings.fileSystemPath, seconds(each.directoryAt)]])),
        ...Object.fromEntries(fileSystem.files.list().filter(({ kind }) => kind === 'directory').map(({ path }) => [path, 0])),
      },
    }));
  }

  mount(fileSystemId: string, clientId: string): MountedFileSystem {
    const fileSystem = this.fileSystems.get(fileSystemId);
    if (!fileSystem || fileSystem.gone) throw new MountFailed(2, `mount.lustre: ${fileSystemId} is not known`);
    return fileSystem.mount(clientId);
  }

  unmountClient(clientId: string): void {
    for (const fileSystem of this.living()) fileSystem.unmountClient(clientId);
  }

  killClient(clientId: string): void {
    for (const fileSystem of this.living()) fileSystem.killClient(clientId);
  }

  // ---- metrics, as CloudWatch gets them ----

  /** Seconds; undefined where there is no such reading. */
  exportAgeAt(fileSystemId: string, minute: number): number | undefined {
    return this.fileSystems.get(fileSystemId)?.ageAt(minute);
  }

  connectionsAt(fileSystemId: string, minute: number): number | undefined {
    const fileSystem = this.fileSystems.get(fileSystemId);
    if (!fileSystem || minute < fileSystem.availableAt || minute > (fileSystem.deletion?.at ?? Infinity)) return undefined;
    return [...fileSystem.connections].reverse().find(({ since }) => since <= minute)?.count ?? 0;
  }

  /** When the first association began to export, and when its queue had the first message. */
  exportBegan(fileSystemId: string): { since?: number; firstMessage?: number } {
    const exporting = this.fileSystems.get(fileSystemId)?.associations.filter(({ exportsSince }) => exportsSince !== undefined) ?? [];
    const first = (times: (number | undefined)[]) => times.filter((time) => time !== undefined).sort((a, b) => a - b)[0];
    return { since: first(exporting.map(({ exportsSince }) => exportsSince)), firstMessage: first(exporting.map(({ queue }) => queue.firstMessage)) };
  }

  // ---- steering ----

  /** How fast all file systems export from now on, and how long a change needs until the queue knows it. */
  setPace(pace: Partial<Pace>): void {
    this.advance();
    Object.assign(this.pace, pace);
  }

  /** Exports of files whose path matches fail with this code. */
  failExports(path: RegExp, code: ExportFailure = 'InternalError'): void {
    this.exportFailures.push({ path, code });
  }

  /** Exports succeed again. */
  mendExports(): void {
    this.exportFailures.length = 0;
  }

  /** A task by its id; without one the newest. */
  task(id = this.tasks.at(-1)?.id): DataRepositoryTask {
    const found = this.tasks.find((each) => each.id === id);
    if (!found) throw new Error(`there never was a task ${id ?? ''}`);
    return found;
  }

  /** Somebody cancels a task. */
  cancelTask(id?: string): void {
    this.task(id).cancel();
  }

  /** A task fails as a whole, without a failed file. */
  failTask(message = 'An internal error occurred', id?: string): void {
    this.task(id).fail(message);
  }

  /** The next tasks fail so as soon as they begin. */
  failNextTasks(count = 1, message = 'An internal error occurred'): void {
    this.taskFailures.push(...Array<string>(count).fill(message));
  }

  /** Whether reports arrive in the bucket. */
  failReports(fail = true): void {
    this.reportsFail = fail;
  }

  /** There is no capacity for the next file system (A9.3). */
  failNextCreation(message = 'Insufficient capacity in the Availability Zone'): void {
    this.shortage = message;
  }

  failFileSystem(message = 'An internal error occurred', fileSystemId?: string): void {
    this.fileSystem(fileSystemId).fail(message);
  }

  failAssociation(message = 'The bucket cannot be accessed', fileSystemId?: string): void {
    this.association(fileSystemId).fail(message);
  }

  misconfigureAssociation(message = 'Access to the bucket was denied', fileSystemId?: string): void {
    this.association(fileSystemId).misconfigure(message);
  }

  mendAssociation(fileSystemId?: string): void {
    this.association(fileSystemId).mend();
  }

  // ---- inside ----

  /** What S3 refuses to the linked directory itself, it refuses to reports, too. */
  protected reportFailure(linked: string): boolean {
    return this.reportsFail || ['AccessDenied', 'KmsKeyNotFound', 'S3Error'].includes(this.exportFailure(linked) ?? '');
  }

  protected exportFailure(path: string): ExportFailure | undefined {
    return this.exportFailures.find((each) => each.path.test(path))?.code;
  }

  protected newFiles(): Files {
    return this.options.files?.() ?? new MemoryFiles(() => this.world.clock.now());
  }

  /** Looks for changes in a real directory again and again while it exists. */
  protected scanForEver(fileSystem: FileSystem): void {
    const { scanEveryMs } = this.options;
    if (scanEveryMs === undefined) return;
    this.world.clock.after(scanEveryMs, () => {
      if (fileSystem.gone) return;
      if (fileSystem.lifecycle === 'AVAILABLE') fileSystem.files.scan();
      fileSystem.advance();
      this.scanForEver(fileSystem);
    });
  }

  /** A file system as the API finds it. */
  protected known(id: string): FileSystem {
    const found = this.fileSystems.get(id);
    if (!found || found.gone) throw new AwsError('FileSystemNotFound', `File system '${id}' does not exist.`);
    return found;
  }
}

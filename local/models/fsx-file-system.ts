import { World } from '../world';
import { Association, AssociationSettings, ExportEvent, ExportFailure } from './association';
import { Buckets } from './bucket';
import { reading } from './checks';
import { Pace } from './exporter';
import { FileEntry, Files, normal } from './files';
import { MountedFileSystem, MountFailed, View } from './mount';

/** How long what is asynchronous takes, in milliseconds. */
export interface Durations {
  /** CREATING until AVAILABLE. */
  create: number;
  createAssociation: number;
  updateAssociation: number;
  delete: number;
  /** Until an unresponsive client is evicted. */
  eviction: number;
  /** Until Describe knows a new file system, where it does not at once. */
  visible: number;
  /** PENDING of a data repository task. */
  taskPending: number;
  taskCanceling: number;
}

export function durations(world: World): Durations {
  return {
    create: reading(world, 'fileSystemCreation', 'minutes') === 'minutes' ? 5 * 60_000 : 30 * 60_000, // A9.1: 2-8 min
    createAssociation: 2 * 60_000, // [U] no measurement
    updateAssociation: 60_000, // [U] no measurement
    delete: 330_000, // A6.4: 5-6 min
    eviction: 5 * 60_000, // C9: "after a few minutes"
    visible: 10_000, // [U]
    taskPending: 10_000, // [U]
    taskCanceling: 30_000, // [U] no measurement; A8.4: the status is refreshed every 30 s
  };
}

/** A file that was on the file system when it was deleted. */
export interface LastSeenFile {
  readonly path: string;
  readonly size: number;
  readonly count: number;
  readonly content: string;
  /** Where S3 should have it; undefined: no association with an export covers it. */
  readonly bucket?: string;
  readonly key?: string;
  /** How many of `count` are not in S3 with this content. */
  readonly missing: number;
}

/** What the deletion of a file system destroyed: the auditor's ground truth. */
export interface Deletion {
  readonly fileSystemId: string;
  readonly at: number;
  readonly tags: Record<string, string>;
  readonly files: LastSeenFile[];
  /** Those of `files` of which S3 had not all. */
  readonly lost: LastSeenFile[];
  /** Clients that had it mounted. */
  readonly clients: string[];
  readonly lastWriteAt?: number;
}

/** What came with the create call, already checked. */
export interface FileSystemSettings {
  readonly storageCapacity: number;
  readonly storageType: string;
  readonly deploymentType: string;
  readonly version: string;
  readonly subnetId: string;
  readonly kmsKeyId?: string;
  /** LustreConfiguration as given. */
  readonly lustre: Record<string, any>;
}

/** What a file system needs of the model around it. */
export interface FileSystemHost {
  readonly files: Files;
  readonly buckets: Buckets;
  readonly durations: Durations;
  readonly pace: Pace;
  /** The code with which the export of a file fails, if a test says so. */
  exportFails(path: string): ExportFailure | undefined;
  associationAvailable(association: Association): void;
}

/** One file system: life cycle, contents, associations and the hosts that have it mounted. */
export class FileSystem {
  readonly id: string;
  readonly mountName: string;
  readonly created: number;
  readonly tags = new Map<string, string>();
  readonly associations: Association[] = [];
  readonly files: Files;
  readonly durations: Durations;
  /** What could not be exported (B10). */
  readonly events: ExportEvent[] = [];
  lifecycle = 'CREATING';
  failure?: string;
  deletion?: Deletion;
  /** The API does not know it any more. */
  gone = false;
  lastWriteAt?: number;
  /** How many clients were connected since when. */
  readonly connections: { readonly since: number; readonly count: number }[] = [];
  private readonly mounts = new Map<string, View>();
  readonly interfaces: string[];

  constructor(readonly world: World, readonly settings: FileSystemSettings, private readonly host: FileSystemHost) {
    const { files } = host;
    this.files = files;
    this.durations = host.durations;
    this.id = `fs-${world.id(17)}`;
    this.mountName = settings.deploymentType === 'SCRATCH_1' ? 'fsx' : world.id(8); // A2.11
    this.interfaces = [`eni-${world.id(17)}`, `eni-${world.id(17)}`]; // A1.12
    this.created = world.clock.now();
    files.onChange((change) => {
      this.lastWriteAt = world.clock.now();
      const entry = files.get(change.path);
      for (const association of this.associations) if (association.covers(change.path)) association.see(change, entry);
    });
  }

  get dnsName(): string {
    return `${this.id}.fsx.${this.world.region}.${this.world.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'}`; // C7
  }

  get arn(): string {
    return `arn:${this.world.partition}:fsx:${this.world.region}:${this.world.account}:file-system/${this.id}`;
  }

  /** Clients that count as connections (A7.5): dead ones, too, until they are evicted. */
  get clients(): string[] {
    return [...this.mounts.keys()];
  }

  /** When it is or was going to be AVAILABLE. */
  get availableAt(): number {
    return this.created + this.durations.create;
  }

  becomeAvailable(): void {
    if (this.lifecycle !== 'CREATING') return;
    this.lifecycle = 'AVAILABLE';
    for (const association of this.associations) association.begin();
  }

  fail(message: string): void {
    if (this.lifecycle === 'DELETING') return;
    this.lifecycle = 'FAILED';
    this.failure = message;
  }

  link(settings: AssociationSettings): Association {
    const { world, files } = this;
    const { pace, exportFails, associationAvailable: available, buckets, durations: { createAssociation, updateAssociation } } = this.host;
    const association = new Association(settings, {
      world,
      files,
      pace,
      exportFails,
      available,
      durations: { createAssociation, updateAssociation },
      bucket: buckets.get(settings.dataRepositoryPath.split('/')[2]),
      log: (event) => this.events.push(event),
    });
    this.associations.push(association);
    if (this.lifecycle === 'AVAILABLE') association.begin(); // else it is queued (A4.1)
    return association;
  }

  /** Does all exports that were due. */
  advance(): void {
    for (const association of this.associations) association.queue.advance();
  }

  /** Age in seconds of the oldest message of any queue: there is no dimension per association (B1). */
  ageAt(minute: number): number | undefined {
    if (this.deletion && minute > this.deletion.at) return undefined;
    const ages = this.associations.filter(({ exportsSince }) => exportsSince !== undefined)
      .map(({ queue }) => queue.ageAt(minute)).filter((age) => age !== undefined);
    return ages.length === 0 ? undefined : Math.max(...ages);
  }

  /** The same host may mount it several times: it stays one client. */
  mount(client: string): MountedFileSystem {
    if (this.lifecycle !== 'AVAILABLE') throw new MountFailed(110, `mount.lustre: ${this.dnsName} does not answer`);
    if (this.settings.version === '2.10') throw new MountFailed(22, 'mount.lustre: Invalid argument'); // C4, G11
    const before = this.mounts.get(client);
    if (before && !before.dead) return before;
    const view = new View(this, client, () => this.disconnect(client));
    this.mounts.set(client, view);
    this.countConnections();
    return view;
  }

  unmountClient(client: string): void {
    const view = this.mounts.get(client);
    if (view && !view.dead) view.unmount();
  }

  /** The host is gone without unmounting. What it held open counts as open until it is evicted (G4). */
  killClient(client: string): void {
    const view = this.mounts.get(client);
    if (!view) return;
    view.dead = true;
    this.files.abandon(client);
    this.world.clock.after(this.durations.eviction, () => {
      this.advance();
      this.files.evict(client, reading(this.world, 'openFileOfDeadClient', 'exportedAfterEviction') === 'exportedAfterEviction');
      if (this.mounts.get(client) === view) this.disconnect(client);
    });
  }

  /** Takes down what is there and what S3 has of it; from now on nothing is exported. */
  delete(): void {
    this.files.scan();
    this.advance();
    const files = this.inventory();
    this.deletion = {
      fileSystemId: this.id,
      at: this.world.clock.now(),
      tags: Object.fromEntries(this.tags),
      files,
      lost: files.filter(({ missing }) => missing > 0),
      clients: this.clients,
      lastWriteAt: this.lastWriteAt,
    };
    this.lifecycle = 'DELETING';
    for (const association of this.associations) association.end();
    for (const view of this.mounts.values()) view.dead = true;
  }

  leave(): void {
    this.gone = true;
    this.mounts.clear();
    this.files.destroy();
  }

  arnOf(association: Association): string {
    return this.arn.replace(/:file-system\/.*/, `:association/${this.id}/${association.settings.id}`);
  }

  /** Every file that has content, and how much of it S3 does not have. */
  inventory(): LastSeenFile[] {
    return this.files.list().filter(({ kind }) => kind === 'file' || kind === 'symlink').map((entry) => this.lastSeen(entry));
  }

  private lastSeen(entry: FileEntry): LastSeenFile {
    const { path, size, count } = entry;
    const { content } = this.files.body(path);
    const association = this.associations.find((each) => each.covers(normal(path)));
    if (!association) return { path, size, count, content, missing: count };
    const bucket = association.bucketName;
    const key = association.keyOf(entry);
    const object = this.host.buckets.get(bucket)?.get(key);
    const there = object && object.content === content ? object.count : 0;
    return { path, size, count, content, bucket, key, missing: Math.max(count - there, 0) };
  }

  private disconnect(client: string): void {
    this.mounts.delete(client);
    this.countConnections();
  }

  private countConnections(): void {
    this.connections.push({ since: this.world.clock.now(), count: this.mounts.size });
  }
}

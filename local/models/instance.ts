import { World } from '../world';
import { MountedFileSystem } from './mount';

/** What hosts need of the model of FSx. */
export interface FileSystems {
  mount(fileSystemId: string, clientId: string): MountedFileSystem;
  /** The client is gone without a word: servers evict it after minutes (C9, G4). */
  killClient(clientId: string): void;
}

/** What a container finds that mounts a path of the host. */
export type HostDirectory =
  | { readonly kind: 'lustre'; readonly fileSystemId: string; readonly directory: string }
  /** It is not there and cannot be made: the container does not start. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'read-only' }
  /** On the instance's own disk, made by Docker if need be (D2.4): what is written there is lost. */
  | { readonly kind: 'instance-disk' };

/** What becomes of a host when its user data has run. */
export interface BootedHost {
  /** How long the user data takes in the world's time. */
  readonly seconds: number;
  /** Lines on its console. */
  readonly console: readonly string[];
  /** Whether the ECS agent starts, so that the instance takes jobs (D2.3). */
  readonly agentStarts: boolean;
  readonly poweredOff: boolean;
  /** The user data never ends. */
  readonly hangs?: boolean;
  /** Where it shows a file system. */
  readonly hostPaths: readonly { readonly fileSystemId: string }[];
  sees(hostPath: string): HostDirectory;
  /** Called when those seconds are over and the instance is still there. */
  onUp?(): void;
  /** Called when the two minutes' notice comes (C9). */
  onSpotNotice?(): void;
}

export interface BootRequest {
  readonly instanceId: string;
  /** MIME text of the launch template, decoded; empty where it has none. */
  readonly userData: string;
}

/** Boots a host by running its user data. Real time may pass, but none of the world's. */
export type HostBoot = (request: BootRequest) => Promise<BootedHost>;

export interface InstanceSpec {
  readonly userData: string;
  readonly instanceType: string;
  readonly spot: boolean;
  readonly subnetId?: string;
  readonly tags: Record<string, string>;
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated';
export type EndReason = 'Server.SpotInstanceTermination' | 'Client.UserInitiatedShutdown' | 'Client.InstanceInitiatedShutdown';

/** From the launch until the user data begins. [I] */
const POWER_ON_SECONDS = 25;
/** From shutting-down to terminated. [I] */
const SHUT_DOWN_SECONDS = 40;
/** C9: a reclaimed instance gets its notice so long before. */
const SPOT_NOTICE_SECONDS = 120;

/** An EC2 instance that boots by running its real user data. */
export class Instance {
  readonly id: string;
  readonly launchedAt: number;
  state: InstanceState = 'pending';
  endReason?: EndReason;
  endedAt?: number;
  /** Undefined until the user data is over. */
  host?: BootedHost;
  /** What was written to its console. */
  console: readonly string[] = [];
  /** The harness itself threw: a defect of the rehearsal. */
  bootError?: unknown;
  private readonly mounts = new Map<string, MountedFileSystem>();
  private readonly watchers: (() => void)[] = [];

  constructor(
    private readonly world: World,
    readonly spec: InstanceSpec,
    private readonly boot: HostBoot,
    private readonly fileSystems: FileSystems,
  ) {
    this.id = `i-${world.id(17)}`;
    this.launchedAt = world.clock.now();
    world.clock.after(POWER_ON_SECONDS * 1000, () => this.powerOn());
  }

  get alive(): boolean {
    return this.state === 'pending' || this.state === 'running';
  }

  /** Whether its ECS agent has registered it. */
  get takesJobs(): boolean {
    return this.state === 'running' && this.host?.agentStarts === true;
  }

  /** Calls back whenever the state changes. */
  watch(callback: () => void): void {
    this.watchers.push(callback);
  }

  /** By Batch, which has no use for it. */
  terminate(): void {
    this.end('Client.UserInitiatedShutdown', 'orderly');
  }

  /** EC2 takes it back, two minutes after the notice or at once. */
  reclaim(notice: boolean): void {
    if (!notice) return this.end('Server.SpotInstanceTermination', 'abrupt');
    if (this.alive) this.host?.onSpotNotice?.();
    this.world.clock.after(SPOT_NOTICE_SECONDS * 1000, () => this.end('Server.SpotInstanceTermination', 'abrupt'));
  }

  /** A host is one client of a file system, however often it shows it. */
  mount(fileSystemId: string): MountedFileSystem {
    const mounted = this.mounts.get(fileSystemId) ?? this.fileSystems.mount(fileSystemId, this.id);
    this.mounts.set(fileSystemId, mounted);
    return mounted;
  }

  private powerOn(): void {
    if (!this.alive) return;
    this.change('running');
    this.world.clock.during(this.boot({ instanceId: this.id, userData: this.spec.userData })).then((host) => {
      this.console = host.console;
      if (!host.hangs) this.world.clock.after(host.seconds * 1000, () => this.up(host));
    }, (error) => {
      this.bootError = error;
    });
  }

  private up(host: BootedHost): void {
    if (!this.alive) return;
    this.host = host;
    for (const { fileSystemId } of host.hostPaths) {
      try {
        this.mount(fileSystemId);
      } catch {
        // deleted while the host booted: whoever uses the path finds it dead
      }
    }
    host.onUp?.();
    if (host.poweredOff) return this.end('Client.InstanceInitiatedShutdown', 'orderly');
    this.change('running');
  }

  private end(reason: EndReason, how: 'orderly' | 'abrupt'): void {
    if (!this.alive) return;
    this.endReason = reason;
    this.endedAt = this.world.clock.now();
    this.change('shutting-down');
    if (how === 'abrupt') this.fileSystems.killClient(this.id);
    else this.mounts.forEach((mounted) => mounted.unmount());
    this.world.clock.after(SHUT_DOWN_SECONDS * 1000, () => this.change('terminated'));
  }

  private change(state: InstanceState): void {
    this.state = state;
    this.watchers.forEach((callback) => callback());
  }
}

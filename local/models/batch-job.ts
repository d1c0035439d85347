import { World } from '../world';
import { JobDefinition } from './batch-definitions';
import { Outcome, retries } from './batch-retry';
import { reading } from './checks';
import { bindDirectory, BoundDirectory, containerFiles, ContainerRecord, ContainerStartError, hostVolumes, instanceDisk } from './container-files';
import { Instance } from './instance';
import { Container, JobScript } from './job-script';

/** D5.7 */
export type JobStatus = 'SUBMITTED' | 'PENDING' | 'RUNNABLE' | 'STARTING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';

/** An instance in the ECS cluster of a compute environment. */
export interface ContainerHost {
  readonly instance: Instance;
  readonly containerInstanceArn: string;
  readonly clusterName: string;
  job?: Job;
}

/** What a job needs of the model around it. */
export interface JobSurroundings {
  readonly script: JobScript;
  canPull(image: string): boolean;
  /** A container runs. */
  onStart(job: Job, record: ContainerRecord): void;
  /** A container wrote to its instance's own disk. */
  onMisplacedWrite(record: ContainerRecord, path: string): void;
  /** A script threw something: its exit code is 1, but perhaps a test wants to know. */
  onScriptError(error: unknown): void;
  onChange(): void;
}

interface Attempt {
  readonly host: ContainerHost;
  readonly taskArn: string;
  startedAt?: number;
  container?: Container;
  record?: ContainerRecord;
  /** Nobody ran it any more, but Batch does not know yet. */
  lost?: boolean;
}

type Input = Record<string, any>;

/** From SubmitJob to RUNNABLE. [I] */
const RUNNABLE_AFTER_SECONDS = 3;
/** Pull of the image and start of the task. [I] */
const START_SECONDS = 20;
/** The ECS agent's time between SIGTERM and SIGKILL, its default. */
const STOP_SECONDS = 30;
/** How long Batch takes to see that a host is gone. [I] */
const HOST_LOSS_SECONDS = 45;
/** Switch terminateQueuedJob. */
const CANCEL_LATE_SECONDS = 180;

export class Job {
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  status: JobStatus = 'SUBMITTED';
  statusReason?: string;
  startedAt?: number;
  stoppedAt?: number;
  isTerminated = false;
  isCancelled = false;
  /** The attempts that are over, as DescribeJobs shows them. */
  readonly attempts: Input[] = [];
  private current?: Attempt;
  private endReason?: string;

  constructor(
    private readonly world: World,
    private readonly surroundings: JobSurroundings,
    readonly queueArn: string,
    private readonly definition: JobDefinition,
    /** What SubmitJob was given. */
    readonly given: Input,
    /** Where it is the child of an array job. */
    private readonly array?: { readonly parentId: string; readonly index: number },
  ) {
    this.id = array ? `${array.parentId}:${array.index}` : newJobId(world);
    this.arn = `arn:${world.partition}:batch:${world.region}:${world.account}:job/${this.id}`;
    this.createdAt = world.clock.now();
    world.clock.after(RUNNABLE_AFTER_SECONDS * 1000, () => {
      if (this.status === 'SUBMITTED') this.change('RUNNABLE');
    });
  }

  get name(): string {
    return this.given.jobName;
  }

  get isOver(): boolean {
    return this.status === 'SUCCEEDED' || this.status === 'FAILED';
  }

  /** Waits for an instance. */
  get waits(): boolean {
    return this.status === 'RUNNABLE' && !this.isTerminated;
  }

  get host(): ContainerHost | undefined {
    return this.current?.host;
  }

  /** vCPUs and MiB that it asks for. */
  get needs(): { vcpus: number; memoryMiB: number } {
    const overridden: Input[] = this.given.containerOverrides?.resourceRequirements ?? [];
    const all = [...overridden, ...this.definition.given.containerProperties.resourceRequirements];
    const amount = (type: string) => Number(all.find((each) => each.type === type).value);
    return { vcpus: amount('VCPU'), memoryMiB: amount('MEMORY') };
  }

  placeOn(host: ContainerHost): void {
    const { partition, region, account, clock } = this.world;
    host.job = this;
    const attempt: Attempt = { host, taskArn: `arn:${partition}:ecs:${region}:${account}:task/${host.clusterName}/${this.world.id(32)}` };
    this.current = attempt;
    this.statusReason = undefined;
    this.change('STARTING');
    clock.after(START_SECONDS * 1000, () => this.run(attempt));
  }

  /** TerminateJob. */
  terminate(reason: string): void {
    if (this.isOver || this.isTerminated) return;
    this.isTerminated = true;
    this.endReason = reason;
    if (this.current) return this.stop(this.current);
    if (reading(this.world, 'terminateQueuedJob', 'failed') === 'failed') return this.fail(reason);
    this.world.clock.after(CANCEL_LATE_SECONDS * 1000, () => this.fail(reason));
  }

  /** The queue's limit for RUNNABLE jobs (D5.6). */
  cancel(reason: string): void {
    this.isCancelled = true;
    this.fail(reason);
  }

  /** The instance of the current attempt goes down. */
  hostEnded(): void {
    const attempt = this.current;
    if (!attempt || attempt.lost) return;
    const { endReason, id } = attempt.host.instance;
    const reclaimed = endReason === 'Server.SpotInstanceTermination';
    const shows = reclaimed ? reading(this.world, 'reclaimShowsAs', 'hostTerminated') : 'hostTerminated';
    // A host that still stops its containers also closes their files
    this.kill(attempt, !reclaimed || shows !== 'hostTerminated');
    if (shows !== 'hostTerminated' && attempt.startedAt !== undefined) {
      return this.ended(attempt, { statusReason: 'Essential container in task exited', exitCode: shows === 'exit143' ? 143 : 137 });
    }
    attempt.lost = true;
    this.world.clock.after(HOST_LOSS_SECONDS * 1000, () => this.ended(attempt, { statusReason: `Host EC2 (instance ${id}) terminated.` })); // D5.1
  }

  summary(): Input {
    const { arn, id, name, createdAt, status, statusReason, startedAt, stoppedAt } = this;
    const last = this.attempts.at(-1)?.container;
    return {
      jobArn: arn,
      jobId: id,
      jobName: name,
      createdAt,
      status,
      statusReason,
      startedAt,
      stoppedAt,
      container: this.isOver && last ? { exitCode: last.exitCode, reason: last.reason } : undefined,
      jobDefinition: this.definition.arn,
    };
  }

  describe(): Input {
    const { containerProperties, retryStrategy, timeout, platformCapabilities, tags } = this.definition.given;
    const { container: ignored, ...summary } = this.summary();
    return {
      ...summary,
      jobQueue: this.queueArn,
      attempts: this.attempts,
      retryStrategy: this.given.retryStrategy ?? retryStrategy,
      timeout: this.given.timeout ?? timeout,
      container: {
        ...containerProperties,
        ...this.given.containerOverrides,
        environment: this.environmentList(),
        ...this.current ? container(this.current) : this.isOver ? this.attempts.at(-1)?.container : {},
      },
      tags: { ...this.definition.given.propagateTags ? tags : {}, ...this.given.tags },
      platformCapabilities,
      dependsOn: [],
      parameters: {},
      isTerminated: this.isTerminated || undefined,
      isCancelled: this.isCancelled || undefined,
    };
  }

  private run(attempt: Attempt): void {
    if (attempt !== this.current || attempt.lost) return;
    const { containerProperties } = this.definition.given;
    const { image, command = [] } = containerProperties;
    const { instance } = attempt.host;
    if (!this.surroundings.canPull(image)) return this.neverStarted(attempt, `CannotPullContainerError: ${image}: not found`);
    const details = {
      jobId: this.id,
      jobName: this.name,
      attempt: this.attempts.length + 1,
      instanceId: instance.id,
      image,
      command: this.given.containerOverrides?.command ?? command,
      environment: this.environment(),
    };
    const now = this.world.clock.now();
    const mounts: BoundDirectory[] = [];
    const record: ContainerRecord = { ...details, mounts, startedAt: now };
    const disk = instanceDisk(instance, () => this.world.clock.now(), (path) => this.surroundings.onMisplacedWrite(record, path));
    try {
      mounts.push(...hostVolumes(containerProperties).map((volume) => bindDirectory(instance, volume, disk)));
    } catch (error) {
      const name = reading(this.world, 'missingHostPath', 'CannotStartContainerError');
      if (error instanceof ContainerStartError) return this.neverStarted(attempt, `${name}: ${error.message}`);
      throw error;
    }
    Object.assign(attempt, { startedAt: now, record });
    this.startedAt = now;
    attempt.container = new Container(this.world.clock, details, containerFiles(mounts, disk), (exitCode, error) => {
      if (error !== undefined) this.surroundings.onScriptError(error);
      record.endedAt = this.world.clock.now();
      this.ended(attempt, { statusReason: 'Essential container in task exited', exitCode });
    });
    this.change('RUNNING');
    this.surroundings.onStart(this, record);
    attempt.container.start(this.surroundings.script);
    const limit = (this.given.timeout ?? this.definition.given.timeout)?.attemptDurationSeconds;
    if (limit) this.world.clock.after(limit * 1000, () => this.timeOut(attempt));
  }

  /** D5.2: from startedAt of each attempt, and never retried. */
  private timeOut(attempt: Attempt): void {
    if (attempt !== this.current || attempt.lost || this.isTerminated) return;
    this.endReason = 'Job attempt duration exceeded timeout';
    this.stop(attempt);
  }

  private neverStarted(attempt: Attempt, reason: string): void {
    this.ended(attempt, { statusReason: 'Task failed to start', reason: reason.slice(0, 255) });
  }

  private stop(attempt: Attempt): void {
    attempt.container?.terminate();
    this.world.clock.after(STOP_SECONDS * 1000, () => {
      if (attempt !== this.current || attempt.lost) return;
      this.kill(attempt, true);
      this.ended(attempt, { statusReason: this.endReason!, exitCode: attempt.container && 137 });
    });
  }

  private kill(attempt: Attempt, hostLives: boolean): void {
    attempt.container?.kill(hostLives);
    if (attempt.record) attempt.record.endedAt ??= this.world.clock.now();
  }

  private ended(attempt: Attempt, outcome: Outcome): void {
    if (attempt !== this.current) return;
    this.current = undefined;
    attempt.host.job = undefined;
    const stoppedAt = this.world.clock.now();
    const { statusReason, exitCode, reason } = outcome;
    this.attempts.push({ container: { ...container(attempt), exitCode, reason }, startedAt: attempt.startedAt, stoppedAt, statusReason });
    if (this.endReason !== undefined) return this.fail(this.endReason);
    if (exitCode === 0) return this.finish('SUCCEEDED', statusReason);
    const strategy = this.given.retryStrategy ?? this.definition.given.retryStrategy;
    if (!retries(strategy, this.attempts.length, outcome)) return this.fail(statusReason);
    this.startedAt = undefined;
    this.change('RUNNABLE'); // D5.7
  }

  private fail(statusReason: string): void {
    if (!this.isOver) this.finish('FAILED', statusReason);
  }

  private finish(status: JobStatus, statusReason: string): void {
    this.statusReason = statusReason;
    this.stoppedAt = this.world.clock.now();
    this.change(status);
  }

  private change(status: JobStatus): void {
    this.status = status;
    this.surroundings.onChange();
  }

  private environmentList(): { name: string; value: string }[] {
    return Object.entries(this.givenEnvironment()).map(([name, value]) => ({ name, value }));
  }

  private givenEnvironment(): Record<string, string> {
    const given: Input[] = [...this.definition.given.containerProperties.environment ?? [], ...this.given.containerOverrides?.environment ?? []];
    return Object.fromEntries(given.map(({ name, value }) => [name, value]));
  }

  private environment(): Record<string, string> {
    const index: Record<string, string> = this.array ? { AWS_BATCH_JOB_ARRAY_INDEX: `${this.array.index}` } : {};
    return { ...this.givenEnvironment(), ...index, AWS_BATCH_JOB_ID: this.id, AWS_BATCH_JOB_ATTEMPT: `${this.attempts.length + 1}` };
  }
}

export const newJobId = (world: World) => [8, 4, 4, 4, 12].map((digits) => world.id(digits)).join('-');

function container({ host, taskArn, startedAt }: Attempt): Input {
  const logStreamName = startedAt === undefined ? undefined : `job/default/${taskArn.split('/').pop()}`;
  return { containerInstanceArn: host.containerInstanceArn, taskArn, logStreamName, networkInterfaces: [] };
}

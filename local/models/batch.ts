import { ResolvedResource, ServiceModel, World } from '../world';
import { ArrayJob } from './batch-array';
import { ComputeEnvironment } from './batch-compute-environment';
import { checkArray, checkEnvironment, checkRetryStrategy, checkTimeout, JobDefinitions, refuseIf } from './batch-definitions';
import { ContainerHost, Job, JobSurroundings } from './batch-job';
import { JobQueue } from './batch-queue';
import { NotModelled, onlyModelled, page, reading } from './checks';
import { ContainerRecord } from './container-files';
import { Ec2Model } from './ec2';
import { EcrModel } from './ecr';
import { JobScript } from './job-script';
import { wildcard } from './parameters';

type Input = Record<string, any>;

/** Something that a container wrote to the disk of its instance (I8). */
export interface MisplacedWrite {
  readonly jobId: string;
  readonly attempt: number;
  readonly instanceId: string;
  readonly path: string;
  readonly at: number;
}

/** SDK-BATCH: a page of ListJobs has 100 jobs with a filter, 1000 without. */
const PAGE = { filtered: 100, unfiltered: 1000 };
/** Switch listJobs. */
const LISTED_LATE_SECONDS = 20;
/** D3 */
const MAX_SUBMIT_KIB = 30;
const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

export class BatchModel implements ServiceModel {
  readonly service = 'batch';
  /** Ground truth: every job in the order of its submission, of array jobs the children. */
  readonly jobs: Job[] = [];
  /** Ground truth: array jobs in the order of their submission. */
  readonly arrays: ArrayJob[] = [];
  /** Ground truth: every container that ran, and where its files went. */
  readonly containers: ContainerRecord[] = [];
  readonly misplacedWrites: MisplacedWrite[] = [];
  /** What job scripts threw. */
  readonly scriptErrors: unknown[] = [];
  readonly definitions: JobDefinitions;
  private readonly environments: ComputeEnvironment[] = [];
  private readonly queues: JobQueue[] = [];
  private readonly surroundings: JobSurroundings;
  /** Steering of `reclaimAt`. */
  private reclaims?: { seconds: (attempt: number) => number; times: number; notice?: boolean };
  private scheduling = false;
  private again = false;

  constructor(private readonly world: World, private readonly ec2: Ec2Model, ecr: EcrModel, script: JobScript) {
    this.definitions = new JobDefinitions(world);
    this.surroundings = {
      script,
      canPull: (image) => ecr.canPull(image),
      onStart: (_job, record) => this.started(record),
      onMisplacedWrite: ({ jobId, attempt, instanceId }, path) =>
        this.misplacedWrites.push({ jobId, attempt, instanceId, path, at: world.clock.now() }),
      onScriptError: (error) => this.scriptErrors.push(error),
      onChange: () => this.schedule(),
    };
  }

  /** After EC2's load: an environment resolves its launch template when it is created (D1.5). */
  load(resources: ResolvedResource[]): void {
    for (const resource of resources) {
      const arn = resource.arn ?? resource.physicalId;
      if (resource.type === 'AWS::Batch::ComputeEnvironment') {
        this.environments.push(new ComputeEnvironment(this.world, this.ec2, resource, () => this.schedule()));
      } else if (resource.type === 'AWS::Batch::JobQueue') {
        this.queues.push(new JobQueue(this.world, arn, resource.properties));
      } else if (resource.type === 'AWS::Batch::JobDefinition') {
        this.definitions.load(resource, arn);
      }
    }
    this.schedule();
  }

  call(action: string, input: Input): unknown {
    switch (action) {
      case 'DescribeComputeEnvironments': return this.describeComputeEnvironments(input);
      case 'UpdateComputeEnvironment': return this.updateComputeEnvironment(input);
      case 'DescribeJobQueues': return this.describeJobQueues(input);
      case 'RegisterJobDefinition': return this.definitions.register(input);
      case 'DescribeJobDefinitions': return this.definitions.describe(input);
      case 'DeregisterJobDefinition': return this.definitions.deregister(input);
      case 'SubmitJob': return this.submitJob(input);
      case 'ListJobs': return this.listJobs(input);
      case 'DescribeJobs': return this.describeJobs(input);
      case 'TerminateJob': return this.terminateJob(input);
      default: throw new NotModelled(`batch:${action}`);
    }
  }

  /** For ECS: the instances of all compute environments. */
  get containerHosts(): ContainerHost[] {
    return this.environments.flatMap(({ hosts }) => hosts);
  }

  get clusterNames(): string[] {
    return this.environments.map(({ clusterName }) => clusterName);
  }

  /** Steering and ground truth: an environment by name or ARN; the only one without either. */
  environment(id?: string): ComputeEnvironment {
    const found = this.environments.find(({ name, arn }) => id === undefined || name === id || arn === id);
    if (!found) throw new Error(`there is no compute environment ${id ?? ''}`);
    return found;
  }

  /** Steering: EC2 reclaims the instance, or the one on which the job is. With a notice it goes two minutes later. */
  reclaim(jobOrInstanceId: string, { notice = this.givesNotice }: { notice?: boolean } = {}): void {
    const found = this.containerHosts.find(({ instance, job }) => instance.alive && (instance.id === jobOrInstanceId || job?.id === jobOrInstanceId));
    if (!found) throw new Error(`there is no instance of ${jobOrInstanceId} to reclaim`);
    found.instance.reclaim(notice);
  }

  /** Steering: a reclaim begins so many seconds after the start of each of a job's first attempts. */
  reclaimAt(seconds: number | ((attempt: number) => number), { times = 1, notice }: { times?: number; notice?: boolean } = {}): void {
    this.reclaims = { seconds: typeof seconds === 'number' ? () => seconds : seconds, times, notice };
  }

  /** Steering: from now on EC2 has no instance to give, for so many minutes or for ever. */
  noCapacity(minutes?: number): void {
    const set = (capacity: boolean) => {
      this.environments.forEach((environment) => environment.capacity = capacity);
      this.schedule();
    };
    set(false);
    if (minutes !== undefined) this.world.clock.after(minutes * 60_000, () => set(true));
  }

  private get givesNotice(): boolean {
    return reading(this.world, 'spotNotice', 'twoMinutes') === 'twoMinutes'; // C9
  }

  private started(record: ContainerRecord): void {
    this.containers.push(record);
    const { reclaims } = this;
    if (!reclaims || record.attempt > reclaims.times) return;
    this.world.clock.after(reclaims.seconds(record.attempt) * 1000, () => {
      const { instance } = this.containerHosts.find((host) => host.instance.id === record.instanceId)!;
      if (record.endedAt === undefined) instance.reclaim(reclaims.notice ?? this.givesNotice);
    });
  }

  /** Places what waits. Everything that changes calls it; a change that it makes itself is one more round. */
  private schedule(): void {
    this.again = true;
    if (this.scheduling) return;
    this.scheduling = true;
    while (this.again) {
      this.again = false;
      this.place();
    }
    this.scheduling = false;
  }

  private place(): void {
    const waitingFor = new Map<ComputeEnvironment, Job[]>(this.environments.map((each) => [each, []]));
    for (const queue of this.queues) {
      const environments = queue.environments.map((id) => this.environment(id));
      for (const job of this.jobs.filter((each) => each.waits && each.queueArn === queue.arn)) {
        const environment = environments.find((each) => each.freeHost(job));
        if (environment) job.placeOn(environment.freeHost(job)!);
        else waitingFor.get(environments[0])!.push(job);
      }
    }
    const blocked = new Map([...waitingFor].flatMap(([environment, jobs]) => [...environment.provideFor(jobs)]));
    for (const job of this.jobs.filter(({ waits }) => waits)) job.statusReason = blocked.get(job);
    for (const queue of this.queues) {
      const head = this.jobs.find((each) => each.waits && each.queueArn === queue.arn);
      queue.watchHead(head, head && blocked.get(head));
    }
  }

  private describeComputeEnvironments(input: Input): unknown {
    onlyModelled('batch:DescribeComputeEnvironments', input, ['computeEnvironments', 'maxResults', 'nextToken']);
    const { items, NextToken } = page(named(this.environments, input.computeEnvironments), input.maxResults ?? PAGE.filtered, input.nextToken);
    return { computeEnvironments: items.map((each) => each.describe()), nextToken: NextToken };
  }

  private updateComputeEnvironment(input: Input): unknown {
    const environment = named(this.environments, [input.computeEnvironment])[0];
    refuseIf(!environment, `${input.computeEnvironment} does not exist`);
    const answer = environment.update(input);
    this.schedule();
    return answer;
  }

  private describeJobQueues(input: Input): unknown {
    onlyModelled('batch:DescribeJobQueues', input, ['jobQueues', 'maxResults', 'nextToken']);
    const { items, NextToken } = page(named(this.queues, input.jobQueues), input.maxResults ?? PAGE.filtered, input.nextToken);
    return { jobQueues: items.map((each) => each.describe()), nextToken: NextToken };
  }

  private submitJob(input: Input): unknown {
    onlyModelled('batch:SubmitJob', input, ['jobName', 'jobQueue', 'jobDefinition', 'containerOverrides', 'retryStrategy', 'timeout', 'tags',
      'propagateTags', 'arrayProperties']);
    onlyModelled('batch:SubmitJob.containerOverrides', input.containerOverrides ?? {}, ['command', 'environment', 'resourceRequirements']);
    refuseIf(!JOB_NAME.test(input.jobName ?? ''), `jobName ${input.jobName} is not valid`);
    refuseIf(Buffer.byteLength(JSON.stringify(input)) > MAX_SUBMIT_KIB * 1024, `SubmitJob is limited to ${MAX_SUBMIT_KIB} KiB`);
    const queue = this.queue(input.jobQueue);
    refuseIf(queue.state !== 'ENABLED', `job queue ${queue.name} is disabled`);
    checkEnvironment(input.containerOverrides?.environment);
    checkRetryStrategy(input.retryStrategy);
    checkTimeout(input.timeout);
    checkArray(input.arrayProperties);
    const definition = this.definitions.active(input.jobDefinition);
    const make = (array?: { parentId: string; index: number }) => new Job(this.world, this.surroundings, queue.arn, definition, input, array);
    const job = input.arrayProperties ? new ArrayJob(this.world, queue.arn, input, (parentId, index) => make({ parentId, index })) : make();
    if (job instanceof ArrayJob) this.arrays.push(job);
    this.jobs.push(...job instanceof ArrayJob ? job.children : [job]);
    return { jobArn: job.arn, jobName: job.name, jobId: job.id };
  }

  private listJobs(input: Input): unknown {
    onlyModelled('batch:ListJobs', input, ['jobQueue', 'jobStatus', 'filters', 'maxResults', 'nextToken']);
    const queue = this.queue(input.jobQueue);
    // the children of an array job are listed by its id alone
    const children = new Set(this.arrays.flatMap((array) => array.children));
    const own = [...this.jobs.filter((job) => !children.has(job)), ...this.arrays].sort((a, b) => a.createdAt - b.createdAt);
    const listed = own.filter((job) => job.queueArn === queue.arn &&
      (reading(this.world, 'listJobs', 'atOnce') === 'atOnce' || this.world.clock.now() - job.createdAt >= LISTED_LATE_SECONDS * 1000));
    refuseIf((input.filters?.length ?? 0) > 1, 'only one filter can be used');
    const [filter] = input.filters ?? [];
    if (filter && filter.name !== 'JOB_NAME') throw new NotModelled(`batch:ListJobs with filter ${filter.name}`);
    // With a filter jobs of every status are listed; the name is matched without regard to case
    const found = filter
      ? listed.filter((job) => filter.values.some((value: string) => wildcard(value, 'i').test(job.name)))
      : listed.filter((job) => job.status === (input.jobStatus ?? 'RUNNING'));
    const size = Math.min(input.maxResults ?? Infinity, filter ? PAGE.filtered : PAGE.unfiltered);
    const { items, NextToken } = page([...found].reverse(), size, input.nextToken);
    return { jobSummaryList: items.map((job) => job.summary()), nextToken: NextToken };
  }

  private describeJobs(input: Input): unknown {
    onlyModelled('batch:DescribeJobs', input, ['jobs']);
    refuseIf(input.jobs.length > 100, 'at most 100 jobs');
    return { jobs: [...this.jobs, ...this.arrays].filter(({ id, arn }) => input.jobs.includes(id) || input.jobs.includes(arn)).map((job) => job.describe()) };
  }

  private terminateJob(input: Input): unknown {
    onlyModelled('batch:TerminateJob', input, ['jobId', 'reason']);
    const job = [...this.jobs, ...this.arrays].find(({ id, arn }) => id === input.jobId || arn === input.jobId);
    refuseIf(!job, `job ${input.jobId} not found`);
    job!.terminate(input.reason);
    return {};
  }

  private queue(id: string): JobQueue {
    const [found] = named(this.queues, [id]);
    refuseIf(!found, `JobQueue ${id} not found`);
    return found;
  }
}

/** Unknown names are simply not in the answer. */
function named<T extends { name: string; arn: string }>(all: T[], ids?: string[]): T[] {
  return ids ? all.filter(({ name, arn }) => ids.includes(name) || ids.includes(arn)) : all;
}

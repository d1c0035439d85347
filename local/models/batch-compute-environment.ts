import { AwsError, ResolvedResource, World } from '../world';
import { refuseIf } from './batch-definitions';
import { ContainerHost, Job } from './batch-job';
import { NotModelled, onlyModelled, reading } from './checks';
import { Ec2Model, LaunchTemplate, tagsFor } from './ec2';
import { allowedTypes, InstanceType } from './instance-types';
import { camelCased } from './parameters';

type Input = Record<string, any>;

/** What the current instances are launched from: a copy that Batch made of the template (D1.5, D1.6). */
interface Launch {
  readonly generation: number;
  readonly template?: LaunchTemplate;
}

interface Host extends ContainerHost {
  readonly generation: number;
  readonly vcpus: number;
  /** Changes whenever it gets or loses work: an idle instance has had the same number for a while. */
  idleSince?: number;
}

const MINUTES = 60_000;
/** D1.2 */
const UPDATABLE = ['BEST_FIT_PROGRESSIVE', 'BEST_FIT_PROGRESSIVE_ORDERED', 'SPOT_CAPACITY_OPTIMIZED', 'SPOT_PRICE_CAPACITY_OPTIMIZED',
  'SPOT_CAPACITY_OPTIMIZED_PRIORITIZED'];
/** D1.3 */
const UPDATE_MINUTES = { shortest: 10, longest: 30 };
/** D1.4 */
const JOB_EXECUTION_TIMEOUT_MINUTES = 30;
/** D1.1: changing these, which it does not name, replaces no instance. */
const SCALING = ['minvCpus', 'maxvCpus', 'desiredvCpus'];
/** Switch updateShows. */
const SHOWS_LATE_SECONDS = 15;
/** An update that replaces nothing. [I] */
const STATE_CHANGE_SECONDS = 5;
/** From a RUNNABLE job to the launch of an instance for it. [I] */
const SCALE_UP_SECONDS = 45;
/** Switch idleInstances. */
const IDLE_SECONDS = { scaledDown: 30, keptForMinutes: 10 * 60 };

/** A managed compute environment with its instances. */
export class ComputeEnvironment {
  readonly arn: string;
  readonly name: string;
  readonly clusterName: string;
  state: 'ENABLED' | 'DISABLED';
  status = 'VALID';
  statusReason = 'ComputeEnvironment Healthy';
  /** Ground truth: every instance that it ever launched. */
  readonly hosts: Host[] = [];
  /** Steering: false while EC2 has no instance to give. */
  capacity = true;
  private readonly given: Input;
  private launch: Launch;
  /** Updates that wait for the one that runs (switch updateWhileUpdating). */
  private readonly queued: Input[] = [];
  private shownUntil = 0;
  private shown?: Input;
  private waiting: Job[] = [];
  private launching = 0;

  constructor(private readonly world: World, private readonly ec2: Ec2Model, resource: ResolvedResource, private readonly onChange: () => void) {
    this.given = camelCased(resource.properties);
    this.arn = resource.arn ?? resource.physicalId;
    this.name = this.given.computeEnvironmentName ?? this.arn.split('/').pop()!;
    this.clusterName = `AWSBatch-${this.name}-${world.id(8)}`;
    this.state = this.given.state ?? 'ENABLED';
    for (const type of this.resources.instanceTypes) {
      if (allowedTypes([type]).length === 0) throw new NotModelled(`instance type ${type}`);
    }
    this.launch = { generation: 1, template: this.resolve(this.resources.launchTemplate) };
  }

  describe(): Input {
    if (this.shown && this.world.clock.now() < this.shownUntil) return this.shown;
    const { name: computeEnvironmentName, arn: computeEnvironmentArn, state, status, statusReason } = this;
    const { type = 'MANAGED', serviceRole, updatePolicy, tags, computeResources } = this.given;
    return {
      computeEnvironmentName,
      computeEnvironmentArn,
      state,
      status,
      statusReason,
      type,
      serviceRole,
      updatePolicy,
      tags,
      computeResources: { ...structuredClone(computeResources), launchTemplate: this.describeTemplate() },
      ecsClusterArn: this.ecsArn('cluster', this.clusterName),
      containerOrchestrationType: 'ECS',
    };
  }

  /** @param byStack CloudFormation also sends what no workflow does */
  update(input: Input, byStack = false): unknown {
    onlyModelled('batch:UpdateComputeEnvironment', input, ['computeEnvironment', 'state', 'computeResources', 'updatePolicy']);
    onlyModelled('batch:UpdateComputeEnvironment.computeResources', input.computeResources ?? {}, ['launchTemplate', ...(byStack ? SCALING : [])]);
    onlyModelled('batch:UpdateComputeEnvironment.computeResources.launchTemplate', input.computeResources?.launchTemplate ?? {},
      ['launchTemplateId', 'launchTemplateName', 'version']);
    const answer = { computeEnvironmentName: this.name, computeEnvironmentArn: this.arn };
    this.check(input);
    if (this.status !== 'UPDATING') {
      this.begin(input);
      return answer;
    }
    switch (reading(this.world, 'updateWhileUpdating', 'refused')) { // D1.10
      case 'refused': throw new AwsError('ClientException', `Error executing request, Exception : Cannot update, resource is being modified: ${this.arn}`);
      case 'queued': this.queued.push(input);
    }
    return answer;
  }

  /** An instance on which this job can start now. */
  freeHost(job: Job): Host | undefined {
    const open = this.status === 'VALID' || (this.status === 'UPDATING' && this.placesWhileUpdating);
    if (!open || this.state !== 'ENABLED') return undefined;
    return this.hosts.find(({ instance, job: busy, vcpus, generation }) =>
      instance.takesJobs && !busy && vcpus >= job.needs.vcpus && generation === this.launch.generation);
  }

  /** Told of all jobs that wait for it, it launches instances or lets them go. Gives the reason why a job has to wait on. */
  provideFor(jobs: Job[]): Map<Job, string> {
    this.waiting = jobs;
    const blocked = new Map<Job, string>();
    for (const job of jobs) {
      const { vcpus } = job.needs;
      if (!this.typeFor(job)) blocked.set(job, 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job\'s resources fit no instance type');
      else if (vcpus > this.resources.maxvCpus) blocked.set(job, 'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The job needs more than maxvCpus');
      else if (!this.capacity) blocked.set(job, 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested');
    }
    for (let missing = this.missing().length; missing > this.launching; this.launching++) {
      this.world.clock.after(SCALE_UP_SECONDS * 1000, () => {
        this.launching--;
        const type = this.missing()[0];
        if (type) this.launchHost(type);
      });
    }
    this.hosts.filter(({ instance, job }) => instance.alive && !job).forEach((host) => this.letGo(host));
    return blocked;
  }

  private get resources(): Input {
    return this.given.computeResources;
  }

  /** Whether `$Latest` is shown as such or as the version it stood for is not documented (D1.5). */
  private describeTemplate(): Input | undefined {
    const { launchTemplate } = this.resources;
    return launchTemplate && reading(this.world, 'describedTemplateVersion', 'asGiven') === 'resolved' ? { ...launchTemplate, version: '1' } : launchTemplate;
  }

  private get placesWhileUpdating(): boolean {
    return reading(this.world, 'jobsDuringUpdate', 'wait') === 'startOnOldTemplate';
  }

  /** The type of each instance that ought to be launched now. */
  private missing(): InstanceType[] {
    const open = this.status === 'VALID' || (this.status === 'UPDATING' && this.placesWhileUpdating);
    if (!open || this.state !== 'ENABLED' || !this.capacity) return [];
    const alive = this.hosts.filter(({ instance, generation }) => instance.alive && generation === this.launch.generation);
    const coming = alive.filter(({ instance, job }) => !job && !instance.takesJobs).length;
    const wanted = this.waiting.filter((job) => job.waits && job.needs.vcpus <= this.resources.maxvCpus).map((job) => this.typeFor(job));
    const vcpus = alive.reduce((sum, host) => sum + host.vcpus, 0);
    // D4.5: maxvCpus may be exceeded by at most one instance
    const forJobs = vcpus >= this.resources.maxvCpus ? [] : wanted.slice(coming).filter((type) => type !== undefined);
    return forJobs.length === 0 && vcpus < (this.resources.minvCpus ?? 0) ? [this.types[0]] : forJobs;
  }

  private get types(): InstanceType[] {
    return allowedTypes(this.resources.instanceTypes).sort((a, b) => a.vcpus - b.vcpus || a.memoryMiB - b.memoryMiB);
  }

  private typeFor({ needs: { vcpus, memoryMiB } }: Job): InstanceType | undefined {
    return this.types.find((type) => type.vcpus >= vcpus && type.memoryMiB >= memoryMiB);
  }

  private launchHost({ name, vcpus }: InstanceType): void {
    const { template, generation } = this.launch;
    const instance = this.ec2.launch({
      userData: Buffer.from(template?.data.UserData ?? '', 'base64').toString(),
      instanceType: name,
      spot: this.resources.type === 'SPOT',
      subnetId: this.resources.subnets?.[0],
      tags: this.instanceTags(template),
    });
    const containerInstanceArn = this.ecsArn('container-instance', `${this.clusterName}/${this.world.id(32)}`);
    const host: Host = { instance, containerInstanceArn, clusterName: this.clusterName, generation, vcpus };
    this.hosts.push(host);
    instance.watch(() => {
      if (!instance.alive) host.job?.hostEnded();
      this.onChange();
    });
  }

  /** D1.6: the environment's tags win over those of the template. */
  private instanceTags(template: LaunchTemplate | undefined): Record<string, string> {
    const { tags } = this.resources;
    const own = tagsFor(template?.data.TagSpecifications, 'instance');
    return tags && reading(this.world, 'environmentTags', 'merged') === 'replace' ? tags : { ...own, ...tags };
  }

  /** An instance without work goes after a while, one whose agent never started too, unless a job waits for it. */
  private letGo(host: Host): void {
    const useless = () => host.instance.alive && !host.job && (host.instance.takesJobs || !this.waiting.some((job) => job.waits));
    if (!useless()) {
      host.idleSince = undefined;
    } else if (host.idleSince === undefined) {
      const since = host.idleSince = this.world.clock.now();
      const scaling = this.resources.scalingPolicy?.minScaleDownDelayMinutes; // D4.7
      const idle = IDLE_SECONDS[reading(this.world, 'idleInstances', 'scaledDown') as keyof typeof IDLE_SECONDS];
      this.world.clock.after(Math.max(idle * 1000, (scaling ?? 0) * MINUTES), () => {
        const vcpus = this.hosts.filter(({ instance }) => instance.alive).reduce((sum, each) => sum + each.vcpus, 0);
        if (host.idleSince === since && useless() && vcpus - host.vcpus >= (this.resources.minvCpus ?? 0)) host.instance.terminate();
      });
    }
  }

  /** All that can be refused at once. */
  private check({ computeResources }: Input): void {
    if (!computeResources?.launchTemplate) return;
    const { allocationStrategy = 'BEST_FIT' } = this.resources;
    refuseIf(!UPDATABLE.includes(allocationStrategy), `allocation strategy ${allocationStrategy} does not allow an infrastructure update`); // D1.2
    const { serviceRole } = this.given;
    refuseIf(serviceRole !== undefined && !serviceRole.endsWith('/AWSServiceRoleForBatch'), 'an infrastructure update needs AWSServiceRoleForBatch');
    if (reading(this.world, 'missingLaunchTemplate', 'refused') === 'refused') this.resolve(computeResources.launchTemplate);
  }

  /** The launch template as it is now: `$Latest` and `$Default` are evaluated at each infrastructure update (D1.5). */
  private resolve(specification?: Input): LaunchTemplate | undefined {
    const { launchTemplateId: LaunchTemplateId, launchTemplateName: LaunchTemplateName, version = '$Default' } = specification ?? {};
    if (!LaunchTemplateId && !LaunchTemplateName) return undefined;
    try {
      const found = this.ec2.template({ LaunchTemplateId, LaunchTemplateName });
      if (['$Default', '$Latest', '1'].includes(`${version}`)) return found;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
    }
    const name = `${LaunchTemplateId ?? LaunchTemplateName} version ${version}`;
    throw new AwsError('ClientException', `Error executing request, Exception : launch template ${name} does not exist`);
  }

  private begin(input: Input): void {
    if (reading(this.world, 'updateShows', 'atOnce') === 'late') {
      this.shown = this.describe();
      this.shownUntil = this.world.clock.now() + SHOWS_LATE_SECONDS * 1000;
    }
    if (input.state) this.state = input.state;
    if (input.updatePolicy) this.given.updatePolicy = input.updatePolicy;
    this.status = 'UPDATING';
    this.statusReason = 'ComputeEnvironment is updating';
    if (!input.computeResources) return this.world.clock.after(STATE_CHANGE_SECONDS * 1000, () => this.finish(() => this.launch));
    const { launchTemplate, ...scaling } = input.computeResources;
    Object.assign(this.resources, scaling);
    if (!launchTemplate) return this.world.clock.after(STATE_CHANGE_SECONDS * 1000, () => this.finish(() => this.launch));
    this.resources.launchTemplate = launchTemplate;
    this.replaceInstances();
  }

  private replaceInstances(): void {
    const launch = this.nextLaunch();
    const old = this.hosts.filter(({ instance }) => instance.alive);
    const { shortest, longest } = UPDATE_MINUTES;
    const idle = reading(this.world, 'idleUpdate', 'twoMinutes') === 'twoMinutes' ? 2 : 30;
    const minutes = old.length === 0 ? idle : shortest + (longest - shortest) * this.world.random();
    const { terminateJobsOnUpdate = false, jobExecutionTimeoutMinutes = JOB_EXECUTION_TIMEOUT_MINUTES } = this.given.updatePolicy ?? {};
    const replace = (which: (host: Host) => boolean) =>
      this.hosts.filter((host) => host.instance.alive && which(host)).forEach(({ instance }) => instance.terminate());
    if (!this.placesWhileUpdating) replace(({ job }) => !job);
    if (terminateJobsOnUpdate) replace(({ job }) => job !== undefined);
    const from = this.world.clock.now();
    const { clock } = this.world;
    const finishWhenReplaced = () => {
      if (clock.now() - from >= jobExecutionTimeoutMinutes * MINUTES) replace(() => true); // D1.4
      if (this.hosts.some(({ instance, job }) => instance.alive && job)) return clock.after(MINUTES, finishWhenReplaced);
      replace(() => true);
      this.finish(launch);
    };
    clock.after(minutes * MINUTES, finishWhenReplaced);
  }

  /** Evaluated when the update begins; what is wrong with it shows when it ends. */
  private nextLaunch(): () => Launch {
    try {
      const next = { generation: this.launch.generation + 1, template: this.resolve(this.resources.launchTemplate) };
      return () => next;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  private finish(launch: () => Launch): void {
    try {
      this.launch = launch();
      this.status = 'VALID';
      this.statusReason = 'ComputeEnvironment Healthy';
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.status = 'INVALID';
      this.statusReason = `CLIENT_ERROR - ${error.message}`;
    }
    const next = this.queued.shift();
    if (next) this.begin(next);
    this.onChange();
  }

  private ecsArn(kind: string, name: string): string {
    const { partition, region, account } = this.world;
    return `arn:${partition}:ecs:${region}:${account}:${kind}/${name}`;
  }
}

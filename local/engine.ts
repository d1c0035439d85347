import { readdirSync, readFileSync } from 'fs';
import * as path from 'path';
import { Api, RecordedCall } from './api';
import { TaskDefinition } from './definition';
import { Fault, Faults, spoil } from './faults';
import { History, HistoryEvent } from './history';
import { HostAnswers } from './host/boot';
import { hostBoot } from './host-boot';
import { Permissions } from './iam';
import { Execution, Machine, Outcome } from './interpreter';
import { LambdaRuntime } from './lambda-runtime';
import { lookup } from './lookup';
import { BatchModel } from './models/batch';
import { Bucket, Buckets } from './models/bucket';
import { CloudWatchModel } from './models/cloudwatch';
import { Ec2Model } from './models/ec2';
import { EcrModel } from './models/ecr';
import { EcsModel } from './models/ecs';
import { FsxModel } from './models/fsx';
import { FsxOptions } from './models/fsx-state';
import { IamModel } from './models/iam';
import { JobScript } from './models/job-script';
import { SecretsManagerModel } from './models/secrets-manager';
import { ExecutionRecord, StepFunctionsModel } from './models/step-functions';
import { Place } from './resource-ids';
import { SdkIntegration } from './sdk-integration';
import { choose } from './switches';
import { TaskError } from './task-error';
import { Template } from './template';
import { AwsError, ServiceModel, Switches, World } from './world';
import { ScaledClock, VirtualClock, WorldClock } from './world-clock';

export interface EngineOptions extends Partial<Place> {
  /** A synthesized template, its file, a cloud assembly's folder, or several of them. */
  readonly template: unknown;
  /** The cloud assembly's folder, for the bundles. @default - `template`, if that is one */
  readonly assets?: string;
  /** What a container does in one attempt. */
  readonly job: JobScript;
  /** Values of the template's parameters, and what other stacks export. */
  readonly parameters?: Record<string, string>;
  readonly exports?: Record<string, string>;
  /** Buckets that exist besides the template's. */
  readonly buckets?: string[];
  /** @default 'virtual' */
  readonly clock?: 'virtual' | { readonly scale: number };
  readonly start?: Date;
  /** @default 1 */
  readonly seed?: number;
  /** Readings of unconfirmed facts. @default - the most likely of each */
  readonly switches?: Switches;
  readonly faults?: readonly Fault[];
  /** What hosts meet while they boot. */
  readonly host?: HostAnswers;
  /** Real files instead of those in memory. */
  readonly fsx?: FsxOptions;
  readonly bucketDirectory?: (bucket: string) => string;
  /** Told of each line of each history as it is written. */
  readonly onEvent?: (event: HistoryEvent, executionArn: string) => void;
}

export interface Run extends Outcome {
  readonly executionArn: string;
  readonly history: HistoryEvent[];
  /** Estimate of the number of events that AWS would count (E9). */
  readonly historyEventCount: number;
  /** Every API call of the world during this run. */
  readonly calls: RecordedCall[];
}

const DEFAULTS = { partition: 'aws', region: 'us-east-1', account: '123456789012', start: new Date('2026-11-22T15:00:00Z') };

/** A deployed template in a world of its own. Executions run one after another, or at once. */
export class LocalEngine {
  readonly clock: WorldClock;
  readonly world: World;
  readonly template: Template;
  readonly lambda: LambdaRuntime;
  readonly models: ReturnType<LocalEngine['deploy']>;
  private readonly api: Api;
  private readonly integration: SdkIntegration;
  private readonly faults: Faults;
  private readonly permissions: Permissions;
  private readonly machines = new Map<string, Machine>();
  private readonly defects: Error[] = [];
  private onDefect: (error: Error) => void = () => undefined;
  private begun = false;

  constructor(readonly options: EngineOptions) {
    const { clock = 'virtual', seed = 1 } = options;
    const place = { ...DEFAULTS, ...JSON.parse(JSON.stringify({ partition: options.partition, region: options.region, account: options.account })) };
    const start = options.start ?? DEFAULTS.start;
    this.clock = clock === 'virtual' ? new VirtualClock(start) : new ScaledClock(start, clock.scale);
    const random = generator(seed);
    this.world = {
      clock: this.clock,
      partition: place.partition,
      region: place.region,
      account: place.account,
      switches: choose(options.switches),
      random,
      id: (digits) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join(''),
    };
    this.template = new Template(options.template, { ...place, parameters: options.parameters, exports: options.exports });
    this.faults = new Faults(options.faults);
    this.permissions = new Permissions(this.template, this.world);
    this.models = this.deploy();
    const { secrets, cloudWatch, stepFunctions, buckets: _, ...others } = this.models;
    const byService: Record<string, ServiceModel> = { ...others, 'secrets-manager': secrets, 'cloudwatch': cloudWatch, 'sfn': stepFunctions };
    this.api = new Api(this.world, byService, this.permissions, this.faults, lookup(this.world, this.template, this.models), (error) => this.defect(error));
    this.integration = new SdkIntegration(this.api, this.world);
    this.lambda = new LambdaRuntime(this.api, this.world, this.template, this.assets);
  }

  /** Every API call since the world began. */
  public get calls(): readonly RecordedCall[] {
    return this.api.calls;
  }

  /** Runs an execution to its end. @param stateMachine logical id; may be left out where there is only one */
  public async execute(stateMachine?: string, input: unknown = {}, { name }: { name?: string } = {}): Promise<Run> {
    const machine = this.stateMachine(stateMachine);
    const firstCall = this.api.calls.length;
    return this.clock.run(async () => {
      this.begin();
      const broken = new Promise<never>((_, reject) => {
        const before = this.onDefect;
        this.onDefect = (error) => { before(error); reject(error); };
      });
      const { outcome, history, executionArn } = await Promise.race([this.run(machine, input, name ?? this.world.id(32)), broken]);
      this.check();
      return {
        ...outcome,
        executionArn,
        history: history.events,
        historyEventCount: history.eventCount,
        calls: this.api.calls.slice(firstCall),
      };
    });
  }

  /** StopExecution. */
  public stopExecution(executionArn: string): void {
    const found = this.models.stepFunctions.executions.get(executionArn);
    if (!found) throw new Error(`there is no execution ${executionArn}`);
    found.abort();
  }

  /** Lets time of the world pass while nothing is executed. */
  public async pass(seconds: number): Promise<void> {
    await this.clock.pass(seconds * 1000);
    this.check();
  }

  private get assets(): string {
    return this.options.assets ?? (typeof this.options.template === 'string' ? this.options.template : '');
  }

  private stateMachine(logicalId?: string): { arn: string; name: string; role: string; machine: Machine } {
    const all = this.template.ofType('AWS::StepFunctions::StateMachine');
    const found = logicalId === undefined && all.length === 1 ? all[0] : all.find((each) => each.logicalId === logicalId);
    if (!found) throw new Error(`which state machine? the template has ${all.map((each) => each.logicalId).join(', ') || 'none'}`);
    const { DefinitionString, DefinitionSubstitutions = {}, RoleArn, QueryLanguage } = found.properties;
    if (QueryLanguage === 'JSONata') throw new Error(`${found.logicalId} is in JSONata`);
    const arn = found.physicalId;
    if (!this.machines.has(arn)) {
      const text = Object.entries<any>(DefinitionSubstitutions).reduce((all_, [key, value]) => all_.split(`\${${key}}`).join(value), DefinitionString);
      this.machines.set(arn, new Machine(JSON.parse(text)));
    }
    return { arn, name: arn.split(':').pop()!, role: RoleArn, machine: this.machines.get(arn)! };
  }

  private async run({ arn, name: machineName, role, machine }: ReturnType<LocalEngine['stateMachine']>, input: unknown, name: string) {
    const { world, clock } = this;
    const executionArn = `arn:${world.partition}:states:${world.region}:${world.account}:execution:${machineName}:${name}`;
    if (this.models.stepFunctions.executions.has(executionArn)) throw new AwsError('ExecutionAlreadyExists', executionArn);
    const startDate = new Date(clock.now());
    const record: ExecutionRecord = { executionArn, stateMachineArn: arn, name, input: JSON.stringify(input), startDate, status: 'RUNNING', abort: () => undefined };
    this.models.stepFunctions.executions.set(executionArn, record);
    const history = new History(() => clock.now(), (event) => this.options.onEvent?.(event, executionArn));
    const { definition } = machine;
    history.add({ type: 'ExecutionStarted', executionArn, stateMachineArn: arn, name, startTime: startDate.toISOString(), input, definition });

    const execution: Execution = machine.start({
      input,
      context: { Execution: { Id: executionArn, Name: name, RoleArn: role }, StateMachine: { Id: arn, Name: machineName } },
      history,
      during: (work) => clock.during(work),
      task: (task, parameters, state) => this.task(role, task, parameters, state),
      onEnter: (state, entered) => { if (this.faults.onEnter(state)) entered.abort(); },
    });
    record.abort = () => execution.abort();
    const outcome = await execution.result;
    history.close();
    const { status, output, error, cause } = outcome;
    const type = ({ SUCCEEDED: 'ExecutionSucceeded', FAILED: 'ExecutionFailed', ABORTED: 'ExecutionAborted' } as const)[status];
    const stopDate = new Date(clock.now());
    history.add({ type, time: stopDate.toISOString(), ...(status === 'SUCCEEDED' ? { output } : { error, cause }) });
    Object.assign(record, { status, stopDate, output: output === undefined ? undefined : JSON.stringify(output), error, cause });
    return { outcome, history, executionArn };
  }

  /** Makes the call of a Task. */
  private async task(role: string, { resource }: TaskDefinition, parameters: any, state: string): Promise<unknown> {
    const fault = this.faults.ofTask(state);
    if (fault?.hang) await new Promise(() => undefined);
    const error = fault?.error ?? (fault?.loseAnswer ? { name: 'SdkClientException', message: 'the answer was lost' } : undefined);
    if (error && !fault?.loseAnswer) throw new TaskError(error.name, error.message ?? 'a fault of the rehearsal');
    const answer = SdkIntegration.serves(resource)
      ? await this.integration.call(role, resource, parameters)
      : await this.invoke(role, resource, parameters);
    if (error) throw new TaskError(error.name, error.message ?? 'the answer was lost');
    return spoil(answer, fault);
  }

  private async invoke(role: string, resource: string, parameters: any): Promise<unknown> {
    const optimized = !resource.includes(':function:');
    const arn = optimized ? parameters.FunctionName : resource;
    const denied = this.permissions.denied(role, [{ action: 'lambda:InvokeFunction', resource: arn }]);
    if (denied.length > 0) {
      const error = { name: 'AccessDeniedException', message: `${role} may not invoke ${arn}` };
      this.api.calls.push({ at: new Date(this.clock.now()).toISOString(), by: role, service: 'lambda', action: 'Invoke', input: { FunctionName: arn }, denied, error });
      throw new TaskError('Lambda.AWSLambdaException', error.message);
    }
    const answer = await this.lambda.invoke(arn, optimized ? parameters.Payload ?? {} : parameters);
    return optimized ? { ExecutedVersion: '1', Payload: answer, StatusCode: 200 } : answer;
  }

  /** Builds the models and puts what the template creates into them. */
  private deploy() {
    const { world, options, template } = this;
    const buckets = new Buckets();
    for (const name of [...template.ofType('AWS::S3::Bucket').map((each) => each.physicalId), ...options.buckets ?? []]) {
      buckets.add(new Bucket(name, () => world.clock.now(), options.bucketDirectory?.(name)));
    }
    const iam = new IamModel(world);
    const fsx = new FsxModel(world, buckets, iam, options.fsx);
    const ec2 = new Ec2Model(world, hostBoot(world, fsx, options.host), fsx);
    const ecr = new EcrModel(world);
    const batch = new BatchModel(world, ec2, ecr, options.job);
    const ecs = new EcsModel(world, batch);
    const secrets = new SecretsManagerModel(world);
    const cloudWatch = new CloudWatchModel(world, fsx);
    const stepFunctions = new StepFunctionsModel();
    // EC2 before Batch: an environment resolves its launch template when it is created (D1.5)
    const models: ServiceModel[] = [iam, fsx, ec2, ecr, batch, ecs, secrets, cloudWatch, stepFunctions];
    for (const model of models) model.load?.(template.resources);
    for (const { repository, tag } of builtImages(this.assets, world)) ecr.push(repository, tag);
    return { iam, fsx, ec2, ecr, batch, ecs, secrets, cloudWatch, stepFunctions, buckets };
  }

  /** With the first execution, the bundles are loaded and the clock of the timed faults starts. */
  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.lambda.warmUp();
    for (const { at, do: event } of this.faults.timed) {
      const act = typeof event === 'function' ? () => event(this) : EVENTS[event];
      if (!act) throw new Error(`no event is named ${String(event)}, only ${Object.keys(EVENTS).join(', ')}`);
      this.clock.after(at * 1000, () => {
        (async () => act(this))().catch((error) => this.defect(error));
      });
    }
  }

  private defect(error: Error): void {
    this.defects.push(error);
    this.onDefect(error);
  }

  /** The rehearsal itself must not have gone wrong. */
  private check(): void {
    const broken = this.models.ec2.instances.find((each) => each.bootError !== undefined);
    if (broken) throw broken.bootError;
    if (this.defects.length > 0) throw this.defects[0];
  }
}

/** What timed faults may name. */
export const EVENTS: Record<string, (engine: LocalEngine) => void> = {
  associationMisconfigured: ({ models }) => models.fsx.misconfigureAssociation(),
  associationMended: ({ models }) => models.fsx.mendAssociation(),
  associationFailed: ({ models }) => models.fsx.failAssociation(),
  fileSystemFailed: ({ models }) => models.fsx.failFileSystem(),
  noCapacity: ({ models }) => models.batch.noCapacity(),
  abort: ({ models }) => models.stepFunctions.executions.forEach((each) => each.status === 'RUNNING' && each.abort()),
};

/** Images that `cdk deploy` would have built and pushed. */
function builtImages(assets: string, { account, region, partition }: World): { repository: string; tag: string }[] {
  const files = assets === '' ? [] : readdirSync(assets).filter((file) => file.endsWith('.assets.json'));
  const place = (text: string) => text.replace(/\$\{AWS::AccountId\}/g, account).replace(/\$\{AWS::Region\}/g, region).replace(/\$\{AWS::Partition\}/g, partition);
  return files.flatMap((file) => Object.values<any>(JSON.parse(readFileSync(path.join(assets, file), 'utf8')).dockerImages ?? {})
    .flatMap((image) => Object.values<any>(image.destinations).map(({ repositoryName, imageTag }) => ({ repository: place(repositoryName), tag: imageTag }))));
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  /* eslint-disable no-bitwise */
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  /* eslint-enable no-bitwise */
}

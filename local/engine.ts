import { Api, RecordedCall } from './api';
import { CustomResources } from './custom-resources';
import { deploy, Deployment, DeploymentOptions } from './deployment';
import { DeployedMachine, Executions, Run } from './executions';
import { Fault, Faults } from './faults';
import { HistoryEvent } from './history';
import { Permissions } from './iam';
import { Machine } from './interpreter';
import { LambdaRuntime } from './lambda-runtime';
import { LocalWorld } from './local-world';
import { lookup } from './lookup';
import { EventBridgeModel } from './models/event-bridge';
import { Place } from './resource-ids';
import { StackChanges } from './stack-changes';
import { statusChange } from './status-event';
import { TaskCaller } from './task-caller';
import { TaskError } from './task-error';
import { Template } from './template';
import { Switches, World } from './world';
import { ScaledClock, VirtualClock, WorldClock } from './world-clock';

export type { Run } from './executions';

export interface EngineOptions extends Partial<Place>, DeploymentOptions {
  /** A synthesized template, its file, a cloud assembly's folder, or several of them. */
  readonly template: unknown;
  /** The cloud assembly's folder, for the bundles. @default - `template`, if that is one */
  readonly assets?: string;
  /** Values of the template's parameters, and what other stacks export. */
  readonly parameters?: Record<string, string>;
  readonly exports?: Record<string, string>;
  /** @default 'virtual' */
  readonly clock?: 'virtual' | { readonly scale: number };
  readonly start?: Date;
  /** @default 1 */
  readonly seed?: number;
  /** Readings of unconfirmed facts. @default - the most likely of each */
  readonly switches?: Switches;
  readonly faults?: readonly Fault[];
  /** EventBridge: the template's rules fire, by the ends of executions and by schedule. @default false */
  readonly events?: boolean;
  /** Told of each line of each history as it is written. */
  readonly onEvent?: (event: HistoryEvent, executionArn: string) => void;
}

const START = new Date('2026-11-22T15:00:00Z');
/** E9 */
const LONGEST_EXECUTION_DAYS = 365;
/** How finely `settle` looks whether all is quiet. */
const SETTLE_SECONDS = 30;
/** Of a cleaner that waits longer before each try, some sweeps change nothing though there is still something to do. */
const QUIET_SWEEPS = 3;
const READS = /^(Describe|List|Get|Head)/;

/** A deployed template in a world of its own. Executions run one after another, or at once. */
export class LocalEngine {
  readonly clock: WorldClock;
  readonly world: World;
  readonly template: Template;
  readonly lambda: LambdaRuntime;
  readonly models: Deployment;
  readonly events: EventBridgeModel;
  private readonly api: Api;
  private readonly faults: Faults;
  private readonly permissions: Permissions;
  private readonly executions: Executions;
  private readonly stack: StackChanges;
  private readonly machines = new Map<string, Machine>();
  private readonly defects: Error[] = [];
  private onDefect?: (error: Error) => void;
  private begun = false;

  constructor(readonly options: EngineOptions) {
    const { clock = 'virtual', start = START } = options;
    this.clock = clock === 'virtual' ? new VirtualClock(start) : new ScaledClock(start, clock.scale);
    const world = new LocalWorld(this.clock, options);
    this.world = world;
    this.template = new Template(options.template, { ...world.place, parameters: options.parameters, exports: options.exports });
    this.faults = new Faults(options.faults);
    this.permissions = new Permissions(this.template, this.world);
    this.models = deploy(this.world, this.template, { ...options, assets: this.assets });
    const look = lookup(this.world, this.template, this.models);
    this.api = new Api(this.world, this.models.services, this.permissions, this.faults, look, (error) => this.defect(error));
    this.lambda = new LambdaRuntime(this.api, this.world, this.template, this.assets, this.faults.needOrigin);
    const caller = new TaskCaller(this.world, this.api, this.lambda, this.permissions, this.faults);
    this.events = new EventBridgeModel(this.world, (arn, event) => this.deliver(arn, event));
    this.events.load(this.template.resources);
    this.models.stepFunctions.isMachine = (arn) => this.template.ofType('AWS::StepFunctions::StateMachine').some(({ physicalId }) => physicalId === arn);
    this.executions = new Executions({
      clock: this.clock,
      stepFunctions: this.models.stepFunctions,
      faults: this.faults,
      calls: this.api.calls,
      machine: (arn) => this.machine(arn),
      task: (...call) => caller.call(...call),
      onEvent: (event, executionArn) => this.options.onEvent?.(event, executionArn),
      onStatus: (record) => this.announce(record.executionArn),
      onDefect: (error) => this.defect(error),
    });
    const custom = new CustomResources(this.world, this.template, this.lambda, this.permissions);
    this.stack = new StackChanges(this.world, this.template, this.models, this.events, this.lambda, custom, this.assets);
  }

  /** Every API call since the world began. */
  public get calls(): readonly RecordedCall[] {
    return this.api.calls;
  }

  /** Faults of calls, Tasks and states that something has met. */
  public get struckFaults(): readonly Fault[] {
    return this.faults.struck;
  }

  /** Every execution that has ended, those in the background too. */
  public get runs(): readonly Run[] {
    return this.executions.runs;
  }

  /** Runs an execution to its end. @param stateMachine logical id; may be left out where there is only one */
  public async execute(stateMachine?: string, input: unknown = {}, { name }: { name?: string } = {}): Promise<Run> {
    const stateMachineArn = this.machineArn(stateMachine);
    return this.live(async () => {
      const start = { stateMachineArn, name: name ?? this.world.id(32), input: JSON.stringify(input) };
      const { executionArn } = this.models.stepFunctions.call('StartExecution', start) as { executionArn: string };
      return this.executions.resultOf(executionArn);
    });
  }

  /** RedriveExecution of one that did not succeed, to its end. */
  public redrive(executionArn: string): Promise<Run> {
    return this.live(() => this.executions.redrive(executionArn));
  }

  /** The end of an execution that a function started, or that was started at another moment. */
  public end(executionArn: string): Promise<Run> {
    return this.live(() => this.executions.resultOf(executionArn));
  }

  /** StopExecution. */
  public stopExecution(executionArn: string): void {
    this.models.stepFunctions.execution(executionArn).abort();
  }

  /** Lets time of the world pass while nothing is executed. */
  public async pass(seconds: number): Promise<void> {
    await this.clock.pass(seconds * 1000);
    this.check();
  }

  /**
   * Lets time pass until nothing runs, and every schedule has fired several times more without changing anything.
   * @returns whether it came to that within the time given
   */
  public settle(maxSeconds = 30 * 86_400): Promise<boolean> {
    const until = this.clock.now() + maxSeconds * 1000;
    const quiet = () => !this.models.stepFunctions.isBusy && !this.events.isBusy;
    const wait = async (isDone: () => boolean) => {
      while (!isDone() && this.clock.now() < until) await new Promise<void>((resolve) => this.clock.after(SETTLE_SECONDS * 1000, resolve));
      return isDone();
    };
    const changes = () => this.calls.filter(({ action, error }) => !READS.test(action) && error === undefined).length;
    return this.live(async () => {
      if (!await wait(quiet)) return false;
      if (!this.options.events || this.events.schedules.size === 0) return true;
      for (let sweeps = 0, seen = changes(); sweeps < QUIET_SWEEPS; sweeps++) {
        const { schedules } = this.events;
        const swept = () => [...this.events.schedules].every(([rule, times]) => times > (schedules.get(rule) ?? 0));
        if (!await wait(() => swept() && quiet())) return false;
        if (changes() !== seen) [sweeps, seen] = [-1, changes()];
      }
      return true;
    });
  }

  /**
   * A stack update, also while executions run: those keep their definition and the versions of functions that it names.
   * @returns what made it fail; the stack is then as it was
   */
  public deploy(template: unknown, assets = typeof template === 'string' ? template : this.assets): Promise<string[]> {
    return this.live(() => this.stack.update(template, assets));
  }

  /** Deletes the stack: custom resources first, in the order of their dependencies. @returns what made it fail */
  public destroy(): Promise<string[]> {
    return this.live(() => this.stack.delete());
  }

  /** Logical ids of what the deletion of the stack has deleted, also where it failed. */
  public get destroyed(): readonly string[] {
    return this.stack.deleted;
  }

  private get assets(): string {
    return this.options.assets ?? (typeof this.options.template === 'string' ? this.options.template : '');
  }

  private machineArn(logicalId?: string): string {
    const all = this.template.ofType('AWS::StepFunctions::StateMachine');
    const found = logicalId === undefined && all.length === 1 ? all[0] : all.find((each) => each.logicalId === logicalId);
    if (!found) throw new Error(`which state machine? the template has ${all.map((each) => each.logicalId).join(', ') || 'none'}`);
    this.machine(found.physicalId);
    return found.physicalId;
  }

  private machine(arn: string): DeployedMachine {
    const { logicalId, properties } = this.template.ofType('AWS::StepFunctions::StateMachine').find(({ physicalId }) => physicalId === arn)!;
    const { DefinitionString, DefinitionSubstitutions = {}, RoleArn, QueryLanguage } = properties;
    if (QueryLanguage === 'JSONata') throw new Error(`${logicalId} is in JSONata`);
    const text = Object.entries<any>(DefinitionSubstitutions).reduce((all, [key, value]) => all.split(`\${${key}}`).join(value), DefinitionString);
    const known = this.machines.get(text);
    const machine = known ?? new Machine(JSON.parse(text));
    if (!known) this.machines.set(text, machine);
    return { arn, role: RoleArn, machine };
  }

  /** Lets the world live until the work is done, or until something of the engine is wrong. */
  private live<T>(work: () => Promise<T>): Promise<T> {
    return this.clock.run(async () => {
      this.begin();
      const broken = new Promise<never>((_, reject) => {
        const before = this.onDefect;
        this.onDefect = (error) => { before?.(error); reject(error); };
      });
      const result = await Promise.race([work(), broken]);
      this.check();
      return result;
    });
  }

  /** Invokes the target of a rule; only what the function itself makes of it is left to be retried. */
  private async deliver(arn: string, event: unknown): Promise<unknown> {
    try {
      return await this.lambda.invoke(arn, event);
    } catch (error) {
      if (!(error instanceof TaskError)) this.defect(error as Error);
      throw error;
    }
  }

  /** Tells EventBridge of the status of an execution. */
  private announce(executionArn: string): void {
    if (!this.options.events) return;
    const { stepFunctions } = this.models;
    const record = stepFunctions.execution(executionArn);
    // without an end of its own a world with schedules would live for ever
    if (record.status === 'RUNNING') this.clock.after(LONGEST_EXECUTION_DAYS * 86_400_000, () => record.timeOut());
    this.events.publish('aws.states', 'Step Functions Execution Status Change', [executionArn],
      statusChange(record, stepFunctions.notRedrivable(record) === undefined));
  }

  /** With the first execution, the bundles are loaded and the clock of the timed faults starts. */
  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.lambda.warmUp();
    if (this.options.events) this.events.start();
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
    this.onDefect?.(error);
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
  timeOut: ({ models }) => models.stepFunctions.executions.forEach((each) => each.status === 'RUNNING' && each.timeOut()),
};

import { Api, RecordedCall } from './api';
import { TaskDefinition } from './definition';
import { deploy, Deployment, DeploymentOptions } from './deployment';
import { Fault, Faults, spoil } from './faults';
import { History, HistoryEvent } from './history';
import { Permissions } from './iam';
import { Execution, Machine, Outcome } from './interpreter';
import { LambdaRuntime } from './lambda-runtime';
import { LocalWorld } from './local-world';
import { lookup } from './lookup';
import { ExecutionRecord } from './models/step-functions';
import { Place } from './resource-ids';
import { SdkIntegration } from './sdk-integration';
import { TaskError } from './task-error';
import { Template } from './template';
import { AwsError, Switches, World } from './world';
import { ScaledClock, VirtualClock, WorldClock } from './world-clock';

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

const START = new Date('2026-11-22T15:00:00Z');

/** A deployed template in a world of its own. Executions run one after another, or at once. */
export class LocalEngine {
  readonly clock: WorldClock;
  readonly world: World;
  readonly template: Template;
  readonly lambda: LambdaRuntime;
  readonly models: Deployment;
  private readonly api: Api;
  private readonly integration: SdkIntegration;
  private readonly faults: Faults;
  private readonly permissions: Permissions;
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
        this.onDefect = (error) => { before?.(error); reject(error); };
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
};

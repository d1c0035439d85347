import { RecordedCall } from './api';
import { TaskDefinition } from './definition';
import { Faults, Origin } from './faults';
import { History, HistoryEvent } from './history';
import { Execution, Machine, Outcome, Resumption } from './interpreter';
import { ExecutionRecord, StepFunctionsModel } from './models/step-functions';
import { AwsError } from './world';
import { WorldClock } from './world-clock';

export interface Run extends Outcome {
  readonly executionArn: string;
  readonly history: HistoryEvent[];
  /** Estimate of the number of events that AWS would count (E9). */
  readonly historyEventCount: number;
  /** Every API call of the world during this run. */
  readonly calls: RecordedCall[];
}

/** A state machine as it is deployed at one moment. */
export interface DeployedMachine {
  readonly arn: string;
  readonly role: string;
  readonly machine: Machine;
}

export interface Surroundings {
  readonly clock: WorldClock;
  readonly stepFunctions: StepFunctionsModel;
  readonly faults: Faults;
  readonly calls: readonly RecordedCall[];
  /** The machine as it is now. */
  machine(arn: string): DeployedMachine;
  /** Makes the call of a Task. */
  task(origin: Origin, role: string, task: TaskDefinition, parameters: any, state: string): Promise<unknown>;
  onEvent(event: HistoryEvent, executionArn: string): void;
  /** Told when an execution starts, goes on after a redrive, and ends. */
  onStatus(record: ExecutionRecord): void;
  /** Told of what is wrong with the engine, not with the workflow. */
  onDefect(error: Error): void;
}

/** One execution over all its redrives: its definition stays the one that it began with. */
interface Life {
  readonly record: ExecutionRecord;
  readonly deployed: DeployedMachine;
  readonly history: History;
  readonly firstCall: number;
  readonly origin: Origin;
  result: Promise<Run>;
}

const END_EVENTS = {
  SUCCEEDED: 'ExecutionSucceeded', FAILED: 'ExecutionFailed', ABORTED: 'ExecutionAborted', TIMED_OUT: 'ExecutionTimedOut',
} as const;

/** Runs executions, each in the background of the world. */
export class Executions {
  /** Every execution that has ended, in the order of their first ends; a redriven one as it ended last. */
  readonly runs: Run[] = [];
  private readonly lives = new Map<string, Life>();

  constructor(private readonly around: Surroundings) {
    around.stepFunctions.run = (record) => this.begin(record);
    around.stepFunctions.recordOf = (executionArn) => this.life(executionArn).history.events;
  }

  /** The end of an execution, also of one that goes on. */
  public resultOf(executionArn: string): Promise<Run> {
    return this.life(executionArn).result;
  }

  /** RedriveExecution (E14): goes on from the state that did not succeed, with that state's input. */
  public redrive(executionArn: string): Promise<Run> {
    const { stepFunctions, clock } = this.around;
    const life = this.life(executionArn);
    const { record, history } = life;
    const reason = stepFunctions.notRedrivable(record);
    if (reason) throw new AwsError('ExecutionNotRedrivable', reason);
    const { state, input } = history.events.filter(({ type }) => type === 'StateEntered').at(-1)!;
    record.redriveDate = new Date(clock.now());
    Object.assign(record, { status: 'RUNNING', redriveCount: record.redriveCount + 1, stopDate: undefined, error: undefined, cause: undefined });
    history.add({ type: 'ExecutionRedriven', time: record.redriveDate.toISOString(), redriveCount: record.redriveCount });
    life.result = this.run(life, { state, input });
    return life.result;
  }

  private life(executionArn: string): Life {
    const found = this.lives.get(executionArn);
    if (!found) throw new Error(`there is no execution ${executionArn}`);
    return found;
  }

  private begin(record: ExecutionRecord): void {
    const { clock, calls, onEvent } = this.around;
    const { executionArn, stateMachineArn, name, startDate } = record;
    const deployed = this.around.machine(stateMachineArn);
    const input = JSON.parse(record.input);
    const history = new History(() => clock.now(), (event) => onEvent(event, executionArn));
    const { definition } = deployed.machine;
    history.add({ type: 'ExecutionStarted', executionArn, stateMachineArn, name, startTime: startDate.toISOString(), input, definition });
    const origin = { executionArn, number: this.lives.size + 1, isCleanUp: input?.cleanUp !== undefined };
    const life: Omit<Life, 'result'> = { record, deployed, history, firstCall: calls.length, origin };
    const alive = life as Life;
    this.lives.set(executionArn, alive);
    alive.result = this.run(alive);
  }

  private run(life: Life, resume?: Resumption): Promise<Run> {
    this.around.onStatus(life.record);
    const result = this.toItsEnd(life, resume);
    result.catch((error) => this.around.onDefect(error));
    return result;
  }

  private async toItsEnd({ record, deployed, history, firstCall, origin }: Life, resume?: Resumption): Promise<Run> {
    const { clock, faults, calls } = this.around;
    const { executionArn, name } = record;
    const { arn, role, machine } = deployed;
    const redriven = record.redriveDate && { RedriveTime: record.redriveDate.toISOString() };
    const execution: Execution = machine.start({
      input: JSON.parse(record.input),
      startDate: record.startDate,
      resume,
      context: {
        Execution: { Id: executionArn, Name: name, RoleArn: role, RedriveCount: record.redriveCount, ...redriven },
        StateMachine: { Id: arn, Name: arn.split(':').pop()! },
      },
      history,
      during: (work) => clock.during(work),
      task: (task, parameters, state) => this.around.task(origin, role, task, parameters, state),
      onEnter: (state, entered) => {
        const fault = faults.onEnter(state, origin);
        if (fault) entered[fault.do]();
      },
    });
    record.abort = (error, cause) => execution.abort(error, cause);
    record.timeOut = () => execution.timeOut();
    const outcome = await execution.result;
    history.close();
    const { status, output, error, cause } = outcome;
    const stopDate = new Date(clock.now());
    history.add({ type: END_EVENTS[status], time: stopDate.toISOString(), ...(status === 'SUCCEEDED' ? { output } : { error, cause }) });
    Object.assign(record, { status, stopDate, output: output === undefined ? undefined : JSON.stringify(output), error, cause });
    const run = { ...outcome, executionArn, history: history.events, historyEventCount: history.eventCount, calls: calls.slice(firstCall) };
    const before = this.runs.findIndex((each) => each.executionArn === executionArn);
    this.runs.splice(before < 0 ? this.runs.length : before, before < 0 ? 0 : 1, run);
    this.around.onStatus(record);
    return run;
  }
}

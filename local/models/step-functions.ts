import { HistoryEvent } from '../history';
import { AwsError, ServiceModel, World } from '../world';
import { canonical, NotModelled, onlyModelled, page, reading } from './checks';

type Input = Record<string, any>;

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';

/** An execution as Step Functions itself knows it. */
export interface ExecutionRecord {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: string;
  readonly startDate: Date;
  status: ExecutionStatus;
  stopDate?: Date;
  output?: string;
  error?: string;
  cause?: string;
  redriveCount: number;
  redriveDate?: Date;
  /** StopExecution. */
  abort: (error?: string, cause?: string) => void;
  /** Steering: the machine's own time-out, or the longest life of an execution (E9). */
  timeOut: () => void;
}

/** SDK-SFN ListExecutions: results per page unless told. */
const PAGE = 100;
/** Switch describedExecution. */
const SHOWS_LATE_SECONDS = 10;
/** E14 */
const REDRIVABLE_DAYS = 14;
/** SDK-SFN StartExecution: 1 to 80 characters, without white space, brackets, wildcards and some others (E9). */
// eslint-disable-next-line no-control-regex
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$/;

/** The part of Step Functions that workflows and functions themselves call. */
export class StepFunctionsModel implements ServiceModel {
  readonly service = 'sfn';
  /** Ground truth, by ARN, in the order of their starts. */
  readonly executions = new Map<string, ExecutionRecord>();
  /** Set by the engine: whether there is such a machine, and what runs an execution of it. */
  isMachine?: (arn: string) => boolean;
  run?: (record: ExecutionRecord) => void;
  /** Set by the engine: what was recorded of an execution. */
  recordOf?: (executionArn: string) => readonly HistoryEvent[];

  constructor(private readonly world: World) {}

  /** Steering: whether anything runs. */
  get isBusy(): boolean {
    return [...this.executions.values()].some(({ status }) => status === 'RUNNING');
  }

  call(action: string, input: Input): unknown {
    switch (action) {
      case 'StartExecution': return this.start(input);
      case 'DescribeExecution': return this.describe(input);
      case 'ListExecutions': return this.list(input);
      case 'StopExecution': return this.stop(input);
      case 'GetExecutionHistory': return this.history(input);
      default: throw new NotModelled(`sfn:${action}`);
    }
  }

  /** Steering and ground truth. */
  execution(executionArn: string): ExecutionRecord {
    const found = this.executions.get(executionArn);
    if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    return found;
  }

  /** Whether RedriveExecution would be refused, and why (E14). */
  notRedrivable({ status, stopDate }: ExecutionRecord): string | undefined {
    if (status === 'RUNNING' || status === 'SUCCEEDED') return `Execution is ${status} and cannot be redriven`;
    const days = (this.world.clock.now() - stopDate!.getTime()) / 86_400_000;
    return days > REDRIVABLE_DAYS ? 'Execution redrivable period exceeded' : undefined;
  }

  private start(input: Input): unknown {
    onlyModelled('sfn:StartExecution', input, ['stateMachineArn', 'name', 'input']);
    const { stateMachineArn, name = this.world.id(32), input: text = '{}' } = input;
    this.checkMachine(stateMachineArn);
    if (!NAME.test(name)) throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
    if (!isJson(text)) throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${text}'`);
    const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const found = this.executions.get(executionArn);
    if (found) {
      // idempotent for a Standard workflow only while it runs, and with the same input (SDK-SFN StartExecution)
      if (found.status === 'RUNNING' && canonical(JSON.parse(found.input)) === canonical(JSON.parse(text))) return { executionArn, startDate: found.startDate };
      throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
    }
    const startDate = new Date(this.world.clock.now());
    const nothing = () => undefined;
    const record: ExecutionRecord = {
      executionArn, stateMachineArn, name, input: text, startDate, status: 'RUNNING', redriveCount: 0, abort: nothing, timeOut: nothing,
    };
    this.executions.set(executionArn, record);
    this.run!(record);
    return { executionArn, startDate };
  }

  private describe(input: Input): unknown {
    onlyModelled('sfn:DescribeExecution', input, ['executionArn']);
    const found = this.execution(input.executionArn);
    const { abort, timeOut, stopDate, output, error, cause, ...begun } = found;
    const startDate = new Date(found.startDate.getTime() - (this.world.switches.describedStart === 'secondBefore' ? 1000 : 0));
    const running = this.shownStatus(found) === 'RUNNING';
    const redriveStatusReason = this.notRedrivable(found);
    return {
      ...begun,
      startDate,
      inputDetails: { included: true },
      ...(running ? {} : { stopDate, output, error, cause, outputDetails: output === undefined ? undefined : { included: true } }),
      status: this.shownStatus(found),
      redriveStatus: redriveStatusReason ? 'NOT_REDRIVABLE' : 'REDRIVABLE',
      redriveStatusReason,
    };
  }

  private list(input: Input): unknown {
    onlyModelled('sfn:ListExecutions', input, ['stateMachineArn', 'statusFilter', 'maxResults', 'nextToken']);
    const { stateMachineArn, statusFilter, maxResults = 0, nextToken } = input;
    this.checkMachine(stateMachineArn);
    const found = [...this.executions.values()].reverse() // the most recent first
      .filter((each) => each.stateMachineArn === stateMachineArn && (statusFilter === undefined || this.shownStatus(each) === statusFilter));
    const { items, NextToken } = page(found, maxResults || PAGE, nextToken);
    const executions = items.map(({ executionArn, name, startDate, stopDate, redriveCount, redriveDate, ...each }) => {
      const status = this.shownStatus(each);
      return { executionArn, stateMachineArn, name, status, startDate, stopDate: status === 'RUNNING' ? undefined : stopDate, redriveCount, redriveDate };
    });
    return { executions, nextToken: NextToken };
  }

  private checkMachine(arn: string): void {
    if (!this.isMachine?.(arn)) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  private stop(input: Input): unknown {
    onlyModelled('sfn:StopExecution', input, ['executionArn', 'error', 'cause']);
    const found = this.execution(input.executionArn);
    found.abort(input.error, input.cause); // nothing happens to one that has ended
    return { stopDate: found.stopDate ?? new Date(this.world.clock.now()) };
  }

  /** Only how states were entered and left; other events stand there without details. */
  private history(input: Input): unknown {
    onlyModelled('sfn:GetExecutionHistory', input, ['executionArn', 'maxResults', 'reverseOrder', 'nextToken', 'includeExecutionData']);
    const { executionArn, maxResults = 0, reverseOrder = false, nextToken } = input;
    this.execution(executionArn);
    const all = this.recordOf!(executionArn).map(({ type, state, stateType, time, startTime, endedAt, startedAt, input: entered, output }, index) => ({
      id: index + 1,
      previousEventId: index,
      timestamp: new Date(time ?? startTime ?? endedAt ?? startedAt),
      type: type === 'Task' ? 'TaskSucceeded' : /^State/.test(type) ? `${stateType}${type}` : type,
      ...(type === 'StateEntered' ? { stateEnteredEventDetails: { name: state, input: JSON.stringify(entered), inputDetails: { truncated: false } } } : {}),
      ...(type === 'StateExited' ? { stateExitedEventDetails: { name: state, output: JSON.stringify(output), outputDetails: { truncated: false } } } : {}),
    }));
    const { items, NextToken } = page(reverseOrder ? all.reverse() : all, maxResults || PAGE, nextToken);
    return { events: items, nextToken: NextToken };
  }

  /** Describe and List are eventually consistent (SDK-SFN): an end may show late. */
  private shownStatus({ status, stopDate }: Pick<ExecutionRecord, 'status' | 'stopDate'>): ExecutionStatus {
    const late = reading(this.world, 'describedExecution', 'atOnce') === 'late' && stopDate !== undefined
      && this.world.clock.now() - stopDate.getTime() < SHOWS_LATE_SECONDS * 1000;
    return late ? 'RUNNING' : status;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

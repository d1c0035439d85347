import { AwsError, ServiceModel, World } from '../world';
import { NotModelled, onlyModelled } from './checks';

/** An execution as Step Functions itself knows it. */
export interface ExecutionRecord {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: string;
  readonly startDate: Date;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  stopDate?: Date;
  output?: string;
  error?: string;
  cause?: string;
  /** StopExecution. */
  abort: () => void;
}

/** The part of Step Functions that workflows themselves call. */
export class StepFunctionsModel implements ServiceModel {
  readonly service = 'sfn';
  /** Ground truth, by ARN. */
  readonly executions = new Map<string, ExecutionRecord>();

  constructor(private readonly world: World) {}

  call(action: string, input: Record<string, any>): unknown {
    if (action !== 'DescribeExecution') throw new NotModelled(`sfn:${action}`);
    onlyModelled('sfn:DescribeExecution', input, ['executionArn']);
    const found = this.executions.get(input.executionArn);
    if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${input.executionArn}'`);
    const { abort, ...execution } = found;
    const startDate = new Date(found.startDate.getTime() - (this.world.switches.describedStart === 'secondBefore' ? 1000 : 0));
    return { ...execution, startDate, inputDetails: { included: true }, redriveCount: 0, redriveStatus: 'NOT_REDRIVABLE' };
  }
}

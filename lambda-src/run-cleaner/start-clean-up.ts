import { type DescribeExecutionCommandOutput, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { cleanUpName } from './clean-up-name';
import { mayStillAct, retryAfter } from './sweep-decision';
import { ErrorName } from '../../src/private/errors';
import { findExecution } from '../shared/execution';
import { executionArnOf } from '../shared/execution-arn';

const stepFunctions = new SFNClient({});

export interface CleanUpRequest {
  readonly stateMachineArn: string;
  /** Of the run to clean up. */
  readonly executionArn: string;
  readonly runId: string;
  /** Whether another is started behind one that has ended: at once, or after a pause that grows. */
  readonly again: 'AT_ONCE' | 'LATER';
  /** The end of the run, or of a clean-up, that this is for: one that began after it was for this very end, of which one may hear twice. */
  readonly end?: { readonly executionArn: string; readonly stopDate?: Date };
}

/**
 * Starts a clean-up of a run, unless one is running. Its name tells the run and counts, so that two that start one at
 * once start the same (Step Functions API reference, StartExecution: idempotent by name and input while it runs).
 *
 * @returns what was done, in words
 */
export async function startCleanUp(request: CleanUpRequest): Promise<string> {
  let stoppedAt: Date | undefined;
  for (let k = 1; ; k++) {
    const name = cleanUpName(request.runId, k);
    const arn = executionArnOf(request.stateMachineArn, name);
    const earlier = await findExecution(arn);
    if (mayStillAct(earlier)) return `${name} is running`;
    if (earlier) {
      if (arn !== request.end?.executionArn && isFor(request.end, earlier)) return `${name} has ended`;
      stoppedAt = earlier.stopDate;
      continue;
    }
    const next = (stoppedAt?.getTime() ?? 0) + retryAfter(k - 1) * 1000;
    if (request.again === 'LATER' && k > 1 && Date.now() < next) return `${k - 1} clean-ups have ended; the next one comes from ${new Date(next).toISOString()} on`;
    if (await start(request, name)) return `${name} was started`;
    // DescribeExecution is eventually consistent: one of this name has just been started, with another input, or has ended
    return `${name} exists already; the next sweep looks again`;
  }
}

function isFor(end: CleanUpRequest['end'], { startDate, error }: DescribeExecutionCommandOutput): boolean {
  // DescribeExecution is eventually consistent: one that was told that the run still runs has done nothing
  if (error === ErrorName.RUN_STILL_RUNNING) return false;
  return end?.stopDate !== undefined && startDate !== undefined && startDate >= end.stopDate;
}

async function start({ stateMachineArn, executionArn }: CleanUpRequest, name: string): Promise<boolean> {
  try {
    const input = JSON.stringify({ cleanUp: { executionArn } });
    await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    return true;
  } catch (error) {
    if ((error as Error).name === 'ExecutionAlreadyExists') return false;
    throw error;
  }
}

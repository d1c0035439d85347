import type { ClaimPayload } from '../../src/private/batch-environment-payloads';
import { cleanUpCommand, regionOf, stateMachineOf } from '../shared/execution-arn';
import { isLiving } from '../shared/execution-status';

/** One run has an environment for itself: who, and which execution acts for it. */
export interface Lock {
  /** ARN of the run's execution. */
  readonly owner: string;
  /** ARN of the execution that acts for it: its own, or the one that cleans up after it. */
  readonly holder: string;
  /** When the holder took it, ISO 8601. */
  readonly since: string;
}

export type Claim = Pick<Lock, 'owner' | 'holder'>;

/** The lock is ours already, is left by the dead, or is in use. */
export type LockStep = 'RESERVED' | 'TAKE_OVER' | 'WAIT';

/** What Step Functions says of an execution; undefined where it does not know it. */
export type StatusOf = (executionArn: string) => string | undefined;

/**
 * DescribeExecution is eventually consistent (Step Functions API reference): an execution that it does not know may have
 * begun a moment ago. After this time it is one that is forgotten (90 days, E9), or never was.
 */
const UNKNOWN_IS_NEW_MINUTES = 10;

export const claimOf = ({ run, self }: ClaimPayload): Claim => ({ owner: run.executionArn, holder: self });

export const isHeldBy = (lock: Lock | undefined, { owner, holder }: Claim) => lock?.owner === owner && lock.holder === holder;

/** Nothing is taken from an execution that lives: time alone proves nothing. */
export function lockStep(lock: Lock, claim: Claim, statusOf: StatusOf, now: number): LockStep {
  if (isHeldBy(lock, claim)) return 'RESERVED';
  const isAlive = (executionArn: string) => {
    const status = statusOf(executionArn);
    return status === undefined ? now - Date.parse(lock.since) < UNKNOWN_IS_NEW_MINUTES * 60_000 : isLiving(status);
  };
  // an owner is no obstacle to its own run, whose clean-up has looked at it before
  return isAlive(lock.holder) || (lock.owner !== claim.owner && isAlive(lock.owner)) ? 'WAIT' : 'TAKE_OVER';
}

/** Who has it, since when, and what to type for one who cannot wait. */
export function describeLock(computeEnvironmentArn: string, { owner, holder, since }: Lock): string {
  const who = holder === owner ? `execution ${owner}` : `execution ${owner}, which execution ${holder} cleans up after`;
  return `compute environment ${computeEnvironmentArn} is in use by ${who}, since ${since}. It is free when that has ended. To end it now, type `
    + `aws stepfunctions stop-execution --region ${regionOf(holder)} --execution-arn ${holder} and then ${cleanUpCommand(stateMachineOf(holder), { executionArn: owner })}`;
}

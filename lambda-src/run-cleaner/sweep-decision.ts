import { ErrorName, PASSING_ERRORS } from '../../src/private/errors';
import { IS_BEING_DELETED, IS_KEPT, isKeptByFailure, KeepReason } from '../../src/private/keep-reasons';
import { RunTag } from '../../src/private/tags';
import { cleanUpTarget } from '../shared/clean-up-target';

/** What the cleaner does about something that a run has made. */
export interface Decision {
  readonly decision: 'LEAVE' | 'MARK_ORPHAN' | 'CLEAN_UP';
  readonly why: string;
}

/** An execution as Step Functions has it; undefined where Step Functions has forgotten it. */
export type KnownExecution = {
  readonly status?: string;
  readonly input?: string;
  readonly stopDate?: Date;
  readonly error?: string;
  readonly cause?: string;
} | undefined;

export interface FoundFileSystem {
  readonly lifecycle?: string;
  readonly tag: (key: string) => string | undefined;
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

/** Errors of runs that could not see the end of what they had made. */
const UNFINISHED: string[] = [ErrorName.DELETION_TIMED_OUT, ErrorName.JOBS_NOT_STOPPED, ErrorName.INSTANCES_NOT_GONE];

/** Errors of an execution that ended without its summary: of Step Functions itself, and of the summary's own failure. */
const SAYS_NOTHING = /^(States\.|SummaryFailed$)/;

/** A sweep comes a little early or late: nine tenths of the interval are one sweep. */
const ONE_SWEEP = 0.9;

const HELD = `somebody works on it: its tag ${RunTag.HOLD} is there`;
const isHeld = ({ tag }: FoundFileSystem) => tag(RunTag.HOLD) !== undefined;

const leave = (why: string): Decision => ({ decision: 'LEAVE', why });
const cleanUp = (why: string): Decision => ({ decision: 'CLEAN_UP', why });

/** Whether it may still clean up after itself: also a status that is not known yet. */
export function mayStillAct(execution: KnownExecution): boolean {
  return execution !== undefined && !ENDED.includes(execution.status ?? '');
}

/** Seconds from the n-th failed clean-up to the next. */
export function retryAfter(times: number): number {
  return Math.min(DAY, HOUR * 2 ** Math.min(times - 1, 10));
}

/** What a sweep does about a file system of this pipeline. */
export function decideFileSystem(found: FoundFileSystem, execution: KnownExecution, now: Date, sweepSeconds: number): Decision {
  if (mayStillAct(execution)) return leave(`its execution is ${execution?.status}`);
  if (found.lifecycle === 'DELETING') return decideDeleting(execution, now, sweepSeconds);
  if (isHeld(found)) return leave(HELD);
  if (found.tag(RunTag.KEPT) !== undefined) return decideKept(found, now);
  const ended = execution ? `its execution has ended as ${execution.status}` : 'its execution is not known any more';
  const since = timeOf(found.tag(RunTag.ORPHAN_SINCE));
  if (since === undefined) return { decision: 'MARK_ORPHAN', why: ended };
  const seconds = (now.getTime() - since) / 1000;
  return seconds >= ONE_SWEEP * sweepSeconds ? cleanUp(`${ended} and nobody has cleaned up since ${iso(since)}`) : leave(`${ended}; first seen at ${iso(since)}`);
}

/** By its run, or by somebody: a clean-up sees it gone, and removes what its link has left. */
function decideDeleting(execution: KnownExecution, now: Date, sweepSeconds: number): Decision {
  const seconds = execution?.stopDate ? (now.getTime() - execution.stopDate.getTime()) / 1000 : Infinity;
  return seconds < sweepSeconds ? leave('it is being deleted') : cleanUp('it is being deleted, and nobody watches any more');
}

function decideKept({ tag }: FoundFileSystem, now: Date): Decision {
  const reason = tag(RunTag.KEPT)!;
  const until = timeOf(tag(RunTag.KEEP_UNTIL));
  const keptAt = timeOf(tag(RunTag.KEPT_AT));
  const isOver = until !== undefined && now.getTime() >= until;
  const byFailure = isKeptByFailure(reason) || !isChosen(tag);
  // what its run was told not to delete is proven, and stays
  if (!byFailure && (until === undefined || reason.startsWith(KeepReason.DELETE_LUSTRE_IS_FALSE))) return leave(`kept without an end: ${reason}`);
  if (!byFailure && !isOver) return leave(`kept until ${iso(until!)}: ${reason}`);

  const times = Math.max(1, Math.trunc(Number(tag(RunTag.TIMES_KEPT))) || 1);
  const isFirstAfterEnd = isOver && (keptAt === undefined || keptAt < until);
  const due = isFirstAfterEnd || keptAt === undefined ? now.getTime() : keptAt + retryAfter(times) * 1000;
  if (now.getTime() < due) return leave(`kept ${times} times, the last time for ${reason}; tried again from ${iso(due)} on`);
  return cleanUp(isOver ? `kept until ${iso(until)}, which has passed` : `kept ${times} times, the last time for ${reason}`);
}

/** Whether somebody wanted it to be kept. */
function isChosen(tag: FoundFileSystem['tag']): boolean {
  const policy = tag(RunTag.FAILURE_POLICY);
  return policy === 'KEEP' || policy === 'KEEP_FOR' || tag(RunTag.DELETE_LUSTRE) === 'false';
}

/** What a sweep does about a launch template of a run that has no file system. It cannot be marked, so its age has to tell. */
export function decideLaunchTemplate(createdAt: Date | undefined, execution: KnownExecution, now: Date, sweepSeconds: number): Decision {
  if (mayStillAct(execution)) return leave(`its execution is ${execution?.status}`);
  const sweepsSince = (time: Date) => (now.getTime() - time.getTime()) / 1000 / sweepSeconds;
  if (!createdAt || sweepsSince(createdAt) < 2) return leave('it is younger than two sweeps');
  if (execution && !execution.stopDate) return leave('nobody knows when its execution ended');
  if (execution && sweepsSince(execution.stopDate!) < 1) return leave('its execution ended less than a sweep ago');
  return cleanUp(execution ? `its execution ended as ${execution.status} at ${execution.stopDate!.toISOString()}` : 'its execution is not known any more');
}

/**
 * What to do right after the end of an execution. Nothing is started at the end of a clean-up: a sweep looks at it later.
 *
 * @param found the run's file system, if it has one
 */
export function decideEnd(execution: KnownExecution, found: FoundFileSystem | undefined): Decision {
  return cleanUpTarget(execution?.input) === undefined ? decidePastEnd(execution, found) : leave('it is a clean-up itself');
}

/** What a sweep does about the end of an execution, be it a run or the clean-up of one. @param found the run's file system, if it has one */
export function decidePastEnd(execution: KnownExecution, found: FoundFileSystem | undefined): Decision {
  if (execution === undefined) return leave('Step Functions does not know it');
  // without its input a clean-up looks like a run, and would be cleaned up after for ever
  if (execution.input === undefined && !found) return leave('nobody can tell whether it is a clean-up: its input is not shown');
  if (mayStillAct(execution)) return leave(`it is ${execution.status} again`);
  if (execution.status === 'SUCCEEDED') return leave('it has succeeded');
  if (found && found.lifecycle !== 'DELETING' && isHeld(found)) return leave(HELD);
  if (execution.status !== 'FAILED') return cleanUp(`it ended as ${execution.status}, where nothing can be caught`);
  if (found?.lifecycle === 'DELETING') return cleanUp('its file system is being deleted, and nobody watches any more');
  if (found && found.tag(RunTag.KEPT) === undefined) return cleanUp('it failed and has left a file system that it did not mean to keep');
  if (found && SAYS_NOTHING.test(execution.error ?? '')) return cleanUp(`it ended with ${execution.error}, which does not tell that it has kept its file system`);
  if (found) return leave(`it has kept its file system: ${found.tag(RunTag.KEPT)}`);
  if (execution.cause?.includes(IS_KEPT)) return cleanUp('it told of a file system that it has kept, and that is gone');
  if (execution.cause?.includes(IS_BEING_DELETED)) return cleanUp('it told of a deletion whose end it did not see');
  if (UNFINISHED.includes(execution.error ?? '')) return cleanUp(`it ended with ${execution.error}, and its file system went when nobody watched any more`);
  if ((PASSING_ERRORS as string[]).includes(execution.error ?? '')) return cleanUp(`it ended with ${execution.error}: AWS did not tell what it has left`);
  // an error of AWS may be one that nothing caught (E18)
  if (!(Object.values(ErrorName) as string[]).includes(execution.error ?? '')) return cleanUp(`it ended with ${execution.error}, which is none of the workflow's own errors`);
  return leave(`it has cleaned up after ${execution.error}`);
}

function timeOf(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

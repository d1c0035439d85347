import type { AttemptDetail, JobDetail } from '@aws-sdk/client-batch';
import type { BatchJobProgress } from '../../src/private/batch-job-payloads';
import type { JobState, Run } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';

/** Batch forgets jobs at the earliest a week after their end (user guide, Job states): from then on what it does not know proves nothing. */
const JOBS_REMEMBERED_MS = 7 * 86_400_000;

/** Whether a run is so old that Batch may not know its jobs any more. */
export const areJobsForgotten = ({ startedAt }: Run, now: Date) => now.getTime() - Date.parse(startedAt) > JOBS_REMEMBERED_MS;

/** Servers evict a client that died "after a few minutes" (C9); a file it had open is exported only then (G4). */
const EVICTION_MS = 10 * 60_000;

const TERMINAL = ['SUCCEEDED', 'FAILED'];
const UNCLEAN_EXITS = [137, 143]; // SIGKILL and SIGTERM: the host may have stopped the container because it was reclaimed

export const isTerminal = (job: JobDetail) => TERMINAL.includes(job.status ?? '');

export type Verdict =
  | { readonly verdict: 'RUNNING' | 'SUCCEEDED' | 'RESUBMIT' }
  | { readonly verdict: 'FAILED'; readonly error: ErrorName; readonly cause: string };

export interface JobJudgement {
  readonly job: JobDetail;
  /** Attempts of earlier submissions. */
  readonly attemptsBefore: number;
  readonly attemptsAllowed: number;
  readonly jobStartTimeoutSeconds: number;
  /** The instance of the last attempt was taken away, as EC2 tells it; asked only where the job's own words leave it open. */
  readonly lastInstanceReclaimed: boolean;
  readonly now: Date;
}

/** Is it running, done, to be submitted again, or failed for a named reason? */
export function judge(judgement: JobJudgement): Verdict {
  const { job, attemptsBefore, attemptsAllowed } = judgement;
  const attempts = attemptsBefore + countAttempts(job);
  if (job.status === 'SUCCEEDED') return { verdict: 'SUCCEEDED' };
  if (job.status !== 'FAILED') return neverStarted(judgement) ?? { verdict: 'RUNNING' };

  const last = job.attempts?.at(-1);
  if (!last && wasStarted(job)) {
    return { verdict: 'FAILED', error: ErrorName.JOB_FAILED, cause: `${describe(job)} was ended while it ran: ${job.statusReason ?? 'no reason given'}` };
  }
  if (!last) {
    return { verdict: 'FAILED', error: ErrorName.JOB_NEVER_STARTED, cause: `${describe(job)} ended before it had an instance: ${job.statusReason ?? 'no reason given'}` };
  }
  if (endedWaiting(job, last)) {
    return { verdict: 'FAILED', error: ErrorName.JOB_NEVER_STARTED, cause: `${describe(job)} was ended while it waited for another instance: ${job.statusReason}` };
  }
  if (job.isTerminated) {
    // somebody's own decision, which Batch does not retry either (D5.2)
    return { verdict: 'FAILED', error: ErrorName.JOB_FAILED, cause: `${describe(job)} was terminated: ${job.statusReason ?? 'no reason given'}` };
  }
  const reclaimed = isReclaim(last) || judgement.lastInstanceReclaimed;
  if (!reclaimed && !neverRan(last)) {
    return { verdict: 'FAILED', error: ErrorName.JOB_FAILED, cause: `${describe(job)} failed by itself: ${ending(last)}` };
  }
  if (attempts < attemptsAllowed && reclaimed) return { verdict: 'RESUBMIT' };
  return {
    verdict: 'FAILED',
    error: ErrorName.JOB_ATTEMPTS_EXHAUSTED,
    cause: `${describe(job)} used all ${attemptsAllowed} attempts (jobDefinitionRetryAttempts); the last one: ${ending(last)}`,
  };
}

function neverStarted({ job, jobStartTimeoutSeconds, now }: JobJudgement): Verdict | undefined {
  if (job.status === 'RUNNING') return undefined;
  const waitingSince = Math.max(job.createdAt ?? now.getTime(), ...(job.attempts ?? []).map((attempt) => attempt.stoppedAt ?? 0));
  const seconds = Math.round((now.getTime() - waitingSince) / 1000);
  if (seconds <= jobStartTimeoutSeconds) return undefined;
  return {
    verdict: 'FAILED',
    error: ErrorName.JOB_NEVER_STARTED,
    cause: `${describe(job)} has been ${job.status} for ${seconds} s (jobStartTimeout is ${jobStartTimeoutSeconds} s): ${job.statusReason ?? 'Batch gives no reason'}`,
  };
}

/** Only an attempt that ended by a signal leaves it open whether its instance was reclaimed. */
export function mayBeReclaim(job: JobDetail): boolean {
  const last = job.attempts?.at(-1);
  return last !== undefined && !isReclaim(last) && UNCLEAN_EXITS.includes(last.container?.exitCode ?? -1);
}

export const isReclaim = (attempt: AttemptDetail) => (attempt.statusReason ?? '').startsWith('Host EC2');

const neverRan = (attempt: AttemptDetail) => (attempt.statusReason ?? '').startsWith('Task failed to start')
  || /^Cannot(Start|Pull)Container/.test(attempt.container?.reason ?? '');

/** Cancelled by its queue or terminated by somebody between two attempts: the job's reason is not that of its last attempt. */
const endedWaiting = (job: JobDetail, last: AttemptDetail) => (isReclaim(last) || neverRan(last))
  && job.statusReason !== undefined && job.statusReason !== last.statusReason;

/** An attempt that was ended from outside may not be listed among the attempts. */
const wasStarted = (job: JobDetail) => job.startedAt !== undefined || job.container?.containerInstanceArn !== undefined;

export const countAttempts = (job: JobDetail) => job.attempts?.length ?? 0;

/** What may still write, or may have written, for the rest of the run. */
export function outcomeOf(jobs: JobDetail[], progress: BatchJobProgress, run: Run, now: Date): JobState {
  const attempts = jobs.flatMap((job) => job.attempts ?? []);
  const last = [...jobs].sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0)).at(-1);
  const everHadInstance = jobs.some(wasStarted)
    || attempts.some((attempt) => attempt.startedAt !== undefined || attempt.container?.containerInstanceArn !== undefined);
  return {
    outcome: last?.status === 'SUCCEEDED' ? 'SUCCEEDED' : progress.outcome === 'STOPPED' || !last ? 'STOPPED' : 'FAILED',
    mayHaveWritten: everHadInstance || areJobsForgotten(run, now),
    lastWritePossibleAt: new Date(Math.max(now.getTime(), ...attempts.filter(isUnclean).map((attempt) => endOf(attempt, now) + EVICTION_MS),
      ...jobs.filter((job) => everHadInstance && endedUncleanly(job)).map((job) => (job.stoppedAt ?? now.getTime()) + EVICTION_MS))).toISOString(),
    jobIds: jobs.map((job) => job.jobId!),
    attempts: attempts.length,
    ...times(jobs, attempts),
  };
}

const isUnclean = (attempt: AttemptDetail) => attempt.container?.exitCode === undefined || UNCLEAN_EXITS.includes(attempt.container.exitCode);
const endOf = (attempt: AttemptDetail, now: Date) => attempt.stoppedAt ?? now.getTime();
/** Terminated while it ran: Batch may not list the attempt. */
const endedUncleanly = (job: JobDetail) => job.status === 'FAILED' && (job.attempts?.length ?? 0) === 0;

function times(jobs: JobDetail[], attempts: AttemptDetail[]) {
  const iso = (values: (number | undefined)[], pick: (...numbers: number[]) => number) => {
    const known = values.filter((value) => value !== undefined);
    return known.length > 0 ? new Date(pick(...known)).toISOString() : undefined;
  };
  return {
    submittedAt: iso(jobs.map((job) => job.createdAt), Math.min),
    startedAt: iso([...attempts, ...jobs].map((each) => each.startedAt), Math.min),
    stoppedAt: iso([...attempts, ...jobs].map((each) => each.stoppedAt), Math.max),
  };
}

const describe = (job: JobDetail) => `job ${job.jobName} (${job.jobId})`;

function ending({ statusReason, container }: AttemptDetail): string {
  return [
    container?.exitCode === undefined ? undefined : `exit code ${container.exitCode}`,
    container?.reason,
    statusReason,
    container?.logStreamName && `log stream ${container.logStreamName}`,
  ].filter(Boolean).join(', ') || 'Batch gave no reason';
}

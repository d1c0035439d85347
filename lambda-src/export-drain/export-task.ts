import { failedFiles, FailuresReport, isDenial, isPermanent } from './failures-report';
import type { Finding } from './look';
import { iso } from './queue-age';
import { ErrorName } from '../../src/private/errors';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { TaskMemory } from '../../src/private/export-drain-payloads';
import { executionToken } from '../shared/run-identity';

const MINUTE = 60_000;

/** How often a task is run before transient trouble is none. */
export const ROUNDS = 5;

/** Before each repetition: trouble gets time to pass, an hour and a half in all. */
const PAUSES = [2, 8, 30, 60].map((minutes) => minutes * MINUTE);

/** Between the clock of FSx and this one. */
const SKEW = MINUTE;

/** A new task may not be listed yet (unconfirmed). */
const NOT_SEEN = 15 * MINUTE;

/** FSx may refuse for a while what it will do: the update of the link has just ended. */
const REFUSED = 20 * MINUTE;

/** A report may be written after its task has ended. */
const REPORT_LATE = 2 * MINUTE;

/** A data repository task as FSx describes it. */
export interface ExportTask {
  readonly id: string;
  readonly type?: string;
  readonly lifecycle: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly total?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  /** FailureDetails.Message */
  readonly failure?: string;
}

interface Judgement {
  readonly task: TaskMemory;
  readonly finding: Finding;
}

/** What has not ended for good: a state that nobody knows is waited for, too (A3.3). */
export const isLive = ({ lifecycle }: ExportTask) => !['SUCCEEDED', 'FAILED', 'CANCELED'].includes(lifecycle);

const hasFailed = ({ lifecycle, failed = 0 }: ExportTask) => lifecycle === 'FAILED' || (lifecycle === 'SUCCEEDED' && failed > 0);

/** Whether the task of this round has ended in a way that its report explains. */
export const isReportDue = (tasks: ExportTask[], task?: TaskMemory) => tasks.some((each) => each.id === task?.id && hasFailed(each));

/** Token of one round of one execution (A2.9): a later clean-up is never answered with an older task. */
export function taskToken(executionArn: string, round: number): string {
  return `export-${round}-${executionToken(executionArn)}`;
}

/** Where a run's reports are: the path must be inside the link (A8.3). */
export function reportPath(dataRepositoryPath: string, runId: string): string {
  return `${dataRepositoryPath.replace(/\/?$/, '/')}.lustre-auto-export/${runId}`;
}

/** Is every file in S3? Asked of an export task that began after the last possible write; automatic export is off. */
export function judgeTask(now: number, quiet: number, tasks: ExportTask[], task: TaskMemory = { round: 1 }, report?: FailuresReport): Judgement {
  const wait = (reason: DrainReason, message: string, limited = false): Judgement => ({ task, finding: { verdict: 'WAIT', reason, message, limited } });
  const other = tasks.find((each) => isLive(each) && each.id !== task.id);
  if (other) return wait(DrainReason.OTHER_TASK_RUNNING, `${other.type ?? 'another'} task ${other.id} is ${other.lifecycle}`);
  if (!task.id) return judgeStart(now, task);

  const own = tasks.find(({ id }) => id === task.id);
  if (!own) {
    if (now - Date.parse(task.startedAt ?? '') < NOT_SEEN) return wait(DrainReason.EXPORT_TASK_NOT_SEEN, `export task ${task.id} is not listed yet`, true);
    return nextRound(now, task, `export task ${task.id} is not listed`, 0);
  }
  const judged = judgeOwn(now, quiet, own, task, report);
  const { id, lifecycle, total, succeeded, failed } = own;
  return { ...judged, finding: { ...judged.finding, task: { id, round: task.round, lifecycle, total, succeeded, failed } } };
}

function judgeStart(now: number, task: TaskMemory): Judgement {
  if (task.notBefore && now < Date.parse(task.notBefore)) {
    const message = `${task.because}; the next export task begins at ${task.notBefore}`;
    return { task, finding: { verdict: 'WAIT', reason: DrainReason.EXPORT_TASK_FAILED, message, limited: true } };
  }
  if (task.refusedSince && now - Date.parse(task.refusedSince) >= REFUSED) {
    const message = `FSx refuses an export task since ${task.refusedSince}: ${task.refusal}`;
    return { task, finding: { verdict: 'FAILED', reason: DrainReason.EXPORT_TASK_REFUSED, message, error: ErrorName.EXPORT_NOT_PROVEN } };
  }
  const because = task.refusal ?? task.because;
  const message = `export task ${task.round} of at most ${ROUNDS} begins${because ? ` (${because})` : ''}`;
  return { task, finding: { verdict: 'START_TASK', reason: DrainReason.EXPORT_TASK_STARTING, message } };
}

function judgeOwn(now: number, quiet: number, own: ExportTask, task: TaskMemory, report?: FailuresReport): Judgement {
  const name = `export task ${own.id}`;
  const counts = own.total === undefined ? 'FSx tells no counts' : `${own.succeeded ?? 0} of ${own.total} files exported, ${own.failed ?? 0} failed`;
  if (isLive(own)) return { task, finding: { verdict: 'WAIT', reason: DrainReason.EXPORT_TASK_RUNNING, message: `${name} is ${own.lifecycle}: ${counts}` } };
  // the token of an execution that was begun again is answered with its old task
  if (!(own.createdAt >= quiet - SKEW)) return nextRound(now, task, `${name} began before the last possible write`, 0);
  if (task.spoiled) return nextRound(now, task, `automatic export was on while ${name} ran`, 0);
  if (own.lifecycle === 'CANCELED') return nextRound(now, task, `${name} was canceled by somebody`);
  if (hasFailed(own)) return judgeFailure(now, own, { ...task, endedAt: task.endedAt ?? iso(now) }, report);
  return { task, finding: { verdict: 'PROVEN', reason: DrainReason.EVERY_FILE_EXPORTED, message: `${name} found nothing that it could not export: ${counts}` } };
}

/** What failed for good is an end; what may be different the next time is tried again. */
function judgeFailure(now: number, own: ExportTask, task: TaskMemory, report?: FailuresReport): Judgement {
  if (report?.text === undefined && now - Date.parse(task.endedAt!) < REPORT_LATE) {
    const message = `export task ${own.id} is ${own.lifecycle}, and there is no report yet`;
    return { task, finding: { verdict: 'WAIT', reason: DrainReason.EXPORT_TASK_ENDED, message, limited: true } };
  }
  const failed = failedFiles(own.failed ?? 0, report, own.failure);
  const reasons = Object.entries(failed.byReason);
  const why = reasons.map(([reason, { count }]) => `${count} ${reason}`).join(', ') || own.failure || 'FSx gives no reason';
  const files = failed.total > 0 ? { failedFiles: failed } : {};
  const forGood = reasons.length > 0 && reasons.every(([reason]) => isPermanent(reason, task.denied));
  const message = `export task ${own.id} did not export every file: ${why}`;
  if (!forGood) return nextRound(now, { ...task, denied: reasons.some(([reason]) => isDenial(reason)) }, message, PAUSES[task.round - 1], files);
  const finding: Finding = { verdict: 'FAILED', reason: DrainReason.FILES_NOT_EXPORTED, error: ErrorName.FILES_NOT_EXPORTED, message: `${message}; no repetition can help` };
  return { task, finding: { ...finding, ...files } };
}

/** Once more with a token of its own, as long as there are rounds left. */
function nextRound(now: number, { round, denied }: TaskMemory, because: string, pause = PAUSES[round - 1], files: Pick<Finding, 'failedFiles'> = {}): Judgement {
  if (round >= ROUNDS) {
    const [reason, error] = files.failedFiles
      ? [DrainReason.FILES_NOT_EXPORTED, ErrorName.FILES_NOT_EXPORTED] : [DrainReason.EXPORT_TASK_FAILED, ErrorName.EXPORT_NOT_PROVEN];
    return { task: { round, denied }, finding: { verdict: 'FAILED', reason, error, message: `${because}; ${ROUNDS} export tasks have been run`, ...files } };
  }
  const begun = judgeStart(now, { round: round + 1, denied, because, notBefore: iso(now + pause) });
  return { ...begun, finding: { ...begun.finding, ...files } };
}

/** What is remembered after FSx was asked for the task of a round. */
export function taskAttempted(now: number, task: TaskMemory, id: string | undefined, refusal?: Error): TaskMemory {
  const { refusedSince, refusal: _, ...rest } = task;
  if (!refusal) return { ...rest, id, startedAt: iso(now) };
  const said = `${refusal.name}: ${refusal.message}`.slice(0, 500);
  // another task is waited for, however long it takes
  if (refusal.name === 'DataRepositoryTaskExecuting') return { ...rest, refusal: said };
  return { ...rest, refusal: said, refusedSince: refusedSince ?? iso(now) };
}

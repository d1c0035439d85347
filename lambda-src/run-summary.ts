import type { StateDocument } from '../src/private/document';
import { ErrorName } from '../src/private/errors';

/** Steps of the clean-up in their order: the first of them that failed is the error where the run itself had none. */
const STEPS = ['find', 'stop', 'detach', 'drain', 'delete', 'keep'];

const MAX_CAUSE = 30_000; // a Fail state's cause may have 32,768 characters; what is longer is cut here with a mark

export interface RunSummary {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly error?: string;
  readonly cause?: string;
  readonly runId: string;
  readonly executionArn: string;
  readonly fileSystem: { id?: string; deleted: boolean; kept?: string; mountName?: string };
  readonly s3Location?: string;
  readonly job: { outcome?: string; ids: string[]; attempts: number };
  readonly times: { [phase: string]: string | undefined };
  readonly export: { proven: boolean; reason: string; evidence: unknown };
  /** Until when a write of this run could still have been noticed by the export queue. */
  readonly latestPossibleNotice?: string;
  /** What a failed clean-up step said, by step. */
  readonly cleanUpFailures: { [step: string]: string };
}

/** Why the file system of this document is kept, in words that fit into a tag; undefined where it was deleted. */
export function keepReason(document: StateDocument): string | undefined {
  const { failures, parameters, fileSystem, deletion } = document;
  if (!fileSystem.fileSystemId || deletion?.gone) return undefined;
  const failed = STEPS.find((step) => failures[step]);
  if (failed) return `${failed}: ${failures[failed].Error ?? 'unknown error'}`;
  if (parameters.deleteLustre === false) return 'deleteLustre is false';
  return `export not proven: ${document.export.reason ?? 'no verdict'}`;
}

export function summarize(document: StateDocument, now: Date): RunSummary {
  const { run, fileSystem, associations, job, failures, deletion } = document;
  const kept = keepReason(document);
  const problem = firstProblem(document, kept);
  const evidence = (document.export.evidence ?? {}) as { quietAt?: string };
  return {
    status: problem ? 'FAILED' : 'SUCCEEDED',
    ...(problem ? { error: problem.Error, cause: cut(explain(problem, document, kept)) } : {}),
    runId: run.id,
    executionArn: run.executionArn,
    fileSystem: { id: fileSystem.fileSystemId, mountName: fileSystem.mountName, deleted: deletion?.gone === true, kept },
    s3Location: associations.output?.dataRepositoryPath,
    job: { outcome: job.outcome, ids: job.jobIds ?? [], attempts: job.attempts ?? 0 },
    times: {
      runStarted: run.startedAt,
      fileSystemCreated: fileSystem.createdAt,
      jobSubmitted: job.submittedAt,
      jobStarted: job.startedAt,
      jobStopped: job.stoppedAt,
      instancesGone: document.compute.quietAt,
      drainStarted: document.export.startedAt,
      drainEnded: document.export.endedAt,
      fileSystemDeleted: deletion?.goneAt,
      runEnded: now.toISOString(),
    },
    export: { proven: document.export.proven === true, reason: document.export.reason ?? 'no verdict', evidence },
    latestPossibleNotice: evidence.quietAt ?? job.lastWritePossibleAt,
    cleanUpFailures: Object.fromEntries(Object.entries(failures).map(([step, failure]) => [step, message(failure)])),
  };
}

function firstProblem(document: StateDocument, kept: string | undefined): { Error: string; Cause?: string } | undefined {
  const { error, failures, parameters } = document;
  if (error.Error) return { Error: error.Error, Cause: message(error) };
  const step = STEPS.find((candidate) => failures[candidate]);
  if (step) return { Error: failures[step].Error ?? ErrorName.EXPORT_NOT_PROVEN, Cause: `${step}: ${message(failures[step])}` };
  if (kept && parameters.deleteLustre !== false) return { Error: ErrorName.EXPORT_NOT_PROVEN, Cause: kept };
  // kept as asked for; that the export of a run with automatic export is complete was asked for, too
  if (kept && parameters.autoExport !== false && document.export.proven !== true) {
    return { Error: ErrorName.EXPORT_NOT_PROVEN, Cause: `export not proven: ${document.export.reason ?? 'no verdict'}` };
  }
  return undefined;
}

/** The answers that somebody in front of a failed run needs: what happened, is the data safe, what to do. */
function explain(problem: { Error: string; Cause?: string }, document: StateDocument, kept: string | undefined): string {
  const { fileSystem, associations, deletion } = document;
  const target = associations.output?.dataRepositoryPath ?? 'S3';
  const proven = document.export.proven === true && !document.failures.drain;
  const data = kept
    ? `File system ${fileSystem.fileSystemId} is KEPT and is billed until it is deleted (${kept}). `
      + (proven ? `Its data is proven to be in ${target}. ` : `Its data is on it; not all of it is proven to be in ${target}. `)
      + `Look at it by mounting ${fileSystem.fileSystemId} (mount name ${fileSystem.mountName}), then delete it, or start an execution with {"cleanUp":{"executionArn":"${document.run.executionArn}"}}.`
    : deletion?.gone
      ? `File system ${fileSystem.fileSystemId} was deleted; ${whatWasOnIt(document, target)}.`
      : document.failures.find
        ? `It could not be found out whether a file system was left behind. Start an execution with {"cleanUp":{"executionArn":"${document.run.executionArn}"}}.`
        : 'No file system was left behind.';
  return `${problem.Cause ?? problem.Error}\n${data}`;
}

function whatWasOnIt({ export: { proven, reason } }: StateDocument, target: string): string {
  if (!proven) return `it was being deleted already when the clean-up came: whether everything on it is in ${target} was not looked at`;
  return reason === 'NothingWritten' ? 'nothing had been written to it' : `everything on it is in ${target}`;
}

/** A Lambda's cause is JSON with the handler's message in it; other causes are plain text. */
function message(failure: { Error?: string; Cause?: string }): string {
  try {
    const parsed = JSON.parse(failure.Cause ?? '');
    return typeof parsed.errorMessage === 'string' ? parsed.errorMessage : failure.Cause!;
  } catch {
    return failure.Cause ?? failure.Error ?? 'no cause given';
  }
}

function cut(text: string): string {
  return text.length <= MAX_CAUSE ? text : `${text.slice(0, MAX_CAUSE)} ... (cut, ${text.length} characters)`;
}

import { explain, instructions } from './aftermath';
import { isCleanUp } from './clean-up-input';
import { alreadyCleanedUp, message, type Problem } from './failure';
import type { StateDocument } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import { CLEAN_UP_STEPS, KeepReason } from '../../src/private/keep-reasons';

const MAX_CAUSE = 30_000; // a Fail state's cause may have 32,768 characters; what is longer is cut here with a mark

export interface RunSummary {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly error?: string;
  readonly cause?: string;
  readonly runId: string;
  readonly executionArn: string;
  readonly fileSystem: {
    id?: string;
    deleted: boolean;
    /** Why it was kept; absent where it was not. */
    kept?: string;
    /** When it is exported, proven and deleted by itself. */
    keptUntil?: string;
    automaticExport?: 'ON' | 'OFF';
    /** What it costs, and the commands to look at it, export it and delete it. */
    instructions?: string[];
    mountName?: string;
  };
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
  const { failures, parameters, fileSystem, deletion, policy } = document;
  if (!fileSystem.fileSystemId || deletion?.gone || document.kept.gone) return undefined;
  const failed = CLEAN_UP_STEPS.find((step) => failures[step]);
  if (failed) return `${failed}: ${failures[failed].Error ?? 'unknown error'}`;
  if (policy.keep) return `failurePolicy ${parameters.failurePolicy} after ${document.error.Error ?? 'the end of its execution'}`;
  if (parameters.deleteLustre === false) return KeepReason.DELETE_LUSTRE_IS_FALSE;
  return `${KeepReason.NOT_PROVEN}: ${document.export.reason ?? 'no verdict'}`;
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
    fileSystem: {
      id: fileSystem.fileSystemId,
      mountName: fileSystem.mountName,
      deleted: deletion?.gone === true,
      kept,
      ...(kept ? {
        keptUntil: document.policy.keep ? document.policy.keepUntil : undefined,
        automaticExport: document.kept.automaticExport,
        instructions: instructions(document),
      } : {}),
    },
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

function firstProblem(document: StateDocument, kept: string | undefined): Problem | undefined {
  const { error, failures, parameters, policy } = document;
  if (document.kept.gone && document.kept.redriven) return alreadyCleanedUp(document);
  if (error.Error) return { Error: error.Error, Cause: message(error) };
  if (document.kept.gone && isCleanUp(document)) return undefined; // another one was faster
  // the first that failed is the error where the run itself had none
  const step = CLEAN_UP_STEPS.find((candidate) => failures[candidate]);
  if (step) return { Error: failures[step].Error ?? ErrorName.EXPORT_NOT_PROVEN, Cause: `${step}: ${message(failures[step])}` };
  if (policy.keep) return undefined; // a clean-up that did what the policy says
  if (kept && parameters.deleteLustre !== false) return { Error: ErrorName.EXPORT_NOT_PROVEN, Cause: kept };
  // kept as asked for; that the export is complete was asked for, too
  if (kept && document.export.proven !== true) {
    return { Error: ErrorName.EXPORT_NOT_PROVEN, Cause: `${KeepReason.NOT_PROVEN}: ${document.export.reason ?? 'no verdict'}` };
  }
  return undefined;
}

function cut(text: string): string {
  return text.length <= MAX_CAUSE ? text : `${text.slice(0, MAX_CAUSE)} ... (cut, ${text.length} characters)`;
}

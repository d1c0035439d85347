import type { FileSystem } from '@aws-sdk/client-fsx';
import { toldVerification, wasToldToDelete } from './clean-up-input';
import { alreadyCleanedUp } from './failure';
import { policyOf } from './keep-policy';
import { associationState, fileSystemState } from './lustre-status';
import { lastDocument } from './run-history';
import type { ComputeState, Run, RunParameters, StateDocument } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import type { FindRunPayload } from '../../src/private/lustre-payloads';
import { NO_QUEUE, RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { cleanUpTarget } from '../shared/clean-up-target';
import { findExecution, wasRedriven } from '../shared/execution';
import { isLiving } from '../shared/execution-status';
import { findAssociations, findFileSystem, findFileSystemsOfRun } from '../shared/fsx';
import { raise } from '../shared/raise';
import { runIdentity } from '../shared/run-identity';
import { schedulesFor } from '../shared/schedules';
import { tagOf } from '../shared/tag-of';

/** Until then FSx may not know yet what it has created (A7.1: NotFound tells that it is gone). */
const SURELY_KNOWN_AFTER_MS = 10 * 60_000;

/**
 * Rebuilds the document of a run from AWS alone: what a failed create call may have left, and, for the clean-up of
 * another run, everything.
 */
export async function findRun(payload: FindRunPayload): Promise<StateDocument> {
  const isOwnRun = payload.document.run.executionArn === payload.self;
  return isOwnRun ? findOwnRun(payload) : findOtherRun(payload);
}

async function findOwnRun(payload: FindRunPayload): Promise<StateDocument> {
  const { document, self } = payload;
  const fileSystem = await fileSystemOf(document);
  const policy = policyOf(document.parameters, fileSystem && tagOf(fileSystem, RunTag.KEEP_UNTIL), new Date());
  const known = { ...document, policy };
  const lost = document.fileSystem.fileSystemId !== undefined && (!fileSystem || fileSystem.Lifecycle === 'DELETING');
  // its clean-up ran while it was not running: all that it meets now follows from that
  const redriven = lost && await wasRedriven(self);
  const found = redriven ? { ...known, error: alreadyCleanedUp(document) } : known;
  return fileSystem ? withFileSystem(payload, found, fileSystem) : withWhatIsGone(found, document);
}

async function findOtherRun(payload: FindRunPayload): Promise<StateDocument> {
  const { document } = payload;
  const { executionArn } = document.run;
  const execution = await findExecution(executionArn);
  const status = execution && requireField(execution.status, 'status');
  if (status && isLiving(status)) {
    raise(ErrorName.RUN_STILL_RUNNING, `execution ${executionArn} is ${status}: it cleans up after itself; stop it first`);
  }
  const target = cleanUpTarget(execution?.input);
  if (target) raise(ErrorName.RUN_NOT_FOUND, `execution ${executionArn} is no run, but the clean-up of one: clean up after ${target}`);
  const fileSystem = await fileSystemOf(document);
  const deleteAnyway = wasToldToDelete(document);
  const verification = toldVerification(document);
  const parameters = {
    ...parametersOf(payload, fileSystem),
    ...(deleteAnyway ? { deleteLustre: true } : {}),
    ...(verification ? { exportVerification: verification } : {}),
  };
  const policy = deleteAnyway || status === 'SUCCEEDED'
    ? { keep: false } : policyOf(parameters, fileSystem && tagOf(fileSystem, RunTag.KEEP_UNTIL), new Date());
  const queue = fileSystem && tagOf(fileSystem, RunTag.JOB_QUEUE);
  const last = !execution || queue === NO_QUEUE ? undefined : await lastDocument(executionArn);
  const run = (fileSystem ? undefined : last?.run) ?? identify(executionArn, execution && requireField(execution.startDate, 'startDate'), fileSystem);
  const found = { ...document, run: { ...run, redriveCount: execution?.redriveCount }, parameters, policy };
  if (!fileSystem) return withWhatIsGone(found, last);
  // that it is missing does not mean that nothing was submitted
  if (!queue && !last) refuseWithoutQueue(fileSystem);
  return withFileSystem(payload, { ...found, compute: computeOf(last), job: jobOf(last) }, fileSystem);
}

/**
 * There is no file system, or none any more: then it is only seen gone, so that nobody is told that it was kept, and what
 * the run has left elsewhere is found by what the run knew.
 */
function withWhatIsGone(document: StateDocument, known: Partial<StateDocument> | undefined): StateDocument {
  const { fileSystem, associations } = known ?? {};
  return {
    ...document,
    fileSystem: fileSystem?.fileSystemId ? { ...fileSystem, lifecycle: 'DELETING' } : {},
    associations: { ...document.associations, output: associations?.output ?? {} },
    compute: { ...document.compute, ...computeOf(known) },
  };
}

function computeOf(known: Partial<StateDocument> | undefined): Partial<ComputeState> {
  const { jobQueueArn, hostPath } = known?.compute ?? {};
  return { ...(jobQueueArn ? { jobQueueArn } : {}), ...(hostPath ? { hostPath } : {}) };
}

/** The job that the run had submitted: a list that lacks it is not believed. */
function jobOf(known: Partial<StateDocument> | undefined): StateDocument['job'] {
  const { jobId } = (known?.job ?? {}) as { readonly jobId?: unknown };
  return typeof jobId === 'string' ? { jobId } as StateDocument['job'] : {};
}

function refuseWithoutQueue({ FileSystemId }: FileSystem): never {
  raise(ErrorName.TAG_MISSING, `file system ${FileSystemId} has no tag ${RunTag.JOB_QUEUE} any more, and the history of its run is gone: nobody can tell whether jobs still write to it. `
    + `Give it the tag again, with the ARN of the job queue, or with "${NO_QUEUE}" if no job was ever submitted`);
}

async function withFileSystem({ exportDirectory }: FindRunPayload, document: StateDocument, fileSystem: FileSystem): Promise<StateDocument> {
  const found = fileSystemState(fileSystem);
  const associations = await findAssociations(found.fileSystemId);
  const association = associations.find((candidate) => candidate.FileSystemPath === exportDirectory) ?? associations[0];
  const queue = tagOf(fileSystem, RunTag.JOB_QUEUE);
  const hostPath = tagOf(fileSystem, RunTag.HOST_PATH);
  return {
    ...document,
    fileSystem: { ...found, keptAt: tagOf(fileSystem, RunTag.KEPT_AT) },
    associations: { ...document.associations, output: association ? associationState(association) : {} },
    compute: { ...document.compute, ...(queue && queue !== NO_QUEUE ? { jobQueueArn: queue } : {}), ...(hostPath ? { hostPath } : {}) },
  };
}

/**
 * The metric does not know what an earlier execution saw of what is kept: changes that a broken link missed, or files that
 * could not be exported. An empty queue tells nothing of those.
 */
function verificationOf(fileSystem: FileSystem | undefined, chosen: RunParameters['exportVerification']): RunParameters['exportVerification'] {
  const wasKept = fileSystem && tagOf(fileSystem, RunTag.KEPT) !== undefined;
  return wasKept && chosen === 'METRIC_ONLY' ? 'BOTH' : chosen;
}

/** By its id where the run got as far as to know it, else by the tag that its create call gave it. */
async function fileSystemOf({ run, fileSystem }: StateDocument): Promise<FileSystem | undefined> {
  if (fileSystem.fileSystemId) {
    const known = await findFileSystem(fileSystem.fileSystemId);
    const age = Date.now() - Date.parse(fileSystem.createdAt ?? '');
    if (!known && age < SURELY_KNOWN_AFTER_MS) {
      raise(ErrorName.FILE_SYSTEM_NOT_SEEN, `file system ${fileSystem.fileSystemId}, created ${Math.round(age / 1000)} s ago, cannot be seen yet`);
    }
    return known;
  }
  // one that lives comes before one that is already on its way out
  const [found] = (await findFileSystemsOfRun(run.executionArn))
    .sort((a, b) => Number(a.Lifecycle === 'DELETING') - Number(b.Lifecycle === 'DELETING'));
  return found;
}

function identify(executionArn: string, startDate: Date | undefined, fileSystem: FileSystem | undefined): Run {
  // the run's own word first: that Step Functions tells the same second in both places is not documented
  const start = (fileSystem && tagOf(fileSystem, RunTag.STARTED_AT)) ?? startDate?.toISOString();
  if (!start) {
    raise(ErrorName.RUN_NOT_FOUND, `neither an execution ${executionArn} nor a file system tagged with it exists; check the ARN`);
  }
  return { executionArn, startedAt: start, ...runIdentity(executionArn, start) };
}

/** What the run was told, as far as a clean-up needs it: from the file system's tags, else the construct's defaults. */
function parametersOf({ defaults, deadlines }: FindRunPayload, fileSystem: FileSystem | undefined): RunParameters {
  const tag = (key: string) => fileSystem && tagOf(fileSystem, key);
  const parameters = {
    ...defaults,
    autoExport: (tag(RunTag.AUTO_EXPORT) ?? String(defaults.autoExport)) === 'true',
    deleteLustre: (tag(RunTag.DELETE_LUSTRE) ?? String(defaults.deleteLustre)) === 'true',
    lambdaPeriodSeconds: Number(tag(RunTag.PERIOD_SECONDS) ?? defaults.lambdaPeriodSeconds),
    lambdaTimeDiffMinutes: Number(tag(RunTag.LOOK_BACK_MINUTES) ?? defaults.lambdaTimeDiffMinutes),
    exportVerification: verificationOf(fileSystem, (tag(RunTag.VERIFICATION) ?? defaults.exportVerification) as RunParameters['exportVerification']),
    failurePolicy: (tag(RunTag.FAILURE_POLICY) ?? defaults.failurePolicy) as RunParameters['failurePolicy'],
    keepHours: Number(tag(RunTag.KEEP_HOURS) ?? defaults.keepHours),
    prefix: tag(RunTag.PREFIX) ?? '',
  };
  return { ...parameters, schedules: schedulesFor(parameters, deadlines) };
}

import type { FileSystem } from '@aws-sdk/client-fsx';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { requireField } from './answer';
import { findAssociations, findFileSystem, findFileSystemsOfRun } from './fsx';
import { associationState, fileSystemState } from './lustre-status';
import { raise } from './raise';
import { runIdentity } from './run-identity';
import { schedulesFor } from './schedules';
import { tagOf } from './tag-of';
import type { Run, RunParameters, StateDocument } from '../src/private/document';
import { ErrorName } from '../src/private/errors';
import type { FindRunPayload } from '../src/private/lustre-payloads';
import { RunTag } from '../src/private/tags';

const stepFunctions = new SFNClient({});

/**
 * Rebuilds the document of a run from AWS alone: what a failed create call may have left, and, for the clean-up of
 * another run, everything.
 */
export async function findRun(payload: FindRunPayload): Promise<StateDocument> {
  const { document, self } = payload;
  const { executionArn } = document.run;
  const isOwnRun = executionArn === self;
  const startedAt = isOwnRun ? document.run.startedAt : await startOf(executionArn);

  const fileSystem = await fileSystemOf(document);
  const run = isOwnRun ? document.run : identify(executionArn, startedAt, fileSystem);
  const parameters = isOwnRun ? document.parameters : parametersOf(payload, fileSystem);
  // what somebody else deleted is not in the document any more, so that nobody is told that it was kept
  if (!fileSystem) return { ...document, run, parameters, fileSystem: {}, associations: { ...document.associations, output: {} } };

  const fileSystemId = requireField(fileSystem.FileSystemId, 'FileSystem.FileSystemId');
  const associations = await findAssociations(fileSystemId);
  const association = associations.find((candidate) => candidate.FileSystemPath === payload.exportDirectory) ?? associations[0];
  const jobQueueArn = tagOf(fileSystem, RunTag.JOB_QUEUE);
  const hostPath = tagOf(fileSystem, RunTag.HOST_PATH);
  return {
    ...document,
    run,
    parameters,
    fileSystem: fileSystemState(fileSystem),
    associations: { ...document.associations, output: association ? associationState(association) : {} },
    compute: { ...document.compute, ...(jobQueueArn && hostPath ? { jobQueueArn, hostPath } : {}) },
  };
}

/** By its id where the run got as far as to know it, else by the tag that its create call gave it. */
async function fileSystemOf({ run, fileSystem }: StateDocument): Promise<FileSystem | undefined> {
  if (fileSystem.fileSystemId) return findFileSystem(fileSystem.fileSystemId);
  // one that lives comes before one that is already on its way out
  const [found] = (await findFileSystemsOfRun(run.executionArn))
    .sort((a, b) => Number(a.Lifecycle === 'DELETING') - Number(b.Lifecycle === 'DELETING'));
  return found;
}

/** Start of the other execution, which must have ended; undefined where Step Functions has forgotten it (90 days, E9). */
async function startOf(executionArn: string): Promise<string | undefined> {
  try {
    const execution = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status === 'RUNNING' || execution.status === 'PENDING_REDRIVE') {
      raise(ErrorName.RUN_STILL_RUNNING, `execution ${executionArn} is ${execution.status}: it cleans up after itself; stop it first`);
    }
    return requireField(execution.startDate, 'startDate').toISOString();
  } catch (error) {
    if ((error as Error).name === 'ExecutionDoesNotExist') return undefined;
    throw error;
  }
}

function identify(executionArn: string, startedAt: string | undefined, fileSystem: FileSystem | undefined): Run {
  // the run's own word first: that Step Functions tells the same second in both places is not documented
  const start = (fileSystem && tagOf(fileSystem, RunTag.STARTED_AT)) ?? startedAt;
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
    prefix: tag(RunTag.PREFIX) ?? '',
  };
  return { ...parameters, schedules: schedulesFor(parameters, deadlines) };
}

import { type FileSystem } from '@aws-sdk/client-fsx';
import type { CleanerSettings } from './cleaner-settings';
import { startCleanUp } from './start-clean-up';
import { decideEnd, type Decision, type FoundFileSystem, mayStillAct } from './sweep-decision';
import { RunTag } from '../../src/private/tags';
import { findExecution } from '../shared/execution';
import { findFileSystemsOfRun } from '../shared/fsx';
import { runIdentity } from '../shared/run-identity';
import { tagOf } from '../shared/tag-of';

/** What a decision is about; the first fields of a log line. */
export interface Subject {
  readonly fileSystemId?: string;
  readonly launchTemplateId?: string;
  readonly runId: string;
  readonly executionArn: string;
}

/** DescribeExecution is eventually consistent (Step Functions API reference): a run that has just ended may still seem to run. */
const LOOK_AGAIN_SECONDS = [5, 15, 30];

/** After an execution's end: the clean-up of what could not clean up after itself starts at once. */
export async function cleanUpAfter(executionArn: string, settings: CleanerSettings): Promise<void> {
  const execution = await endOf(executionArn);
  const [fileSystem] = (await findFileSystemsOfRun(executionArn)).filter((each) => tagOf(each, RunTag.PIPELINE) === settings.pipeline);
  const runId = fileSystem && tagOf(fileSystem, RunTag.RUN_ID);
  const subject = {
    fileSystemId: fileSystem?.FileSystemId,
    runId: runId ?? runIdentity(executionArn, execution?.startDate ?? new Date(0)).id,
    executionArn,
  };
  const decision = decideEnd(execution, fileSystem && asFound(fileSystem));
  const done = decision.decision === 'CLEAN_UP' && !settings.dryRun
    ? await startCleanUp({ ...settings, ...subject, again: 'AT_ONCE', end: { executionArn, stopDate: execution?.stopDate } }) : undefined;
  report(subject, decision, settings, done);
}

async function endOf(executionArn: string): ReturnType<typeof findExecution> {
  let execution = await findExecution(executionArn);
  for (const seconds of LOOK_AGAIN_SECONDS) {
    if (!mayStillAct(execution)) break;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    execution = await findExecution(executionArn);
  }
  return execution;
}

export function asFound(fileSystem: FileSystem): FoundFileSystem {
  return { lifecycle: fileSystem.Lifecycle, tag: (key) => tagOf(fileSystem, key) };
}

/** One line of the log for each decision, the same whether it is acted upon or not. */
export function report(subject: Subject, decision: Decision, { dryRun }: CleanerSettings, done?: string): void {
  console.log(JSON.stringify({ ...subject, ...decision, done, dryRun }));
}

import type { FileSystem } from '@aws-sdk/client-fsx';
import { type ExecutionStatus, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { asFound, report } from './clean-up-after';
import type { CleanerSettings } from './cleaner-settings';
import { findExecution } from '../shared/execution';
import { runIdentity } from '../shared/run-identity';
import { startCleanUp } from './start-clean-up';
import { decideEnd } from './sweep-decision';
import { tagOf } from '../shared/tag-of';
import { ENDED_BADLY } from '../../src/private/run-cleaner-payloads';
import { RunTag } from '../../src/private/tags';

const stepFunctions = new SFNClient({});

const MAX_PAGES = 20; // of a hundred executions each, newest first

/**
 * Executions that ended badly one to three sweeps ago. EventBridge delivers the events of Step Functions on a best effort
 * basis, and a run may leave what carries no tag: a lock, a job definition.
 */
export async function endedUnnoticed({ stateMachineArn, sweepSeconds }: CleanerSettings): Promise<string[]> {
  const found: string[] = [];
  for (const statusFilter of ENDED_BADLY as ExecutionStatus[]) {
    let pages = 0;
    for await (const { executions = [] } of paginateListExecutions({ client: stepFunctions }, { stateMachineArn, statusFilter })) {
      for (const { executionArn, name, stopDate } of executions) {
        const sweeps = stopDate ? (Date.now() - stopDate.getTime()) / 1000 / sweepSeconds : 0;
        if (executionArn && !name?.startsWith('clean-up-') && sweeps >= 1 && sweeps < 3) found.push(executionArn);
      }
      if (++pages === MAX_PAGES) break;
    }
  }
  return found;
}

/** Does what the end of the execution should have done, unless it has. @param kept the run's file system, if it has kept one */
export async function cleanUpUnnoticed(executionArn: string, kept: FileSystem | undefined, settings: CleanerSettings): Promise<void> {
  const execution = await findExecution(executionArn);
  const decision = decideEnd(execution, kept && asFound(kept));
  if (!execution?.startDate || decision.decision !== 'CLEAN_UP') return;
  const runId = (kept && tagOf(kept, RunTag.RUN_ID)) ?? runIdentity(executionArn, execution.startDate).id;
  const subject = { fileSystemId: kept?.FileSystemId, runId, executionArn };
  report(subject, decision, settings, settings.dryRun ? undefined : await startCleanUp({ ...settings, ...subject, again: 'NEVER' }));
}

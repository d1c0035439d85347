import type { FileSystem } from '@aws-sdk/client-fsx';
import { type ExecutionStatus, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { asFound, report } from './clean-up-after';
import { cleanUpNumber } from './clean-up-name';
import type { CleanerSettings } from './cleaner-settings';
import { startCleanUp } from './start-clean-up';
import { decidePastEnd, mayStillAct } from './sweep-decision';
import { ENDED_BADLY } from '../../src/private/run-cleaner-payloads';
import { RunTag } from '../../src/private/tags';
import { cleanUpTarget } from '../shared/clean-up-target';
import { findExecution } from '../shared/execution';
import { executionArnOf } from '../shared/execution-arn';
import { runIdentity } from '../shared/run-identity';
import { tagOf } from '../shared/tag-of';

const stepFunctions = new SFNClient({});

const MAX_PAGES = 20; // of a hundred executions each, newest first
const MOST_DOUBLINGS = 8;

/**
 * Executions that ended badly some sweeps ago. EventBridge delivers the events of Step Functions on a best effort basis,
 * a clean-up may be stopped, too, and what they leave may carry no tag: a lock, a job definition, the role of a link.
 */
export async function endedBadly({ stateMachineArn, sweepSeconds }: CleanerSettings): Promise<string[]> {
  const found: string[] = [];
  for (const statusFilter of ENDED_BADLY as ExecutionStatus[]) {
    let pages = 0;
    for await (const { executions = [] } of paginateListExecutions({ client: stepFunctions }, { stateMachineArn, statusFilter })) {
      for (const { executionArn, name, stopDate } of executions) {
        const sweeps = stopDate ? (Date.now() - stopDate.getTime()) / 1000 / sweepSeconds : 0;
        const from = firstLook(name);
        if (executionArn && sweeps >= from && sweeps < from + 2) found.push(executionArn);
      }
      if (++pages < MAX_PAGES) continue;
      console.log(JSON.stringify({ decision: 'LEAVE', why: `only the newest ${MAX_PAGES * 100} executions that ended as ${statusFilter} are looked at` }));
      break;
    }
  }
  return found;
}

/** In sweeps after the end. Of clean-ups of one run later each time: one that never ends well is not tried at every sweep. */
function firstLook(name: string | undefined): number {
  return 2 ** Math.min((cleanUpNumber(name) ?? 1) - 1, MOST_DOUBLINGS);
}

/** What the sweep has found, by the run that made it. */
export interface Found {
  readonly fileSystems: ReadonlyMap<string | undefined, FileSystem>;
  /** Runs that the sweep comes upon by what they have left, and looks at by that. */
  readonly lookedAt: ReadonlySet<string | undefined>;
}

/** Does what somebody should have done after that end, unless a clean-up has begun since. */
export async function cleanUpPastEnd(endedArn: string, { fileSystems, lookedAt }: Found, settings: CleanerSettings): Promise<void> {
  const ended = await findExecution(endedArn);
  const executionArn = cleanUpTarget(ended?.input) ?? endedArn;
  const isOurs = executionArn.startsWith(executionArnOf(settings.stateMachineArn, '')); // a clean-up may have been told anything
  if (!isOurs || lookedAt.has(executionArn)) return;
  const kept = fileSystems.get(executionArn);
  const decision = decidePastEnd(ended, kept && asFound(kept));
  if (decision.decision !== 'CLEAN_UP') return;
  const run = executionArn === endedArn ? ended : await findExecution(executionArn);
  const runId = (kept && tagOf(kept, RunTag.RUN_ID)) ?? (run?.startDate && runIdentity(executionArn, run.startDate).id);
  if (runId === undefined || mayStillAct(run) || cleanUpTarget(run?.input) !== undefined) return;
  const subject = { fileSystemId: kept?.FileSystemId, runId, executionArn };
  report(subject, decision, settings, settings.dryRun ? undefined : await startCleanUp({ ...settings, ...subject, again: 'AT_ONCE', end: { executionArn: endedArn, stopDate: ended?.stopDate } }));
}

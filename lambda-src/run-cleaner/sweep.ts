import { EC2Client, type LaunchTemplate, paginateDescribeLaunchTemplates } from '@aws-sdk/client-ec2';
import type { FileSystem } from '@aws-sdk/client-fsx';
import { asFound, report, Subject } from './clean-up-after';
import type { CleanerSettings } from './cleaner-settings';
import { cleanUpPastEnd, endedBadly } from './past-ends';
import { startCleanUp } from './start-clean-up';
import { decideFileSystem, decideLaunchTemplate, type Decision } from './sweep-decision';
import { RunTag } from '../../src/private/tags';
import { findExecution } from '../shared/execution';
import { executionArnOf } from '../shared/execution-arn';
import { findFileSystem, findFileSystems, tagFileSystem } from '../shared/fsx';
import { tagOf } from '../shared/tag-of';

const ec2 = new EC2Client({});

/** The second net: looks at everything of this pipeline. One thing that cannot be looked at, be it a list, hides no other. */
export async function sweep(settings: CleanerSettings): Promise<void> {
  const failed: string[] = [];
  const attempt = async <T>(what: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      failed.push(`${what}: ${(error as Error).name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const fileSystems = await findFileSystems(); // without these nobody knows what is an orphan
  const runOf = (resource: FileSystem | LaunchTemplate) => tagOf(resource, RunTag.EXECUTION_ARN);
  const owned = new Map(fileSystems.map((each) => [runOf(each), each]));
  const templates = (await attempt('launch templates', findLaunchTemplates) ?? []).filter((each) => !owned.has(runOf(each)));
  // what is kept by choice is left alone, but a run that was stopped when it had just been kept has told nobody
  const lookedAt = new Set([...fileSystems.filter((each) => tagOf(each, RunTag.KEPT) === undefined), ...templates].map(runOf));
  for (const each of await attempt('executions', () => endedBadly(settings)) ?? []) {
    await attempt(each, () => cleanUpPastEnd(each, { fileSystems: owned, lookedAt }, settings));
  }
  for (const each of fileSystems.filter((candidate) => tagOf(candidate, RunTag.PIPELINE) === settings.pipeline)) {
    await attempt(each.FileSystemId!, () => lookAtFileSystem(each, settings));
  }
  for (const each of templates) await attempt(each.LaunchTemplateId!, () => lookAtLaunchTemplate(each, settings));
  if (failed.length > 0) throw new Error(`${failed.length} of what was found could not be dealt with: ${failed.join(' | ')}`);
}

async function lookAtFileSystem(seen: FileSystem, settings: CleanerSettings): Promise<void> {
  const subject = subjectOf(seen, settings.stateMachineArn, { fileSystemId: seen.FileSystemId });
  if (typeof subject === 'string') return report({ fileSystemId: seen.FileSystemId, runId: '', executionArn: '' }, { decision: 'LEAVE', why: subject }, settings);
  const first = decideFileSystem(asFound(seen), await findExecution(subject.executionArn), new Date(), settings.sweepSeconds);
  if (first.decision === 'LEAVE' || settings.dryRun) return report(subject, first, settings);

  // again, and only then: the list may be minutes old
  const again = await findFileSystem(seen.FileSystemId!);
  if (!again) return report(subject, { decision: 'LEAVE', why: 'it is gone' }, settings);
  const decision = decideFileSystem(asFound(again), await findExecution(subject.executionArn), new Date(), settings.sweepSeconds);
  if (decision.decision === 'MARK_ORPHAN') await tagFileSystem(again, { [RunTag.ORPHAN_SINCE]: new Date().toISOString() });
  report(subject, decision, settings, await act(subject, decision, settings));
}

async function lookAtLaunchTemplate(template: LaunchTemplate, settings: CleanerSettings): Promise<void> {
  const subject = subjectOf(template, settings.stateMachineArn, { launchTemplateId: template.LaunchTemplateId });
  if (typeof subject === 'string') return; // of another pipeline: it shows no other sign of whose it is
  const decision = decideLaunchTemplate(template.CreateTime, await findExecution(subject.executionArn), new Date(), settings.sweepSeconds);
  report(subject, decision, settings, settings.dryRun ? undefined : await act(subject, decision, settings));
}

/** What a run has made tells the run; otherwise, why it cannot be cleaned up. */
function subjectOf(resource: FileSystem | LaunchTemplate, stateMachineArn: string, ids: Partial<Subject>): Subject | string {
  const executionArn = tagOf(resource, RunTag.EXECUTION_ARN);
  const runId = tagOf(resource, RunTag.RUN_ID);
  if (!executionArn || !runId) return `somebody has removed its tag ${executionArn ? RunTag.RUN_ID : RunTag.EXECUTION_ARN}`;
  if (!executionArn.startsWith(executionArnOf(stateMachineArn, ''))) return `it belongs to ${executionArn}, which is of another state machine`;
  return { ...ids, runId, executionArn };
}

async function act(subject: Subject, { decision }: Decision, settings: CleanerSettings): Promise<string | undefined> {
  return decision === 'CLEAN_UP' ? startCleanUp({ ...settings, ...subject, again: 'LATER' }) : undefined;
}

async function findLaunchTemplates(): Promise<LaunchTemplate[]> {
  const found: LaunchTemplate[] = [];
  const filters = { Filters: [{ Name: 'tag-key', Values: [RunTag.EXECUTION_ARN] }] };
  for await (const page of paginateDescribeLaunchTemplates({ client: ec2 }, filters)) found.push(...(page.LaunchTemplates ?? []));
  return found;
}

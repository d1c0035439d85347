import { type FileSystem } from '@aws-sdk/client-fsx';
import { paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { cleanUpName, cleanUpNumber } from './clean-up-name';
import type { CleanerSettings } from './cleaner-settings';
import { Leftover, refusal } from './guard-refusal';
import type { StackRequest } from '../../src/private/run-cleaner-payloads';
import { RunTag } from '../../src/private/tags';
import { executionArnOf } from '../shared/execution-arn';
import { findFileSystems } from '../shared/fsx';
import { tagOf } from '../shared/tag-of';

const stepFunctions = new SFNClient({});

/** Answers CloudFormation: a stack is deleted only when no file system of its pipeline lives and no run is on its way to one. */
export async function answerStack(request: StackRequest, settings: CleanerSettings): Promise<void> {
  const reason = request.RequestType === 'Delete' ? await whyNot(settings) : undefined;
  await respond(request, settings, reason);
}

/** Why the stack must not be deleted; what cannot be looked at is a reason, too. */
async function whyNot(settings: CleanerSettings): Promise<string | undefined> {
  try {
    const left = await leftovers(settings);
    for (const each of left) console.log(JSON.stringify({ ...each, decision: 'REFUSE_STACK_DELETION' }));
    return refusal(left, settings.stateMachineArn);
  } catch (error) {
    return `Whether file systems of this stack are left could not be looked at, so that it is not deleted: ${(error as Error).message}`.slice(0, 1000);
  }
}

async function leftovers({ pipeline, stateMachineArn }: CleanerSettings): Promise<Leftover[]> {
  const running = await runningExecutions(stateMachineArn);
  const ours = (await findFileSystems()).filter((each) => tagOf(each, RunTag.PIPELINE) === pipeline);
  const living = ours.map((each) => leftoverOf(each, running, stateMachineArn));
  // a run that has no file system yet would make one while its state machine is being deleted, which ends it at its next state
  const early = running.filter(({ name, arn }) => cleanUpNumber(name) === undefined && !living.some(({ executionArn }) => executionArn === arn));
  return [...living, ...early.map(({ arn }): Leftover => ({ executionArn: arn, state: 'RUNNING', why: 'is running' }))];
}

function leftoverOf(fileSystem: FileSystem, running: { name: string; arn: string }[], stateMachineArn: string): Leftover {
  const executionArn = tagOf(fileSystem, RunTag.EXECUTION_ARN) ?? '';
  const runId = tagOf(fileSystem, RunTag.RUN_ID) ?? '';
  const named = { fileSystemId: fileSystem.FileSystemId, runId, executionArn };
  const kept = tagOf(fileSystem, RunTag.KEPT);
  if (fileSystem.Lifecycle === 'DELETING') return { ...named, state: 'DELETING', why: 'is being deleted' };
  if (running.some(({ arn }) => arn === executionArn)) return { ...named, state: 'RUNNING', why: 'its run is running' };
  const cleanUp = running.find(({ arn }) => arn.startsWith(executionArnOf(stateMachineArn, cleanUpName(runId, ''))));
  if (cleanUp) return { ...named, state: 'RUNNING', why: `${cleanUp.name} is running` };
  return { ...named, state: 'LEFT', why: kept === undefined ? 'left behind by its run' : `kept: ${kept}` };
}

async function runningExecutions(stateMachineArn: string): Promise<{ name: string; arn: string }[]> {
  const found: { name: string; arn: string }[] = [];
  try {
    for await (const page of paginateListExecutions({ client: stepFunctions }, { stateMachineArn, statusFilter: 'RUNNING' })) {
      found.push(...(page.executions ?? []).map(({ name, executionArn }) => ({ name: name ?? '', arn: executionArn ?? '' })));
    }
  } catch (error) {
    if ((error as Error).name !== 'StateMachineDoesNotExist') throw error;
  }
  return found;
}

async function respond(request: StackRequest, { pipeline }: CleanerSettings, reason: string | undefined): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = request;
  const answer = {
    Status: reason === undefined ? 'SUCCESS' : 'FAILED',
    ...(reason === undefined ? {} : { Reason: reason }),
    // always the same one: another would be a replacement, with a Delete of the old one
    PhysicalResourceId: request.PhysicalResourceId ?? `guard-${pipeline}`,
    StackId,
    RequestId,
    LogicalResourceId,
  };
  // bytes, so that no Content-Type is added: the presigned URL is signed without one
  const { ok, status } = await fetch(request.ResponseURL, { method: 'PUT', body: Buffer.from(JSON.stringify(answer)) });
  if (!ok) throw new Error(`CloudFormation did not take the answer: HTTP ${status}`); // Lambda makes the call again
}

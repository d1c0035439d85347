import { BatchClient, DescribeComputeEnvironmentsCommand } from '@aws-sdk/client-batch';
import {
  DescribeLaunchTemplatesCommand, EC2Client, Instance, LaunchTemplate, paginateDescribeInstances, paginateDescribeLaunchTemplates,
} from '@aws-sdk/client-ec2';
import {
  describe, Look, mayHaveMounted, refusedSince, refuseToWait, runTemplateExists, runTemplateId, shownTemplate, showsRun, stepToAttach, stepToDetach,
} from './compute-environment-status';
import { claimOf, describeLock, isHeldBy } from './run-lock';
import { giveBackLock, readLock, takeLock } from './run-lock-store';
import type {
  ClaimPayload, EnvironmentPayload, EnvironmentSeen, EnvironmentSettings, EnvironmentTimedOutPayload, InstancesPayload, InstancesSeen,
  InstancesTimedOutPayload, LockSeen, NextStep, ReserveTimedOutPayload,
} from '../../src/private/batch-environment-payloads';
import { ErrorName } from '../../src/private/errors';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { dispatch } from '../shared/dispatch';
import { findExecution } from '../shared/execution';
import { isLiving } from '../shared/execution-status';
import { raise } from '../shared/raise';
import { tagOf } from '../shared/tag-of';

/** An instance in any of these can still write; `stopped` and `terminated` are the ends. */
const LIVE_STATES = ['pending', 'running', 'shutting-down', 'stopping'];

const batch = new BatchClient({});
const ec2 = new EC2Client({});

export const handler = dispatch({
  ReserveComputeEnvironment: async (payload: ClaimPayload): Promise<LockSeen> => {
    const { settings } = payload;
    const { taken, lock } = await takeLock(settings, claimOf(payload));
    const words = taken ? `reserved since ${lock.since}` : describeLock(settings.computeEnvironmentArn, lock);
    if (!taken && settings.whenInUse === 'FAIL') raise(ErrorName.COMPUTE_ENVIRONMENT_BUSY, words);
    return { reserved: taken, seen: words };
  },

  GiveUpOnReservation: async ({ lock }: ReserveTimedOutPayload) => raise(ErrorName.COMPUTE_ENVIRONMENT_BUSY, `${lock.seen}. It was not free in the time for it`),

  CheckComputeEnvironment: async (payload: EnvironmentPayload) => {
    await requireLock(payload);
    const found = await look(payload);
    const answer = seen(payload, found, stepToAttach(found));
    if (answer.next === 'UPDATE') refuseToWait(found, answer);
    return answer;
  },

  CheckComputeEnvironmentReturned: async (payload: EnvironmentPayload) => {
    const found = await look(payload);
    return seen(payload, found, stepToDetach(found, payload.turn, await holdsLock(payload, found)));
  },

  GiveUpOnComputeEnvironment: async (payload: EnvironmentTimedOutPayload) => giveUp(payload, 'get the launch template of this run'),

  GiveUpOnComputeEnvironmentReturn: async (payload: EnvironmentTimedOutPayload) => giveUp(payload, 'go back to its base launch template'),

  ReleaseComputeEnvironment: async (payload: ClaimPayload) => ({ released: await giveBackLock(payload.settings, claimOf(payload)) }),

  CheckInstances: async ({ run, settings, detachedAt }: InstancesPayload): Promise<InstancesSeen> => {
    const remaining = (await instancesOf(settings)).filter((instance) => mayHaveMounted(instance, run, detachedAt));
    const words = remaining.slice(0, 5).map(({ InstanceId, State, LaunchTime }) => `${InstanceId} (${State?.Name}, launched ${LaunchTime?.toISOString()})`);
    return { remaining: remaining.length, seen: words.join(', '), quietAt: new Date().toISOString() };
  },

  GiveUpOnInstances: async ({ settings, instances }: InstancesTimedOutPayload) => raise(ErrorName.INSTANCES_NOT_GONE,
    `${instances.remaining} instances of compute environment ${settings.computeEnvironmentArn} that may still write to the file system are not gone `
    + `in the time for it: ${instances.seen}`),
});

/** A run that was redriven after its clean-up has lost the environment, perhaps to another run. */
async function requireLock(payload: EnvironmentPayload): Promise<void> {
  const { settings, run } = payload;
  const lock = await readLock(settings);
  if (isHeldBy(lock, claimOf(payload))) return;
  raise(ErrorName.COMPUTE_ENVIRONMENT_BUSY, `execution ${run.executionArn} has not reserved compute environment ${settings.computeEnvironmentArn}, `
    + `or its clean-up has given it back: start a new run${lock ? `. ${describeLock(settings.computeEnvironmentArn, lock)}` : ''}`);
}

/** Takes the lock for what is left to do: where it is the run's, and where it is nobody's but the environment still shows the run. */
async function holdsLock(payload: EnvironmentPayload, found: Look): Promise<boolean> {
  const { settings, run } = payload;
  const isOurs = (await readLock(settings))?.owner === run.executionArn;
  return (isOurs || showsRun(found)) && (await takeLock(settings, claimOf(payload))).taken;
}

/** Reads all before it judges: what the environment shows, whose its launch template is, and whether that run lives. */
async function look({ run, settings }: EnvironmentPayload): Promise<Look> {
  const { computeEnvironments } = await batch.send(new DescribeComputeEnvironmentsCommand({ computeEnvironments: [settings.computeEnvironmentArn] }));
  const [environment] = requireField(computeEnvironments, 'computeEnvironments');
  const found = { run, settings, environment, launchTemplates: await launchTemplatesOf(settings) };
  return { ...found, servesNobody: environment !== undefined && await servesNobody(found) };
}

async function servesNobody(found: Look): Promise<boolean> {
  const id = found.environment?.computeResources?.launchTemplate?.launchTemplateId;
  const template = shownTemplate(found);
  const owner = template && tagOf(template, RunTag.EXECUTION_ARN);
  if (owner) {
    const status = owner === found.run.executionArn ? 'RUNNING' : (await findExecution(owner))?.status;
    return status === undefined || !isLiving(status);
  }
  return !template && id !== undefined && !await exists(id);
}

/** Whether EC2 has the launch template at all: one of a run that is deleted has no name and no tags any more. */
async function exists(LaunchTemplateId: string): Promise<boolean> {
  try {
    await ec2.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [LaunchTemplateId] }));
    return true;
  } catch (error) {
    if (/^InvalidLaunchTemplateId\.NotFound/.test((error as Error).name)) return false;
    throw error;
  }
}

function seen({ before, refused }: EnvironmentPayload, found: Look, next: NextStep): EnvironmentSeen {
  const seenAt = new Date().toISOString();
  const refusal = refused.Cause ?? '';
  return {
    next,
    seen: describe(found),
    seenAt,
    launchTemplateId: runTemplateId(found),
    launchTemplateExists: runTemplateExists(found),
    refusal,
    refusedSince: refusedSince(found, refusal, before, seenAt),
  };
}

function giveUp({ settings, check, refused }: EnvironmentTimedOutPayload, what: string): never {
  raise(ErrorName.COMPUTE_ENVIRONMENT_TIMED_OUT, `compute environment ${settings.computeEnvironmentArn} did not ${what} in the time for it; `
    + `last seen: ${check.seen}; ${refused.Cause ? `last update refused: ${refused.Cause}` : 'no update was refused'}`);
}

const ofEnvironment = (settings: EnvironmentSettings) => ({ Name: `tag:${RunTag.ENVIRONMENT}`, Values: [settings.environmentTag] });

async function launchTemplatesOf(settings: EnvironmentSettings): Promise<LaunchTemplate[]> {
  const found: LaunchTemplate[] = [];
  for await (const page of paginateDescribeLaunchTemplates({ client: ec2 }, { Filters: [ofEnvironment(settings)] })) {
    for (const template of requireField(page.LaunchTemplates, 'LaunchTemplates')) {
      // a template without a name would be taken for somebody else's
      requireField(template.LaunchTemplateId, 'LaunchTemplate.LaunchTemplateId');
      requireField(template.LaunchTemplateName, 'LaunchTemplate.LaunchTemplateName');
      found.push(template);
    }
  }
  return found;
}

async function instancesOf(settings: EnvironmentSettings): Promise<Instance[]> {
  const found: Instance[] = [];
  const Filters = [ofEnvironment(settings), { Name: 'instance-state-name', Values: LIVE_STATES }];
  for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters })) {
    // an empty list must be an answer, not an absent field: it is what lets the run go on
    found.push(...requireField(page.Reservations, 'Reservations').flatMap((reservation) => requireField(reservation.Instances, 'Reservation.Instances')));
  }
  return found;
}

import { BatchClient, DescribeComputeEnvironmentsCommand } from '@aws-sdk/client-batch';
import { EC2Client, Instance, LaunchTemplate, paginateDescribeInstances, paginateDescribeLaunchTemplates } from '@aws-sdk/client-ec2';
import { requireField } from './answer';
import { describe, Look, mayHaveMounted, runTemplateExists, runTemplateId, stepToAttach, stepToDetach } from './compute-environment-status';
import { dispatch } from './dispatch';
import { raise } from './raise';
import type {
  EnvironmentPayload, EnvironmentSeen, EnvironmentSettings, EnvironmentTimedOutPayload, InstancesPayload, InstancesSeen, InstancesTimedOutPayload,
  NextStep,
} from '../src/private/batch-environment-payloads';
import { ErrorName } from '../src/private/errors';
import { RunTag } from '../src/private/tags';

/** An instance in any of these can still write; `stopped` and `terminated` are the ends. */
const LIVE_STATES = ['pending', 'running', 'shutting-down', 'stopping'];

const batch = new BatchClient({});
const ec2 = new EC2Client({});

export const handler = dispatch({
  CheckComputeEnvironment: async (payload: EnvironmentPayload) => seen(await look(payload), stepToAttach),

  CheckComputeEnvironmentReturned: async (payload: EnvironmentPayload) => seen(await look(payload), (found) => stepToDetach(found, payload.turn)),

  GiveUpOnComputeEnvironment: async (payload: EnvironmentTimedOutPayload) => giveUp(payload, 'get the launch template of this run'),

  GiveUpOnComputeEnvironmentReturn: async (payload: EnvironmentTimedOutPayload) => giveUp(payload, 'go back to its base launch template'),

  CheckInstances: async ({ run, settings, detachedAt }: InstancesPayload): Promise<InstancesSeen> => {
    const remaining = (await instancesOf(settings)).filter((instance) => mayHaveMounted(instance, run, detachedAt));
    const words = remaining.slice(0, 5).map(({ InstanceId, State, LaunchTime }) => `${InstanceId} (${State?.Name}, launched ${LaunchTime?.toISOString()})`);
    return { remaining: remaining.length, seen: words.join(', '), quietAt: new Date().toISOString() };
  },

  GiveUpOnInstances: async ({ settings, instances }: InstancesTimedOutPayload) => raise(ErrorName.INSTANCES_NOT_GONE,
    `${instances.remaining} instances of compute environment ${settings.computeEnvironmentArn} that may still write to the file system are not gone `
    + `in the time for it: ${instances.seen}`),
});

/** Reads both before it judges: what the environment shows, and whose its launch template is. */
async function look({ run, settings }: EnvironmentPayload): Promise<Look> {
  const { computeEnvironments } = await batch.send(new DescribeComputeEnvironmentsCommand({ computeEnvironments: [settings.computeEnvironmentArn] }));
  const [environment] = requireField(computeEnvironments, 'computeEnvironments');
  return { run, settings, environment, launchTemplates: await launchTemplatesOf(settings) };
}

function seen(found: Look, step: (look: Look) => NextStep): EnvironmentSeen {
  return {
    next: step(found),
    seen: describe(found),
    seenAt: new Date().toISOString(),
    launchTemplateId: runTemplateId(found),
    launchTemplateExists: runTemplateExists(found),
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

import type { ComputeEnvironmentDetail } from '@aws-sdk/client-batch';
import type { Instance, LaunchTemplate } from '@aws-sdk/client-ec2';
import { EnvironmentSeen, EnvironmentSettings, launchTemplateName, NextStep, NO_RUN, RUN_TEMPLATE_VERSION } from '../../src/private/batch-environment-payloads';
import type { Run } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { raise } from '../shared/raise';
import { tagOf } from '../shared/tag-of';

/** What one look has found. */
export interface Look {
  readonly settings: EnvironmentSettings;
  readonly run: Run;
  /** Undefined where the environment does not exist. */
  readonly environment?: ComputeEnvironmentDetail;
  /** All launch templates of this environment. */
  readonly launchTemplates: LaunchTemplate[];
  /** The launch template that it shows is deleted, or the run that it was made for has ended. */
  readonly servesNobody?: boolean;
}

/** Whose launch template the environment shows; that of a run that has ended, or that is deleted, serves nobody any more. */
type Owner = 'base' | 'thisRun' | 'otherRun' | 'goneRun' | 'stranger';

/** An update typically takes 10 to 30 minutes (D1.3): what refuses one for so long will not go away. */
const REFUSED_MINUTES = 30;

const shown = ({ environment }: Look) => requireField(environment?.computeResources?.launchTemplate, 'computeResources.launchTemplate');

/** The template may be shown by id or by name, as it was given or not. */
export function shownTemplate(look: Look): LaunchTemplate | undefined {
  const { launchTemplateId, launchTemplateName: name } = shown(look);
  return look.launchTemplates.find((each) => each.LaunchTemplateId === launchTemplateId || each.LaunchTemplateName === name);
}

function ownerOf(look: Look): Owner {
  const { launchTemplateId, launchTemplateName: name } = shown(look);
  if (!launchTemplateId && !name) requireField(undefined, 'launchTemplate.launchTemplateId');
  const template = shownTemplate(look);
  if ((template?.LaunchTemplateId ?? launchTemplateId) === look.settings.baseLaunchTemplateId) return 'base';
  if ((template?.LaunchTemplateName ?? name) === launchTemplateName(look.run.id)) return 'thisRun';
  if (look.servesNobody) return 'goneRun';
  if (template) return 'otherRun';
  return name?.startsWith(launchTemplateName('')) ? 'goneRun' : 'stranger';
}

/** The look in words, for errors and for the reader of an execution. */
export function describe(look: Look): string {
  if (!look.environment) return 'it does not exist';
  const { status, statusReason } = look.environment;
  const { launchTemplateId, launchTemplateName: name, version } = shown(look);
  return `${status} with launch template ${name ?? shownTemplate(look)?.LaunchTemplateName ?? launchTemplateId} version ${version}`
    + (statusReason ? ` (${statusReason})` : '');
}

function invalid({ settings }: Look, why: string): never {
  raise(ErrorName.COMPUTE_ENVIRONMENT_INVALID, `compute environment ${settings.computeEnvironmentArn} cannot take jobs: ${why}`);
}

/** What brings the environment to this run's launch template. Errors where that cannot come true. */
export function stepToAttach(look: Look): NextStep {
  const { settings: { computeEnvironmentArn }, environment } = look;
  if (!environment) return invalid(look, 'it does not exist');
  const owner = ownerOf(look);
  if (owner === 'otherRun' || owner === 'stranger') {
    const execution = tagOf(shownTemplate(look) ?? {}, RunTag.EXECUTION_ARN);
    raise(ErrorName.COMPUTE_ENVIRONMENT_BUSY, `compute environment ${computeEnvironmentArn} is ${describe(look)}, which belongs to `
      + (execution ? `execution ${execution}: wait for its end, or let it be cleaned up` : 'none of our runs: set it back to the base launch template'));
  }
  if (requireField(environment.state, 'state') !== 'ENABLED') return invalid(look, `its state is ${environment.state}; enable it`);
  switch (requireField(environment.status, 'status')) {
    case 'CREATING':
    case 'UPDATING':
      return 'WAIT';
    case 'VALID':
      // VALID alone says nothing: it may be the VALID from before the update
      if (owner === 'thisRun' && requireField(shown(look).version, 'launchTemplate.version') === RUN_TEMPLATE_VERSION) return 'DONE';
      // a new template may not be visible yet, and an update to one that Batch cannot find makes the environment INVALID (D1.8)
      return runTemplateExists(look) ? 'UPDATE' : 'WAIT';
    case 'INVALID':
      if (owner !== 'goneRun') return invalid(look, describe(look));
      return runTemplateExists(look) ? 'UPDATE' : 'WAIT';
    default:
      return invalid(look, describe(look));
  }
}

/**
 * Since when the environment, VALID all the time, has refused every update for the same reason; empty where it has not.
 * Each refusal has a request id of its own: the one of the last look tells that no update was refused since then.
 */
export function refusedSince({ environment }: Look, refusal: string, before: Partial<EnvironmentSeen>, now: string): string {
  const reason = (text = '') => text.replace(/Request ID: [^),]*/, '');
  if (environment?.status !== 'VALID' || refusal === (before.refusal ?? '')) return '';
  return before.refusedSince && reason(refusal) === reason(before.refusal) ? before.refusedSince : now;
}

/** Ends the wait for an update that will never be accepted. */
export function refuseToWait(look: Look, { refusal, refusedSince: since, seenAt }: Pick<EnvironmentSeen, 'refusal' | 'refusedSince' | 'seenAt'>): void {
  if (since === '' || Date.parse(seenAt) - Date.parse(since) <= REFUSED_MINUTES * 60_000) return;
  invalid(look, `it is VALID, but since ${since} it has refused every update, last with: ${refusal}`);
}

/**
 * What brings the environment back to its base launch template, where it is this run's to bring back: who does not hold
 * it leaves it to who does. The first look never ends the wait: an update that was asked for a moment ago may not show yet.
 */
export function stepToDetach(look: Look, turn: number, isHeld: boolean): NextStep {
  const { environment } = look;
  const status = environment && requireField(environment.status, 'status');
  const changing = status === 'UPDATING' || status === 'CREATING';
  if (environment && status !== 'DELETING' && status !== 'DELETED') {
    const owner = ownerOf(look);
    if (owner === 'thisRun' || (owner === 'goneRun' && isHeld)) return changing || !isHeld ? 'WAIT' : 'UPDATE';
    if (owner === 'base' && changing) return 'WAIT';
  }
  return turn === 0 ? 'WAIT' : 'DONE';
}

/** Whether this run's launch template is shown: then the environment has to go back, whoever brings it. */
export function showsRun(look: Look): boolean {
  const { environment } = look;
  return environment !== undefined && environment.status !== 'DELETING' && environment.status !== 'DELETED' && ownerOf(look) === 'thisRun';
}

export function runTemplateExists(look: Look): boolean {
  return runTemplateId(look) !== '';
}

/** Empty while the template is not there. */
export function runTemplateId({ launchTemplates, run }: Look): string {
  return launchTemplates.find((template) => template.LaunchTemplateName === launchTemplateName(run.id))?.LaunchTemplateId ?? '';
}

/**
 * Whether an instance may have the run's file system mounted. Its tag tells; without it the time does: before the run's
 * start and after the environment was seen back, nothing was launched from the run's template.
 */
export function mayHaveMounted(instance: Instance, run: Run, detachedAt: string): boolean {
  const runId = tagOf(instance, RunTag.RUN_ID);
  if (runId !== undefined && runId !== NO_RUN) return runId === run.id;
  if (runId === NO_RUN) return false;
  const launchedAt = requireField(instance.LaunchTime, 'Instance.LaunchTime').getTime();
  return launchedAt >= Date.parse(run.startedAt) && launchedAt < Date.parse(detachedAt);
}

import { Run } from './document';

/** Bundle of the environment's own function. */
export const BATCH_ENVIRONMENT_BUNDLE = 'batch-environment';

/** What is decided at deploy time about a compute environment. */
export interface EnvironmentSettings {
  readonly computeEnvironmentArn: string;
  /** Launch template that the environment has while no run uses it. */
  readonly baseLaunchTemplateId: string;
  /** Value of the tag that all its instances carry. */
  readonly environmentTag: string;
}

/**
 * What the state machine does after a look at the compute environment: go on, point it to another launch template,
 * or look again later.
 */
export type NextStep = 'DONE' | 'UPDATE' | 'WAIT';

/** A look at the compute environment. */
export interface EnvironmentSeen {
  readonly next: NextStep;
  /** What was seen, in words. */
  readonly seen: string;
  /** When, ISO 8601. */
  readonly seenAt: string;
  /** Id of the run's launch template, empty while it is not there: an environment that holds one by id is updated by id. */
  readonly launchTemplateId: string;
  /** Whether the run's launch template is there. */
  readonly launchTemplateExists: boolean;
}

export interface EnvironmentPayload {
  readonly run: Run;
  readonly settings: EnvironmentSettings;
  /** How many looks were taken before. */
  readonly turn: number;
}

export interface EnvironmentTimedOutPayload {
  readonly settings: EnvironmentSettings;
  readonly check: EnvironmentSeen;
  /** The last answer of Batch that refused an update; empty if there was none. */
  readonly refused: { readonly Cause?: string };
}

/** A look at the instances that may still have the run's file system mounted. */
export interface InstancesSeen {
  readonly remaining: number;
  /** The first of them, in words. */
  readonly seen: string;
  /** When none was left, ISO 8601. */
  readonly quietAt: string;
}

export interface InstancesPayload {
  readonly run: Run;
  readonly settings: EnvironmentSettings;
  /** From when on no instance of the run was launched any more, ISO 8601. */
  readonly detachedAt: string;
}

export interface InstancesTimedOutPayload {
  readonly settings: EnvironmentSettings;
  readonly instances: InstancesSeen;
}

/** Everything that is made for a run is found again by its name. */
export const launchTemplateName = (runId: string) => `lustre-${runId}`;

/** The version of a run's launch template; there is only one. */
export const RUN_TEMPLATE_VERSION = '1';

/** Value of the run tag on instances that belong to no run. */
export const NO_RUN = 'none';

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
  /** Name of the DynamoDB table that says which run uses the environment. */
  readonly lockTable: string;
  /** Whether a run that finds it in use waits or fails. */
  readonly whenInUse: 'WAIT' | 'FAIL';
}

/** What every Task says of itself that needs the environment for its run alone. */
export interface ClaimPayload {
  readonly run: Run;
  readonly settings: EnvironmentSettings;
  /** ARN of the execution that acts: the run's own, or the one that cleans up after it. */
  readonly self: string;
}

/** A try to get the environment for a run. */
export interface LockSeen {
  readonly reserved: boolean;
  /** Who has it, since when, and what can be done, in words. */
  readonly seen: string;
}

export interface ReserveTimedOutPayload {
  readonly lock: LockSeen;
}

/** The last answer of Batch that refused an update; empty if there was none. */
export interface RefusedUpdate {
  readonly Cause?: string;
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
  /** The last refusal of an update, as this look found it. */
  readonly refusal: string;
  /** Since when the VALID environment refuses every update for the same reason, ISO 8601; empty where it does not. */
  readonly refusedSince: string;
}

export interface EnvironmentPayload extends ClaimPayload {
  /** How many looks were taken before. */
  readonly turn: number;
  /** What the look before has seen; empty at the first one. */
  readonly before: Partial<EnvironmentSeen>;
  readonly refused: RefusedUpdate;
}

export interface EnvironmentTimedOutPayload {
  readonly settings: EnvironmentSettings;
  readonly check: EnvironmentSeen;
  readonly refused: RefusedUpdate;
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

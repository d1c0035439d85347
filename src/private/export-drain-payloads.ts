import { AssociationState, ComputeState, ExportState, FileSystemState, JobState, Run, RunParameters } from './document';
import { ErrorName } from './errors';

/** Bundle of the drain monitor's function. */
export const EXPORT_DRAIN_BUNDLE = 'export-drain';

/** What a look at the export found. They are public API: they stand in `$.export` and in the causes of errors. */
export const DrainReason = {
  NOT_PROVEN: 'NotProven',
  NOT_LOOKED_YET: 'NotLookedYet',
  // the writers
  QUIET_TIME_UNKNOWN: 'QuietTimeUnknown',
  QUIET_TIME_NOT_REACHED: 'QuietTimeNotReached',
  // the link
  ASSOCIATION_NOT_AVAILABLE: 'AssociationNotAvailable',
  ASSOCIATION_MISCONFIGURED: 'AssociationMisconfigured',
  ASSOCIATION_FAILED: 'AssociationFailed',
  AUTO_EXPORT_OFF: 'AutoExportOff',
  CHANGES_MAY_BE_MISSED: 'ChangesMayBeMissed',
  QUEUE_MAY_BE_DROPPED: 'QueueMayBeDropped',
  // the queue
  METRIC_UNKNOWN: 'MetricUnknown',
  METRIC_STALE: 'MetricStale',
  QUEUE_NOT_EMPTY: 'QueueNotEmpty',
  TOO_FEW_ZEROS: 'TooFewZeros',
  QUEUE_EMPTY: 'QueueEmpty',
} as const;

export type DrainReason = typeof DrainReason[keyof typeof DrainReason];

/** What is decided at deploy time about the drain. */
export interface DrainSettings {
  /** How many points of the metric in a row have to be zero, at least. */
  readonly consecutiveZeros: number;
  readonly evictionSeconds: number;
  readonly publicationLagSeconds: number;
  readonly misconfiguredGraceSeconds: number;
}

/** What earlier looks saw; it travels in the state document. Times are ISO 8601. */
export interface DrainMemory {
  readonly firstLookAt?: string;
  readonly looks?: number;
  /** Since when the reason has been the same: tells slow from stuck. */
  readonly reasonSince?: string;
  readonly highestAgeSeconds?: number;
  /** Since when each look saw the link AVAILABLE. */
  readonly availableSince?: string;
  /** The link was once seen in another state than AVAILABLE. */
  readonly interrupted?: boolean;
  /** The link was seen AVAILABLE after the last possible write, so that every change is in the queue. */
  readonly allQueued?: boolean;
  readonly misconfiguredSince?: string;
  readonly retriggeredAt?: string;
  /** What FSx said when it refused the re-trigger. */
  readonly retriggerRefusal?: string;
  /** Why an empty queue would not mean that everything was exported. */
  readonly doubt?: DrainReason;
}

/** What one look found: the answer of CheckMetrics, kept as evidence. */
export interface DrainLook {
  readonly verdict: 'PROVEN' | 'WAIT' | 'FAILED';
  readonly reason: DrainReason;
  readonly message: string;
  /** The error that the run ends with, where the verdict is FAILED. */
  readonly error?: ErrorName;
  readonly lookedAt: string;
  /** Points of the metric count from here on. */
  readonly quietAt?: string;
  readonly lifecycle?: string;
  readonly newestPointAt?: string;
  readonly ageSeconds?: number;
  readonly zeros?: number;
  readonly zerosNeeded?: number;
  readonly memory: DrainMemory;
}

/** The monitor's own key of the document while it is at work. */
export interface DrainState extends Pick<ExportState, 'proven' | 'reason'> {
  readonly evidence: Partial<DrainLook>;
}

export interface CheckMetricsPayload {
  readonly run: Run;
  readonly parameters: RunParameters;
  readonly fileSystem: Partial<FileSystemState>;
  readonly association: Partial<AssociationState>;
  readonly job: Partial<JobState>;
  readonly compute: Partial<ComputeState>;
  readonly export: DrainState;
  readonly settings: DrainSettings;
}

export interface GiveUpDrainPayload {
  readonly export: DrainState;
}

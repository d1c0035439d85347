import { AssociationState, ComputeState, ExportState, FailedFiles, FileSystemState, JobState, Run, RunParameters } from './document';
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
  METRIC_NOT_ASKED: 'MetricNotAsked',
  // the switch
  SWITCHING_OFF: 'SwitchingOff',
  AUTO_EXPORT_NOT_SWITCHED_OFF: 'AutoExportNotSwitchedOff',
  // the export task
  OTHER_TASK_RUNNING: 'OtherTaskRunning',
  EXPORT_TASK_STARTING: 'ExportTaskStarting',
  EXPORT_TASK_REFUSED: 'ExportTaskRefused',
  EXPORT_TASK_NOT_SEEN: 'ExportTaskNotSeen',
  EXPORT_TASK_RUNNING: 'ExportTaskRunning',
  EXPORT_TASK_ENDED: 'ExportTaskEnded',
  EXPORT_TASK_FAILED: 'ExportTaskFailed',
  FILES_NOT_EXPORTED: 'FilesNotExported',
  EVERY_FILE_EXPORTED: 'EveryFileExported',
  // the whole
  EXPORT_STALLED: 'ExportStalled',
} as const;

export type DrainReason = typeof DrainReason[keyof typeof DrainReason];

/** What is decided at deploy time about the drain. */
export interface DrainSettings {
  /** How many points of the metric in a row have to be zero, at least. */
  readonly consecutiveZeros: number;
  readonly evictionSeconds: number;
  readonly publicationLagSeconds: number;
  readonly misconfiguredGraceSeconds: number;
  /** How long a metric that says nothing delays the proof by an export task. */
  readonly metricGraceSeconds: number;
  /** How long nothing may move. */
  readonly stallSeconds: number;
}

/** The two ways to say that nothing is to be exported automatically; which of them FSx takes is not documented (A6.2). */
export type SwitchOffForm = 'EMPTY_EVENTS' | 'NO_POLICY';

export interface SwitchOffMemory {
  readonly attempts: number;
  /** Of the last attempt. */
  readonly form: SwitchOffForm;
  readonly at: string;
  /** Of the first attempt. */
  readonly firstAt: string;
  /** What FSx said when it refused, by form. */
  readonly refusals: { readonly [form in SwitchOffForm]?: string };
  /** The last attempt was refused. */
  readonly refused: boolean;
  /** When automatic export was first seen off. */
  readonly seenOffAt?: string;
}

/** The export task of the round that is under way. */
export interface TaskMemory {
  /** Counts from 1; each has a token of its own. */
  readonly round: number;
  /** The round may begin then: transient trouble gets time to pass. */
  readonly notBefore?: string;
  /** Why the round before it was none. */
  readonly because?: string;
  /** In the round before it files failed for want of a permission. */
  readonly denied?: boolean;
  /** Absent until the task is created. */
  readonly id?: string;
  readonly startedAt?: string;
  /** When it was first seen ended. */
  readonly endedAt?: string;
  /** Automatic export was on again meanwhile. */
  readonly spoiled?: boolean;
  readonly refusedSince?: string;
  readonly refusal?: string;
}

/** What is seen in the bucket; a large prefix is swept over several looks. */
export interface ObjectsMemory {
  readonly lookedAt: string;
  /** Of the sweep under way. */
  readonly count: number;
  readonly newestAt?: string;
  /** The last key seen, while the sweep is under way. */
  readonly cursor?: string;
  /** What the last complete sweep saw. */
  readonly swept?: { readonly count: number; readonly newestAt?: string; readonly at: string };
  /** Why the bucket could not be looked at. */
  readonly unknown?: string;
}

export interface ProgressMemory {
  /** When something last moved. */
  readonly movedAt: string;
  /** When the change that is oldest in the queue was made, as of the last time that this moved. */
  readonly oldestChangeAt?: string;
  /** Counts of the export task. */
  readonly counts?: string;
  readonly objects?: ObjectsMemory;
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
  /** When the queue was last seen with something in it. */
  readonly busyAt?: string;
  /** What the metric had said when the proof went on without it. */
  readonly queue?: { readonly reason: DrainReason; readonly at: string; readonly newestPointAt?: string; readonly zeros?: number };
  /** What the metric had said, after the switch-off, of changes from before it when the export task was begun. */
  readonly leftovers?: { readonly reason: DrainReason; readonly at: string };
  readonly switchOff?: SwitchOffMemory;
  readonly task?: TaskMemory;
  readonly progress?: ProgressMemory;
}

export interface SeenObjects {
  readonly count: number;
  readonly newestAt?: string;
  readonly lookedAt: string;
  /** False while a large prefix is still being gone through. */
  readonly complete: boolean;
  /** Why the bucket could not be looked at. */
  readonly unknown?: string;
}

export interface SeenTask {
  readonly id: string;
  readonly round: number;
  readonly lifecycle: string;
  readonly total?: number;
  readonly succeeded?: number;
  readonly failed?: number;
}

/** What one look found: the answer of CheckMetrics, kept as evidence. */
export interface DrainLook {
  readonly verdict: 'PROVEN' | 'WAIT' | 'FAILED' | 'SWITCH_OFF' | 'START_TASK';
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
  /** Objects seen under the prefix. */
  readonly objects?: SeenObjects;
  readonly task?: SeenTask;
  /** What the last export task could not export. */
  readonly failedFiles?: FailedFiles;
  readonly memory: DrainMemory;
}

/** The monitor's own key of the document while it is at work. */
export interface DrainState extends Pick<ExportState, 'proven' | 'reason'> {
  readonly evidence: Partial<DrainLook>;
}

export interface CheckMetricsPayload {
  readonly run: Run;
  /** ARN of the execution that asks. */
  readonly execution: string;
  readonly parameters: RunParameters;
  readonly fileSystem: Partial<FileSystemState>;
  readonly association: Partial<AssociationState>;
  readonly job: Partial<JobState>;
  readonly compute: Partial<ComputeState>;
  readonly export: DrainState;
  readonly settings: DrainSettings;
}

export interface ExportActionPayload {
  readonly run: Run;
  readonly fileSystem: Partial<FileSystemState>;
  readonly association: Partial<AssociationState>;
  readonly export: DrainState;
  /** ARN of the execution that proves: of the run, or of a clean-up. */
  readonly execution: string;
}

export interface GiveUpDrainPayload {
  readonly export: DrainState;
}

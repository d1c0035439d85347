/** The state document: one JSON object that flows through the machine. Each part owns one key. */
export interface StateDocument {
  readonly input: unknown;
  readonly run: Run;
  readonly parameters: RunParameters;
  readonly fileSystem: Partial<FileSystemState>;
  readonly associations: { output: Partial<AssociationState>; inputs: Partial<AssociationState>[] };
  readonly compute: Partial<ComputeState>;
  readonly job: Partial<JobState>;
  readonly export: Partial<ExportState>;
  /** What the failure policy says; empty where the run has not failed. */
  readonly policy: Partial<PolicyState>;
  /** What became of a file system that is kept. */
  readonly kept: Partial<KeptState>;
  readonly deletion?: Partial<DeletionState>;
  /** The first failure of the run; empty while there is none. */
  readonly error: { Error?: string; Cause?: string };
  /** What failed while cleaning up, by step. */
  readonly failures: { [step: string]: { Error?: string; Cause?: string } };
}

export interface Run {
  /** Names everything that the run creates. */
  readonly id: string;
  readonly executionArn: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** 40 hexadecimal digits; `<purpose>-<token>` is the idempotency token of a call (at most 63 characters, A2.9). */
  readonly token: string;
  /** Of the run that a clean-up has found: how often it had been redriven by then. */
  readonly redriveCount?: number;
}

/** Seconds to wait before each look; the sum is the deadline. */
export interface Schedule {
  readonly waits: number[];
  readonly count: number;
}

export interface Schedules {
  readonly reserve: Schedule;
  readonly fileSystem: Schedule;
  readonly attach: Schedule;
  readonly job: Schedule;
  readonly stop: Schedule;
  readonly detach: Schedule;
  readonly drain: Schedule;
  readonly deletion: Schedule;
}

/** The seed's run-time parameters under the seed's names, and what else a run can be told. */
export interface RunParameters {
  readonly autoExport: boolean;
  readonly deleteLustre: boolean;
  readonly lustreFileSystemTypeVersion: string;
  readonly lustreStorageCapacity: number;
  readonly lustreImportedFileChunkSize: number;
  readonly jobDefinitionContainerImage: string;
  readonly jobDefinitionRetryAttempts: number;
  readonly jobDefinitionVcpus: number;
  readonly jobDefinitionMemory: number;
  readonly waitForLustreCreationSeconds: number;
  readonly waitForJobCompletionSeconds: number;
  readonly waitForCheckMetricsSeconds: number;
  readonly lambdaPeriodSeconds: number;
  readonly lambdaTimeDiffMinutes: number;
  readonly exportVerification: 'BOTH' | 'METRIC_ONLY' | 'EXPORT_TASK_ONLY';
  readonly failurePolicy: 'EXPORT_AND_DELETE' | 'KEEP' | 'KEEP_FOR';
  /** Of the policy KEEP_FOR. */
  readonly keepHours: number;
  /** Key prefix that the run exports to, run id included where each run has its own; ends with a slash or is empty. */
  readonly prefix: string;
  readonly jobCommand: string[];
  readonly jobEnvironment: { [name: string]: string };
  readonly schedules: Schedules;
}

export interface FileSystemState {
  readonly fileSystemId: string;
  readonly mountName: string;
  readonly lifecycle: string;
  readonly createdAt: string;
  /** GiB. */
  readonly storageCapacity?: number;
  readonly deploymentType?: string;
  /** MB/s per TiB. */
  readonly perUnitStorageThroughput?: number;
  /** When it was kept the last time before this execution looked for it, ISO 8601; absent where it never was. */
  readonly keptAt?: string;
}

/** Whether a failed run keeps its file system instead of exporting, proving and deleting. */
export interface PolicyState {
  readonly keep: boolean;
  /** ISO 8601; absent where it is kept until somebody cleans it up. */
  readonly keepUntil?: string;
}

export interface KeptState {
  /** It was not there any more. */
  readonly gone: boolean;
  /** It is gone for the workflow, but not yet for FSx. */
  readonly deleting?: boolean;
  /** The execution that found it gone was redriven. */
  readonly redriven?: boolean;
  /** Whether its link exports automatically now. */
  readonly automaticExport: 'ON' | 'OFF';
  /** Why not, where it should. */
  readonly reason?: string;
  /** Nothing more can be done about it. */
  readonly settled?: boolean;
  /** How many looks in a row have not seen it since it was kept. */
  readonly missing?: number;
  readonly wait?: { readonly turn: number; readonly seconds: number };
}

export interface AssociationState {
  readonly associationId: string;
  /** Directory on the file system, with a leading slash. */
  readonly fileSystemPath: string;
  /** `s3://bucket/prefix/` */
  readonly dataRepositoryPath: string;
  readonly lifecycle: string;
}

export interface ComputeState {
  readonly jobQueueArn: string;
  readonly hostPath: string;
  /** When the last instance of the run was seen gone. */
  readonly quietAt: string;
}

export interface JobAttempt {
  readonly startedAt?: string;
  readonly stoppedAt?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly reclaimed: boolean;
}

export interface JobState {
  readonly outcome: 'SUCCEEDED' | 'FAILED' | 'STOPPED';
  readonly mayHaveWritten: boolean;
  readonly lastWritePossibleAt: string;
  readonly jobIds: string[];
  readonly attempts: number;
  readonly submittedAt?: string;
  readonly startedAt?: string;
  readonly stoppedAt?: string;
}

/** Files that the export task could not export. They are part of the output of a run. */
export interface FailedFiles {
  readonly total: number;
  /** By reason, e.g. `KeyTooLong`: how many, the first of them, and how to mend it. */
  readonly byReason: { [reason: string]: { readonly count: number; readonly files: string[]; readonly fix: string } };
  /** `s3://` location of the full report, where there is one. */
  readonly report?: string;
}

export interface ExportState {
  readonly proven: boolean;
  readonly reason: string;
  readonly evidence: { [key: string]: unknown; readonly failedFiles?: FailedFiles };
  readonly startedAt?: string;
  readonly endedAt?: string;
}

export interface DeletionState {
  readonly wait?: { readonly turn: number; readonly seconds: number };
  readonly gone: boolean;
  readonly lifecycle: string;
  readonly goneAt?: string;
  /** The last answer to DeleteFileSystem, where it was refused. */
  readonly refusal?: { Error?: string; Cause?: string };
}

/** What every part finds under its key before it begins: the first state creates all keys. */
export const EMPTY_DOCUMENT = {
  parameters: {},
  fileSystem: {},
  associations: { output: {}, inputs: [] },
  compute: {},
  job: {},
  export: { proven: false },
  policy: {},
  kept: {},
  deletion: { wait: { turn: 0, seconds: 0 } },
  error: {},
  failures: {},
};

import { AssociationState, DeletionState, FileSystemState, Run, RunParameters, StateDocument } from './document';

/** Bundle of the lifecycle's own function. */
export const LUSTRE_BUNDLE = 'lustre';

/** What is decided at deploy time about a run's file system. */
export interface LustreSettings {
  /** Unique name of the state machine's construct. */
  readonly pipeline: string;
  readonly envName: string;
  readonly subnetId: string;
  readonly securityGroupIds: string[];
  readonly deploymentType: 'SCRATCH_2' | 'PERSISTENT_1' | 'PERSISTENT_2';
  readonly perUnitStorageThroughput?: number;
  readonly dataCompressionType: 'NONE' | 'LZ4';
  readonly kmsKeyId?: string;
  readonly logLevel: 'DISABLED' | 'WARN_ONLY' | 'ERROR_ONLY' | 'WARN_ERROR';
  readonly logGroupArn?: string;
  readonly bucketName: string;
  /** Directory of the file system that is linked, with a leading slash. */
  readonly exportDirectory: string;
  readonly exportEvents: ('NEW' | 'CHANGED' | 'DELETED')[];
  readonly importEvents: ('NEW' | 'CHANGED' | 'DELETED')[];
  readonly importExistingObjects: boolean;
  /** The stack's own tags. */
  readonly tags: { [key: string]: string };
}

/** Longest time each loop may take, in seconds. */
export interface Deadlines {
  readonly reserve: number;
  readonly fileSystem: number;
  readonly attach: number;
  readonly job: number;
  readonly stop: number;
  readonly detach: number;
  readonly drain: number;
  readonly deletion: number;
}

export interface CreateFileSystemPayload {
  readonly run: Run;
  readonly parameters: RunParameters;
  readonly settings: LustreSettings;
}

export interface CreateAssociationPayload extends CreateFileSystemPayload {
  readonly fileSystem: FileSystemState;
}

export interface FileSystemPayload {
  readonly fileSystem: Partial<FileSystemState>;
  readonly associations: { output: Partial<AssociationState> };
}

export interface CheckFileSystemPayload extends FileSystemPayload {
  readonly run: Run;
  readonly parameters: RunParameters;
  readonly settings: LustreSettings;
}

export interface DeletionPayload {
  readonly fileSystem: Partial<FileSystemState>;
  readonly deletion: Partial<DeletionState>;
}

export interface FindRunPayload {
  readonly document: StateDocument;
  /** ARN of the execution that asks. */
  readonly self: string;
  readonly exportDirectory: string;
  readonly deadlines: Deadlines;
  readonly defaults: RunParameters;
}

export interface DocumentPayload {
  readonly document: StateDocument;
}

export interface KeepPayload extends DocumentPayload {
  /** ARN of the execution that asks. */
  readonly self: string;
}

export interface RestorePayload extends KeepPayload {
  readonly settings: LustreSettings;
}

import { ComputeState, JobState, Run, RunParameters } from './document';

/** Bundle of the workload's function. */
export const BATCH_JOB_BUNDLE = 'batch-job';

/** What is decided at deploy time about a run's job. */
export interface BatchJobSettings {
  /** Where the container sees the file system. */
  readonly containerPath: string;
  readonly jobRoleArn?: string;
  readonly executionRoleArn?: string;
  /** Longest time without an instance, in seconds. */
  readonly jobStartTimeoutSeconds: number;
  /** The stack's own tags. */
  readonly tags: { [key: string]: string };
}

/** The workload's own key of the document while it is at work. */
export interface BatchJobProgress extends Partial<JobState> {
  readonly jobDefinitionArn?: string;
  /** Number of times that a job was submitted for this run. */
  readonly submission?: number;
  readonly jobId?: string;
  readonly status?: string;
  readonly verdict?: 'RUNNING' | 'SUCCEEDED' | 'RESUBMIT';
  readonly stopped?: boolean;
  /** Of the loop that waits for the jobs' end. */
  readonly stopWait?: { readonly turn: number };
  readonly [counter: string]: unknown;
}

export interface BatchJobPayload {
  readonly run: Run;
  readonly parameters: RunParameters;
  readonly compute: Partial<ComputeState>;
  readonly job: BatchJobProgress;
  readonly settings: BatchJobSettings;
}

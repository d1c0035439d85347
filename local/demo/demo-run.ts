import { Entry } from './comparison';
import type { DemoFault } from './faults';
import { HistoryLine } from '../pictures/graph';

export interface DemoOptions {
  readonly files: number;
  readonly seed: number;
  readonly interruptions: number;
  readonly fault?: DemoFault;
  /** A directory of its own for everything that stands for AWS; removed afterwards. */
  readonly workDirectory: string;
}

/** What happens in a run, as it happens. */
export type DemoEvent =
  | { readonly kind: 'state'; readonly name: string; readonly isCleanUp: boolean }
  | { readonly kind: 'attempt'; readonly attempt: number; readonly instanceId: string }
  | { readonly kind: 'attempt ended'; readonly attempt: number; readonly how: 'succeeded' | 'SPOT reclaim' | 'failed'; readonly note?: string }
  | { readonly kind: 'written' | 'exported'; readonly files: number }
  | { readonly kind: 'age'; readonly seconds: number }
  | { readonly kind: 'task'; readonly id: string; readonly phase: string; readonly done: number; readonly failed: number; readonly total: number }
  | { readonly kind: 'link'; readonly lifecycle: string; readonly says: string }
  | { readonly kind: 'fault' | 'cleaner'; readonly says: string }
  | { readonly kind: 'ended'; readonly isCleanUp: boolean; readonly how: string }
  | { readonly kind: 'deleted' };

/** The event and the world's time, in milliseconds. */
export type DemoListener = (event: DemoEvent, time: number) => void;

/** An execution as it ended. */
export interface EndedExecution {
  readonly name: string;
  readonly status: string;
  readonly error?: string;
  readonly cause?: string;
  /** What SummarizeRun put together, also where the execution failed. */
  readonly report?: Record<string, any>;
  readonly definition: Record<string, any>;
  readonly history: readonly HistoryLine[];
}

export interface DemoResult extends EndedExecution {
  /** Executions that the cleaner started. */
  readonly cleanUps: readonly EndedExecution[];
  /** Each decision of the cleaner, in words. */
  readonly decisions: readonly string[];
  /** How many times faster than real time. */
  readonly scale: number;
  /** Files that the job wrote and closed, by its own words. */
  readonly closed: ReadonlySet<string>;
  /** Each SIGKILL, in words. */
  readonly kills: readonly string[];
  /** The bucket's objects below the run's prefix. */
  readonly inBucket: readonly Entry[];
  /** What is on the file system, if it was kept. */
  readonly onFileSystem: readonly Entry[];
  readonly fileSystem: 'none' | 'kept' | 'deleted';
}

/** One run of the demo: the real one is in engine-run.ts. */
export type DemoRun = (options: DemoOptions, listener: DemoListener) => Promise<DemoResult>;

import { Entry } from './comparison';
import { HistoryLine } from '../pictures/graph';

export interface DemoOptions {
  readonly files: number;
  readonly seed: number;
  readonly interruptions: number;
  /** A directory of its own for everything that stands for AWS; removed afterwards. */
  readonly workDirectory: string;
}

/** What happens in a run, as it happens. */
export type DemoEvent =
  | { readonly kind: 'state'; readonly name: string }
  | { readonly kind: 'attempt'; readonly attempt: number; readonly instanceId: string }
  | { readonly kind: 'attempt ended'; readonly attempt: number; readonly how: 'succeeded' | 'SPOT reclaim' | 'failed'; readonly note?: string }
  | { readonly kind: 'written' | 'exported'; readonly files: number }
  | { readonly kind: 'age'; readonly seconds: number }
  | { readonly kind: 'deleted' };

/** The event and the world's time, in milliseconds. */
export type DemoListener = (event: DemoEvent, time: number) => void;

export interface DemoResult {
  readonly status: string;
  readonly error?: string;
  readonly cause?: string;
  readonly output?: Record<string, any>;
  readonly definition: Record<string, any>;
  readonly history: readonly HistoryLine[];
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

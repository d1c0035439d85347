import type { Listing } from './export-progress';
import type { ExportTask } from './export-task';
import type { FailuresReport } from './failures-report';
import type { Association } from './link-health';
import type { Point } from './queue-age';
import type { RunParameters } from '../../src/private/document';
import type { DrainLook, DrainMemory, DrainSettings } from '../../src/private/export-drain-payloads';

/** Everything that one look knows. */
export interface Look {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** When the queue has got every change that it will ever get; in words where it cannot be told. */
  readonly quiet: number | string;
  readonly verification: RunParameters['exportVerification'];
  /** Whether the run exports automatically at all: a run that does not never has its link updated. */
  readonly autoExport: boolean;
  readonly points: Point[];
  readonly association: Association | undefined;
  readonly needed: number;
  /** Every data repository task of the file system. */
  readonly tasks: ExportTask[];
  /** Of the run's own task, where it has ended badly. */
  readonly report?: FailuresReport;
  /** What was seen in the bucket, where it was looked at. */
  readonly listing?: Listing;
  readonly settings: DrainSettings;
  readonly memory: DrainMemory;
  /** What the last look found. */
  readonly last?: Partial<DrainLook>;
}

export interface Decision extends DrainLook {
  /** What to do before the next look. */
  readonly action?: 'RETRIGGER';
}

/** What of a decision is its own; the rest is noted in the same way for each. */
export interface Finding extends Omit<Decision, 'lookedAt' | 'memory' | 'objects'> {
  /** A wait that ends by itself: it is no standstill. */
  readonly limited?: boolean;
}

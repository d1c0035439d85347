import { ApiFault, EnterFault, TaskFault } from '../../local/faults';
import { HostAnswers } from '../../local/host/boot';

/** What a job does with one path; a change that is not possible just then is not made. */
export type Step =
  | { readonly do: 'save' | 'append'; readonly path: string; readonly size: number }
  /** Written, but not closed: it is open if the host dies now. */
  | { readonly do: 'open'; readonly path: string; readonly size: number }
  | { readonly do: 'close' | 'remove' | 'chmod' | 'symlink' | 'fifo' | 'directory'; readonly path: string }
  | { readonly do: 'rename'; readonly path: string; readonly to: string }
  | { readonly do: 'many'; readonly path: string; readonly count: number; readonly size: number }
  | { readonly do: 'wait'; readonly seconds: number };

export interface JobPlan {
  readonly steps: Step[];
  /** `never`: it goes on until somebody stops it; a number is its exit code. */
  readonly ends: 'well' | 'never' | number;
}

/** How the metric of the export queue misleads, by a name of MetricFaults; times in minutes of the world. */
export interface MetricPlan {
  readonly is: 'late' | 'missing' | 'gaps' | 'frozen' | 'zero';
  readonly value: number;
  readonly from: number;
  /** Of `missing`: without it nothing comes any more until faults are lifted. */
  readonly minutes?: number;
}

/** What somebody, or AWS, does to the world at a moment. */
export type Deed =
  | 'associationMisconfigured' | 'associationMended' | 'associationFailed' | 'fileSystemFailed' | 'noCapacity' | 'capacity' | 'reclaim' | 'cancelTask'
  | 'automaticExportOn' | 'automaticExportOff' | 'exportsDenied' | 'exportsBusy' | 'exportsFail' | 'exportsMended' | 'creationFails' | 'abort' | 'timeOut';

/** So many seconds after the first execution began, or after a state was entered for the n-th time in this world. */
export type Moment = { readonly do: Deed } & ({ readonly at: number } | { readonly enter: string; readonly nth: number; readonly after: number });

/** A fault that lasts is lifted when the first execution has ended, unless the schedule says that it stays for ever. */
export type PlannedFault = ApiFault | TaskFault | EnterFault;

/** One more execution of the same pipeline, so many seconds after the first began. */
export interface Start {
  readonly after: number;
  readonly parameters: Record<string, unknown>;
}

/** Everything that happens in one world: plain data, so that it can be kept, made smaller, and played again. */
export interface Schedule {
  /** Seed of the world. */
  readonly world: number;
  readonly variant: string;
  /** Input of the first execution. */
  readonly parameters: Record<string, unknown>;
  /** Readings that are not the most likely. */
  readonly switches: Record<string, string>;
  readonly host: HostAnswers;
  readonly job: JobPlan;
  readonly pace: { readonly objectsPerSecond?: number; readonly delayMinutes?: number };
  readonly metric?: MetricPlan;
  /** Seconds after the start of the n-th attempt of a job at which its host is reclaimed. */
  readonly reclaims: number[];
  readonly faults: PlannedFault[];
  readonly moments: Moment[];
  readonly starts: Start[];
  /** Seconds after the first execution's bad end at which somebody redrives it. */
  readonly redrives: number[];
  /** Faults that last are not lifted. */
  readonly forEver: boolean;
}

/** Paths that are written out only when a job uses them. */
export const LONG_PATHS: Record<string, string> = {
  '<deep>': 'deep/'.repeat(40) + 'leaf',
  /** S3 takes keys of at most 1,024 bytes (A5.6). */
  '<too long>': Array.from({ length: 6 }, () => 'n'.repeat(200)).join('/'),
};
/** With what stands for bytes that are no UTF-8 (A5.6). */
export const NOT_UTF8 = 'latin-\uFFFD';
/** More than 5 TiB (A5.6). */
export const TOO_LARGE = 5 * 1024 ** 4 + 1;

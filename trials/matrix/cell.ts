import type { Deleted } from './lifecycles';
import { Run } from '../../local/engine';
import { Fault } from '../../local/faults';
import { Rehearsal, RehearsalOptions } from '../../test/helpers/pipeline-run';

/** Why a file system may be left at the end; there is no other reason. */
export type Keeping = 'a fault that never lifts' | 'an unexportable file' | 'a keep policy';

/** A world in which something is to go wrong, and what is done in it. */
export interface Way {
  readonly name: string;
  readonly options?: () => RehearsalOptions;
  readonly input?: object;
  /** What it returns ends it, when the first execution has ended. */
  readonly prepare?: (rehearsal: Rehearsal) => void | (() => void);
  /** @default one run */
  readonly perform?: (rehearsal: Rehearsal, input: object) => Promise<Run | Run[]>;
  readonly mayKeep?: Keeping;
}

/** Something that happens when a state is entered. */
export interface Happening {
  readonly enter: string;
  /** 0: the first execution of the world, 1: the second, which may be a clean-up. @default 0 */
  readonly execution?: number;
  /** Ends what was done after so many seconds, or when that execution has ended. @default - never */
  readonly lasts?: number | 'execution';
  /** What it returns ends it. */
  readonly do: (rehearsal: Rehearsal, executionArn: string) => void | (() => void);
}

/** What goes wrong in one cell. Everything is made anew for each time that it is run. */
export interface Plan {
  readonly options?: RehearsalOptions;
  readonly input?: object;
  readonly faults?: readonly Fault[];
  /** With the end of which execution the faults lift, in the order of their starts, or so many hours after the first has ended. @default 0 */
  readonly liftsWith?: number | { readonly hours: number };
  readonly happenings?: readonly Happening[];
  readonly prepare?: Way['prepare'];
  /** Instead of what the way does. */
  readonly perform?: Way['perform'];
  /** When the world has come to rest. */
  readonly afterwards?: (rehearsal: Rehearsal, runs: readonly Run[]) => Promise<unknown>;
  /** What the plan itself has found wrong. */
  readonly found?: readonly string[];
}

/** One fault at one place, so many times. */
export interface Cell {
  readonly class: string;
  /** Unique, and all that is needed to run it alone. */
  readonly name: string;
  readonly way: Way;
  readonly mayKeep?: Keeping;
  /** What clean-ups call is refused for ever: what they cannot take away may stay, as long as a run says so. */
  readonly mayLeave?: boolean;
  /** Somebody else deletes: what is lost so is not lost by a run. */
  readonly deletedByOthers?: Deleted;
  readonly plan: () => Plan;
}

export const OUTCOMES = ['ended well', 'named failure, then clean', 'kept and reported', 'LOST', 'LEAKED', 'NO END', 'UNNAMED', 'BROKEN'] as const;
export type Outcome = typeof OUTCOMES[number];

export const BAD: readonly Outcome[] = ['LOST', 'LEAKED', 'NO END', 'UNNAMED', 'BROKEN'];

export interface Result {
  readonly class: string;
  readonly name: string;
  readonly outcome: Outcome;
  /** The first execution's status or error, and why a file system was kept. */
  readonly end: string;
  readonly keeping?: Keeping;
  readonly found: readonly string[];
}

import type { RunParameters, Schedule, Schedules } from '../src/private/document';

export interface ScheduleSpec {
  /** No wait is shorter, in seconds. */
  readonly base: number;
  /** Sum of all waits, in seconds. */
  readonly deadline: number;
  /** History events of one turn of the loop: Wait, Pass and Choice 2 each, Task 5 (E10). */
  readonly eventsPerTurn: number;
}

/** Each wait is this part of the time already waited, unless the budget forces it up. */
const GROWTH = 0.01;

/** What all loops of one run may add to the history: a run stays under 15,000 events, retries and other states included. */
export const LOOP_EVENTS = 12_000;

/** Waits of the loops that no parameter names. */
const STEADY_SECONDS = 30;

// one turn: choice, next pass, wait and one Task are 11 events; each further Task is 5
const ONE_TASK = 11;
const TWO_TASKS = 16;

/**
 * Whole seconds that grow with the time already waited, never shrink, and add up to the deadline. The last one takes
 * in a rest that would be shorter than it, so it may be up to twice as long.
 */
export function schedule(base: number, deadline: number, growth = GROWTH): Schedule {
  const waits: number[] = [];
  for (let waited = 0; waited < deadline;) {
    const wait = Math.max(base, Math.floor(waited * growth));
    const left = deadline - waited;
    waits.push(left < 2 * wait ? left : wait);
    waited += waits[waits.length - 1];
  }
  return { waits, count: waits.length };
}

/** The schedules of all loops of a run, with the smallest growth at which they fit one history budget together. */
export function fitSchedules<K extends string>(specs: Record<K, ScheduleSpec>, budgetEvents: number): Record<K, Schedule> {
  const names = Object.keys(specs) as K[];
  for (let growth = GROWTH; ; growth *= 1.05) {
    const fitted = names.map((name) => [name, schedule(specs[name].base, specs[name].deadline, growth)] as const);
    const events = fitted.reduce((sum, [name, { count }]) => sum + count * specs[name].eventsPerTurn, 0);
    // with waits that grow tenfold no schedule can get notably shorter
    if (events <= budgetEvents || growth > 10) return Object.fromEntries(fitted) as Record<K, Schedule>;
  }
}

type Intervals = Pick<RunParameters, 'waitForLustreCreationSeconds' | 'waitForJobCompletionSeconds' | 'waitForCheckMetricsSeconds'>;

export function schedulesFor(parameters: Intervals, deadlines: Record<keyof Schedules, number>): Schedules {
  const spec = (loop: keyof Schedules, base: number, eventsPerTurn: number) => ({ base, deadline: deadlines[loop], eventsPerTurn });
  return fitSchedules<keyof Schedules>({
    reserve: spec('reserve', STEADY_SECONDS, ONE_TASK),
    fileSystem: spec('fileSystem', parameters.waitForLustreCreationSeconds, TWO_TASKS),
    attach: spec('attach', STEADY_SECONDS, TWO_TASKS),
    job: spec('job', parameters.waitForJobCompletionSeconds, ONE_TASK),
    stop: spec('stop', STEADY_SECONDS, ONE_TASK),
    detach: spec('detach', STEADY_SECONDS, TWO_TASKS),
    drain: spec('drain', parameters.waitForCheckMetricsSeconds, ONE_TASK),
    deletion: spec('deletion', STEADY_SECONDS, TWO_TASKS),
  }, LOOP_EVENTS);
}

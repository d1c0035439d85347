import type { RunParameters, Schedule, Schedules } from '../../src/private/document';

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

const GROWTH_STEP = 1.05;
/** Then waits are of weeks, and no schedule can get notably shorter. */
const MOST_STEPS = 190;

/** A file system is billed while nobody looks: no wait is longer, unless the budget forces it up. */
const LONGEST_SECONDS = 3600;

/** From here on it is the longest wait that has to give. */
const MOST_GROWTH = 0.1;

/** What all loops of one run may add to the history: a run stays under 15,000 events, retries and other states included. */
export const LOOP_EVENTS = 12_000;

/** Waits of the loops that no parameter names. */
const STEADY_SECONDS = 30;

/** Nothing is billed during the wait for the environment, and who came first must not look less often: its waits are all the same. */
const RESERVE_SECONDS = 600;
const RESERVE_TURNS = 144;

// one turn: choice, next pass, wait and one Task are 11 events; each further Task is 5
const ONE_TASK = 11;
const TWO_TASKS = 16;
/** The schedules of the environment's return and of the deletion serve two loops, one after the other: instances, restored export. */
const TWO_LOOPS = TWO_TASKS + ONE_TASK;

/**
 * Whole seconds that grow with the time already waited, never shrink, and add up to the deadline. The last one takes
 * in a rest that would be shorter than it, so it may be up to twice as long.
 */
export function schedule(base: number, deadline: number, growth = GROWTH, longest = Infinity): Schedule {
  const waits: number[] = [];
  for (let waited = 0; waited < deadline;) {
    const wait = Math.max(base, Math.min(Math.floor(waited * growth), longest));
    const left = deadline - waited;
    waits.push(left < 2 * wait ? left : wait);
    waited += waits[waits.length - 1];
  }
  return { waits, count: waits.length };
}

/** The schedules of all loops of a run, with the smallest growth at which they fit one history budget together. */
export function fitSchedules<K extends string>(specs: Record<K, ScheduleSpec>, budgetEvents: number): Record<K, Schedule> {
  const names = Object.keys(specs) as K[];
  const at = (step: number) => {
    const growth = GROWTH * GROWTH_STEP ** step;
    const longest = Math.floor(LONGEST_SECONDS * Math.max(1, growth / MOST_GROWTH));
    return names.map((name) => [name, schedule(specs[name].base, specs[name].deadline, growth, longest)] as const);
  };
  const fits = (step: number) => at(step).reduce((sum, [name, { count }]) => sum + count * specs[name].eventsPerTurn, 0) <= budgetEvents;
  let [low, high] = [0, MOST_STEPS];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle; else low = middle + 1;
  }
  return Object.fromEntries(at(low)) as Record<K, Schedule>;
}

type Intervals = Pick<RunParameters, 'waitForLustreCreationSeconds' | 'waitForJobCompletionSeconds' | 'waitForCheckMetricsSeconds'>;

export function schedulesFor(parameters: Intervals, deadlines: Record<keyof Schedules, number>): Schedules {
  const spec = (loop: keyof Schedules, base: number, eventsPerTurn: number) => ({ base, deadline: deadlines[loop], eventsPerTurn });
  const reserve = schedule(Math.max(RESERVE_SECONDS, Math.ceil(deadlines.reserve / RESERVE_TURNS)), deadlines.reserve, 0);
  const others = fitSchedules<Exclude<keyof Schedules, 'reserve'>>({
    fileSystem: spec('fileSystem', parameters.waitForLustreCreationSeconds, TWO_TASKS),
    attach: spec('attach', STEADY_SECONDS, TWO_TASKS),
    job: spec('job', parameters.waitForJobCompletionSeconds, ONE_TASK),
    stop: spec('stop', STEADY_SECONDS, ONE_TASK),
    detach: spec('detach', STEADY_SECONDS, TWO_LOOPS),
    drain: spec('drain', parameters.waitForCheckMetricsSeconds, ONE_TASK),
    deletion: spec('deletion', STEADY_SECONDS, TWO_LOOPS),
  }, LOOP_EVENTS - reserve.count * ONE_TASK);
  return { reserve, ...others };
}

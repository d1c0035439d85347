import { DEEDS, liftAll } from './deeds';
import { script } from './job';
import { isLeak } from './judge';
import { isLasting, whyKept } from './kept';
import { MetricPlan, Moment, Schedule } from './schedule';
import { VARIANTS } from './variants';
import { Fault } from '../../local/faults';
import { HistoryEvent } from '../../local/history';
import { FileSystem } from '../../local/models/fsx-file-system';
import { MetricFault, MetricFaults } from '../../local/models/metric-faults';
import { BRISK, Rehearsal } from '../../test/helpers/pipeline-run';

const MINUTE = 60_000;
const HOUR = 3600;
/** What the outside cleaner needs at most once nothing is broken any more: its longest back-off, and a clean-up. */
const HORIZON_HOURS = 72;
const STEP_HOURS = 2;
const NEVER = 0;

/** What is known of a played schedule, for those who judge it. */
export interface Played {
  readonly schedule: Schedule;
  readonly rehearsal: Rehearsal;
  /** What the invariants say of the world at its end. */
  readonly said: string[];
  /** What is left then. */
  readonly living: FileSystem[];
}

/** Plays a schedule in a world of its own, until the cleaner has had its time. */
export async function play(schedule: Schedule, listen?: (event: HistoryEvent, executionArn: string) => void): Promise<Played> {
  const faults = schedule.faults.map((fault) => ({ ...fault }));
  const waiting = [...schedule.moments];
  const entered = new Map<string, number>();
  const others: Promise<unknown>[] = [];
  let first: string | undefined;
  let hasEnded = false;

  const aside = (work: Promise<void>) => {
    others.push(work);
    work.catch(() => undefined); // it is awaited at the end
  };
  const begin = async (parameters: object) => {
    try {
      await rehearsal.run({ ...BRISK, ...parameters });
    } catch (error) {
      if ((error as Error).name !== 'ExecutionAlreadyExists') throw error;
    }
  };
  const lift = () => {
    if (schedule.forEver) return;
    for (const fault of faults) if (!('enter' in fault) && isLasting(fault.nth)) Object.assign(fault, { nth: NEVER });
    // what is to happen at a state may still happen to a clean-up, and is mended when that has had its time
    waiting.splice(0, Infinity, ...waiting.filter((moment) => 'enter' in moment));
    liftAll(rehearsal.engine);
  };
  const act = (moment: Moment) => { if (waiting.includes(moment)) DEEDS[moment.do](rehearsal.engine); };
  const onEvent = (event: HistoryEvent, executionArn: string) => {
    listen?.(event, executionArn);
    first ??= executionArn;
    if (event.type === 'StateEntered') {
      const nth = (entered.get(event.state) ?? 0) + 1;
      entered.set(event.state, nth);
      for (const moment of waiting.filter((each) => 'enter' in each && each.enter === event.state && each.nth === nth)) {
        rehearsal.engine.clock.after(1000 * (moment as { after: number }).after, () => act(moment));
      }
    }
    if (executionArn !== first || hasEnded || !/^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(event.type)) return;
    hasEnded = true;
    lift();
    if (event.type === 'ExecutionSucceeded') return;
    for (const seconds of schedule.redrives) rehearsal.engine.clock.after(1000 * seconds, () => aside(redrive(rehearsal, executionArn)));
  };
  const timed: Fault[] = [
    ...schedule.moments.filter((moment): moment is Moment & { at: number } => 'at' in moment)
      .map((moment) => ({ at: moment.at, do: () => act(moment) })),
    ...schedule.starts.map(({ after, parameters }) => ({ at: after, do: () => aside(begin(parameters)) })),
  ];
  const rehearsal: Rehearsal = new Rehearsal({
    props: VARIANTS[schedule.variant],
    seed: schedule.world,
    switches: schedule.switches,
    host: schedule.host,
    job: script(schedule.job),
    faults: [...faults, ...timed],
    onEvent,
    events: true,
  });
  prepare(rehearsal, schedule);

  await begin(schedule.parameters);
  const said = await settle({ schedule, rehearsal });
  await Promise.all(others);
  const living = rehearsal.models.fsx.living();
  if (schedule.forEver) return { schedule, rehearsal, said, living };
  // what the run makes that tries the lock is not judged
  for (const fault of faults) Object.assign(fault, { nth: NEVER });
  waiting.length = 0;
  return { schedule, rehearsal, said: [...said, ...await lockForEver(rehearsal)], living };
}

function prepare({ engine, models }: Rehearsal, { pace, metric, reclaims }: Schedule): void {
  // a boot is remembered by what it could see, and what a job made below the exported directory means nothing to it
  const reachable = models.fsx.reachable.bind(models.fsx);
  models.fsx.reachable = () => reachable().map((each) => ({ ...each, directories: topLevel(each.directories) }));
  const { objectsPerSecond, delayMinutes } = pace;
  models.fsx.setPace({ ...objectsPerSecond !== undefined && { objectsPerSecond }, ...delayMinutes !== undefined && { delayMs: delayMinutes * MINUTE } });
  if (metric) models.cloudWatch.mislead(misleading(metric, engine.clock.now()));
  if (reclaims.length > 0) models.batch.reclaimAt((attempt) => reclaims[attempt - 1], { times: reclaims.length });
}

const topLevel = <T>(directories: { readonly [path: string]: T }) => Object.fromEntries(Object.entries(directories).filter(([path]) => path.lastIndexOf('/') === 0));

function misleading({ is, value, from, minutes }: MetricPlan, start: number): MetricFault {
  const begin = start + from * MINUTE;
  switch (is) {
    case 'late': return MetricFaults.late(value * MINUTE);
    case 'missing': return MetricFaults.missing(begin, minutes === undefined ? Infinity : begin + minutes * MINUTE);
    case 'gaps': return MetricFaults.gaps(value + 2);
    case 'frozen': return MetricFaults.frozen(value, begin);
    case 'zero': return MetricFaults.zero(begin);
  }
}

/** Until the cleaner has nothing to do any more, or has had more time than it needs. @returns what the invariants say then */
async function settle({ schedule, rehearsal }: Pick<Played, 'schedule' | 'rehearsal'>): Promise<string[]> {
  const { engine, models: { fsx } } = rehearsal;
  await engine.pass(1 + Math.max(0, ...schedule.starts.map(({ after }) => after)));
  for (let hours = 0; hours < HORIZON_HOURS; hours += STEP_HOURS) {
    const said = await rehearsal.violations();
    if (fsx.living().length === 0 && said.length === 0) return said;
    const isAtRest = fsx.living().every((each) => whyKept({ schedule, rehearsal }, each) !== undefined) && !said.some(isLeak);
    // what is kept because a step failed is judged when it has been tried again
    if (isAtRest && hours > 0 && !said.some((each) => each.startsWith('I3 '))) return said;
    await engine.pass(STEP_HOURS * HOUR);
    if (!schedule.forEver) liftAll(engine);
  }
  engine.events.load([]); // the cleaner is switched off, so that the world comes to rest
  return rehearsal.violations();
}

/** A lock that could not be given back stays until the next run takes it over. @returns what that run says, if it cannot */
async function lockForEver(rehearsal: Rehearsal): Promise<string[]> {
  if (rehearsal.models.dynamodb.items().length === 0) return [];
  const { error, cause } = await rehearsal.run(BRISK);
  return error === 'ComputeEnvironmentBusy' ? [`I2 a lock is left, and the next run cannot take it over: ${cause}`] : [];
}

async function redrive(rehearsal: Rehearsal, executionArn: string): Promise<void> {
  try {
    await rehearsal.engine.redrive(executionArn);
  } catch (error) {
    if ((error as Error).name !== 'ExecutionNotRedrivable') throw error;
  }
}

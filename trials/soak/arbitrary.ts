import { createHash } from 'crypto';
import fc from 'fast-check';
import { Deed, JobPlan, MetricPlan, Moment, NOT_UTF8, PlannedFault, Schedule, Start, Step, TOO_LARGE } from './schedule';
import { VARIANTS } from './variants';
import { Vocabulary } from './vocabulary';
import { SWITCHES } from '../../local/switches';

/* The first of each list of constants is the simplest: shrinking goes towards it. */

const HOUR = 3600;
const LAST = 1_000_000;

const whole = (min: number, max: number) => fc.integer({ min, max });
const few = <T>(each: fc.Arbitrary<T>, most: number) => fc.oneof(
  { weight: 1, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary: fc.array(each, { minLength: 1, maxLength: most, size: 'max' }) },
);
const weighted = <T>(weights: [number, T][]) => fc.oneof(...weights.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

// ---- files ----

const ORDINARY = ['a', 'b', 'c.txt', 'd/e', 'd/f/g', 'd/f', '<deep>', 'ü/名', 'with space', '@at', '+plus', '=1+1', '-dash', 'comma,"quote"'];
const UNEXPORTABLE = ['<too long>', NOT_UTF8];
const path = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...ORDINARY) }, { weight: 1, arbitrary: fc.constantFrom(...UNEXPORTABLE) });
const size = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(1, 0, 1000, 10_000_000) }, { weight: 1, arbitrary: fc.constant(TOO_LARGE) });
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('save', 'append', 'open'), path, size }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('close', 'remove', 'chmod', 'symlink', 'fifo', 'directory'), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename' as const), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('many' as const), path: fc.constantFrom('many', 'd/many'), count: fc.constantFrom(2, 100, 20_000), size: fc.constant(1000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: whole(1, 900) }) },
) as fc.Arbitrary<Step>, { maxLength: 12, size: 'max' });
const ends = weighted<JobPlan['ends']>([[24, 'well'], [3, 3], [1, 137], [1, 'never']]);
const job: fc.Arbitrary<JobPlan> = fc.record({ steps, ends });

// ---- what a run is told ----

const parameters: fc.Arbitrary<Record<string, unknown>> = fc.record({
  waitForLustreCreationSeconds: whole(120, 300),
  waitForJobCompletionSeconds: whole(120, 600),
  waitForCheckMetricsSeconds: whole(180, 600),
  lambdaTimeDiffMinutes: whole(1, 20),
  lambdaPeriodSeconds: fc.constantFrom(60, 120, 300),
  jobDefinitionRetryAttempts: whole(1, 4),
  lustreFileSystemTypeVersion: fc.constantFrom('2.15', '2.12'),
  lustreStorageCapacity: fc.constantFrom(2400, 1200, 4800),
  jobDefinitionVcpus: fc.constantFrom(32, 1, 64),
  autoExport: weighted([[6, true], [1, false]]),
  deleteLustre: weighted([[12, true], [1, false]]),
  exportVerification: weighted([[3, 'BOTH'], [2, 'EXPORT_TASK_ONLY'], [1, 'METRIC_ONLY']]),
  failurePolicy: weighted([[3, 'EXPORT_AND_DELETE'], [1, 'KEEP'], [2, 'KEEP_FOR']]),
  keepHours: whole(1, 8),
}, { requiredKeys: [] });

// ---- the world ----

const readings = SWITCHES.flatMap(({ name, readings: [, ...others] }) => others.map((reading) => [name, reading] as const));
const some = (most: number) => fc.uniqueArray(fc.constantFrom(...readings), { maxLength: most, selector: ([name]) => name, size: 'max' });
const switches = fc.oneof(some(4), some(SWITCHES.length)).map(Object.fromEntries<string>);

const host = weighted<Schedule['host']>([
  [60, {}], [1, { installFailures: 2 }], [1, { mountFailures: 1 }], [1, { mountHangs: 1 }], [1, { mountFailures: 1000 }], [1, { mountType: 'ext4' }], [1, { bindFails: true }],
]);

const pace = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.record({ objectsPerSecond: fc.constantFrom(213, 10, 0.05, 0.01, 0.004), delayMinutes: whole(0, 10) }, { requiredKeys: [] }) },
);

const metric: fc.Arbitrary<MetricPlan | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constantFrom('late', 'missing', 'gaps', 'frozen', 'zero'), value: whole(0, 60), from: whole(0, 90), minutes: fc.option(whole(1, 240), { nil: undefined }),
    }),
  },
);

const NTH: fc.Arbitrary<PlannedFault['nth']> = fc.oneof(
  { weight: 4, arbitrary: whole(1, 3) },
  { weight: 2, arbitrary: whole(1, 8).map((from): [number, number] => [from, from + 2]) },
  { weight: 1, arbitrary: fc.constant('always' as const) },
  { weight: 2, arbitrary: whole(2, 12).map((from): [number, number] => [from, LAST]) },
);
const apiErrors = ['ThrottlingException', 'InternalServerError', 'ServiceUnavailable', 'TooManyRequestsException', 'RequestLimitExceeded', 'TimeoutError', 'AccessDeniedException', 'BadRequest']
  .map((name) => ({ name, message: 'a fault of the soak' }));
const taskErrors = ['Lambda.TooManyRequestsException', 'Lambda.ServiceException', 'Lambda.SdkClientException', 'Lambda.Unknown', 'States.TaskFailed']
  .map((name) => ({ name, message: 'a fault of the soak' }));

function faults({ states, tasks, calls }: Vocabulary): fc.Arbitrary<PlannedFault> {
  const on = fc.constantFrom(...calls.map((call) => call.on));
  const task = fc.constantFrom(...tasks);
  const field = fc.constantFrom(...calls.filter((call) => call.fields.length > 0)).chain((call) =>
    fc.record({ on: fc.constant(call.on), nth: NTH, dropField: fc.constantFrom(...call.fields) }));
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ on, nth: NTH, error: fc.constantFrom(...apiErrors) }) },
    { weight: 3, arbitrary: fc.record({ on, nth: NTH, loseAnswer: fc.constant(true) }) },
    { weight: 2, arbitrary: field },
    { weight: 1, arbitrary: fc.record({ on, nth: NTH, padKiB: fc.constantFrom(300) }) },
    { weight: 3, arbitrary: fc.record({ task, nth: NTH, error: fc.constantFrom(...taskErrors) }) },
    { weight: 2, arbitrary: fc.record({ task, nth: NTH, loseAnswer: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.record({ task, nth: NTH, hang: fc.constant(true) }) },
    {
      weight: 4,
      arbitrary: fc.record({ enter: fc.constantFrom(...states), nth: whole(1, 3), of: fc.constantFrom('any', 'run', 'cleanUp'), do: fc.constantFrom('abort', 'timeOut') }),
    },
  );
}

function moments({ states }: Vocabulary): fc.Arbitrary<Moment> {
  const deed = weighted<Deed>([
    [4, 'associationMisconfigured'], [3, 'associationMended'], [1, 'associationFailed'], [1, 'fileSystemFailed'], [1, 'noCapacity'], [1, 'capacity'], [5, 'reclaim'],
    [4, 'cancelTask'], [2, 'automaticExportOn'], [2, 'automaticExportOff'], [1, 'exportsDenied'], [1, 'exportsBusy'], [1, 'exportsFail'], [2, 'exportsMended'],
    [1, 'creationFails'], [3, 'abort'], [1, 'timeOut'],
  ]);
  return fc.oneof(
    fc.record({ do: deed, at: fc.oneof(whole(0, HOUR), whole(0, 8 * HOUR)) }),
    fc.record({ do: deed, enter: fc.constantFrom(...states), nth: whole(1, 3), after: fc.oneof(whole(0, 30), whole(0, 900)) }),
  );
}

const start: fc.Arbitrary<Start> = fc.record({ after: fc.oneof(whole(0, 60), whole(0, 2 * HOUR)), parameters: parameters });

function schedules(words: Vocabulary): fc.Arbitrary<Schedule> {
  return fc.record({
    world: whole(1, 2 ** 31 - 1),
    variant: weighted(Object.keys(VARIANTS).map((name, i): [number, string] => [i === 0 ? 6 : 1, name])),
    parameters: parameters,
    switches,
    host,
    job,
    pace,
    metric,
    reclaims: fc.oneof({ weight: 5, arbitrary: few(whole(0, 900), 1) }, { weight: 1, arbitrary: few(whole(0, 900), 4) }),
    faults: few(faults(words), 4),
    moments: few(moments(words), 3),
    starts: fc.oneof({ weight: 5, arbitrary: fc.constant<Start[]>([]) }, { weight: 1, arbitrary: fc.array(start, { maxLength: 2 }) }),
    redrives: fc.oneof({ weight: 9, arbitrary: fc.constant<number[]>([]) }, { weight: 1, arbitrary: fc.array(whole(0, 3 * HOUR), { maxLength: 2 }) }),
    forEver: weighted([[19, false], [1, true]]),
  }).map(lawful);
}

/**
 * Deeds, and readings, after which the metric alone cannot tell: METRIC_ONLY promises nothing there. An update by hand, to
 * whatever it sets the link, may drop the queue (A6.2), and may be over between two looks.
 */
const BLIND: Deed[] = ['associationMisconfigured', 'automaticExportOff', 'automaticExportOn', 'exportsDenied', 'exportsBusy', 'exportsFail'];

/** What no run is allowed to be told, and what METRIC_ONLY says that it cannot see, is taken out. */
function lawful(schedule: Schedule): Schedule {
  const possible = (given: Record<string, unknown>) => {
    const { exportVerification, ...rest } = given;
    return given.autoExport === false && exportVerification === 'METRIC_ONLY' ? rest : given;
  };
  const starts = schedule.starts.map((each) => ({ ...each, parameters: possible(each.parameters) }));
  const mended = { ...schedule, parameters: possible(schedule.parameters), starts };
  if (![mended.parameters, ...starts.map((each) => each.parameters)].some(({ exportVerification }) => exportVerification === 'METRIC_ONLY')) return mended;
  const { openFileOfDeadClient: _, ...readable } = mended.switches;
  return {
    ...mended,
    switches: readable,
    metric: mended.metric && ['frozen', 'zero'].includes(mended.metric.is) ? undefined : mended.metric,
    moments: mended.moments.filter((moment) => !BLIND.includes(moment.do)),
    job: { ...mended.job, steps: mended.job.steps.filter(isExportable) },
  };
}

function isExportable(step: Step): boolean {
  const paths = ['path' in step ? step.path : '', 'to' in step ? step.to : ''];
  return !paths.some((each) => UNEXPORTABLE.includes(each)) && !('size' in step && step.size === TOO_LARGE);
}

let made: fc.Arbitrary<Schedule> | undefined;

/** All schedules there are. */
export function arbitrary(words: Vocabulary): fc.Arbitrary<Schedule> {
  return made ??= schedules(words);
}

/** Seed of the n-th schedule of a soak: of nothing but the two numbers. */
export function seedOf(seed: number, index: number): number {
  const digest = createHash('sha256').update(`${seed} ${index}`).digest();
  return digest.readInt32BE(0);
}

export function scheduleOf(seed: number, index: number, words: Vocabulary): Schedule {
  return fc.sample(arbitrary(words), { seed: seedOf(seed, index), numRuns: 1, unbiased: true })[0];
}

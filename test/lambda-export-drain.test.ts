import { readFileSync } from 'node:fs';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { FSxClient } from '@aws-sdk/client-fsx';
import { S3Client } from '@aws-sdk/client-s3';
import * as fc from 'fast-check';
import { decide } from '../lambda-src/export-drain/drain-decision';
import { handler } from '../lambda-src/export-drain/export-drain.lambda';
import { isListingDue, sweep } from '../lambda-src/export-drain/export-progress';
import { ExportTask, taskAttempted, taskToken } from '../lambda-src/export-drain/export-task';
import { failedFiles, FailuresReport, listed, readReport } from '../lambda-src/export-drain/failures-report';
import { Association, retriggered } from '../lambda-src/export-drain/link-health';
import { Decision, Look } from '../lambda-src/export-drain/look';
import { iso, Point, zerosNeeded } from '../lambda-src/export-drain/queue-age';
import { quietTime } from '../lambda-src/export-drain/quiet-time';
import { attempted, nextForm, switchOffToken } from '../lambda-src/export-drain/switch-off';
import { executionToken } from '../lambda-src/shared/run-identity';
import { DrainLook, DrainMemory, DrainSettings, ObjectsMemory, TaskMemory } from '../src/private/export-drain-payloads';

const MINUTE = 60_000;
const T0 = Date.parse('2026-11-22T12:00:00Z');
const SETTINGS: DrainSettings = {
  consecutiveZeros: 3, evictionSeconds: 600, publicationLagSeconds: 120, misconfiguredGraceSeconds: 1200, metricGraceSeconds: 1200, stallSeconds: 43_200,
};
const AVAILABLE: Association = { lifecycle: 'AVAILABLE', exportEvents: ['NEW', 'CHANGED', 'DELETED'] };

/** Points at minutes since T0. */
const points = (from: number, ...ages: number[]): Point[] => ages.map((ageSeconds, i) => ({ at: T0 + (from + i) * MINUTE, ageSeconds }));
const zeros = (from: number, count: number) => points(from, ...Array<number>(count).fill(0));

/** One look at a minute since T0, with a quiet time of T0, where nothing but the queue is asked. */
function look(minute: number, seen: Point[], changes: Partial<Look> = {}): Decision {
  return decide({
    now: T0 + minute * MINUTE,
    quiet: T0,
    verification: 'METRIC_ONLY',
    autoExport: true,
    points: seen,
    association: AVAILABLE,
    needed: 3,
    tasks: [],
    settings: SETTINGS,
    memory: {},
    ...changes,
  });
}

/** Looks one after the other, each with the memory of the one before as it comes back through the state document. */
function looks(...each: { minute: number; seen?: Point[]; lifecycle?: string; changes?: Partial<Look> }[]): Decision[] {
  let memory: DrainMemory = {};
  let last: Partial<DrainLook> | undefined;
  return each.map(({ minute, seen, lifecycle, changes }) => {
    const association = { ...AVAILABLE, lifecycle: lifecycle ?? 'AVAILABLE', failure: lifecycle && 'the bucket is gone' };
    const decision = look(minute, seen ?? [], { association, memory, last, ...changes });
    memory = JSON.parse(JSON.stringify(decision.memory));
    if (decision.action === 'RETRIGGER') memory = retriggered(T0 + minute * MINUTE, memory);
    last = decision;
    return decision;
  });
}

describe('quiet time', () => {
  const job = { outcome: 'SUCCEEDED', lastWritePossibleAt: '2026-11-22T12:00:00Z' } as const;

  test('is the later of job and instances, and the publication lag', () => {
    expect(quietTime(job, {}, SETTINGS)).toBe(T0 + 2 * MINUTE);
    expect(quietTime(job, { quietAt: '2026-11-22T12:05:00.000Z' }, SETTINGS)).toBe(T0 + 7 * MINUTE);
    expect(quietTime(job, { quietAt: '2026-11-22T11:05:00Z' }, SETTINGS)).toBe(T0 + 2 * MINUTE);
    expect(quietTime(job, {}, { ...SETTINGS, publicationLagSeconds: 300 })).toBe(T0 + 5 * MINUTE);
  });

  test('an instance that went without a successful job may leave files open until its client is evicted', () => {
    const compute = { quietAt: '2026-11-22T12:05:00Z' };
    for (const outcome of ['FAILED', 'STOPPED', undefined] as const) expect(quietTime({ ...job, outcome }, compute, SETTINGS)).toBe(T0 + 17 * MINUTE);
    expect(quietTime({ ...job, outcome: 'FAILED' }, compute, { ...SETTINGS, evictionSeconds: 1800 })).toBe(T0 + 37 * MINUTE);
  });

  test.each([undefined, null, '', 'yesterday', '2026', '2026-11-22', '2026-11-22T12:00:00', 1763812800000, {}])('is not told by %j', (value: any) => {
    expect(quietTime({ ...job, lastWritePossibleAt: value }, {}, SETTINGS)).toContain('lastWritePossibleAt is');
    if (value !== undefined && value !== null) expect(quietTime(job, { quietAt: value }, SETTINGS)).toContain('quietAt is');
    const { verdict, reason, error } = look(99, zeros(0, 98), { quiet: quietTime({ lastWritePossibleAt: value }, {}, SETTINGS) });
    expect({ verdict, reason, error }).toEqual({ verdict: 'FAILED', reason: 'QuietTimeUnknown', error: 'ExportNotProven' });
  });
});

describe('is the queue empty?', () => {
  test.each<[string, number, Point[], string, number]>([
    ['nothing is published', 5, [], 'MetricUnknown', 0],
    ['the quiet time is to come', -1, zeros(-10, 9), 'QuietTimeNotReached', 0],
    ['zeros are all of before the quiet time', 1, zeros(-10, 10), 'TooFewZeros', 0],
    ['one zero is missing', 3.1, zeros(-10, 12), 'TooFewZeros', 2],
    ['there are enough zeros', 4.1, zeros(0, 3), 'QueueEmpty', 3],
    ['a point is of just before the quiet time', 4.1, zeros(-1, 3), 'TooFewZeros', 2],
    ['the backlog waits', 5, points(0, 0, 0, 0, 49), 'QueueNotEmpty', 0],
    ['the backlog has just gone', 6, points(0, 0, 49, 107, 0, 0), 'TooFewZeros', 2],
    ['a minute is missing', 6, [...zeros(0, 2), ...zeros(3, 2)], 'TooFewZeros', 2],
    ['zeros begin again behind a gap', 7, [...zeros(0, 2), ...zeros(3, 3)], 'QueueEmpty', 3],
    ['publication has ended', 9, zeros(0, 4), 'MetricStale', 4],
    ['points come in any order', 4.1, zeros(0, 3).reverse(), 'QueueEmpty', 3],
    ['a point comes twice with two values', 4.1, [...zeros(0, 3), ...points(2, 7)], 'QueueNotEmpty', 0],
    ['a duplicate is not two zeros', 4.1, [...zeros(0, 2), ...zeros(1, 1)], 'TooFewZeros', 2],
    ['zeros are of a minute that has not ended', 2.5, zeros(0, 3), 'TooFewZeros', 2],
    ['zeros are of the future', 1, zeros(0, 10), 'TooFewZeros', 1],
    ['an age is of the future', 4.1, [...zeros(0, 3), ...points(6, 60)], 'QueueNotEmpty', 0],
    ['a value is not a number', 4.1, [...zeros(0, 3), { at: T0 + MINUTE, ageSeconds: NaN }].filter((_, i) => i !== 1), 'TooFewZeros', 1],
    ['a value is negative', 4.1, points(0, 0, -1, 0), 'TooFewZeros', 1],
    ['a point has no time', 4.1, [...zeros(0, 2), { at: NaN, ageSeconds: 0 }], 'TooFewZeros', 2],
  ])('%s', (_, minute, seen, reason, count) => {
    const decision = look(minute, seen);
    expect({ reason: decision.reason, zeros: decision.zeros }).toEqual({ reason, zeros: count });
    expect(decision.verdict).toBe(reason === 'QueueEmpty' ? 'PROVEN' : 'WAIT');
  });

  test('the seed\'s numbers can only lengthen what is looked at', () => {
    const needed = (lambdaPeriodSeconds: number, lambdaTimeDiffMinutes: number, consecutiveZeros = 3) =>
      zerosNeeded({ lambdaPeriodSeconds, lambdaTimeDiffMinutes } as any, { ...SETTINGS, consecutiveZeros });
    expect(needed(60, 1)).toBe(3);
    expect(needed(60, 15)).toBe(15);
    expect(needed(600, 15)).toBe(30);
    expect(needed(60, 15, 20)).toBe(20);
  });

  test('says how long it has been so', () => {
    const all = looks(
      { minute: 2, seen: points(0, 30) },
      { minute: 3, seen: points(0, 30, 90) },
      { minute: 4, seen: points(2, 0) },
      { minute: 5, seen: points(2, 0, 0) },
    );
    expect(all.map(({ reason, memory }) => [reason, memory.looks, memory.reasonSince, memory.highestAgeSeconds])).toEqual([
      ['QueueNotEmpty', 1, iso(T0 + 2 * MINUTE), 30],
      ['QueueNotEmpty', 2, iso(T0 + 2 * MINUTE), 90],
      ['TooFewZeros', 3, iso(T0 + 4 * MINUTE), 90],
      ['TooFewZeros', 4, iso(T0 + 4 * MINUTE), 90],
    ]);
    expect(JSON.stringify(all[3]).length).toBeLessThan(1000);
  });
});

describe('is the link healthy?', () => {
  test.each([
    [undefined, 'AssociationFailed', 'AssociationFailed'],
    [{ ...AVAILABLE, lifecycle: 'FAILED', failure: 'no such bucket' }, 'AssociationFailed', 'AssociationFailed'],
    [{ ...AVAILABLE, lifecycle: 'DELETING' }, 'AssociationFailed', 'AssociationFailed'],
    [{ ...AVAILABLE, exportEvents: [] }, 'AutoExportOff', 'ExportNotProven'],
  ])('%j ends the drain at once', (association, reason, error) => {
    const decision = look(9, zeros(0, 9), { association });
    expect({ verdict: decision.verdict, reason: decision.reason, error: decision.error }).toEqual({ verdict: 'FAILED', reason, error });
  });

  test.each([[['NEW']], [['CHANGED']], [['DELETED']], [['NEW', 'DELETED']]])('%j leaves changes out of the queue: it proves nothing', (exportEvents) => {
    expect(look(4.1, zeros(0, 3), { association: { ...AVAILABLE, exportEvents } })).toMatchObject({ verdict: 'FAILED', reason: 'AutoExportOff' });
  });

  test('deletions may be left out', () => {
    expect(look(4.1, zeros(0, 3), { association: { ...AVAILABLE, exportEvents: ['NEW', 'CHANGED'] } }).verdict).toBe('PROVEN');
  });

  test.each(['CREATING', 'UPDATING', 'SOMETHING_NEW'])('%s waits', (lifecycle) => {
    const decision = look(9, zeros(0, 8), { association: { lifecycle, exportEvents: [] } });
    expect({ verdict: decision.verdict, reason: decision.reason, zeros: decision.zeros }).toEqual({ verdict: 'WAIT', reason: 'AssociationNotAvailable', zeros: 0 });
  });

  test('zeros of the time when it was MISCONFIGURED do not count: the quiet time moves to when it was AVAILABLE again', () => {
    const all = looks(
      { minute: 3, seen: points(0, 0, 49) },
      { minute: 5, seen: zeros(2, 2), lifecycle: 'MISCONFIGURED' },
      { minute: 10, seen: zeros(2, 7) },
      { minute: 14.1, seen: zeros(2, 11) },
      { minute: 16.1, seen: zeros(2, 13) },
    );
    expect(all.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['WAIT', 'QueueNotEmpty'], ['WAIT', 'AssociationMisconfigured'], ['WAIT', 'QuietTimeNotReached'], ['WAIT', 'TooFewZeros'], ['PROVEN', 'QueueEmpty'],
    ]);
    expect(all[4].quietAt).toBe(iso(T0 + 12 * MINUTE));
  });

  test('MISCONFIGURED before it was seen AVAILABLE after the last write: changes may never have reached the queue', () => {
    const all = looks({ minute: 1, lifecycle: 'MISCONFIGURED' }, { minute: 10 }, { minute: 12.5, seen: points(8, 0, 0, 49) }, { minute: 20, seen: zeros(12, 7) });
    expect(all.map(({ verdict }) => verdict)).toEqual(['WAIT', 'WAIT', 'WAIT', 'FAILED']);
    expect(all[3]).toMatchObject({ reason: 'ChangesMayBeMissed', error: 'ExportNotProven', message: expect.stringContaining('not AVAILABLE when changes may have been made') });
  });

  test('an update by somebody may have dropped the queue', () => {
    const all = looks({ minute: 3, seen: points(0, 0, 49) }, { minute: 4, lifecycle: 'UPDATING' }, { minute: 5 }, { minute: 20, seen: zeros(6, 13) });
    expect(all[3]).toMatchObject({ verdict: 'FAILED', reason: 'QueueMayBeDropped', error: 'ExportNotProven' });
  });

  test('MISCONFIGURED is re-triggered once, and fails when the grace is over', () => {
    const all = looks(...Array.from({ length: 22 }, (_, i) => ({ minute: i, lifecycle: 'MISCONFIGURED' })));
    expect(all.flatMap(({ action }, i) => action ? [i] : [])).toEqual([15]);
    expect(all.findIndex(({ verdict }) => verdict === 'FAILED')).toBe(20);
    expect(all[20]).toMatchObject({ reason: 'AssociationMisconfigured', error: 'AssociationMisconfigured', message: expect.stringContaining('the bucket is gone; so since 2026-11-22T12:00') });
  });

  test('looks that are rarer than the grace re-trigger first and fail at the look after', () => {
    const all = looks({ minute: 0, lifecycle: 'MISCONFIGURED' }, { minute: 43, lifecycle: 'MISCONFIGURED' }, { minute: 44, lifecycle: 'MISCONFIGURED' }, { minute: 86, lifecycle: 'MISCONFIGURED' });
    expect(all.map(({ verdict, action }) => [verdict, action])).toEqual([['WAIT', undefined], ['WAIT', 'RETRIGGER'], ['WAIT', undefined], ['FAILED', undefined]]);
  });

  test('a re-trigger whose answer was lost is remembered, too', () => {
    // the look that re-triggered is tried again by Step Functions with the old memory, and sees AVAILABLE already
    const all = looks({ minute: 3 }, { minute: 4, lifecycle: 'MISCONFIGURED' }, { minute: 19.5, seen: [] }, { minute: 40, seen: zeros(20, 19) });
    expect(all[3]).toMatchObject({ verdict: 'FAILED', reason: 'QueueMayBeDropped' });
  });
});

describe('the measured curve', () => {
  // test/fixtures: a point that is readable at minute m is stamped with the minute before
  const curve = readFileSync(`${__dirname}/fixtures/autoexport-age-1M-10KB.csv`, 'utf8').split('\n').filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').map(Number));
  const published = [...zeros(-61, 60), ...curve.map(([minute, ageSeconds]) => ({ at: T0 + (minute - 1) * MINUTE, ageSeconds })), ...zeros(110, 30)];

  test.each([60, 120])('is never proven before minute 109, whenever the job ended (publication lag %i s)', (publicationLagSeconds) => {
    const settings = { ...SETTINGS, publicationLagSeconds };
    const provenAt = (end: number): number => {
      const quiet = quietTime({ outcome: 'SUCCEEDED', lastWritePossibleAt: iso(T0 + end * MINUTE) }, {}, settings);
      let minute = end;
      const readable = () => published.filter(({ at }) => at + MINUTE <= T0 + minute * MINUTE && at > T0 + (minute - 15) * MINUTE);
      while (look(minute, readable(), { quiet, settings }).verdict !== 'PROVEN') minute += 0.5;
      return minute;
    };
    for (let end = 0; end <= 112; end++) {
      const minute = provenAt(end);
      expect(minute).toBeGreaterThanOrEqual(109);
      expect(minute).toBeLessThanOrEqual(Math.max(109, end) + publicationLagSeconds / 60 + 4);
    }
  });
});

describe('whatever is written and published', () => {
  /** Ground truth: backlogs that all began before the quiet time T0, and a metric that shows them late, or not at all. */
  interface World {
    readonly backlogs: { begins: number; lasts: number }[];
    /** The metric of a backlog reads 0 for a minute more (B6). */
    readonly firstReadingZero: boolean;
    /** Seconds from the start of a minute until its point can be read. */
    readonly lags: number[];
    /** Minutes without a point. */
    readonly missing: number[];
    /** Publication ends here for so many minutes. */
    readonly outage: { from: number; minutes: number };
    /** Minutes that the clock of the stamps goes before the true one. */
    readonly stampSkew: number;
    /** Seconds that the handler's clock goes before the true one. */
    readonly nowSkew: number;
  }
  const seconds = (min: number, max: number) => fc.integer({ min, max });
  const backlog = fc.record({ begins: fc.oneof(seconds(-7200, -1), seconds(-90, -1)), lasts: fc.oneof(seconds(1, 900), seconds(1, 7200)) });
  const skews = { stampSkew: fc.constantFrom(-1, 0, 1), nowSkew: fc.constantFrom(-60, -30, 0, 30, 60) };
  const world: fc.Arbitrary<World> = fc.record({
    backlogs: fc.array(backlog, { maxLength: 4 }),
    firstReadingZero: fc.boolean(),
    lags: fc.array(fc.oneof(seconds(60, 70), seconds(60, 300)), { minLength: 1, maxLength: 7 }),
    missing: fc.array(seconds(-5, 40), { maxLength: 10 }),
    outage: fc.record({ from: seconds(-10, 60), minutes: fc.constantFrom(0, 5, 20) }),
    ...skews,
  });
  const endsAt = ({ backlogs }: World) => Math.max(-Infinity, ...backlogs.map(({ begins, lasts }) => begins + lasts));

  /** What CloudWatch answers so many seconds after the quiet time. */
  function read(truth: World, now: number): Point[] {
    const found: Point[] = [];
    for (let minute = Math.floor(now / 60) - 30; minute * 60 <= now; minute++) {
      const lag = truth.lags[Math.abs(minute) % truth.lags.length];
      const out = minute >= truth.outage.from && minute < truth.outage.from + truth.outage.minutes;
      if (minute * 60 + lag > now || truth.missing.includes(minute) || out) continue;
      const shows = minute * 60 - (truth.firstReadingZero ? 60 : 0);
      const shown = truth.backlogs.filter(({ begins, lasts }) => begins < shows && begins + lasts > minute * 60);
      found.unshift({ at: T0 + (minute + truth.stampSkew) * MINUTE, ageSeconds: Math.max(0, ...shown.map(({ begins }) => minute * 60 - begins)) });
    }
    return found;
  }

  /** Seconds after the quiet time at which the drain is proven. */
  function drain(truth: World, needed: number, until: number): number | undefined {
    let memory: DrainMemory = {};
    for (let now = -300; now < until; now += 37) {
      const decision = look((now + truth.nowSkew) / 60, read(truth, now), { memory, needed });
      if (decision.verdict === 'PROVEN') return now;
      memory = decision.memory;
    }
    return undefined;
  }

  test('proven means that the backlog is gone', () => {
    fc.assert(fc.property(world, seconds(3, 15), (truth, needed) => {
      const provenAt = drain(truth, needed, 10_000);
      if (provenAt !== undefined) expect(provenAt).toBeGreaterThanOrEqual(endsAt(truth));
    }), { numRuns: 400 });
  });

  test('with a metric that is published the drain ends', () => {
    const healthy = world.map((truth) => ({ ...truth, lags: [65], missing: [], outage: { from: 0, minutes: 0 } }));
    fc.assert(fc.property(healthy, seconds(3, 15), (truth, needed) => {
      const provenAt = drain(truth, needed, 20_000);
      expect(provenAt).toBeLessThanOrEqual(Math.max(0, endsAt(truth)) + (needed + 5) * 60);
    }), { numRuns: 200 });
  });

  test('any points at all: proven only by that many fresh zeros in a row after the quiet time', () => {
    const point = fc.record({ at: seconds(-10, 40).map((minute) => T0 + minute * MINUTE), ageSeconds: fc.constantFrom(0, 0, 0, 0, 0, 1, NaN) });
    const any = fc.array(point, { maxLength: 60 });
    fc.assert(fc.property(any, seconds(0, 45), seconds(3, 8), (seen, minute, needed) => {
      if (look(minute, seen, { needed }).verdict !== 'PROVEN') return;
      const newest = Math.max(...seen.filter(({ at, ageSeconds }) => ageSeconds >= 0 && at + MINUTE <= T0 + minute * MINUTE).map(({ at }) => at));
      expect(newest).toBeGreaterThanOrEqual(T0 + (minute - 5) * MINUTE);
      for (let at = newest - (needed - 1) * MINUTE; at <= newest; at += MINUTE) {
        expect(at).toBeGreaterThanOrEqual(T0);
        expect([...new Set(seen.filter((each) => each.at === at && each.ageSeconds >= 0).map(({ ageSeconds }) => ageSeconds))]).toEqual([0]);
      }
    }), { numRuns: 500 });
  });

  test('a link that was ever seen in another state leaves no zero of before it was AVAILABLE again', () => {
    const states = fc.array(fc.constantFrom('AVAILABLE', 'AVAILABLE', 'AVAILABLE', 'MISCONFIGURED', 'UPDATING', 'CREATING'), { minLength: 1, maxLength: 12 });
    fc.assert(fc.property(states, (lifecycles) => {
      const all = looks(...lifecycles.map((lifecycle, i) => ({ minute: i, lifecycle, seen: zeros(-5, i + 4) })));
      all.forEach(({ verdict }, i) => {
        if (verdict !== 'PROVEN') return;
        const lastBad = lifecycles.slice(0, i).map((lifecycle) => lifecycle === 'AVAILABLE').lastIndexOf(false);
        if (lastBad >= 0) expect(i - lastBad).toBeGreaterThanOrEqual(1 + 2 + 3);
        expect(lifecycles.slice(0, i)).not.toContain('UPDATING');
      });
    }), { numRuns: 300 });
  });
});

describe('does an export task prove it?', () => {
  const OFF: Association = { lifecycle: 'AVAILABLE', exportEvents: [] };
  const TASK: ExportTask = { id: 'task-1', type: 'EXPORT_TO_REPOSITORY', lifecycle: 'SUCCEEDED', createdAt: T0 + 10 * MINUTE, total: 7, succeeded: 7, failed: 0 };
  const STARTED: DrainMemory = { queue: { reason: 'QueueEmpty', at: iso(T0) }, task: { round: 1, id: 'task-1', startedAt: iso(T0 + 10 * MINUTE) } };
  const csv = (...rows: [string, string][]) => ({ location: 's3://b/r/failures.csv', text: rows.map(([path, code]) => `${path},failed,${code}`).join('\n') });
  const prove = (changes: Partial<Look>, minute = 20) => look(minute, [], { verification: 'BOTH', association: OFF, memory: STARTED, tasks: [TASK], ...changes });
  const brief = ({ verdict, reason, error }: Decision) => [verdict, reason, error];

  test.each<[string, Partial<Look>, unknown[]]>([
    ['nothing failed', {}, ['PROVEN', 'EveryFileExported', undefined]],
    ['no count of failures is none', { tasks: [{ ...TASK, total: undefined, succeeded: undefined, failed: undefined }] }, ['PROVEN', 'EveryFileExported', undefined]],
    ['it waits', { tasks: [{ ...TASK, lifecycle: 'PENDING' }] }, ['WAIT', 'ExportTaskRunning', undefined]],
    ['it runs', { tasks: [{ ...TASK, lifecycle: 'EXECUTING' }] }, ['WAIT', 'ExportTaskRunning', undefined]],
    ['it is being canceled', { tasks: [{ ...TASK, lifecycle: 'CANCELING' }] }, ['WAIT', 'ExportTaskRunning', undefined]],
    ['it is in a state that nobody knows', { tasks: [{ ...TASK, lifecycle: 'SOMETHING_NEW' }] }, ['WAIT', 'ExportTaskRunning', undefined]],
    ['it was canceled', { tasks: [{ ...TASK, lifecycle: 'CANCELED' }] }, ['WAIT', 'ExportTaskFailed', undefined]],
    ['it succeeded with a failure', { tasks: [{ ...TASK, failed: 1 }], report: csv(['a', 'ResourceBusy']) }, ['WAIT', 'ExportTaskFailed', undefined]],
    ['it began before the last write', { tasks: [{ ...TASK, createdAt: T0 - 2 * MINUTE }] }, ['START_TASK', 'ExportTaskStarting', undefined]],
    ['it is not listed yet', { tasks: [] }, ['WAIT', 'ExportTaskNotSeen', undefined]],
    ['an import runs beside it', { tasks: [TASK, { ...TASK, id: 'task-2', type: 'IMPORT_METADATA_FROM_REPOSITORY', lifecycle: 'EXECUTING' }] }, ['WAIT', 'OtherTaskRunning', undefined]],
    ['another one has succeeded, and ours was never begun', { memory: { ...STARTED, task: undefined } }, ['START_TASK', 'ExportTaskStarting', undefined]],
    ['the link is MISCONFIGURED', { association: { ...OFF, lifecycle: 'MISCONFIGURED' } }, ['WAIT', 'AssociationMisconfigured', undefined]],
    ['the link has failed', { association: { ...OFF, lifecycle: 'FAILED' } }, ['FAILED', 'AssociationFailed', 'AssociationFailed']],
    ['the link is gone', { association: undefined }, ['FAILED', 'AssociationFailed', 'AssociationFailed']],
    ['automatic export is on again', { association: AVAILABLE }, ['SWITCH_OFF', 'SwitchingOff', undefined]],
    ['it is on again while the task runs', { association: AVAILABLE, tasks: [{ ...TASK, lifecycle: 'EXECUTING' }] }, ['WAIT', 'ExportTaskRunning', undefined]],
    ['its round was spoiled', { memory: { ...STARTED, task: { ...STARTED.task!, spoiled: true } } }, ['START_TASK', 'ExportTaskStarting', undefined]],
    ['a run without automatic export leaves the link alone', { association: OFF, autoExport: false }, ['PROVEN', 'EveryFileExported', undefined]],
    ['unless somebody has switched it on', { association: AVAILABLE, autoExport: false }, ['SWITCH_OFF', 'SwitchingOff', undefined]],
  ])('%s', (_, changes, expected) => expect(brief(prove(changes))).toEqual(expected));

  test('not listed for a quarter of an hour, or refused for longer than an update takes', () => {
    expect(brief(prove({ tasks: [] }, 25))).toEqual(['START_TASK', 'ExportTaskStarting', undefined]);
    const refused = taskAttempted(T0, { round: 1 }, undefined, Object.assign(new Error('not now'), { name: 'BadRequest' }));
    expect(brief(prove({ tasks: [], memory: { ...STARTED, task: refused } }, 19))).toEqual(['START_TASK', 'ExportTaskStarting', undefined]);
    const later = taskAttempted(T0 + 19 * MINUTE, refused, undefined, Object.assign(new Error('not now'), { name: 'BadRequest' }));
    expect(prove({ tasks: [], memory: { ...STARTED, task: later } })).toMatchObject({ verdict: 'FAILED', error: 'ExportNotProven', message: expect.stringContaining('not now') });
    const busy = taskAttempted(T0 + 19 * MINUTE, refused, undefined, Object.assign(new Error('busy'), { name: 'DataRepositoryTaskExecuting' }));
    expect(prove({ tasks: [], memory: { ...STARTED, task: busy } }, 60).verdict).toBe('START_TASK');
  });

  test('on again while the task ran: the task does not count', () => {
    const first = prove({ association: AVAILABLE, tasks: [{ ...TASK, lifecycle: 'EXECUTING' }] });
    expect(brief(prove({ memory: first.memory }))).toEqual(['START_TASK', 'ExportTaskStarting', undefined]);
  });

  test('only after the quiet time, and the metric has no say', () => {
    for (const changes of [{ verification: 'EXPORT_TASK_ONLY' }, { autoExport: false, association: OFF }] as Partial<Look>[]) {
      const at = (minute: number) => look(minute, points(0, 60, 120), { verification: 'BOTH', ...changes });
      expect(brief(at(-1))).toEqual(['WAIT', 'QuietTimeNotReached', undefined]);
      expect(at(0).verdict).toBe(changes.verification ? 'SWITCH_OFF' : 'START_TASK');
    }
  });

  describe.each([
    ['an export task alone proves', { verification: 'EXPORT_TASK_ONLY' }], ['it was off before', { verification: 'BOTH' }],
  ] as [string, Partial<Look>][])('automatic export is off, and %s: what was queued before', (_, changes) => {
    const at = (minute: number, seen: Point[], memory: DrainMemory = {}) => look(minute, seen, { association: OFF, memory, needed: 15, ...changes });

    test('is waited for as long as it is seen', () => {
      expect(brief(at(-1, []))).toEqual(['WAIT', 'QuietTimeNotReached', undefined]);
      const seen = at(5, points(0, 0, 0, 0, 0, 60));
      expect(seen).toMatchObject({ verdict: 'WAIT', reason: 'QueueNotEmpty', message: expect.stringContaining('is off'), ageSeconds: 60, zerosNeeded: 3 });
      expect(brief(at(6, points(0, 0, 0, 60, 0, 0), seen.memory))).toEqual(['WAIT', 'TooFewZeros', undefined]);
      expect(at(7, points(0, 0, 60, 0, 0, 0), seen.memory)).toMatchObject({ verdict: 'START_TASK', memory: { leftovers: { reason: 'QueueEmpty' } } });
    });

    test('delays for the grace where the metric does not tell', () => {
      expect(brief(at(22.9, []))).toEqual(['WAIT', 'MetricUnknown', undefined]);
      expect(at(23, [])).toMatchObject({ verdict: 'START_TASK', memory: { leftovers: { reason: 'MetricUnknown' } } });
    });

    test('is not waited for when it has stood still for half of the time that counts as stalled, as far as the bucket is seen', () => {
      const since = (minutes: number, objects: Partial<ObjectsMemory> = {}): DrainMemory =>
        ({ progress: { movedAt: iso(T0 + (600 - minutes) * MINUTE), objects: { lookedAt: iso(T0 + 599 * MINUTE), count: 0, ...objects } } });
      const seen = points(598, 36_000);
      expect(at(600, seen, since(359)).verdict).toBe('WAIT');
      expect(at(600, seen, since(360))).toMatchObject({ verdict: 'START_TASK', memory: { leftovers: { reason: 'QueueNotEmpty' } } });
      expect(at(600, seen, since(600, { unknown: 'AccessDenied' })).verdict).toBe('WAIT');
      expect(at(600, seen, { progress: { movedAt: iso(T0) } }).verdict).toBe('WAIT');
      expect(at(600, seen, since(360)).verdict).toBe('START_TASK');
      expect(look(600, seen, { association: OFF, ...changes, memory: since(360), settings: { ...SETTINGS, stallSeconds: 2 * 21_700 } }).verdict).toBe('WAIT');
    });

    test('is asked about once', () => {
      const memory = at(7, zeros(0, 6)).memory;
      expect(at(8, points(7, 60), memory).verdict).toBe('START_TASK');
    });
  });

  test('a queue that was seen empty has left nothing', () => {
    expect(look(5, points(4, 60), { verification: 'BOTH', association: OFF, memory: { queue: { reason: 'QueueEmpty', at: iso(T0) } } }).verdict).toBe('START_TASK');
  });

  describe('the metric delays', () => {
    const at = (minute: number, seen: Point[], memory: DrainMemory = {}) => look(minute, seen, { verification: 'BOTH', memory });

    test.each<[string, (minute: number) => Point[]]>([
      ['missing', () => []], ['stale', () => zeros(0, 1)], ['full of gaps', (minute) => [...zeros(minute - 2, 1), ...zeros(minute - 4, 1)]],
    ])('%s: until the grace is over, counted from when it could have shown enough zeros', (_, seen) => {
      expect(at(22.9, seen(22)).verdict).toBe('WAIT');
      expect(brief(at(23, seen(23)))).toEqual(['SWITCH_OFF', 'SwitchingOff', undefined]);
      expect(at(23, seen(23)).memory.queue!.reason).not.toBe('QueueEmpty');
    });

    test('an empty queue: not at all', () => expect(at(4.1, zeros(0, 3))).toMatchObject({ verdict: 'SWITCH_OFF', memory: { queue: { reason: 'QueueEmpty' } } }));

    test('a backlog: as long as it is seen, and the grace begins again', () => {
      const seen = at(60, points(57, 3600));
      expect(brief(seen)).toEqual(['WAIT', 'QueueNotEmpty', undefined]);
      expect(at(76, [], seen.memory).verdict).toBe('WAIT');
      expect(at(77, [], seen.memory).verdict).toBe('SWITCH_OFF');
      expect(at(10_000, points(9_998, 1)).reason).toBe('QueueNotEmpty');
    });

    test('a point of no time or no number is no backlog', () => {
      expect(() => at(30, [{ at: NaN, ageSeconds: 5 }, { at: T0, ageSeconds: Infinity }, { at: T0, ageSeconds: NaN }])).not.toThrow();
    });

    test('once the proof has begun there is no way back', () => {
      const begun = at(4.1, zeros(0, 3)).memory;
      expect(at(5, points(4, 600), begun).verdict).toBe('SWITCH_OFF');
    });
  });

  describe('why files failed', () => {
    const failed = (report: FailuresReport | undefined, task: Partial<ExportTask> = {}, memory: Partial<TaskMemory> = {}, minute = 20) =>
      prove({ tasks: [{ ...TASK, lifecycle: 'FAILED', failed: 1, ...task }], report, memory: { ...STARTED, task: { ...STARTED.task!, ...memory } } }, minute);

    test.each<[string, string, string, boolean]>([
      ['PathSizeTooLong', 'x'.repeat(900), 'KeyTooLong', true],
      ['PathSizeTooLong', 'x\uFFFD', 'NameNotUtf8', true],
      ['S3ExportPathSizeTooLong', 'a', 'KeyTooLong', true],
      ['InternalError', 'x\uFFFD', 'NameNotUtf8', true],
      ['S3Error', 'x\uFFFD', 'NameNotUtf8', true],
      ['FileSizeTooLarge', 'a', 'FileTooLarge', true],
      ['S3AccessDenied', 'a', 'AccessDenied', false],
      ['S3AccessDenied', 'x\uFFFD', 'AccessDenied', false],
      ['S3KmsKeyNotFound', 'a', 'Kms', false],
      ['ResourceBusy', 'x\uFFFD', 'Busy', false],
      ['S3Error', 'a', 'S3Error', false],
      ['S3ObjectNotFound', 'a', 'S3Error', false],
      ['InternalError', 'a', 'InternalError', false],
      ['N/A', 'a', 'Unknown', false],
      ['', 'a', 'Unknown', false],
    ])('%s of %j is %s', (code, path, reason, forGood) => {
      const { verdict, error, failedFiles: told } = failed(csv([path, code]));
      expect(told).toMatchObject({ total: 1, byReason: { [reason]: { count: 1, fix: expect.stringMatching(/\w+ \w+/) } }, report: 's3://b/r/failures.csv' });
      expect([verdict, error]).toEqual(forGood ? ['FAILED', 'FilesNotExported'] : ['WAIT', undefined]);
    });

    test.each([['S3AccessDenied'], ['S3Error'], ['N/A']])('%s where FSx names the key is Kms', (code) => {
      expect(Object.keys(failed(csv(['a', code]), { failure: 'the KMS key is disabled' }).failedFiles!.byReason)).toEqual(['Kms']);
    });

    test('what may be different the next time is tried again, by a new token, a little later', () => {
      const first = failed(csv(['a', 'KeyTooLong'], ['b', 'PathSizeTooLong'], ['c', 'ResourceBusy']));
      expect(first).toMatchObject({ verdict: 'WAIT', memory: { task: { round: 2, notBefore: iso(T0 + 22 * MINUTE) } } });
      expect(first.memory.task!.id).toBeUndefined();
      expect(prove({ memory: first.memory, last: first }, 21)).toMatchObject({ verdict: 'WAIT', failedFiles: first.failedFiles });
      expect(prove({ memory: first.memory, last: first }, 22).verdict).toBe('START_TASK');
      expect(taskToken('arn:execution', 1)).not.toBe(taskToken('arn:execution', 2));
      expect(taskToken('arn:execution', 1)).not.toBe(taskToken('arn:other', 1));
      expect(taskToken('arn:execution', 5)).toMatch(/^export-5-[0-9a-f]{40}$/);
    });

    test('only what cannot help is left: an end', () => {
      expect(failed(csv(['a', 'PathSizeTooLong'], ['c', 'FileSizeTooLarge']), { failed: 2 })).toMatchObject({ verdict: 'FAILED', error: 'FilesNotExported' });
      expect(failed(csv(['a', 'PathSizeTooLong']), { failed: 2 }).verdict).toBe('WAIT'); // nobody knows what the other one is
    });

    test('a denial is repeated once: permissions take a while to arrive', () => {
      const first = failed(csv(['a', 'S3AccessDenied'], ['b', 'PathSizeTooLong']), { failed: 2 });
      expect(first).toMatchObject({ verdict: 'WAIT', memory: { task: { round: 2, denied: true } } });
      expect(failed(csv(['a', 'S3AccessDenied']), {}, { round: 2, denied: true })).toMatchObject({ verdict: 'FAILED', error: 'FilesNotExported' });
      expect(failed(csv(['a', 'S3AccessDenied']), {}, { round: 3, denied: false }).verdict).toBe('WAIT');
    });

    test.each<[string, FailuresReport | undefined, Partial<ExportTask>, string]>([
      ['busy', csv(['a', 'ResourceBusy']), {}, 'FilesNotExported'],
      ['no report of a failure', { location: 's3://b/r/', problem: 'there is no report' }, {}, 'FilesNotExported'],
      ['no failed file at all', undefined, { failed: 0, failure: 'the path does not exist' }, 'ExportNotProven'],
      ['canceled', undefined, { lifecycle: 'CANCELED' }, 'ExportNotProven'],
    ])('%s: five rounds, then an end', (_, report, task, error) => {
      const all = [1, 2, 3, 4, 5].map((round) => failed(report, task, { round, endedAt: iso(T0 + 10 * MINUTE) }));
      expect(all.map(({ verdict }) => verdict)).toEqual(['WAIT', 'WAIT', 'WAIT', 'WAIT', 'FAILED']);
      expect(all[4].error).toBe(error);
      expect(all.slice(0, 4).map(({ memory }) => (Date.parse(memory.task!.notBefore!) - T0) / MINUTE - 20)).toEqual([2, 8, 30, 60]);
    });

    test('a report may come later than the end of its task', () => {
      const none = { location: 's3://b/r/', problem: 'AccessDenied: no' };
      const first = failed(none);
      expect(first).toMatchObject({ verdict: 'WAIT', reason: 'ExportTaskEnded', memory: { task: { round: 1, endedAt: iso(T0 + 20 * MINUTE) } } });
      expect(failed(none, {}, first.memory.task, 22)).toMatchObject({
        reason: 'ExportTaskFailed', failedFiles: { total: 1, byReason: { Unknown: { count: 1, files: [] } }, report: 's3://b/r/ (could not be read: AccessDenied: no)' },
      });
    });

    test('what is told stays small, whatever failed', () => {
      const row = fc.tuple(fc.string({ unit: 'binary', maxLength: 400 }), fc.constantFrom('S3Error', 'ResourceBusy', 'PathSizeTooLong', 'S3AccessDenied', 'N/A', 'InternalError'));
      fc.assert(fc.property(fc.array(row, { minLength: 1, maxLength: 200 }), fc.nat(1000), (rows, count) => {
        const text = rows.map(([path, code]) => `"${path.replace(/"/g, '""')}",FAILED,${code}`).join('\r\n');
        const told = failedFiles(count, { location: 's3://b/r', text });
        expect(told.total).toBe(Math.max(count, rows.length));
        expect(Object.values(told.byReason).reduce((sum, each) => sum + each.count, 0)).toBe(told.total);
        for (const { files } of Object.values(told.byReason)) {
          expect(files.length).toBeLessThanOrEqual(10);
          for (const file of files) expect([...file].length).toBeLessThanOrEqual(200);
        }
        expect(Buffer.byteLength(listed(told, 8192))).toBeLessThanOrEqual(8192);
      }), { numRuns: 100 });
    });
  });

  describe('the report', () => {
    test('as the user guide shows it', () => {
      const text = 'FilePath,FileStatus,ErrorCode\r\n"""@filename.txt""",FAILED,S3Error\n\'+x\',failed,S3Error\n"file,name.txt",failed,S3Error\n"file""name.txt",Failed,S3Error\nok,SUCCEEDED,\n';
      expect(readReport(text).map(({ path }) => path)).toEqual(['@filename.txt', '+x', 'file,name.txt', 'file"name.txt']);
      expect(readReport('')).toEqual([]);
      expect(readReport('FilePath,FileStatus,ErrorCode\n')).toEqual([]);
      expect(readReport('a,failed')).toEqual([{ path: 'a', code: '' }]);
      expect(readReport('a,failed,S3Error\nb,fai', true)).toEqual([{ path: 'a', code: 'S3Error' }]);
      expect(readReport('two\nlines,failed,S3Error\nb,failed,N/A')).toEqual([{ path: 'two\nlines', code: 'S3Error' }, { path: 'b', code: 'N/A' }]);
    });

    test('every name comes back, with a header or without', () => {
      const name = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: fc.constantFrom(...'",\n\r@+-=\'a/'), minLength: 1 }))
        .filter((path) => !/^(["'])[@+\-=][^]*\1$/.test(path) && !path.startsWith('\uFEFF') && !/^filepath$/i.test(path));
      const written = (path: string) => /^[@+\-=]/.test(path) ? `"""${path.replace(/"/g, '""')}"""` : /[",\r\n]/.test(path) ? `"${path.replace(/"/g, '""')}"` : path;
      fc.assert(fc.property(fc.array(name, { maxLength: 20 }), fc.boolean(), fc.constantFrom('\n', '\r\n'), (names, header, end) => {
        const lines = [...(header ? ['FilePath,FileStatus,ErrorCode'] : []), ...names.map((path) => `${written(path)},failed,S3Error`)];
        expect(readReport(lines.map((line) => `${line}${end}`).join(''))).toEqual(names.map((path) => ({ path, code: 'S3Error' })));
      }), { numRuns: 300 });
    });

    test('no text makes it throw', () => {
      fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'",\n\r\'@a\uFFFD'), maxLength: 60 }), fc.boolean(), (text, truncated) => {
        for (const { path, code } of readReport(text, truncated)) expect([typeof path, typeof code]).toEqual(['string', 'string']);
      }), { numRuns: 500 });
    });
  });

  describe('whatever AWS turns out to do', () => {
    const readings = fc.record({
      emptyEvents: fc.constantFrom('accepted', 'refused', 'ignored'),
      omittedPolicy: fc.constantFrom('unchanged', 'cleared', 'refused'),
      updating: fc.nat(3),
      counts: fc.boolean(),
      pending: fc.nat(3),
      autoExport: fc.boolean(),
      onAgainAt: fc.option(fc.integer({ min: 0, max: 20 })),
      otherTask: fc.nat(3),
      executing: fc.nat(2),
    });

    test('the proof ends, and a link that cannot be switched off ends it by name', () => {
      fc.assert(fc.property(readings, (reading) => {
        let on = reading.autoExport;
        let updating = 0;
        let memory: DrainMemory = { queue: { reason: 'QueueEmpty', at: iso(T0) } };
        let executing = reading.executing;
        const tasks: (ExportTask & { endsAt: number })[] = [];
        const other: ExportTask = { id: 'task-0', lifecycle: 'EXECUTING', createdAt: T0 };
        let decision: Decision | undefined;
        for (let minute = 0; minute < 120; minute++) {
          const now = T0 + minute * MINUTE;
          if (minute === reading.onAgainAt && reading.autoExport) on = true;
          const shown = tasks.map(({ endsAt, ...task }) => ({ ...task, lifecycle: minute >= endsAt ? 'SUCCEEDED' : 'EXECUTING', failed: reading.counts ? 0 : undefined }));
          decision = look(minute, [], {
            verification: 'BOTH',
            autoExport: reading.autoExport,
            association: { lifecycle: updating-- > 0 ? 'UPDATING' : 'AVAILABLE', exportEvents: on ? ['NEW', 'CHANGED'] : [] },
            tasks: [...(minute < reading.otherTask ? [other] : []), ...shown],
            memory,
            last: decision,
          });
          memory = JSON.parse(JSON.stringify(decision.memory));
          if (decision.verdict === 'SWITCH_OFF') {
            expect(reading.autoExport).toBe(true);
            const answer = nextForm(memory.switchOff) === 'EMPTY_EVENTS' ? reading.emptyEvents : reading.omittedPolicy;
            if (answer === 'accepted' || answer === 'cleared') on = false;
            if (answer !== 'refused') updating = reading.updating;
            memory = { ...memory, switchOff: attempted(now, memory.switchOff, answer === 'refused' ? 'no' : undefined) };
          } else if (decision.verdict === 'START_TASK') {
            expect(on).toBe(false);
            const refusal = executing-- > 0 ? Object.assign(new Error('busy'), { name: 'DataRepositoryTaskExecuting' }) : undefined;
            const id = `task-${memory.task!.round}`;
            if (!refusal && !tasks.some((task) => task.id === id)) tasks.push({ id, lifecycle: 'PENDING', createdAt: now, endsAt: minute + reading.pending });
            memory = { ...memory, task: taskAttempted(now, memory.task!, refusal ? undefined : id, refusal) };
          } else if (decision.verdict !== 'WAIT') {
            break;
          }
        }
        const possible = !reading.autoExport || reading.emptyEvents === 'accepted' || reading.omittedPolicy === 'cleared';
        expect([decision!.verdict, decision!.error]).toEqual(possible ? ['PROVEN', undefined] : ['FAILED', 'AutoExportNotSwitchedOff']);
        if (possible) expect(tasks.find(({ id }) => id === decision!.task!.id)!.endsAt).toBeDefined();
        else expect(decision!.message).toMatch(/autoExport: false.*METRIC_ONLY/);
      }), { numRuns: 500 });
    });

    test('an update that has just been accepted gets a minute to show', () => {
      const switchOff = attempted(T0, undefined);
      expect(prove({ association: AVAILABLE, memory: { ...STARTED, switchOff } }, 0.9).verdict).toBe('WAIT');
      expect(prove({ association: AVAILABLE, memory: { ...STARTED, switchOff } }, 1).verdict).toBe('SWITCH_OFF');
      expect(prove({ association: AVAILABLE, memory: { ...STARTED, switchOff: attempted(T0, undefined, 'no') } }, 0.5).verdict).toBe('SWITCH_OFF');
      expect(switchOffToken('arn', switchOff)).not.toBe(switchOffToken('arn'));
      expect(nextForm({ ...switchOff, seenOffAt: iso(T0) })).toBe('EMPTY_EVENTS'); // it has worked
    });
  });
});

describe('slow or stuck?', () => {
  const STALL = { ...SETTINGS, stallSeconds: 3600 };
  const follow = (seen: (minute: number) => Partial<Look>, until = 600): Decision & { minute: number } => {
    let last: Decision | undefined;
    for (let minute = 0; minute <= until; minute += 5) {
      last = look(minute, [], { verification: 'BOTH', settings: STALL, memory: last ? JSON.parse(JSON.stringify(last.memory)) : {}, last, ...seen(minute) });
      if (last.verdict !== 'WAIT') return { ...last, minute };
    }
    return { ...last!, minute: until };
  };
  /** A backlog that nobody works on: its age grows by a minute a minute. */
  const stuck = (minute: number) => ({ points: points(minute - 1, (minute + 60) * 60) });

  test('a backlog that does not move ends the drain by name', () => {
    expect(follow(stuck)).toMatchObject({ verdict: 'FAILED', reason: 'ExportStalled', error: 'ExportStalled', message: expect.stringMatching(/since 2026-11-22T12:00.*QueueNotEmpty/), minute: 60 });
  });

  test.each<[string, (minute: number) => Partial<Look>]>([
    ['the oldest change is another one', (minute) => ({ points: points(minute - 1, (minute + 60) * 58) })],
    ['the age falls', (minute) => ({ points: points(minute - 1, 5000 - minute) })],
    ['objects land', (minute) => ({ ...stuck(minute), listing: { count: 5, newestAt: T0 + minute * MINUTE, more: false } })],
    ['objects go', (minute) => ({ ...stuck(minute), listing: { count: 1000 - minute, more: false } })],
    ['the task counts', (minute) => ({
      association: { lifecycle: 'AVAILABLE', exportEvents: [] },
      tasks: [{ id: 'task-1', lifecycle: 'EXECUTING', createdAt: T0, total: 1000, succeeded: minute }],
      ...(minute === 0 ? { memory: { queue: { reason: 'QueueEmpty', at: iso(T0) }, task: { round: 1, id: 'task-1', startedAt: iso(T0) } } } : {}),
    })],
  ])('%s: it is slow', (_, seen) => expect(follow(seen)).toMatchObject({ verdict: 'WAIT', minute: 600 }));

  test('a bucket that cannot be looked at, or does not change, is no progress', () => {
    expect(follow((minute) => ({ ...stuck(minute), listing: { count: 0, more: true, unknown: 'AccessDenied: no' } }))).toMatchObject({
      error: 'ExportStalled', message: expect.stringContaining('AccessDenied: no'), objects: { complete: false, unknown: 'AccessDenied: no' },
    });
    expect(follow((minute) => ({ ...stuck(minute), listing: { count: 7, newestAt: T0, more: false } }))).toMatchObject({
      error: 'ExportStalled', message: expect.stringContaining('7 seen'),
    });
  });

  test('a wait with an end of its own is no standstill', () => {
    expect(follow(() => ({ association: { ...AVAILABLE, lifecycle: 'MISCONFIGURED' }, settings: { ...STALL, misconfiguredGraceSeconds: 86_400 } }), 300).verdict).toBe('WAIT');
    expect(follow(() => ({ settings: { ...STALL, metricGraceSeconds: 86_400 } }), 300).reason).toBe('MetricUnknown');
    expect(follow(() => ({ quiet: T0 + 500 * MINUTE }), 400).reason).toBe('QuietTimeNotReached');
  });

  test('the bucket is looked at seldom', () => {
    const looked: DrainMemory = { progress: { movedAt: iso(T0), objects: { lookedAt: iso(T0), count: 0 } } };
    expect([isListingDue(T0, {}), isListingDue(T0 + 9.9 * MINUTE, looked), isListingDue(T0 + 10 * MINUTE, looked)]).toEqual([true, false, true]);
  });

  test('a sweep over several looks counts every object once', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 }), fc.array(fc.nat(19)), (pages, broken) => {
      let memory: ObjectsMemory | undefined;
      let from = 0;
      for (let i = 0; from < pages.length; i++) {
        const fails = broken.includes(i);
        memory = sweep(T0 + i, memory, fails ? { count: 0, more: true, unknown: 'no' } : { count: pages[from], newestAt: T0 + from, lastKey: `${from}`, more: from + 1 < pages.length });
        if (!fails) from++;
        expect(memory.swept === undefined).toBe(from < pages.length);
        if (from < pages.length) expect(memory.cursor).toBe(from === 0 ? undefined : `${from - 1}`);
        expect(JSON.stringify(memory).length).toBeLessThan(500);
      }
      expect(memory!.swept).toMatchObject({ count: pages.reduce((sum, each) => sum + each), newestAt: iso(T0 + pages.length - 1) });
      expect(memory!.cursor).toBeUndefined();
    }), { numRuns: 200 });
  });
});

describe('handler', () => {
  const S3 = { AutoExportPolicy: { Events: ['NEW', 'CHANGED'] }, AutoImportPolicy: { Events: ['NEW'] } };
  const found = { AssociationId: 'dra-1', Lifecycle: 'AVAILABLE', S3 };
  const named = (name: string, message = name) => Object.assign(new Error(message), { name });
  let fsx: jest.SpyInstance;
  let cloudWatch: jest.SpyInstance;
  let clock: jest.SpyInstance;

  beforeEach(() => {
    fsx = jest.spyOn(FSxClient.prototype, 'send').mockImplementation(async () => ({ Associations: [found] }));
    cloudWatch = jest.spyOn(CloudWatchClient.prototype, 'send').mockImplementation(async () => ({
      Datapoints: zeros(-20, 60).map(({ at, ageSeconds }) => ({ Timestamp: new Date(at), Maximum: ageSeconds })).reverse(),
    }));
    clock = jest.spyOn(Date, 'now').mockReturnValue(T0 + 40 * MINUTE + 5_000);
  });
  afterEach(() => jest.restoreAllMocks());

  const payload = (changes: Record<string, any> = {}): any => ({
    action: 'CheckMetrics',
    run: { token: 'a'.repeat(40) },
    execution: 'arn:execution',
    parameters: { lambdaPeriodSeconds: 60, lambdaTimeDiffMinutes: 15, exportVerification: 'METRIC_ONLY' },
    fileSystem: { fileSystemId: 'fs-1' },
    association: { associationId: 'dra-1' },
    job: { outcome: 'SUCCEEDED', lastWritePossibleAt: iso(T0) },
    compute: {},
    export: { proven: false, reason: 'NotProven', evidence: { reason: 'NotLookedYet', memory: {} } },
    settings: SETTINGS,
    ...changes,
  });
  const inputs = (spy: jest.SpyInstance, command: string) => spy.mock.calls.map(([sent]) => sent).filter((sent) => sent.constructor.name === `${command}Command`).map(({ input }) => input);

  test('reads Maximum at 60 s of the one file system, and proves an empty queue', async () => {
    await expect(handler(payload())).resolves.toMatchObject({ verdict: 'PROVEN', reason: 'QueueEmpty', zeros: 38, zerosNeeded: 15, quietAt: iso(T0 + 2 * MINUTE) });
    expect(inputs(fsx, 'DescribeDataRepositoryAssociations')).toEqual([{ AssociationIds: ['dra-1'] }]);
    const [read] = inputs(cloudWatch, 'GetMetricStatistics');
    expect(read).toMatchObject({
      Namespace: 'AWS/FSx',
      MetricName: 'AgeOfOldestQueuedMessage',
      Period: 60,
      Statistics: ['Maximum'],
      Dimensions: [{ Name: 'FileSystemId', Value: 'fs-1' }, { Name: 'Publisher', Value: 'AutoExport' }],
    });
    expect(read.EndTime.getTime()).toBe(T0 + 40 * MINUTE + 5_000);
    expect(read.EndTime - read.StartTime).toBeGreaterThanOrEqual((15 + 5) * MINUTE);
  });

  test.each([[3600, 15, 1], [86_400, 15, 4], [60, 1440, 2]])('no call asks for more than 1,440 points (period %i, range %i)', async (lambdaPeriodSeconds, lambdaTimeDiffMinutes, calls) => {
    await expect(handler(payload({ parameters: { lambdaPeriodSeconds, lambdaTimeDiffMinutes, exportVerification: 'METRIC_ONLY' } }))).resolves.toMatchObject({ verdict: 'WAIT', reason: 'TooFewZeros' });
    const reads = inputs(cloudWatch, 'GetMetricStatistics');
    expect(reads).toHaveLength(calls);
    reads.forEach((read, i) => {
      expect(read.EndTime - read.StartTime).toBeLessThanOrEqual(1440 * MINUTE);
      if (i > 0) expect(read.StartTime).toEqual(reads[i - 1].EndTime);
    });
  });

  test.each([
    ['no data', {}, 'MetricUnknown'],
    ['an empty list', { Datapoints: [] }, 'MetricUnknown'],
    ['points without a value', { Datapoints: [{ Timestamp: new Date(T0 + 38 * MINUTE) }] }, 'MetricUnknown'],
    ['points without a time', { Datapoints: [{ Maximum: 0 }] }, 'MetricUnknown'],
  ])('%s is unknown', async (_, answer, reason) => {
    cloudWatch.mockImplementation(async () => answer);
    await expect(handler(payload())).resolves.toMatchObject({ verdict: 'WAIT', reason });
  });

  test('a metric that cannot be read is an error only where it has a say', async () => {
    fsx.mockImplementation(async () => ({ Associations: [{ ...found, S3: {} }], DataRepositoryTasks: [] }));
    cloudWatch.mockImplementation(async () => { throw named('AccessDenied'); });
    const told = (exportVerification: string) => payload({ parameters: { lambdaPeriodSeconds: 60, lambdaTimeDiffMinutes: 15, exportVerification } });
    await expect(handler(told('BOTH'))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(handler(told('METRIC_ONLY'))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(handler(told('EXPORT_TASK_ONLY'))).resolves.toMatchObject({ verdict: 'START_TASK', memory: { leftovers: { reason: 'MetricUnknown' } } });
  });

  test('an association that is not found, not known, or without a field', async () => {
    await expect(handler(payload({ association: {} }))).rejects.toMatchObject({ name: 'AssociationFailed' });
    fsx.mockImplementation(async () => { throw named('DataRepositoryAssociationNotFound'); });
    await expect(handler(payload())).resolves.toMatchObject({ verdict: 'FAILED', error: 'AssociationFailed' });
    fsx.mockImplementation(async () => { throw named('ThrottlingException'); });
    await expect(handler(payload())).rejects.toMatchObject({ name: 'ThrottlingException' });
    for (const answer of [{}, { Associations: [] }, { Associations: [{ AssociationId: 'dra-1', S3 }] }]) {
      fsx.mockImplementation(async () => answer);
      await expect(handler(payload())).rejects.toMatchObject({ name: 'AnswerIncomplete' });
    }
  });

  test('an input that lost a part proves nothing', async () => {
    await expect(handler(payload({ export: { evidence: {} } }))).rejects.toMatchObject({ name: 'AnswerIncomplete' });
    await expect(handler(payload({ fileSystem: {} }))).rejects.toMatchObject({ name: 'AnswerIncomplete' });
    await expect(handler(payload({ parameters: { lambdaPeriodSeconds: 60 } }))).rejects.toMatchObject({ name: 'InvalidParameters' });
    await expect(handler(payload({ job: {} }))).resolves.toMatchObject({ verdict: 'FAILED', reason: 'QuietTimeUnknown' });
  });

  test('a MISCONFIGURED association is re-triggered once with its own policies and one token', async () => {
    const misconfigured = { ...found, Lifecycle: 'MISCONFIGURED', FailureDetails: { Message: 'bucket policy' } };
    fsx.mockImplementation(async (command: any) => {
      if (command.constructor.name.startsWith('Update')) throw named('BadRequest', 'not now');
      return { Associations: [misconfigured] };
    });
    let evidence: any = { reason: 'NotLookedYet', memory: {} };
    for (let minute = 0; evidence.verdict !== 'FAILED' && minute < 30; minute++) {
      clock.mockReturnValue(T0 + minute * MINUTE);
      const event = payload({ export: { proven: false, reason: 'NotProven', evidence } });
      const answer = await handler(event);
      if (minute === 15) expect(await handler(event)).toEqual(answer); // Step Functions tries the look again
      evidence = JSON.parse(JSON.stringify(answer));
    }
    const update = { AssociationId: 'dra-1', ClientRequestToken: `retrigger-${executionToken('arn:execution')}`, S3 };
    expect(inputs(fsx, 'UpdateDataRepositoryAssociation')).toEqual([update, update]);
    await expect(handler({ action: 'GiveUpDrain', export: { proven: false, evidence } })).rejects.toMatchObject({
      name: 'AssociationMisconfigured', message: expect.stringMatching(/bucket policy.*not now/),
    });
  });

  describe('with an export task', () => {
    const TOKEN = /^(export|off)-\d-[0-9a-f]{40}$/;
    const association = { associationId: 'dra-1', fileSystemPath: '/export', dataRepositoryPath: 's3://results/run-1/' };
    const refused = (name: string) => named(name, 'not now');
    let answers: Record<string, any>;
    let s3: jest.SpyInstance;

    beforeEach(() => {
      answers = {
        DescribeDataRepositoryAssociations: { Associations: [{ ...found, S3: { AutoImportPolicy: { Events: ['NEW'] } } }] },
        DescribeDataRepositoryTasks: { DataRepositoryTasks: [] },
        UpdateDataRepositoryAssociation: {},
        CreateDataRepositoryTask: { DataRepositoryTask: { TaskId: 'task-1' } },
        ListObjectsV2: { Contents: [{ Key: 'run-1/a', LastModified: new Date(T0) }], IsTruncated: false },
        GetObject: { Body: { transformToString: async () => 'export/a,failed,PathSizeTooLong\n' } },
      };
      const send = async (command: any) => {
        const answer = answers[command.constructor.name.replace('Command', '')];
        if (answer instanceof Error) throw answer;
        return typeof answer === 'function' ? answer(command.input) : answer;
      };
      fsx.mockImplementation(send);
      s3 = jest.spyOn(S3Client.prototype, 'send').mockImplementation(send);
    });

    const check = (evidence: any = { reason: 'NotLookedYet', memory: {} }): any => handler(payload({
      run: { token: 'a'.repeat(40), id: 'run-1' },
      parameters: { lambdaPeriodSeconds: 60, lambdaTimeDiffMinutes: 15, exportVerification: 'BOTH', autoExport: true },
      association,
      export: { proven: false, reason: 'NotProven', evidence },
    }));
    const act = (action: string, memory: DrainMemory, changes = {}): any => handler({
      action, run: { id: 'run-1', executionArn: 'arn:run' }, fileSystem: { fileSystemId: 'fs-1' }, association, execution: 'arn:self', export: { evidence: { memory } }, ...changes,
    });
    const task = { TaskId: 'task-1', Lifecycle: 'FAILED', CreationTime: new Date(T0 + 30 * MINUTE), Status: { TotalCount: 2, SucceededCount: 1, FailedCount: 1 } };
    const running: DrainMemory = { queue: { reason: 'QueueEmpty', at: iso(T0) }, task: { round: 1, id: 'task-1', startedAt: iso(T0 + 30 * MINUTE) } };

    test('looks at link, tasks and bucket, and not at the metric once the proof has begun', async () => {
      answers.DescribeDataRepositoryTasks = ({ NextToken }: any) => NextToken ? { DataRepositoryTasks: [{ ...task, Lifecycle: 'SUCCEEDED', Status: {} }] } : { NextToken: 'more' };
      await expect(check({ memory: running })).resolves.toMatchObject({ verdict: 'PROVEN', reason: 'EveryFileExported', objects: { count: 1, newestAt: iso(T0), complete: true } });
      expect(inputs(fsx, 'DescribeDataRepositoryTasks')[0]).toMatchObject({ Filters: [{ Name: 'file-system-id', Values: ['fs-1'] }] });
      expect(cloudWatch).not.toHaveBeenCalled();
      delete (answers.DescribeDataRepositoryTasks = { DataRepositoryTasks: [{ ...task, CreationTime: undefined }] }).DataRepositoryTasks[0].CreationTime;
      await expect(check({ memory: running })).rejects.toMatchObject({ name: 'AnswerIncomplete' });
    });

    test.each(['task-1/', 'task-task-1/'])('reads the report of its own task, in %s', async (folder) => {
      const directory = 'run-1/.lustre-auto-export/run-1/';
      const keys = [`${directory}task-0/failures.csv`, `${directory}${folder}failures.csv`];
      answers.ListObjectsV2 = ({ Prefix, StartAfter }: any) => {
        const [first, ...others] = keys.filter((key) => key.startsWith(Prefix) && (!StartAfter || key > StartAfter));
        return { Contents: [{ Key: first }], IsTruncated: others.length > 0 };
      };
      answers.DescribeDataRepositoryTasks = { DataRepositoryTasks: [task] };
      const evidence = await check({ memory: running });
      expect(evidence).toMatchObject({ verdict: 'FAILED', error: 'FilesNotExported', failedFiles: { byReason: { KeyTooLong: { files: ['export/a'] } }, report: `s3://results/${keys[1]}` } });
      expect(inputs(s3, 'GetObject')).toEqual([{ Bucket: 'results', Key: keys[1], Range: expect.stringMatching(/^bytes=0-\d+$/) }]);
      await expect(handler({ action: 'GiveUpDrain', export: { evidence } })).rejects.toMatchObject({ name: 'FilesNotExported', message: expect.stringMatching(/Full report: s3:.*failures\.csv\nKeyTooLong: 1[^]*export\/a/) });
    });

    test('the beginning of a report that is too long says nothing of the rest', async () => {
      answers.ListObjectsV2 = { Contents: [{ Key: 'run-1/.lustre-auto-export/run-1/task-1/failures.csv' }] };
      answers.GetObject = { ContentRange: 'bytes 0-4194303/99999999', Body: { transformToString: async () => 'a,failed,PathSizeTooLong\nb,fai' } };
      answers.DescribeDataRepositoryTasks = { DataRepositoryTasks: [{ ...task, Status: { FailedCount: 9 } }] };
      await expect(check({ memory: running })).resolves.toMatchObject({ verdict: 'WAIT', failedFiles: { total: 9, byReason: { KeyTooLong: { count: 1 }, Unknown: { count: 8 } } } });
    });

    test.each(['AccessDenied', 'NoSuchBucket', 'TimeoutError'])('a bucket that answers %s fails nothing', async (name) => {
      answers.ListObjectsV2 = refused(name);
      answers.DescribeDataRepositoryTasks = { DataRepositoryTasks: [task] };
      await expect(check({ memory: running })).resolves.toMatchObject({ verdict: 'WAIT', reason: 'ExportTaskEnded', objects: { unknown: expect.stringContaining(name) } });
      answers.DescribeDataRepositoryTasks = { DataRepositoryTasks: [{ ...task, Lifecycle: 'SUCCEEDED', Status: {} }] };
      await expect(check({ memory: running })).resolves.toMatchObject({ verdict: 'PROVEN' });
    });

    test('a large prefix is gone through in several looks', async () => {
      answers.ListObjectsV2 = ({ StartAfter = '0' }: any) => ({ Contents: [{ Key: `${Number(StartAfter) + 1}`, LastModified: new Date(T0) }], IsTruncated: Number(StartAfter) < 70 });
      const first = await check();
      expect(first).toMatchObject({ objects: { count: 50, complete: false }, memory: { progress: { objects: { cursor: '50' } } } });
      await check(first); // too soon
      expect(inputs(s3, 'ListObjectsV2')).toHaveLength(50);
      clock.mockReturnValue(T0 + 51 * MINUTE);
      expect(await check(first)).toMatchObject({ objects: { count: 71, complete: true } });
      expect(inputs(s3, 'ListObjectsV2')[50]).toEqual({ Bucket: 'results', Prefix: 'run-1/', StartAfter: '50' });
    });

    test('switches off by one form, then by the other; import stays as it is; a lost answer asks the same again', async () => {
      answers.UpdateDataRepositoryAssociation = refused('BadRequest');
      const first = await act('SwitchOffAutomaticExport', {});
      expect(await act('SwitchOffAutomaticExport', {})).toEqual(first);
      expect(first.switchOff).toMatchObject({ attempts: 1, refused: true, refusals: { EMPTY_EVENTS: 'not now' } });
      answers.UpdateDataRepositoryAssociation = {};
      expect((await act('SwitchOffAutomaticExport', first)).switchOff).toMatchObject({ attempts: 2, refused: false, form: 'NO_POLICY' });
      const [one, same, two] = inputs(fsx, 'UpdateDataRepositoryAssociation');
      expect(one).toEqual({ AssociationId: 'dra-1', ClientRequestToken: expect.stringMatching(TOKEN), S3: { AutoExportPolicy: { Events: [] }, AutoImportPolicy: { Events: ['NEW'] } } });
      expect(same).toEqual(one);
      expect(two).toEqual({ AssociationId: 'dra-1', ClientRequestToken: expect.stringMatching(TOKEN), S3: { AutoImportPolicy: { Events: ['NEW'] } } });
      expect(two.ClientRequestToken).not.toBe(one.ClientRequestToken);
    });

    test('starts a task on the directory, with a report inside the link, and tags; a lost answer asks the same again', async () => {
      expect((await act('StartExportTask', { task: { round: 2, refusal: 'x', refusedSince: iso(T0) } })).task).toEqual({ round: 2, id: 'task-1', startedAt: iso(T0 + 40 * MINUTE + 5_000) });
      await act('StartExportTask', { task: { round: 2 } });
      await act('StartExportTask', { task: { round: 2 } }, { execution: 'arn:other' });
      const [one, same, other] = inputs(fsx, 'CreateDataRepositoryTask');
      expect(one).toEqual({
        Type: 'EXPORT_TO_REPOSITORY',
        FileSystemId: 'fs-1',
        Paths: ['export'],
        Report: { Enabled: true, Path: 's3://results/run-1/.lustre-auto-export/run-1', Format: 'REPORT_CSV_20191124', Scope: 'FAILED_FILES_ONLY' },
        ClientRequestToken: expect.stringMatching(TOKEN),
        Tags: expect.arrayContaining([{ Key: 'cdk-lustre-auto-export:run-id', Value: 'run-1' }]),
      });
      expect(same).toEqual(one);
      expect(other.ClientRequestToken).not.toBe(one.ClientRequestToken);
    });

    test.each([
      ['DataRepositoryTaskExecuting', undefined], ['BadRequest', iso(T0 + 40 * MINUTE + 5_000)], ['UnsupportedOperation', iso(T0 + 40 * MINUTE + 5_000)],
    ])('a task that is refused with %s is asked for again', async (name, refusedSince) => {
      answers.CreateDataRepositoryTask = refused(name);
      const { task: memory } = await act('StartExportTask', {});
      expect(memory).toEqual({ round: 1, refusal: `${name}: not now`, ...(refusedSince ? { refusedSince } : {}) });
    });

    test('whatever else goes wrong is tried again by Step Functions', async () => {
      answers.CreateDataRepositoryTask = refused('InternalServerError');
      await expect(act('StartExportTask', {})).rejects.toMatchObject({ name: 'InternalServerError' });
      answers.CreateDataRepositoryTask = {};
      await expect(act('StartExportTask', {})).rejects.toMatchObject({ name: 'AnswerIncomplete' });
      answers.UpdateDataRepositoryAssociation = refused('InternalServerError');
      await expect(act('SwitchOffAutomaticExport', {})).rejects.toMatchObject({ name: 'InternalServerError' });
    });
  });

  test('giving up tells slow from stuck', async () => {
    cloudWatch.mockImplementation(async () => ({ Datapoints: [{ Timestamp: new Date(T0 + 38 * MINUTE), Maximum: 1234 }] }));
    const evidence = await handler(payload());
    await expect(handler({ action: 'GiveUpDrain', export: { proven: false, evidence } })).rejects.toMatchObject({
      name: 'DrainTimedOut',
      message: expect.stringMatching(/QueueNotEmpty since 2026-11-22T12:40:05.*1234 s at 2026-11-22T12:38:00/),
    });
    await expect(handler({ action: 'GiveUpDrain', export: { evidence: { memory: {} } } })).rejects.toMatchObject({ name: 'DrainTimedOut' });
  });
});

import { readFileSync } from 'node:fs';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { FSxClient } from '@aws-sdk/client-fsx';
import * as fc from 'fast-check';
import { decide, Decision, Look } from '../lambda-src/drain-decision';
import { handler } from '../lambda-src/export-drain.lambda';
import { Association, retriggered } from '../lambda-src/link-health';
import { iso, Point, zerosNeeded } from '../lambda-src/queue-age';
import { quietTime } from '../lambda-src/quiet-time';
import { DrainMemory, DrainSettings } from '../src/private/export-drain-payloads';

const MINUTE = 60_000;
const T0 = Date.parse('2026-11-22T12:00:00Z');
const SETTINGS: DrainSettings = { consecutiveZeros: 3, evictionSeconds: 600, publicationLagSeconds: 120, misconfiguredGraceSeconds: 1200 };
const AVAILABLE: Association = { lifecycle: 'AVAILABLE', exportEvents: ['NEW', 'CHANGED', 'DELETED'] };

/** Points at minutes since T0. */
const points = (from: number, ...ages: number[]): Point[] => ages.map((ageSeconds, i) => ({ at: T0 + (from + i) * MINUTE, ageSeconds }));
const zeros = (from: number, count: number) => points(from, ...Array<number>(count).fill(0));

/** One look at a minute since T0, with a quiet time of T0. */
function look(minute: number, seen: Point[], changes: Partial<Look> = {}): Decision {
  return decide({
    now: T0 + minute * MINUTE, quiet: T0, points: seen, association: AVAILABLE, needed: 3, settings: SETTINGS, memory: {}, ...changes,
  });
}

/** Looks one after the other, each with the memory of the one before as it comes back through the state document. */
function looks(...each: { minute: number; seen?: Point[]; lifecycle?: string; changes?: Partial<Look> }[]): Decision[] {
  let memory: DrainMemory = {};
  let lastReason: string | undefined;
  return each.map(({ minute, seen, lifecycle, changes }) => {
    const association = { ...AVAILABLE, lifecycle: lifecycle ?? 'AVAILABLE', failure: lifecycle && 'the bucket is gone' };
    const decision = look(minute, seen ?? [], { association, memory, lastReason, ...changes });
    memory = JSON.parse(JSON.stringify(decision.memory));
    if (decision.action === 'RETRIGGER') memory = retriggered(T0 + minute * MINUTE, memory);
    lastReason = decision.reason;
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
    parameters: { lambdaPeriodSeconds: 60, lambdaTimeDiffMinutes: 15 },
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
    await expect(handler(payload({ parameters: { lambdaPeriodSeconds, lambdaTimeDiffMinutes } }))).resolves.toMatchObject({ verdict: 'WAIT', reason: 'TooFewZeros' });
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
    const update = { AssociationId: 'dra-1', ClientRequestToken: `retrigger-${'a'.repeat(40)}`, S3 };
    expect(inputs(fsx, 'UpdateDataRepositoryAssociation')).toEqual([update, update]);
    await expect(handler({ action: 'GiveUpDrain', export: { proven: false, evidence } })).rejects.toMatchObject({
      name: 'AssociationMisconfigured', message: expect.stringMatching(/bucket policy.*not now/),
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

import { readFileSync } from 'fs';
import { join } from 'path';
import { FileSystemTypeVersion } from 'aws-cdk-lib/aws-fsx';
import { Duration, Size } from 'aws-cdk-lib/core';
import * as fc from 'fast-check';
import { Run } from '../../local/engine';
import { measuredCurve, MetricFault, MetricFaults } from '../../local/models/metric-faults';
import { SWITCHES } from '../../local/switches';
import { Switches } from '../../local/world';
import { JobImage, LustreAutoExportPipelineProps, WhenInUse } from '../../src';
import { BRISK, calls, minutes, Rehearsal, RehearsalOptions, states, summary, tries, work, writtenAnew } from '../helpers/pipeline-run';
import { EXHAUSTIVE, exhaustive } from '../helpers/sample';

/** Every run of these tests, whatever becomes of it, keeps the invariants. */
async function rehearse(options: RehearsalOptions = {}, input: object = BRISK, prepare: (rehearsal: Rehearsal) => void = () => {}) {
  const rehearsal = new Rehearsal(options);
  prepare(rehearsal);
  const run = await rehearsal.run(input);
  expect(await rehearsal.violations()).toEqual([]);
  return { run, rehearsal, ...rehearsal.models };
}

const START = Date.parse('2026-11-22T15:00:00Z');
const MINUTE = 60_000;
const at = (minute: number) => START + minute * MINUTE;
const longJob = work({ files: 60, seconds: 3600 });

describe('a run in which nothing goes wrong', () => {
  let happy: Awaited<ReturnType<typeof rehearse>>;
  beforeAll(async () => { happy = await rehearse({}, {}); });

  test('passes the eleven steps of the seed in their order, and nothing of the failure path', () => {
    const seed = ['GetSecret', 'ExtractParameters', 'CreateLustreFileSystem', 'CreateDataRepositoryAssociation', 'WaitForFileSystem', 'CheckFileSystemStatus',
      'CheckDataRepositoryAssociation', 'IsFileSystemAndAssociationAvailable', 'CreateLaunchTemplate', 'UpdateComputeEnvironment', 'CreateJobDefinition', 'SubmitJob',
      'WaitForJobCompletion', 'CheckJobStatus', 'IsJobComplete', 'CheckMetrics', 'ShouldDeleteFSx', 'DeleteFSx'];
    expect([...new Set(states(happy.run))].filter((state) => seed.includes(state))).toEqual(seed);
    expect(states(happy.run)).not.toContain('FindRunResources');
    expect(states(happy.run)).not.toContain('KeepFileSystem');
    expect(happy.run.status).toBe('SUCCEEDED');
  });

  test('has everything in the bucket and deletes the file system, once each', () => {
    expect(happy.rehearsal.closed.size).toBe(13);
    expect(happy.rehearsal.missing()).toEqual([]);
    expect(happy.fsx.living()).toEqual([]);
    expect(happy.fsx.deletions()[0].files).toHaveLength(13);
    for (const action of ['CreateFileSystem', 'CreateDataRepositoryAssociation', 'SubmitJob', 'RegisterJobDefinition', 'CreateLaunchTemplate', 'DeleteFileSystem']) {
      expect([action, calls(happy.run, action).length]).toEqual([action, 1]);
    }
  });

  test('puts the container on the exported directory of its own file system, whatever user it runs as', () => {
    const [{ mounts }] = happy.batch.containers;
    const { fileSystemId } = calls(happy.run, 'CreateFileSystem').map(({ answer }: any) => ({ fileSystemId: answer.FileSystem.FileSystemId }))[0];
    expect(mounts).toEqual([expect.objectContaining({ containerPath: '/lustre', fileSystemId, directory: '/export', hostPath: expect.stringContaining(fileSystemId) })]);
  });

  test('tells as its output what became of everything', () => {
    const { output } = happy.run;
    const [created] = calls(happy.run, 'CreateFileSystem') as any[];
    expect(output).toMatchObject({
      status: 'SUCCEEDED',
      runId: created.input.Tags.find(({ Key }: any) => Key === 'cdk-lustre-auto-export:run-id').Value,
      executionArn: happy.run.executionArn,
      fileSystem: { id: created.answer.FileSystem.FileSystemId, deleted: true },
      s3Location: (calls(happy.run, 'CreateDataRepositoryAssociation')[0] as any).input.DataRepositoryPath,
      job: { outcome: 'SUCCEEDED', ids: happy.batch.jobs.map(({ id }) => id), attempts: 1 },
      export: { proven: true, reason: 'EveryFileExported', evidence: { lifecycle: 'AVAILABLE', memory: { queue: { reason: 'QueueEmpty', zeros: 15 } } } },
      cleanUpFailures: {},
    });
    const { times } = output;
    const order = ['runStarted', 'fileSystemCreated', 'jobSubmitted', 'jobStarted', 'jobStopped', 'instancesGone', 'drainStarted', 'drainEnded', 'fileSystemDeleted', 'runEnded'];
    expect(Object.keys(times)).toEqual(order);
    const sorted = order.map((phase) => Date.parse(times[phase]));
    expect(sorted).toEqual([...sorted].sort((a, b) => a - b));
    expect(Date.parse(output.latestPossibleNotice)).toBeGreaterThan(Date.parse(times.instancesGone));
    expect(Date.parse(times.drainEnded) - Date.parse(output.latestPossibleNotice)).toBeGreaterThanOrEqual(15 * MINUTE);
  });
});

describe('interruptions', () => {
  const interrupted = (interruptions: number, attempts: number, more: RehearsalOptions = {}) =>
    rehearse({ job: longJob, interruptions, ...more }, { ...BRISK, jobDefinitionRetryAttempts: attempts });

  test.each(EXHAUSTIVE ? [0, 1, 5] : [5])('%d of them: the job goes on where it was', async (count) => {
    const { run, rehearsal, batch } = await interrupted(count, 6);
    expect(run.status).toBe('SUCCEEDED');
    expect(run.output.job.attempts).toBe(count + 1);
    expect(new Set(batch.containers.map(({ instanceId }) => instanceId)).size).toBe(count + 1);
    expect(rehearsal.closed.size).toBe(61);
    expect(rehearsal.missing()).toEqual([]);
  });

  test.each(['hostTerminated', 'exit137', 'exit143'])('one more than there are attempts, shown as %s', async (reclaimShowsAs) => {
    const { run, rehearsal, fsx } = await interrupted(3, 3, { switches: { reclaimShowsAs } });
    expect([run.status, run.error]).toEqual(['FAILED', 'JobAttemptsExhausted']);
    expect(run.cause).toMatch(/used all 3 attempts \(jobDefinitionRetryAttempts\)[^]*everything on it is in s3:\/\//);
    expect(summary(run).job.attempts).toBe(3);
    expect(rehearsal.closed.size).toBeGreaterThan(1);
    expect(rehearsal.missing()).toEqual([]);
    expect(fsx.living()).toEqual([]);
  });

  test.each<Switches>([
    { reclaimShowsAs: 'exit137' }, { reclaimShowsAs: 'exit143', endedInstance: 'notFound' }, { reclaimShowsAs: 'exit137', endedContainerInstance: 'missing', spotNotice: 'none' },
  ])('that look like a kill of the container are submitted again: %j', async (switches) => {
    const { run, batch } = await interrupted(2, 3, { switches });
    expect([run.status, run.output?.job.attempts]).toEqual(['SUCCEEDED', 3]);
    expect(batch.jobs.map(({ given }) => given.retryStrategy.attempts)).toEqual([3, 2, 1]);
  });

  test('a container that was killed on a living instance has failed by itself', async () => {
    const { run } = await rehearse({ job: async (job) => { job.save('a', 1); await job.wait(60); job.exit(137); } });
    expect([run.error, summary(run).job.attempts]).toEqual(['JobFailed', 1]);
  });
});

describe('what is slow', () => {
  exhaustive('a file system of half an hour, and an association of forty minutes more', async () => {
    const { run } = await rehearse({ switches: { fileSystemCreation: 'halfAnHour' }, props: { lustreCreationTimeout: Duration.hours(2) } }, BRISK,
      ({ models }) => { models.fsx.durations.createAssociation = 40 * MINUTE; });
    expect(run.status).toBe('SUCCEEDED');
    expect(minutes(run, 'CreateLaunchTemplate')).toBeGreaterThanOrEqual(70);
  });

  exhaustive('a Lustre client that installs at the third try', async () => {
    const { run, ec2 } = await rehearse({ host: { installFailures: 2 } });
    expect(run.status).toBe('SUCCEEDED');
    expect(ec2.instances).toHaveLength(1);
  });

  test('an export that goes on for hours when the job has ended', async () => {
    const { run, rehearsal } = await rehearse({ job: (job) => job.saveMany('many', 100_000, 1000) }, BRISK, ({ models }) => models.fsx.setPace({ objectsPerSecond: 10 }));
    expect(run.status).toBe('SUCCEEDED');
    expect(run.output.export.evidence.memory.highestAgeSeconds).toBeGreaterThan(9000);
    expect(rehearsal.models.fsx.deletions()[0].files).toEqual([expect.objectContaining({ count: 100_000, missing: 0 })]);
  });
});

describe('an export task alone proves', () => {
  const alone = { ...BRISK, exportVerification: 'EXPORT_TASK_ONLY' };

  test.each(['kept', 'dropped'])('files written anew behind a backlog that is %s when automatic export is switched off', async (queueWhenDisabled) => {
    const slowly = ({ models }: Rehearsal) => models.fsx.setPace({ objectsPerSecond: 1 });
    const { run, rehearsal } = await rehearse({ job: writtenAnew, switches: { queueWhenDisabled } }, alone, slowly);
    expect([run.status, run.output.export.evidence.memory.leftovers.reason]).toEqual(['SUCCEEDED', 'QueueEmpty']);
    expect(rehearsal.missing()).toEqual([]);
    expect(minutes(run) > 60).toBe(queueWhenDisabled === 'kept');
  });

  test('a queue that stands still: after some hours', async () => {
    const { run, rehearsal } = await rehearse({}, alone, ({ models }) => models.fsx.setPace({ objectsPerSecond: 1e-6 }));
    expect([run.status, run.output.export.evidence.memory.leftovers.reason]).toEqual(['SUCCEEDED', 'QueueNotEmpty']);
    expect(rehearsal.missing()).toEqual([]);
    expect(minutes(run)).toBeGreaterThan(6 * 60);
  });
});

describe('the metric misleads, and yet no file is deleted that is not in the bucket', () => {
  /** A backlog of about half an hour that begins when the job ends. */
  const backlog = { job: work({ files: 3, seconds: 60 }), props: { drainTimeout: Duration.hours(6) } };
  const slowly = (fault: MetricFault) => ({ models }: Rehearsal) => {
    models.fsx.setPace({ objectsPerSecond: 0.004 });
    models.cloudWatch.mislead(fault);
  };
  const SILENT: [string, MetricFault][] = [
    ['is never there', MetricFaults.missing()],
    ['stops in the backlog', MetricFaults.missing(at(25))],
    ['comes half an hour late', MetricFaults.late(30 * MINUTE)],
  ];

  test.each([
    ['is late', MetricFaults.late(2 * MINUTE)],
    ['has gaps', MetricFaults.gaps(7)],
    ['is missing for two hours', MetricFaults.missing(0, at(120))],
    ['starts when the backlog has begun', MetricFaults.missing(0, at(30))],
  ])('it %s', async (_, fault) => {
    const { run, rehearsal } = await rehearse(backlog, BRISK, slowly(fault));
    expect(run.status).toBe('SUCCEEDED');
    expect(rehearsal.missing()).toEqual([]);
  });

  test.each(SILENT)('it %s: the export task proves all the same', async (_, fault) => {
    const { run, rehearsal } = await rehearse(backlog, BRISK, slowly(fault));
    expect([run.status, run.output.export.reason, run.output.export.evidence.memory.queue.reason]).toEqual(['SUCCEEDED', 'EveryFileExported', expect.stringMatching(/^Metric/)]);
    expect(rehearsal.missing()).toEqual([]);
  });

  test.each(SILENT)('it %s, and nothing but the metric may prove: the run ends, and keeps the file system', async (_, fault) => {
    const { run, rehearsal } = await rehearse(backlog, { ...BRISK, exportVerification: 'METRIC_ONLY' }, slowly(fault));
    expect([run.status, run.error]).toEqual(['FAILED', 'DrainTimedOut']);
    expect(run.cause).toMatch(/METRIC|Metric|data point/);
    expect(rehearsal.kept()).toEqual(['drain: DrainTimedOut']);
    expect(minutes(run)).toBeGreaterThan(6 * 60);
  });

  test('it is zero from the start, because nothing was ever written', async () => {
    const { run } = await rehearse({ job: (job) => job.wait(60) }, BRISK, ({ models }) => models.cloudWatch.mislead(MetricFaults.zero()));
    expect([run.status, run.output.export.reason]).toEqual(['SUCCEEDED', 'EveryFileExported']);
  });

  test('it is zero from the start although a short backlog waits', async () => {
    const { run, rehearsal } = await rehearse({ job: work({ files: 3, seconds: 60 }) }, { ...BRISK, lambdaTimeDiffMinutes: 15 },
      ({ models }) => { models.fsx.setPace({ objectsPerSecond: 0.01 }); models.cloudWatch.mislead(MetricFaults.zero()); });
    expect(run.status).toBe('SUCCEEDED');
    expect(rehearsal.missing()).toEqual([]);
  });

  test.each([1, 5, 10])('the backlog begins only %d minutes after the job has ended', async (delay) => {
    const { run, rehearsal } = await rehearse({ job: work({ files: 6, seconds: 60 }) }, { ...BRISK, lambdaTimeDiffMinutes: 15 },
      ({ models }) => models.fsx.setPace({ delayMs: delay * MINUTE, objectsPerSecond: 0.01 }));
    expect(run.status).toBe('SUCCEEDED');
    expect(rehearsal.missing()).toEqual([]);
  });

  test('the measured curve of a million files: nothing before its end counts', async () => {
    const curve = measuredCurve(readFileSync(join(__dirname, '..', 'fixtures', 'autoexport-age-1M-10KB.csv'), 'utf8'));
    let written = 0;
    const { run, fsx } = await rehearse({
      job: async (job) => { job.saveMany('many', 1_000_000, 10_240); written = job.clock.now(); },
    }, BRISK, ({ models }) => models.cloudWatch.mislead((truth, minute) => written === 0 ? truth : MetricFaults.curve(curve, written)(truth, minute)));
    expect(run.status).toBe('SUCCEEDED');
    expect(fsx.deletions()[0].files).toEqual([expect.objectContaining({ count: 1_000_000, missing: 0 })]);
    const zeroAgain = curve.length - [...curve].reverse().findIndex((age) => age > 0);
    expect(fsx.deletions()[0].at).toBeGreaterThan(written + zeroAgain * MINUTE);
  });

  // a link that was broken and mended while the job wrote: only the proof of every file can tell
  const unseen: RehearsalOptions = { job: longJob, faults: [{ at: 14 * 60, do: 'associationMisconfigured' }, { at: 16 * 60, do: 'associationMended' }] };
  test('files that were written while nobody saw that the link was MISCONFIGURED are found by the export task', async () => {
    const { run, rehearsal, fsx } = await rehearse(unseen);
    expect([run.status, rehearsal.missing()]).toEqual(['SUCCEEDED', []]);
    expect(fsx.task()!.describe()).toMatchObject({ Status: { SucceededCount: expect.any(Number) } });
    expect((fsx.task()!.describe() as any).Status.SucceededCount).toBeGreaterThan(0);
  });

  test('and are lost, as METRIC_ONLY warns, without it: the auditor sees that', async () => {
    const rehearsal = new Rehearsal(unseen);
    const run = await rehearsal.run({ ...BRISK, exportVerification: 'METRIC_ONLY' });
    expect([run.status, (await rehearsal.violations()).some((each) => each.startsWith('I1'))]).toEqual(['SUCCEEDED', true]);
  });
});

describe('each run-time parameter from each of its sources', () => {
  const input = (run: Run, action: string): any => calls(run, action)[0].input;
  const container = (run: Run) => input(run, 'RegisterJobDefinition').containerProperties;
  const needs = (run: Run, type: string) => Number(container(run).resourceRequirements.find((each: any) => each.type === type).value);
  const secondsBetween = (run: Run, state: string) => {
    const [first, second] = tries(run, state).map(({ startedAt }) => Date.parse(startedAt) / 1000);
    return second - first;
  };
  /** Minutes of the metric that a look reads, without the six that any look reads more. */
  const lookedAt = (run: Run) => (Date.parse(input(run, 'GetMetricStatistics').EndTime) - Date.parse(input(run, 'GetMetricStatistics').StartTime)) / MINUTE - 6;
  const runIdOf = (run: Run) => summary(run).runId;

  /** What a run shows of a parameter, with a value for props, secret and input. */
  interface Shown {
    readonly [name: string]: {
      readonly of: [unknown, unknown, unknown];
      readonly see: (run: Run) => unknown;
      /** Where it is not the value itself. */
      readonly shows?: (value: any, run: Run) => unknown;
    };
  }

  async function threeRuns(props: object, shown: Shown): Promise<void> {
    const values = (source: number) => Object.fromEntries(Object.entries(shown).map(([name, { of }]) => [name, of[source]]));
    for (const [source, options] of [{}, { secret: JSON.stringify(values(1)) }, { secret: JSON.stringify(values(1)) }].entries()) {
      const { run } = await rehearse({ props, ...options }, source === 2 ? values(2) : {});
      const seen = Object.fromEntries(Object.entries(shown).map(([name, { see }]) => [name, see(run)]));
      expect(seen).toEqual(Object.fromEntries(Object.entries(shown).map(([name, { of, shows }]) => [name, shows ? shows(of[source], run) : of[source]])));
    }
  }

  test('sizes, image, command, waits and the period: props, then secret, then input', async () => {
    await threeRuns({
      lustreFileSystemTypeVersion: FileSystemTypeVersion.V_2_12,
      lustreStorageCapacity: Size.gibibytes(1200),
      lustreImportedFileChunkSize: Size.mebibytes(11),
      jobDefinitionContainerImage: JobImage.fromRegistry('props:1'),
      jobDefinitionRetryAttempts: 2,
      jobDefinitionVcpus: 2,
      jobDefinitionMemory: Size.mebibytes(1001),
      waitForLustreCreation: Duration.seconds(71),
      waitForJobCompletion: Duration.seconds(171),
      waitForCheckMetrics: Duration.seconds(271),
      lambdaPeriod: Duration.seconds(420),
      lambdaTimeDiff: Duration.minutes(1),
      prefix: 'props',
      jobCommand: ['props'],
      jobEnvironment: { FROM: 'props' },
    }, {
      lustreFileSystemTypeVersion: { of: ['2.12', '2.15', '2.12'], see: (run) => input(run, 'CreateFileSystem').FileSystemTypeVersion },
      lustreStorageCapacity: { of: [1200, 2400, 4800], see: (run) => input(run, 'CreateFileSystem').StorageCapacity },
      lustreImportedFileChunkSize: { of: [11, 12, 13], see: (run) => input(run, 'CreateDataRepositoryAssociation').ImportedFileChunkSize },
      jobDefinitionContainerImage: { of: ['props:1', 'secret:1', 'input:1'], see: (run) => container(run).image },
      jobDefinitionRetryAttempts: { of: [2, 3, 4], see: (run) => input(run, 'RegisterJobDefinition').retryStrategy.attempts },
      jobDefinitionVcpus: { of: [2, 3, 4], see: (run) => needs(run, 'VCPU') },
      jobDefinitionMemory: { of: [1001, 1002, 1003], see: (run) => needs(run, 'MEMORY') },
      waitForLustreCreationSeconds: { of: [71, 72, 73], see: (run) => secondsBetween(run, 'CheckFileSystemStatus') },
      waitForJobCompletionSeconds: { of: [171, 172, 173], see: (run) => secondsBetween(run, 'CheckJobStatus') },
      waitForCheckMetricsSeconds: { of: [271, 272, 273], see: (run) => secondsBetween(run, 'CheckMetrics') },
      lambdaPeriodSeconds: { of: [420, 480, 540], see: lookedAt, shows: (seconds) => 3 * seconds / 60 },
      prefix: {
        of: ['props', 'secret', 'input/exactly'],
        see: (run) => input(run, 'CreateDataRepositoryAssociation').DataRepositoryPath.replace(/^s3:..[^/]+./, ''),
        shows: (prefix, run) => prefix === 'input/exactly' ? 'input/exactly/' : `${prefix}/${runIdOf(run)}/`,
      },
      jobCommand: { of: [['props'], ['secret', '2'], ['input']], see: (run) => container(run).command },
      jobEnvironment: {
        of: [{ FROM: 'props' }, { FROM: 'secret' }, { FROM: 'input' }],
        see: (run) => container(run).environment.find(({ name }: any) => name === 'FROM'),
        shows: ({ FROM }) => ({ name: 'FROM', value: FROM }),
      },
    });
  });

  test('whether the file system is deleted, and how far back the metric is looked at', async () => {
    await threeRuns({ deleteLustre: false, lambdaTimeDiff: Duration.minutes(20) }, {
      deleteLustre: { of: [false, true, false], see: (run) => calls(run, 'DeleteFileSystem').length === 1 && states(run).at(-2) !== 'KeepFileSystem' },
      lambdaTimeDiffMinutes: { of: [20, 25, 30], see: lookedAt },
    });
  });

  test('whether files are exported as they change', async () => {
    await threeRuns({ autoExport: false, deleteLustre: false }, {
      autoExport: { of: [false, true, false], see: (run) => input(run, 'CreateDataRepositoryAssociation').S3.AutoExportPolicy !== undefined },
    });
  });
});

describe('two runs', () => {
  test('of two pipelines, under one execution name and at one time, share nothing', async () => {
    const rehearsal = new Rehearsal({ others: { Other: {} } });
    const both = await Promise.all(['Pipeline', 'Other'].map((pipeline) => rehearsal.run(BRISK, { pipeline, name: 'daily-2026-11-22' })));
    expect(both.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(new Set(both.map(({ output }) => output.fileSystem.id)).size).toBe(2);
    expect(await rehearsal.violations()).toEqual([]);
    expect(rehearsal.missing()).toEqual([]);
  });

  const moments: [string, number][] = [['in the same second', 0], ['while the first creates its file system', 60], ['while the first runs its job', 15 * 60]];
  async function twoRuns(seconds: number, props: LustreAutoExportPipelineProps) {
    let second: Promise<Run> | undefined;
    const rehearsal: Rehearsal = new Rehearsal({ props, faults: [{ at: seconds, do: () => { second = rehearsal.run(BRISK); } }] });
    const first = await rehearsal.run(BRISK);
    const runs = [first, await second!];
    expect(await rehearsal.violations()).toEqual([]);
    expect(rehearsal.missing()).toEqual([]);
    return { rehearsal, runs };
  }

  test.each(moments)('of one pipeline, the second %s: it waits, and pays for nothing meanwhile', async (_, seconds) => {
    const { runs, rehearsal } = await twoRuns(seconds, {});
    expect(runs.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    const [earlier, later] = runs.map(({ output }) => output.times).sort((a, b) => a.fileSystemCreated.localeCompare(b.fileSystemCreated));
    expect(Date.parse(later.fileSystemCreated)).toBeGreaterThanOrEqual(Date.parse(earlier.instancesGone));
    expect(rehearsal.models.batch.jobs).toHaveLength(2);
  });

  test.each(moments)('of one pipeline that is told to fail, the second %s: it fails and harms nothing', async (_, seconds) => {
    const { runs, rehearsal } = await twoRuns(seconds, { whenInUse: WhenInUse.FAIL });
    expect(runs.map(({ status }) => status).sort()).toEqual(['FAILED', 'SUCCEEDED']);
    const { error, cause } = runs.find(({ status }) => status === 'FAILED')!;
    expect([error, cause]).toEqual([expect.stringMatching(/ComputeEnvironmentBusy|PreflightFailed/), expect.stringContaining('compute environment')]);
    expect(rehearsal.models.batch.jobs).toHaveLength(1);
  });

  test('of one pipeline, the first longer than the second may wait: it ends with a name, and nothing was created for it', async () => {
    let second: Promise<Run> | undefined;
    const rehearsal: Rehearsal = new Rehearsal({
      props: { reserveTimeout: Duration.hours(1) },
      job: work({ files: 12, seconds: 9000 }),
      faults: [{ at: 60, do: () => { second = rehearsal.run(BRISK); } }],
    });
    const first = await rehearsal.run(BRISK);
    const { status, error, cause } = await second!;
    expect([first.status, status, error]).toEqual(['SUCCEEDED', 'FAILED', 'ComputeEnvironmentBusy']);
    expect(cause).toContain(first.executionArn);
    expect(rehearsal.models.fsx.deletions()).toHaveLength(1);
    expect(await rehearsal.violations()).toEqual([]);
  });
});

test('I5: a job of thirty days and a drain of three need less than 15,000 events', async () => {
  const { run } = await rehearse({
    props: { jobTimeout: Duration.days(30), drainTimeout: Duration.days(4) },
    job: async (job) => {
      await job.wait(29.9 * 86_400);
      job.saveMany('many', 3_000, 10);
    },
  }, { waitForLustreCreationSeconds: 1, waitForJobCompletionSeconds: 1, waitForCheckMetricsSeconds: 1 },
  ({ models }) => models.fsx.setPace({ objectsPerSecond: 3_000 / (3 * 86_400) }));
  expect(run.status).toBe('SUCCEEDED');
  expect(minutes(run)).toBeGreaterThan(32.9 * 24 * 60);
  expect(run.historyEventCount).toBeLessThan(15_000);
});

test('whatever the facts turn out to be, and whenever SPOT interrupts: nothing is lost and nothing left', async () => {
  await fc.assert(fc.asyncProperty(
    fc.record(Object.fromEntries(SWITCHES.map(({ name, readings }) => [name, fc.constantFrom(...readings)]))),
    fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 8 }),
    async (switches, interruptions, attempts, files) => {
      const rehearsal = new Rehearsal({ switches, interruptions, props: { drainTimeout: Duration.hours(6) }, job: work({ files, seconds: 400 }) });
      const run = await rehearsal.run({ ...BRISK, jobDefinitionRetryAttempts: attempts });
      expect(await rehearsal.violations()).toEqual([]);
      expect(['SUCCEEDED', 'FAILED']).toContain(run.status);
      if (run.status === 'SUCCEEDED') expect(rehearsal.missing()).toEqual([]);
    },
  ), { numRuns: EXHAUSTIVE ? 60 : 3, seed: 20261122, endOnFailure: true });
});

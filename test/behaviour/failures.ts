import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { Duration } from 'aws-cdk-lib/core';
import { Run } from '../../local/engine';
import { Fault } from '../../local/faults';
import { HostAnswers } from '../../local/host/boot';
import { Switches } from '../../local/world';
import { BRISK, calls, IMPATIENT, minutes, Rehearsal, RehearsalOptions, states, summary, tries, work } from '../helpers/pipeline-run';
import { exhaustive, rareSample, sample } from '../helpers/sample';

jest.setTimeout(60_000);

const MINUTE = 60_000;
const BUNDLES = join(__dirname, '..', '..', 'assets', 'lambda');
const small = work({ files: 3, seconds: 60 });

function world(options: RehearsalOptions = {}): Rehearsal {
  const rehearsal = new Rehearsal({ job: small, ...options });
  rehearsal.models.fsx.durations.delete = MINUTE;
  return rehearsal;
}

/** A run and its world, which keeps the invariants whatever becomes of the run. */
async function rehearse(options: RehearsalOptions = {}, input: unknown = {}, prepare: (rehearsal: Rehearsal) => void = () => {}) {
  const rehearsal = world(options);
  prepare(rehearsal);
  const run = await rehearsal.run(typeof input === 'object' && !Array.isArray(input) ? { ...BRISK, ...input } : input);
  expect(await rehearsal.violations()).toEqual([]);
  return { run, rehearsal, ...rehearsal.models };
}

/** Nothing may be created, not even by a call that is refused. */
const creations = (run: Run) => run.calls.filter(({ action }) => /^(Create|Register|Submit|Update|Tag|Delete)/.test(action)).map(({ action }) => action);

const partial = work({ files: 3, seconds: 60 });
/** Leaves something behind, and fails. */
const failingJob: RehearsalOptions['job'] = async (job) => { await partial(job); job.exit(3); };

describe('nothing was written: the file system goes at once', () => {
  const cases: [string, string, RehearsalOptions, (rehearsal: Rehearsal) => void][] = [
    ['the file system FAILED', 'FileSystemFailed', {}, ({ models }) => models.fsx.failNextCreation()],
    ['the file system was never AVAILABLE', 'FileSystemTimedOut', {}, ({ models }) => { models.fsx.durations.create = 300 * MINUTE; }],
    ['the association was never AVAILABLE', 'FileSystemTimedOut', {}, ({ models }) => { models.fsx.durations.createAssociation = 300 * MINUTE; }],
    ['the association is MISCONFIGURED at once', 'AssociationMisconfigured', { faults: [{ at: 60, do: 'associationMisconfigured' }] }, () => {}],
    ['the association FAILED at once', 'AssociationFailed', { faults: [{ at: 60, do: 'associationFailed' }] }, () => {}],
    ['there is no capacity for the job', 'JobNeverStarted', { faults: [{ at: 60, do: 'noCapacity' }] }, () => {}],
  ];
  test.each(cases)('%s: %s', async (_, error, options, prepare) => {
    const { run, fsx } = await rehearse(options, {}, prepare);
    expect([run.status, run.error]).toEqual(['FAILED', error]);
    expect(run.cause).toContain('was deleted; nothing had been written to it');
    expect(states(run)).not.toContain('CheckMetrics');
    expect(fsx.living()).toEqual([]);
  });

  test.each(sample<[HostAnswers, string]>([
    [{ mountFailures: Infinity }, 'could not be mounted'],
    [{ mountType: 'ext4' }, 'does not show /export of fs-'],
    [{ installFailures: Infinity }, 'the Lustre client could not be installed'],
  ]))('no instance ever gets ready, %j: JobNeverStarted with what the last ones said', async (host, words) => {
    const { run, fsx, ec2, batch } = await rehearse({ host });
    expect([run.status, run.error]).toEqual(['FAILED', 'JobNeverStarted']);
    expect(run.cause).toContain(words);
    expect(ec2.instances.length).toBeGreaterThan(2);
    expect(batch.containers).toEqual([]);
    expect(fsx.living()).toEqual([]);
    expect(minutes(run)).toBeLessThan(4 * 60);
  });

  exhaustive('capacity that EC2 does not have for an hour is waited for', async () => {
    const noCapacity: Fault = { at: 60, do: ({ models }: any) => models.batch.noCapacity(60) };
    const { run } = await rehearse({ faults: [noCapacity], props: { jobStartTimeout: Duration.hours(3) } });
    expect(run.status).toBe('SUCCEEDED');
  });
});

describe('the job fails, or takes too long', () => {
  test('what it had written is exported, proven and deleted; the first error is the run\'s', async () => {
    const { run, rehearsal, fsx, batch } = await rehearse({ job: failingJob });
    expect([run.status, run.error]).toEqual(['FAILED', 'JobFailed']);
    expect(run.cause).toMatch(/failed by itself: exit code 3[^]*log stream[^]*was deleted; everything on it is in s3:\/\//);
    expect(summary(run)).toMatchObject({ status: 'FAILED', job: { outcome: 'FAILED', attempts: 1 }, export: { proven: true }, fileSystem: { deleted: true } });
    expect(rehearsal.closed.size).toBe(4);
    expect(rehearsal.missing()).toEqual([]);
    expect(fsx.living()).toEqual([]);
    expect(batch.jobs).toHaveLength(1);
  });

  test('its time is over: it is terminated before anything else', async () => {
    const { run, rehearsal, batch } = await rehearse({ job: work({ files: 24, seconds: 7200 }), props: { jobTimeout: Duration.hours(1) } });
    expect([run.status, run.error]).toEqual(['FAILED', 'JobTimedOut']);
    expect(batch.jobs[0].isTerminated).toBe(true);
    expect(rehearsal.closed.size).toBeGreaterThan(5);
    expect(rehearsal.missing()).toEqual([]);
  });

  test('it fails, and the export cannot be proven either: the first error stays, the second is told', async () => {
    const { run, rehearsal } = await rehearse({ job: failingJob, faults: [{ at: 16 * 60, do: 'associationFailed' }] });
    expect([run.status, run.error]).toEqual(['FAILED', 'JobFailed']);
    expect(run.cause).toContain('is KEPT');
    expect(summary(run).cleanUpFailures.drain).toContain('FAILED');
    expect(rehearsal.kept()).toEqual(['drain: AssociationFailed']);
  });
});

describe('the link to S3 breaks', () => {
  const slow = work({ files: 12, seconds: 600 });
  test.each([
    ['MISCONFIGURED in the job', 'AssociationMisconfigured', 15 * 60, 'associationMisconfigured'],
    ['MISCONFIGURED in the drain', 'AssociationMisconfigured', 31 * 60, 'associationMisconfigured'],
    ['FAILED in the job', 'AssociationFailed', 15 * 60, 'associationFailed'],
    ['FAILED in the drain', 'AssociationFailed', 31 * 60, 'associationFailed'],
  ])('%s: %s, and the file system is kept', async (_, error, at, what) => {
    const { run, rehearsal, fsx } = await rehearse({ job: slow, faults: [{ at, do: what }] }, { lambdaTimeDiffMinutes: 15 });
    expect([run.status, run.error]).toEqual(['FAILED', error]);
    expect(run.cause).toContain(`{"cleanUp":{"executionArn":"${run.executionArn}","deleteLustre":true}}`);
    expect(rehearsal.kept()).toEqual([`drain: ${error}`]);
    expect(fsx.deletions()).toEqual([]);
    expect(calls(run, 'UpdateDataRepositoryAssociation')).toHaveLength(what === 'associationMisconfigured' ? 1 : 0);
  });

  const mended: RehearsalOptions = { faults: [{ at: 27 * 60, do: 'associationMisconfigured' }, { at: 28 * 60, do: 'associationMended' }] };
  test('MISCONFIGURED and mended in the drain: the export task proves what an empty queue cannot', async () => {
    const { run } = await rehearse(mended, { lambdaTimeDiffMinutes: 15 });
    expect([run.status, run.output.export.reason]).toEqual(['SUCCEEDED', 'EveryFileExported']);
  });

  test('MISCONFIGURED and mended in the drain, with the metric alone: an update may have dropped the queue, so that an empty one proves nothing', async () => {
    const { run, rehearsal } = await rehearse(mended, { lambdaTimeDiffMinutes: 15, exportVerification: 'METRIC_ONLY' });
    expect([run.status, run.error]).toEqual(['FAILED', 'ExportNotProven']);
    expect(run.cause).toContain('QueueMayBeDropped');
    expect(rehearsal.kept()).toEqual(['drain: ExportNotProven']);
  });

  test.each(['lost', 'caughtUp'])('METRIC_ONLY that could not prove: its clean-up goes by the files, whose changes may be %s, and not by the queue', async (missedWhileMisconfigured) => {
    const faults: RehearsalOptions['faults'] = [{ at: 12 * 60, do: 'associationMisconfigured' }, { at: 28 * 60, do: 'associationMended' }];
    const { run, rehearsal } = await rehearse({ faults, switches: { missedWhileMisconfigured } }, { lambdaTimeDiffMinutes: 15, exportVerification: 'METRIC_ONLY' });
    expect(rehearsal.kept()).toEqual(['drain: ExportNotProven']);
    const cleanUp = await rehearsal.cleanUp(run);
    expect([cleanUp.status, cleanUp.output.export.reason]).toEqual(['SUCCEEDED', 'EveryFileExported']);
    expect([rehearsal.missing(), rehearsal.kept(), await rehearsal.violations()]).toEqual([[], [], []]);
  });
});

describe('what a run is told', () => {
  const MARKER = 'hunter2-correct-horse';

  test.each([
    ['an unknown key', JSON.stringify({ databasePassword: MARKER }), '"databasePassword" (secret) is not a parameter'],
    ['no JSON', `password=${MARKER}`, 'is not JSON'],
    ['a list', JSON.stringify([MARKER]), 'not an object'],
    ['an environment of the wrong type', JSON.stringify({ jobEnvironment: { PASSWORD: [MARKER] }, jobCommand: MARKER }), 'jobEnvironment (secret)'],
  ])('a secret with %s: the run fails, and nobody who reads its history sees the value', async (_, secret, says) => {
    const { run, rehearsal } = await rehearse({ secret });
    expect([run.status, run.error]).toEqual(['FAILED', 'InvalidParameters']);
    expect(run.cause).toContain(says);
    expect(creations(run)).toEqual([]);
    const known = says.startsWith('job'); // values of known keys are the run's own and may be shown between its states
    const text = JSON.stringify([known ? [run.cause] : run.history, rehearsal.engine.lambda.log]);
    expect(text).not.toContain(MARKER);
  });

  test('all that is wrong in secret and input comes in one message, before anything is created', async () => {
    const { run } = await rehearse({ secret: JSON.stringify({ lustreStorageCapacty: 2400, jobDefinitionVcpus: '8' }) },
      { lustreStorageCapacity: 1000, lustreFileSystemTypeVersion: '2.10', deleteLustre: 'yes', jobDefinitionMemory: 99_000_000, prefix: '/a' });
    expect([run.status, run.error]).toEqual(['FAILED', 'InvalidParameters']);
    for (const word of ['lustreStorageCapacty', 'did you mean lustreStorageCapacity', 'jobDefinitionVcpus (secret)', 'lustreStorageCapacity (execution input) is 1000',
      'lustreFileSystemTypeVersion', 'deleteLustre', 'prefix', 'nothing was created']) expect(run.cause).toContain(word);
    expect(creations(run)).toEqual([]);
    expect(states(run)).not.toContain('CreateLustreFileSystem');
  });

  test.each([[['a list']], ['a text'], [{ cleanUp: true }]])('input %j is refused', async (input) => {
    const rehearsal = world();
    const run = await rehearsal.run(input);
    expect([run.status, run.error]).toEqual(['FAILED', 'InvalidParameters']);
    expect(creations(run)).toEqual([]);
  });

  test('an image that is not there, a job that fits nowhere and a disabled environment are found before anything is paid for', async () => {
    const rehearsal = world({ props: { jobDefinitionContainerImage: undefined } });
    rehearsal.models.batch.environment().state = 'DISABLED';
    const run = await rehearsal.run({ ...BRISK, jobDefinitionVcpus: 1000 });
    expect([run.status, run.error]).toEqual(['FAILED', 'PreflightFailed']);
    for (const word of ['3 problems', 'docker push', 'at most 256', 'is DISABLED']) expect(run.cause).toContain(word);
    expect(creations(run)).toEqual([]);
  });

  test('deleteLustre false: everything is exported, and the file system is kept, tagged and reported', async () => {
    const { run, rehearsal, fsx } = await rehearse({}, { deleteLustre: false });
    expect([run.status, run.output.fileSystem.kept, run.output.export.proven]).toEqual(['SUCCEEDED', 'deleteLustre is false', true]);
    expect(rehearsal.kept()).toEqual(['deleteLustre is false']);
    expect(fsx.living()[0].lifecycle).toBe('AVAILABLE');
    expect(rehearsal.missing()).toEqual([]);
  });

  test('autoExport false does not mean that data may vanish', async () => {
    const kept = await rehearse({}, { autoExport: false, deleteLustre: false });
    expect([kept.run.status, kept.rehearsal.kept(), kept.rehearsal.missing()]).toEqual(['SUCCEEDED', ['deleteLustre is false'], []]);
    expect(kept.run.output.fileSystem.automaticExport).toBe('OFF'); // as it was asked for
    const deleted = await rehearse({}, { autoExport: false });
    expect([deleted.run.status, deleted.run.output.export.reason, deleted.rehearsal.closed.size, deleted.rehearsal.missing()]).toEqual(['SUCCEEDED', 'EveryFileExported', 4, []]);
    for (const { run } of [kept, deleted]) expect([calls(run, 'UpdateDataRepositoryAssociation'), calls(run, 'GetMetricStatistics')]).toEqual([[], []]);
    const impossible = await rehearse({}, { autoExport: false, exportVerification: 'METRIC_ONLY' });
    expect([impossible.run.error, creations(impossible.run)]).toEqual(['InvalidParameters', []]);
    expect(impossible.run.cause).toContain('without automatic export the metric proves nothing');
  });

  test('a fixed prefix is refused while another file system of ours exports to it, below it or above it', async () => {
    const rehearsal = world({ props: { prefix: 'data/in', prefixPerRun: false } });
    const first = await rehearsal.run({ ...BRISK, deleteLustre: false });
    for (const prefix of ['data/in', 'data/in/2026', 'data', '']) {
      const run = await rehearsal.run({ ...BRISK, prefix });
      expect([prefix, run.error, creations(run)]).toEqual([prefix, 'PreflightFailed', []]);
      expect(run.cause).toContain(first.output.fileSystem.id);
    }
    expect((await rehearsal.run({ ...BRISK, prefix: 'data/in2' })).status).toBe('SUCCEEDED');
    expect(await rehearsal.violations()).toEqual([]);
  });
});

describe('answers', () => {
  /** Runs that pass between them through every Task but those that only raise the error of a deadline. */
  const ways: [string, RehearsalOptions, object][] = [
    ['succeeds', { props: IMPATIENT }, {}],
    ['fails and is kept', { props: IMPATIENT, job: failingJob, faults: [{ at: 16 * 60, do: 'associationFailed' }] }, {}],
  ];
  const DEADLINES = ['GiveUpOnReservation', 'AutomaticExportStaysOff', 'FileSystemTimedOut', 'GiveUpOnComputeEnvironment', 'GiveUpOnComputeEnvironmentReturn', 'GiveUpOnInstances', 'JobTimedOut', 'JobsNotStopped', 'DeletionTimedOut'];
  const passed: Run[] = [];
  beforeAll(async () => {
    for (const [, options, input] of ways) passed.push((await rehearse(options, input)).run);
  });
  const tasksOf = (run: Run) => [...new Set(run.history.filter(({ type }) => type === 'Task').map(({ state }) => state as string))];

  /** The way that passes through a Task, with one more fault. */
  async function spoilt(task: string, fault: object): Promise<{ run: Run; rehearsal: Rehearsal }> {
    const [, options, input] = ways[passed.findIndex((run) => tasksOf(run).includes(task))];
    const rehearsal = world({ ...options, faults: [...options.faults ?? [], { task, ...fault } as Fault] });
    return { rehearsal, run: await rehearsal.run({ ...BRISK, ...input }) };
  }

  test('every Task but those of the deadlines is passed', () => {
    const all = Object.entries<any>(passed[0].history[0].definition.States).filter(([, { Type }]) => Type === 'Task').map(([name]) => name);
    expect(all.filter((name) => !passed.some((run) => tasksOf(run).includes(name)) && !DEADLINES.includes(name))).toEqual([]);
  });

  test('of 200 KiB for every Task: as if they were short', async () => {
    for (const task of sample(new Set(passed.flatMap(tasksOf)))) {
      const { run, rehearsal } = await spoilt(task, { nth: 'always', padKiB: 200 });
      const { status, error } = passed.find((each) => tasksOf(each).includes(task))!;
      expect([task, run.status, run.error]).toEqual([task, status, error]);
      expect([task, await rehearsal.violations()]).toEqual([task, []]);
    }
  });

  test('with a field missing, for every field of every call of an API that a handler names', async () => {
    const handlers = readdirSync(BUNDLES).map((part) => readFileSync(join(BUNDLES, part, 'index.js'), 'utf8')).join();
    const fields = new Set(DEEP);
    for (const { service, action, answer } of passed[0].calls.filter((call) => !call.by.includes('StateMachine'))) {
      const read = fieldsOf(answer).filter((path) => mentions(handlers, path.split('.').pop()!)).map((path) => `${service}:${action} ${path}`);
      for (const field of read) fields.add(field);
    }
    expect(fields.size).toBeGreaterThan(40);
    for (const field of rareSample(fields)) {
      const [on, dropField] = field.split(' ');
      const rehearsal = world({ props: IMPATIENT, faults: [{ on, dropField, nth: 'always' }] });
      const run = await rehearsal.run(BRISK);
      expect([field, named(run)]).toEqual([field, true]);
      // what never answers never lets go either
      const found = (await rehearsal.violations()).filter((each) => !each.startsWith('I2') && !each.startsWith('the compute environment'));
      expect([field, found]).toEqual([field, []]);
      expect([field, run.status === 'SUCCEEDED' ? rehearsal.missing() : []]).toEqual([field, []]);
    }
  });

  test('with a field missing, for every field of every Task that a path selects: nothing is lost, and what is left can be cleaned up', async () => {
    const definition = JSON.stringify(passed[0].history[0].definition);
    for (const task of sample(tasksOf(passed[0]))) {
      for (const dropField of Object.keys(tries(passed[0], task).at(-1)!.answer ?? {}).filter((field) => definition.includes(`.${field}`))) {
        const { run, rehearsal } = await spoilt(task, { nth: 'always', dropField });
        if (run.error === 'States.Runtime') {
          const { stateType } = run.history.filter(({ type }) => type === 'StateEntered').at(-1)!;
          if (!/wait$/i.test(dropField)) expect([task, dropField, stateType]).not.toEqual([task, dropField, 'Choice']); // but for the loops' own counters
          await rehearsal.cleanUp(run);
        }
        expect([task, dropField, (await rehearsal.violations()).filter((each) => /^I[13589]/.test(each))]).toEqual([task, dropField, []]);
      }
    }
  });

  test.each([1, 3])('an error instead of the answer of every Task at try %d', async (nth) => {
    for (const [i, [, options, input]] of ways.entries()) {
      const faults = tasksOf(passed[i]).map((task): Fault => ({ task, nth, error: { name: 'ThrottlingException', message: 'Rate exceeded' } }));
      const { run } = await rehearse({ ...options, faults: [...options.faults ?? [], ...faults] }, input);
      expect([run.status, run.error]).toEqual([passed[i].status, passed[i].error]);
    }
  });

  test('no answer ever, for every Task: the run ends with that error or without it, and nothing unproven is deleted', async () => {
    for (const task of sample(new Set(passed.flatMap(tasksOf)))) {
      const { run, rehearsal } = await spoilt(task, { nth: 'always', error: { name: 'ServiceUnavailable', message: 'out of order' } });
      expect([task, named(run)]).toEqual([task, true]);
      const found = (await rehearsal.violations()).filter((each) => !each.startsWith('I2') && !each.startsWith('the compute environment'));
      expect([task, found]).toEqual([task, []]);
    }
  });

  test.each([
    {}, { listJobs: 'late', definitionRevisions: 'late', createdFileSystem: 'visibleLate', newLaunchTemplate: 'visibleLate' },
  ] as Switches[])('that are lost: whatever was made is found again, and made once: %j', async (switches) => {
    const creates = ['fsx:CreateFileSystem', 'fsx:CreateDataRepositoryAssociation', 'ec2:CreateLaunchTemplate', 'batch:UpdateComputeEnvironment', 'batch:RegisterJobDefinition',
      'batch:SubmitJob', 'batch:DeregisterJobDefinition', 'ec2:DeleteLaunchTemplate', 'fsx:DeleteFileSystem', 'fsx:TagResource', 'iam:DeleteServiceLinkedRole'];
    const { run, fsx, batch, rehearsal } = await rehearse({ switches, faults: creates.map((on): Fault => ({ on, loseAnswer: true })) });
    expect(run.status).toBe('SUCCEEDED');
    expect([fsx.deletions().length, batch.jobs.length, batch.definitions.all.length]).toEqual([1, 1, 1]);
    expect(rehearsal.missing()).toEqual([]);
  });

  test.each(['fsx:CreateFileSystem', 'fsx:CreateDataRepositoryAssociation', 'ec2:CreateLaunchTemplate', 'batch:RegisterJobDefinition', 'batch:SubmitJob'])(
    'that are always lost, of %s: the run fails, and leaves nothing', async (on) => {
      const { run, fsx } = await rehearse({ faults: [{ on, nth: 'always', loseAnswer: true }] });
      if (!/Register|Submit/.test(on)) expect(run.status).toBe('FAILED');
      expect(fsx.living()).toEqual([]);
      expect(fsx.deletions()).toHaveLength(1);
    });
});

/** Fields that are read further down. */
const DEEP = [
  ...['launchTemplate', 'launchTemplate.launchTemplateId', 'launchTemplate.launchTemplateName', 'launchTemplate.version', 'maxvCpus']
    .map((field) => `batch:DescribeComputeEnvironments computeEnvironments[0].computeResources.${field}`),
  'fsx:DescribeFileSystems FileSystems[0].LustreConfiguration.MountName',
  'fsx:DescribeDataRepositoryAssociations Associations[0].S3.AutoExportPolicy',
  ...['container', 'container.exitCode', 'statusReason', 'startedAt', 'stoppedAt'].map((field) => `batch:DescribeJobs jobs[0].attempts[0].${field}`),
  ...['Instances', 'Instances[0].Tags', 'Instances[0].State', 'Instances[0].LaunchTime'].map((field) => `ec2:DescribeInstances Reservations[0].${field}`),
];

const mentions = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);

/** Paths of the members of an answer, two deep and of the first of each list. */
function fieldsOf(answer: any, depth = 2): string[] {
  if (depth === 0 || typeof answer !== 'object' || answer === null || answer instanceof Date) return [];
  return Object.entries<any>(answer).flatMap(([key, value]) => {
    const inside = Array.isArray(value) ? fieldsOf(value[0], depth - 1).map((path) => `${key}[0].${path}`) : fieldsOf(value, depth - 1).map((path) => `${key}.${path}`);
    return [key, ...inside];
  });
}

/** Ended well, or with a name that is the workflow's or the service's own. */
const named = ({ status, error }: Run) => status === 'SUCCEEDED' || (status === 'FAILED' && !!error && !/^States\.(Runtime|DataLimitExceeded)$/.test(error));

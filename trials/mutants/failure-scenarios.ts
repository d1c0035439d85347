import { Duration } from 'aws-cdk-lib/core';
import { stoppedAndCleaned } from './run-scenarios';
import { End, Promised, Scenario } from './scenario';
import { Run } from '../../local/engine';
import { Fault } from '../../local/faults';
import { BRISK, calls, IMPATIENT, Rehearsal, RehearsalOptions, work } from '../../test/helpers/pipeline-run';

const MINUTE = 60_000;
const partial = work({ files: 3, seconds: 60 });
/** Leaves something behind, and fails. */
const failingJob: RehearsalOptions['job'] = async (job) => { await partial(job); job.exit(3); };
const untouched = ({ run }: End) => run.calls.filter(({ action }) => /^(Create|Register|Submit|Update|Tag|Delete)/.test(action)).map(({ action }) => `${action} was called`);
const nothingLives = ({ rehearsal }: End) => rehearsal.models.fsx.living().length === 0 ? [] : ['a file system is left'];
const notDrained = ({ run }: End) => run.history.some(({ state }) => state === 'CheckMetrics') ? ['drained what was never written to'] : [];

/** Runs in which something breaks. */
export function failureScenarios(): Scenario[] {
  return [...nothingWritten(), ...jobsThatFail(), ...brokenLinks(), ...refusals(), ...answers(), ...aborts(), ...together()];
}

function nothingWritten(): Scenario[] {
  const gone: Partial<Promised> = { says: /nothing had been written to it/, also: (end) => [...nothingLives(end), ...notDrained(end)] };
  const scenario = (name: string, error: string, options: RehearsalOptions, prepare?: Scenario['prepare']): Scenario =>
    ({ name, options: () => options, input: BRISK, prepare, promised: { error, ...gone } });
  return [
    scenario('the file system FAILED', 'FileSystemFailed', {}, ({ models }) => models.fsx.failNextCreation()),
    scenario('the file system is never AVAILABLE', 'FileSystemTimedOut', {}, ({ models }) => { models.fsx.durations.create = 300 * MINUTE; }),
    scenario('the association is never AVAILABLE', 'FileSystemTimedOut', {}, ({ models }) => { models.fsx.durations.createAssociation = 300 * MINUTE; }),
    scenario('the association is MISCONFIGURED at once', 'AssociationMisconfigured', { faults: [{ at: 60, do: 'associationMisconfigured' }] }),
    scenario('the association FAILED at once', 'AssociationFailed', { faults: [{ at: 60, do: 'associationFailed' }] }),
    scenario('no capacity', 'JobNeverStarted', { faults: [{ at: 60, do: 'noCapacity' }] }),
    scenario('no mount', 'JobNeverStarted', { host: { mountFailures: Infinity } }),
    scenario('no Lustre', 'JobNeverStarted', { host: { mountType: 'ext4' } }),
    scenario('no client', 'JobNeverStarted', { host: { installFailures: Infinity } }),
    scenario('no bind', 'JobNeverStarted', { host: { bindFails: true } }),
  ];
}

function jobsThatFail(): Scenario[] {
  return [
    {
      name: 'the job fails',
      options: () => ({ job: failingJob }),
      input: BRISK,
      promised: { error: 'JobFailed', says: /exit code 3[^]*everything on it is in s3:/, also: (end) => [...nothingLives(end), ...end.rehearsal.models.batch.jobs.length === 1 ? [] : ['submitted again']] },
    },
    {
      name: 'the job takes too long',
      options: () => ({ job: work({ files: 24, seconds: 7200 }), props: { jobTimeout: Duration.hours(1) } }),
      input: BRISK,
      promised: { error: 'JobTimedOut', also: ({ rehearsal }) => rehearsal.models.batch.jobs[0].isTerminated ? [] : ['it was not terminated'] },
    },
    {
      name: 'a job that is killed on a living instance',
      options: () => ({ job: async (job) => { job.save('a', 1); await job.wait(60); job.exit(137); } }),
      input: BRISK,
      promised: { error: 'JobFailed' },
    },
  ];
}

function brokenLinks(): Scenario[] {
  const slow = () => work({ files: 12, seconds: 600 });
  const input = { ...BRISK, lambdaTimeDiffMinutes: 15 };
  return [
    ...[['in the job', 15], ['in the drain', 31]].flatMap(([when, minute]): Scenario[] => ['Misconfigured', 'Failed'].map((how) => ({
      name: `the link is ${how} ${when}`,
      options: () => ({ job: slow(), faults: [{ at: Number(minute) * 60, do: `association${how}` }] }),
      input,
      promised: { error: `Association${how}`, kept: [`drain: Association${how}`], says: /cleanUp/, also: ({ rehearsal }) => rehearsal.models.fsx.deletions().length ? ['deleted'] : [] },
    }))),
    {
      name: 'the job fails, and then the link',
      options: () => ({ job: failingJob, faults: [{ at: 16 * 60, do: 'associationFailed' }] }),
      input: BRISK,
      promised: { error: 'JobFailed', says: /is KEPT/, kept: ['drain: AssociationFailed'] },
    },
    {
      name: 'kept, mended and cleaned up',
      options: () => ({ faults: [{ at: 21 * 60, do: 'associationMisconfigured' }] }),
      play: async (rehearsal) => {
        const run = await rehearsal.run(input);
        rehearsal.models.fsx.mendAssociation();
        await rehearsal.engine.pass(3600);
        return run.error === 'AssociationMisconfigured' ? rehearsal.cleanUp(run) : run;
      },
      promised: {},
    },
  ];
}

function refusals(): Scenario[] {
  return [
    { name: 'a secret that is no JSON', options: () => ({ secret: 'password=hunter2' }), input: BRISK, promised: { error: 'InvalidParameters', says: /is not JSON/, also: untouched } },
    {
      name: 'a secret that is read',
      options: () => ({ secret: '{"lustreStorageCapacity": 1200}' }),
      input: BRISK,
      promised: { also: ({ run }) => (calls(run, 'CreateFileSystem')[0] as any)?.input.StorageCapacity === 1200 ? [] : ['not 1,200 GiB'] },
    },
    { name: 'a list for input', input: ['a list'], promised: { error: 'InvalidParameters', also: untouched } },
    { name: 'wrong parameters', input: { ...BRISK, lustreStorageCapacity: 1000, deleteLustre: 'yes' }, promised: { error: 'InvalidParameters', says: /deleteLustre/, also: untouched } },
    {
      name: 'preflight',
      options: () => ({ props: { jobDefinitionContainerImage: undefined } }),
      input: { ...BRISK, jobDefinitionVcpus: 1000 },
      prepare: ({ models }) => { models.batch.environment().state = 'DISABLED'; },
      promised: { error: 'PreflightFailed', says: /docker push[^]*at most 256[^]*DISABLED|/, also: untouched },
    },
    {
      name: 'an overlapping prefix',
      options: () => ({ props: { prefix: 'data/in', prefixPerRun: false } }),
      play: async (rehearsal) => {
        await rehearsal.run({ ...BRISK, deleteLustre: false });
        return rehearsal.run({ ...BRISK, prefix: 'data' });
      },
      promised: { error: 'PreflightFailed', kept: ['deleteLustre is false'], also: untouched },
    },
  ];
}

/** Creates whose answers are lost, and errors that pass. */
function answers(): Scenario[] {
  const creates = ['fsx:CreateFileSystem', 'fsx:CreateDataRepositoryAssociation', 'ec2:CreateLaunchTemplate', 'batch:UpdateComputeEnvironment', 'batch:RegisterJobDefinition',
    'batch:SubmitJob', 'batch:DeregisterJobDefinition', 'ec2:DeleteLaunchTemplate', 'fsx:DeleteFileSystem', 'fsx:TagResource', 'iam:DeleteServiceLinkedRole',
    'fsx:CreateDataRepositoryTask', 'fsx:UpdateDataRepositoryAssociation'];
  const once = ({ rehearsal: { models: { fsx, batch } } }: End) =>
    fsx.deletions().length === 1 && batch.jobs.length === 1 && batch.definitions.all.length === 1 ? [] : ['something was made twice'];
  const late = { listJobs: 'late', definitionRevisions: 'late', createdFileSystem: 'visibleLate', newLaunchTemplate: 'visibleLate' };
  return [
    { name: 'lost answers', options: () => ({ faults: creates.map((on): Fault => ({ on, loseAnswer: true })) }), input: BRISK, promised: { also: once } },
    { name: 'lost answers of calls that are seen late', options: () => ({ switches: late, faults: creates.map((on): Fault => ({ on, loseAnswer: true })) }), input: BRISK, promised: { also: once } },
    ...creates.slice(0, 3).map((on): Scenario => ({
      name: `always lost, ${on}`,
      options: () => ({ props: IMPATIENT, faults: [{ on, nth: 'always', loseAnswer: true }] }),
      input: BRISK,
      promised: { error: /./, also: nothingLives },
    })),
    ...creates.map((on): Scenario => ({
      name: `throttled, ${on}`, options: () => ({ faults: [{ on, nth: [1, 2], error: { name: 'ThrottlingException', message: 'Rate exceeded' } }] }), input: BRISK, promised: {},
    })),
  ];
}

function aborts(): Scenario[] {
  const aborted = (name: string, fault: Fault, options: RehearsalOptions = {}): Scenario =>
    ({ name: `stopped ${name}`, options: () => ({ ...options, faults: [fault] }), play: stoppedAndCleaned, promised: { also: nothingLives } });
  const deleting = aborted('while it is being deleted', { enter: 'CheckDeletion', do: 'abort' });
  return [
    ...[7, 11, 12, 14, 17, 21, 25].map((minute) => aborted(`in minute ${minute}`, { at: minute * 60, do: 'abort' }, { job: work({ files: 6, seconds: 400 }) })),
    ...['CreateDataRepositoryAssociation', 'WaitForFileSystem', 'UpdateComputeEnvironment', 'SubmitJob', 'StopJobs', 'CheckInstances', 'CheckMetrics', 'DeleteFSx', 'WaitForDeletion']
      .map((enter) => aborted(`on ${enter}`, { enter, do: 'abort' })),
    { ...deleting, promised: { also: (end) => [...nothingLives(end), ...end.run.output.export.reason === 'BeingDeleted' ? [] : ['it does not say that it was being deleted']] } },
    aborted('in a long job', { at: 40 * 60, do: 'abort' }, { job: work({ files: 600, seconds: 36_000 }) }),
    aborted('before a list shows the job', { enter: 'NextWaitForJobCompletion', do: 'abort' }, { switches: { listJobs: 'late' } }),
    {
      name: 'an execution that never was',
      play: async (rehearsal) => {
        const kept = await rehearsal.run({ ...BRISK, deleteLustre: false });
        return rehearsal.cleanUp({ executionArn: kept.executionArn.replace(/[^:]+$/, 'never-was') });
      },
      promised: { error: 'RunNotFound', kept: ['deleteLustre is false'], also: untouched },
    },
    {
      name: 'cleaned up twice',
      options: () => ({ faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }] }),
      play: async (rehearsal) => {
        const stopped = await rehearsal.run(BRISK);
        const [first, second] = await Promise.all([rehearsal.cleanUp(stopped), rehearsal.cleanUp(stopped)]);
        return first.status === 'SUCCEEDED' ? second : first;
      },
      promised: { also: nothingLives },
    },
  ];
}

/** Executions of one pipeline at one time. */
function together(): Scenario[] {
  return [{
    name: 'a run that still runs is not cleaned up',
    ...(() => {
      let refused: Promise<Run> | undefined;
      let rehearsal: Rehearsal;
      const refuse = ({ models }: any) => { refused = rehearsal.cleanUp({ executionArn: [...models.stepFunctions.executions.keys()][0] }); };
      return {
        options: () => ({ faults: [{ at: 12 * 60, do: refuse }] }),
        play: async (each: Rehearsal) => {
          rehearsal = each;
          const run = await each.run(BRISK);
          const { error } = await refused!;
          return error === 'RunStillRunning' ? run : { ...run, status: 'FAILED' as const, error };
        },
      };
    })(),
    promised: {},
  }];
}

import { Duration } from 'aws-cdk-lib/core';
import { End, Promised, Scenario } from './scenario';
import { Run } from '../../local/engine';
import { FailurePolicy, WhenInUse } from '../../src';
import { BRISK, calls, Rehearsal, RehearsalOptions, states, work, writtenAnew } from '../../test/helpers/pipeline-run';

const AUTOMATIC_EXPORT = 'cdk-lustre-auto-export:automatic-export';
const partial = work({ files: 3, seconds: 60 });
const failingJob: RehearsalOptions['job'] = async (job) => { await partial(job); job.exit(3); };

/** What is kept exports again, and its tag says so. */
const exportsAgain = ({ rehearsal: { models: { fsx } } }: End) => fsx.living().flatMap(({ tags }) =>
  tags.get(AUTOMATIC_EXPORT) === 'ON' && exported(fsx).length > 0 ? [] : [`automatic export of what is kept is ${tags.get(AUTOMATIC_EXPORT)}, in truth ${exported(fsx)}`]);
function exported(fsx: Rehearsal['models']['fsx']): string[] {
  const { Associations } = fsx.call('DescribeDataRepositoryAssociations', {}) as any;
  return Associations[0]?.S3?.AutoExportPolicy?.Events ?? [];
}
const nothingLives = ({ rehearsal }: End) => rehearsal.models.fsx.living().length === 0 ? [] : ['a file system is left'];
const nothingDeleted = ({ rehearsal }: End) => rehearsal.models.fsx.deletions().length === 0 ? [] : ['a file system was deleted'];
const executions = (count: number) => ({ rehearsal }: End) => rehearsal.runs.length === count ? [] : [`${rehearsal.runs.length} executions, not ${count}`];

/** The clean-up begins when the run has ended, not with the next sweep. */
function atOnce({ rehearsal }: End): string[] {
  const minutes = minutesToCleanUp(rehearsal);
  return minutes < 10 ? [] : [`the clean-up came ${minutes} minutes after the end`];
}

function minutesToCleanUp({ runs: [stopped, cleaned] }: Rehearsal): number {
  return (Date.parse(cleaned?.history[0].startTime) - Date.parse(stopped.history.at(-1)!.time)) / 60_000;
}

/** The proof, the policies, the lock and the cleaner. */
export function promiseScenarios(): Scenario[] {
  return [...proofs(), ...policies(), ...locks(), ...cleaner()];
}

function proofs(): Scenario[] {
  const scenario = (name: string, promised: Promised, prepare?: Scenario['prepare'], options: RehearsalOptions = {}, input: object = {}): Scenario =>
    ({ name, promised, prepare, options: () => options, input: { ...BRISK, ...input } });
  return [
    scenario('a name that cannot be exported', { error: 'FilesNotExported', says: /part-1\/file-1/, kept: [/^drain: FilesNotExported/], also: (end) => [...nothingDeleted(end), ...exportsAgain(end)] },
      ({ models }) => models.fsx.failExports(/file-1/, 'PathSizeTooLong')),
    scenario('a task that fails twice', {}, ({ models }) => models.fsx.failNextTasks(2)),
    scenario('a task that always fails', { error: 'ExportNotProven', kept: [/^drain: ExportNotProven/], also: nothingDeleted }, ({ models }) => models.fsx.failNextTasks(100)),
    scenario('somebody cancels the task', {
      also: (end) => [...nothingLives(end), ...calls(end.run, 'CreateDataRepositoryTask').length === 2 ? [] : ['not two tasks']],
    }, undefined, {
      faults: [{
        at: 0,
        do: ({ models, clock }: any) => {
          const cancel = () => {
            try {
              models.fsx.cancelTask();
            } catch {
              clock.after(2_000, cancel); // there is none yet
            }
          };
          cancel();
        },
      }],
    }),
    scenario('a stalled task', { error: 'ExportStalled', kept: [/^drain: ExportStalled/], also: (end) => [...nothingDeleted(end), ...exportsAgain(end)] },
      ({ models }) => { (models.fsx.taskPace as any).filesPerSecond = 0; models.fsx.setPace({ objectsPerSecond: 1e-5 }); }, { props: { drainTimeout: Duration.days(3) } }, { exportVerification: 'EXPORT_TASK_ONLY' }),
    scenario('export task only', {}, undefined, {}, { exportVerification: 'EXPORT_TASK_ONLY' }),
    scenario('export task only, with an open file', {}, undefined, { job: async (job) => { job.write('open', 10); await job.wait(60); } }, { exportVerification: 'EXPORT_TASK_ONLY' }),
    scenario('export task only, written anew behind a backlog', {}, ({ models }) => models.fsx.setPace({ objectsPerSecond: 1 }), { job: writtenAnew }, { exportVerification: 'EXPORT_TASK_ONLY' }),
    scenario('export task only, behind a queue that stands still', {}, ({ models }) => models.fsx.setPace({ objectsPerSecond: 1e-6 }), {}, { exportVerification: 'EXPORT_TASK_ONLY' }),
    scenario('no automatic export', { also: ({ run }) => calls(run, 'UpdateDataRepositoryAssociation').length > 0 ? ['the link was updated'] : [] }, undefined, {}, { autoExport: false }),
    scenario('no automatic export, and kept', { kept: ['deleteLustre is false'] }, undefined, {}, { autoExport: false, deleteLustre: false }),
    scenario('metric only', { also: ({ run }) => calls(run, 'CreateDataRepositoryTask').length > 0 ? ['an export task was run'] : [] }, undefined, {}, { exportVerification: 'METRIC_ONLY' }),
  ];
}

function policies(): Scenario[] {
  const props = { sweepInterval: Duration.minutes(30) } as object;
  return [
    {
      name: 'policy KEEP',
      options: () => ({ job: failingJob, props: { failurePolicy: FailurePolicy.KEEP } }),
      input: BRISK,
      promised: { error: 'JobFailed', kept: [/./], also: (end) => [...nothingDeleted(end), ...states(end.run).includes('CheckMetrics') ? ['it was drained'] : []] },
    },
    {
      name: 'policy KEEP, by the input',
      options: () => ({ job: failingJob, events: true, props }),
      input: { ...BRISK, failurePolicy: 'KEEP' },
      promised: { error: 'JobFailed', kept: [/./], also: (end) => [...nothingDeleted(end), ...executions(1)(end)] },
    },
    {
      name: 'policy KEEP_FOR',
      options: () => ({ job: failingJob, events: true, props }),
      play: async (rehearsal) => {
        const run = await rehearsal.run({ ...BRISK, failurePolicy: 'KEEP_FOR', keepHours: 5 });
        await rehearsal.engine.pass(4.5 * 3600);
        const early = rehearsal.models.fsx.living().length === 0 || rehearsal.runs.length > 1;
        await rehearsal.engine.pass(5 * 3600);
        return early ? { ...run, error: 'CleanedUpTooEarly' } : run;
      },
      promised: { error: 'JobFailed', also: nothingLives },
    },
    {
      name: 'kept by deleteLustre, and exporting again with some trouble',
      options: () => ({ faults: [{ task: 'RestoreAutomaticExport', nth: [1, 3], error: { name: 'ServiceUnavailable', message: 'out of order' } }] }),
      input: { ...BRISK, deleteLustre: false },
      promised: { kept: ['deleteLustre is false'], also: exportsAgain },
    },
    {
      name: 'to be kept by deleteLustre, and deleted by somebody just then',
      options: () => ({ faults: [{ task: 'KeepFileSystem', nth: 1, error: { name: 'ServiceUnavailable' } }] }), // so that it is gone when it is looked at
      input: { ...BRISK, deleteLustre: false },
      prepare: ({ models: { fsx } }) => {
        const call = fsx.call.bind(fsx);
        fsx.durations.delete = 0;
        fsx.call = (action: string, input: any, ...rest: any[]) => {
          const answer = (call as any)(action, input, ...rest);
          if (action === 'DescribeDataRepositoryTasks' && answer.DataRepositoryTasks.some(({ Lifecycle }: any) => Lifecycle === 'SUCCEEDED')) {
            fsx.living().forEach(({ id }) => call('DeleteFileSystem', { FileSystemId: id } as any));
          }
          return answer;
        };
      },
      promised: { also: nothingLives },
    },
    {
      name: 'kept by deleteLustre, and cleaned up',
      play: async (rehearsal) => rehearsal.cleanUp(await rehearsal.run({ ...BRISK, deleteLustre: false })),
      promised: { kept: ['deleteLustre is false'], also: nothingDeleted },
    },
    {
      name: 'kept, and deleted by a word',
      play: async (rehearsal) => {
        const { executionArn } = await rehearsal.run({ ...BRISK, deleteLustre: false });
        return rehearsal.run({ cleanUp: { executionArn, deleteLustre: true } });
      },
      promised: { also: nothingLives },
    },
  ];
}

function locks(): Scenario[] {
  const second = (name: string, seconds: number, options: RehearsalOptions, promised: Promised): Scenario => {
    let other: Promise<Run> | undefined;
    let world: Rehearsal;
    return {
      name,
      options: () => ({ ...options, faults: [{ at: seconds, do: () => { other = world.run(BRISK); } }] }),
      play: async (rehearsal) => {
        world = rehearsal;
        const first = await rehearsal.run(BRISK);
        const next = await other!;
        return first.status === 'SUCCEEDED' ? next : first;
      },
      promised,
    };
  };
  return [
    ...[0, 60, 15 * 60].map((seconds) => second(`two runs of one pipeline${seconds ? `, ${seconds} s apart` : ''}`, seconds, {}, { also: nothingLives })),
    second('two runs of one pipeline that does not wait', 15 * 60, { props: { whenInUse: WhenInUse.FAIL } }, { error: /^(ComputeEnvironmentBusy|PreflightFailed)$/, also: nothingLives }),
    second('a run that does not wait for ever', 15 * 60, { job: work({ files: 3, seconds: 3 * 3600 }), props: { reserveTimeout: Duration.minutes(30) } as object },
      { error: 'ComputeEnvironmentBusy', also: nothingLives }),
    ...['ReleaseComputeEnvironment', 'DeleteLaunchTemplate'].map((task): Scenario => ({
      name: `nobody answers ${task}`,
      options: () => ({ faults: [{ task, nth: 'always', error: { name: 'ServiceUnavailable', message: 'out of order' } }] }),
      input: BRISK,
      promised: { excused: /^I2 (lock|launch template)/, also: nothingLives },
    })),
    {
      name: 'a run after one that was stopped',
      options: () => ({ faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }] }),
      play: async (rehearsal) => {
        const stopped = await rehearsal.run(BRISK);
        const next = await rehearsal.run(BRISK);
        await rehearsal.cleanUp(stopped);
        return next;
      },
      promised: { also: nothingLives },
    },
  ];
}

function cleaner(): Scenario[] {
  const watched = (name: string, options: RehearsalOptions, promised: Promised = {}): Scenario => ({
    name,
    options: () => ({ events: true, ...options }),
    play: async (rehearsal) => {
      await rehearsal.run(BRISK);
      await rehearsal.engine.settle();
      return rehearsal.runs.at(-1)!;
    },
    promised: { ...promised, also: (end) => [...nothingLives(end), ...promised.also?.(end) as string[] ?? []] },
  });
  return [
    ...['CreateDataRepositoryAssociation', 'SubmitJob', 'CheckMetrics', 'DeleteFSx'].map((enter) =>
      watched(`picked up: stopped on ${enter}`, { faults: [{ enter, do: 'abort' }] }, { also: (end) => [...executions(2)(end), ...atOnce(end)] })),
    watched('picked up: a clean-up that was stopped', {
      faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }, { enter: 'StopJobs', do: 'abort', of: 'cleanUp' }],
    }, { also: executions(3) }),
    watched('picked up: told twice', { faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }], switches: { eventDelivery: 'twice' } }, { also: executions(2) }),
    {
      name: 'picked up: stopped when it had just kept its file system',
      options: () => ({ job: partial, events: true, faults: [{ enter: 'CanAutomaticExportBeRestored', do: 'abort', of: 'run' }] }),
      play: async (rehearsal) => {
        await rehearsal.run({ ...BRISK, deleteLustre: false });
        await rehearsal.engine.settle();
        return rehearsal.runs.at(-1)!;
      },
      promised: { kept: ['deleteLustre is false'], also: (end) => [...executions(2)(end), ...exportsAgain(end)] },
    },
    watched('swept up: nobody told the cleaner', { faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }], switches: { eventDelivery: 'never' } }, {
      also: ({ rehearsal }) => {
        const minutes = minutesToCleanUp(rehearsal);
        return minutes >= 50 ? [] : [`the clean-up came ${minutes} minutes after the end`];
      },
    }),
    {
      name: 'a deploy while the job runs',
      input: BRISK,
      options: () => ({ events: true, faults: [{ at: 14 * 60, do: release }] }),
      promised: {},
    },
    {
      name: 'the stack is deleted beside a kept file system',
      options: () => ({ events: true }),
      input: { ...BRISK, deleteLustre: false },
      promised: {
        kept: ['deleteLustre is false'],
        also: async ({ rehearsal: { engine, models } }) => {
          const id = models.fsx.living()[0]?.id;
          const said = await engine.destroy();
          return said.some((each) => each.includes(id)) && !engine.destroyed.some((each) => /Bucket|StateMachine/.test(each)) ? [] : [`the deletion of the stack says ${said.join() || 'nothing'}`];
        },
      },
    },
    {
      name: 'the stack is deleted when nothing lives',
      options: () => ({ events: true }),
      input: BRISK,
      promised: { also: ({ rehearsal }) => rehearsal.engine.destroy() },
    },
    watched('sweeps beside a long run', { job: work({ files: 10, seconds: 6 * 3600 }) }, { also: executions(1) }),
  ];
}

const release = (engine: any) => engine.deploy(nextRelease(engine.options.template), engine.options.assets);

/** The template of a release in which every function has changed: each has another version (its hash is in the logical id). */
function nextRelease(template: unknown): unknown {
  return JSON.parse(JSON.stringify(template).replace(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, (_, name: string) => name + 'f'.repeat(32)));
}

import { Run } from '../../local/engine';
import { BRISK, calls, Rehearsal, RehearsalOptions, states, work } from '../helpers/pipeline-run';
import { rareSample, sample } from '../helpers/sample';

jest.setTimeout(60_000);

const MINUTE = 60_000;

function world(options: RehearsalOptions = {}): Rehearsal {
  const rehearsal = new Rehearsal({ job: work({ files: 3, seconds: 60 }), ...options });
  rehearsal.models.fsx.durations.delete = 2 * MINUTE;
  return rehearsal;
}

async function leavesNothing(rehearsal: Rehearsal, stoppedAt: string): Promise<void> {
  expect([stoppedAt, await rehearsal.violations(), rehearsal.missing(), rehearsal.kept()]).toEqual([stoppedAt, [], [], []]);
}

test('a run that was stopped on entering any state, its document thrown away, is cleaned up: nothing is lost, nothing is left', async () => {
  const whole = await world().run(BRISK);
  for (const state of rareSample(new Set(states(whole)))) {
    const rehearsal = world({ faults: [{ enter: state, do: 'abort' }] });
    const stopped = await rehearsal.run(BRISK);
    expect([state, stopped.status]).toEqual([state, 'ABORTED']);
    const { status, error } = await rehearsal.cleanUp(stopped);
    expect([state, status, error]).toEqual([state, 'SUCCEEDED', undefined]);
    await leavesNothing(rehearsal, state);
  }
});

test('so is a failed run that was stopped before any Task of its own clean-up', async () => {
  const failing: RehearsalOptions = { job: async (job) => { job.save('partial', 10); await job.wait(60); job.exit(3); } };
  const whole = await world(failing).run(BRISK);
  const cleanUp = states(whole).slice(states(whole).indexOf('FindRunResources')).filter((state) => whole.history[0].definition.States[state].Type === 'Task');
  expect(new Set(cleanUp).size).toBeGreaterThan(8);
  for (const state of sample(new Set(cleanUp))) {
    const rehearsal = world({ ...failing, faults: [{ enter: state, do: 'abort' }] });
    await rehearsal.cleanUp(await rehearsal.run(BRISK));
    await leavesNothing(rehearsal, state);
  }
});

test.each([7, 11, 12, 14, 17, 21, 25])('a run that was stopped in minute %d is cleaned up', async (minute) => {
  const rehearsal = world({ job: work({ files: 6, seconds: 400 }), faults: [{ at: minute * 60, do: 'abort' }] });
  const stopped = await rehearsal.run(BRISK);
  expect(stopped.status).toBe('ABORTED');
  expect((await rehearsal.cleanUp(stopped)).status).toBe('SUCCEEDED');
  await leavesNothing(rehearsal, `minute ${minute}`);
});

test('a job that was submitted a moment ago, and that no list shows yet, is terminated', async () => {
  const rehearsal = world({ switches: { listJobs: 'late' }, faults: [{ enter: 'NextWaitForJobCompletion', do: 'abort' }] });
  expect((await rehearsal.cleanUp(await rehearsal.run(BRISK))).status).toBe('SUCCEEDED');
  expect(rehearsal.models.batch.jobs.map(({ isTerminated }) => isTerminated)).toEqual([true]);
  await leavesNothing(rehearsal, 'NextWaitForJobCompletion');
});

test('a job that runs on when its run was stopped is terminated before the export is looked at', async () => {
  const rehearsal = world({ job: work({ files: 600, seconds: 36_000 }), faults: [{ at: 40 * 60, do: 'abort' }] });
  const cleaned = await rehearsal.cleanUp(await rehearsal.run(BRISK));
  expect([cleaned.status, rehearsal.models.batch.jobs[0].isTerminated]).toEqual(['SUCCEEDED', true]);
  expect(calls(cleaned, 'TerminateJob').length).toBeGreaterThan(0);
  await leavesNothing(rehearsal, 'minute 40');
});

test('a clean-up that was stopped is cleaned up by another, and a third finds nothing to do', async () => {
  const rehearsal = world({ faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }, { enter: 'WaitForComputeEnvironmentReturn', do: 'abort' }] });
  const stopped = await rehearsal.run(BRISK);
  expect((await rehearsal.cleanUp(stopped)).status).toBe('ABORTED');
  expect((await rehearsal.cleanUp(stopped)).status).toBe('SUCCEEDED');
  const third = await rehearsal.cleanUp(stopped);
  expect([third.status, calls(third, 'DeleteFileSystem')]).toEqual(['SUCCEEDED', []]);
  await leavesNothing(rehearsal, 'WaitForJobCompletion');
});

test('two clean-ups of one run at one time do no harm', async () => {
  const rehearsal = world({ faults: [{ enter: 'WaitForJobCompletion', do: 'abort' }] });
  const stopped = await rehearsal.run(BRISK);
  const both = await Promise.all([rehearsal.cleanUp(stopped), rehearsal.cleanUp(stopped)]);
  expect(both.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  await leavesNothing(rehearsal, 'WaitForJobCompletion');
});

test('a run that still runs is not cleaned up, and goes on unharmed', async () => {
  let refused: Promise<Run> | undefined;
  const rehearsal: Rehearsal = world({
    faults: [{ at: 12 * 60, do: ({ models }: any) => { refused = rehearsal.cleanUp({ executionArn: [...models.stepFunctions.executions.keys()][0] }); } }],
  });
  const run = await rehearsal.run(BRISK);
  const { status, error, cause } = await refused!;
  expect([run.status, status, error]).toEqual(['SUCCEEDED', 'FAILED', 'RunStillRunning']);
  expect(cause).toContain('stop it first');
  expect(calls(await refused!, 'DeleteFileSystem').filter(({ at }) => at < run.output.times.drainEnded)).toEqual([]);
  await leavesNothing(rehearsal, 'none');
});

test('an execution that never was: RunNotFound, and nothing is touched', async () => {
  const rehearsal = world();
  const kept = await rehearsal.run({ ...BRISK, deleteLustre: false });
  const run = await rehearsal.cleanUp({ executionArn: kept.executionArn.replace(/[^:]+$/, 'never-was') });
  expect([run.status, run.error]).toEqual(['FAILED', 'RunNotFound']);
  expect(run.calls.filter(({ action }) => /^(Delete|Terminate|Update|Tag|Deregister)/.test(action))).toEqual([]);
  expect(rehearsal.kept()).toEqual(['deleteLustre is false']);
});

test('what was kept because its export was not proven is proven, and deleted, by a clean-up when the link is mended', async () => {
  const rehearsal = world({ faults: [{ at: 21 * 60, do: 'associationMisconfigured' }] });
  const run = await rehearsal.run({ ...BRISK, lambdaTimeDiffMinutes: 15 });
  expect([run.error, rehearsal.kept()]).toEqual(['AssociationMisconfigured', ['drain: AssociationMisconfigured']]);
  rehearsal.models.fsx.mendAssociation();
  await rehearsal.engine.pass(3600);
  expect((await rehearsal.cleanUp(run)).status).toBe('SUCCEEDED');
  await leavesNothing(rehearsal, 'none');
});

test('what was kept by deleteLustre false stays kept in a clean-up', async () => {
  const rehearsal = world();
  const run = await rehearsal.run({ ...BRISK, deleteLustre: false });
  expect((await rehearsal.cleanUp(run)).status).toBe('SUCCEEDED');
  expect(rehearsal.kept()).toEqual(['deleteLustre is false']);
  expect(rehearsal.models.fsx.deletions()).toEqual([]);
});

import { Duration } from 'aws-cdk-lib/core';
import { Run } from '../../local/engine';
import { FailurePolicy } from '../../src';
import { BRISK, calls, Rehearsal, RehearsalOptions, states, summary, work } from '../helpers/pipeline-run';

jest.setTimeout(60_000);

const partial = work({ files: 3, seconds: 60 });
const failing: RehearsalOptions['job'] = async (job) => { await partial(job); job.exit(3); };

async function rehearse(options: RehearsalOptions = {}, input: object = {}) {
  const rehearsal = new Rehearsal({ job: failing, ...options });
  const run = await rehearsal.run({ ...BRISK, ...input });
  expect(await rehearsal.violations()).toEqual([]);
  return { run, rehearsal, ...rehearsal.models };
}

const finish = (rehearsal: Rehearsal, { executionArn }: Run) => rehearsal.run({ cleanUp: { executionArn, deleteLustre: true } });
const tag = (rehearsal: Rehearsal, name: string) => rehearsal.models.fsx.living()[0].tags.get(`cdk-lustre-auto-export:${name}`);

describe('a run that failed', () => {
  test('whose policy is KEEP leaves its file system as it is, exporting, and tells all that there is to do', async () => {
    const { run, rehearsal, batch } = await rehearse({ props: { failurePolicy: FailurePolicy.KEEP } });
    expect([run.status, run.error]).toEqual(['FAILED', 'JobFailed']);
    expect(states(run)).not.toContain('CheckMetrics');
    expect(rehearsal.kept()).toEqual(['failurePolicy KEEP after JobFailed']);
    expect([tag(rehearsal, 'automatic-export'), tag(rehearsal, 'keep-until'), tag(rehearsal, 'times-kept')]).toEqual(['ON', undefined, '1']);
    expect(summary(run).fileSystem).toMatchObject({ deleted: false, kept: 'failurePolicy KEEP after JobFailed', automaticExport: 'ON' });
    for (const words of ['exit code 3', 'is KEPT', 'Its automatic export is ON', 'US$0.48 an hour', 'stays until somebody types', 'mount -t lustre', 's3 sync', 'create-data-repository-task', '"deleteLustre":true', 'delete-file-system', 'describe-execution']) {
      expect(run.cause).toContain(words);
    }
    expect(batch.jobs.every(({ status }) => status === 'FAILED')).toBe(true);
  });

  test('is cleaned up when somebody says so, whatever the policy', async () => {
    const { run, rehearsal } = await rehearse({ props: { failurePolicy: FailurePolicy.KEEP } });
    const again = await rehearsal.cleanUp(run);
    expect([again.status, again.output.fileSystem.kept]).toEqual(['SUCCEEDED', 'failurePolicy KEEP after the end of its execution']);
    expect((await finish(rehearsal, run)).status).toBe('SUCCEEDED');
    expect([rehearsal.kept(), rehearsal.missing(), await rehearsal.violations()]).toEqual([[], [], []]);
  });

  test('whose policy is keepFor is kept so long, by props, secret or input', async () => {
    const policies: [RehearsalOptions, object, number][] = [
      [{ props: { failurePolicy: FailurePolicy.keepFor(Duration.hours(5)) } }, {}, 5],
      [{ secret: JSON.stringify({ failurePolicy: 'KEEP_FOR', keepHours: 7 }) }, {}, 7],
      [{ props: { failurePolicy: FailurePolicy.KEEP } }, { failurePolicy: 'KEEP_FOR', keepHours: 9 }, 9],
    ];
    for (const [options, input, hours] of policies) {
      const { run, rehearsal } = await rehearse(options, input);
      const kept = (Date.parse(tag(rehearsal, 'keep-until')!) - Date.parse(tag(rehearsal, 'kept-at')!)) / 3_600_000;
      expect(kept).toBeCloseTo(hours, 0);
      expect(run.cause).toContain(`from ${tag(rehearsal, 'keep-until')} on it is exported, proven and deleted by itself`);
      expect((await rehearsal.cleanUp(run)).output.fileSystem.keptUntil).toBe(tag(rehearsal, 'keep-until'));
      await rehearsal.engine.pass(hours * 3600);
      expect((await rehearsal.cleanUp(run)).output.fileSystem.deleted).toBe(true);
      expect([rehearsal.kept(), rehearsal.missing()]).toEqual([[], []]);
    }
  });

  test('before anything was written has its file system deleted at once, whatever the policy', async () => {
    const { run, rehearsal } = await rehearse({ props: { failurePolicy: FailurePolicy.KEEP }, faults: [{ at: 60, do: 'noCapacity' }] });
    expect([run.error, rehearsal.kept()]).toEqual(['JobNeverStarted', []]);
    expect(run.cause).toContain('nothing had been written to it');
  });

  test('a run that succeeded knows no failure policy', async () => {
    const { run, rehearsal } = await rehearse({ job: partial, props: { failurePolicy: FailurePolicy.KEEP } });
    expect([run.status, rehearsal.kept()]).toEqual(['SUCCEEDED', []]);
  });

  test('a run that was stopped is kept by its clean-up, as its policy says', async () => {
    const rehearsal = new Rehearsal({ job: partial, props: { failurePolicy: FailurePolicy.KEEP }, faults: [{ enter: 'IsJobComplete', do: 'abort' }] });
    const stopped = await rehearsal.run(BRISK);
    const cleaned = await rehearsal.cleanUp(stopped);
    expect([stopped.status, cleaned.status, rehearsal.kept()]).toEqual(['ABORTED', 'SUCCEEDED', ['failurePolicy KEEP after the end of its execution']]);
    expect(calls(cleaned, 'DeleteFileSystem')).toEqual([]);
    expect((await finish(rehearsal, stopped)).output.fileSystem.deleted).toBe(true);
    expect(await rehearsal.violations()).toEqual([]);
  });
});

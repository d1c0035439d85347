import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Size } from 'aws-cdk-lib/core';
import { LocalEngine, Run } from '../../local/engine';
import { LustreAutoExportPipelineProps } from '../../src';
import { BRISK, calls, Rehearsal, RehearsalOptions, states, work } from '../helpers/pipeline-run';
import { EXHAUSTIVE, exhaustive, sample } from '../helpers/sample';

jest.setTimeout(EXHAUSTIVE ? 900_000 : 60_000);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 86_400;
const partial = work({ files: 3, seconds: 60 });
const failing: RehearsalOptions['job'] = async (job) => { await partial(job); job.exit(3); };
const KEEP = { failurePolicy: 'KEEP' };
/** A second pipeline, whose cleaner only says what it would do. */
const DRY = { others: { Other: { cleanerDryRun: true } } };

/** A world in which the pipeline's rules fire. */
function world(options: RehearsalOptions = {}): Rehearsal {
  const rehearsal = new Rehearsal({ job: partial, events: true, ...options });
  rehearsal.models.fsx.durations.delete = 2 * MINUTE;
  return rehearsal;
}

const stopped = (enter: string, of: object = {}) => [{ enter, do: 'abort', ...of } as const];
const isCleanUp = ({ history }: Run) => history[0].input?.cleanUp !== undefined;
const cleanUps = ({ runs }: Rehearsal) => runs.filter(isCleanUp);
const startOf = (run: Run) => Date.parse(run.history[0].startTime);
const endOf = (run: Run) => Date.parse(run.history.at(-1)!.time);
const minutesBetween = (earlier: number, later: number) => (later - earlier) / MINUTE;
const tag = (rehearsal: Rehearsal, name: string) => rehearsal.models.fsx.living()[0].tags.get(`cdk-lustre-auto-export:${name}`);
/** What the cleaners have logged: each line is JSON. */
const decisions = ({ engine }: Rehearsal) => engine.lambda.log.filter(({ function: name }) => name.includes('Cleaner')).map(({ at, line }) => ({ at, ...JSON.parse(line) }));

/** A call with the id of a file system that is gone is denied, as its tags match no condition any more. */
const ofWhatIsGone = (says: string) => /^I6 fsx:Create\w+: .* is not authorized/.test(says);

async function leavesNothing(rehearsal: Rehearsal, label: unknown = '', excused: (says: string) => boolean = () => false): Promise<void> {
  const violations = (await rehearsal.violations()).filter((says) => !excused(says));
  expect([label, violations, rehearsal.missing(), rehearsal.kept()]).toEqual([label, [], [], []]);
}

const named = (run: Run) => run.status === 'SUCCEEDED' || (run.error !== undefined && !/^States\./.test(run.error));

/** Pairs of a state and one of the ways: all of them, or every twelfth state with one way each (`clean-up.ts` tries the others). */
function cases<T>(all: Iterable<string>, ways: readonly T[]): [string, T][] {
  const found = [...new Set(all)];
  if (EXHAUSTIVE) return found.flatMap((state) => ways.map((way): [string, T] => [state, way]));
  return sample(found).filter((_, i) => i % 2 === 0).map((state, i) => [state, ways[i % ways.length]]);
}

describe('an execution that ends from outside', () => {
  const WAYS = ['atOnce', 'never', 'late', 'twice'].flatMap((eventDelivery) => (['abort', 'timeOut'] as const).map((end) => ({ end, eventDelivery })));

  test.each<[string, RehearsalOptions, (all: string[]) => string[]]>([
    ['would have succeeded', {}, (all) => all],
    ['has failed', { job: failing }, (all) => all.slice(all.indexOf('FindRunResources'))],
  ])('at any state, and %s, is picked up, whatever becomes of the event: the same proof, nothing lost, nothing left', async (_, options, part) => {
    const whole = part(states(await world(options).run(BRISK)));
    for (const [state, { end, eventDelivery }] of cases(whole, WAYS)) {
      const label = [state, end, eventDelivery];
      const rehearsal = world({ ...options, faults: [{ enter: state, do: end }], switches: { eventDelivery } });
      const run = await rehearsal.run(BRISK);
      expect([label, run.status]).toEqual([label, end === 'abort' ? 'ABORTED' : 'TIMED_OUT']);
      await leavesNothing(rehearsal, label);
      const [cleaned, ...more] = cleanUps(rehearsal);
      expect([label, cleaned.status, more.length]).toEqual([label, 'SUCCEEDED', 0]);
      const waited = minutesBetween(endOf(run), startOf(cleaned));
      expect([label, waited <= { atOnce: 1, twice: 1, late: 31, never: 180 }[eventDelivery]!]).toEqual([label, true]);
      for (const { fileSystemId, files } of rehearsal.models.fsx.deletions()) {
        const tasks = rehearsal.engine.calls.filter(({ action, input }) => action === 'CreateDataRepositoryTask' && input.FileSystemId === fileSystemId);
        expect([label, tasks.length > 0]).toEqual([label, files.length > 0]);
      }
    }
  });

  test.each<[string, RehearsalOptions, object]>([
    ['deleteLustre false', {}, { deleteLustre: false }],
    ['failurePolicy KEEP', { job: failing }, KEEP],
  ])('is kept where the run would have been, by %s, exporting, and reported, also if it was stopped just then', async (reason, options, input) => {
    const whole = states(await world(options).run({ ...BRISK, ...input }));
    for (const [state, eventDelivery] of cases(whole.slice(whole.indexOf('RestoreAutomaticExport')), ['never', 'atOnce'])) {
      const rehearsal = world({ ...options, faults: stopped(state, { of: 'run' }), switches: { eventDelivery } });
      await rehearsal.run({ ...BRISK, ...input });
      expect([state, await rehearsal.violations(), cleanUps(rehearsal).length]).toEqual([state, [], 1]);
      expect([state, rehearsal.kept(), tag(rehearsal, 'automatic-export')]).toEqual([state, [expect.stringContaining(reason.split(' ')[0])], 'ON']);
      expect([state, rehearsal.models.fsx.living()[0].associations[0].exporting]).toEqual([state, true]);
    }
  });

  test('without a word of what it has kept, because its summary failed, is reported by a clean-up', async () => {
    const rehearsal = world({ faults: [{ task: 'SummarizeRun', nth: 'always', of: 'run', error: { name: 'ServiceUnavailable' } }] });
    const run = await rehearsal.run({ ...BRISK, deleteLustre: false });
    expect([run.error, await rehearsal.violations()]).toEqual(['SummaryFailed', []]);
    expect(cleanUps(rehearsal).map(({ output }) => output.fileSystem.kept)).toEqual(['deleteLustre is false']);
  });
});

describe('the cleaner', () => {
  test('starts nothing on the end of a clean-up; the sweep sees what that has left, a sweep later', async () => {
    const rehearsal = world({ faults: [...stopped('WaitForJobCompletion', { of: 'run' }), ...stopped('StopJobs', { of: 'cleanUp' })] });
    await rehearsal.run(BRISK);
    await leavesNothing(rehearsal);
    const [first, second, ...more] = cleanUps(rehearsal);
    expect([first.status, second.status, more]).toEqual(['ABORTED', 'SUCCEEDED', []]);
    expect(decisions(rehearsal)).toContainEqual(expect.objectContaining({ decision: 'LEAVE', why: 'it is a clean-up itself' }));
    expect(minutesBetween(endOf(first), startOf(second))).toBeGreaterThanOrEqual(60);
  });

  test.each<[string, string, string, RehearsalOptions, object]>([
    ['when the file system had gone: the role of its link is left', 'CheckDeletion', 'AreInstancesGone', {}, {}],
    ['before it could tell what it has kept', 'AreInstancesGone', 'CanAutomaticExportBeRestored', { job: failing }, KEEP],
  ])('comes again behind a clean-up that was stopped %s', async (_, ofRun, ofCleanUp, options, input) => {
    const rehearsal = world({ ...options, faults: [...stopped(ofRun, { of: 'run' }), ...stopped(ofCleanUp, { of: 'cleanUp' })] });
    await rehearsal.run({ ...BRISK, ...input });
    expect([await rehearsal.violations(), rehearsal.kept().length]).toEqual([[], input === KEEP ? 1 : 0]);
    const [first, second, ...more] = cleanUps(rehearsal);
    expect([first.status, second.status, more]).toEqual(['ABORTED', 'SUCCEEDED', []]);
    expect(minutesBetween(endOf(first), startOf(second))).toBeGreaterThanOrEqual(60);
  });

  exhaustive('comes less and less often behind clean-ups that never end well', async () => {
    const rehearsal = world({ faults: [...stopped('CheckDeletion', { of: 'run' }), { enter: 'StopJobs', do: 'abort', nth: 'always', of: 'cleanUp' }] });
    await rehearsal.run(BRISK);
    await rehearsal.engine.pass(7 * DAY);
    const tries = cleanUps(rehearsal);
    const hours = tries.slice(1).map((each, i) => Math.floor((startOf(each) - endOf(tries[i])) / HOUR));
    expect(hours.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(tries.length).toBeLessThanOrEqual(8);
  });

  test('waits one sweep before it calls a file system an orphan', async () => {
    const rehearsal = world({ faults: stopped('WaitForJobCompletion'), switches: { eventDelivery: 'never' } });
    await rehearsal.run(BRISK);
    await leavesNothing(rehearsal);
    const [marked] = rehearsal.engine.calls.filter(({ action, input }) => action === 'TagResource' && input.Tags[0].Key.endsWith('orphan-since'));
    expect(minutesBetween(Date.parse(marked.at), startOf(cleanUps(rehearsal)[0]))).toBeCloseTo(60, 0);
  });

  exhaustive('leaves alone what runs, also for a day', async () => {
    const rehearsal = world({ job: work({ files: 10, seconds: DAY }) });
    expect((await rehearsal.run(BRISK)).status).toBe('SUCCEEDED');
    await leavesNothing(rehearsal);
    expect([rehearsal.runs.length, rehearsal.engine.calls.filter(({ action, input }) => action === 'TagResource' && input.Tags[0].Key.endsWith('orphan-since'))]).toEqual([1, []]);
    expect(new Set(decisions(rehearsal).map(({ why }) => why))).toEqual(new Set(['its execution is RUNNING']));
  });

  exhaustive('never touches what is another pipeline\'s, or nobody\'s', async () => {
    const rehearsal = world({ ...DRY, faults: stopped('WaitForJobCompletion') });
    const foreign = await rehearsal.run(BRISK, { pipeline: 'Other' });
    const { fsx } = rehearsal.models;
    const [{ input }] = calls(foreign, 'CreateFileSystem') as any[];
    const named_ = (name: string) => input.Tags.map(({ Key, Value }: any) => ({ Key, Value: Key.endsWith(':pipeline') ? name : Value }));
    const [own] = rehearsal.engine.template.ofType('AWS::Lambda::Function').filter(({ logicalId }) => logicalId.startsWith('PipelineCleaner'));
    const pipeline = own.properties.Environment.Variables.PIPELINE;
    const tags = [[], [{ Key: 'Name', Value: 'somebody' }], named_(pipeline), named_(pipeline).filter(({ Key }: any) => !Key.endsWith(':execution-arn'))];
    tags.forEach((Tags, i) => fsx.call('CreateFileSystem', { ...input, ClientRequestToken: `token-${i}`, Tags }));
    const all = () => fsx.living().map(({ id, lifecycle, tags: those }) => [id, lifecycle, [...those]]);
    await rehearsal.engine.pass(1800);
    const before = all();
    await rehearsal.engine.pass(2 * DAY);
    expect(before).toHaveLength(5);
    expect([all(), rehearsal.runs.length]).toEqual([before, 1]);
    expect(decisions(rehearsal).filter(({ dryRun }) => !dryRun).map(({ decision }) => decision)).not.toContain('CLEAN_UP');
    expect((await rehearsal.engine.destroy()).filter((each) => each.startsWith('PipelineCleaner'))).toEqual([expect.stringContaining('left behind by its run')]); // tagged as its own
  });

  test('on a dry run starts nothing, tags nothing, and logs a line of JSON for each decision', async () => {
    const rehearsal = world({ ...DRY, faults: stopped('WaitForJobCompletion') });
    const run = await rehearsal.run(BRISK, { pipeline: 'Other' });
    const [{ id, tags }] = rehearsal.models.fsx.living();
    const before = [...tags];
    await rehearsal.engine.pass(5 * 3600);
    expect([rehearsal.runs.length, [...rehearsal.models.fsx.living()[0].tags]]).toEqual([1, before]);
    const [, ...sweeps] = decisions(rehearsal);
    expect(decisions(rehearsal)[0]).toMatchObject({ fileSystemId: id, executionArn: run.executionArn, decision: 'CLEAN_UP', dryRun: true });
    expect(sweeps.length).toBeGreaterThanOrEqual(5);
    expect(new Set(sweeps.map(({ fileSystemId, decision, dryRun, done }) => [fileSystemId, decision, dryRun, done].join()))).toEqual(new Set([`${id},MARK_ORPHAN,true,`]));
  });
});

describe('what is kept', () => {
  test('for a time is exported, proven and deleted by the sweep after that time', async () => {
    const rehearsal = world({ job: failing });
    const run = await rehearsal.run({ ...BRISK, failurePolicy: 'KEEP_FOR', keepHours: 5 });
    const until = Date.parse(tag(rehearsal, 'keep-until')!);
    await rehearsal.engine.pass(7 * 3600);
    await leavesNothing(rehearsal);
    const [cleaned, ...more] = cleanUps(rehearsal);
    expect([run.error, cleaned.output.export.reason, more]).toEqual(['JobFailed', 'EveryFileExported', []]);
    expect(minutesBetween(until, startOf(cleaned))).toBeGreaterThanOrEqual(0);
    expect(minutesBetween(until, startOf(cleaned))).toBeLessThanOrEqual(61);
  });

  test.each<[string, RehearsalOptions, object]>([
    ['by KEEP', { job: failing }, KEEP],
    ['by deleteLustre false', {}, { deleteLustre: false }],
    ['by deleteLustre false, and its policy\'s time is over', { job: failing }, { deleteLustre: false, failurePolicy: 'KEEP_FOR', keepHours: 2 }],
  ])('%s stays for days', async (_, options, input) => {
    const rehearsal = world(options);
    await rehearsal.run({ ...BRISK, ...input });
    await rehearsal.engine.pass(3 * DAY);
    expect([rehearsal.kept().length, rehearsal.models.fsx.living()[0].associations[0].exporting, await rehearsal.violations()]).toEqual([1, true, []]);
    expect(cleanUps(rehearsal).length).toBeLessThanOrEqual(1); // what has a time is proven once when that is over
  });

  exhaustive('because its link is broken is tried again, less and less often, and goes when the link is mended', async () => {
    const rehearsal = world({ faults: [{ at: 14 * 60, do: 'associationMisconfigured' }] });
    const run = await rehearsal.run({ ...BRISK, lambdaTimeDiffMinutes: 15 });
    await rehearsal.engine.pass(7 * DAY);
    const tries = [run, ...cleanUps(rehearsal)];
    expect(tries.length - 1).toBeGreaterThan(3);
    expect(tries.length - 1).toBeLessThanOrEqual(10);
    expect(new Set(tries.map(({ error }) => error))).toEqual(new Set(['AssociationMisconfigured']));
    const hours = tries.slice(1).map((each, i) => Math.round((startOf(each) - endOf(tries[i])) / HOUR));
    expect(hours).toEqual([...hours].sort((a, b) => a - b));
    expect([hours[0], hours.at(-1)]).toEqual([1, 25]); // a day and what is left until the next sweep
    expect([rehearsal.kept(), tag(rehearsal, 'automatic-export'), rehearsal.models.fsx.deletions()]).toEqual([['drain: AssociationMisconfigured'], 'OFF', []]);
    rehearsal.models.fsx.mendAssociation();
    await rehearsal.engine.pass(26 * 3600);
    await leavesNothing(rehearsal);
  });

  test('after a proof that failed gets its automatic export back, for what somebody mends on it', async () => {
    const rehearsal = world();
    rehearsal.models.fsx.failExports(/file-1/, 'PathSizeTooLong');
    const run = await rehearsal.run(BRISK);
    const off = calls(run, 'UpdateDataRepositoryAssociation').filter(({ input }) => input.S3.AutoExportPolicy?.Events.length === 0);
    expect([run.error, off.length > 0, tag(rehearsal, 'automatic-export')]).toEqual(['FilesNotExported', true, 'ON']);
    const [{ associations: [link] }] = rehearsal.models.fsx.living();
    expect([link.lifecycle, link.exporting]).toEqual(['AVAILABLE', true]);
    expect(run.cause).toContain('Its automatic export is ON');
  });

  test('after a proof that failed, of a run without automatic export, says OFF', async () => {
    const rehearsal = world();
    rehearsal.models.fsx.failExports(/file-1/, 'PathSizeTooLong');
    const run = await rehearsal.run({ ...BRISK, autoExport: false });
    expect([run.error, tag(rehearsal, 'automatic-export'), rehearsal.models.fsx.living()[0].associations[0].exporting]).toEqual(['FilesNotExported', 'OFF', false]);
    expect(run.cause).toContain('Its automatic export is OFF');
  });
});

describe('a redrive', () => {
  const WHEN = ['after the clean-up', 'a minute into it', 'a quarter of an hour into it'];

  test('of a run that was stopped at any state ends with a name, or well: nothing lost, nothing left', async () => {
    for (const [state, when] of cases(states(await world().run(BRISK)), WHEN)) {
      const rehearsal = world({ faults: stopped(state) });
      const { executionArn } = await rehearsal.run(BRISK);
      if (when === WHEN[0]) await rehearsal.engine.settle(); else await rehearsal.engine.pass(when === WHEN[1] ? 60 : 900);
      const again = await rehearsal.engine.redrive(executionArn);
      expect([state, when, named(again), again.error]).toEqual([state, when, true, again.error]);
      await leavesNothing(rehearsal, [state, when], ofWhatIsGone);
    }
  });

  exhaustive('of a run that is cleaned up says so, and leaves the run beside it alone', async () => {
    const moments = EXHAUSTIVE ? [1, 9, 13, 16, 20] : [13];
    for (const [state, minute] of cases(['WaitForJobCompletion', 'UpdateComputeEnvironment', 'CheckInstances', 'DeleteLaunchTemplate', 'CheckMetrics', 'SubmitJob'], moments)) {
      let again: Promise<Run> | undefined;
      const rehearsal = world({ faults: stopped(state, { execution: 1 }) });
      const { executionArn } = await rehearsal.run(BRISK);
      await rehearsal.engine.settle();
      rehearsal.engine.clock.after(minute * MINUTE, () => { again = rehearsal.engine.redrive(executionArn); });
      const beside = await rehearsal.run(BRISK);
      expect([state, minute, beside.status, (await again!).error]).toEqual([state, minute, 'SUCCEEDED', 'RunAlreadyCleanedUp']);
      await leavesNothing(rehearsal, [state, minute], ofWhatIsGone);
    }
  });

  test('beside a clean-up that has already decided that nothing was written: what it writes is not deleted', async () => {
    let executionArn = '';
    let again: Promise<Run> | undefined;
    const rehearsal: Rehearsal = world({
      faults: stopped('WaitForComputeEnvironment', { execution: 1 }),
      events: false,
      onEvent: ({ type, state }, arn) => {
        if (type === 'StateEntered' && state === 'CheckComputeEnvironmentReturned' && arn !== executionArn) again ??= rehearsal.engine.redrive(executionArn);
      },
    });
    ({ executionArn } = await rehearsal.run({ ...BRISK, autoExport: false }));
    const cleanUp = await rehearsal.cleanUp({ executionArn });
    const end = await again!;
    expect([cleanUp.error, named(end)]).toEqual(['RunStillRunning', true]);
    await leavesNothing(rehearsal);
  });

  test('of a run that failed fails again with the same error', async () => {
    const rehearsal = world({ job: failing });
    const run = await rehearsal.run(BRISK);
    const again = await rehearsal.engine.redrive(run.executionArn);
    expect([again.status, again.error, again.cause]).toEqual(['FAILED', 'JobFailed', run.cause]);
    await leavesNothing(rehearsal);
  });
});

describe('the deletion of the stack', () => {
  const types = ({ engine }: Rehearsal) => new Set(engine.template.resources.map(({ type }) => type));

  test('is refused while a run is on its way, which ends as if nothing had happened; then it succeeds, and the bucket stays', async () => {
    for (const minute of EXHAUSTIVE ? [0.5, 3, 9, 14, 20, 30] : [14]) {
      let said: string[] = [];
      const rehearsal = world({ faults: [{ at: minute * 60, do: async (engine: LocalEngine) => { said = await engine.destroy(); } }] });
      const before = types(rehearsal);
      const run = await rehearsal.run(BRISK);
      expect(said).toEqual([expect.stringMatching(new RegExp(`${run.output.fileSystem.id} of execution \\w+ \\(its run is running\\)\\. Wait .* or stop it`))]);
      expect([minute, run.status, types(rehearsal)]).toEqual([minute, 'SUCCEEDED', before]);
      await leavesNothing(rehearsal, minute);
      expect([await rehearsal.engine.destroy(), [...types(rehearsal)].sort()]).toEqual([[], ['AWS::Lambda::Version', 'AWS::Logs::LogGroup', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret']]);
    }
  });

  exhaustive('is refused while a run waits that has no file system yet', async () => {
    let said: string[] = [];
    const rehearsal = world({ faults: [{ enter: 'CreateLustreFileSystem', do: 'abort', execution: 2 }, { at: 60, do: async (engine: LocalEngine) => { said = await engine.destroy(); } }] });
    const [first, second] = await Promise.all([rehearsal.run(BRISK, { name: 'first' }), rehearsal.run(BRISK, { name: 'second' })]);
    expect([first.status, second.status]).toEqual(['SUCCEEDED', 'ABORTED']);
    expect(said).toEqual([expect.stringContaining('execution second (is running)')]);
    await leavesNothing(rehearsal);
  });

  test('is refused while a file system is kept, with the words that end that; typed, they do', async () => {
    const rehearsal = world({ job: failing });
    const run = await rehearsal.run({ ...BRISK, ...KEEP });
    const [{ id }] = rehearsal.models.fsx.living();
    const [said, ...more] = await rehearsal.engine.destroy();
    expect([said, more]).toEqual([expect.stringContaining(`${id} of execution ${run.executionArn.split(':').pop()} (kept: failurePolicy KEEP after JobFailed)`), []]);
    const [, machine, input] = /aws stepfunctions start-execution .*--state-machine-arn (\S+) --input '(.*)'/.exec(said)!;
    expect(machine).toBe(run.history[0].stateMachineArn);
    expect((await rehearsal.run(JSON.parse(input))).status).toBe('SUCCEEDED');
    await leavesNothing(rehearsal);
    expect(await rehearsal.engine.destroy()).toEqual([]);
    expect(types(rehearsal)).toContain('AWS::S3::Bucket');
  });
});

describe('a deploy during a run', () => {
  const folders: string[] = [];
  afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true })));

  /** A later release of the app: every bundle has other bytes, so that each function has another version. */
  function release(props: LustreAutoExportPipelineProps = {}): [any, string] {
    const { template, assets } = world({ props }).engine.options;
    const folder = mkdtempSync(join(tmpdir(), 'release-'));
    folders.push(folder);
    cpSync(assets!, folder, { recursive: true });
    const text = JSON.stringify(template);
    const later = (hash: string) => [...hash].reverse().join('');
    const hashes = [...new Set([...text.matchAll(/"([0-9a-f]{64})\.zip"/g)].map(([, hash]) => hash))];
    for (const hash of hashes) {
      renameSync(join(folder, `asset.${hash}`), join(folder, `asset.${later(hash)}`));
      const bundle = join(folder, `asset.${later(hash)}`, 'index.js');
      writeFileSync(bundle, `console.log('"a later release"');\n${readFileSync(bundle, 'utf8')}`);
    }
    const moved = hashes.reduce((all, hash) => all.split(hash).join(later(hash)), text);
    return [JSON.parse(moved.replace(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, (_, name) => name + 'f'.repeat(32))), folder];
  }
  const loaded = ({ engine }: Rehearsal) => new Set(engine.lambda.log.filter(({ line }) => line === '"a later release"').map(({ function: name }) => name.split('-')[1]));

  async function deployed(minute: number, to: [unknown, string], options: RehearsalOptions = {}) {
    let said: string[] = [];
    const rehearsal = world({ ...options, faults: [{ at: minute * 60, do: async (engine: LocalEngine) => { said = await engine.deploy(...to); } }] });
    const run = await rehearsal.run(BRISK);
    return { rehearsal, run, said, loadedByRun: loaded(rehearsal) };
  }

  test('changes nothing for that run, and everything for the next', async () => {
    const to = release({ lustreStorageCapacity: Size.gibibytes(4800), jobDefinitionVcpus: 3 });
    for (const minute of EXHAUSTIVE ? [1, 5, 9, 10, 11, 12, 14, 17, 20, 25, 30] : [12]) {
      const { rehearsal, run, said, loadedByRun } = await deployed(minute, to);
      expect([minute, said, run.status, [...loadedByRun].filter((name) => !name.includes('Cleaner'))]).toEqual([minute, [], 'SUCCEEDED', []]);
      const next = await rehearsal.run(BRISK);
      const of = (each: Run) => [calls(each, 'CreateFileSystem'), calls(each, 'RegisterJobDefinition')].map(([{ input }]) => JSON.stringify(input));
      expect([next.status, of(run)[0].includes('4800'), of(next)[0].includes('4800'), of(run)[1] === of(next)[1]]).toEqual(['SUCCEEDED', false, true, false]);
      expect([...loaded(rehearsal)].filter((name) => !name.includes('Cleaner'))).toHaveLength(5);
      await leavesNothing(rehearsal, minute);
    }
  });

  test('that changes the compute environment: the run ends well, or bounded and named, and the next one well', async () => {
    const to = release();
    Object.values<any>(to[0].Resources).find(({ Type }) => Type === 'AWS::Batch::ComputeEnvironment').Properties.ComputeResources.MaxvCpus = 512;
    for (const minute of EXHAUSTIVE ? [1, 9, 10, 11, 12, 13, 14, 17, 20] : [12]) {
      for (const stackUpdateResetsTemplate of EXHAUSTIVE ? ['yes', 'no'] : ['yes']) {
        const label = [minute, stackUpdateResetsTemplate];
        const { rehearsal, run } = await deployed(minute, to, { switches: { stackUpdateResetsTemplate } });
        // between attach and start it puts the base template back: nothing starts, and nothing could be written in the wrong place
        expect([label, run.error ?? 'JobNeverStarted']).toEqual([label, 'JobNeverStarted']);
        expect([label, (await rehearsal.run(BRISK)).status]).toEqual([label, 'SUCCEEDED']);
        await leavesNothing(rehearsal, label);
      }
    }
  });

  exhaustive('does not keep a run that was stopped before it from being cleaned up after it', async () => {
    const to = release();
    const rehearsal = world({ faults: stopped('WaitForJobCompletion'), switches: { eventDelivery: 'late' } });
    await rehearsal.run(BRISK);
    expect(await rehearsal.engine.deploy(...to)).toEqual([]);
    await leavesNothing(rehearsal);
    expect(loaded(rehearsal).size).toBeGreaterThan(3);
  });
});

describe('the shared environment', () => {
  const created = (run: Run) => Date.parse(run.output.times.fileSystemCreated);

  test('of an owner that died unseen is taken over by evidence, long before anybody cleans up', async () => {
    for (const state of EXHAUSTIVE ? ['CreateLustreFileSystem', 'WaitForFileSystem', 'UpdateComputeEnvironment', 'SubmitJob', 'WaitForJobCompletion', 'CheckInstances', 'ReleaseComputeEnvironment'] : ['WaitForJobCompletion']) {
      const rehearsal = world({ faults: stopped(state, { execution: 1 }), switches: { eventDelivery: 'never' } });
      const dead = await rehearsal.run(BRISK);
      const next = await rehearsal.run(BRISK);
      expect([state, dead.status, next.status, minutesBetween(endOf(dead), created(next)) < 30]).toEqual([state, 'ABORTED', 'SUCCEEDED', true]);
      expect([state, cleanUps(rehearsal).filter((each) => startOf(each) < created(next))]).toEqual([state, []]);
      await leavesNothing(rehearsal, state);
    }
  });

  test('is given to one of two executions of the same second after the other, also if the first is stopped', async () => {
    for (const state of EXHAUSTIVE ? ['ReserveComputeEnvironment', 'IsComputeEnvironmentReserved', 'CreateLustreFileSystem', 'SubmitJob', 'CheckInstances'] : ['SubmitJob']) {
      const rehearsal = world({ faults: stopped(state, { execution: 1 }) });
      const [first, second] = await Promise.all([rehearsal.run(BRISK), rehearsal.run(BRISK)]);
      expect([state, first.status, second.status, rehearsal.runs.length]).toEqual([state, 'ABORTED', 'SUCCEEDED', 3]);
      await leavesNothing(rehearsal, state);
    }
  });

  test.each([['at once', 'atOnce'], ['when the next run has its job', 'late']])('stays with its new owner while the dead one is cleaned up, %s', async (_, eventDelivery) => {
    for (const state of EXHAUSTIVE ? ['CreateLaunchTemplate', 'UpdateComputeEnvironment', 'SubmitJob', 'WaitForJobCompletion', 'CheckInstances', 'CheckMetrics'] : ['WaitForJobCompletion']) {
      const rehearsal = world({ job: work({ files: 6, seconds: 3600 }), faults: stopped(state, { execution: 1 }), switches: { eventDelivery } });
      await rehearsal.run(BRISK);
      const next = await rehearsal.run(BRISK);
      const [cleaned] = cleanUps(rehearsal);
      expect([state, next.status, cleaned.status, startOf(cleaned) < endOf(next)]).toEqual([state, 'SUCCEEDED', 'SUCCEEDED', true]);
      expect(rehearsal.models.batch.jobs.at(-1)!.isTerminated).toBe(false);
      await leavesNothing(rehearsal, state);
    }
  });
});

test('of two pipelines that were started under one name each is cleaned up by its own cleaner, and only where it is needed', async () => {
  const rehearsal = world({ ...DRY, faults: stopped('WaitForJobCompletion', { execution: 1 }) });
  const [first, second] = await Promise.all(['Pipeline', 'Other'].map((pipeline) => rehearsal.run(BRISK, { pipeline, name: 'daily' })));
  expect([first.status, second.status]).toEqual(['ABORTED', 'SUCCEEDED']);
  await leavesNothing(rehearsal);
  expect(cleanUps(rehearsal).map(({ history: [{ stateMachineArn, input }], status }) => [stateMachineArn, input.cleanUp.executionArn, status]))
    .toEqual([[first.history[0].stateMachineArn, first.executionArn, 'SUCCEEDED']]);
  expect(decisions(rehearsal).filter(({ dryRun }) => dryRun)).toEqual([]); // the other cleaner has seen nothing of its own
});

import { spawnSync } from 'child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { DEFINITION, recordedRun, START } from './recorded-run';
import { synthesize } from './synthesized';
import { compare, Entry, expectedFiles, filesIn, isComplete } from '../local/demo/comparison';
import { DemoEvent, DemoResult } from '../local/demo/demo-run';
import { FAULTS, jobOptions, nearest, Trigger } from '../local/demo/faults';
import { JOB_PROGRAM, JobWatcher, processJob } from '../local/demo/job-process';
import { phaseOf } from '../local/demo/phases';
import { PlainProgress } from '../local/demo/progress';
import { causeText, cleanerText, faultsTable, filesTable, judgePromise } from '../local/demo/promise';
import { passedStates, Recorder } from '../local/demo/recorder';
import { comparisonTable, judge, statesTable, writtenFiles } from '../local/demo/report';
import { Triggers } from '../local/demo/triggers';
import { LocalEngine } from '../local/engine';
import { RunningJob } from '../local/models/job-script';
import { graphOf, HistoryLine } from '../local/pictures/graph';
import { stateMachineSvg } from '../local/pictures/state-machine';
import { stepsOf } from '../local/pictures/steps';
import { timelineSvg } from '../local/pictures/timeline';
import { choose } from '../local/switches';
import { ErrorName } from '../src/private/errors';

const directories: string[] = [];
const newDirectory = () => {
  directories.push(mkdtempSync(join(tmpdir(), 'demo-test-')));
  return directories[directories.length - 1];
};
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

const MINUTE = 60_000;
const resultOf = (history: readonly HistoryLine[], more: Partial<DemoResult> = {}): DemoResult => ({
  name: 'run', status: 'SUCCEEDED', definition: DEFINITION, history, cleanUps: [], decisions: [], scale: 60, closed: new Set(), kills: [], inBucket: [], onFileSystem: [], fileSystem: 'deleted', ...more,
});

/** The part of a drawing that belongs to one state. */
const drawnState = (svg: string, name: string) => new RegExp(`<g id="node\\d+" class="node">\\s*<title>${name}</title>[^]*?</a>\\s*</g>`).exec(svg)?.[0] ?? '';
const drawnEdge = (svg: string, from: string, to: string) => new RegExp(`<title>${from}&#45;&gt;${to}</title>[^]*?</g>\\s*</g>`).exec(svg)?.[0] ?? '';

describe('picture of the state machine', () => {
  test('holds every state, and shows which were passed, failed and never reached', async () => {
    const svg = await stateMachineSvg(DEFINITION, recordedRun({ failing: 'CheckJobStatus' }), { title: 'A & B' });
    for (const name of Object.keys(DEFINITION.States)) expect(drawnState(svg, name)).toContain(`>${name}`);
    expect(drawnState(svg, 'SubmitJob')).toContain('#d9f0d3');
    expect(drawnState(svg, 'CheckJobStatus')).toContain('#fde0dc');
    expect(drawnState(svg, 'RunFailed')).toContain('#fde0dc');
    expect(drawnState(svg, 'RunSucceeded')).toContain('#f1f3f4');
    expect(svg).toContain('A &amp; B');
    expect(svg).toContain('execution failed: JobFailed');
  });

  test('shows how often each way was taken', async () => {
    const svg = await stateMachineSvg(DEFINITION, recordedRun());
    expect(drawnEdge(svg, 'IsJobComplete', 'NextWaitForJobCompletion')).toContain('else &#160;20 ×');
    expect(drawnState(svg, 'WaitForJobCompletion')).toContain('21 × · 10:30');
    expect(drawnState(svg, 'CreateLustreFileSystem')).toContain('1 retried');
    expect(drawnState(svg, 'DeleteFSx')).toContain('fsx:deleteFileSystem');
  });

  test('draws a Catch that many states share only where it was taken', async () => {
    const catches = (svg: string) => svg.match(/<title>\w+&#45;&gt;FindRunResources<\/title>/g);
    expect(catches(await stateMachineSvg(DEFINITION, recordedRun()))).toEqual(['<title>Begin&#45;&gt;FindRunResources</title>']);
    const failed = await stateMachineSvg(DEFINITION, recordedRun({ failing: 'CheckJobStatus' }));
    expect(catches(failed)).toHaveLength(2);
    expect(drawnEdge(failed, 'CheckJobStatus', 'FindRunResources')).toContain('stroke-dasharray');
    expect(failed).toContain('this state catches into FindRunResources, drawn only if taken');
  });

  test('names each phase once', async () => {
    const svg = await stateMachineSvg(DEFINITION, recordedRun(), { phaseOf: (state) => (/Job/.test(state) ? 'The job' : undefined) });
    expect(svg.match(/>The job</g)).toHaveLength(1);
  });

  test('follows the branches of a Parallel each for itself', () => {
    const branch = (name: string) => ({ StartAt: `${name}1`, States: { [`${name}1`]: { Type: 'Pass', Next: `${name}2` }, [`${name}2`]: { Type: 'Pass', End: true } } });
    const definition = { StartAt: 'Both', States: { Both: { Type: 'Parallel', Branches: [branch('A')], Next: 'After' }, After: { Type: 'Succeed' } } };
    const history = ['Both', 'A1', 'A2', 'After'].map((state) => ({ type: 'StateEntered', state, time: new Date(START).toISOString() }));
    const { transitions } = graphOf(definition, history);
    expect(transitions.map(({ from, to, count }) => `${from} ${to} ${count}`)).toEqual(['Both After 1', 'Both A1 1', 'A1 A2 1']);
  });
});

/** The times of a line of a history, a day later. */
const later = (line: HistoryLine) => Object.fromEntries((['time', 'startTime', 'startedAt', 'endedAt'] as const).filter((key) => line[key])
  .map((key) => [key, new Date(Date.parse(line[key]!) + 24 * 60 * MINUTE).toISOString()]));

describe('timeline', () => {
  const recorder = new Recorder();
  const at = (minutes: number) => START + minutes * MINUTE;
  recorder.listen({ kind: 'attempt', attempt: 1, instanceId: 'i-1' }, at(9));
  recorder.listen({ kind: 'written', files: 500 }, at(12));
  recorder.listen({ kind: 'attempt ended', attempt: 1, how: 'SPOT reclaim' }, at(13));
  recorder.listen({ kind: 'attempt', attempt: 2, instanceId: 'i-2' }, at(15));
  recorder.listen({ kind: 'written', files: 1000 }, at(18));
  recorder.listen({ kind: 'attempt ended', attempt: 2, how: 'succeeded' }, at(18));
  recorder.listen({ kind: 'age', seconds: 240 }, at(19));
  recorder.listen({ kind: 'exported', files: 1000 }, at(22));
  recorder.listen({ kind: 'link', lifecycle: 'AVAILABLE', says: '' }, at(8));
  recorder.listen({ kind: 'fault', says: 'the link breaks' }, at(20));
  recorder.listen({ kind: 'link', lifecycle: 'MISCONFIGURED', says: '' }, at(20));
  recorder.listen({ kind: 'task', id: 'task-1', phase: 'EXECUTING', done: 0, failed: 0, total: 9 }, at(23));
  recorder.listen({ kind: 'task', id: 'task-1', phase: 'EXECUTING', done: 5, failed: 0, total: 9 }, at(24));
  recorder.listen({ kind: 'task', id: 'task-1', phase: 'SUCCEEDED', done: 9, failed: 0, total: 9 }, at(25));
  recorder.listen({ kind: 'deleted' }, at(36));
  recorder.listen({ kind: 'written', files: 1000 }, at(600)); // a look after the end of the run

  test('holds every row on one axis', async () => {
    const model = recorder.timeline(resultOf(recordedRun()), 'One run', '1,000 files');
    expect(model.attempts.map(({ kind }) => kind)).toEqual(['SPOT reclaim', 'succeeded']);
    const svg = await timelineSvg(model);
    for (const text of [
      'One run', '1,000 files', 'WaitForJobCompletion ⟲ 21', 'attempt 1 on i-1', '✖ 04:00', 'attempt 2 on i-2', 'written by the job', 'exported to S3',
      'AgeOfOldestQueuedMessage, in seconds', 'the file system is gone, at 36:00', 'real seconds (60 times faster)', 'time of the run (h:mm:ss)',
    ]) expect(svg).toContain(`>${text.includes('gone, at') ? 'dashed red line: ' : ''}${text}<`);
    expect(Math.max(...model.written.map(({ time }) => time))).toBe(model.end);
  });

  test('shows what went wrong when, and what the link and the export task did', async () => {
    const model = recorder.timeline(resultOf(recordedRun()), 'One run', '');
    expect(model.outside!.map(({ row, kind, from, to }) => [row, kind, (from - START) / MINUTE, (to - START) / MINUTE])).toEqual([
      ['link to S3', 'AVAILABLE', 8, 20], ['link to S3', 'MISCONFIGURED', 20, 36], ['export task-1', 'EXECUTING', 23, 25], ['export task-1', 'SUCCEEDED', 25, 25],
    ]);
    const svg = await timelineSvg(model);
    for (const text of ['dashed orange line: the link breaks, at 20:00', 'export task-1', 'MISCONFIGURED']) expect(svg).toContain(`>${text}<`);
  });

  test('puts a clean-up behind its run, on the same axis', () => {
    const [run, cleanUp] = [recordedRun(), recordedRun().map((line) => ({ ...line, ...later(line) }))];
    const { states, end } = recorder.timeline(resultOf(run, { cleanUps: [{ name: 'c', status: 'SUCCEEDED', definition: DEFINITION, history: cleanUp }] }), '', '');
    const own = states.filter(({ row }) => !row.startsWith('clean-up: '));
    expect(states.length).toBe(2 * own.length);
    expect(end).toBe(Math.max(...states.map(({ to }) => to)));
    expect(end).toBeGreaterThan(own[own.length - 1].to);
  });

  test('a loop is one step, and short states in a row are another', () => {
    const steps = stepsOf(DEFINITION, recordedRun());
    expect(steps.map(({ name }) => name).slice(0, 3)).toEqual(['Begin + 6 more', 'WaitForFileSystem ⟲ 12', 'IsFileSystemAndAssociationAvailableYes + 3 more']);
    steps.slice(1).forEach((step, i) => expect(step.from).toBe(steps[i].to));
  });
});

describe('the job', () => {
  const ARGS = ['--files', '40', '--seed', '7'];

  /** Runs the program as a container would, and kills it in the middle of a file of some size. */
  async function attempt(directory: string, watcher: JobWatcher, killAt = Infinity): Promise<string> {
    let kill = () => {};
    let opened = 0;
    watcher.onLine = () => {
      if (watcher.writing?.begun && watcher.writing.size > 60_000 && ++opened > killAt) kill();
    };
    const job = {
      command: ['node', 'job.mjs', ...ARGS, '--pause', '5'],
      attempt: 1,
      instanceId: 'i-1',
      directory,
      during: (work: Promise<unknown>) => work,
      onTerminate: () => {},
      onKill: (callback: () => void) => { kill = callback; },
      exit: (code: number) => { throw new Error(`exit ${code}`); },
    } as unknown as RunningJob;
    return Promise.resolve(processJob(JOB_PROGRAM, watcher)(job)).then(() => 'done', (error: Error) => error.message);
  }

  test('is killed while it writes, goes on from its checkpoint, and ends with the files that the seed says', async () => {
    const [directory, watcher] = [newDirectory(), new JobWatcher()];
    const expected = expectedFiles(ARGS);
    expect(await attempt(directory, watcher, 2)).toBe('exit 137');
    expect(watcher.kills).toEqual([expect.stringMatching(/^attempt 1: SIGKILL while it wrote ".+": \d+ of \d+ bytes were there$/)]);
    const half = watcher.writing!;
    expect(statSync(join(directory, half.path)).size).toBeLessThan(half.size);
    expect(watcher.closed.size).toBeLessThan(40);

    expect(await attempt(directory, watcher)).toBe('done');
    expect(watcher.closed.size).toBe(40);
    expect(compare(expected, await filesIn(directory))).toMatchObject({ identical: 41, missing: [], differing: [], extra: [] });
  });

  test('writes other files for another seed, empty ones too, in several directories', () => {
    const files = expectedFiles(['--files', '300', '--seed', '1']);
    expect(files.filter(({ size }) => size === 0).length).toBeGreaterThan(1);
    expect(new Set(files.map(({ path }) => path.split('/').slice(0, -1).join('/'))).size).toBe(8);
    expect(expectedFiles(['--files', '300', '--seed', '1'])).toEqual(files);
    expect(expectedFiles(['--files', '300', '--seed', '2'])).not.toEqual(files);
  });
});

describe('the job of a fault', () => {
  test('writes a file that S3 cannot hold, below directories that it can', () => {
    const [plain, more] = [[], ['--long-name']].map((options) => expectedFiles(['--files', '40', '--seed', '7', ...options]));
    const [{ path }, ...others] = more.filter((entry) => !plain.some((one) => one.path === entry.path));
    expect(others).toEqual([]);
    expect(Buffer.byteLength(path)).toBeGreaterThan(1024);
    expect(Buffer.byteLength(path.split('/').slice(0, -1).join('/'))).toBeLessThan(900); // leaves room for a prefix
    expect(path.split('/').every((name) => Buffer.byteLength(name) <= 255)).toBe(true);
  });

  test('gives up after so many files', () => {
    const directory = newDirectory();
    const options = jobOptions({ files: 20, seed: 7, fault: FAULTS.find(({ name }) => name === 'job-fails') });
    const { status, stdout } = spawnSync(process.execPath, [JOB_PROGRAM, ...options], { cwd: directory, encoding: 'utf8' });
    expect([status, stdout.match(/^close\t/gm)?.length]).toEqual([3, 10]);
  });
});

describe('the comparison', () => {
  const directory = newDirectory();
  mkdirSync(join(directory, 'a'));
  for (const name of ['one', 'two', 'a/three']) writeFileSync(join(directory, name), name);
  let written: Entry[];
  beforeAll(async () => { written = await filesIn(directory); });

  test('finds a missing, a differing and an extra file', async () => {
    const bucket = newDirectory();
    for (const name of ['one', 'two']) writeFileSync(join(bucket, name), name);
    expect(isComplete(compare(written, await filesIn(bucket)))).toBe(false);
    mkdirSync(join(bucket, 'a'));
    writeFileSync(join(bucket, 'a/three'), 'a/three');
    expect(compare(written, await filesIn(bucket))).toMatchObject({ identical: 3, expected: { files: 3, bytes: 13 }, found: { files: 3, bytes: 13 } });

    unlinkSync(join(bucket, 'one'));
    writeFileSync(join(bucket, 'two'), 'owt'); // same size
    writeFileSync(join(bucket, 'a/four'), '');
    const comparison = compare(written, await filesIn(bucket));
    expect(comparison).toMatchObject({ missing: ['one'], differing: ['two'], extra: ['a/four'], identical: 1 });
    expect(comparisonTable(comparison)).toContain('missing: one');
  });

  test('a run that succeeded must have every file in the bucket and the file system deleted', () => {
    expect(judge(resultOf([], { inBucket: written }), written))
      .toMatchObject({ ok: true, sentence: 'Each of the 3 files is in the bucket, byte for byte, and the file system is gone.' });
    expect(judge(resultOf([], { inBucket: written.slice(1) }), written))
      .toMatchObject({ ok: false, sentence: 'NOT every byte is safe: 1 missing, 0 differing, 0 unexpected.' });
    expect(judge(resultOf([], { inBucket: written, fileSystem: 'kept' }), written).ok).toBe(false);
  });

  test('a run that failed must have what was written in the bucket or on the kept file system', () => {
    const failed = { status: 'FAILED', error: 'JobAttemptsExhausted', closed: new Set(written.slice(0, 2).map(({ path }) => path)), fileSystem: 'kept' as const };
    const [first, second, halfWritten] = [written[0], written[1], { ...written[2], size: 1, sha256: 'half' }];
    const judged = judge(resultOf([], { ...failed, inBucket: [first, halfWritten], onFileSystem: [first, second, halfWritten] }), written);
    expect(judged.ok).toBe(false);
    expect(judged.sentence).toContain('JobAttemptsExhausted; no byte is lost: each of the 2 files that the job had written and closed is in the bucket (1) or still on the');
    expect(judge(resultOf([], { ...failed, inBucket: [first], onFileSystem: [first] }), written).sentence).toContain('1 missing');
  });

  test('the table counts the turns of a loop', () => {
    const states = passedStates(resultOf(recordedRun()));
    expect(states.find(({ name }) => name === 'WaitForExport')).toMatchObject({ visits: 24, milliseconds: 12 * MINUTE });
    expect(statesTable(states, 60)).toMatch(/WaitForExport .*24 × .*12:00 .*12\.00/);
  });
});

describe('the faults', () => {
  const states = Object.keys(synthesize().states);
  const written: Entry[] = ['a', 'b', 'c'].map((path) => ({ path, size: 1000, sha256: path }));
  const closed = new Set(['a', 'b', 'c']);
  const fault = (name: string) => FAULTS.find((each) => each.name === name)!;
  const FAILED_FILES = { total: 1, byReason: { KeyTooLong: { count: 1, files: ['c'], fix: 'shorten it' } } };
  const failed = (more: Partial<DemoResult> = {}) => resultOf([], {
    status: 'FAILED',
    error: 'FilesNotExported',
    cause: 'first\n\nlast',
    closed,
    inBucket: written.slice(0, 2),
    onFileSystem: written,
    fileSystem: 'kept',
    report: { export: { evidence: { failedFiles: FAILED_FILES } } },
    ...more,
  });
  const judged = (result: DemoResult, name: string) => judgePromise(result, judge(result, written).comparison, fault(name));

  test('meet a product whose every state belongs to a part of the run', () => {
    expect(states.filter((state) => phaseOf(state) === 'Other')).toEqual([]);
  });

  test('name states, switches and errors that there are', () => {
    const named = FAULTS.flatMap(({ triggers = [], faults = [] }) => [
      ...triggers.map(({ when }) => 'enters' in when ? when.enters : 'leaves' in when ? when.leaves : undefined),
      ...faults.map((each) => 'enter' in each ? each.enter : undefined),
    ]).filter((state) => state !== undefined);
    expect(named.filter((state) => !states.includes(state!))).toEqual([]);
    expect(named.length).toBeGreaterThan(4);
    for (const { switches, expected: { error } } of FAULTS) {
      expect(() => choose(switches)).not.toThrow();
      if (error) expect(Object.values<string>(ErrorName)).toContain(error);
    }
    expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
  });

  test('are listed with what happens and the promised end', () => {
    const table = faultsTable(120);
    for (const { name } of FAULTS) expect(table).toContain(`│ ${name} `);
    expect(table).toMatch(/FAILED FilesNotExported, the file\s/);
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test.each([
    ['abort-drain', 'abort-in-drain'], ['asociation-breaks', 'association-breaks'], ['JOB_FAILS', 'job-fails'], ['metric-lie', 'metric-lies'], ['xyz', undefined], ['', undefined],
  ])('the name %j is near to %j', (name, meant) => expect(nearest(name, FAULTS.map((each) => each.name))).toBe(meant));

  test('happen once, when a state is entered for the n-th time, left, or so much is written', () => {
    const happened: string[] = [];
    const trigger = (says: string, when: Trigger['when']) => ({ says, when, act: () => happened.push(says) }) as Trigger;
    const triggers = new Triggers(() => ({}) as LocalEngine, [
      trigger('second', { enters: 'A', visit: 2 }), trigger('left', { leaves: 'A' }), trigger('half', { written: 0.5 }),
    ], 10, (event) => happened.push(event.kind));
    const pass = (type: 'StateEntered' | 'StateExited', state: string) => triggers.passed({ type, state, time: new Date(START).toISOString() });
    const steps: [() => void, string[]][] = [
      [() => pass('StateEntered', 'A'), []], [() => pass('StateExited', 'B'), []], [() => pass('StateExited', 'A'), ['fault', 'left']],
      [() => pass('StateEntered', 'A'), ['fault', 'second']], [() => pass('StateEntered', 'A'), []],
      [() => triggers.written(4, START), []], [() => triggers.written(5, START), ['fault', 'half']], [() => triggers.written(6, START), []],
    ];
    for (const [step, expected] of steps) {
      happened.length = 0;
      step();
      expect(happened).toEqual(expected);
    }
  });

  test('keep their promise only with the end that was promised, and no byte lost', () => {
    expect(judged(failed(), 'unexportable-name')).toEqual({ ok: true, sentence: 'the promised end came: FAILED FilesNotExported, the file system is kept; no byte is lost' });
    expect(judged(failed({ onFileSystem: written.slice(0, 2) }), 'unexportable-name')).toEqual({ ok: false, sentence: expect.stringContaining('NOT every byte is safe') });
    expect(judged(failed({ error: 'ExportNotProven' }), 'unexportable-name'))
      .toEqual({ ok: false, sentence: expect.stringMatching(/did NOT come.*error is ExportNotProven, not FilesNotExported; no byte is lost/) });
    for (const more of [{ status: 'SUCCEEDED', error: undefined }, { fileSystem: 'deleted' as const }, { report: {} }]) expect(judged(failed(more), 'unexportable-name').ok).toBe(false);
  });

  test('that need somebody outside are ended by a clean-up, no others', () => {
    const cleanUp = { name: 'c', status: 'SUCCEEDED', report: { fileSystem: { deleted: true } }, definition: {}, history: [] };
    const aborted = failed({ status: 'ABORTED', error: undefined, cause: undefined, inBucket: written, onFileSystem: [], fileSystem: 'deleted', report: undefined });
    expect(judged({ ...aborted, cleanUps: [cleanUp] }, 'abort-in-drain').ok).toBe(true);
    expect(judged(aborted, 'abort-in-drain')).toEqual({ ok: false, sentence: expect.stringContaining('cleanedUpFromOutside is false, not true') });
    expect(judged({ ...aborted, cleanUps: [{ ...cleanUp, status: 'FAILED' }] }, 'abort-in-drain').ok).toBe(false);
    expect(judged({ ...aborted, status: 'FAILED', error: 'JobFailed', cleanUps: [cleanUp] }, 'job-fails').ok).toBe(false);
    expect(cleanerText({ ...aborted, cleanUps: [cleanUp], decisions: ['CLEAN_UP: it is dead'] })).toMatch(/CLEAN_UP: it is dead\n.*execution c: SUCCEEDED; file system deleted/);
  });

  test('show where each file is, why some are not in S3, and every word of the cause', () => {
    const table = filesTable(failed(), writtenFiles(failed(), written), judge(failed(), written).comparison);
    expect(table).toMatch(/in the bucket, byte for byte +│ +2 │ +2\.0 kB │ a /);
    expect(table).toMatch(/only on the file system.* +│ +1 │ +1\.0 kB │ c /);
    expect(table).toMatch(/not exported: KeyTooLong +│ +1 │ +│ c +│\n.*shorten it/);
    expect(table).not.toContain('LOST');
    expect(filesTable(failed(), written, judge(failed({ onFileSystem: [] }), written).comparison)).toMatch(/LOST +│ +1 /);
    expect(causeText(failed())).toMatch(/Error  FilesNotExported\n│ \n│ first\n│ \n│ last$/);
    expect(causeText(resultOf([]))).toBe('');
  });

  test('show their progress: what goes wrong, the link, the export task, the cleaner and its clean-up', () => {
    const lines: string[] = [];
    const progress = new PlainProgress(3000, (line) => lines.push(line));
    const events: DemoEvent[] = [
      { kind: 'state', name: 'A', isCleanUp: false },
      { kind: 'fault', says: 'it breaks' },
      { kind: 'link', lifecycle: 'X', says: 'the link is X' },
      { kind: 'task', id: 't', phase: 'EXECUTING', done: 1200, failed: 1, total: 3000 },
      { kind: 'ended', isCleanUp: false, how: 'ABORTED' },
      { kind: 'cleaner', says: 'CLEAN_UP: why' },
      { kind: 'state', name: 'A', isCleanUp: true },
    ];
    events.forEach((event) => progress.listen(event, START));
    progress.stop();
    expect(lines.map((line) => line.replace(/^ +00:00 {2}/, ''))).toEqual([
      'state A', 'FAULT: it breaks', 'the link is X', 'export task EXECUTING, 1,200 of 3,000 exported, 1 failed', 'the execution has ended: ABORTED',
      'the cleaner decides: CLEAN_UP: why', 'state clean-up: A',
    ]);
  });
});

describe('the command', () => {
  const demo = (...args: string[]) => spawnSync('node_modules/.bin/tsx', ['local/demo/main.ts', ...args], { encoding: 'utf8' });

  test('bad arguments: usage and exit status 2', () => {
    const { status, stderr } = demo('--files', 'many');
    expect(stderr).toContain("option '--files <number>' argument 'many' is invalid. It must be a whole number from 1 to 20000.");
    expect(stderr).toContain('Usage: npm run demo -- [options]');
    expect(status).toBe(2);
  });

  test('an unknown fault: usage, the name that was perhaps meant, and exit status 2', () => {
    const { status, stderr } = demo('--fault', 'abort-drain');
    expect(stderr).toContain('did you mean "abort-in-drain"?');
    expect(stderr).toContain('Usage: npm run demo -- [options]');
    expect(status).toBe(2);
  });

  test('--list-faults: exit status 0, and nothing runs', () => {
    const { status, stdout } = demo('--list-faults');
    expect(stdout.match(/^│ [a-z]/gm)?.length).toBe(FAULTS.length);
    expect(status).toBe(0);
  });

  test('says what the options of --help are', () => {
    const { status, stdout } = demo('--help');
    for (const option of ['--files', '--seed', '--interruptions', '--fault', '--list-faults', '--out']) expect(stdout).toContain(option);
    expect(status).toBe(0);
  });
});

test('the job program imports nothing but Node', () => {
  expect(readFileSync(JOB_PROGRAM, 'utf8').match(/from '(?!node:)/g)).toBeNull();
});

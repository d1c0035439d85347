import { spawnSync } from 'child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { DEFINITION, recordedRun, START } from './recorded-run';
import { compare, Entry, expectedFiles, filesIn, isComplete } from '../local/demo/comparison';
import { DemoResult } from '../local/demo/demo-run';
import { JOB_PROGRAM, JobWatcher, processJob } from '../local/demo/job-process';
import { passedStates, Recorder } from '../local/demo/recorder';
import { comparisonTable, judge, statesTable } from '../local/demo/report';
import { RunningJob } from '../local/models/job-script';
import { graphOf, HistoryLine } from '../local/pictures/graph';
import { stateMachineSvg } from '../local/pictures/state-machine';
import { stepsOf } from '../local/pictures/steps';
import { timelineSvg } from '../local/pictures/timeline';

const directories: string[] = [];
const newDirectory = () => {
  directories.push(mkdtempSync(join(tmpdir(), 'demo-test-')));
  return directories[directories.length - 1];
};
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

const MINUTE = 60_000;
const resultOf = (history: readonly HistoryLine[], more: Partial<DemoResult> = {}): DemoResult => ({
  status: 'SUCCEEDED', definition: DEFINITION, history, scale: 60, closed: new Set(), kills: [], inBucket: [], onFileSystem: [], fileSystem: 'deleted', ...more,
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
  recorder.listen({ kind: 'deleted' }, at(36));

  test('holds every row on one axis', async () => {
    const model = recorder.timeline(resultOf(recordedRun()), 'One run', '1,000 files');
    expect(model.attempts.map(({ kind }) => kind)).toEqual(['SPOT reclaim', 'succeeded']);
    const svg = await timelineSvg(model);
    for (const text of [
      'One run', '1,000 files', 'WaitForJobCompletion ⟲ 21', 'attempt 1 on i-1', '✖ 04:00', 'attempt 2 on i-2', 'written by the job', 'exported to S3',
      'AgeOfOldestQueuedMessage, in seconds', 'the file system is gone, at 36:00', 'real seconds (60 times faster)', 'time of the run (h:mm:ss)',
    ]) expect(svg).toContain(`>${text.includes('gone, at') ? 'dashed red line: ' : ''}${text}<`);
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

describe('the command', () => {
  const demo = (...args: string[]) => spawnSync('node_modules/.bin/tsx', ['local/demo/main.ts', ...args], { encoding: 'utf8' });

  test('bad arguments: usage and exit status 2', () => {
    const { status, stderr } = demo('--files', 'many');
    expect(stderr).toContain("option '--files <number>' argument 'many' is invalid. It must be a whole number from 1 to 20000.");
    expect(stderr).toContain('Usage: npm run demo -- [options]');
    expect(status).toBe(2);
  });

  test('says what the options of --help are', () => {
    const { status, stdout } = demo('--help');
    for (const option of ['--files', '--seed', '--interruptions', '--out']) expect(stdout).toContain(option);
    expect(status).toBe(0);
  });
});

test('the job program imports nothing but Node', () => {
  expect(readFileSync(JOB_PROGRAM, 'utf8').match(/from '(?!node:)/g)).toBeNull();
});

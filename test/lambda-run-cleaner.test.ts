import { EC2Client } from '@aws-sdk/client-ec2';
import { FSxClient } from '@aws-sdk/client-fsx';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as fc from 'fast-check';
import { cleanUpName, cleanUpNumber } from '../lambda-src/run-cleaner/clean-up-name';
import { type Leftover, refusal } from '../lambda-src/run-cleaner/guard-refusal';
import { handler } from '../lambda-src/run-cleaner/run-cleaner.lambda';
import { decideEnd, decideFileSystem, decideLaunchTemplate, decidePastEnd, type KnownExecution, retryAfter } from '../lambda-src/run-cleaner/sweep-decision';
import { ErrorName } from '../src/private/errors';
import { RunTag } from '../src/private/tags';

const NOW = new Date('2026-11-22T12:00:00Z');
const HOUR = 3600;
const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:Machine';
const RUN = 'arn:aws:states:us-east-1:111122223333:execution:Machine:daily';
const RUN_ID = '20261122T080000Z-0123456789ab';
const cleanUpArn = (k: number) => `arn:aws:states:us-east-1:111122223333:execution:Machine:clean-up-${RUN_ID}-${k}`;
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
const ago = (seconds: number) => before(seconds).toISOString();

type Tags = Record<string, string>;
const found = (tags: Tags = {}, lifecycle = 'AVAILABLE') => ({ lifecycle, tag: (key: string) => tags[key] as string | undefined });
const ended = (more: object = {}): KnownExecution => ({ status: 'ABORTED', input: '{}', stopDate: before(9 * HOUR), ...more });
const kept = (reason: string, more: Tags = {}): Tags => ({ [RunTag.KEPT]: reason, [RunTag.KEPT_AT]: ago(600), [RunTag.TIMES_KEPT]: '1', ...more });

describe('what a sweep does about a file system', () => {
  const decide = (tags: Tags, execution: KnownExecution = ended(), lifecycle?: string) => decideFileSystem(found(tags, lifecycle), execution, NOW, HOUR);

  test.each<[string, Tags, KnownExecution, string, string | undefined]>([
    ['its run is running', {}, { status: 'RUNNING' }, 'LEAVE', undefined],
    ['its run may go on', {}, { status: 'PENDING_REDRIVE' }, 'LEAVE', undefined],
    ['its run has a status that nobody knows', {}, { status: 'PAUSED' }, 'LEAVE', undefined],
    ['it is being deleted', {}, ended({ stopDate: before(HOUR - 1) }), 'LEAVE', 'DELETING'],
    ['it is being deleted, long after the end of its run', { [RunTag.KEPT]: 'x' }, ended({ stopDate: before(HOUR) }), 'CLEAN_UP', 'DELETING'],
    ['it is being deleted, and its run is forgotten', {}, undefined, 'CLEAN_UP', 'DELETING'],
    ['it is being deleted by its run', {}, { status: 'RUNNING' }, 'LEAVE', 'DELETING'],
    ['it is an orphan at first sight', {}, ended(), 'MARK_ORPHAN', undefined],
    ['its run succeeded and left it', {}, { status: 'SUCCEEDED' }, 'MARK_ORPHAN', undefined],
    ['its run is forgotten', {}, undefined, 'MARK_ORPHAN', undefined],
    ['its mark cannot be read', { [RunTag.ORPHAN_SINCE]: 'yesterday' }, ended(), 'MARK_ORPHAN', undefined],
    ['it is marked since half a sweep', { [RunTag.ORPHAN_SINCE]: ago(HOUR / 2) }, ended(), 'LEAVE', undefined],
    ['it is marked since the sweep before, which came a little late', { [RunTag.ORPHAN_SINCE]: ago(HOUR - 5) }, ended(), 'CLEAN_UP', undefined],
    ['a forgotten run has left it', { [RunTag.ORPHAN_SINCE]: ago(HOUR) }, undefined, 'CLEAN_UP', undefined],
    ['it is marked, but its run was redriven', { [RunTag.ORPHAN_SINCE]: ago(9 * HOUR) }, { status: 'RUNNING' }, 'LEAVE', undefined],
    ['it is kept by policy', kept('failurePolicy KEEP after JobFailed', { [RunTag.FAILURE_POLICY]: 'KEEP' }), ended(), 'LEAVE', undefined],
    ['it is kept as asked for', kept('deleteLustre is false', { [RunTag.DELETE_LUSTRE]: 'false', [RunTag.KEPT_AT]: ago(999 * HOUR) }), ended(), 'LEAVE', undefined],
    ['it was kept a moment ago, not proven', kept('export not proven: QueueNotEmpty'), ended(), 'LEAVE', undefined],
    ['it was kept an hour ago, not proven', kept('export not proven: QueueNotEmpty', { [RunTag.KEPT_AT]: ago(HOUR) }), ended(), 'CLEAN_UP', undefined],
    ['it was kept three times, the last time 3 hours ago', kept('drain: X', { [RunTag.KEPT_AT]: ago(3 * HOUR), [RunTag.TIMES_KEPT]: '3' }), ended(), 'LEAVE', undefined],
    ['it was kept three times, the last time 4 hours ago', kept('drain: X', { [RunTag.KEPT_AT]: ago(4 * HOUR), [RunTag.TIMES_KEPT]: '3' }), ended(), 'CLEAN_UP', undefined],
    ['it was kept a hundred times, the last time a day ago', kept('drain: X', { [RunTag.KEPT_AT]: ago(24 * HOUR), [RunTag.TIMES_KEPT]: '100' }), ended(), 'CLEAN_UP', undefined],
    ['somebody works on it', kept('drain: X', { [RunTag.KEPT_AT]: ago(999 * HOUR), [RunTag.HOLD]: 'yes' }), ended(), 'LEAVE', undefined],
    ['nobody knows when it was kept', { [RunTag.KEPT]: 'drain: X' }, ended(), 'CLEAN_UP', undefined],
    ['a step failed although its policy keeps', kept('detach: X', { [RunTag.FAILURE_POLICY]: 'KEEP', [RunTag.KEPT_AT]: ago(HOUR) }), ended(), 'CLEAN_UP', undefined],
    ['a reason that nobody chose', kept('unknown', { [RunTag.FAILURE_POLICY]: 'EXPORT_AND_DELETE', [RunTag.KEPT_AT]: ago(HOUR) }), ended(), 'CLEAN_UP', undefined],
  ])('%s', (_, tags, execution, decision, lifecycle) => {
    expect(decide(tags, execution, lifecycle).decision).toBe(decision);
  });

  describe('kept for a time', () => {
    const KEEP_FOR = (until: string, more: Tags = {}) => kept('failurePolicy KEEP_FOR after JobFailed', { [RunTag.FAILURE_POLICY]: 'KEEP_FOR', [RunTag.KEEP_UNTIL]: until, ...more });

    test('is left until then', () => {
      expect(decide(KEEP_FOR(ago(-1), { [RunTag.KEPT_AT]: ago(99 * HOUR) })).decision).toBe('LEAVE');
    });
    test('is deleted after that, once it is proven', () => {
      expect(decide(KEEP_FOR(ago(0)))).toMatchObject({ decision: 'CLEAN_UP' });
    });
    test('and exported after that, because deleteLustre is false, it stays', () => {
      const tags = KEEP_FOR(ago(9 * HOUR), { [RunTag.DELETE_LUSTRE]: 'false', [RunTag.KEPT]: 'deleteLustre is false', [RunTag.KEPT_AT]: ago(8 * HOUR) });
      expect(decide(tags).decision).toBe('LEAVE');
    });
    test('and not proven after that is tried again, less and less often, still to be deleted', () => {
      const again = (keptAt: string) => decide(KEEP_FOR(ago(9 * HOUR), { [RunTag.KEPT]: 'drain: DrainTimedOut', [RunTag.KEPT_AT]: keptAt, [RunTag.TIMES_KEPT]: '2' }));
      expect(again(ago(HOUR)).decision).toBe('LEAVE');
      expect(again(ago(2 * HOUR))).toMatchObject({ decision: 'CLEAN_UP' });
    });
    test('although a step failed: the step is tried again meanwhile, nothing is deleted', () => {
      const step = KEEP_FOR(ago(-99 * HOUR), { [RunTag.KEPT]: 'stop: JobsNotStopped', [RunTag.KEPT_AT]: ago(HOUR) });
      expect(decide(step)).toMatchObject({ decision: 'CLEAN_UP' });
    });
  });

  test('the pause between two tries doubles from an hour to a day', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 400].map((times) => retryAfter(times) / HOUR)).toEqual([1, 2, 4, 8, 16, 24, 24, 24]);
  });

  const anyTags = fc.dictionary(fc.constantFrom(...Object.values(RunTag)), fc.oneof(
    fc.constantFrom('KEEP', 'KEEP_FOR', 'true', 'false', 'drain: X', 'export not proven', '0', '7', 'NaN', ''),
    fc.date({ noInvalidDate: true, min: new Date('2026-01-01'), max: new Date('2027-12-31') }).map((date) => date.toISOString()),
  ));
  const anyLifecycle = fc.constantFrom('CREATING', 'AVAILABLE', 'UPDATING', 'FAILED', 'MISCONFIGURED', 'DELETING');

  test('nothing is ever done while its execution may still run', () => {
    fc.assert(fc.property(anyTags, anyLifecycle, fc.constantFrom('RUNNING', 'PENDING_REDRIVE', undefined, 'NEW_STATUS'), (tags, lifecycle, status) => {
      expect(decideFileSystem(found(tags, lifecycle), { status }, NOW, HOUR).decision).toBe('LEAVE');
      expect(decideLaunchTemplate(before(99 * HOUR), { status }, NOW, HOUR).decision).toBe('LEAVE');
      expect(decideEnd({ status, input: '{}', error: 'States.Runtime' }, found(tags, lifecycle)).decision).toBe('LEAVE');
    }));
  });

  test('nothing is cleaned up without a mark or a reason', () => {
    fc.assert(fc.property(anyTags, anyLifecycle, fc.constantFrom('SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'), (tags, lifecycle, status) => {
      const { decision } = decideFileSystem(found(tags, lifecycle), { status }, NOW, HOUR);
      if (decision === 'CLEAN_UP' && lifecycle !== 'DELETING') expect(tags[RunTag.KEPT] ?? tags[RunTag.ORPHAN_SINCE]).toBeDefined();
    }));
  });
});

describe('what a sweep does about a launch template without a file system', () => {
  test.each<[string, number | undefined, KnownExecution, string]>([
    ['its run is running', 99 * HOUR, { status: 'RUNNING' }, 'LEAVE'],
    ['it is young', 2 * HOUR - 1, ended(), 'LEAVE'],
    ['nobody knows how old it is', undefined, ended(), 'LEAVE'],
    ['its run has only just ended', 99 * HOUR, ended({ stopDate: before(HOUR - 1) }), 'LEAVE'],
    ['nobody knows when its run ended', 99 * HOUR, ended({ stopDate: undefined }), 'LEAVE'],
    ['its run ended a sweep ago', 2 * HOUR, ended({ stopDate: before(HOUR) }), 'CLEAN_UP'],
    ['its run is forgotten', 2 * HOUR, undefined, 'CLEAN_UP'],
  ])('%s', (_, age, execution, decision) => {
    expect(decideLaunchTemplate(age === undefined ? undefined : before(age), execution, NOW, HOUR).decision).toBe(decision);
  });
});

test('nobody is disturbed who holds what is kept', () => {
  const held = found(kept('drain: X', { [RunTag.HOLD]: 'yes' }));
  expect([decideEnd(ended(), held), decidePastEnd(ended(), held)].map(({ decision }) => decision)).toEqual(['LEAVE', 'LEAVE']);
  expect(decideEnd(ended(), { ...held, lifecycle: 'DELETING' }).decision).toBe('CLEAN_UP');
});

test.each([['clean-up-20261122T080000Z-0123456789ab-3', 3], ['clean-up-nightly-20261122', undefined], ['daily', undefined], [undefined, undefined]])('%s is clean-up %s of its run', (name, n) => {
  expect(cleanUpNumber(name)).toBe(n);
  if (n) expect(cleanUpName('20261122T080000Z-0123456789ab', n)).toBe(name);
});

test('a sweep looks at the end of a clean-up as at that of a run', () => {
  const input = '{"cleanUp":{"executionArn":"arn"}}';
  expect(decidePastEnd(ended({ input }), undefined).decision).toBe('CLEAN_UP');
  expect(decidePastEnd({ status: 'FAILED', error: ErrorName.DRAIN_TIMED_OUT, input }, found(kept('drain: X'))).decision).toBe('LEAVE');
});

describe('what is done at the end of a run', () => {
  const failed = (error: string | undefined): KnownExecution => ({ status: 'FAILED', error, input: '{}' });
  test.each<[string, KnownExecution, ReturnType<typeof found> | undefined, string]>([
    ['stopped', ended(), undefined, 'CLEAN_UP'],
    ['stopped while it was kept already: whether its automatic export was given back is not known', ended(), found(kept('drain: X')), 'CLEAN_UP'],
    ['timed out', { status: 'TIMED_OUT', input: '{}' }, found(), 'CLEAN_UP'],
    ['input too long to be told', { status: 'TIMED_OUT' }, found(), 'CLEAN_UP'],
    ['perhaps a clean-up: its input is not told, and no file system is tagged with it', { status: 'TIMED_OUT' }, undefined, 'LEAVE'],
    ['stopped clean-up', ended({ input: '{"cleanUp":{"executionArn":"arn"}}' }), found(), 'LEAVE'],
    ['failed clean-up', { ...failed('States.Runtime')!, input: '{"cleanUp":{"executionArn":"arn"}}' }, found(), 'LEAVE'],
    ['a run with something else under cleanUp', ended({ input: '{"cleanUp":true}' }), found(), 'CLEAN_UP'],
    ['running again', { status: 'RUNNING', input: '{}' }, found(), 'LEAVE'],
    ['succeeded', { status: 'SUCCEEDED', input: '{}' }, found(), 'LEAVE'],
    ['not known', undefined, found(), 'LEAVE'],
    ['uncatchable error', failed('States.Runtime'), undefined, 'CLEAN_UP'],
    ['no summary', failed('SummaryFailed'), undefined, 'CLEAN_UP'],
    ['no error', failed(undefined), undefined, 'CLEAN_UP'],
    ['own error, and the deletion whose end it did not see is over', { ...failed(ErrorName.JOB_FAILED)!, cause: 'DATA: file system fs-1 is being deleted, and FSx has not finished.' }, undefined, 'CLEAN_UP'],
    ['own error, and the file system that it has kept is gone', { ...failed(ErrorName.JOB_FAILED)!, cause: 'DATA: nothing was deleted: file system fs-1 is KEPT (delete: X).' }, undefined, 'CLEAN_UP'],
    ['own error, nothing left', failed(ErrorName.JOB_FAILED), undefined, 'LEAVE'],
    ['AWS never told whether the file system is there', failed(ErrorName.FILE_SYSTEM_NOT_SEEN), undefined, 'CLEAN_UP'],
    ['AWS never answered in full', failed(ErrorName.ANSWER_INCOMPLETE), undefined, 'CLEAN_UP'],
    ['own error, file system left', failed(ErrorName.JOB_FAILED), found(), 'CLEAN_UP'],
    ['own error, file system kept', failed(ErrorName.DRAIN_TIMED_OUT), found(kept('drain: X')), 'LEAVE'],
    ['uncatchable error when it had just been kept', failed('States.Runtime'), found(kept('deleteLustre is false')), 'CLEAN_UP'],
    ['no summary that tells that it was kept', failed('SummaryFailed'), found(kept('deleteLustre is false')), 'CLEAN_UP'],
    ['error of AWS, file system kept', failed('BadRequest'), found(kept('failurePolicy KEEP after BadRequest')), 'LEAVE'],
    ['own error, file system on its way out', failed(ErrorName.DELETION_TIMED_OUT), found({}, 'DELETING'), 'CLEAN_UP'],
  ])('%s', (_, execution, left, decision) => {
    expect(decideEnd(execution, left).decision).toBe(decision);
  });
});

/** A small account: what the handler finds, and what it did. */
function account({ fileSystems = [], templates = [], executions = {}, deny = () => undefined }: {
  fileSystems?: any[]; templates?: any[]; executions?: Record<string, any>; deny?: (name: string, input: any) => string | undefined;
} = {}) {
  const done: { name: string; input: any }[] = [];
  const error = (name: string) => Object.assign(new Error(name), { name });
  const started: Record<string, any> = { ...executions };
  const send = async (command: any) => {
    const name = command.constructor.name.replace(/Command$/, '');
    const { input } = command;
    const denied = deny(name, input);
    if (denied) throw error(denied);
    switch (name) {
      case 'DescribeFileSystems': {
        if (!input.FileSystemIds) return { FileSystems: [...fileSystems] };
        const one = fileSystems.filter(({ FileSystemId }) => input.FileSystemIds.includes(FileSystemId));
        if (one.length === 0) throw error('FileSystemNotFound');
        return { FileSystems: one };
      }
      case 'DescribeLaunchTemplates':
        expect(input.Filters).toEqual([{ Name: 'tag-key', Values: [RunTag.EXECUTION_ARN] }]);
        return { LaunchTemplates: templates };
      case 'DescribeExecution':
        if (!started[input.executionArn]) throw error('ExecutionDoesNotExist');
        return started[input.executionArn];
      case 'ListExecutions':
        expect(input.stateMachineArn).toBe(MACHINE);
        return {
          executions: Object.entries(started).filter(([, { status }]) => status === input.statusFilter)
            .map(([executionArn, { stopDate }]) => ({ executionArn, stopDate, name: executionArn.split(':').pop() })),
        };
      case 'StartExecution':
      case 'TagResource':
        done.push({ name, input });
        return {};
      default: throw new Error(`${name} was not expected`);
    }
  };
  for (const Client of [FSxClient, SFNClient, EC2Client]) jest.spyOn(Client.prototype as any, 'send').mockImplementation(send);
  return { done, fileSystems };
}

const fileSystem = (tags: Tags = {}, more: object = {}) => ({
  FileSystemId: 'fs-1',
  Lifecycle: 'AVAILABLE',
  ResourceARN: 'arn:fs-1',
  Tags: Object.entries({ [RunTag.PIPELINE]: 'Pipeline', [RunTag.EXECUTION_ARN]: RUN, [RunTag.RUN_ID]: RUN_ID, ...tags }).map(([Key, Value]) => ({ Key, Value })),
  ...more,
});
const template = (more: object = {}, tags: Tags = {}) => ({
  LaunchTemplateId: 'lt-1',
  CreateTime: before(9 * HOUR),
  Tags: Object.entries({ [RunTag.EXECUTION_ARN]: RUN, [RunTag.RUN_ID]: RUN_ID, ...tags }).map(([Key, Value]) => ({ Key, Value })),
  ...more,
});
const orphan = (tags: Tags = {}, more: object = {}) => fileSystem({ [RunTag.ORPHAN_SINCE]: ago(HOUR), ...tags }, more);
const SWEEP = { source: 'aws.events' } as const;
const END = { source: 'aws.states', detail: { executionArn: RUN } } as const;
const STARTED = (k: number, input: object = { cleanUp: { executionArn: RUN } }) => ({
  name: 'StartExecution', input: { stateMachineArn: MACHINE, name: `clean-up-${RUN_ID}-${k}`, input: JSON.stringify(input) },
});
let lines: string[];
const log = () => lines.map((line) => JSON.parse(line));

beforeEach(() => {
  jest.useFakeTimers({ now: NOW, doNotFake: ['nextTick', 'setImmediate'] });
  Object.assign(process.env, { STATE_MACHINE_ARN: MACHINE, PIPELINE: 'Pipeline', SWEEP_SECONDS: String(HOUR), DRY_RUN: 'false' });
  lines = [];
  jest.spyOn(console, 'log').mockImplementation((line) => { lines.push(line); });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a sweep', () => {
  test('marks an orphan and waits one sweep', async () => {
    const { done } = account({ fileSystems: [fileSystem()], executions: { [RUN]: ended() } });
    await handler(SWEEP);
    expect(done).toEqual([{ name: 'TagResource', input: { ResourceARN: 'arn:fs-1', Tags: [{ Key: RunTag.ORPHAN_SINCE, Value: NOW.toISOString() }] } }]);
    expect(log()).toEqual([{
      fileSystemId: 'fs-1', runId: RUN_ID, executionArn: RUN, decision: 'MARK_ORPHAN', why: 'its execution has ended as ABORTED', dryRun: false,
    }]);
  });

  test('then starts its clean-up', async () => {
    const { done } = account({ fileSystems: [orphan()], executions: { [RUN]: ended() } });
    await handler(SWEEP);
    expect(done).toEqual([STARTED(1)]);
    expect(log()).toMatchObject([{ decision: 'CLEAN_UP', done: `clean-up-${RUN_ID}-1 was started` }]);
  });

  test('tells the clean-up to delete what was kept for a time', async () => {
    const { done } = account({
      fileSystems: [fileSystem(kept('failurePolicy KEEP_FOR after JobFailed', { [RunTag.FAILURE_POLICY]: 'KEEP_FOR', [RunTag.KEEP_UNTIL]: ago(1) }))], executions: { [RUN]: ended() },
    });
    await handler(SWEEP);
    expect(done).toEqual([STARTED(1, { cleanUp: { executionArn: RUN } })]);
  });

  test('does not touch file systems of other pipelines, of other machines, or without our tags', async () => {
    const foreign = [
      orphan({ [RunTag.PIPELINE]: 'Pipeline2' }),
      orphan({ [RunTag.PIPELINE]: 'pipeline' }),
      { ...orphan(), Tags: [] },
      { ...orphan(), Tags: undefined },
      orphan({ [RunTag.EXECUTION_ARN]: RUN.replace('Machine', 'Machine2') }),
      orphan({ [RunTag.EXECUTION_ARN]: '' }),
      orphan({ [RunTag.RUN_ID]: '' }),
    ];
    const { done } = account({ fileSystems: foreign });
    await handler(SWEEP);
    expect(done).toEqual([]);
    expect(log().map(({ decision }) => decision)).toEqual(['LEAVE', 'LEAVE', 'LEAVE']); // the last three are ours by their tag
  });

  test.each<[string, (world: ReturnType<typeof account>, executions: Record<string, any>) => void]>([
    ['the file system is gone', ({ fileSystems }) => { fileSystems.length = 0; }],
    ['its run was redriven', (_, executions) => { executions[RUN].status = 'RUNNING'; }],
    ['it has been kept', ({ fileSystems }) => { fileSystems[0] = fileSystem(kept('drain: X')); }],
  ])('looks again before it acts: %s', async (_, meanwhile) => {
    const executions: Record<string, any> = { [RUN]: ended() };
    let looks = 0;
    const world = account({
      fileSystems: [orphan()],
      executions,
      deny: (name) => {
        if (name === 'DescribeFileSystems' && ++looks === 2) meanwhile(world, executions);
        return undefined;
      },
    });
    await handler(SWEEP);
    expect(world.done).toEqual([]);
    expect(log()).toMatchObject([{ decision: 'LEAVE' }]);
  });

  test('leaves a clean-up alone that is running', async () => {
    const { done } = account({ fileSystems: [orphan()], executions: { [RUN]: ended(), [cleanUpArn(1)]: ended(), [cleanUpArn(2)]: { status: 'RUNNING' } } });
    await handler(SWEEP);
    expect(done).toEqual([]);
    expect(log()).toMatchObject([{ decision: 'CLEAN_UP', done: `clean-up-${RUN_ID}-2 is running` }]);
  });

  test('starts the next one behind those that have ended, after a pause that grows', async () => {
    const after = async (seconds: number) => {
      const { done } = account({
        fileSystems: [orphan()], executions: { [RUN]: ended(), [cleanUpArn(1)]: ended(), [cleanUpArn(2)]: ended({ stopDate: before(seconds) }) },
      });
      await handler(SWEEP);
      return done;
    };
    expect(await after(2 * HOUR - 1)).toEqual([]);
    expect(await after(2 * HOUR)).toEqual([STARTED(3)]);
  });

  test('meets another sweep that starts one at the same moment', async () => {
    const { done } = account({ fileSystems: [orphan()], executions: { [RUN]: ended() }, deny: (name) => name === 'StartExecution' ? 'ExecutionAlreadyExists' : undefined });
    await handler(SWEEP);
    expect(done).toEqual([]);
    expect(log()).toMatchObject([{ done: `clean-up-${RUN_ID}-1 exists already; the next sweep looks again` }]);
  });

  test('cleans up a launch template whose file system is gone', async () => {
    const { done } = account({ templates: [template()], executions: { [RUN]: ended() } });
    await handler(SWEEP);
    expect(done).toEqual([STARTED(1)]);
    expect(log()).toMatchObject([{ launchTemplateId: 'lt-1', runId: RUN_ID, executionArn: RUN, decision: 'CLEAN_UP' }]);
  });

  test('leaves the launch template to the file system of its run, and those of other machines alone', async () => {
    const templates = [template(), template({}, { [RunTag.EXECUTION_ARN]: RUN.replace('Machine', 'Machine2') })];
    const { done } = account({ fileSystems: [fileSystem(kept('deleteLustre is false', { [RunTag.DELETE_LUSTRE]: 'false' }))], templates, executions: { [RUN]: ended() } });
    await handler(SWEEP);
    expect(done).toEqual([]);
  });

  describe('makes up for an event that was lost', () => {
    const startDate = new Date('2026-11-22T08:00:00Z');
    const sweepAfter = async (execution: object, others: Record<string, any> = {}, fileSystems: any[] = []) => {
      const { done } = account({ fileSystems, executions: { [RUN]: ended({ startDate, stopDate: before(2 * HOUR), ...execution }), ...others } });
      await handler(SWEEP);
      return done.map(({ name, input }) => `${name} ${input.name}`);
    };

    test('of a run that has left nothing with a tag', async () => {
      expect(await sweepAfter({})).toEqual([expect.stringMatching(/^StartExecution clean-up-20261122T080000Z-[0-9a-f]{12}-1$/)]);
    });
    const keptByChoice = [fileSystem(kept('deleteLustre is false', { [RunTag.DELETE_LUSTRE]: 'false' }))];
    test('of a run that was stopped when it had just been kept, and has told nobody', async () => {
      expect(await sweepAfter({}, {}, keptByChoice)).toEqual([`StartExecution clean-up-${RUN_ID}-1`]);
      expect(await sweepAfter({}, { [cleanUpArn(1)]: ended({ startDate: before(2 * HOUR), stopDate: before(HOUR / 2) }) }, keptByChoice)).toEqual([]);
    });
    test('but not of one that has told what it has kept', async () => {
      expect(await sweepAfter({ status: 'FAILED', error: 'BadRequest' }, {}, keptByChoice)).toEqual([]);
    });
    test.each<[string, object]>([
      ['less than a sweep after its end', { stopDate: before(HOUR - 1) }],
      ['more than three sweeps after its end', { stopDate: before(3 * HOUR) }],
      ['not where the run has cleaned up', { status: 'FAILED', error: ErrorName.JOB_FAILED }],
      ['not of the clean-up of who knows what', { input: '{"cleanUp":{"executionArn":"arn"}}' }],
    ])('but %s', async (_, execution) => {
      expect(await sweepAfter(execution)).toEqual([]);
    });
    test('of a run whose clean-up was told that it still runs', async () => {
      const [, name] = (await sweepAfter({}))[0].split(' ');
      const refused = { [RUN.replace('daily', name)]: { ...ended({ startDate: before(2 * HOUR), stopDate: before(HOUR) }), status: 'FAILED', error: ErrorName.RUN_STILL_RUNNING } };
      expect(await sweepAfter({}, refused)).toEqual([`StartExecution ${name.replace(/1$/, '2')}`]);
    });
    test('of a clean-up that was stopped, the later the more there were', async () => {
      const input = JSON.stringify({ cleanUp: { executionArn: RUN } });
      const after = async (n: number, hours: number) => {
        const [, first] = (await sweepAfter({}))[0].split(' ');
        const earlier = Array.from({ length: n }, (_, i) => [RUN.replace('daily', first.replace(/1$/, `${i + 1}`)), ended({ input, startDate: before(95 * HOUR), stopDate: before((i + 1 === n ? hours : 90) * HOUR) })]);
        const { done } = account({ fileSystems: [], executions: { [RUN]: ended({ startDate, stopDate: before(99 * HOUR) }), ...Object.fromEntries(earlier) } });
        await handler(SWEEP);
        return done.map(({ input: { name } }) => name);
      };
      const next = async (n: number) => (await after(n, 2 ** (n - 1))).map((name) => name.split('-').pop());
      expect([await next(1), await next(2), await next(3)]).toEqual([['2'], ['3'], ['4']]);
      expect([await after(1, 0.9), await after(3, 3.9), await after(3, 6)]).toEqual([[], [], []]);
    });
    test('but not twice', async () => {
      const [start] = await sweepAfter({});
      expect(await sweepAfter({}, { [RUN.replace('daily', start.split(' ')[1])]: ended({ status: 'SUCCEEDED', startDate: before(2 * HOUR), stopDate: before(HOUR) }) })).toEqual([]);
    });
  });

  test('one that cannot be dealt with hides no other, and is an error at the end', async () => {
    const other = RUN.replace('daily', 'nightly');
    const { done } = account({
      fileSystems: [orphan({ [RunTag.EXECUTION_ARN]: other }, { FileSystemId: 'fs-2' }), orphan()],
      executions: { [RUN]: ended() },
      deny: (name, { executionArn }) => name === 'DescribeExecution' && executionArn === other ? 'ThrottlingException' : undefined,
    });
    await expect(handler(SWEEP)).rejects.toThrow(/^1 of what was found .* fs-2: ThrottlingException/);
    expect(done).toEqual([STARTED(1)]);
  });

  test('a dry run says the same and does nothing', async () => {
    process.env.DRY_RUN = 'true';
    const { done } = account({ fileSystems: [orphan(), fileSystem({}, { FileSystemId: 'fs-2' })], templates: [template({}, { [RunTag.EXECUTION_ARN]: `${RUN}2` })], executions: { [RUN]: ended(), [`${RUN}2`]: ended() } });
    await handler(SWEEP);
    await handler(END);
    expect(done).toEqual([]);
    expect(log().map(({ decision, dryRun }) => [decision, dryRun])).toEqual([['CLEAN_UP', true], ['MARK_ORPHAN', true], ['CLEAN_UP', true], ['CLEAN_UP', true]]);
  });
});

describe('the end of a run', () => {
  test('that was stopped starts its clean-up at once', async () => {
    const { done } = account({ fileSystems: [fileSystem()], executions: { [RUN]: ended() } });
    await handler(END);
    expect(done).toEqual([STARTED(1)]);
    expect(log()).toMatchObject([{ fileSystemId: 'fs-1', runId: RUN_ID, executionArn: RUN, decision: 'CLEAN_UP' }]);
  });

  test('is looked up, not believed: it may have been redriven', async () => {
    const { done } = account({ fileSystems: [fileSystem()], executions: { [RUN]: { status: 'RUNNING', input: '{}' } } });
    const handled = handler(END);
    await jest.advanceTimersByTimeAsync(60_000);
    await handled;
    expect(done).toEqual([]);
    expect(log()).toMatchObject([{ decision: 'LEAVE', why: 'it is RUNNING again' }]);
  });

  test('may show a little late', async () => {
    const executions = { [RUN]: { status: 'RUNNING', input: '{}' } as any };
    const { done } = account({ fileSystems: [fileSystem()], executions });
    setTimeout(() => Object.assign(executions[RUN], ended()), 10_000);
    const handled = handler(END);
    await jest.advanceTimersByTimeAsync(60_000);
    await handled;
    expect(done).toEqual([STARTED(1)]);
  });

  test('of which two events tell is cleaned up after once', async () => {
    const cleanedUp = ended({ startDate: before(89), stopDate: before(9) });
    const { done } = account({ fileSystems: [fileSystem()], executions: { [RUN]: ended({ stopDate: before(90) }), [cleanUpArn(1)]: cleanedUp } });
    await handler(END);
    expect(done).toEqual([]);
    expect(log()).toMatchObject([{ decision: 'CLEAN_UP', done: `clean-up-${RUN_ID}-1 has ended` }]);
  });

  test('that was stopped twice starts a second clean-up without a pause', async () => {
    const cleanedUp = ended({ startDate: before(9), stopDate: before(1) });
    const { done } = account({ fileSystems: [fileSystem()], executions: { [RUN]: ended({ stopDate: before(5) }), [cleanUpArn(1)]: cleanedUp } });
    await handler(END);
    expect(done).toEqual([STARTED(2)]);
  });

  test('without a file system is cleaned up under the id that the run had', async () => {
    const { done } = account({ executions: { [RUN]: ended({ startDate: new Date('2026-11-22T08:00:00.123Z') }) } });
    await handler(END);
    expect(done[0].input.name).toMatch(/^clean-up-20261122T080000Z-[0-9a-f]{12}-1$/);
    expect(done[0].input.name.length).toBeLessThanOrEqual(80); // E9
  });

  test('never touches a file system that is tagged as another pipeline\'s', async () => {
    account({ fileSystems: [fileSystem({ [RunTag.PIPELINE]: 'other' })], executions: { [RUN]: { status: 'FAILED', error: ErrorName.JOB_FAILED, input: '{}', startDate: NOW } } });
    await handler(END);
    expect(log()).toMatchObject([{ decision: 'LEAVE' }]);
  });

  test('a clean-up that cannot be started is an error, so that Lambda tries again', async () => {
    account({ fileSystems: [fileSystem()], executions: { [RUN]: ended() }, deny: (name) => name === 'StartExecution' ? 'ExecutionLimitExceeded' : undefined });
    await expect(handler(END)).rejects.toThrow('ExecutionLimitExceeded');
  });

  test('an event of an unknown kind is an error', async () => {
    await expect(handler({ source: 'aws.s3' } as any)).rejects.toThrow('unknown kind');
  });

  test.each(['STATE_MACHINE_ARN', 'PIPELINE', 'SWEEP_SECONDS', 'DRY_RUN'])('without %s nothing is done', async (name) => {
    delete process.env[name];
    await expect(handler(SWEEP)).rejects.toThrow(name);
  });
});

describe('the guard of the stack', () => {
  const request = (RequestType: 'Create' | 'Update' | 'Delete', more: object = {}) => ({
    RequestType, ResponseURL: 'https://presigned', StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Guard', ...more,
  });
  let answers: any[];
  beforeEach(() => {
    answers = [];
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (url: any, init: any) => {
      expect(url).toBe('https://presigned');
      expect(init.method).toBe('PUT');
      expect(init.headers).toBeUndefined();
      expect(init.body).toBeInstanceOf(Uint8Array); // text would get a Content-Type, and the signature would not match
      answers.push(JSON.parse(Buffer.from(init.body).toString()));
      return { ok: true, status: 200 } as Response;
    });
  });

  test.each(['Create', 'Update'] as const)('%s succeeds whatever there is, and looks at nothing', async (type) => {
    account({ fileSystems: [fileSystem()], deny: () => 'AccessDeniedException' });
    await handler(request(type, type === 'Update' ? { PhysicalResourceId: 'old' } : {}));
    expect(answers).toEqual([{
      Status: 'SUCCESS', PhysicalResourceId: type === 'Update' ? 'old' : 'guard-Pipeline', StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Guard',
    }]);
  });

  test('a stack without file systems of ours goes', async () => {
    account({ fileSystems: [fileSystem({ [RunTag.PIPELINE]: 'other' })], executions: { [RUN]: ended() } });
    await handler(request('Delete', { PhysicalResourceId: 'guard-Pipeline' }));
    expect(answers).toMatchObject([{ Status: 'SUCCESS', PhysicalResourceId: 'guard-Pipeline' }]);
  });

  test('a kept file system is named, with its run, the reason, and the command', async () => {
    account({ fileSystems: [fileSystem(kept('drain: DrainTimedOut'))], executions: { [RUN]: ended() } });
    await handler(request('Delete', { PhysicalResourceId: 'guard-Pipeline' }));
    expect(answers).toMatchObject([{
      Status: 'FAILED',
      Reason: 'The stack is not deleted, because data may be on its file systems that is not in S3. '
        + 'fs-1 of execution daily (kept: drain: DrainTimedOut). To export, prove and delete fs-1: '
        + `aws stepfunctions start-execution --region us-east-1 --state-machine-arn ${MACHINE} --input '{"cleanUp":{"executionArn":"${RUN}","deleteLustre":true}}'. Then delete the stack again.`,
    }]);
    expect(lines.join()).not.toContain('presigned');
  });

  test.each<[string, Parameters<typeof account>[0], RegExp]>([
    ['one that nobody wanted', { fileSystems: [fileSystem()] }, /fs-1 of execution daily \(left behind by its run\)\. To export/],
    ['one on its way out', { fileSystems: [fileSystem({}, { Lifecycle: 'DELETING' })] }, /fs-1 of execution daily \(is being deleted\)\. Delete the stack again in ten minutes\.$/],
    ['one in use', { fileSystems: [fileSystem()], executions: { [RUN]: { status: 'RUNNING' } } }, /\(its run is running\)\. Wait for the end of what is running, or stop it/],
    ['one that is being cleaned up', { fileSystems: [fileSystem()], executions: { [RUN]: ended(), [cleanUpArn(2)]: { status: 'RUNNING' } } }, /clean-up-\S+-2 is running\)\. Wait/],
    ['a run that has none yet', { executions: { [RUN]: { status: 'RUNNING' } } }, /execution daily \(is running\)\. Wait/],
  ])('refuses for %s', async (_, given, words) => {
    account(given);
    await handler(request('Delete'));
    expect(answers).toMatchObject([{ Status: 'FAILED', Reason: expect.stringMatching(words) }]);
  });

  test('what cannot be looked at is refused', async () => {
    account({ deny: () => 'AccessDeniedException' });
    await handler(request('Delete'));
    expect(answers).toMatchObject([{ Status: 'FAILED', Reason: expect.stringContaining('AccessDeniedException') }]);
  });

  test('a state machine that is gone has no runs', async () => {
    account({ deny: (name) => name === 'ListExecutions' ? 'StateMachineDoesNotExist' : undefined });
    await handler(request('Delete'));
    expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
  });

  test('an answer that is not taken is an error, so that Lambda tries again', async () => {
    jest.spyOn(globalThis, 'fetch').mockResolvedValue({ ok: false, status: 403 } as Response);
    await expect(handler(request('Create'))).rejects.toThrow('403');
  });

  test('however much is left, at most 1,000 characters name what was left first and say what to type', () => {
    const name = fc.stringMatching(/^[\w-]{1,80}$/);
    const leftover = (machine: string) => fc.record({
      fileSystemId: fc.constant('fs-0123456789abcdef0'),
      runId: fc.constant(RUN_ID),
      executionArn: name.map((each) => `arn:aws-us-gov:states:ap-southeast-1:111122223333:execution:${machine}:${each}`),
      state: fc.constantFrom<Leftover['state']>('LEFT', 'RUNNING', 'DELETING'),
      why: fc.string({ maxLength: 256 }),
    });
    const leftovers = (machine: string) => fc.tuple(fc.constant(machine), fc.array(leftover(machine), { minLength: 1, maxLength: 20 }));
    fc.assert(fc.property(name.chain(leftovers), ([machine, left]) => {
      const words = refusal(left, `arn:aws-us-gov:states:ap-southeast-1:111122223333:stateMachine:${machine}`)!;
      expect(words.length).toBeLessThanOrEqual(1000);
      expect(words).toContain('fs-0123456789abcdef0 of execution');
      const first = left.find(({ state }) => state === 'LEFT');
      expect(words.includes(`{"cleanUp":{"executionArn":"${first?.executionArn}","deleteLustre":true}}`)).toBe(first !== undefined);
      expect(words).toMatch(/elete the stack again( in ten minutes)?\.$/);
    }));
  });
});

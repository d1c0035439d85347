import { BatchClient, CEStatus, ComputeEnvironmentDetail, LaunchTemplateSpecification } from '@aws-sdk/client-batch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client, Instance, LaunchTemplate } from '@aws-sdk/client-ec2';
import { SFNClient } from '@aws-sdk/client-sfn';
import fc from 'fast-check';
import {
  describe as inWords, Look, mayHaveMounted, refusedSince, refuseToWait, runTemplateExists, stepToAttach, stepToDetach,
} from '../lambda-src/batch-environment/compute-environment-status';
import { describeLock, Lock, lockStep } from '../lambda-src/batch-environment/run-lock';
import { checkComputeEnvironment } from '../lambda-src/parameters/check-compute-environment';
import { DynamoDbModel } from '../local/models/dynamodb';
import { AwsError } from '../local/world';
import { EnvironmentSeen, EnvironmentSettings } from '../src/private/batch-environment-payloads';

const run = { id: '20261122T153703Z-1a2b', executionArn: 'arn:execution:mine', startedAt: '2026-11-22T15:37:03.000Z', token: 'f'.repeat(40) };
const settings: EnvironmentSettings = {
  computeEnvironmentArn: 'arn:environment', baseLaunchTemplateId: 'lt-base', environmentTag: 'Stack/Environment', lockTable: 'locks', whenInUse: 'WAIT',
};
const OURS = { launchTemplateName: `lustre-${run.id}`, version: '1' };
const BASE = { launchTemplateId: 'lt-base', version: '$Latest' };
const OTHERS = { launchTemplateName: 'lustre-other', version: '1' };
const GONE = { launchTemplateName: 'lustre-gone', version: '1' };
const STRANGE = { launchTemplateName: 'by-hand', version: '1' };
const RUN_TAG = 'cdk-lustre-auto-export:run-id';

const templates: LaunchTemplate[] = [
  { LaunchTemplateId: 'lt-base', LaunchTemplateName: 'cfn-base' },
  { LaunchTemplateId: 'lt-ours', LaunchTemplateName: OURS.launchTemplateName },
  { LaunchTemplateId: 'lt-other', LaunchTemplateName: 'lustre-other', Tags: [{ Key: 'cdk-lustre-auto-export:execution-arn', Value: 'arn:execution:other' }] },
];

function look(status: CEStatus, launchTemplate: LaunchTemplateSpecification, more: Partial<ComputeEnvironmentDetail> = {}): Look {
  return { run, settings, launchTemplates: templates, environment: { status, state: 'ENABLED', computeResources: { launchTemplate }, ...more } as ComputeEnvironmentDetail };
}
/** The same look where the template that is shown is deleted, or the run that it was made for has ended. */
const left = (found: Look): Look => ({ ...found, servesNobody: true });
const nothing: Look = { run, settings, launchTemplates: [], environment: undefined };

/** The error's name, or what was returned. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as Error).name;
  }
}

describe('the step that attaches', () => {
  test.each<[string, Look, string]>([
    ['VALID and ours', look('VALID', OURS), 'DONE'],
    ['VALID and ours by id', look('VALID', { launchTemplateId: 'lt-ours', version: '1' }), 'DONE'],
    ['VALID, ours, another version', look('VALID', { ...OURS, version: '2' }), 'UPDATE'],
    ['VALID and base', look('VALID', BASE), 'UPDATE'],
    ['VALID and base by name', look('VALID', { launchTemplateName: 'cfn-base', version: '3' }), 'UPDATE'],
    ['UPDATING and ours', look('UPDATING', OURS), 'WAIT'],
    ['UPDATING and base', look('UPDATING', BASE), 'WAIT'],
    ['CREATING', look('CREATING', BASE), 'WAIT'],
    ['VALID and left by a run that is gone', look('VALID', GONE), 'UPDATE'],
    ['INVALID because of a run that is gone', look('INVALID', GONE), 'UPDATE'],
    ['INVALID', look('INVALID', OURS), 'ComputeEnvironmentInvalid'],
    ['DELETING', look('DELETING', BASE), 'ComputeEnvironmentInvalid'],
    ['DISABLED', look('VALID', BASE, { state: 'DISABLED' }), 'ComputeEnvironmentInvalid'],
    ['not there', nothing, 'ComputeEnvironmentInvalid'],
    ['VALID and another run\'s', look('VALID', OTHERS), 'ComputeEnvironmentBusy'],
    ['UPDATING and another run\'s, by id', look('UPDATING', { launchTemplateId: 'lt-other', version: '1' }), 'ComputeEnvironmentBusy'],
    ['VALID and left by a run that has ended', left(look('VALID', OTHERS)), 'UPDATE'],
    ['UPDATING and left by a run that has ended', left(look('UPDATING', OTHERS)), 'WAIT'],
    ['INVALID and left by a run that has ended', left(look('INVALID', OTHERS)), 'UPDATE'],
    ['VALID with the id of a template that is deleted', left(look('VALID', { launchTemplateId: 'lt-gone', version: '1' })), 'UPDATE'],
    ['INVALID, base, and nobody\'s', left(look('INVALID', BASE)), 'ComputeEnvironmentInvalid'],
    ['VALID and nobody\'s', look('VALID', STRANGE), 'ComputeEnvironmentBusy'],
    ['VALID and nobody\'s, by id', look('VALID', { launchTemplateId: 'lt-strange', version: '1' }), 'ComputeEnvironmentBusy'],
    ['ours without a version', look('VALID', { launchTemplateName: OURS.launchTemplateName }), 'AnswerIncomplete'],
    ['without a launch template', look('VALID', undefined as any), 'AnswerIncomplete'],
    ['with an empty launch template', look('VALID', {}), 'AnswerIncomplete'],
    ['without a status', look(undefined as any, BASE), 'AnswerIncomplete'],
  ])('%s', (_, found, expected) => expect(outcome(() => stepToAttach(found))).toBe(expected));

  test('errors quote what Batch says and who is in the way', () => {
    expect(() => stepToAttach(look('INVALID', BASE, { statusReason: 'CLIENT_ERROR - no subnet' }))).toThrow(/arn:environment.*INVALID.*cfn-base.*no subnet/);
    expect(() => stepToAttach(look('VALID', OTHERS))).toThrow(/lustre-other.*execution arn:execution:other/);
    expect(() => stepToAttach(look('VALID', STRANGE))).toThrow(/by-hand.*set it back/);
  });
});

describe('the step that detaches', () => {
  test.each<[string, Look, string, string, string]>([
    // name, look, step at the first look, step later, step where another run holds the environment
    ['VALID and ours', look('VALID', OURS), 'UPDATE', 'UPDATE', 'WAIT'],
    ['INVALID and ours', look('INVALID', OURS), 'UPDATE', 'UPDATE', 'WAIT'],
    ['UPDATING and ours', look('UPDATING', OURS), 'WAIT', 'WAIT', 'WAIT'],
    ['VALID and base: an update may not show yet', look('VALID', BASE), 'WAIT', 'DONE', 'DONE'],
    ['INVALID and base', look('INVALID', BASE), 'WAIT', 'DONE', 'DONE'],
    ['UPDATING and base', look('UPDATING', BASE), 'WAIT', 'WAIT', 'WAIT'],
    ['another run\'s', look('UPDATING', OTHERS), 'WAIT', 'DONE', 'DONE'],
    ['left by another run that has ended', left(look('VALID', OTHERS)), 'UPDATE', 'UPDATE', 'DONE'],
    ['UPDATING to what is left of another run', left(look('UPDATING', OTHERS)), 'WAIT', 'WAIT', 'DONE'],
    ['DELETING', look('DELETING', OURS), 'WAIT', 'DONE', 'DONE'],
    ['DISABLED and ours', look('VALID', OURS, { state: 'DISABLED' }), 'UPDATE', 'UPDATE', 'WAIT'],
    ['not there', nothing, 'WAIT', 'DONE', 'DONE'],
    ['without a status', look(undefined as any, BASE), 'AnswerIncomplete', 'AnswerIncomplete', 'AnswerIncomplete'],
  ])('%s', (_, found, first, later, notHeld) => {
    expect(outcome(() => stepToDetach(found, 0, true))).toBe(first);
    expect(outcome(() => stepToDetach(found, 1, true))).toBe(later);
    expect(outcome(() => stepToDetach(found, 1, false))).toBe(notHeld);
  });

  test('knows whether the launch template is there', () => {
    expect(runTemplateExists(look('VALID', BASE))).toBe(true);
    expect(runTemplateExists(nothing)).toBe(false);
  });
});

describe('an update that is refused', () => {
  const refusal = (text: string, request: number) => `${text} (Service: Batch, Status Code: 400, Request ID: ${request})`;
  /** Looks every ten minutes, each with what Batch had answered before it. */
  function wait(...looks: [CEStatus, string][]): unknown {
    let before: Partial<EnvironmentSeen> = {};
    for (const [i, [status, cause]] of looks.entries()) {
      const found = look(status, BASE);
      const seenAt = new Date(Date.parse(run.startedAt) + i * 600_000).toISOString();
      const now = { refusal: cause, refusedSince: refusedSince(found, cause, before, seenAt), seenAt };
      const ended = outcome(() => refuseToWait(found, now));
      if (ended) return `${ended} at ${i * 10}`;
      before = now;
    }
    return 'goes on';
  }
  const same = (minutes: number, text = 'no permission') => [...Array(minutes / 10).keys()].map((n): [CEStatus, string] => ['VALID', refusal(text, n)]);

  test('for more than half an hour for the same reason will not be accepted any more', () => {
    expect(wait(['VALID', ''], ...same(50))).toBe('ComputeEnvironmentInvalid at 50');
    expect(wait(['VALID', ''], ...same(40))).toBe('goes on');
    expect(() => refuseToWait(look('VALID', BASE), { refusal: 'no permission', refusedSince: run.startedAt, seenAt: '2026-11-22T16:08:00.000Z' }))
      .toThrow(/arn:environment.*since 2026-11-22T15:37:03.000Z it has refused every update.*no permission/);
  });

  test('is waited for where the reason changes, where the environment is updated meanwhile, and where no update was refused since', () => {
    expect(wait(...same(30), ...same(30, 'something else'))).toBe('goes on');
    expect(wait(...same(30), ['UPDATING', refusal('no permission', 9)], ...same(30))).toBe('goes on');
    const once: [CEStatus, string][] = Array(9).fill(['VALID', refusal('no permission', 1)]);
    expect(wait(...once)).toBe('goes on');
  });
});

test('a look in words', () => {
  expect(inWords(look('VALID', BASE))).toBe('VALID with launch template cfn-base version $Latest');
  expect(inWords(nothing)).toBe('it does not exist');
});

describe('an instance that may have mounted the file system', () => {
  const detachedAt = '2026-11-22T18:00:00.000Z';
  const instance = (launchedAt?: string, runTag?: string): Instance => ({
    LaunchTime: launchedAt === undefined ? undefined : new Date(launchedAt), Tags: runTag ? [{ Key: RUN_TAG, Value: runTag }] : undefined,
  });
  test.each<[string, Instance, boolean]>([
    ['of this run', instance('2026-11-22T16:00:00Z', run.id), true],
    ['of this run, however late it was launched', instance('2026-11-22T19:00:00Z', run.id), true],
    ['of another run', instance('2026-11-22T16:00:00Z', 'other'), false],
    ['of no run', instance('2026-11-22T16:00:00Z', 'none'), false],
    ['without a tag, of the time of the run', instance('2026-11-22T16:00:00Z'), true],
    ['without a tag, from before the run', instance('2026-11-22T15:00:00Z'), false],
    ['without a tag, from after the detach', instance('2026-11-22T18:00:00Z'), false],
  ])('%s', (_, found, expected) => expect(mayHaveMounted(found, run, detachedAt)).toBe(expected));

  test('without tag and time: asked again', () => {
    expect(outcome(() => mayHaveMounted(instance(), run, detachedAt))).toBe('AnswerIncomplete');
  });
});

describe('the lock of an environment', () => {
  const [ME, OTHER, MY_CLEANER, OTHERS_CLEANER] = ['me', 'other', 'my clean-up', 'other\'s clean-up'].map((name) => `arn:aws:states:us-east-1:1234:execution:machine:${name}`);
  const since = '2026-11-22T15:00:00.000Z';
  const at = (minutes: number) => Date.parse(since) + minutes * 60_000;
  const lock = (owner: string, holder = owner): Lock => ({ owner, holder, since });
  const statuses = (alive: string[], unknown: string[] = []) => (each: string) => unknown.includes(each) ? undefined : alive.includes(each) ? 'RUNNING' : 'ABORTED';

  test.each<[string, Lock, { owner: string; holder: string }, string[], string]>([
    // name, lock, who wants it, who lives, step
    ['its own, also where the answer of the first try was lost', lock(ME), lock(ME), [ME], 'RESERVED'],
    ['a run that lives', lock(OTHER), lock(ME), [ME, OTHER], 'WAIT'],
    ['a run that was stopped, before anybody cleans up', lock(OTHER), lock(ME), [ME], 'TAKE_OVER'],
    ['a run that was stopped, and its clean-up works', lock(OTHER, OTHERS_CLEANER), lock(ME), [ME, OTHERS_CLEANER], 'WAIT'],
    ['a run whose clean-up was stopped, too', lock(OTHER, OTHERS_CLEANER), lock(ME), [ME], 'TAKE_OVER'],
    ['a run that was redriven while its stopped clean-up holds it', lock(OTHER, OTHERS_CLEANER), lock(ME), [ME, OTHER], 'WAIT'],
    ['its own, for a clean-up', lock(ME), lock(ME, MY_CLEANER), [MY_CLEANER], 'TAKE_OVER'],
    ['its own, for a second clean-up beside the first', lock(ME, MY_CLEANER), lock(ME, 'second'), [MY_CLEANER, 'second'], 'WAIT'],
    ['its own, for a second clean-up behind the first', lock(ME, MY_CLEANER), lock(ME, 'second'), ['second'], 'TAKE_OVER'],
    ['its own, for the redriven run beside its clean-up', lock(ME, MY_CLEANER), lock(ME), [ME, MY_CLEANER], 'WAIT'],
    ['a clean-up of a run that never had it', lock(OTHER), lock(ME, MY_CLEANER), [OTHER, MY_CLEANER], 'WAIT'],
  ])('%s', (_, found, claim, alive, step) => expect(lockStep(found, claim, statuses(alive), at(60))).toBe(step));

  test('an execution that Step Functions does not know has just begun, or is forgotten', () => {
    expect(lockStep(lock(OTHER), lock(ME), statuses([ME], [OTHER]), at(9))).toBe('WAIT');
    expect(lockStep(lock(OTHER), lock(ME), statuses([ME], [OTHER]), at(10))).toBe('TAKE_OVER');
    expect(lockStep(lock(OTHER), lock(ME), () => 'PENDING_REDRIVE', at(60))).toBe('WAIT');
  });

  test('nothing is ever taken from a living holder, nor from the living owner of another run', () => {
    const anyone = fc.constantFrom(ME, OTHER, MY_CLEANER, OTHERS_CLEANER);
    fc.assert(fc.property(anyone, anyone, anyone, anyone, fc.subarray([ME, OTHER, MY_CLEANER, OTHERS_CLEANER]), (owner, holder, mine, self, alive) => {
      const step = lockStep(lock(owner, holder), { owner: mine, holder: self }, statuses(alive), at(60));
      const ours = owner === mine && holder === self;
      expect(step === 'RESERVED').toBe(ours);
      if (!ours) expect(step === 'WAIT').toBe(alive.includes(holder) || (owner !== mine && alive.includes(owner)));
    }));
  });

  test('in words: who, since when, and what to type', () => {
    expect(describeLock('arn:environment', lock(OTHER, OTHERS_CLEANER))).toBe(`compute environment arn:environment is in use by execution ${OTHER}, which execution ${OTHERS_CLEANER} `
      + `cleans up after, since ${since}. It is free when that has ended. To end it now, type aws stepfunctions stop-execution --region us-east-1 --execution-arn ${OTHERS_CLEANER} `
      + 'and then aws stepfunctions start-execution --region us-east-1 --state-machine-arn arn:aws:states:us-east-1:1234:stateMachine:machine '
      + `--input '{"cleanUp":{"executionArn":"${OTHER}"}}'`);
  });
});

/** What the model says, its error as the SDK throws it. */
function outcomeOfCall(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    throw Object.assign(error as Error, (error as AwsError).members);
  }
}

describe('the handler', () => {
  process.env.AWS_REGION = 'us-east-1';
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { handler } = require('../lambda-src/batch-environment/batch-environment.lambda');
  const sent: { name: string; input: any }[] = [];
  const self = run.executionArn;
  let table: DynamoDbModel;
  /** Executions that Step Functions knows, with their status. */
  let executions: { [executionArn: string]: string };
  /** Writes that take place, but whose answer is lost, by their number. */
  let lost: number[];
  beforeEach(() => {
    table = new DynamoDbModel({ region: 'us-east-1' } as any);
    table.load([{ type: 'AWS::DynamoDB::Table', physicalId: 'locks', arn: 'arn:locks', properties: { KeySchema: [{ AttributeName: 'environment' }] } } as any]);
    [executions, lost] = [{ [self]: 'RUNNING' }, []];
    let writes = 0;
    jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation((async (command: any) => {
      const name = command.constructor.name.replace(/Command$/, '');
      const result = outcomeOfCall(() => table.call(name, command.input));
      if (name !== 'GetItem' && lost.includes(writes++)) throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
      return result;
    }) as any);
    jest.spyOn(SFNClient.prototype, 'send').mockImplementation((async ({ input: { executionArn } }: any) => {
      if (!(executionArn in executions)) throw Object.assign(new Error('unknown'), { name: 'ExecutionDoesNotExist' });
      return { status: executions[executionArn] };
    }) as any);
  });
  /** The owner and holder in the table, without the time. */
  const locked = () => table.items().map(({ item }) => [item.owner.S, item.holder.S]);
  const reserve = (executionArn = self, whenInUse = 'WAIT') =>
    handler({ action: 'ReserveComputeEnvironment', run: { ...run, executionArn }, self: executionArn, settings: { ...settings, whenInUse } });
  const release = (executionArn = self, by = executionArn) =>
    handler({ action: 'ReleaseComputeEnvironment', run: { ...run, executionArn }, self: by, settings });
  const detachLook = (executionArn = self, by = executionArn, turn = 1) =>
    handler({ action: 'CheckComputeEnvironmentReturned', run: { ...run, executionArn }, self: by, settings, turn, before: {}, refused: {} });

  const attachLook = { action: 'CheckComputeEnvironment', run, self, settings, turn: 0, before: {}, refused: {} };

  function answer(answers: { [command: string]: unknown[] }) {
    sent.length = 0;
    const turns: { [command: string]: number } = {};
    const send = async (command: any) => {
      const name = command.constructor.name.replace(/Command$/, '');
      sent.push({ name, input: command.input });
      turns[name] = (turns[name] ?? 0) + 1;
      const given = answers[name][turns[name] - 1] ?? answers[name].at(-1);
      if (given instanceof Error) throw given;
      return given;
    };
    jest.spyOn(BatchClient.prototype, 'send').mockImplementation(send as any);
    jest.spyOn(EC2Client.prototype, 'send').mockImplementation(send as any);
  }

  describe('reserves', () => {
    test('for the first of two runs that ask at once, and for the other one when it is given back', async () => {
      executions.other = 'RUNNING';
      const [first, second] = await Promise.all([reserve(), reserve('other')]);
      expect([first.reserved, second.reserved]).toEqual([true, false]);
      expect(second.seen).toMatch(/in use by execution arn:execution:mine, since .*Z\. .*stop-execution .*--execution-arn arn:execution:mine/);
      expect(await reserve()).toMatchObject({ reserved: true }); // the same call again
      expect(await release()).toEqual({ released: true });
      expect(await release()).toEqual({ released: false });
      expect(await reserve('other')).toMatchObject({ reserved: true });
      expect(await release()).toEqual({ released: false }); // a clean-up that comes late
      expect(locked()).toEqual([['other', 'other']]);
    });

    test('where the answer is lost', async () => {
      lost = [0, 1]; // of the writes that take place
      await expect(reserve()).rejects.toThrow('socket hang up');
      expect(await reserve()).toMatchObject({ reserved: true });
      await expect(release()).rejects.toThrow('socket hang up');
      expect(await release()).toEqual({ released: false });
      expect(locked()).toEqual([]);
    });

    test('or fails at once, as it is told', async () => {
      await reserve();
      executions.other = 'RUNNING';
      await expect(reserve('other', 'FAIL')).rejects.toMatchObject({ name: 'ComputeEnvironmentBusy', message: expect.stringMatching(/in use by execution arn:execution:mine/) });
      expect(await reserve(self, 'FAIL')).toMatchObject({ reserved: true });
    });

    test('or waits no longer, and says for whom', async () => {
      await expect(handler({ action: 'GiveUpOnReservation', lock: { seen: 'in use by execution x' } }))
        .rejects.toMatchObject({ name: 'ComputeEnvironmentBusy', message: 'in use by execution x. It was not free in the time for it' });
    });

    test('what a dead run has left, once', async () => {
      await reserve();
      executions = { [self]: 'ABORTED', second: 'RUNNING', third: 'RUNNING' };
      const both = await Promise.all([reserve('second'), reserve('third')]);
      expect(both.map(({ reserved }) => reserved).sort()).toEqual([false, true]);
      expect(locked()).toEqual([[both[0].reserved ? 'second' : 'third', expect.anything()]]);
    });

    test('for one living run at a time, whatever dies, is lost or cleaned up twice', async () => {
      const names = ['a', 'b', 'clean-up of a', 'second clean-up of a', 'clean-up of b'];
      const runOf = (name: string) => name.at(-1)!;
      const step = fc.record({ who: fc.constantFrom(...names), does: fc.constantFrom('reserve', 'detach', 'release', 'die'), lose: fc.boolean() });
      answer({ DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', BASE).environment] }], DescribeLaunchTemplates: [{ LaunchTemplates: templates }] });
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        table.items().forEach(({ item }) => table.call('DeleteItem', { TableName: 'locks', Key: { environment: item.environment } }));
        executions = Object.fromEntries(names.map((name) => [name, 'RUNNING']));
        for (const { who, does, lose } of steps) {
          if (executions[who] !== 'RUNNING') continue;
          const before = locked()[0] ?? [];
          lost = lose ? [...Array(1000).keys()] : [];
          try {
            if (does === 'die') executions[who] = 'ABORTED';
            if (does === 'reserve' && who.length === 1 && (await reserve(who)).reserved) expect(locked()).toEqual([[who, who]]);
            if (does === 'detach') await detachLook(runOf(who), who);
            if (does === 'release') await release(runOf(who), who);
          } catch (error) {
            if ((error as Error).name !== 'TimeoutError') throw error;
          }
          const [owner] = locked()[0] ?? [];
          // nobody else has taken it from the living
          if (before.length > 0 && owner !== before[0] && runOf(who) !== before[0]) expect(before.map((each: string) => executions[each])).not.toContain('RUNNING');
        }
      }), { numRuns: 200 });
    });
  });

  describe('gives back to the base launch template', () => {
    const shows = (launchTemplate: LaunchTemplateSpecification) => answer({
      DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', launchTemplate).environment] }],
      DescribeLaunchTemplates: [{ LaunchTemplates: templates }],
    });

    test('for the clean-up of a dead run, which holds the lock from then on', async () => {
      await reserve();
      executions = { [self]: 'ABORTED', cleaner: 'RUNNING', other: 'RUNNING' };
      shows(OURS);
      expect(await detachLook(self, 'cleaner')).toMatchObject({ next: 'UPDATE' });
      expect(locked()).toEqual([[self, 'cleaner']]);
      expect(await reserve('other')).toMatchObject({ reserved: false, seen: expect.stringMatching(/which execution cleaner cleans up after/) });
      // a second clean-up leaves it to the first
      executions.second = 'RUNNING';
      expect(await detachLook(self, 'second')).toMatchObject({ next: 'WAIT' });
      expect(await release(self, 'second')).toEqual({ released: false });
      expect(await release(self, 'cleaner')).toEqual({ released: true });
    });

    test('not where another run has taken it over, and not before that run is over', async () => {
      executions = { [self]: 'ABORTED', cleaner: 'RUNNING', other: 'RUNNING' };
      await reserve('other');
      shows(OURS);
      expect(await detachLook(self, 'cleaner')).toMatchObject({ next: 'WAIT' });
      shows(OTHERS);
      expect(await detachLook(self, 'cleaner')).toMatchObject({ next: 'DONE' });
      expect(locked()).toEqual([['other', 'other']]);
      shows(OURS);
      await release('other');
      expect(await detachLook(self, 'cleaner')).toMatchObject({ next: 'UPDATE' });
      expect(locked()).toEqual([[self, 'cleaner']]);
    });

    test('without the lock where there is nothing to give back', async () => {
      shows(BASE);
      expect(await detachLook()).toMatchObject({ next: 'DONE' });
      expect(locked()).toEqual([]);
    });
  });

  test('looks at the environment and at all launch templates of it', async () => {
    answer({
      DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', OURS).environment] }],
      DescribeLaunchTemplates: [{ LaunchTemplates: templates.slice(0, 1), NextToken: 'more' }, { LaunchTemplates: templates.slice(1) }],
    });
    await reserve();
    expect(await handler(attachLook)).toEqual({
      next: 'DONE', seen: `VALID with launch template ${OURS.launchTemplateName} version 1`, seenAt: expect.stringMatching(/Z$/), launchTemplateId: 'lt-ours', launchTemplateExists: true, refusal: '', refusedSince: '',
    });
    expect(sent[0].input).toEqual({ computeEnvironments: ['arn:environment'] });
    expect(sent[1].input.Filters).toEqual([{ Name: 'tag:cdk-lustre-auto-export:environment', Values: ['Stack/Environment'] }]);
    expect(sent[2].input.NextToken).toBe('more');
  });

  test.each<[string, (cleaner: string) => Promise<unknown>, RegExp]>([
    ['was never reserved', async () => undefined, /has not reserved compute environment arn:environment.*start a new run$/],
    ['was given back by a clean-up', async () => { await reserve(); await release(); }, /its clean-up has given it back: start a new run$/],
    ['is held by a clean-up of this very run', async (cleaner) => {
      await reserve();
      executions[self] = 'ABORTED';
      answer({ DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', BASE).environment] }], DescribeLaunchTemplates: [{ LaunchTemplates: templates }] });
      await detachLook(self, cleaner);
      executions[self] = 'RUNNING';
    }, /which execution cleaner cleans up after/],
    ['is another run\'s', async () => { executions.other = 'RUNNING'; await reserve('other'); }, /in use by execution other/],
  ])('does not touch an environment that %s', async (_, happens, says) => {
    executions.cleaner = 'RUNNING';
    await happens('cleaner');
    await expect(handler(attachLook)).rejects.toMatchObject({ name: 'ComputeEnvironmentBusy', message: expect.stringMatching(says) });
  });

  test.each<[string, string | undefined, string]>([
    ['lives', 'RUNNING', 'ComputeEnvironmentBusy'],
    ['may be redriven', 'PENDING_REDRIVE', 'ComputeEnvironmentBusy'],
    ['has ended', 'FAILED', 'UPDATE'],
    ['is forgotten', undefined, 'UPDATE'],
  ])('takes the environment over from the launch template of a run only when the run does not live: it %s', async (_, status, expected) => {
    answer({ DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', OTHERS).environment] }], DescribeLaunchTemplates: [{ LaunchTemplates: templates }] });
    executions = { [self]: 'RUNNING', ...status && { 'arn:execution:other': status } };
    await reserve();
    expect(await handler(attachLook).then(({ next }: EnvironmentSeen) => next, ({ name }: Error) => name)).toBe(expected);
  });

  test.each<[string, unknown, string]>([
    ['is deleted', Object.assign(new Error('gone'), { name: 'InvalidLaunchTemplateId.NotFound' }), 'UPDATE'],
    ['is there', { LaunchTemplates: [{}] }, 'ComputeEnvironmentBusy'],
    ['cannot be looked at', Object.assign(new Error('slow down'), { name: 'RequestLimitExceeded' }), 'RequestLimitExceeded'],
  ])('takes the environment over from a launch template without a name when it %s', async (_, given, expected) => {
    answer({
      DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', { launchTemplateId: 'lt-unknown', version: '1' }).environment] }],
      DescribeLaunchTemplates: [{ LaunchTemplates: templates }, given],
    });
    await reserve();
    expect(await handler(attachLook).then(({ next }: EnvironmentSeen) => next, ({ name }: Error) => name)).toBe(expected);
  });

  test('ends an update that is refused for ever', async () => {
    answer({ DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', BASE).environment] }], DescribeLaunchTemplates: [{ LaunchTemplates: templates }] });
    await reserve();
    const refused = { Cause: 'cannot be updated (Request ID: 2)' };
    const before = { refusal: 'cannot be updated (Request ID: 1)', refusedSince: new Date(Date.now() - 31 * 60_000).toISOString() };
    await expect(handler({ ...attachLook, refused, before })).rejects.toMatchObject({ name: 'ComputeEnvironmentInvalid', message: expect.stringMatching(/cannot be updated/) });
    expect(await handler({ ...attachLook, refused, before: {} })).toMatchObject({ next: 'UPDATE', refusal: refused.Cause, refusedSince: expect.stringMatching(/Z$/) });
  });

  test('sees that the environment is back', async () => {
    answer({
      DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', BASE).environment] }], DescribeLaunchTemplates: [{ LaunchTemplates: [templates[0]] }],
    });
    expect(await detachLook(self, self, 2)).toMatchObject({ next: 'DONE', launchTemplateExists: false });
  });

  test.each(['computeEnvironments', 'LaunchTemplates', 'LaunchTemplateName', 'Reservations', 'Instances'])('an answer without %s is asked again', async (field) => {
    const without = (value: any): any => JSON.parse(JSON.stringify(value, (key, each) => key === field ? undefined : each));
    answer({
      DescribeComputeEnvironments: [without({ computeEnvironments: [look('VALID', BASE).environment] })],
      DescribeLaunchTemplates: [without({ LaunchTemplates: templates })],
      DescribeInstances: [without({ Reservations: [{ Instances: [] }] })],
    });
    const action = /Reservations|Instances/.test(field) ? 'CheckInstances' : 'CheckComputeEnvironment';
    await reserve();
    await expect(handler({ ...attachLook, action, detachedAt: run.startedAt })).rejects.toMatchObject({ name: 'AnswerIncomplete' });
  });

  test('counts the live instances of the run over all pages', async () => {
    const instance = (InstanceId: string, runId: string) => ({
      InstanceId, LaunchTime: new Date(run.startedAt), State: { Name: 'shutting-down' }, Tags: [{ Key: RUN_TAG, Value: runId }],
    });
    answer({
      DescribeInstances: [
        { Reservations: [{ Instances: [instance('i-1', 'none')] }], NextToken: 'more' },
        { Reservations: [{ Instances: [instance('i-2', run.id)] }] },
        { Reservations: [] },
      ],
    });
    const payload = { action: 'CheckInstances', run, settings, detachedAt: '2026-11-22T18:00:00.000Z' };
    expect(await handler(payload)).toMatchObject({ remaining: 1, seen: expect.stringContaining('i-2 (shutting-down') });
    expect(sent[0].input.Filters[1]).toEqual({ Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down', 'stopping'] });
    expect(await handler(payload)).toMatchObject({ remaining: 0, quietAt: expect.stringMatching(/Z$/) });
  });

  test('ends a wait with a named error that says what was last seen', async () => {
    const check = { seen: 'UPDATING with launch template x version 1' };
    const timedOut = { action: 'GiveUpOnComputeEnvironment', settings, check, refused: { Cause: 'already updating' } };
    await expect(handler(timedOut)).rejects.toMatchObject({
      name: 'ComputeEnvironmentTimedOut', message: expect.stringMatching(/arn:environment.*launch template of this run.*UPDATING.*refused: already updating/),
    });
    await expect(handler({ ...timedOut, action: 'GiveUpOnComputeEnvironmentReturn', refused: {} })).rejects.toMatchObject({
      name: 'ComputeEnvironmentTimedOut', message: expect.stringMatching(/go back to its base.*no update was refused/),
    });
    await expect(handler({ action: 'GiveUpOnInstances', settings, instances: { remaining: 2, seen: 'i-1 (running)' } })).rejects.toMatchObject({
      name: 'InstancesNotGone', message: expect.stringMatching(/2 instances.*i-1/),
    });
  });
});

describe('the preflight check of a compute environment', () => {
  const context: any = { values: { jobDefinitionVcpus: 4, jobDefinitionMemory: 1000 }, sources: {} };
  async function findings(found: Look, whenInUse: string): Promise<string[]> {
    const { environment } = found;
    const computeResources = { ...environment?.computeResources, maxvCpus: 16, instanceTypes: ['optimal'] };
    jest.spyOn(BatchClient.prototype, 'send').mockImplementation((async () => ({ computeEnvironments: environment && [{ ...environment, computeResources }] })) as any);
    return checkComputeEnvironment(context, { computeEnvironmentArn: 'arn:environment', baseLaunchTemplateId: 'lt-base', whenInUse });
  }

  test.each<[string, Look, RegExp | undefined, RegExp | undefined]>([
    // name, look, finding where a run waits, finding where it does not
    ['free', look('VALID', BASE), undefined, undefined],
    ['in use', look('VALID', { launchTemplateId: 'lt-other' }), undefined, /in use by another run/],
    ['left with a launch template that is deleted', look('INVALID', { launchTemplateId: 'lt-gone' }), undefined, /in use by another run/],
    ['UPDATING', look('UPDATING', BASE), undefined, /is UPDATING, not VALID/],
    ['INVALID', look('INVALID', BASE, { statusReason: 'no subnet' }), /is INVALID, not VALID \(no subnet\)/, /is INVALID/],
    ['DELETING', look('DELETING', { launchTemplateId: 'lt-other' }), /is DELETING, not VALID/, /in use by another run/],
    ['DISABLED', look('VALID', { launchTemplateId: 'lt-other' }, { state: 'DISABLED' }), /is DISABLED; enable it/, /is DISABLED/],
  ])('%s', async (_, found, waiting, failing) => {
    for (const [whenInUse, expected] of [['WAIT', waiting], ['FAIL', failing]] as const) {
      expect(await findings(found, whenInUse)).toEqual(expected ? expect.arrayContaining([expect.stringMatching(expected)]) : []);
    }
  });
});

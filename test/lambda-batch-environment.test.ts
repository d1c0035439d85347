import { BatchClient, CEStatus, ComputeEnvironmentDetail, LaunchTemplateSpecification } from '@aws-sdk/client-batch';
import { EC2Client, Instance, LaunchTemplate } from '@aws-sdk/client-ec2';
import { describe as inWords, Look, mayHaveMounted, runTemplateExists, stepToAttach, stepToDetach } from '../lambda-src/compute-environment-status';

const run = { id: '20261122T153703Z-1a2b', executionArn: 'arn:execution:mine', startedAt: '2026-11-22T15:37:03.000Z', token: 'f'.repeat(40) };
const settings = { computeEnvironmentArn: 'arn:environment', baseLaunchTemplateId: 'lt-base', environmentTag: 'Stack/Environment' };
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
  test.each<[string, Look, string, string]>([
    // name, look, step at the first look, step later
    ['VALID and ours', look('VALID', OURS), 'UPDATE', 'UPDATE'],
    ['INVALID and ours', look('INVALID', OURS), 'UPDATE', 'UPDATE'],
    ['UPDATING and ours', look('UPDATING', OURS), 'WAIT', 'WAIT'],
    ['VALID and base: an update may not show yet', look('VALID', BASE), 'WAIT', 'DONE'],
    ['INVALID and base', look('INVALID', BASE), 'WAIT', 'DONE'],
    ['UPDATING and base', look('UPDATING', BASE), 'WAIT', 'WAIT'],
    ['another run\'s', look('UPDATING', OTHERS), 'WAIT', 'DONE'],
    ['DELETING', look('DELETING', OURS), 'WAIT', 'DONE'],
    ['DISABLED and ours', look('VALID', OURS, { state: 'DISABLED' }), 'UPDATE', 'UPDATE'],
    ['not there', nothing, 'WAIT', 'DONE'],
    ['without a status', look(undefined as any, BASE), 'AnswerIncomplete', 'AnswerIncomplete'],
  ])('%s', (_, found, first, later) => {
    expect(outcome(() => stepToDetach(found, 0))).toBe(first);
    expect(outcome(() => stepToDetach(found, 1))).toBe(later);
  });

  test('knows whether the launch template is there', () => {
    expect(runTemplateExists(look('VALID', BASE))).toBe(true);
    expect(runTemplateExists(nothing)).toBe(false);
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

describe('the handler', () => {
  process.env.AWS_REGION = 'us-east-1';
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { handler } = require('../lambda-src/batch-environment.lambda');
  const sent: { name: string; input: any }[] = [];

  function answer(answers: { [command: string]: unknown[] }) {
    sent.length = 0;
    const turns: { [command: string]: number } = {};
    const send = async (command: any) => {
      const name = command.constructor.name.replace(/Command$/, '');
      sent.push({ name, input: command.input });
      turns[name] = (turns[name] ?? 0) + 1;
      return answers[name][turns[name] - 1];
    };
    jest.spyOn(BatchClient.prototype, 'send').mockImplementation(send as any);
    jest.spyOn(EC2Client.prototype, 'send').mockImplementation(send as any);
  }

  test('looks at the environment and at all launch templates of it', async () => {
    answer({
      DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', OURS).environment] }],
      DescribeLaunchTemplates: [{ LaunchTemplates: templates.slice(0, 1), NextToken: 'more' }, { LaunchTemplates: templates.slice(1) }],
    });
    expect(await handler({ action: 'CheckComputeEnvironment', run, settings, turn: 0 })).toEqual({
      next: 'DONE', seen: `VALID with launch template ${OURS.launchTemplateName} version 1`, seenAt: expect.stringMatching(/Z$/), launchTemplateId: 'lt-ours', launchTemplateExists: true,
    });
    expect(sent[0].input).toEqual({ computeEnvironments: ['arn:environment'] });
    expect(sent[1].input.Filters).toEqual([{ Name: 'tag:cdk-lustre-auto-export:environment', Values: ['Stack/Environment'] }]);
    expect(sent[2].input.NextToken).toBe('more');
  });

  test('sees that the environment is back', async () => {
    answer({
      DescribeComputeEnvironments: [{ computeEnvironments: [look('VALID', BASE).environment] }], DescribeLaunchTemplates: [{ LaunchTemplates: [templates[0]] }],
    });
    expect(await handler({ action: 'CheckComputeEnvironmentReturned', run, settings, turn: 2 })).toMatchObject({ next: 'DONE', launchTemplateExists: false });
  });

  test.each(['computeEnvironments', 'LaunchTemplates', 'LaunchTemplateName', 'Reservations', 'Instances'])('an answer without %s is asked again', async (field) => {
    const without = (value: any): any => JSON.parse(JSON.stringify(value, (key, each) => key === field ? undefined : each));
    answer({
      DescribeComputeEnvironments: [without({ computeEnvironments: [look('VALID', BASE).environment] })],
      DescribeLaunchTemplates: [without({ LaunchTemplates: templates })],
      DescribeInstances: [without({ Reservations: [{ Instances: [] }] })],
    });
    const action = /Reservations|Instances/.test(field) ? 'CheckInstances' : 'CheckComputeEnvironment';
    await expect(handler({ action, run, settings, turn: 0, detachedAt: run.startedAt })).rejects.toMatchObject({ name: 'AnswerIncomplete' });
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
    const lost = { action: 'GiveUpOnComputeEnvironment', settings, check, refused: { Cause: 'already updating' } };
    await expect(handler(lost)).rejects.toMatchObject({
      name: 'ComputeEnvironmentTimedOut', message: expect.stringMatching(/arn:environment.*launch template of this run.*UPDATING.*refused: already updating/),
    });
    await expect(handler({ ...lost, action: 'GiveUpOnComputeEnvironmentReturn', refused: {} })).rejects.toMatchObject({
      name: 'ComputeEnvironmentTimedOut', message: expect.stringMatching(/go back to its base.*no update was refused/),
    });
    await expect(handler({ action: 'GiveUpOnInstances', settings, instances: { remaining: 2, seen: 'i-1 (running)' } })).rejects.toMatchObject({
      name: 'InstancesNotGone', message: expect.stringMatching(/2 instances.*i-1/),
    });
  });
});

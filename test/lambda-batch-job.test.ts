import type { AttemptDetail, JobDetail } from '@aws-sdk/client-batch';
import { BatchClient } from '@aws-sdk/client-batch';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import * as fc from 'fast-check';
import { jobDefinitionName, jobDefinitionRequest, jobName, jobNamePattern, retryStrategy, submitRequest } from '../lambda-src/batch-job/batch-job-requests';
import { handler } from '../lambda-src/batch-job/batch-job.lambda';
import { isReclaim, isTerminal, judge, JobJudgement, mayBeReclaim, outcomeOf } from '../lambda-src/batch-job/job-verdict';
import type { BatchJobPayload, BatchJobProgress } from '../src/private/batch-job-payloads';
import type { RunParameters } from '../src/private/document';
import { CONSOLE_PREFIX } from '../src/private/host-user-data';

const STARTED = Date.parse('2026-11-22T15:00:00Z');
const at = (minutes: number) => STARTED + minutes * 60_000;
const iso = (minutes: number) => new Date(at(minutes)).toISOString();
const run = { id: '20261122T150000Z-1a2b', executionArn: 'arn:execution', startedAt: iso(0), token: 'f'.repeat(40) };
const parameters = {
  jobDefinitionContainerImage: 'busybox:1', jobDefinitionRetryAttempts: 3, jobDefinitionVcpus: 4, jobDefinitionMemory: 2048, jobCommand: ['sh', 'x'], jobEnvironment: { A: 'b' },
} as unknown as RunParameters;
const settings = { containerPath: '/lustre', jobRoleArn: 'arn:job', executionRoleArn: 'arn:pull', jobStartTimeoutSeconds: 7200, tags: { team: 'x' } };
const compute = { jobQueueArn: 'arn:queue', hostPath: '/mnt/fs-1' };
const payloadOf = (job: BatchJobProgress = {}, more: Partial<BatchJobPayload> = {}): BatchJobPayload => ({ run, parameters, compute, job, settings, ...more });

const INSTANCE = 'arn:aws:ecs:us-east-1:111122223333:container-instance/cluster-1/abc';
const attempt = (more: AttemptDetail = {}): AttemptDetail =>
  ({ startedAt: at(1), stoppedAt: at(2), container: { exitCode: 1, containerInstanceArn: INSTANCE }, ...more });
const RECLAIM = attempt({ statusReason: 'Host EC2 (instance i-1) terminated.', container: { containerInstanceArn: INSTANCE } });
const KILLED = attempt({ statusReason: 'Essential container in task exited', container: { exitCode: 137, containerInstanceArn: INSTANCE } });
const jobOf = (more: Partial<JobDetail> = {}): JobDetail => ({
  jobId: 'job-1', jobName: 'lustre-x-1', jobQueue: 'q', jobDefinition: 'd', createdAt: at(0), startedAt: undefined, status: 'RUNNING', attempts: [], ...more,
} as JobDetail);
const judged = (job: Partial<JobDetail>, more: Partial<JobJudgement> = {}) => judge({
  job: jobOf(job), attemptsBefore: 0, attemptsAllowed: 3, jobStartTimeoutSeconds: 7200, lastInstanceReclaimed: false, now: new Date(at(60)), ...more,
});

describe('requests', () => {
  test('everything of a run is named after it', () => {
    expect([jobDefinitionName(run), jobName(run, 2), jobNamePattern(run)]).toEqual([`lustre-${run.id}`, `lustre-${run.id}-2`, `lustre-${run.id}-*`]);
    // Batch names: up to 128 letters, digits, - and _, and a letter or digit first
    for (const name of [jobDefinitionName(run), jobName(run, 10)]) expect(name).toMatch(/^[A-Za-z0-9][\w-]{0,127}$/);
  });

  test('a reclaim and a start that never ran the job are tried again, everything else is not', () => {
    const { attempts, evaluateOnExit } = retryStrategy(3);
    expect(attempts).toBe(3);
    expect(evaluateOnExit!.length).toBeLessThanOrEqual(5); // D5.1
    const verdict = (end: { reason?: string; statusReason?: string; exitCode?: string }) => evaluateOnExit!.find((rule) => {
      const matches = (pattern: string | undefined, value = '') => pattern === undefined || new RegExp(`^${pattern.replace(/[.*]/g, '.*')}$`).test(value);
      return matches(rule.onReason, end.reason) && matches(rule.onStatusReason, end.statusReason) && matches(rule.onExitCode, end.exitCode);
    })?.action;
    expect(verdict({ statusReason: 'Host EC2 (instance i-1) terminated.' })).toBe('RETRY');
    expect(verdict({ reason: 'CannotStartContainerError: no such directory', statusReason: 'Task failed to start' })).toBe('RETRY');
    expect(verdict({ reason: 'CannotPullContainerError: timeout', statusReason: 'Task failed to start' })).toBe('RETRY');
    expect(verdict({ statusReason: 'Task failed to start' })).toBe('RETRY');
    expect(verdict({ statusReason: 'Essential container in task exited', exitCode: '1' })).toBe('EXIT');
    expect(verdict({ reason: 'OutOfMemoryError: Container killed', statusReason: 'Essential container in task exited', exitCode: '137' })).toBe('EXIT');
    expect(verdict({})).toBe('EXIT');
  });

  test('the definition shows the container the exported directory, and nothing else of the host', () => {
    const request = jobDefinitionRequest(payloadOf());
    expect(request).toEqual({
      jobDefinitionName: `lustre-${run.id}`,
      type: 'container',
      platformCapabilities: ['EC2'],
      retryStrategy: retryStrategy(3),
      propagateTags: true,
      tags: { 'team': 'x', 'cdk-lustre-auto-export:run-id': run.id, 'cdk-lustre-auto-export:execution-arn': 'arn:execution' },
      containerProperties: {
        image: 'busybox:1',
        command: ['sh', 'x'],
        environment: [{ name: 'A', value: 'b' }, { name: 'LUSTRE_PATH', value: '/lustre' }, { name: 'LUSTRE_RUN_ID', value: run.id }],
        resourceRequirements: [{ type: 'VCPU', value: '4' }, { type: 'MEMORY', value: '2048' }],
        volumes: [{ name: 'lustre', host: { sourcePath: '/mnt/fs-1' } }],
        mountPoints: [{ sourceVolume: 'lustre', containerPath: '/lustre', readOnly: false }],
        jobRoleArn: 'arn:job',
        executionRoleArn: 'arn:pull',
      },
    });
    expect(request.containerProperties).not.toHaveProperty('privileged');
  });

  test('without a command the image has its own; without a host path there is no job', () => {
    expect(jobDefinitionRequest(payloadOf({}, { parameters: { ...parameters, jobCommand: [] } })).containerProperties).not.toHaveProperty('command');
    expect(() => jobDefinitionRequest(payloadOf({}, { compute: {} }))).toThrow('compute.hostPath');
  });

  test('a submission names this run\'s definition with its revision, and what is left of the attempts', () => {
    expect(submitRequest(payloadOf({ jobDefinitionArn: 'arn:definition:3', attempts: 2 }), 2)).toEqual({
      jobName: `lustre-${run.id}-2`,
      jobQueue: 'arn:queue',
      jobDefinition: 'arn:definition:3',
      retryStrategy: retryStrategy(1),
      propagateTags: true,
      tags: { 'team': 'x', 'cdk-lustre-auto-export:run-id': run.id, 'cdk-lustre-auto-export:execution-arn': 'arn:execution' },
    });
    expect(submitRequest(payloadOf({ jobDefinitionArn: 'd', attempts: 9 }), 2).retryStrategy!.attempts).toBe(1);
    expect(submitRequest(payloadOf({ jobDefinitionArn: 'd' }), 1).retryStrategy!.attempts).toBe(3);
    expect(() => submitRequest(payloadOf(), 1)).toThrow('job.jobDefinitionArn');
  });
});

describe('the verdict', () => {
  test.each<[string, Partial<JobDetail>, Partial<JobJudgement>, string]>([
    ['succeeded', { status: 'SUCCEEDED', attempts: [attempt({ container: { exitCode: 0 } })] }, {}, 'SUCCEEDED'],
    ['succeeded with the last of its attempts', { status: 'SUCCEEDED', attempts: [RECLAIM, RECLAIM, attempt({ container: { exitCode: 0 } })] }, {}, 'SUCCEEDED'],
    ['runs', { status: 'RUNNING', startedAt: at(1) }, { now: new Date(at(60 * 24 * 20)) }, 'RUNNING'],
    ['waits for its first instance', { status: 'RUNNABLE' }, { now: new Date(at(120)) }, 'RUNNING'],
    ['has waited too long for it', { status: 'RUNNABLE' }, { now: new Date(at(121)) }, 'JobNeverStarted'],
    ['is starting for ever', { status: 'STARTING' }, { now: new Date(at(121)) }, 'JobNeverStarted'],
    ['waits after a reclaim, from its end on', { status: 'RUNNABLE', attempts: [attempt({ stoppedAt: at(100) })] }, { now: new Date(at(219)) }, 'RUNNING'],
    ['has waited too long after a reclaim', { status: 'RUNNABLE', attempts: [attempt({ stoppedAt: at(100) })] }, { now: new Date(at(221)) }, 'JobNeverStarted'],
    ['cancelled by its queue', { status: 'FAILED', statusReason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY' }, {}, 'JobNeverStarted'],
    ['cancelled by its queue after a reclaim', { status: 'FAILED', attempts: [RECLAIM], statusReason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY' }, {}, 'JobNeverStarted'],
    ['ended by somebody while it ran, and the attempt is not listed', { status: 'FAILED', startedAt: at(1), statusReason: 'by hand' }, {}, 'JobFailed'],
    ['failed by itself', { status: 'FAILED', attempts: [attempt()] }, {}, 'JobFailed'],
    ['failed by itself after a reclaim', { status: 'FAILED', attempts: [RECLAIM, attempt()] }, {}, 'JobFailed'],
    ['killed on an instance that lives (out of memory)', { status: 'FAILED', attempts: [KILLED] }, {}, 'JobFailed'],
    ['killed because its instance was reclaimed', { status: 'FAILED', attempts: [KILLED] }, { lastInstanceReclaimed: true }, 'RESUBMIT'],
    ['the same with one attempt left of all', { status: 'FAILED', attempts: [KILLED] }, { lastInstanceReclaimed: true, attemptsBefore: 1 }, 'RESUBMIT'],
    ['the same with none left', { status: 'FAILED', attempts: [KILLED] }, { lastInstanceReclaimed: true, attemptsBefore: 2 }, 'JobAttemptsExhausted'],
    ['reclaimed once too often', { status: 'FAILED', attempts: [RECLAIM, RECLAIM, RECLAIM], statusReason: RECLAIM.statusReason }, {}, 'JobAttemptsExhausted'],
    ['reclaimed, and given up by Batch before its attempts were used', { status: 'FAILED', attempts: [RECLAIM], statusReason: RECLAIM.statusReason }, {}, 'RESUBMIT'],
    ['an image that cannot be pulled', {
      status: 'FAILED', attempts: Array(3).fill(attempt({ statusReason: 'Task failed to start', container: { reason: 'CannotPullContainerError: denied' } })), statusReason: 'Task failed to start',
    }, {}, 'JobAttemptsExhausted'],
  ])('%s', (_, job, more, expected) => {
    const verdict = judged(job, more);
    expect(verdict.verdict === 'FAILED' ? verdict.error : verdict.verdict).toBe(expected);
  });

  test('says what Batch said, and where the log is', () => {
    const cause = (job: Partial<JobDetail>) => (judged({ status: 'FAILED', ...job }) as any).cause;
    expect(cause({ attempts: [attempt({ statusReason: 'Essential container in task exited', container: { exitCode: 3, reason: 'OutOfMemoryError', logStreamName: 'a/b/c' } })] }))
      .toBe('job lustre-x-1 (job-1) failed by itself: exit code 3, OutOfMemoryError, Essential container in task exited, log stream a/b/c');
    expect(cause({ attempts: [attempt({ container: {} })] })).toMatch(/failed by itself: Batch gave no reason/);
    expect(cause({ attempts: [RECLAIM, RECLAIM, RECLAIM] }))
      .toMatch(/used all 3 attempts \(jobDefinitionRetryAttempts\); the last one: Host EC2 \(instance i-1\) terminated\./);
    expect(cause({ statusReason: 'CAPACITY:X' })).toMatch(/ended before it had an instance: CAPACITY:X/);
    expect(cause({})).toMatch(/no reason given/);
    expect((judged({ status: 'RUNNABLE', statusReason: 'MISCONFIGURATION:X' }, { now: new Date(at(200)) }) as any).cause).toMatch(/RUNNABLE for 12000 s \(jobStartTimeout is 7200 s\): MISCONFIGURATION:X/);
  });

  test('only an attempt that ended by a signal makes EC2 be asked', () => {
    const asked = (last: AttemptDetail | undefined) => mayBeReclaim(jobOf({ status: 'FAILED', attempts: last ? [last] : [] }));
    const terminated = attempt({ container: { exitCode: 143 } });
    expect([KILLED, terminated, attempt(), RECLAIM, undefined, attempt({ container: {} })].map(asked))
      .toEqual([true, true, false, false, false, false]);
    expect([isReclaim(RECLAIM), isReclaim(KILLED)]).toEqual([true, false]);
    expect(['SUCCEEDED', 'FAILED', 'RUNNING', 'RUNNABLE', 'STARTING', 'SUBMITTED', 'PENDING'].filter((status) => isTerminal(jobOf({ status: status as any })))).toEqual(['SUCCEEDED', 'FAILED']);
  });

  const anyAttempt = fc.record({
    startedAt: fc.option(fc.integer({ min: at(0), max: at(300) }), { nil: undefined }),
    stoppedAt: fc.option(fc.integer({ min: at(0), max: at(300) }), { nil: undefined }),
    statusReason: fc.constantFrom(undefined, 'Host EC2 (instance i-1) terminated.', 'Essential container in task exited', 'Task failed to start'),
    container: fc.option(fc.record({
      exitCode: fc.constantFrom(undefined, 0, 1, 137, 143),
      reason: fc.constantFrom(undefined, 'CannotPullContainerError: x', 'OutOfMemoryError'),
      containerInstanceArn: fc.constantFrom(undefined, INSTANCE),
    }), { nil: undefined }),
  });
  const anyJob = fc.record({
    status: fc.constantFrom('SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED'),
    attempts: fc.array(anyAttempt, { maxLength: 6 }),
    statusReason: fc.constantFrom(undefined, 'Host EC2 (instance i-1) terminated.', 'Essential container in task exited', 'by hand'),
    startedAt: fc.option(fc.integer({ min: at(0), max: at(300) }), { nil: undefined }),
    createdAt: fc.integer({ min: at(0), max: at(300) }),
  }).map((job) => jobOf(job as Partial<JobDetail>));

  test('property: never more attempts than allowed, and what ended is never running', () => {
    const circumstances = fc.record({
      job: anyJob,
      attemptsBefore: fc.nat(5),
      attemptsAllowed: fc.integer({ min: 1, max: 10 }),
      jobStartTimeoutSeconds: fc.constant(600),
      lastInstanceReclaimed: fc.boolean(),
      now: fc.integer({ min: 0, max: 600 }).map((minute) => new Date(at(minute))),
    });
    fc.assert(fc.property(circumstances, (given) => {
      const { job, attemptsBefore, attemptsAllowed } = given;
      const verdict = judge(given);
      if (verdict.verdict === 'RESUBMIT') expect(attemptsBefore + job.attempts!.length).toBeLessThan(attemptsAllowed);
      if (verdict.verdict === 'RUNNING') expect(isTerminal(job)).toBe(false);
      expect(verdict.verdict === 'SUCCEEDED').toBe(job.status === 'SUCCEEDED');
      if (verdict.verdict === 'FAILED') expect(verdict.cause).toMatch(/^job lustre-x-1 \(job-1\) /);
    }));
  });

  test('property: the last possible write is never before the look, nor before the eviction of a client that died; an instance means that something may be written', () => {
    fc.assert(fc.property(fc.array(anyJob, { maxLength: 4 }), fc.integer({ min: 0, max: 600 }), (jobs, minute) => {
      const now = new Date(at(minute));
      const outcome = outcomeOf(jobs, {}, run, now);
      const last = Date.parse(outcome.lastWritePossibleAt);
      expect(last).toBeGreaterThanOrEqual(now.getTime());
      for (const { stoppedAt, container } of jobs.flatMap((job) => job.attempts!)) {
        if (stoppedAt !== undefined && [undefined, 137, 143].includes(container?.exitCode)) expect(last).toBeGreaterThanOrEqual(stoppedAt + 600_000);
      }
      const hadInstance = jobs.some((job) => job.startedAt !== undefined
        || job.attempts!.some((each) => each.startedAt !== undefined || each.container?.containerInstanceArn));
      expect(outcome.mayHaveWritten).toBe(hadInstance);
      expect(['SUCCEEDED', 'FAILED', 'STOPPED']).toContain(outcome.outcome);
    }));
  });
});

describe('the outcome', () => {
  const of = (jobs: Partial<JobDetail>[], progress: BatchJobProgress = {}, minute = 60) => outcomeOf(jobs.map(jobOf), progress, run, new Date(at(minute)));

  test('of no job, of a job that never had an instance, of one that had', () => {
    expect(of([])).toMatchObject({ outcome: 'STOPPED', mayHaveWritten: false, jobIds: [], attempts: 0, lastWritePossibleAt: iso(60) });
    expect(of([{ status: 'FAILED' }])).toMatchObject({ outcome: 'FAILED', mayHaveWritten: false });
    expect(of([{ status: 'FAILED', startedAt: at(1), stoppedAt: at(55) }])).toMatchObject({ mayHaveWritten: true, lastWritePossibleAt: iso(65), startedAt: iso(1), stoppedAt: iso(55) });
    expect(of([{ status: 'FAILED', container: { containerInstanceArn: INSTANCE } as any }])).toMatchObject({ mayHaveWritten: true });
    expect(of([{ status: 'FAILED', attempts: [{ container: { containerInstanceArn: INSTANCE } }] }])).toMatchObject({ mayHaveWritten: true });
  });

  test('Batch forgets: a week after the start an empty list no longer proves that nothing was written', () => {
    const week = 7 * 24 * 60;
    expect(of([], {}, week)).toMatchObject({ mayHaveWritten: false });
    expect(of([], {}, week + 1)).toMatchObject({ mayHaveWritten: true });
    expect(of([{ status: 'FAILED' }], {}, week + 1)).toMatchObject({ mayHaveWritten: true });
  });

  test('a clean end needs no eviction, an end by a signal or without an exit code does', () => {
    const end = (exitCode: number | undefined) => of([{ status: 'SUCCEEDED', attempts: [attempt({ stoppedAt: at(59), container: { exitCode } })] }]).lastWritePossibleAt;
    expect([end(0), end(1), end(137), end(143), end(undefined)]).toEqual([iso(60), iso(60), iso(69), iso(69), iso(69)]);
  });

  test('of several submissions the newest tells, whatever their order', () => {
    const [first, second] = [{ jobId: 'a', createdAt: at(0), status: 'FAILED' as const, attempts: [KILLED] }, { jobId: 'b', createdAt: at(5), status: 'SUCCEEDED' as const, attempts: [attempt({ container: { exitCode: 0 } })] }];
    expect(of([second, first])).toMatchObject({ outcome: 'SUCCEEDED', attempts: 2, jobIds: ['b', 'a'], submittedAt: iso(0) });
    expect(of([first], { outcome: 'STOPPED' })).toMatchObject({ outcome: 'STOPPED' });
  });
});

describe('the handler', () => {
  const sent: { name: string; input: any }[] = [];
  function answer(answers: { [command: string]: unknown[] }) {
    sent.length = 0;
    const turns: Record<string, number> = {};
    const send = async (command: any) => {
      const name = command.constructor.name.replace(/Command$/, '');
      sent.push({ name, input: command.input });
      turns[name] = (turns[name] ?? 0) + 1;
      const found = answers[name]?.[turns[name] - 1];
      if (found === undefined) throw new Error(`call ${turns[name]} of ${name} was not expected`);
      if (found instanceof Error) throw found;
      return found;
    };
    for (const client of [BatchClient, EC2Client, ECSClient]) jest.spyOn(client.prototype as any, 'send').mockImplementation(send as any);
  }
  const call = (action: string, payload: BatchJobPayload) => handler({ action, ...payload });
  const names = () => sent.map(({ name }) => name);
  const listed = (...ids: string[]) => ({ jobSummaryList: ids.map((jobId) => ({ jobId, jobName: 'n' })) });
  const none = { jobDefinitions: [] };
  beforeEach(() => jest.useFakeTimers({ now: at(60), doNotFake: ['nextTick', 'setImmediate'] }));
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  test('registers a definition, or adopts what an earlier try with a lost answer has made', async () => {
    answer({ DescribeJobDefinitions: [none, { jobDefinitions: [{ jobDefinitionArn: 'arn:d:1' }] }], RegisterJobDefinition: [{ jobDefinitionArn: 'arn:d:1' }] });
    const made = { jobDefinitionArn: 'arn:d:1', submission: 0, attempts: 0, mayHaveWritten: true };
    expect(await call('CreateJobDefinition', payloadOf())).toEqual(made);
    expect(await call('CreateJobDefinition', payloadOf())).toEqual(made);
    expect(names()).toEqual(['DescribeJobDefinitions', 'RegisterJobDefinition', 'DescribeJobDefinitions']);
    expect(sent[0].input).toMatchObject({ jobDefinitionName: `lustre-${run.id}`, status: 'ACTIVE' });
  });

  test('submits once per submission, whatever is lost on the way', async () => {
    const progress = { jobDefinitionArn: 'arn:d:1', submission: 0, attempts: 0 };
    answer({ ListJobs: [listed(), listed('job-1')], SubmitJob: [{ jobId: 'job-1' }] });
    const submitted = { ...progress, submission: 1, jobId: 'job-1', status: 'SUBMITTED' };
    expect(await call('SubmitJob', payloadOf(progress))).toEqual(submitted);
    expect(await call('SubmitJob', payloadOf(progress))).toEqual(submitted); // the same state again: the job is there
    expect(names()).toEqual(['ListJobs', 'SubmitJob', 'ListJobs']);
    expect(sent[0].input).toMatchObject({ jobQueue: 'arn:queue', filters: [{ name: 'JOB_NAME', values: [`lustre-${run.id}-1`] }] });
  });

  const following = { jobId: 'job-1', submission: 1, jobDefinitionArn: 'd', jobWait: { turn: 3 } };

  test('follows the job, and keeps the counters of the loop', async () => {
    answer({ ListJobs: [{ ...listed('job-0'), nextToken: 'more' }, listed('job-1')], DescribeJobs: [{ jobs: [jobOf({ jobId: 'job-0', status: 'FAILED', attempts: [KILLED] }), jobOf({ startedAt: at(5) })] }] });
    expect(await call('CheckJobStatus', payloadOf(following))).toMatchObject({ ...following, verdict: 'RUNNING', status: 'RUNNING', attempts: 1, mayHaveWritten: true, jobIds: ['job-0', 'job-1'] });
    expect(sent[2].input).toEqual({ jobs: ['job-0', 'job-1'] });
  });

  test('a killed attempt: the instance tells whether it is submitted again', async () => {
    const look = (...ec2: unknown[]) => answer({
      ListJobs: [listed('job-1')],
      DescribeJobs: [{ jobs: [jobOf({ status: 'FAILED', attempts: [KILLED] })] }],
      DescribeContainerInstances: [{ containerInstances: [{ ec2InstanceId: 'i-1' }] }],
      DescribeInstances: ec2,
    });
    const instance = (StateReason?: object) => ({ Reservations: [{ Instances: [{ InstanceId: 'i-1', StateReason }] }] });
    look(instance({ Code: 'Server.SpotInstanceTermination' }));
    expect(await call('CheckJobStatus', payloadOf(following))).toMatchObject({ verdict: 'RESUBMIT' });
    expect(sent[2].input).toEqual({ cluster: 'cluster-1', containerInstances: [INSTANCE] });
    expect(sent[3].input).toEqual({ InstanceIds: ['i-1'] });
    look({ Reservations: [] });
    expect(await call('CheckJobStatus', payloadOf(following))).toMatchObject({ verdict: 'RESUBMIT' });
    look(Object.assign(new Error('gone'), { name: 'InvalidInstanceID.NotFound' }));
    expect(await call('CheckJobStatus', payloadOf(following))).toMatchObject({ verdict: 'RESUBMIT' });
    look(instance());
    await expect(call('CheckJobStatus', payloadOf(following))).rejects.toMatchObject({ name: 'JobFailed', message: expect.stringContaining('exit code 137') });
    look(Object.assign(new Error('slow down'), { name: 'RequestLimitExceeded' })); // not known is not reclaimed: asked again
    await expect(call('CheckJobStatus', payloadOf(following))).rejects.toMatchObject({ name: 'RequestLimitExceeded' });
  });

  test('an instance that ECS does not know any more was taken away; an attempt without one was not', async () => {
    answer({ ListJobs: [listed('job-1')], DescribeJobs: [{ jobs: [jobOf({ status: 'FAILED', attempts: [KILLED] })] }], DescribeContainerInstances: [{ containerInstances: [] }] });
    expect(await call('CheckJobStatus', payloadOf(following))).toMatchObject({ verdict: 'RESUBMIT' });
    answer({ ListJobs: [listed('job-1')], DescribeJobs: [{ jobs: [jobOf({ status: 'FAILED', attempts: [attempt({ container: { exitCode: 137 } })] })] }] });
    await expect(call('CheckJobStatus', payloadOf(following))).rejects.toMatchObject({ name: 'JobFailed' });
  });

  describe('a job that never started', () => {
    const waits = { ListJobs: [listed('job-1')], DescribeJobs: [{ jobs: [jobOf({ status: 'RUNNABLE', createdAt: at(-200) })] }] };
    const message = async () => (await call('CheckJobStatus', payloadOf(following)).catch((error: Error) => error) as Error);

    test('quotes the last word of each of the last three instances', async () => {
      const said = (...lines: string[]) => ({ Output: Buffer.from(lines.join('\n')).toString('base64') });
      answer({
        ...waits,
        DescribeInstances: [{ Reservations: [1, 4, 3, 2].map((n) => ({ Instances: [{ InstanceId: `i-${n}`, LaunchTime: new Date(at(n)) }] })) }],
        GetConsoleOutput: [said('boot', `[ 12.3] ${CONSOLE_PREFIX} first`, `[ 13.3] ${CONSOLE_PREFIX} mount failed`), said('boot'), said(`${CONSOLE_PREFIX} no network`)],
      });
      const error = await message();
      expect(error.name).toBe('JobNeverStarted');
      expect(error.message).toMatch(new RegExp(`RUNNABLE for 15600 s .*The last instances said: i-4: ${CONSOLE_PREFIX} mount failed \\| i-2: ${CONSOLE_PREFIX} no network$`));
      expect(sent.find(({ name }) => name === 'DescribeInstances')!.input.Filters).toEqual([{ Name: 'tag:cdk-lustre-auto-export:run-id', Values: ['20261122T150000Z-1a2b'] }]);
    });

    test.each<[string, { [command: string]: unknown[] }, RegExp]>([
      ['no instance', { DescribeInstances: [{ Reservations: [] }] }, /0 instances were found, none left a word/],
      ['no permission', { DescribeInstances: [new Error('AccessDenied')] }, /What the instances said could not be read: AccessDenied$/],
    ])('explains itself as far as it can: %s', async (_, answers, words) => {
      answer({ ...waits, ...answers });
      const error = await message();
      expect(error.name).toBe('JobNeverStarted');
      expect(error.message).toMatch(words);
    });
  });

  test.each([['jobSummaryList', { ListJobs: [{}] }], ['jobs', { ListJobs: [listed('job-1')], DescribeJobs: [{}] }], ['job job-1', { ListJobs: [listed('job-2')], DescribeJobs: [{ jobs: [] }] }],
    ['jobId', { ListJobs: [{ jobSummaryList: [{}] }] }], ['status', { ListJobs: [listed('job-1')], DescribeJobs: [{ jobs: [jobOf({ status: undefined, startedAt: at(59), createdAt: at(59) })] }] }]])(
    'an answer without %s is asked for again', async (field, answers) => {
      answer(answers);
      await expect(call('CheckJobStatus', payloadOf(following))).rejects.toMatchObject({ name: 'AnswerIncomplete', message: expect.stringContaining(field) });
    });

  test('a second job of the run, which a lost answer left behind, is ended', async () => {
    answer({
      ListJobs: [listed('job-1', 'job-2', 'job-3')],
      DescribeJobs: [{ jobs: [jobOf({ status: 'RUNNING', startedAt: at(1) }), jobOf({ jobId: 'job-2', status: 'RUNNABLE' }), jobOf({ jobId: 'job-3', status: 'FAILED' })] }],
      TerminateJob: [{}],
    });
    await call('CheckJobStatus', payloadOf(following));
    expect(sent.filter(({ name }) => name === 'TerminateJob').map(({ input }) => input.jobId)).toEqual(['job-2']);
  });

  test('more than 100 jobs are described in pieces', async () => {
    const ids = Array.from({ length: 150 }, (_, i) => `job-${i}`);
    answer({ ListJobs: [listed(...ids)], DescribeJobs: [{ jobs: [jobOf({ status: 'SUCCEEDED' })] }, { jobs: [] }], DescribeJobDefinitions: [none] });
    await call('StopJobs', payloadOf(following));
    expect(sent.filter(({ name }) => name === 'DescribeJobs').map(({ input }) => input.jobs.length)).toEqual([100, 50]);
  });

  test('the end of its time is an error that names the job', async () => {
    await expect(call('JobTimedOut', payloadOf({ jobId: 'job-1', status: 'RUNNING' }))).rejects.toMatchObject({ name: 'JobTimedOut', message: expect.stringMatching(/job-1 is still RUNNING .*jobTimeout/) });
    await expect(call('JobsNotStopped', payloadOf({ jobIds: ['a', 'b'] }))).rejects.toMatchObject({ name: 'JobsNotStopped', message: expect.stringMatching(/a, b .*may still write/) });
  });

  describe('stopping', () => {
    test('terminates every job of the run that lives, and is not done before all are seen ended', async () => {
      answer({
        ListJobs: [listed('job-0', 'job-1', 'job-2'), listed('job-0', 'job-1', 'job-2')],
        DescribeJobs: [
          { jobs: [jobOf({ jobId: 'job-0', status: 'FAILED', attempts: [attempt()] }), jobOf({ startedAt: at(1) }), jobOf({ jobId: 'job-2', status: 'RUNNABLE' })] },
          { jobs: ['job-0', 'job-1', 'job-2'].map((jobId) => jobOf({ jobId, status: 'FAILED', startedAt: at(1), stoppedAt: at(61) })) },
        ],
        TerminateJob: [{}, {}],
        DescribeJobDefinitions: [{ jobDefinitions: [{ jobDefinitionArn: 'arn:d:1' }] }],
        DeregisterJobDefinition: [{}],
      });
      const first = await call('StopJobs', payloadOf(following)) as BatchJobProgress;
      expect(first).toMatchObject({ stopped: false, outcome: 'STOPPED', mayHaveWritten: true });
      expect(sent.filter(({ name }) => name === 'TerminateJob').map(({ input }) => input.jobId)).toEqual(['job-1', 'job-2']);
      expect(names()).not.toContain('DeregisterJobDefinition');
      const second = await call('StopJobs', payloadOf(first)) as BatchJobProgress;
      expect(second).toMatchObject({ stopped: true, outcome: 'STOPPED', lastWritePossibleAt: iso(71), jobWait: { turn: 3 } });
      expect(sent.at(-1)).toEqual({ name: 'DeregisterJobDefinition', input: { jobDefinition: 'arn:d:1' } });
    });

    test('after success it only tidies up', async () => {
      answer({ ListJobs: [listed('job-1')], DescribeJobs: [{ jobs: [jobOf({ status: 'SUCCEEDED', attempts: [attempt({ container: { exitCode: 0 } })] })] }], DescribeJobDefinitions: [none] });
      expect(await call('StopJobs', payloadOf({ ...following, outcome: 'SUCCEEDED' }))).toMatchObject({ stopped: true, outcome: 'SUCCEEDED', mayHaveWritten: true, lastWritePossibleAt: iso(60) });
    });

    test('is safe where nothing was attached or submitted', async () => {
      answer({});
      expect(await call('StopJobs', payloadOf({}, { compute: {}, run: { ...run, startedAt: iso(-60 * 24 * 30) } }))).toMatchObject({ stopped: true, outcome: 'STOPPED', mayHaveWritten: false });
      // a job that was submitted a moment ago may not be listed yet
      answer({ ListJobs: [listed()] });
      expect(await call('StopJobs', payloadOf({ stopWait: { turn: 0 } }))).toMatchObject({ stopped: false });
      answer({ ListJobs: [listed()], DescribeJobDefinitions: [none] });
      expect(await call('StopJobs', payloadOf({ stopWait: { turn: 1 } }))).toMatchObject({ stopped: true, outcome: 'STOPPED', mayHaveWritten: false });
    });

    test('a job that is known and not listed may still write, unless Batch has forgotten it', async () => {
      for (const turn of [0, 1, 9]) {
        answer({ ListJobs: [listed('job-0')], DescribeJobs: [{ jobs: [jobOf({ jobId: 'job-0', status: 'FAILED' })] }], DescribeJobDefinitions: [none] });
        expect(await call('StopJobs', payloadOf({ ...following, stopWait: { turn } }))).toMatchObject({ stopped: false });
      }
      answer({ ListJobs: [listed()], DescribeJobDefinitions: [none] });
      const old = { run: { ...run, startedAt: iso(-60 * 24 * 8) } };
      expect(await call('StopJobs', payloadOf({ ...following, stopWait: { turn: 1 } }, old))).toMatchObject({ stopped: true, mayHaveWritten: true });
    });

    test('a submission that nobody knows of is found by its name', async () => {
      answer({ ListJobs: [listed('job-9')], DescribeJobs: [{ jobs: [jobOf({ jobId: 'job-9', status: 'STARTING' })] }], TerminateJob: [{}] });
      expect(await call('StopJobs', payloadOf())).toMatchObject({ stopped: false, jobIds: ['job-9'] });
      expect(sent[0].input.filters).toEqual([{ name: 'JOB_NAME', values: [`lustre-${run.id}-*`] }]);
    });
  });
});

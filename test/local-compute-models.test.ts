import { BatchModel } from '../local/models/batch';
import { retries } from '../local/models/batch-retry';
import { Ec2Model } from '../local/models/ec2';
import { EcrModel } from '../local/models/ecr';
import { EcsModel } from '../local/models/ecs';
import { MemoryFiles } from '../local/models/files';
import { IamModel } from '../local/models/iam';
import { BootedHost, BootRequest } from '../local/models/instance';
import { JobScript, RunningJob } from '../local/models/job-script';
import { View } from '../local/models/mount';
import { SecretsManagerModel } from '../local/models/secrets-manager';
import { ResolvedResource, Switches, World } from '../local/world';

const ACCOUNT = '123456789012';
const ENVIRONMENT = `arn:aws:batch:us-east-1:${ACCOUNT}:compute-environment/Spot`;
const QUEUE = `arn:aws:batch:us-east-1:${ACCOUNT}:job-queue/Queue`;
const USER_DATA = 'MIME-Version: 1.0\n\nmounts fs-1';
const HOST_PATH = '/lustre/fs-1/data';
const MINUTE = 60;

type Input = Record<string, any>;

interface Settings {
  readonly switches?: Switches;
  readonly job?: JobScript;
  readonly host?: Partial<BootedHost>;
  readonly environment?: Input;
  readonly queue?: Input;
}

/** A world in which time only passes when the test says so. */
function compute({ switches = {}, job = () => {}, host, environment = {}, queue = {} }: Settings = {}) {
  let now = Date.parse('2026-11-22T15:00:00Z');
  let serial = 0;
  const timers: { at: number; order: number; callback: () => void }[] = [];
  const settle = async () => {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const world: World = {
    clock: {
      now: () => now,
      after: (milliseconds, callback) => void timers.push({ at: now + milliseconds, order: serial++, callback }),
      during: async (pending) => pending,
    },
    partition: 'aws',
    region: 'us-east-1',
    account: ACCOUNT,
    switches,
    random: () => 0.5,
    id: (digits) => (++serial).toString(16).padStart(digits, '0').slice(-digits),
  };
  const files = new MemoryFiles(() => now);
  const views = new Map<string, View>();
  const killed: string[] = [];
  const fileSystems = {
    mount: (id: string, client: string) => {
      const view = new View({ id, files, advance: () => {} }, client, () => views.delete(client));
      views.set(client, view);
      return view;
    },
    killClient: (client: string) => {
      killed.push(client);
      if (views.has(client)) views.get(client)!.dead = true;
    },
  };
  const boots: BootRequest[] = [];
  const boot = async (request: BootRequest): Promise<BootedHost> => {
    boots.push(request);
    const mounts = request.userData.includes('fs-1');
    return {
      seconds: 30,
      console: mounts ? ['mounting', 'mounted fs-1'] : ['base template: nothing to do here'],
      agentStarts: mounts,
      poweredOff: false,
      hostPaths: mounts ? [{ fileSystemId: 'fs-1' }] : [],
      sees: (path) => path === HOST_PATH ? { kind: 'lustre', fileSystemId: 'fs-1', directory: '/export' } : { kind: 'instance-disk' },
      ...host,
    };
  };
  const ec2 = new Ec2Model(world, boot, fileSystems);
  const ecr = new EcrModel(world);
  const batch = new BatchModel(world, ec2, ecr, job);
  const resources = [
    resource('AWS::EC2::LaunchTemplate', 'lt-base', { LaunchTemplateData: {} }),
    resource('AWS::Batch::ComputeEnvironment', ENVIRONMENT, {
      Type: 'managed',
      State: 'ENABLED',
      ComputeResources: {
        Type: 'SPOT',
        MaxvCpus: 64,
        InstanceTypes: ['optimal'],
        Subnets: ['subnet-1'],
        AllocationStrategy: 'SPOT_PRICE_CAPACITY_OPTIMIZED',
        LaunchTemplate: { LaunchTemplateId: 'lt-base', Version: '$Latest' },
        Tags: { team: 'hpc' },
        ...environment,
      },
    }),
    resource('AWS::Batch::JobQueue', QUEUE, { Priority: 1, ComputeEnvironmentOrder: [{ Order: 1, ComputeEnvironment: ENVIRONMENT }], ...queue }),
  ];
  ec2.load(resources);
  batch.load(resources);

  const pass = async (seconds: number) => {
    const until = now + seconds * 1000;
    for (;;) {
      await settle();
      timers.sort((a, b) => a.at - b.at || a.order - b.order);
      if (timers.length === 0 || timers[0].at > until) break;
      const { at, callback } = timers.shift()!;
      now = at;
      callback();
    }
    now = until;
  };
  const call = (action: string, input: Input = {}) => batch.call(action, input) as any;
  return {
    world,
    ec2,
    ecr,
    batch,
    ecs: new EcsModel(world, batch),
    files,
    boots,
    killed,
    pass,
    call,
    environment: () => call('DescribeComputeEnvironments', { computeEnvironments: [ENVIRONMENT] }).computeEnvironments[0],
    job: (id: string) => call('DescribeJobs', { jobs: [id] }).jobs[0],
    createTemplate: (name = 'lustre-run-1', text = USER_DATA) => (ec2.call('CreateLaunchTemplate', template(name, text)) as any).LaunchTemplate,
    pointAt: (launchTemplateName: string, more: Input = {}) => call('UpdateComputeEnvironment', {
      computeEnvironment: ENVIRONMENT, computeResources: { launchTemplate: { launchTemplateName, version: '1' } }, ...more,
    }),
    /** The environment shows the run's file system, and a job was submitted. */
    submit: async (more: Input = {}, definition: Input = {}) => {
      if (ec2.launchTemplates.length === 1) {
        ec2.call('CreateLaunchTemplate', template('lustre-run-1', USER_DATA));
        call('UpdateComputeEnvironment', { computeEnvironment: ENVIRONMENT, computeResources: { launchTemplate: { launchTemplateName: 'lustre-run-1' } } });
        await pass(3 * MINUTE);
      }
      const { jobDefinitionArn } = call('RegisterJobDefinition', jobDefinition(definition));
      return call('SubmitJob', { jobName: 'lustre-run-1-1', jobQueue: QUEUE, jobDefinition: jobDefinitionArn, ...more }).jobId as string;
    },
  };
}

function resource(type: string, physicalId: string, properties: Input): ResolvedResource {
  return { logicalId: type.split('::')[2], type, physicalId, arn: physicalId.startsWith('arn:') ? physicalId : undefined, properties };
}

function template(LaunchTemplateName: string, userData: string, ClientToken = `token-${LaunchTemplateName}`): Input {
  return {
    ClientToken,
    LaunchTemplateName,
    LaunchTemplateData: {
      UserData: Buffer.from(userData).toString('base64'),
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'run', Value: 'run-1' }] }],
    },
    TagSpecifications: [{ ResourceType: 'launch-template', Tags: [{ Key: 'run', Value: 'run-1' }] }],
  };
}

const SPOT_RULES = [
  { onStatusReason: 'Host EC2*', action: 'RETRY' },
  { onReason: 'CannotStartContainer*', action: 'RETRY' },
  { onReason: '*', action: 'EXIT' },
];

function jobDefinition({ retryStrategy = { attempts: 5, evaluateOnExit: SPOT_RULES }, ...more }: Input = {}): Input {
  return {
    jobDefinitionName: 'lustre-run-1',
    type: 'container',
    containerProperties: {
      image: 'public.ecr.aws/docker/library/busybox:1',
      command: ['compute'],
      environment: [{ name: 'SIZE', value: '1' }],
      resourceRequirements: [{ type: 'VCPU', value: '2' }, { type: 'MEMORY', value: '2048' }],
      volumes: [{ name: 'lustre', host: { sourcePath: HOST_PATH } }],
      mountPoints: [{ sourceVolume: 'lustre', containerPath: '/mnt/data' }],
      ...more,
    },
    retryStrategy,
  };
}

async function work(job: RunningJob): Promise<void> {
  await job.wait(600);
  job.save('result.txt', 5, 'hello');
}

describe('launch templates', () => {
  test('the same token and parameters give the same template, other parameters are refused', () => {
    const { ec2 } = compute();
    const create = (input: Input) => ec2.call('CreateLaunchTemplate', input);
    expect(create(template('lustre-a', USER_DATA))).toEqual(create(template('lustre-a', USER_DATA)));
    expect(ec2.launchTemplates).toHaveLength(2);
    expect(() => create(template('lustre-a', 'other'))).toThrow(expect.objectContaining({ name: 'IdempotentParameterMismatch' }));
    expect(() => create(template('lustre-a', USER_DATA, 'other-token')))
      .toThrow(expect.objectContaining({ name: 'InvalidLaunchTemplateName.AlreadyExistsException' }));
    expect(() => create(template('a b', USER_DATA))).toThrow(expect.objectContaining({ name: 'InvalidLaunchTemplateName.MalformedException' }));
    expect(() => create(template('lustre-b', 'x'.repeat(17_000)))).toThrow(expect.objectContaining({ name: 'InvalidParameterValue' }));
  });

  test('are found by name, id and tag until they are deleted', () => {
    const { ec2, createTemplate } = compute();
    const { LaunchTemplateId } = createTemplate();
    const list = (input: Input) => (ec2.call('DescribeLaunchTemplates', input) as any).LaunchTemplates.map((each: any) => each.LaunchTemplateName);
    expect(list({ Filters: [{ Name: 'tag:run', Values: ['run-*'] }] })).toEqual(['lustre-run-1']);
    expect(list({ LaunchTemplateIds: [LaunchTemplateId] })).toEqual(['lustre-run-1']);
    expect(list({ Filters: [{ Name: 'tag:run', Values: ['run-2'] }] })).toEqual([]);
    ec2.call('DeleteLaunchTemplate', { LaunchTemplateName: 'lustre-run-1' });
    expect(() => ec2.call('DeleteLaunchTemplate', { LaunchTemplateName: 'lustre-run-1' }))
      .toThrow(expect.objectContaining({ name: 'InvalidLaunchTemplateName.NotFoundException' }));
    expect(() => ec2.call('DeleteLaunchTemplate', { LaunchTemplateId })).toThrow(expect.objectContaining({ name: 'InvalidLaunchTemplateId.NotFound' }));
  });

  test('a new one may be invisible for some seconds', async () => {
    const { createTemplate, pointAt, pass } = compute({ switches: { newLaunchTemplate: 'visibleLate' } });
    createTemplate();
    expect(() => pointAt('lustre-run-1')).toThrow(expect.objectContaining({ name: 'ClientException' }));
    await pass(15);
    pointAt('lustre-run-1');
  });
});

describe('infrastructure updates', () => {
  test('without instances one takes two minutes, and Describe shows the new template', async () => {
    const { createTemplate, pointAt, environment, pass } = compute();
    createTemplate();
    pointAt('lustre-run-1');
    expect(environment()).toMatchObject({ status: 'UPDATING', computeResources: { launchTemplate: { launchTemplateName: 'lustre-run-1', version: '1' } } });
    await pass(119);
    expect(environment().status).toBe('UPDATING');
    await pass(2);
    expect(environment().status).toBe('VALID');
  });

  test('with instances it takes 10 to 30 minutes, replaces them, and a running job gets its time', async () => {
    const { batch, submit, createTemplate, pointAt, environment, job, pass, ec2 } = compute({ job: (running) => running.wait(3 * 3600) });
    const id = await submit();
    await pass(5 * MINUTE);
    expect(job(id).status).toBe('RUNNING');
    const [first] = ec2.instances;
    createTemplate('lustre-run-2', `${USER_DATA} again`);
    pointAt('lustre-run-2');
    await pass(25 * MINUTE);
    expect([environment().status, first.state]).toEqual(['UPDATING', 'running']);
    await pass(10 * MINUTE);
    expect([environment().status, first.state, job(id).status]).toEqual(['VALID', 'terminated', 'RUNNING']);
    expect(job(id).attempts[0].statusReason).toBe(`Host EC2 (instance ${first.id}) terminated.`);
    expect(batch.containerHosts[1].instance.spec.userData).toContain('again');
  });

  test('terminateJobsOnUpdate ends jobs at once', async () => {
    const { submit, createTemplate, pointAt, job, pass } = compute({ job: (running) => running.wait(3 * 3600) });
    const id = await submit();
    await pass(5 * MINUTE);
    createTemplate('lustre-run-2');
    pointAt('lustre-run-2', { updatePolicy: { terminateJobsOnUpdate: true } });
    await pass(MINUTE);
    expect(job(id)).toMatchObject({ status: 'RUNNABLE', attempts: [{ statusReason: expect.stringMatching(/^Host EC2/) }] });
  });

  test.each([
    ['refused', 'lustre-run-1', true],
    ['queued', 'lustre-run-2', false],
    ['ignored', 'lustre-run-1', false],
  ])('while UPDATING another one is %s', async (updateWhileUpdating, finalTemplate, refused) => {
    const { createTemplate, pointAt, environment, pass } = compute({ switches: { updateWhileUpdating } });
    createTemplate('lustre-run-1');
    createTemplate('lustre-run-2');
    pointAt('lustre-run-1');
    let error: any;
    try {
      pointAt('lustre-run-2');
    } catch (thrown) {
      error = thrown;
    }
    expect(error?.name).toBe(refused ? 'ClientException' : undefined);
    await pass(10 * MINUTE);
    expect(environment()).toMatchObject({ status: 'VALID', computeResources: { launchTemplate: { launchTemplateName: finalTemplate } } });
  });

  test('may show late', async () => {
    const { createTemplate, pointAt, environment, pass } = compute({ switches: { updateShows: 'late' } });
    createTemplate();
    pointAt('lustre-run-1');
    expect(environment()).toMatchObject({ status: 'VALID', computeResources: { launchTemplate: { launchTemplateId: 'lt-base' } } });
    await pass(20);
    expect(environment().status).toBe('UPDATING');
  });

  test.each([['wait', 'new'], ['startOnOldTemplate', 'old']])('jobs meanwhile %s: they run on the %s template', async (jobsDuringUpdate, expected) => {
    const { batch, submit, createTemplate, pointAt, pass, job } = compute({ switches: { jobsDuringUpdate }, job: (running) => running.wait(60) });
    await submit();
    createTemplate('lustre-run-2', `${USER_DATA} new`);
    pointAt('lustre-run-2');
    await pass(40 * MINUTE);
    expect(job(batch.jobs[0].id).status).toBe('SUCCEEDED');
    expect(batch.containerHosts.find(({ instance }) => instance.id === batch.containers[0].instanceId)!.instance.spec.userData.includes('new')).toBe(expected === 'new');
  });

  test('are refused for BEST_FIT, for an unknown template and for an unknown environment', () => {
    const bestFit = compute({ environment: { AllocationStrategy: undefined } });
    bestFit.createTemplate();
    expect(() => bestFit.pointAt('lustre-run-1')).toThrow(/BEST_FIT/);
    expect(() => compute().pointAt('nothing')).toThrow(expect.objectContaining({ name: 'ClientException' }));
    expect(() => compute().call('UpdateComputeEnvironment', { computeEnvironment: 'nothing' })).toThrow(expect.objectContaining({ name: 'ClientException' }));
  });

  test('an unknown template may instead end INVALID, from which an update leads back', async () => {
    const { pointAt, environment, createTemplate, pass } = compute({ switches: { missingLaunchTemplate: 'invalid' } });
    pointAt('nothing');
    await pass(3 * MINUTE);
    expect(environment()).toMatchObject({ status: 'INVALID', statusReason: expect.stringContaining('nothing') });
    createTemplate();
    pointAt('lustre-run-1');
    await pass(3 * MINUTE);
    expect(environment().status).toBe('VALID');
  });

  test('a change of the state alone replaces nothing', async () => {
    const { call, environment, pass } = compute();
    call('UpdateComputeEnvironment', { computeEnvironment: 'Spot', state: 'DISABLED' });
    await pass(10);
    expect(environment()).toMatchObject({ status: 'VALID', state: 'DISABLED' });
  });
});

describe('a job', () => {
  test('runs on an instance that booted with the real user data, and its files are on the file system', async () => {
    const seen: RunningJob[] = [];
    const { submit, pass, job, boots, ec2, ecs, batch, files } = compute({
      job: async (running) => {
        seen.push(running);
        await work(running);
      },
    });
    const id = await submit({ containerOverrides: { environment: [{ name: 'SIZE', value: '2' }], command: ['other'] } });
    expect(job(id).status).toBe('SUBMITTED');
    await pass(30);
    expect(job(id).status).toBe('RUNNABLE');
    await pass(3 * MINUTE);
    expect(boots).toEqual([{ instanceId: expect.stringMatching(/^i-[0-9a-f]{17}$/), userData: USER_DATA }]);
    const running = job(id);
    expect(running).toMatchObject({ status: 'RUNNING', attempts: [], container: { containerInstanceArn: expect.any(String) } });
    const { containerInstances: [found] } = ecs.call('DescribeContainerInstances', {
      cluster: running.container.containerInstanceArn.split('/')[1], containerInstances: [running.container.containerInstanceArn],
    }) as any;
    expect(found).toMatchObject({ ec2InstanceId: boots[0].instanceId, status: 'ACTIVE' });
    const { Reservations: [{ Instances: [instance] }] } = ec2.call('DescribeInstances', {
      Filters: [{ Name: 'tag:run', Values: ['run-1'] }, { Name: 'instance-state-name', Values: ['pending', 'running'] }],
    }) as any;
    expect(instance).toMatchObject({ InstanceId: found.ec2InstanceId, InstanceLifecycle: 'spot', Tags: [{ Key: 'run' }, { Key: 'team' }] });
    const { Output } = ec2.call('GetConsoleOutput', { InstanceId: found.ec2InstanceId }) as any;
    expect(Buffer.from(Output, 'base64').toString()).toContain('mounted fs-1');

    await pass(10 * MINUTE);
    expect(job(id)).toMatchObject({
      status: 'SUCCEEDED',
      startedAt: expect.any(Number),
      container: { exitCode: 0 },
      attempts: [{ container: { exitCode: 0, containerInstanceArn: found.containerInstanceArn }, statusReason: 'Essential container in task exited' }],
    });
    expect(job(id).stoppedAt - job(id).startedAt).toBe(600_000);
    expect(seen[0]).toMatchObject({ attempt: 1, command: ['other'], environment: { SIZE: '2', AWS_BATCH_JOB_ATTEMPT: '1' } });
    expect(files.list().map(({ path }) => path)).toEqual(['/export', '/export/result.txt']);
    expect(batch.misplacedWrites).toEqual([]);
    await pass(2 * MINUTE);
    expect(ec2.instances[0].endReason).toBe('Client.UserInitiatedShutdown');
  });

  test('a reclaim sends it back to RUNNABLE, and the next attempt finds what the last one closed', async () => {
    const found: string[][] = [];
    const events: string[] = [];
    const { submit, pass, job, batch, ec2, killed } = compute({
      job: async (running) => {
        found.push(running.list().map(({ path }) => path));
        running.onKill(() => events.push(`killed in attempt ${running.attempt}`));
        running.save(`part-${running.attempt}`, 100);
        running.write(`open-${running.attempt}`, 50);
        await running.wait(1000).finally(() => events.push(`waited in attempt ${running.attempt}`));
        running.save('done', 1);
      },
    });
    batch.reclaimAt(60, { times: 2 });
    const id = await submit();
    await pass(6 * MINUTE);
    expect(ec2.instances[0]).toMatchObject({ state: 'terminated', endReason: 'Server.SpotInstanceTermination' });
    expect(killed).toEqual([ec2.instances[0].id]);
    expect(job(id)).toMatchObject({ attempts: [{ statusReason: `Host EC2 (instance ${ec2.instances[0].id}) terminated.` }] });
    expect(job(id).attempts[0].container.exitCode).toBeUndefined();
    expect((ec2.call('DescribeInstances', { InstanceIds: [ec2.instances[0].id] }) as any).Reservations[0].Instances[0].StateReason.Code)
      .toBe('Server.SpotInstanceTermination');
    await pass(60 * MINUTE);
    expect(job(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{}, {}, { container: { exitCode: 0 } }] });
    expect(found[2]).toEqual(['part-1', 'open-1', 'part-2', 'open-2']);
    expect(events).toEqual(['killed in attempt 1', 'waited in attempt 1', 'killed in attempt 2', 'waited in attempt 2', 'waited in attempt 3']);
    expect(batch.scriptErrors).toEqual([]);
  });

  test.each([['exit137', 137], ['exit143', 143]])('a reclaim may show as %s first, which the rules do not retry', async (reclaimShowsAs, exitCode) => {
    const { submit, pass, job, batch, ec2 } = compute({ job: work, switches: { reclaimShowsAs } });
    batch.reclaimAt(60);
    const id = await submit();
    await pass(10 * MINUTE);
    expect(job(id)).toMatchObject({ status: 'FAILED', container: { exitCode }, attempts: [{ container: { exitCode } }] });
    expect(ec2.instances[0].endReason).toBe('Server.SpotInstanceTermination');
  });

  test('more reclaims than attempts make it FAILED', async () => {
    const { submit, pass, job, batch } = compute({ job: work });
    batch.reclaimAt(60, { times: 9, notice: false });
    const id = await submit();
    await pass(3 * 3600);
    expect(job(id)).toMatchObject({ status: 'FAILED', statusReason: expect.stringMatching(/^Host EC2/) });
    expect(job(id).attempts).toHaveLength(5);
  });

  test('the exit code of its own is final', async () => {
    const { submit, pass, job, batch } = compute({ job: (running) => running.exit(3) });
    const id = await submit();
    await pass(10 * MINUTE);
    expect(job(id)).toMatchObject({ status: 'FAILED', container: { exitCode: 3 } });
    expect(job(id).attempts).toHaveLength(1);
    expect(batch.scriptErrors).toEqual([]);
  });

  test('a script that throws exits with 1, and the error is kept for the test', async () => {
    const { submit, pass, job, batch } = compute({
      job: () => {
        throw new Error('a defect of the script');
      },
    });
    const id = await submit();
    await pass(10 * MINUTE);
    expect(job(id)).toMatchObject({ status: 'FAILED', container: { exitCode: 1 } });
    expect(batch.scriptErrors).toEqual([expect.objectContaining({ message: 'a defect of the script' })]);
  });

  test('nothing that a killed one does counts any more', async () => {
    const { submit, pass, batch, files } = compute({
      job: async (running) => {
        try {
          await running.wait(1000);
        } catch {
          running.save('ghost', 1);
        }
      },
    });
    const id = await submit();
    await pass(5 * MINUTE);
    batch.reclaim(id, { notice: false });
    await pass(10);
    expect(files.list().map(({ path }) => path)).not.toContain('/export/ghost');
  });

  test('TerminateJob gives it 30 seconds, and it is not retried', async () => {
    const signals: string[] = [];
    const { submit, pass, job, call } = compute({
      job: async (running) => {
        running.onTerminate(() => signals.push('TERM'));
        running.onKill(() => signals.push('KILL'));
        await running.wait(3 * 3600);
      },
    });
    const id = await submit();
    await pass(5 * MINUTE);
    call('TerminateJob', { jobId: id, reason: 'clean-up' });
    await pass(25);
    expect(job(id)).toMatchObject({ status: 'RUNNING', isTerminated: true });
    await pass(10);
    expect(job(id)).toMatchObject({ status: 'FAILED', statusReason: 'clean-up', attempts: [{ container: { exitCode: 137 } }] });
    expect(signals).toEqual(['TERM', 'KILL']);
    call('TerminateJob', { jobId: id, reason: 'again' });
    expect(job(id).statusReason).toBe('clean-up');
    expect(() => call('TerminateJob', { jobId: 'nothing', reason: '' })).toThrow(expect.objectContaining({ name: 'ClientException' }));
  });

  test.each([['failed', 1], ['failedLate', 200]])('a queued one that is terminated is %s', async (terminateQueuedJob, seconds) => {
    const { submit, pass, job, call, ec2 } = compute({ switches: { terminateQueuedJob } });
    const id = await submit();
    await pass(10);
    call('TerminateJob', { jobId: id, reason: 'clean-up' });
    expect(job(id).isTerminated).toBe(true);
    await pass(seconds as number);
    expect(job(id)).toMatchObject({ status: 'FAILED', statusReason: 'clean-up', attempts: [] });
    await pass(10 * MINUTE);
    expect(ec2.instances).toHaveLength(0);
  });

  test('its time limit counts from the start of an attempt', async () => {
    const { submit, pass, job } = compute({ job: (running) => running.wait(3 * 3600) });
    const id = await submit({ timeout: { attemptDurationSeconds: 600 } });
    await pass(20 * MINUTE);
    expect(job(id)).toMatchObject({ status: 'FAILED', statusReason: 'Job attempt duration exceeded timeout' });
    expect(job(id).attempts).toHaveLength(1);
    expect(job(id).stoppedAt - job(id).startedAt).toBe(630_000);
  });

  test('an image that ECR does not have is not pulled', async () => {
    const image = `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app:1`;
    const missing = compute();
    const id = await missing.submit({}, { image, retryStrategy: { attempts: 1 } });
    await missing.pass(5 * MINUTE);
    expect(missing.job(id)).toMatchObject({ status: 'FAILED', container: { reason: expect.stringMatching(/^CannotPullContainerError/) } });
    const there = compute();
    there.ecr.push('app', '1');
    const other = await there.submit({}, { image });
    await there.pass(5 * MINUTE);
    expect(there.job(other).status).toBe('SUCCEEDED');
  });
});

describe('hosts', () => {
  test('where the path cannot be made the container does not start', async () => {
    const { submit, pass, job, batch } = compute({ host: { sees: () => ({ kind: 'refused' }) }, job: work });
    const id = await submit();
    await pass(60 * MINUTE);
    expect(job(id)).toMatchObject({ status: 'FAILED', statusReason: 'Task failed to start' });
    expect(job(id).attempts).toHaveLength(5);
    expect(job(id).attempts[0].container.reason).toMatch(/^CannotStartContainerError: .*mkdir/);
    expect(batch.containers).toEqual([]);
  });

  test('where Docker makes the path, the job writes to the disk of the instance', async () => {
    const { submit, pass, job, batch, files } = compute({ host: { sees: () => ({ kind: 'instance-disk' }) }, job: work });
    const id = await submit();
    await pass(15 * MINUTE);
    expect(job(id).status).toBe('SUCCEEDED');
    expect(batch.misplacedWrites).toEqual([expect.objectContaining({ jobId: id, attempt: 1, path: `${HOST_PATH}/result.txt` })]);
    expect(batch.containers[0].mounts[0].fileSystemId).toBeUndefined();
    expect(files.list()).toEqual([]);
  });

  test('a path outside the volume is misplaced, too', async () => {
    const { submit, pass, batch } = compute({ job: (running) => running.save('/tmp/result', 1) });
    await submit();
    await pass(5 * MINUTE);
    expect(batch.misplacedWrites.map(({ path }) => path)).toEqual(['/tmp/result']);
  });

  test('that end themselves are replaced for ever', async () => {
    const { submit, pass, job, ec2 } = compute({ host: { agentStarts: false, poweredOff: true, console: ['mount failed: gave up'] } });
    const id = await submit();
    await pass(3600);
    expect(job(id)).toMatchObject({ status: 'RUNNABLE', attempts: [] });
    expect(job(id).statusReason).toBeUndefined();
    expect(ec2.instances.length).toBeGreaterThan(20);
    const { Output } = ec2.call('GetConsoleOutput', { InstanceId: ec2.instances.at(-2)!.id }) as any;
    expect(Buffer.from(Output, 'base64').toString()).toContain('mount failed: gave up');
  });

  test('of the base template never take a job, and go when none waits', async () => {
    const { call, pass, job, ec2 } = compute();
    call('RegisterJobDefinition', jobDefinition());
    const { jobId } = call('SubmitJob', { jobName: 'early', jobQueue: QUEUE, jobDefinition: 'lustre-run-1' });
    await pass(3600);
    expect(job(jobId).status).toBe('RUNNABLE');
    expect(ec2.instances.map(({ state }) => state)).toEqual(['running']);
    call('TerminateJob', { jobId, reason: 'none' });
    await pass(10 * MINUTE);
    expect(ec2.instances[0].state).toBe('terminated');
  });

  test('an idle one is kept for the next job where the switch says so', async () => {
    const { submit, pass, job, ec2 } = compute({ switches: { idleInstances: 'keptForMinutes' } });
    await submit();
    await pass(6 * MINUTE);
    const second = await submit({ jobName: 'second' });
    await pass(MINUTE);
    expect(job(second).status).toBe('SUCCEEDED');
    expect(ec2.instances).toHaveLength(1);
    await pass(15 * MINUTE);
    expect(ec2.instances[0].state).toBe('terminated');
  });

  test('minvCpus keeps one without any job', async () => {
    const { pass, ec2 } = compute({ environment: { MinvCpus: 2 } });
    await pass(3600);
    expect(ec2.instances.map(({ state }) => state)).toEqual(['running']);
  });

  test.each([['inactive', 'described'], ['missing', 'notFound']])('an ended one is %s in ECS and %s in EC2', async (endedContainerInstance, endedInstance) => {
    const { submit, pass, job, ecs, ec2 } = compute({ switches: { endedContainerInstance, endedInstance } });
    const id = await submit();
    await pass(20 * MINUTE);
    const arn = job(id).container.containerInstanceArn;
    const answer = ecs.call('DescribeContainerInstances', { cluster: arn.split('/')[1], containerInstances: [arn] }) as any;
    const describe = () => ec2.call('DescribeInstances', { InstanceIds: [ec2.instances[0].id] });
    if (endedInstance === 'described') {
      expect(answer).toMatchObject({ containerInstances: [{ status: 'INACTIVE', ec2InstanceId: ec2.instances[0].id }], failures: [] });
      expect(describe()).toMatchObject({ Reservations: [{ Instances: [{ State: { Name: 'terminated' } }] }] });
    } else {
      expect(answer).toEqual({ containerInstances: [], failures: [{ arn, reason: 'MISSING' }] });
      expect(describe).toThrow(expect.objectContaining({ name: 'InvalidInstanceID.NotFound' }));
    }
    expect(() => ecs.call('DescribeContainerInstances', { containerInstances: [arn] })).toThrow(expect.objectContaining({ name: 'ClusterNotFoundException' }));
  });
});

describe('an array job', () => {
  const array = (size: number) => ({ arrayProperties: { size } });

  test('runs a child for each index, and is PENDING until the last one is over', async () => {
    const indices: [string, string][] = [];
    const { submit, pass, job, call } = compute({
      job: async ({ jobId, environment: { AWS_BATCH_JOB_ARRAY_INDEX: index }, wait }) => {
        indices.push([jobId, index]);
        await wait(MINUTE * (1 + Number(index) * 30));
      },
    });
    const id = await submit(array(3));
    expect(job(id).status).toBe('SUBMITTED');
    await pass(30 * MINUTE);
    expect(indices.sort()).toEqual([0, 1, 2].map((index) => [`${id}:${index}`, `${index}`]));
    expect(job(id)).toMatchObject({ status: 'PENDING', arrayProperties: { size: 3, statusSummary: { SUCCEEDED: 1, RUNNING: 2 } } });
    expect(job(`${id}:0`).status).toBe('SUCCEEDED');
    const filters = [{ name: 'JOB_NAME', values: ['lustre-run-1-*'] }];
    expect(call('ListJobs', { jobQueue: QUEUE, filters }).jobSummaryList.map(({ jobId }: Input) => jobId)).toEqual([id]);
    await pass(2 * 60 * MINUTE);
    expect(job(id).status).toBe('SUCCEEDED');
  });

  test('has failed when one child has, and all are over', async () => {
    const { submit, pass, job } = compute({
      job: async ({ environment, wait, exit }) => environment.AWS_BATCH_JOB_ARRAY_INDEX === '0' ? exit(3) : wait(60 * MINUTE),
    });
    const id = await submit(array(2));
    await pass(20 * MINUTE);
    expect([job(`${id}:0`).status, job(id).status]).toEqual(['FAILED', 'PENDING']);
    await pass(60 * MINUTE);
    expect([job(`${id}:1`).status, job(id).status]).toEqual(['SUCCEEDED', 'FAILED']);
  });

  test('ends with all of its children', async () => {
    const { submit, pass, job, call } = compute({ job: ({ wait }) => wait(3 * 3600) });
    const id = await submit(array(2));
    await pass(5 * MINUTE);
    call('TerminateJob', { jobId: id, reason: 'clean-up' });
    await pass(MINUTE);
    expect([id, `${id}:0`, `${id}:1`].map((each) => job(each).status)).toEqual(['FAILED', 'FAILED', 'FAILED']);
    expect(job(`${id}:0`).statusReason).toBe('clean-up');
  });

  test.each([1, 10_001])('of %d is refused (D5.5)', async (size) => {
    await expect(compute().submit(array(size))).rejects.toThrow(expect.objectContaining({ name: 'ClientException' }));
  });
});

describe('a job that has to wait', () => {
  const limits = { JobStateTimeLimitActions: [{ State: 'RUNNABLE', Reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY', MaxTimeSeconds: 600, Action: 'CANCEL' }] };

  test('for capacity starts when there is some', async () => {
    const { batch, submit, pass, job } = compute({ queue: limits });
    batch.noCapacity(9);
    const id = await submit();
    await pass(MINUTE);
    expect(job(id)).toMatchObject({ status: 'RUNNABLE', statusReason: expect.stringMatching(/^CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY/) });
    await pass(20 * MINUTE);
    expect(job(id).status).toBe('SUCCEEDED');
  });

  test('for capacity that never comes is cancelled by the limit of the queue, and waits for ever without one', async () => {
    const [limited, unlimited] = [compute({ queue: limits }), compute()];
    for (const world of [limited, unlimited]) world.batch.noCapacity();
    const [a, b] = [await limited.submit(), await unlimited.submit()];
    await limited.pass(11 * MINUTE);
    await unlimited.pass(30 * 24 * 3600);
    expect(limited.job(a)).toMatchObject({ status: 'FAILED', isCancelled: true, statusReason: expect.stringContaining('INSUFFICIENT_INSTANCE_CAPACITY') });
    expect(unlimited.job(b).status).toBe('RUNNABLE');
  });

  test('because it fits nothing says so', async () => {
    const { submit, pass, job } = compute({ environment: { MaxvCpus: 8 } });
    const needs = (vcpus: string) => ({ containerOverrides: { resourceRequirements: [{ type: 'VCPU', value: vcpus }] } });
    const [many, tooMany] = [await submit(needs('16')), await submit(needs('500'))];
    await pass(MINUTE);
    expect(job(many).statusReason).toMatch(/^MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE/);
    expect(job(tooMany).statusReason).toMatch(/^MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT/);
  });
});

describe('the retry strategy', () => {
  const spot = { statusReason: 'Host EC2 (instance i-1) terminated.' };
  test.each<[string, any, number, any, boolean]>([
    ['no strategy', undefined, 1, spot, false],
    ['attempts left and no rules', { attempts: 2 }, 1, spot, true],
    ['attempts used up', { attempts: 2 }, 2, spot, false],
    ['a rule that retries', { attempts: 5, evaluateOnExit: SPOT_RULES }, 1, spot, true],
    ['the last rule', { attempts: 5, evaluateOnExit: SPOT_RULES }, 1, { statusReason: 'Essential container in task exited', exitCode: 1 }, false],
    ['no rule that matches', { attempts: 5, evaluateOnExit: [{ onExitCode: '3', action: 'EXIT' }] }, 1, { statusReason: '', exitCode: 33 }, true],
    ['only one of two conditions', { attempts: 5, evaluateOnExit: [{ onExitCode: '3*', onReason: 'x', action: 'EXIT' }] }, 1, { statusReason: '', exitCode: 33 }, true],
    ['a pattern in other case', { attempts: 5, evaluateOnExit: [{ onStatusReason: 'HOST ec2*', action: 'exit' }] }, 1, spot, false],
    ['a pattern without its star', { attempts: 5, evaluateOnExit: [{ onStatusReason: 'Host EC2', action: 'EXIT' }] }, 1, spot, true],
  ])('%s', (_name, strategy, attempts, outcome, expected) => {
    expect(retries(strategy, attempts, outcome)).toBe(expected);
  });
});

describe('lists and definitions', () => {
  test('ListJobs finds by name whatever the status, the newest first, in pages', async () => {
    const { submit, call, pass } = compute();
    for (const jobName of ['lustre-run-1-1', 'lustre-run-1-2', 'lustre-run-10-1', 'other']) {
      await submit({ jobName });
      await pass(1);
    }
    const list = (value: string, more: Input = {}) => call('ListJobs', { jobQueue: 'Queue', filters: [{ name: 'JOB_NAME', values: [value] }], ...more });
    const names = (answer: any) => answer.jobSummaryList.map((each: any) => each.jobName);
    expect(names(list('lustre-run-1-*'))).toEqual(['lustre-run-1-2', 'lustre-run-1-1']);
    expect(names(list('OTHER'))).toEqual(['other']);
    const first = list('lustre*', { maxResults: 2 });
    expect(names(first)).toEqual(['lustre-run-10-1', 'lustre-run-1-2']);
    expect(names(list('lustre*', { maxResults: 2, nextToken: first.nextToken }))).toEqual(['lustre-run-1-1']);
    expect(names(call('ListJobs', { jobQueue: QUEUE }))).toEqual([]);
    expect(names(call('ListJobs', { jobQueue: QUEUE, jobStatus: 'RUNNABLE' }))).toHaveLength(2);
  });

  test('ListJobs may know a job late', async () => {
    const { submit, call, pass } = compute({ switches: { listJobs: 'late' } });
    await submit();
    const list = () => call('ListJobs', { jobQueue: QUEUE, filters: [{ name: 'JOB_NAME', values: ['lustre*'] }] }).jobSummaryList;
    expect(list()).toEqual([]);
    await pass(30);
    expect(list()).toHaveLength(1);
  });

  test('each registration is a revision, the latest ACTIVE one is meant without a number', async () => {
    const { call, job } = compute();
    const [first, second] = [call('RegisterJobDefinition', jobDefinition()), call('RegisterJobDefinition', jobDefinition())];
    expect([first.revision, second.revision]).toEqual([1, 2]);
    call('DeregisterJobDefinition', { jobDefinition: second.jobDefinitionArn });
    const active = call('DescribeJobDefinitions', { jobDefinitionName: 'lustre-run-1', status: 'ACTIVE' }).jobDefinitions;
    expect(active).toEqual([expect.objectContaining({ jobDefinitionArn: first.jobDefinitionArn, revision: 1 })]);
    const submit = (definition: string) => call('SubmitJob', { jobName: 'a', jobQueue: QUEUE, jobDefinition: definition }).jobId;
    expect(job(submit('lustre-run-1')).jobDefinition).toBe(first.jobDefinitionArn);
    expect(() => submit('lustre-run-1:2')).toThrow(expect.objectContaining({ name: 'ClientException' }));
    expect(call('RegisterJobDefinition', jobDefinition()).revision).toBe(3);
  });

  test('queues and environments of other names are simply not in the answer', () => {
    const { call } = compute();
    expect(call('DescribeJobQueues', { jobQueues: [QUEUE, 'nothing'] }).jobQueues).toMatchObject([{ jobQueueArn: QUEUE, state: 'ENABLED', status: 'VALID' }]);
    expect(call('DescribeComputeEnvironments', { computeEnvironments: ['nothing'] }).computeEnvironments).toEqual([]);
    expect(call('DescribeJobs', { jobs: ['nothing'] }).jobs).toEqual([]);
  });

  test.each<[string, Input]>([
    ['a variable of Batch\'s own', { environment: [{ name: 'AWS_BATCH_X', value: '' }] }],
    ['too little memory', { resourceRequirements: [{ type: 'VCPU', value: '1' }, { type: 'MEMORY', value: '3' }] }],
    ['a mount of no volume', { mountPoints: [{ sourceVolume: 'x', containerPath: '/x' }] }],
    ['eleven attempts', { retryStrategy: { attempts: 11 } }],
    ['six rules', { retryStrategy: { attempts: 2, evaluateOnExit: Array(6).fill({ onReason: '*', action: 'EXIT' }) } }],
    ['a star in the middle', { retryStrategy: { attempts: 2, evaluateOnExit: [{ onReason: 'a*b', action: 'EXIT' }] } }],
  ])('a definition with %s is refused', (_name, more) => {
    expect(() => compute().call('RegisterJobDefinition', jobDefinition(more)))
      .toThrow(expect.objectContaining({ name: 'ClientException' }));
  });
});

describe('the small services', () => {
  test('EC2 describes the instance types that Batch chooses from', () => {
    const { ec2 } = compute();
    const describe = (input: Input) => (ec2.call('DescribeInstanceTypes', input) as any).InstanceTypes;
    expect(describe({ InstanceTypes: ['c7g.large'] })).toMatchObject([{
      VCpuInfo: { DefaultVCpus: 2 }, MemoryInfo: { SizeInMiB: 4096 }, ProcessorInfo: { SupportedArchitectures: ['arm64'] },
    }]);
    expect(describe({ Filters: [{ Name: 'instance-type', Values: ['m6i.*'] }] }).every((each: any) => each.InstanceType.startsWith('m6i.'))).toBe(true);
    expect(() => describe({ InstanceTypes: ['z9.large'] })).toThrow(expect.objectContaining({ name: 'InvalidInstanceType' }));
  });

  test('ECR', () => {
    const { ecr } = compute();
    ecr.load([resource('AWS::ECR::Repository', 'app', {})]);
    const describe = (repositoryName: string, imageTag: string) => ecr.call('DescribeImages', { repositoryName, imageIds: [{ imageTag }] }) as any;
    expect(() => describe('app', 'latest')).toThrow(expect.objectContaining({ name: 'ImageNotFoundException' }));
    expect(() => describe('other', 'latest')).toThrow(expect.objectContaining({ name: 'RepositoryNotFoundException' }));
    const imageDigest = ecr.push('app', 'latest');
    expect(describe('app', 'latest').imageDetails).toMatchObject([{ imageDigest, imageTags: ['latest'] }]);
  });

  test('Secrets Manager', () => {
    const { world } = compute();
    const secrets = new SecretsManagerModel(world);
    const arn = `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:Parameters-AbCdEf`;
    secrets.load([resource('AWS::SecretsManager::Secret', arn, { SecretString: '{}' })]);
    const value = (SecretId: string) => (secrets.call('GetSecretValue', { SecretId }) as any).SecretString;
    expect([value(arn), value('Parameters'), value(arn.slice(0, -7))]).toEqual(['{}', '{}', '{}']);
    secrets.set('Parameters', '{"prefix":"a"}');
    expect(value(arn)).toBe('{"prefix":"a"}');
    expect(() => value('other')).toThrow(expect.objectContaining({ name: 'ResourceNotFoundException' }));
  });

  test('IAM deletes a service-linked role only when its service has let go of it', async () => {
    const { world, pass } = compute();
    const iam = new IamModel(world);
    let inUse = true;
    iam.createServiceLinkedRole({ roleName: 'AWSServiceRoleForFSxS3Access_fs-1', createdBy: 'fsx', inUse: () => inUse });
    const remove = () => iam.call('DeleteServiceLinkedRole', { RoleName: 'AWSServiceRoleForFSxS3Access_fs-1' });
    remove();
    await pass(10);
    expect(iam.serviceLinkedRoles.size).toBe(1);
    inUse = false;
    remove();
    await pass(10);
    expect(iam.serviceLinkedRoles.size).toBe(0);
    expect(remove).toThrow(expect.objectContaining({ name: 'NoSuchEntityException' }));
  });

  test.each<[string, string, Input]>([
    ['batch', 'CancelJob', {}],
    ['batch', 'SubmitJob', { dependsOn: [{ jobId: 'another' }] }],
    ['batch', 'UpdateComputeEnvironment', { computeEnvironment: 'Spot', computeResources: { minvCpus: 1 } }],
    ['batch', 'RegisterJobDefinition', { ...jobDefinition(), nodeProperties: {} }],
    ['ec2', 'RunInstances', {}],
    ['ec2', 'CreateLaunchTemplate', { LaunchTemplateName: 'abc', LaunchTemplateData: { ImageId: 'ami-1' } }],
    ['ec2', 'DescribeInstances', { Filters: [{ Name: 'vpc-id', Values: ['x'] }] }],
    ['ecr', 'DescribeImages', { filter: {} }],
    ['ecs', 'ListTasks', {}],
  ])('%s:%s with what is not modelled is an error', async (service, action, input) => {
    const world = compute();
    world.createTemplate();
    world.pointAt('lustre-run-1');
    await world.submit();
    await world.pass(3 * MINUTE);
    expect(() => (world as any)[service].call(action, input)).toThrow(expect.objectContaining({ name: 'NotModelled' }));
  });
});

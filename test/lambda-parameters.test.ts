import { BatchClient } from '@aws-sdk/client-batch';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECRClient } from '@aws-sdk/client-ecr';
import { FSxClient } from '@aws-sdk/client-fsx';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as fc from 'fast-check';
import { parseEcrImage } from '../lambda-src/parameters/check-container-image';
import { handler } from '../lambda-src/parameters/parameters.lambda';
import { dispatch } from '../lambda-src/shared/dispatch';
import { overlap } from '../lambda-src/shared/overlapping-prefixes';
import { runIdentity } from '../lambda-src/shared/run-identity';
import { fitSchedules, LOOP_EVENTS, schedule, schedulesFor } from '../lambda-src/shared/schedules';
import { nearMiss } from '../src/private/near-miss';
import { normalizePrefix, PARAMETER_NAMES, parameterProblems, RuleSettings } from '../src/private/parameter-rules';
import { RunTag } from '../src/private/tags';

// ---------------------------------------------------------------- a small AWS

type Answer = unknown | ((input: any) => unknown);
let answers: { [command: string]: Answer };
let calls: { command: string; input: any }[];

const failure = (name: string, message = 'no') => Object.assign(new Error(message), { name });
const clients: { prototype: { send: (...args: any[]) => any } }[] = [BatchClient, EC2Client, ECRClient, FSxClient, SecretsManagerClient];

const BASE = 'lt-0123456789abcdef0';
const ENVIRONMENT_ARN = 'arn:aws:batch:eu-west-1:111122223333:compute-environment/Spot';
const environment = (over: object = {}, resources: object = {}) => ({
  computeEnvironments: [{
    state: 'ENABLED',
    status: 'VALID',
    computeResources: { maxvCpus: 256, instanceTypes: ['optimal'], launchTemplate: { launchTemplateId: BASE, version: '1' }, ...resources },
    ...over,
  }],
});

beforeEach(() => {
  calls = [];
  answers = {
    GetSecretValueCommand: { SecretString: '{}' },
    DescribeComputeEnvironmentsCommand: environment(),
    DescribeImagesCommand: { imageDetails: [{}] },
    DescribeFileSystemsCommand: { FileSystems: [] },
  };
  for (const { prototype } of clients) {
    jest.spyOn(prototype, 'send').mockImplementation(async ({ constructor: { name }, input }: any) => {
      calls.push({ command: name, input });
      if (!(name in answers)) throw new Error(`${name} was not expected`);
      const answer = answers[name];
      const given = typeof answer === 'function' ? answer(input) : answer;
      if (given instanceof Error) throw given;
      return given;
    });
  }
});
afterEach(() => jest.restoreAllMocks());

const DAY = 86_400;
const EXECUTION = 'arn:aws:states:eu-west-1:111122223333:execution:Pipeline:daily-2026-11-22';
const IMAGE = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/solver:v1';
const DEFAULTS = {
  autoExport: true,
  deleteLustre: true,
  lustreFileSystemTypeVersion: '2.15',
  lustreStorageCapacity: 2400,
  lustreImportedFileChunkSize: 1024,
  jobDefinitionContainerImage: IMAGE,
  jobDefinitionRetryAttempts: 5,
  jobDefinitionVcpus: 32,
  jobDefinitionMemory: 30000,
  waitForLustreCreationSeconds: 30,
  waitForJobCompletionSeconds: 300,
  waitForCheckMetricsSeconds: 60,
  lambdaPeriodSeconds: 60,
  lambdaTimeDiffMinutes: 15,
  exportVerification: 'BOTH' as 'BOTH' | 'METRIC_ONLY',
  failurePolicy: 'EXPORT_AND_DELETE' as const,
  keepHours: 24,
  jobCommand: [] as string[],
  jobEnvironment: {},
};
const DEADLINES = { reserve: 7200, fileSystem: 3600, attach: 3600, job: 30 * DAY, stop: 3600, detach: 7200, drain: 3 * DAY, deletion: 3600 };
const SETTINGS = { bucketName: 'results', prefix: 'out', prefixPerRun: true, deploymentType: 'PERSISTENT_2', deadlines: DEADLINES };
const CHECKS = [
  { name: 'computeEnvironment', settings: { computeEnvironmentArn: ENVIRONMENT_ARN, baseLaunchTemplateId: BASE } },
  { name: 'containerImage', settings: {} },
];

interface Given { input?: unknown; secret?: unknown; settings?: object; defaults?: object; checks?: object[]; run?: object }

/** Both actions, the way the state machine calls them. */
async function extract({ input = {}, secret, settings, defaults, checks = CHECKS, run }: Given = {}): Promise<any> {
  if (secret !== undefined) answers.GetSecretValueCommand = { SecretString: typeof secret === 'string' ? secret : JSON.stringify(secret) };
  const answer = await handler({ action: 'GetSecret', secretId: 'parameters' });
  return JSON.parse(JSON.stringify(await handler({
    action: 'ExtractParameters',
    input,
    run: { executionArn: EXECUTION, startedAt: '2026-11-22T15:37:03.123Z', ...run },
    secret: JSON.parse(JSON.stringify(answer)),
    defaults: { ...DEFAULTS, ...defaults },
    settings: { ...SETTINGS, ...settings },
    checks,
  })));
}

async function refusal(given: Given = {}): Promise<Error> {
  const outcome = await extract(given).catch((error: Error) => error);
  if (!(outcome instanceof Error)) throw new Error('the run was accepted');
  return outcome;
}

const lines = (error: Error) => error.message.split('\n').slice(1);

test('a metric that is to prove the export of a run without automatic export is refused', async () => {
  const error = await refusal({ input: { autoExport: false, exportVerification: 'METRIC_ONLY' } });
  expect([error.name, lines(error)]).toEqual(['InvalidParameters', [expect.stringMatching(/autoExport is false and exportVerification is "METRIC_ONLY".*"EXPORT_TASK_ONLY"/)]]);
});

test('a drain that could never end well is refused', async () => {
  const error = await refusal({ input: { lambdaPeriodSeconds: 86400 } });
  expect([error.name, lines(error)]).toEqual(['InvalidParameters', [expect.stringMatching(/lambdaPeriodSeconds is 86400 .* empty for 4320 minutes, and drainTimeout is 4320 minutes, .*longer drainTimeout/)]]);
  await extract({ input: { lambdaPeriodSeconds: 86400, exportVerification: 'EXPORT_TASK_ONLY' } });
  await extract({ input: { lambdaPeriodSeconds: 86400, autoExport: false } });
  await extract({ input: { lambdaPeriodSeconds: 85200 } });
});

// ---------------------------------------------------------------- the document

test('the answer is the whole state document', async () => {
  const { parameters: { schedules, ...parameters }, ...document } = await extract({ input: { jobDefinitionVcpus: 4 } });
  const id = document.run.id;
  expect(id).toMatch(/^20261122T153703Z-[0-9a-f]{12}$/);
  expect(document).toEqual({
    input: { jobDefinitionVcpus: 4 },
    run: { id, token: expect.stringMatching(/^[0-9a-f]{40}$/), executionArn: EXECUTION, startedAt: '2026-11-22T15:37:03Z' },
    fileSystem: {},
    deletion: { wait: { turn: 0, seconds: 0 } },
    associations: { output: {}, inputs: [] },
    compute: {},
    job: {},
    export: { proven: false },
    policy: {},
    kept: {},
    error: {},
    failures: {},
  });
  expect(parameters).toEqual({ ...DEFAULTS, jobDefinitionVcpus: 4, prefix: `out/${id}/` });
  expect(Object.keys(schedules)).toEqual(['reserve', 'fileSystem', 'attach', 'job', 'stop', 'detach', 'drain', 'deletion']);
  expect([schedules.fileSystem.waits[0], schedules.job.waits[0], schedules.drain.waits[0], schedules.attach.waits[0]]).toEqual([30, 300, 60, 30]);
});

/** One value a parameter that is not its default, another one, and a wrong one. */
const SAMPLES: { [name: string]: [unknown, unknown, unknown] } = {
  autoExport: [false, true, 'yes'],
  deleteLustre: [false, true, 0],
  lustreFileSystemTypeVersion: ['2.12', '2.15', '2.10'],
  lustreStorageCapacity: [4800, 1200, 3600],
  lustreImportedFileChunkSize: [1, 512000, 0],
  jobDefinitionContainerImage: ['public.ecr.aws/x/y:1', 'ubuntu', 'https://ubuntu latest'],
  jobDefinitionRetryAttempts: [1, 10, 11],
  jobDefinitionVcpus: [1, 256, 0.5],
  jobDefinitionMemory: [4, 60000, 3],
  waitForLustreCreationSeconds: [1, 60, 0],
  waitForJobCompletionSeconds: [10, 60, -1],
  waitForCheckMetricsSeconds: [30, 120, 90_000],
  lambdaPeriodSeconds: [120, 300, 90],
  lambdaTimeDiffMinutes: [30, 1440, 1441],
  exportVerification: ['EXPORT_TASK_ONLY', 'BOTH', 'NONE'],
  failurePolicy: ['KEEP', 'KEEP_FOR', 'DELETE'],
  keepHours: [1, 8760, 0],
  prefix: ['a/', 'b/c/', '/a'],
  jobCommand: [['run'], ['sh', '-c', 'x'], 'run'],
  jobEnvironment: [{ A: '1' }, { B: '2' }, { AWS_BATCH_X: '1' }],
};

test('every parameter has a sample', () => expect(Object.keys(SAMPLES)).toEqual(PARAMETER_NAMES));

describe.each(Object.entries(SAMPLES))('%s', (name, [one, other, wrong]) => {
  const fixed = { prefixPerRun: false };

  test('comes from the props, then the secret, then the execution input', async () => {
    const props = name === 'prefix' ? { settings: { ...fixed, prefix: one } } : { settings: fixed, defaults: { [name]: one } };
    expect((await extract(props)).parameters[name]).toEqual(one);
    expect((await extract({ secret: { [name]: one }, settings: fixed })).parameters[name]).toEqual(one);
    expect((await extract({ secret: { [name]: one }, input: { [name]: other }, settings: fixed })).parameters[name]).toEqual(other);
  });

  test.each(['secret', 'input'])('is refused where wrong in the %s', async (source) => {
    const error = await refusal({ [source]: { [name]: wrong } });
    expect(error.name).toBe('InvalidParameters');
    expect(lines(error)).toEqual([expect.stringMatching(new RegExp(`^- ${name} \\(${source === 'secret' ? 'secret' : 'execution input'}\\) is .*; it must be .*; .+`))]);
  });

  test('is refused at synth where wrong', () => {
    expect(parameterProblems({ [name]: wrong }, { deploymentType: 'SCRATCH_2' }, 'construct props')).toEqual([expect.stringContaining(`${name.replace(/(Seconds|Minutes)$/, '')} (construct props) is `)]);
    expect(parameterProblems({ [name]: one }, { deploymentType: 'SCRATCH_2' }, 'construct props')).toEqual([]);
  });

  test.each([null, [], {}, 'text', 7, true, [1], { a: 1 }])('takes one JSON type only (%j)', (value) => {
    const [problem] = parameterProblems({ [name]: value }, { deploymentType: 'SCRATCH_2' }, 'secret');
    const sameType = (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value) === (Array.isArray(one) ? 'list' : typeof one);
    if (!sameType) expect(problem).toContain(`${name} (secret) is`);
  });
});

describe('messages', () => {
  const settings: RuleSettings = { deploymentType: 'PERSISTENT_2' };
  const problem = (values: object, over: object = {}) => parameterProblems({ ...values }, { ...settings, ...over }, 'secret').join('\n');

  test.each([
    [{ lustreStorageCapacity: '2400' }, 'lustreStorageCapacity (secret) is "2400"; it must be 1200 or a multiple of 2400 GiB for PERSISTENT_2; it is a text: write 2400 without quotes'],
    [{ lustreStorageCapacity: 3600 }, 'use 2400 or 4800'],
    [{ lustreStorageCapacity: 1000 }, 'use 1200 or 2400'],
    [{ autoExport: 'true' }, 'write true without quotes'],
    [{ lustreFileSystemTypeVersion: 2.15 }, 'use "2.15", in quotes'],
    [{ lustreFileSystemTypeVersion: '2.10' }, 'must be "2.12" or "2.15"'],
    [{ prefix: null }, 'remove the key'],
    [{ jobCommand: 'python x.py' }, 'is a string; it must be a list of strings'],
    [{ jobEnvironment: { THREADS: 4, OK: 'x' } }, 'rename or quote "THREADS"'],
    [{ lambdaPeriodSeconds: 90 }, 'a multiple of 60 seconds'],
    [{ jobdefinitionvcpu: 3 }, 'did you mean jobDefinitionVcpus?'],
    [{ lustreStorageCapcity: 3 }, 'did you mean lustreStorageCapacity?'],
    [{ memory: 3 }, 'did you mean jobDefinitionMemory?'],
    [{ zzz: 3 }, '"zzz" (secret) is not a parameter; remove it; parameters are autoExport, '],
  ])('%j', (values, text) => expect(problem(values)).toContain(text));

  test.each(['//', 'a//b', '/a', 'a/../b', './a', ' /a', 'a#b', 'a\nb', 'x'.repeat(226)])('the prefix %j is refused', (prefix) => {
    expect(problem({ prefix })).toContain('prefix (secret) is');
  });
  test.each(['', 'a', 'a/', 'ジョブ/2026', 'a b/c', 'x'.repeat(225)])('the prefix %j is taken', (prefix) => expect(problem({ prefix })).toBe(''));

  test('what is given to the job is never shown', () => {
    const text = problem({ jobCommand: [1, 'hunter2'], jobEnvironment: { AWS_BATCH_TOKEN: 'hunter2' } });
    expect(text).toContain('AWS_BATCH_TOKEN');
    expect(text).not.toContain('hunter2');
  });

  test('command and environment together fit into a job definition', () => {
    expect(problem({ jobCommand: ['x'.repeat(12_000)], jobEnvironment: { A: 'y'.repeat(9_000) } })).toContain('together have 210');
    expect(problem({ jobCommand: ['x'.repeat(12_000)] })).toBe('');
  });

  test('all problems of all sources come in one error, findings included', async () => {
    answers.DescribeImagesCommand = failure('ImageNotFoundException');
    const error = await refusal({ secret: { lustreStorageCapacity: 1, secretThing: 'MARKER' }, input: { jobDefinitionVcpus: '4', nonsense: 1 } });
    expect(error.name).toBe('InvalidParameters');
    expect(error.message).toMatch(/^5 problems; nothing was created\n/);
    expect(error.message).toContain('docker push');
    expect(error.message).not.toContain('MARKER');
  });

  test('a thousand problems still fit into a cause', async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${'k'.repeat(500)}${index}`, 1]));
    const wrong = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, 'z'.repeat(1000)]));
    const error = await refusal({ secret: { ...many, ...wrong }, input: { ...many, ...wrong } });
    expect(error.message.length).toBeLessThan(14_000);
    expect(error.message).toContain('990 more keys (secret)');
  });

  test.each(['text', 7, null, true, [{}]])('an execution input that is no object: %j', async (input) => {
    expect((await refusal({ input })).message).toContain('it must be a JSON object');
  });

  test('a clean-up that is not well-formed', async () => {
    expect(lines(await refusal({ input: { cleanUp: 'arn' } }))).toEqual([expect.stringContaining('cleanUp (execution input) must be {"executionArn":')]);
  });

  test('a value that no source gives', async () => {
    expect(lines(await refusal({ defaults: { autoExport: undefined } }))).toEqual([expect.stringContaining('autoExport is given nowhere')]);
  });

  test('an image that the props leave to each run', async () => {
    const defaults = { jobDefinitionContainerImage: '' };
    expect((await extract({ defaults, input: { jobDefinitionContainerImage: 'ubuntu' } })).parameters.jobDefinitionContainerImage).toBe('ubuntu');
    expect(lines(await refusal({ defaults }))).toEqual([expect.stringContaining('jobDefinitionContainerImage is given nowhere')]);
  });

  test('an execution name that no tag takes', async () => {
    expect(lines(await refusal({ run: { executionArn: `${EXECUTION}!` } }))).toEqual([expect.stringContaining('name of the execution')]);
  });
});

describe('prefix', () => {
  const prefixOf = async (given: Given) => (await extract(given)).parameters.prefix;
  const id = runIdentity(EXECUTION, '2026-11-22T15:37:03Z').id;

  test('per run: the run id is put behind that of the props or the secret, not behind one given to this run', async () => {
    expect(await prefixOf({})).toBe(`out/${id}/`);
    expect(await prefixOf({ settings: { prefix: '' } })).toBe(`${id}/`);
    expect(await prefixOf({ secret: { prefix: 'other' } })).toBe(`other/${id}/`);
    expect(await prefixOf({ input: { prefix: 'mine' } })).toBe('mine/');
    expect(await prefixOf({ input: { prefix: '' } })).toBe('');
  });

  test('fixed', async () => expect(await prefixOf({ settings: { prefixPerRun: false } })).toBe('out/'));

  test('normalizing twice changes nothing', () => {
    fc.assert(fc.property(fc.string(), (text) => normalizePrefix(normalizePrefix(text)) === normalizePrefix(text)));
  });
});

// ---------------------------------------------------------------- the secret

describe('the secret', () => {
  const read = async (text: string | undefined) => {
    answers.GetSecretValueCommand = { SecretString: text };
    return handler({ action: 'GetSecret', secretId: 'parameters' });
  };

  test('only known keys leave the function', async () => {
    expect(await read('{"autoExport":false,"dbPassword":"MARKER","__proto__":{"MARKER":1}}')).toEqual({
      values: { autoExport: false },
      problems: [expect.stringContaining('"dbPassword" (secret) is not a parameter'), expect.stringContaining('"__proto__"')],
    });
  });

  test.each([
    ['not JSON', 'MARKER {'], ['JSON, but not an object', '"MARKER"'], ['JSON, but not an object', '["MARKER"]'], ['JSON, but not an object', 'null'],
    ['binary', undefined], ['not JSON', ''],
  ])('%s', async (what, text) => {
    const answer: any = await read(text);
    expect(answer).toEqual({ values: {}, problems: [expect.stringContaining(`is ${what}`)] });
    expect(JSON.stringify(answer)).not.toContain('MARKER');
  });

  test('no text of it goes anywhere but as values of known keys, whatever it is', async () => {
    await fc.assert(fc.asyncProperty(fc.json(), fc.constantFrom('', '{', '"', ','), async (json, broken) => {
      const answer: any = await read(`${JSON.stringify({ hidden: 'MARKER', also: json }).slice(0, broken ? -1 : undefined)}${broken}`);
      expect(answer.values).toEqual({});
      expect(answer.problems.length).toBeGreaterThan(0);
      expect(JSON.stringify(answer)).not.toContain('MARKER');
    }), { numRuns: 50 });
  });

  test.each([['ResourceNotFoundException', 'does not exist'], ['AccessDeniedException', 'secretsmanager:GetSecretValue'], ['DecryptionFailure', 'kms:Decrypt']])(
    '%s ends the run with the other problems', async (name, text) => {
      answers.GetSecretValueCommand = failure(name);
      const error = await refusal({ input: { autoExport: 1 } });
      expect(lines(error)).toEqual([expect.stringContaining(text), expect.stringContaining('autoExport')]);
    });

  test('a passing error is thrown on', async () => {
    answers.GetSecretValueCommand = failure('ThrottlingException');
    expect((await refusal()).name).toBe('ThrottlingException');
  });
});

// ---------------------------------------------------------------- preflight

describe('container image', () => {
  const findings = async (image: string) => lines(await refusal({ input: { jobDefinitionContainerImage: image }, checks: [CHECKS[1]] }));

  test('tag and digest are looked up in the repository', async () => {
    await extract();
    await extract({ input: { jobDefinitionContainerImage: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/a/b:t@sha256:00ff' } });
    expect(calls.filter(({ command }) => command === 'DescribeImagesCommand').map(({ input }) => input)).toEqual([
      { registryId: '111122223333', repositoryName: 'solver', imageIds: [{ imageTag: 'v1' }] },
      { registryId: '111122223333', repositoryName: 'a/b', imageIds: [{ imageDigest: 'sha256:00ff' }] },
    ]);
  });

  test.each([
    'ubuntu:24.04', 'public.ecr.aws/x/y:1', '999922223333.dkr.ecr.eu-west-1.amazonaws.com/solver:v1', '111122223333.dkr.ecr.us-east-1.amazonaws.com/solver:v1',
  ])('%s is not looked at', async (image) => {
    await extract({ input: { jobDefinitionContainerImage: image } });
    expect(calls.map(({ command }) => command)).not.toContain('DescribeImagesCommand');
  });

  test.each([
    ['111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/s', 'cn-north-1', { imageTag: 'latest' }],
    ['111122223333.dkr-ecr.eu-west-1.on.aws/s:1', 'eu-west-1', { imageTag: '1' }],
    ['111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/s:1', 'us-gov-west-1', { imageTag: '1' }],
    ['111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov/s:1', 'us-iso-east-1', { imageTag: '1' }],
  ])('%s is in ECR', (uri, region, id) => expect(parseEcrImage(uri)).toEqual({ account: '111122223333', region, repository: 's', id }));

  test('what is missing is named, with the push that mends it', async () => {
    answers.DescribeImagesCommand = failure('ImageNotFoundException');
    expect(await findings(IMAGE)).toEqual([expect.stringMatching(/holds no image tagged v1; .*docker push 1111.*solver:v1$/)]);
    answers.DescribeImagesCommand = failure('RepositoryNotFoundException');
    expect(await findings(IMAGE)).toEqual([expect.stringContaining('create-repository --repository-name solver')]);
    answers.DescribeImagesCommand = failure('AccessDeniedException');
    expect(await findings(IMAGE)).toEqual([expect.stringContaining('allow ecr:DescribeImages')]);
  });

  test('findings alone are PreflightFailed, a passing error is thrown on', async () => {
    answers.DescribeImagesCommand = failure('ImageNotFoundException');
    expect((await refusal()).name).toBe('PreflightFailed');
    answers.DescribeImagesCommand = failure('ServerException');
    expect((await refusal()).name).toBe('ServerException');
  });
});

describe('compute environment', () => {
  const findings = async (answer: unknown, input: object = {}) => {
    answers.DescribeComputeEnvironmentsCommand = answer;
    return lines(await refusal({ input, checks: [CHECKS[0]] }));
  };

  test.each([
    ['gone', { computeEnvironments: [] }, 'does not exist'],
    ['disabled', environment({ state: 'DISABLED' }), 'is DISABLED; enable it'],
    ['invalid', environment({ status: 'INVALID', statusReason: 'no role' }), 'is INVALID, not VALID (no role)'],
    ['updating', environment({ status: 'UPDATING' }), 'wait until it is VALID'],
    ['taken', environment({}, { launchTemplate: { launchTemplateName: 'lustre-other' } }), 'in use by another run: its launch template is lustre-other'],
    ['without template', environment({}, { launchTemplate: undefined }), 'its launch template is none'],
    ['small', environment({}, { maxvCpus: 31 }), 'jobDefinitionVcpus (construct props) is 32, and'],
    ['refused', failure('AccessDeniedException'), 'allow batch:DescribeComputeEnvironments'],
  ])('%s', async (_, answer, text) => expect(await findings(answer)).toEqual([expect.stringContaining(text)]));

  test('several findings at once', async () => {
    expect(await findings(environment({ state: 'DISABLED', status: 'UPDATING' }, { maxvCpus: 1 }))).toHaveLength(3);
  });

  test('a missing field is asked for again', async () => {
    answers.DescribeComputeEnvironmentsCommand = environment({ status: undefined });
    expect((await refusal()).name).toBe('AnswerIncomplete');
  });

  const sized = environment({}, { instanceTypes: ['m6i.4xlarge', 'm6i.8xlarge'] });
  const size = (DefaultVCpus: number, SizeInMiB: number) => ({ VCpuInfo: { DefaultVCpus }, MemoryInfo: { SizeInMiB } });
  const SIZES = { InstanceTypes: [size(16, 65536), size(32, 131072)] };

  test('one of the instance types takes the job', async () => {
    answers.DescribeInstanceTypesCommand = SIZES;
    answers.DescribeComputeEnvironmentsCommand = sized;
    await extract();
    expect(await findings(sized, { jobDefinitionVcpus: 64 })).toEqual([expect.stringContaining('fit on no instance type')]);
    expect(await findings(sized, { jobDefinitionMemory: 131072 })).toEqual([expect.stringContaining('keep a part')]);
    answers.DescribeInstanceTypesCommand = failure('UnauthorizedOperation');
    expect(await findings(sized)).toEqual([expect.stringContaining('allow ec2:DescribeInstanceTypes')]);
  });

  test('families and bundles are not looked at', async () => {
    answers.DescribeComputeEnvironmentsCommand = environment({}, { instanceTypes: ['m6i.large', 'c6i'] });
    await extract(); // DescribeInstanceTypes would not be expected
  });
});

describe('overlapping prefix', () => {
  const other = (prefix: string | undefined, over: object = {}, tags: object = {}) => ({
    FileSystemId: 'fs-0123456789abcdef0',
    Lifecycle: 'AVAILABLE',
    Tags: Object.entries({
      [RunTag.PIPELINE]: 'p', [RunTag.RUN_ID]: 'other-run', [RunTag.EXECUTION_ARN]: 'arn:other', [RunTag.BUCKET]: 'results', [RunTag.PREFIX]: prefix, ...tags,
    }).filter(([, value]) => value !== undefined).map(([Key, Value]) => ({ Key, Value })),
    ...over,
  });
  const fixed = { settings: { prefixPerRun: false, prefix: 'a/b' }, checks: [] };

  test.each(['a/b/', 'a/', '', 'a/b/c/', undefined])('a file system that exports to %j stands in the way', async (prefix) => {
    answers.DescribeFileSystemsCommand = { FileSystems: [other(prefix)] };
    const error = await refusal(fixed);
    expect(error.name).toBe('PreflightFailed');
    expect(lines(error)).toEqual([expect.stringMatching(/^- s3:\/\/results\/a\/b\/ overlaps .* fs-0123456789abcdef0 of run other-run \(arn:other\)/)]);
  });

  test.each([
    ['beside it', other('a/bc/')], ['in another bucket', other('a/b/', {}, { [RunTag.BUCKET]: 'else' })], ['on its way out', other('a/b/', { Lifecycle: 'DELETING' })],
    ['of this very run', other('a/b/', {}, { [RunTag.EXECUTION_ARN]: EXECUTION })], ['not of ours', { ...other('a/b/'), Tags: undefined }],
  ])('one %s does not', async (_, fileSystem) => {
    answers.DescribeFileSystemsCommand = { FileSystems: [fileSystem] };
    expect((await extract(fixed)).parameters.prefix).toBe('a/b/');
  });

  test('every page is read, and a kept one tells how to get rid of it', async () => {
    const kept = other('a/b/', { Lifecycle: 'FAILED' }, { [RunTag.KEPT]: 'not proven' });
    answers.DescribeFileSystemsCommand = ({ NextToken }: any) => NextToken ? { FileSystems: [kept] } : { FileSystems: [], NextToken: 'more' };
    expect(lines(await refusal(fixed))).toEqual([expect.stringContaining('it was kept: not proven; clean it up with {"cleanUp":{"executionArn":"arn:other"}}')]);
  });

  test('a refused look is a finding, and a wrong prefix needs no look', async () => {
    answers.DescribeFileSystemsCommand = failure('AccessDeniedException');
    expect(lines(await refusal(fixed))).toEqual([expect.stringContaining('allow fsx:DescribeFileSystems')]);
    calls = [];
    await refusal({ input: { prefix: '/' }, checks: [] });
    expect(calls.map(({ command }) => command)).toEqual(['GetSecretValueCommand']);
  });

  test('overlap is symmetric and goes by path parts', () => {
    const prefix = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 }).map((parts) => parts.map((part) => `${part}/`).join(''));
    fc.assert(fc.property(prefix, prefix, (one, two) => {
      const [short, long] = [one.split('/').slice(0, -1), two.split('/').slice(0, -1)].sort((a, b) => a.length - b.length);
      expect(overlap(one, two)).toBe(short.every((part, index) => part === long[index]));
      expect(overlap(two, one)).toBe(overlap(one, two));
    }));
  });
});

// ---------------------------------------------------------------- whatever comes in

test('any JSON from any source gives a document or a named error', async () => {
  const name = fc.oneof(fc.constantFrom(...PARAMETER_NAMES, 'cleanUp', '__proto__', 'constructor'), fc.string());
  const value = fc.oneof(fc.jsonValue(), ...PARAMETER_NAMES.map((known) => fc.constantFrom(...SAMPLES[known])));
  const layer = fc.oneof(fc.jsonValue(), fc.array(fc.tuple(name, value), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)));
  await fc.assert(fc.asyncProperty(layer, layer, async (secret, input) => {
    const document = await extract({ secret: JSON.stringify(secret), input }).catch((error: Error) => error);
    if (document instanceof Error) {
      expect(document.name).toMatch(/^(InvalidParameters|PreflightFailed)$/);
      expect(document.message).toMatch(/^\d+ problems?; nothing was created\n- /);
    } else {
      const given = { ...secret as object, ...input as object };
      expect(document.parameters).toMatchObject(Object.fromEntries(Object.entries(given).filter(([key]) => key !== 'prefix')));
    }
  }), { numRuns: 300 });
});

test('an unknown action or check is an error that names it', async () => {
  await expect(handler({ action: 'constructor' })).rejects.toThrow("unknown action 'constructor'; known: GetSecret, ExtractParameters");
  await expect(dispatch({})(undefined)).rejects.toThrow('unknown action');
  await expect(extract({ checks: [{ name: 'toString', settings: {} }] })).rejects.toThrow("unknown preflight check 'toString'");
});

// ---------------------------------------------------------------- identity and schedules

describe('run identity', () => {
  test('comes from the whole ARN and the second of the start', () => {
    const one = runIdentity(EXECUTION, '2026-11-22T15:37:03.999Z');
    expect(runIdentity(EXECUTION, '2026-11-22T15:37:03Z')).toEqual(one);
    expect(runIdentity(EXECUTION, new Date('2026-11-22T15:37:03.001Z'))).toEqual(one);
    expect(runIdentity(EXECUTION, '2026-11-22T15:37:04Z').token).not.toBe(one.token);
    // two pipelines, one execution name
    expect(runIdentity(EXECUTION.replace('Pipeline', 'Second'), '2026-11-22T15:37:03Z').token).not.toBe(one.token);
  });
});

describe('schedules', () => {
  const seconds = (max: number) => fc.integer({ min: 1, max });

  test('whole seconds that never shrink, never under the base, and add up to the deadline', () => {
    fc.assert(fc.property(seconds(DAY), seconds(60 * DAY), fc.double({ min: 0.01, max: 5, noNaN: true }), (base, deadline, growth) => {
      const { waits, count } = schedule(base, deadline, growth);
      expect(count).toBe(waits.length);
      expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(deadline);
      expect(waits.every((wait, index) => Number.isInteger(wait) && wait >= (waits[index - 1] ?? Math.min(base, deadline)))).toBe(true);
    }));
  });

  test('each wait but the last is about 1 % of the time already waited', () => {
    let waited = 0;
    for (const wait of schedule(30, DAY).waits.slice(0, -1)) {
      expect(wait).toBe(Math.max(30, Math.floor(waited / 100)));
      waited += wait;
    }
  });

  const ALL = { reserve: DAY, fileSystem: DAY, attach: DAY, job: 30 * DAY, stop: DAY, detach: DAY, drain: 3 * DAY, deletion: DAY };
  /** Wait, Pass and Choice 2 each, a Task 5 (E10). The last two serve two loops each, one after the other. */
  const EVENTS: { [loop: string]: number } = { fileSystem: 16, attach: 16, detach: 27, deletion: 27 };

  test('all schedules of a run fit the budget, whatever the intervals, and each takes its whole time in whole seconds', () => {
    fc.assert(fc.property(seconds(DAY), seconds(DAY), seconds(DAY), (fileSystem, job, drain) => {
      const intervals = { waitForLustreCreationSeconds: fileSystem, waitForJobCompletionSeconds: job, waitForCheckMetricsSeconds: drain };
      const schedules = Object.entries(schedulesFor(intervals, ALL));
      expect(schedules.reduce((sum, [loop, { count }]) => sum + count * (EVENTS[loop] ?? 11), 0)).toBeLessThanOrEqual(LOOP_EVENTS);
      for (const [loop, { waits }] of schedules) {
        expect([loop, waits.reduce((sum: number, wait: number) => sum + wait)]).toEqual([loop, ALL[loop as keyof typeof ALL]]);
        expect(waits.every(Number.isInteger)).toBe(true);
      }
    }), { numRuns: 15 });
  });

  const INTERVALS = { waitForLustreCreationSeconds: 30, waitForJobCompletionSeconds: 300, waitForCheckMetricsSeconds: 60 };
  test('no wait is much longer than an hour, also in a run of weeks', () => {
    const { job, drain } = schedulesFor(INTERVALS, { ...ALL, job: 7 * DAY });
    expect(Math.max(...job.waits, ...drain.waits)).toBeLessThan(2 * 3600);
  });

  test('who waits for the environment looks as often at the end as at the beginning', () => {
    const { reserve } = schedulesFor(INTERVALS, ALL);
    expect(new Set(reserve.waits)).toEqual(new Set([600]));
  });

  test('nothing is stretched that fits anyway', () => {
    expect(fitSchedules({ job: { base: 300, deadline: DAY, eventsPerTurn: 11 } }, LOOP_EVENTS).job).toEqual(schedule(300, DAY));
  });

  test('a budget that nothing fits ends, too', () => {
    expect(fitSchedules({ job: { base: 1, deadline: DAY, eventsPerTurn: 11 } }, 0).job.count).toBeLessThan(20);
  });
});

test('near misses', () => {
  expect([nearMiss('LustreStorageCapacity', PARAMETER_NAMES), nearMiss('prefixes', PARAMETER_NAMES), nearMiss('x', PARAMETER_NAMES)])
    .toEqual(['lustreStorageCapacity', 'prefix', undefined]);
});

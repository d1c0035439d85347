import { DataRepositoryAssociation, FileSystem, FSxClient } from '@aws-sdk/client-fsx';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as fc from 'fast-check';
import { stepToRestore } from '../lambda-src/lustre/automatic-export';
import { policyOf } from '../lambda-src/lustre/keep-policy';
import { associationRequest, fileSystemRequest } from '../lambda-src/lustre/lustre-requests';
import { refuseFailedAssociation, refuseFailedFileSystem } from '../lambda-src/lustre/lustre-status';
import { handler } from '../lambda-src/lustre/lustre.lambda';
import { keepReason, summarize } from '../lambda-src/lustre/run-summary';
import { executionToken, runIdentity } from '../lambda-src/shared/run-identity';
import type { RunParameters, StateDocument } from '../src/private/document';
import type { LustreSettings } from '../src/private/lustre-payloads';
import { RunTag } from '../src/private/tags';

const ARN = 'arn:aws:states:us-east-1:111122223333:execution:machine:daily';
const STARTED = '2026-11-22T15:37:03Z';
const run = { executionArn: ARN, startedAt: STARTED, ...runIdentity(ARN, STARTED) };
const DAY = 86_400;
const deadlines = { reserve: 3600, fileSystem: 3600, attach: 3600, job: DAY, stop: 3600, detach: 3600, drain: DAY, deletion: 3600 };
const parameters: RunParameters = {
  autoExport: true,
  deleteLustre: true,
  lustreFileSystemTypeVersion: '2.15',
  lustreStorageCapacity: 2400,
  lustreImportedFileChunkSize: 1024,
  jobDefinitionContainerImage: 'busybox',
  jobDefinitionRetryAttempts: 5,
  jobDefinitionVcpus: 32,
  jobDefinitionMemory: 30000,
  waitForLustreCreationSeconds: 30,
  waitForJobCompletionSeconds: 300,
  waitForCheckMetricsSeconds: 60,
  lambdaPeriodSeconds: 60,
  lambdaTimeDiffMinutes: 15,
  exportVerification: 'BOTH',
  failurePolicy: 'EXPORT_AND_DELETE',
  keepHours: 24,
  prefix: 'p/',
  jobCommand: [],
  jobEnvironment: {},
  schedules: {} as RunParameters['schedules'],
};
const settings: LustreSettings = {
  pipeline: 'Pipeline',
  envName: 'Blue',
  subnetId: 'subnet-1',
  securityGroupIds: ['sg-1'],
  deploymentType: 'PERSISTENT_2',
  perUnitStorageThroughput: 125,
  dataCompressionType: 'LZ4',
  kmsKeyId: 'arn:key',
  logLevel: 'WARN_ERROR',
  logGroupArn: 'arn:logs',
  bucketName: 'results',
  exportDirectory: '/export',
  exportEvents: ['NEW', 'CHANGED'],
  importEvents: [],
  importExistingObjects: false,
  tags: { team: 'x' },
};

const fileSystem = (more: Partial<FileSystem> = {}, tags: Record<string, string> = {}): FileSystem => ({
  FileSystemId: 'fs-1',
  Lifecycle: 'AVAILABLE',
  CreationTime: new Date('2026-11-22T15:38:00Z'),
  ResourceARN: 'arn:fs-1',
  LustreConfiguration: { MountName: 'mount1' },
  Tags: Object.entries({ [RunTag.EXECUTION_ARN]: ARN, ...tags }).map(([Key, Value]) => ({ Key, Value })),
  ...more,
});
const association = (more: Partial<DataRepositoryAssociation> = {}): DataRepositoryAssociation => ({
  AssociationId: 'dra-1', FileSystemPath: '/export', DataRepositoryPath: 's3://results/p/', Lifecycle: 'AVAILABLE', ...more,
});
const FS_STATE = { fileSystemId: 'fs-1', mountName: 'mount1', lifecycle: 'AVAILABLE', createdAt: '2026-11-22T15:38:00.000Z' };
const LINK = { associationId: 'dra-1', fileSystemPath: '/export', dataRepositoryPath: 's3://results/p/', lifecycle: 'AVAILABLE' };
const documentOf = (more: Partial<StateDocument> = {}): StateDocument => ({
  input: {},
  run,
  parameters,
  fileSystem: {},
  associations: { output: {}, inputs: [] },
  compute: {},
  job: {},
  export: { proven: false },
  policy: {},
  kept: {},
  error: {},
  failures: {},
  ...more,
});

/** Calls in their order; each command answers with the next of its list, an Error by throwing it. */
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
  jest.spyOn(FSxClient.prototype, 'send').mockImplementation(send as any);
  jest.spyOn(SFNClient.prototype, 'send').mockImplementation(send as any);
}
const named = (name: string) => Object.assign(new Error(name), { name });
const call = (action: string, payload: object) => handler({ action, ...payload });
afterEach(() => jest.restoreAllMocks());

describe('the request for a file system', () => {
  const request = fileSystemRequest(run, parameters, settings);

  test('says everything explicitly, with a token of the run', () => {
    expect(request).toMatchObject({
      ClientRequestToken: `file-system-${run.token}`,
      FileSystemType: 'LUSTRE',
      FileSystemTypeVersion: '2.15',
      StorageCapacity: 2400,
      StorageType: 'SSD',
      SubnetIds: ['subnet-1'],
      SecurityGroupIds: ['sg-1'],
      KmsKeyId: 'arn:key',
      LustreConfiguration: {
        DeploymentType: 'PERSISTENT_2', PerUnitStorageThroughput: 125, DataCompressionType: 'LZ4', LogConfiguration: { Level: 'WARN_ERROR', Destination: 'arn:logs' },
      },
    });
    expect(request.ClientRequestToken!.length).toBeLessThanOrEqual(63); // A2.9
  });

  test('carries all that a clean-up from AWS alone needs, and the tags of the app', () => {
    const tags = Object.fromEntries(request.Tags!.map(({ Key, Value }) => [Key, Value]));
    expect(tags).toEqual({
      'team': 'x',
      'Name': `Blue-${run.id}`,
      'cdk-lustre-auto-export:pipeline': 'Pipeline',
      'cdk-lustre-auto-export:run-id': run.id,
      'cdk-lustre-auto-export:execution-arn': ARN,
      'cdk-lustre-auto-export:started-at': STARTED,
      'cdk-lustre-auto-export:bucket': 'results',
      'cdk-lustre-auto-export:prefix': 'p/',
      'cdk-lustre-auto-export:delete-lustre': 'true',
      'cdk-lustre-auto-export:auto-export': 'true',
      'cdk-lustre-auto-export:lambda-period-seconds': '60',
      'cdk-lustre-auto-export:lambda-time-diff-minutes': '15',
      'cdk-lustre-auto-export:export-verification': 'BOTH',
      'cdk-lustre-auto-export:failure-policy': 'EXPORT_AND_DELETE',
      'cdk-lustre-auto-export:keep-hours': '24',
      'cdk-lustre-auto-export:job-queue-arn': 'none',
    });
    expect(associationRequest('fs-1', run, parameters, settings).Tags).toEqual(request.Tags);
  });

  test('a tag of the app cannot take the place of one of ours', () => {
    const hostile = fileSystemRequest(run, parameters, { ...settings, tags: { [RunTag.EXECUTION_ARN]: 'arn:other', [RunTag.DELETE_LUSTRE]: 'false' } });
    expect(hostile.Tags).toEqual(expect.arrayContaining([{ Key: RunTag.EXECUTION_ARN, Value: ARN }, { Key: RunTag.DELETE_LUSTRE, Value: 'true' }]));
    expect(hostile.Tags!.filter(({ Key }) => Key === RunTag.EXECUTION_ARN)).toHaveLength(1);
  });

  test('no destination without logs, no throughput and key where there is none', () => {
    const scratch = fileSystemRequest(run, parameters, {
      ...settings, deploymentType: 'SCRATCH_2', perUnitStorageThroughput: undefined, kmsKeyId: undefined, logLevel: 'DISABLED', logGroupArn: undefined,
    });
    expect(scratch.LustreConfiguration).toEqual({ DeploymentType: 'SCRATCH_2', DataCompressionType: 'LZ4', LogConfiguration: { Level: 'DISABLED' } });
    expect(scratch.KmsKeyId).toBeUndefined();
  });
});

describe('the request for a link', () => {
  test('exports one directory to the prefix of the run', () => {
    const request = associationRequest('fs-1', run, parameters, settings);
    expect(request).toMatchObject({
      ClientRequestToken: `association-${run.token}`,
      FileSystemId: 'fs-1',
      FileSystemPath: '/export',
      DataRepositoryPath: 's3://results/p/',
      BatchImportMetaDataOnCreate: false,
      ImportedFileChunkSize: 1024,
      S3: { AutoExportPolicy: { Events: ['NEW', 'CHANGED'] } },
    });
    expect(request.S3).not.toHaveProperty('AutoImportPolicy');
    expect(request.ClientRequestToken!.length).toBeLessThanOrEqual(63);
  });

  test('imports where that is wanted, exports only at the end where automatic export is off, and takes the whole bucket', () => {
    expect(associationRequest('fs-1', run, { ...parameters, autoExport: false, prefix: '' }, { ...settings, importEvents: ['NEW'], importExistingObjects: true })).toMatchObject({
      DataRepositoryPath: 's3://results/', BatchImportMetaDataOnCreate: true, S3: { AutoImportPolicy: { Events: ['NEW'] } },
    });
    expect(associationRequest('fs-1', run, { ...parameters, autoExport: false }, settings).S3).toEqual({});
  });
});

describe('creation', () => {
  /** No other file system exports to where this one will. */
  const ALONE = { DescribeFileSystems: [{ FileSystems: [] }, { FileSystems: [] }] };

  test('keeps four fields of the answer', async () => {
    answer({ ...ALONE, CreateFileSystem: [{ FileSystem: fileSystem() }], CreateDataRepositoryAssociation: [{ Association: association() }] });
    expect(await call('CreateLustreFileSystem', { run, parameters, settings })).toEqual(FS_STATE);
    expect(await call('CreateDataRepositoryAssociation', { run, parameters, settings, fileSystem: FS_STATE })).toEqual(LINK);
    expect(sent.map(({ name }) => name)).toEqual(['DescribeFileSystems', 'CreateFileSystem', 'CreateDataRepositoryAssociation']);
  });

  test('knows its own among other tags, in any order', async () => {
    const own = fileSystem();
    answer({ ...ALONE, CreateFileSystem: [{ FileSystem: { ...own, Tags: [{ Key: 'Team', Value: 'arn:other' }, ...own.Tags!] } }] });
    expect(await call('CreateLustreFileSystem', { run, parameters, settings })).toEqual(FS_STATE);
  });

  test('refuses what belongs to somebody else', async () => {
    answer({ ...ALONE, CreateFileSystem: [{ FileSystem: fileSystem({}, { [RunTag.EXECUTION_ARN]: 'arn:other' }) }, { FileSystem: fileSystem({ Tags: [] }) }] });
    await expect(call('CreateLustreFileSystem', { run, parameters, settings })).rejects.toMatchObject({
      name: 'ForeignFileSystem', message: expect.stringMatching(/fs-1 .*belongs to arn:other; it is left alone/),
    });
    await expect(call('CreateLustreFileSystem', { run, parameters, settings })).rejects.toMatchObject({ name: 'ForeignFileSystem', message: expect.stringContaining('without our tag') });
  });

  test.each(['FileSystem', 'FileSystemId', 'LustreConfiguration', 'MountName', 'Lifecycle', 'CreationTime', 'Tags'])('an answer without %s is asked for again, never taken for a foreign one', async (field) => {
    const without = (value: any): any => {
      if (value instanceof Date || typeof value !== 'object') return value;
      if (Array.isArray(value)) return value.map(without);
      return Object.fromEntries(Object.entries(value).filter(([key]) => key !== field).map(([key, each]) => [key, without(each)]));
    };
    answer({ ...ALONE, CreateFileSystem: [without({ FileSystem: fileSystem() })] });
    await expect(call('CreateLustreFileSystem', { run, parameters, settings })).rejects.toMatchObject({ name: 'AnswerIncomplete', message: expect.stringContaining(field) });
  });

  test.each(['Association', 'AssociationId', 'FileSystemPath', 'DataRepositoryPath', 'Lifecycle'])('an answer about the link without %s is asked for again', async (field) => {
    answer({ CreateDataRepositoryAssociation: [field === 'Association' ? {} : { Association: association({ [field]: undefined }) }] });
    await expect(call('CreateDataRepositoryAssociation', { run, parameters, settings, fileSystem: FS_STATE })).rejects.toMatchObject({ name: 'AnswerIncomplete' });
  });

  test('looks again whether another run exports there: the wait for the environment may have been long', async () => {
    const other = fileSystem({}, { [RunTag.EXECUTION_ARN]: 'arn:other', [RunTag.PIPELINE]: 'Pipeline', [RunTag.BUCKET]: 'results', [RunTag.PREFIX]: 'p/', [RunTag.RUN_ID]: 'other-run' });
    answer({ DescribeFileSystems: [{ FileSystems: [other] }] });
    await expect(call('CreateLustreFileSystem', { run, parameters, settings })).rejects.toMatchObject({ name: 'PreflightFailed', message: expect.stringMatching(/overlaps .*other-run/) });
    // what an earlier try with a lost answer made is no obstacle
    const mine = { FileSystem: fileSystem({}, { [RunTag.PIPELINE]: 'Pipeline', [RunTag.BUCKET]: 'results', [RunTag.PREFIX]: 'p/' }) };
    answer({ DescribeFileSystems: [{ FileSystems: [mine.FileSystem] }], CreateFileSystem: [mine] });
    expect(await call('CreateLustreFileSystem', { run, parameters, settings })).toEqual(FS_STATE);
  });
});

describe('looks while it is created', () => {
  const outcome = (look: () => void) => {
    try {
      look();
    } catch (error) {
      return (error as Error).name;
    }
    return 'go on';
  };

  test.each<[string, string]>([
    ['CREATING', 'go on'], ['AVAILABLE', 'go on'], ['UPDATING', 'go on'], ['FAILED', 'FileSystemFailed'], ['DELETING', 'FileSystemFailed'],
    ['MISCONFIGURED', 'FileSystemFailed'], ['MISCONFIGURED_UNAVAILABLE', 'FileSystemFailed'], ['SOMETHING_NEW', 'FileSystemFailed'],
  ])('a file system that is %s: %s', (Lifecycle, expected) => {
    expect(outcome(() => refuseFailedFileSystem(fileSystem({ Lifecycle: Lifecycle as any })))).toBe(expected);
  });

  test.each<[string, string]>([
    ['CREATING', 'go on'], ['AVAILABLE', 'go on'], ['UPDATING', 'go on'], ['MISCONFIGURED', 'AssociationMisconfigured'], ['FAILED', 'AssociationFailed'],
    ['DELETING', 'AssociationFailed'], ['SOMETHING_NEW', 'AssociationFailed'],
  ])('a link that is %s: %s', (Lifecycle, expected) => {
    expect(outcome(() => refuseFailedAssociation(association({ Lifecycle: Lifecycle as any })))).toBe(expected);
  });

  test('quote what FSx says', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem({ Lifecycle: 'FAILED', FailureDetails: { Message: 'no capacity' } })] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association({ Lifecycle: 'MISCONFIGURED', FailureDetails: { Message: 'access denied' } })] }],
    });
    const link = { fileSystem: FS_STATE, associations: { output: LINK } };
    await expect(call('CheckFileSystemStatus', link)).rejects.toMatchObject({ message: 'file system fs-1 is FAILED: no capacity' });
    await expect(call('CheckDataRepositoryAssociation', link)).rejects.toMatchObject({ message: expect.stringMatching(/dra-1 with s3:\/\/results\/p\/ is MISCONFIGURED: access denied\. .*KMS/) });
  });

  test('find what they look for on a later page, and only that', async () => {
    const link = { fileSystem: FS_STATE, associations: { output: LINK } };
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem({ FileSystemId: 'fs-2' })], NextToken: 'more' }, { FileSystems: [fileSystem({ Lifecycle: 'CREATING' })] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association({ AssociationId: 'dra-2', Lifecycle: 'FAILED' })], NextToken: 'more' }, { Associations: [association()] }],
    });
    expect(await call('CheckFileSystemStatus', link)).toMatchObject({ lifecycle: 'CREATING' });
    expect(await call('CheckDataRepositoryAssociation', link)).toEqual(LINK);
    expect(sent[0].input).toMatchObject({ FileSystemIds: ['fs-1'] });
    expect(sent[2].input).toMatchObject({ Filters: [{ Name: 'file-system-id', Values: ['fs-1'] }] });
  });

  test.each<[string, Partial<FileSystem>, Record<string, string>, boolean]>([
    ['created before it', { CreationTime: new Date('2026-11-22T15:37:59Z') }, {}, true],
    ['created in the same second, with a lower id', { FileSystemId: 'fs-0' }, {}, true],
    ['created in the same second, with a higher id', {}, {}, false],
    ['created after it', { CreationTime: new Date('2026-11-22T15:38:01Z') }, {}, false],
    ['that is being deleted', { FileSystemId: 'fs-0', Lifecycle: 'DELETING' }, {}, false],
    ['on another prefix', { FileSystemId: 'fs-0' }, { [RunTag.PREFIX]: 'q/' }, false],
  ])('gives way to another file system on its prefix, %s', async (_, other, tags, gives) => {
    const theirs = { [RunTag.PIPELINE]: 'Other', [RunTag.BUCKET]: 'results', [RunTag.PREFIX]: 'p/', [RunTag.EXECUTION_ARN]: 'arn:other', ...tags };
    const own = fileSystem({}, { ...theirs, [RunTag.EXECUTION_ARN]: ARN, [RunTag.PREFIX]: 'p/' });
    answer({ DescribeFileSystems: [{ FileSystems: [own] }, { FileSystems: [own, fileSystem({ FileSystemId: 'fs-2', ...other }, theirs)] }] });
    const looked = call('CheckFileSystemStatus', { run, parameters, settings, fileSystem: FS_STATE, associations: { output: LINK } });
    if (gives) await expect(looked).rejects.toMatchObject({ name: 'PreflightFailed', message: expect.stringContaining('overlaps with s3://results/p/') });
    else expect(await looked).toMatchObject({ lifecycle: 'AVAILABLE' });
  });

  test('one that is gone has a name, one that is not answered is asked for again', async () => {
    const link = { fileSystem: FS_STATE, associations: { output: LINK } };
    answer({ DescribeFileSystems: [named('FileSystemNotFound'), { FileSystems: [] }, named('ThrottlingException')], DescribeDataRepositoryAssociations: [{ Associations: [] }] });
    await expect(call('CheckFileSystemStatus', link)).rejects.toMatchObject({ name: 'FileSystemFailed', message: expect.stringContaining('somebody else deleted it') });
    await expect(call('CheckFileSystemStatus', link)).rejects.toMatchObject({ name: 'AnswerIncomplete' });
    await expect(call('CheckFileSystemStatus', link)).rejects.toMatchObject({ name: 'ThrottlingException' });
    await expect(call('CheckDataRepositoryAssociation', link)).rejects.toMatchObject({ name: 'AssociationFailed' });
  });

  test('the deadline says what was last seen', async () => {
    await expect(call('FileSystemTimedOut', { fileSystem: { ...FS_STATE, lifecycle: 'CREATING' }, associations: { output: LINK } })).rejects.toMatchObject({
      name: 'FileSystemTimedOut', message: expect.stringMatching(/fs-1 is CREATING .*dra-1 is AVAILABLE .*lustreCreationTimeout/),
    });
  });
});

describe('tags for a later clean-up', () => {
  test('the queue is noted on the file system', async () => {
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem()] }], TagResource: [{}] });
    await call('RememberJobQueue', { document: documentOf({ fileSystem: FS_STATE, compute: { jobQueueArn: 'arn:queue', hostPath: '/host' } }) });
    expect(sent[1]).toEqual({
      name: 'TagResource', input: { ResourceARN: 'arn:fs-1', Tags: [{ Key: RunTag.JOB_QUEUE, Value: 'arn:queue' }, { Key: RunTag.HOST_PATH, Value: '/host' }] },
    });
  });

  test('the queue of a file system that is gone is an error with a name', async () => {
    answer({ DescribeFileSystems: [named('FileSystemNotFound')] });
    await expect(call('RememberJobQueue', { document: documentOf({ fileSystem: FS_STATE, compute: { jobQueueArn: 'q', hostPath: '/h' } }) })).rejects.toMatchObject({ name: 'FileSystemFailed' });
  });

  const tagsSent = () => Object.fromEntries(sent.find(({ name }) => name === 'TagResource')!.input.Tags.map(({ Key, Value }: any) => [Key, Value]));
  const linked = (more: Partial<StateDocument>) => documentOf({ fileSystem: FS_STATE, associations: { output: LINK, inputs: [] }, ...more });
  const keep = (more: Partial<StateDocument> = {}) => call('KeepFileSystem', { self: ARN, document: linked(more) });
  const exporting = association({ S3: { AutoExportPolicy: { Events: ['NEW', 'CHANGED'] } } });

  test('what is kept carries why, since when, how often, until when, and whether it still exports', async () => {
    jest.useFakeTimers({ now: new Date('2026-11-22T20:00:00Z') });
    try {
      answer({ DescribeFileSystems: [{ FileSystems: [fileSystem({}, { [RunTag.TIMES_KEPT]: '2' })] }], DescribeDataRepositoryAssociations: [{ Associations: [exporting] }], TagResource: [{}] });
      const policy = { keep: true, keepUntil: '2026-11-23T20:00:00.000Z' };
      expect(await keep({ policy, parameters: { ...parameters, failurePolicy: 'KEEP_FOR' }, error: { Error: 'JobFailed' } })).toEqual({ gone: false, automaticExport: 'ON' });
      expect(tagsSent()).toEqual({
        'cdk-lustre-auto-export:kept': 'failurePolicy KEEP_FOR after JobFailed',
        'cdk-lustre-auto-export:kept-at': '2026-11-22T20:00:00.000Z',
        'cdk-lustre-auto-export:times-kept': '3',
        'cdk-lustre-auto-export:automatic-export': 'ON',
        'cdk-lustre-auto-export:keep-until': '2026-11-23T20:00:00.000Z',
      });
    } finally {
      jest.useRealTimers();
    }
  });

  test.each<[string, Partial<DataRepositoryAssociation>]>([
    ['no events', { S3: { AutoExportPolicy: { Events: [] } } }], ['no policy', {}], ['a broken link', { ...exporting, Lifecycle: 'MISCONFIGURED' }],
  ])('what is kept with %s says that its automatic export is OFF', async (_, link) => {
    const Associations = [association(link)];
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem()] }], DescribeDataRepositoryAssociations: [{ Associations }], TagResource: [{}] });
    expect(await keep({ export: { proven: false } })).toEqual({ gone: false, automaticExport: 'OFF' });
    expect(tagsSent()).toMatchObject({ [RunTag.AUTOMATIC_EXPORT]: 'OFF', [RunTag.TIMES_KEPT]: '1' });
  });

  test('what is kept is tagged also where its link cannot be looked at', async () => {
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem()] }], DescribeDataRepositoryAssociations: [named('AccessDeniedException')], TagResource: [{}] });
    expect(await keep()).toEqual({ gone: false, automaticExport: 'OFF' });
    expect(tagsSent()).toMatchObject({ [RunTag.KEPT]: expect.any(String), [RunTag.AUTOMATIC_EXPORT]: 'OFF' });
  });

  test.each([['AVAILABLE', true], ['DELETING', false]])('what is DELETING when this execution saw it %s: gone by others %s', async (lifecycle, gone) => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem({ Lifecycle: 'DELETING' })] }], DescribeDataRepositoryAssociations: [{ Associations: [] }], TagResource: [{}], DescribeExecution: [{}],
    });
    expect(await keep({ deletion: { lifecycle } })).toMatchObject({ gone });
  });

  test.each([[undefined, false], [0, false], [1, true]])('what was deleted meanwhile cannot be kept; redrives: %s', async (redriveCount, redriven) => {
    answer({ DescribeFileSystems: [named('FileSystemNotFound')], DescribeExecution: [{ redriveCount }] });
    expect(await keep()).toEqual({ gone: true, deleting: false, automaticExport: 'OFF', redriven });
  });

  test('the reason why it is kept is one that a tag takes', async () => {
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem()] }], DescribeDataRepositoryAssociations: [{ Associations: [] }], TagResource: [{}] });
    await keep({ failures: { drain: { Error: `Odd"{name}\n${'x'.repeat(300)}` } } });
    const [Key, Value] = Object.entries<any>(tagsSent())[0];
    expect(Key).toBe(RunTag.KEPT);
    expect(Value).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u);
    expect(Value).toMatch(/^drain: Odd /);
  });
});

describe('automatic export of what is kept', () => {
  const OTHER_EXECUTION = 'arn:aws:states:us-east-1:111122223333:execution:machine:clean-up';
  const ON = { AutoExportPolicy: { Events: ['NEW' as const, 'CHANGED' as const] } };
  const OFF = { AutoExportPolicy: { Events: [] }, AutoImportPolicy: { Events: ['NEW' as const] } };

  test.each<[string, DataRepositoryAssociation | undefined, boolean, object]>([
    ['it is on', association({ S3: ON }), true, { next: 'SETTLED', automaticExport: 'ON' }],
    ['it is off', association({ S3: OFF }), true, { next: 'UPDATE' }],
    ['it has no policy', association(), true, { next: 'UPDATE' }],
    ['only some kinds of changes', association({ S3: { AutoExportPolicy: { Events: ['NEW'] } } }), true, { next: 'UPDATE' }],
    ['it is on, and not wanted: somebody has switched it on', association({ S3: ON }), false, { next: 'SETTLED', automaticExport: 'ON' }],
    ['it is off, and not wanted', association({ S3: OFF }), false, { next: 'SETTLED', automaticExport: 'OFF', reason: 'autoExport is false' }],
    ['an update is under way', association({ Lifecycle: 'UPDATING', S3: ON }), true, { next: 'WAIT' }],
    ['it was never AVAILABLE', association({ Lifecycle: 'CREATING', S3: ON }), true, { next: 'WAIT' }],
    ['the link is broken', association({ Lifecycle: 'MISCONFIGURED', S3: ON }), true, { next: 'SETTLED', automaticExport: 'OFF', reason: expect.stringContaining('MISCONFIGURED') }],
    ['the link is broken and off', association({ Lifecycle: 'MISCONFIGURED', S3: OFF }), true, { next: 'UPDATE' }],
    ['the link has failed', association({ Lifecycle: 'FAILED', S3: ON }), true, { next: 'SETTLED', automaticExport: 'OFF', reason: expect.stringContaining('FAILED') }],
    ['there is no link', undefined, true, { next: 'SETTLED', automaticExport: 'OFF', reason: expect.stringContaining('no data repository association') }],
  ])('%s', (_, link, wanted, step) => expect(stepToRestore(link, wanted)).toEqual(step));

  const restore = (kept: StateDocument['kept'] = { gone: false, automaticExport: 'OFF' }) => call('RestoreAutomaticExport', {
    self: OTHER_EXECUTION, settings, document: documentOf({ fileSystem: FS_STATE, associations: { output: LINK, inputs: [] }, kept }),
  });

  test('is switched on with the events of the construct and the import policy as it is, and tagged when it is seen on', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem()] }, { FileSystems: [fileSystem()] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association({ S3: OFF })] }, { Associations: [association({ S3: ON })] }],
      UpdateDataRepositoryAssociation: [{}],
      TagResource: [{}],
    });
    expect(await restore()).toMatchObject({ automaticExport: 'OFF', settled: false });
    const { input } = sent.find(({ name }) => name === 'UpdateDataRepositoryAssociation')!;
    expect(input).toEqual({ AssociationId: 'dra-1', ClientRequestToken: `restore-0-${executionToken(OTHER_EXECUTION)}`, S3: { AutoExportPolicy: { Events: ['NEW', 'CHANGED'] }, AutoImportPolicy: { Events: ['NEW'] } } });
    expect(input.ClientRequestToken.length).toBeLessThanOrEqual(63);
    expect(await restore()).toMatchObject({ automaticExport: 'ON', settled: true });
    expect(sent.at(-1)!.input.Tags).toEqual([{ Key: RunTag.AUTOMATIC_EXPORT, Value: 'ON' }]);
  });

  test('an import policy without events is left out, which FSx may refuse', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem()] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association({ S3: { ...OFF, AutoImportPolicy: { Events: [] } } })] }],
      UpdateDataRepositoryAssociation: [{}],
    });
    await restore();
    expect(sent.at(-1)!.input.S3).toEqual({ AutoExportPolicy: { Events: ['NEW', 'CHANGED'] } });
  });

  test('that is refused is tried again until the time is up, and then said', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem()] }, { FileSystems: [fileSystem()] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association({ S3: OFF })] }, { Associations: [association({ S3: OFF })] }],
      UpdateDataRepositoryAssociation: [named('BadRequest'), named('ThrottlingException')],
    });
    const kept = await restore() as StateDocument['kept'];
    expect(kept).toEqual({ gone: false, automaticExport: 'OFF', reason: 'BadRequest', settled: false });
    await expect(restore()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await expect(call('AutomaticExportStaysOff', { document: documentOf({ fileSystem: FS_STATE, kept }) })).rejects.toMatchObject({ name: 'AutoExportStaysOff', message: expect.stringMatching(/fs-1 .*BadRequest/) });
  });

  test('of what is gone meanwhile is nobody\'s worry', async () => {
    const gone = named('FileSystemNotFound');
    answer({ DescribeFileSystems: [gone, gone, gone, gone, gone] });
    let kept: StateDocument['kept'] = { gone: false, automaticExport: 'OFF' };
    for (let look = 1; look < 5; look++) {
      kept = await restore(kept) as StateDocument['kept'];
      expect(kept).toMatchObject({ gone: false, settled: false });
    }
    expect(await restore(kept)).toMatchObject({ gone: true, settled: true });
  });

  test('of what is seen again was never gone', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem()] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association({ S3: ON })] }],
      TagResource: [{}],
    });
    expect(await restore({ gone: false, automaticExport: 'OFF', missing: 4 })).toEqual({ gone: false, automaticExport: 'ON', reason: undefined, settled: true });
  });
});

describe('the failure policy', () => {
  const now = new Date('2026-11-22T20:00:00Z');
  test.each<[Partial<RunParameters>, string | undefined, object]>([
    [{}, undefined, { keep: false }],
    [{}, '2026-11-30T00:00:00Z', { keep: false }],
    [{ failurePolicy: 'KEEP' }, undefined, { keep: true }],
    [{ failurePolicy: 'KEEP_FOR', keepHours: 3 }, undefined, { keep: true, keepUntil: '2026-11-22T23:00:00.000Z' }],
    [{ failurePolicy: 'KEEP_FOR', keepHours: 3 }, '2026-11-22T20:00:01Z', { keep: true, keepUntil: '2026-11-22T20:00:01.000Z' }],
    [{ failurePolicy: 'KEEP_FOR', keepHours: 3 }, '2026-11-22T20:00:00Z', { keep: false, keepUntil: '2026-11-22T20:00:00.000Z' }],
  ])('%j, tagged until %s', (more, until, expected) => expect(policyOf({ ...parameters, ...more }, until, now)).toEqual(expected));
});

describe('the search for what a run has made', () => {
  const payload = (document: StateDocument, self = ARN) => ({ document, self, exportDirectory: '/export', deadlines, defaults: { ...parameters, lambdaTimeDiffMinutes: 20 } });
  const OTHER = 'arn:aws:states:us-east-1:111122223333:execution:machine:cleaner';
  /** As the clean-up entry begins: nothing but the ARN. */
  const empty = documentOf({ run: { id: '', token: '', executionArn: ARN, startedAt: '' }, parameters: {} as RunParameters });

  test('of the run itself: a create call whose answer was lost is found by its tag', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem({ FileSystemId: 'fs-9' }, { [RunTag.EXECUTION_ARN]: 'arn:other' })], NextToken: 'more' }, { FileSystems: [fileSystem()] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association()] }],
    });
    const error = { Error: 'States.TaskFailed', Cause: 'lost' };
    expect(await call('FindRunResources', payload(documentOf({ error })))).toEqual(documentOf({ error, policy: { keep: false }, fileSystem: FS_STATE, associations: { output: LINK, inputs: [] } }));
  });

  test('of several links it is the one of the exported directory', async () => {
    const links = { Associations: [association({ AssociationId: 'dra-0', FileSystemPath: '/other' }), association()] };
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem()] }, { FileSystems: [fileSystem()] }], DescribeDataRepositoryAssociations: [links, links] });
    expect(await call('FindRunResources', payload(documentOf()))).toMatchObject({ associations: { output: LINK } });
    // a deploy has changed the directory since
    expect(await call('FindRunResources', { ...payload(documentOf()), exportDirectory: '/new' })).toMatchObject({ associations: { output: { associationId: 'dra-0' } } });
  });

  test('of the run itself: nothing was made', async () => {
    answer({ DescribeFileSystems: [{ FileSystems: [] }] });
    expect(await call('FindRunResources', payload(documentOf()))).toEqual(documentOf({ policy: { keep: false } }));
  });

  test('one that lives comes before one that is being deleted', async () => {
    answer({
      DescribeFileSystems: [{ FileSystems: [fileSystem({ FileSystemId: 'fs-0', Lifecycle: 'DELETING' }), fileSystem()] }], DescribeDataRepositoryAssociations: [{ Associations: [] }],
    });
    expect(await call('FindRunResources', payload(documentOf()))).toMatchObject({ fileSystem: { fileSystemId: 'fs-1' }, associations: { output: {} } });
  });

  test('what was created a moment ago may not be seen yet: it is asked for again, and not taken for deleted', async () => {
    answer({ DescribeFileSystems: [named('FileSystemNotFound'), named('FileSystemNotFound')], DescribeExecution: [{ redriveCount: 0 }] });
    const since = (minutes: number) => documentOf({ error: { Error: 'X' }, fileSystem: { ...FS_STATE, createdAt: new Date(Date.now() - minutes * 60_000).toISOString() } });
    await expect(call('FindRunResources', payload(since(1)))).rejects.toMatchObject({ name: 'FileSystemNotSeen', message: expect.stringContaining('fs-1, created 60 s ago, cannot be seen yet') });
    expect(await call('FindRunResources', payload(since(11)))).toMatchObject({ fileSystem: { lifecycle: 'DELETING' } });
  });

  test('what somebody else deleted meanwhile is only seen gone, so that nobody is told that it was kept', async () => {
    answer({ DescribeFileSystems: [named('FileSystemNotFound')], DescribeExecution: [{ redriveCount: 0 }] });
    const document = documentOf({ error: { Error: 'X' }, fileSystem: FS_STATE, associations: { output: LINK, inputs: [] }, compute: { jobQueueArn: 'arn:queue' } });
    expect(await call('FindRunResources', payload(document))).toMatchObject({
      error: { Error: 'X' }, fileSystem: { fileSystemId: 'fs-1', lifecycle: 'DELETING' }, associations: { output: LINK }, compute: { jobQueueArn: 'arn:queue' },
    });
    expect(sent[0].input).toMatchObject({ FileSystemIds: ['fs-1'] });
  });

  test.each([[named('FileSystemNotFound')], [{ FileSystems: [fileSystem({ Lifecycle: 'DELETING' })] }]])(
    'of the run itself, redriven when its clean-up has been there: that is the error', async (found) => {
      answer({ DescribeFileSystems: [found], DescribeDataRepositoryAssociations: [{ Associations: [] }], DescribeExecution: [{ redriveCount: 1 }] });
      const { error } = await call('FindRunResources', payload(documentOf({ error: { Error: 'JobFailed' }, fileSystem: FS_STATE }))) as StateDocument;
      expect(error).toEqual({ Error: 'RunAlreadyCleanedUp', Cause: expect.stringMatching(/was redriven.*fs-1.*JobFailed/) });
    });

  test.each<[string, string, boolean, object]>([
    ['KEEP', 'ABORTED', false, { keep: true }], ['KEEP', 'SUCCEEDED', false, { keep: false }], ['KEEP', 'FAILED', true, { keep: false }],
    ['EXPORT_AND_DELETE', 'ABORTED', false, { keep: false }], ['KEEP_FOR', 'TIMED_OUT', false, { keep: true, keepUntil: expect.any(String) }],
  ])('of another run with the policy %s that %s; to be deleted anyway: %s', async (policy, status, deleteAnyway, expected) => {
    answer({
      DescribeExecution: [{ status, startDate: new Date(STARTED) }],
      DescribeFileSystems: [{ FileSystems: [fileSystem({}, { [RunTag.JOB_QUEUE]: 'none', [RunTag.FAILURE_POLICY]: policy, [RunTag.KEEP_HOURS]: '5', [RunTag.VERIFICATION]: 'METRIC_ONLY', [RunTag.DELETE_LUSTRE]: 'false' })] }],
      DescribeDataRepositoryAssociations: [{ Associations: [] }],
    });
    const input = { cleanUp: { executionArn: ARN, ...(deleteAnyway ? { deleteLustre: true } : {}) } };
    const found = await call('FindRunResources', payload({ ...empty, input }, OTHER)) as StateDocument;
    expect(found.policy).toEqual(expected);
    expect(found.parameters).toMatchObject({ failurePolicy: policy, keepHours: 5, exportVerification: 'METRIC_ONLY', deleteLustre: deleteAnyway });
  });

  const lost = (tags: Record<string, string>, history: object) => answer({
    DescribeExecution: [{ status: 'ABORTED', startDate: new Date(STARTED) }],
    DescribeFileSystems: [{ FileSystems: [fileSystem({}, tags)] }],
    DescribeDataRepositoryAssociations: [{ Associations: [] }],
    GetExecutionHistory: [history],
  });

  test('of another run whose queue is not in the tags any more: what its history says, and never that it had none', async () => {
    lost({}, HISTORY(documentOf({ compute: { jobQueueArn: 'arn:queue', hostPath: '/host' } })));
    expect(await call('FindRunResources', payload(empty, OTHER))).toMatchObject({ compute: { jobQueueArn: 'arn:queue' }, fileSystem: FS_STATE });
    lost({}, {});
    await expect(call('FindRunResources', payload(empty, OTHER))).rejects.toMatchObject({ name: 'TagMissing', message: expect.stringMatching(/fs-1 .*job-queue-arn .*"none"/) });
  });

  test('of another run: none is what the create call said, and a queue counts without a host path', async () => {
    lost({ [RunTag.JOB_QUEUE]: 'none' }, {});
    expect(await call('FindRunResources', payload(empty, OTHER))).toMatchObject({ compute: {} });
    lost({ [RunTag.JOB_QUEUE]: 'arn:queue' }, {});
    expect(await call('FindRunResources', payload(empty, OTHER))).toMatchObject({ compute: { jobQueueArn: 'arn:queue' } });
  });

  test('of another run that was kept: an empty queue alone does not prove it any more', async () => {
    for (const [chosen, expected] of [['METRIC_ONLY', 'BOTH'], ['EXPORT_TASK_ONLY', 'EXPORT_TASK_ONLY'], ['BOTH', 'BOTH']]) {
      lost({ [RunTag.JOB_QUEUE]: 'none', [RunTag.VERIFICATION]: chosen, [RunTag.KEPT]: 'drain: X', [RunTag.KEPT_AT]: 'T1' }, {});
      expect(await call('FindRunResources', payload(empty, OTHER))).toMatchObject({ parameters: { exportVerification: expected }, fileSystem: { keptAt: 'T1' } });
    }
  });

  test('of another run, proven in another way than it was told', async () => {
    for (const [asked, expected] of [['EXPORT_TASK_ONLY', 'EXPORT_TASK_ONLY'], ['METRIC_ONLY', 'BOTH'], ['NONE', 'BOTH']]) {
      lost({ [RunTag.JOB_QUEUE]: 'none', [RunTag.VERIFICATION]: 'BOTH' }, {});
      const input = { cleanUp: { executionArn: ARN, exportVerification: asked } };
      expect(await call('FindRunResources', payload({ ...empty, input }, OTHER))).toMatchObject({ parameters: { exportVerification: expected } });
    }
  });

  test('of another run: everything from its start and its tags, with the names of that run', async () => {
    const tags = {
      [RunTag.STARTED_AT]: STARTED,
      [RunTag.AUTO_EXPORT]: 'false',
      [RunTag.DELETE_LUSTRE]: 'false',
      [RunTag.PERIOD_SECONDS]: '120',
      [RunTag.LOOK_BACK_MINUTES]: '30',
      [RunTag.PREFIX]: 'p/',
      [RunTag.JOB_QUEUE]: 'arn:queue',
      [RunTag.HOST_PATH]: '/host',
    };
    answer({
      DescribeExecution: [{ status: 'ABORTED', startDate: new Date('2026-11-22T15:37:03.456Z') }],
      DescribeFileSystems: [{ FileSystems: [fileSystem({}, tags)] }],
      DescribeDataRepositoryAssociations: [{ Associations: [association()] }],
      GetExecutionHistory: [HISTORY(documentOf({ job: { jobId: 'job-1', mayHaveWritten: true } as any }))],
    });
    const found = await call('FindRunResources', payload(empty, OTHER)) as StateDocument;
    expect(found.job).toEqual({ jobId: 'job-1' });
    expect(found).toMatchObject({
      run: { id: run.id, token: run.token, executionArn: ARN },
      fileSystem: FS_STATE,
      associations: { output: LINK },
      compute: { jobQueueArn: 'arn:queue', hostPath: '/host' },
      parameters: { autoExport: false, deleteLustre: false, lambdaPeriodSeconds: 120, lambdaTimeDiffMinutes: 30, prefix: 'p/', jobDefinitionRetryAttempts: 5 },
    });
    expect(Object.keys(found.parameters.schedules).sort()).toEqual(Object.keys(deadlines).sort());
    expect(found.parameters.schedules.drain.waits.reduce((a, b) => a + b)).toBe(DAY);
  });

  const HISTORY = (...documents: unknown[]) => ({ events: documents.map((document) => ({ stateEnteredEventDetails: { input: typeof document === 'string' ? document : JSON.stringify(document) } })) });
  test('of another run whose file system is gone: what else it left is found by its history, and the file system is only watched', async () => {
    const last = documentOf({ fileSystem: FS_STATE, compute: { jobQueueArn: 'arn:queue', hostPath: '/host', quietAt: 'T' } });
    answer({
      DescribeExecution: [{ status: 'ABORTED', startDate: new Date(STARTED) }],
      DescribeFileSystems: [{ FileSystems: [] }],
      GetExecutionHistory: [HISTORY('{"cut', { status: 'no document' }, { run: { id: '' } }, last, documentOf({ fileSystem: { ...FS_STATE, fileSystemId: 'fs-older' } }))],
    });
    const found = await call('FindRunResources', payload(empty, OTHER)) as StateDocument;
    expect([found.run, found.fileSystem, found.compute]).toEqual([run, { ...FS_STATE, lifecycle: 'DELETING' }, { jobQueueArn: 'arn:queue', hostPath: '/host' }]);
    expect(sent.at(-1)!.input).toMatchObject({ executionArn: ARN, reverseOrder: true });
  });

  test('of another run that left no file system: the defaults of the construct, and the names all the same', async () => {
    answer({ DescribeExecution: [{ status: 'FAILED', startDate: new Date(STARTED) }], DescribeFileSystems: [{ FileSystems: [] }], GetExecutionHistory: [named('ExecutionDoesNotExist')] });
    expect(await call('FindRunResources', payload(empty, OTHER))).toMatchObject({
      run: { id: run.id, token: run.token }, fileSystem: {}, parameters: { deleteLustre: true, lambdaTimeDiffMinutes: 20, prefix: '', schedules: { drain: { count: expect.any(Number) } } },
    });
  });

  test('of another run that Step Functions has forgotten: its start is in a tag', async () => {
    answer({
      DescribeExecution: [named('ExecutionDoesNotExist')],
      DescribeFileSystems: [{ FileSystems: [fileSystem({}, { [RunTag.STARTED_AT]: STARTED, [RunTag.JOB_QUEUE]: 'none' })] }],
      DescribeDataRepositoryAssociations: [{ Associations: [] }],
    });
    expect(await call('FindRunResources', payload(empty, OTHER))).toMatchObject({ run: { id: run.id, token: run.token, startedAt: STARTED } });
  });

  test.each<[string, object | Error, object, string]>([
    ['nobody knows it', named('ExecutionDoesNotExist'), { FileSystems: [] }, 'RunNotFound'],
    ['it still runs', { status: 'RUNNING', startDate: new Date() }, { FileSystems: [] }, 'RunStillRunning'],
    ['it is a clean-up itself', { status: 'FAILED', startDate: new Date(), input: JSON.stringify({ cleanUp: { executionArn: 'arn:run' } }) }, { FileSystems: [] }, 'RunNotFound'],
    ['it may be redriven', { status: 'PENDING_REDRIVE', startDate: new Date() }, { FileSystems: [] }, 'RunStillRunning'],
    ['no start is told', { status: 'FAILED' }, { FileSystems: [] }, 'AnswerIncomplete'],
    ['it may not be looked at', named('AccessDeniedException'), { FileSystems: [] }, 'AccessDeniedException'],
  ])('of another run: %s', async (_, execution, fileSystems, name) => {
    answer({ DescribeExecution: [execution], DescribeFileSystems: [fileSystems], GetExecutionHistory: [{}] });
    await expect(call('FindRunResources', payload(empty, OTHER))).rejects.toMatchObject({ name });
  });
});

describe('deletion', () => {
  test('is seen only when FSx says that there is none', async () => {
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem({ Lifecycle: 'DELETING' })] }, named('FileSystemNotFound'), { FileSystems: [] }] });
    const payload = { fileSystem: FS_STATE, deletion: { wait: { turn: 1 }, refusal: { Cause: 'busy' } } };
    expect(await call('CheckDeletion', payload)).toEqual({ ...payload.deletion, gone: false, lifecycle: 'DELETING' });
    expect(await call('CheckDeletion', payload)).toEqual({ ...payload.deletion, gone: true, lifecycle: 'DELETED', goneAt: expect.stringMatching(/Z$/) });
    await expect(call('CheckDeletion', payload)).rejects.toThrow('without FileSystemNotFound');
  });

  const SELF = 'arn:aws:states:us-east-1:111122223333:execution:machine:clean-up-1';
  const confirm = (self: string, more: Partial<StateDocument> = {}) => call('ConfirmDeletion', { document: documentOf({ fileSystem: FS_STATE, export: { proven: true }, ...more }), self });
  const cleanUpInput = (more: object = {}) => ({ cleanUp: { executionArn: ARN, ...more } });

  test.each<[string, Record<string, string>, string | undefined, Partial<StateDocument>, string, string]>([
    ['of the run itself', {}, undefined, {}, ARN, 'goes on'],
    ['of a run that has ended', {}, 'FAILED', {}, SELF, 'goes on'],
    ['of a run that Step Functions has forgotten', {}, undefined, {}, SELF, 'goes on'],
    ['of a run that lives again', {}, 'RUNNING', {}, SELF, 'RunStillRunning'],
    ['of a run that is about to live again', {}, 'PENDING_REDRIVE', {}, SELF, 'RunStillRunning'],
    ['of what somebody works on', { [RunTag.HOLD]: 'yes' }, 'FAILED', { input: cleanUpInput() }, SELF, 'FileSystemHeld'],
    ['of what somebody works on, by its run', { [RunTag.HOLD]: 'yes' }, undefined, {}, ARN, 'FileSystemHeld'],
    ['of what somebody works on, who has said so', { [RunTag.HOLD]: 'yes' }, 'FAILED', { input: cleanUpInput({ deleteLustre: true }) }, SELF, 'goes on'],
    ['of what was kept before', { [RunTag.KEPT_AT]: 'T1' }, 'FAILED', { fileSystem: { ...FS_STATE, keptAt: 'T1' } }, SELF, 'goes on'],
    ['of what another one has kept since', { [RunTag.KEPT_AT]: 'T2', [RunTag.KEPT]: 'x' }, 'FAILED', { fileSystem: { ...FS_STATE, keptAt: 'T1' } }, SELF, 'KeptMeanwhile'],
    ['of what another one has kept, by its run', { [RunTag.KEPT_AT]: 'T2', [RunTag.KEPT]: 'x' }, undefined, {}, ARN, 'KeptMeanwhile'],
  ])('is looked at a last time: %s', async (_, tags, status, more, self, expected) => {
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem({}, tags)] }], DescribeExecution: [status ? { status } : named('ExecutionDoesNotExist')] });
    expect(await confirm(self, more).then(() => 'goes on', ({ name }) => name)).toBe(expected);
  });

  test.each<[string, number | undefined, number | undefined, string]>([
    ['never redriven', undefined, 0, 'goes on'],
    ['redriven before it was found', 2, 2, 'goes on'],
    ['redriven since, and ended again', 1, 2, 'RunRedriven'],
    ['redriven for the first time since, and ended again', undefined, 1, 'RunRedriven'],
  ])('of a run that was %s', async (_, before, redriveCount, expected) => {
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem()] }], DescribeExecution: [{ status: 'ABORTED', redriveCount }] });
    expect(await confirm(SELF, { run: { ...run, redriveCount: before } }).then(() => 'goes on', ({ name }) => name)).toBe(expected);
  });

  test('of what is gone already needs no look', async () => {
    answer({ DescribeFileSystems: [named('FileSystemNotFound')] });
    expect(await confirm(ARN).then(() => 'goes on')).toBe('goes on');
  });

  test('that was asked for and not seen to its end is the run\'s own', async () => {
    const document = documentOf({
      fileSystem: FS_STATE,
      associations: { output: LINK, inputs: [] },
      export: { proven: true, reason: 'QueueEmpty' },
      deletion: { wait: { turn: 1, seconds: 30 } },
      failures: { delete: { Error: 'BadRequest' } },
    });
    answer({ DescribeFileSystems: [{ FileSystems: [fileSystem({ Lifecycle: 'DELETING' })] }], DescribeDataRepositoryAssociations: [{ Associations: [] }], TagResource: [{}] });
    const kept = await call('KeepFileSystem', { document, self: ARN }) as StateDocument['kept'];
    expect(kept).toMatchObject({ gone: false });
    const now = new Date();
    expect(summarize({ ...document, kept }, now).cause).toMatch(/DATA: file system fs-1 is being deleted, and .*; everything on it is in s3:/);
    answer({ DescribeFileSystems: [named('FileSystemNotFound')], DescribeExecution: [{ redriveCount: 0 }] });
    const gone = await call('KeepFileSystem', { document, self: ARN }) as StateDocument['kept'];
    expect(summarize({ ...document, kept: gone }, now).cause).toMatch(/DATA: nothing is lost: file system fs-1 was deleted; everything on it is in s3:/);
    // FSx has said no: it is still there, with all that is on it
    const refused = { ...document, deletion: { ...document.deletion, refusal: { Cause: 'a task runs' } } };
    expect(summarize({ ...refused, kept: { gone: false, automaticExport: 'ON' } }, now).cause).toMatch(/DATA: nothing was deleted: file system fs-1 is KEPT \(delete: BadRequest\)\. Everything on it is proven/);
  });

  test.each(['RunRedriven', 'KeptMeanwhile', 'RunStillRunning'])('that %s has stopped: the proof is of before that', (Error) => {
    const document = documentOf({ fileSystem: FS_STATE, associations: { output: LINK, inputs: [] }, export: { proven: true, reason: 'QueueEmpty' }, failures: { delete: { Error } } });
    const { cause } = summarize({ ...document, kept: { gone: false, automaticExport: 'ON' } }, new Date());
    expect(cause).toMatch(/DATA: nothing was deleted: file system fs-1 is KEPT \(delete: \w+\)\. What the run wrote is on it; not all of it is proven/);
  });

  test('that takes too long says why the call was refused', async () => {
    const document = (refusal?: object, proven = true) => documentOf({ fileSystem: FS_STATE, export: { proven }, deletion: { lifecycle: 'AVAILABLE', ...(refusal && { refusal }) } });
    await expect(call('DeletionTimedOut', { document: document({ Cause: 'a task runs' }) })).rejects.toMatchObject({
      name: 'DeletionTimedOut', message: expect.stringMatching(/fs-1 is still AVAILABLE; its data is in S3\. .*a task runs/),
    });
    await expect(call('DeletionTimedOut', { document: document() })).rejects.toMatchObject({ message: expect.stringContaining('accepted') });
    await expect(call('DeletionTimedOut', { document: document(undefined, false) })).rejects.toMatchObject({ message: expect.stringContaining('was not looked at') });
  });
});

describe('the summary', () => {
  const NOW = new Date('2026-11-22T20:00:00Z');
  const done = documentOf({
    fileSystem: FS_STATE,
    associations: { output: LINK, inputs: [] },
    compute: { jobQueueArn: 'q', hostPath: '/h', quietAt: 'T3' },
    job: { outcome: 'SUCCEEDED', jobIds: ['j1'], attempts: 2, submittedAt: 'T0', startedAt: 'T1', stoppedAt: 'T2', lastWritePossibleAt: 'T4' },
    export: { proven: true, reason: 'QueueEmpty', evidence: { zeros: 5 }, startedAt: 'T5', endedAt: 'T6' },
    deletion: { gone: true, lifecycle: 'DELETED', goneAt: 'T7' },
  });
  const lambdaCause = (errorMessage: string) => JSON.stringify({ errorType: 'X', errorMessage, trace: [] });

  test.each<[string, Partial<StateDocument>]>([
    ['that was asked for', { deletion: {}, parameters: { ...done.parameters, deleteLustre: false } }],
    ['by the policy of a run that was stopped', { deletion: {}, export: { proven: false }, policy: { keep: true, keepUntil: '2026-11-23T20:00:00.000Z' }, input: { cleanUp: { executionArn: ARN } } }],
  ])('of a keeping %s tells, without a failure, what it costs and how to look at it, export it and delete it', (_, more) => {
    const { status, fileSystem: { instructions } } = summarize({ ...done, ...more, kept: { gone: false, automaticExport: 'ON' } }, NOW);
    expect(status).toBe('SUCCEEDED');
    const told = instructions!.join('\n');
    const expected = [
      /fs-1 .*is billed until it is deleted/,
      /^look at it: sudo mount -t lustre /m, /create-data-repository-task /, /^prove and delete: aws stepfunctions start-execution /m,
      /delete-file-system /,
    ];
    for (const words of expected) expect(told).toMatch(words);
    expect(summarize(done, NOW).fileSystem.instructions).toBeUndefined();
  });

  test('of a run that went well', () => {
    expect(summarize(done, NOW)).toEqual({
      status: 'SUCCEEDED',
      runId: run.id,
      executionArn: ARN,
      fileSystem: { id: 'fs-1', mountName: 'mount1', deleted: true, kept: undefined },
      s3Location: 's3://results/p/',
      job: { outcome: 'SUCCEEDED', ids: ['j1'], attempts: 2 },
      times: {
        runStarted: STARTED,
        fileSystemCreated: FS_STATE.createdAt,
        jobSubmitted: 'T0',
        jobStarted: 'T1',
        jobStopped: 'T2',
        instancesGone: 'T3',
        drainStarted: 'T5',
        drainEnded: 'T6',
        fileSystemDeleted: 'T7',
        runEnded: NOW.toISOString(),
      },
      export: { proven: true, reason: 'QueueEmpty', evidence: { zeros: 5 } },
      latestPossibleNotice: 'T4',
      cleanUpFailures: {},
    });
  });

  test('the first failure is the error, the others are beside it', () => {
    const failed = summarize({ ...done, error: { Error: 'JobFailed', Cause: lambdaCause('exit code 1') }, failures: { detach: { Error: 'InstancesNotGone', Cause: 'two' } }, deletion: {} }, NOW);
    expect(failed).toMatchObject({ status: 'FAILED', error: 'JobFailed', cleanUpFailures: { detach: 'two' }, fileSystem: { kept: 'detach: InstancesNotGone', deleted: false } });
    expect(failed.cause).toMatch(/^exit code 1\n\nDATA: nothing was deleted: file system fs-1 is KEPT \(detach: InstancesNotGone\)/);
    const cleanUp = summarize({ ...done, failures: { drain: { Error: 'DrainTimedOut', Cause: lambdaCause('still 5 s old') }, keep: { Error: 'Y' } }, export: { proven: false }, deletion: {} }, NOW);
    expect(cleanUp).toMatchObject({ status: 'FAILED', error: 'DrainTimedOut' });
    expect(cleanUp.cause).toMatch(/^drain: still 5 s old\n/);
  });

  test.each<[string, Partial<StateDocument>, RegExp]>([
    ['deleted', { error: { Error: 'JobFailed' } }, /DATA: nothing is lost: file system fs-1 was deleted; everything on it is in s3:\/\/results\/p\/\.\nCOST: nothing of this run is billed any more\.\nNEXT: read the log stream/],
    ['deleted empty', { error: { Error: 'JobFailed' }, export: { proven: true, reason: 'NothingWritten' } }, /DATA: nothing is lost: file system fs-1 was deleted; nothing had been written to it\.$/m],
    ['kept', { deletion: {}, export: { proven: false, reason: 'QueueNotEmpty' } },
      /KEPT \(export not proven: QueueNotEmpty\)\..*not all of it is[^]*mount -t lustre .*fs-1\.fsx\.us-east-1\.amazonaws\.com@tcp:\/mount1/],
    ['kept, and how to finish it', { deletion: {}, export: { proven: false } },
      /start-execution .*stateMachine:machine --input '\{"cleanUp":\{"executionArn":"arn:\S+:daily","deleteLustre":true\}\}'/],
    ['proven but not deleted', { deletion: { lifecycle: 'DELETING' }, failures: { delete: { Error: 'DeletionTimedOut' } } }, /DATA: file system fs-1 is being deleted, and FSx has not finished; everything on it is in s3:\/\/results\/p\/[^]*describe-file-systems/],
    ['being deleted before the clean-up came', { error: { Error: 'X' }, export: { proven: false, reason: 'BeingDeleted' } }, /DATA: file system fs-1 was deleted; .*was not looked at\.$/m],
    ['none', { fileSystem: {}, deletion: {}, error: { Error: 'InvalidParameters' } }, /DATA: no file system was left behind\.\nCOST: nothing/],
    ['unknown', { fileSystem: {}, deletion: {}, error: { Error: 'X' }, failures: { find: { Error: 'Y' } } }, /could not be found out whether a file system was left behind\.[^]*start-execution .*cleanUp/],
    ['gone, by somebody else', { deletion: {}, kept: { gone: true, automaticExport: 'OFF' }, failures: { drain: { Error: 'AssociationFailed' } } }, /file system fs-1 is gone: not this execution deleted it/],
    ['kept without automatic export', { deletion: {}, export: {}, kept: { gone: false, automaticExport: 'OFF', reason: 'a task runs' } }, /Its automatic export is OFF \(a task runs\)/],
    ['kept for a while', { deletion: {}, error: { Error: 'JobFailed' }, policy: { keep: true, keepUntil: '2026-11-23T20:00:00.000Z' } }, /from 2026-11-23T20:00:00\.000Z on it is exported, proven and deleted by itself/],
    ['kept, at a known price', { deletion: {}, export: {}, fileSystem: { ...FS_STATE, storageCapacity: 2400, deploymentType: 'PERSISTENT_2', perUnitStorageThroughput: 125 } }, /COST: file system fs-1 \(2400 GiB PERSISTENT_2\) is billed until it is deleted, about US\$0\.48 an hour/],
    ['kept, with files that S3 does not take', { deletion: {}, export: { proven: false, evidence: { failedFiles: { total: 12, byReason: { KeyTooLong: { count: 12, files: ['a', 'b'], fix: 'shorten it' } }, report: 's3://r' } } } }, /NOT EXPORTED: 12 files\n  KeyTooLong: 12 \("a", "b", …\); shorten it\n  full report: s3:\/\/r\n/],
    ['kept, with files that the cause lists already', { error: { Error: 'FilesNotExported', Cause: '1 files were not exported.\nKeyTooLong: 1 (shorten it)' }, deletion: {}, export: { proven: false, evidence: { failedFiles: { total: 1, byReason: { KeyTooLong: { count: 1, files: ['a'], fix: 'shorten it' } } } } } },
      /^(?![^]*NOT EXPORTED)/],
    ['kept, what a clean-up will do about it', { deletion: {}, failures: { drain: { Error: 'AssociationMisconfigured' } } }, /NEXT: check the policy.* tried again by itself .*"prove and delete" now\.$/m],
    [
      'kept as its policy says, with automatic export that stays off',
      { deletion: {}, error: { Error: 'JobFailed' }, policy: { keep: true }, failures: { restore: { Error: 'AutoExportStaysOff' } } },
      /^(?![^]*KEPT BECAUSE)[^]*AUTOMATIC EXPORT: could not be switched on again: [^]*NEXT: .* stays until somebody types "prove and delete"\.$/m,
    ],
    ['kept, and what nobody does about it', { deletion: {}, error: { Error: 'JobFailed' }, policy: { keep: true } }, /NEXT: read the log stream.* stays until somebody types "prove and delete"\.$/m],
    ['kept, and how to do without the link', { deletion: {}, export: { proven: false } }, /^  copy it yourself: aws s3 sync --region us-east-1 \/mnt\/\S+ s3:\/\/results\/p\/ /m],
    ['deleted, and how to go on', { error: { Error: 'JobFailed' } },
      /NEXT: .*\n  start again:      aws stepfunctions start-execution .*:machine --input "\$\(aws .* describe-execution .*:daily --query input .*\)"$/],
    ['kept after a clean-up, which is not started again', { input: { cleanUp: {} }, deletion: {}, export: { proven: false } }, /^(?![^]*start again)/],
  ])('says what became of the data: %s', (_, more, words) => expect(summarize({ ...done, ...more }, NOW).cause).toMatch(words));

  test.each<[string, Partial<StateDocument>, string]>([
    ['kept as asked for', { deletion: {}, parameters: { ...parameters, deleteLustre: false } }, 'SUCCEEDED'],
    ['kept by the policy, in a clean-up', { deletion: {}, export: { proven: false }, policy: { keep: true } }, 'SUCCEEDED'],
    ['gone when a redriven execution comes', { deletion: {}, export: {}, kept: { gone: true, automaticExport: 'OFF', redriven: true }, failures: { drain: { Error: 'AssociationFailed' } } }, 'RunAlreadyCleanedUp'],
    ['kept as asked for, but not exported', { deletion: {}, export: { proven: false, reason: 'NotProven' }, parameters: { ...parameters, deleteLustre: false } }, 'ExportNotProven'],
    ['kept because nothing is proven', { deletion: {}, export: { proven: false } }, 'ExportNotProven'],
    ['kept because a key is missing', { deletion: {}, export: {} }, 'ExportNotProven'],
  ])('%s', (_, more, expected) => {
    const { status, error } = summarize({ ...done, ...more }, NOW);
    expect(error ?? status).toBe(expected);
  });

  test('property: it is never a success with a failure, an error or an unproven deletion, and its cause always fits', () => {
    const error = fc.record({ Error: fc.option(fc.constantFrom('A', 'B'), { nil: undefined }), Cause: fc.option(fc.oneof(fc.string(), fc.constant('x'.repeat(40_000)), fc.json()), { nil: undefined }) });
    fc.assert(fc.property(
      error, fc.dictionary(fc.constantFrom('find', 'stop', 'detach', 'drain', 'delete', 'keep'), error), fc.boolean(), fc.boolean(), fc.option(fc.boolean(), { nil: undefined }), fc.boolean(),
      (first, failures, deleteLustre, gone, proven, exists) => {
        const document = {
          ...done,
          error: first,
          failures,
          parameters: { ...parameters, deleteLustre },
          deletion: { gone },
          export: { ...done.export, proven },
          fileSystem: exists ? FS_STATE : {},
        };
        const summary = summarize(document, NOW);
        if (first.Error || Object.keys(failures).length > 0) expect(summary.status).toBe('FAILED');
        if (summary.status === 'SUCCEEDED' && exists && !gone) expect([deleteLustre, proven]).toEqual([false, true]);
        if (summary.status === 'FAILED') expect(summary.error && summary.cause).toBeTruthy();
        expect((summary.cause ?? '').length).toBeLessThanOrEqual(32_768);
        expect(keepReason(document) === undefined).toBe(!exists || gone);
      },
    ));
  });
});

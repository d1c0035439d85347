import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, unlinkSync, writeFileSync, writeSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { audit } from '../local/auditor';
import { Clock } from '../local/clock';
import { LocalEngine } from '../local/engine';
import { Bucket, Buckets } from '../local/models/bucket';
import { CloudWatchModel } from '../local/models/cloudwatch';
import { DirectoryFiles } from '../local/models/directory-files';
import { sha256 } from '../local/models/files';
import { FsxModel } from '../local/models/fsx';
import { FsxOptions } from '../local/models/fsx-state';
import { measuredCurve, MetricFaults } from '../local/models/metric-faults';
import { reportText } from '../local/models/task-report';
import { Lookup, requiredActions } from '../local/required-actions';
import { Switches, World } from '../local/world';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 22, 12);

/** A clock that is moved by hand. */
class HandClock implements Clock {
  private time = START;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(milliseconds: number, callback: () => void): void {
    this.timers.push({ at: this.time + milliseconds, callback });
  }

  async during<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = end;
  }
}

function setUp(switches: Switches = {}, options: FsxOptions = {}, bucketDirectory?: string) {
  const clock = new HandClock();
  let serial = 0;
  const world: World = {
    clock,
    partition: 'aws',
    region: 'us-east-2',
    account: '111122223333',
    switches,
    random: () => (++serial * 7919 % 1000) / 1000,
    id: (digits) => (++serial).toString(16).padStart(digits, '0'),
  };
  const buckets = new Buckets();
  const bucket = buckets.add(new Bucket('results', () => clock.now(), bucketDirectory));
  const roles = new Map<string, unknown>();
  const iam = { serviceLinkedRoles: roles, createServiceLinkedRole: (role: { roleName: string }) => roles.set(role.roleName, role) };
  const fsx = new FsxModel(world, buckets, iam, options);
  const cloudWatch = new CloudWatchModel(world, fsx);
  const call = (action: string, input: Record<string, any>): any => fsx.call(action, input);
  const metric = (input: Record<string, any> = {}): any[] => (cloudWatch.call('GetMetricStatistics', {
    Namespace: 'AWS/FSx',
    MetricName: 'AgeOfOldestQueuedMessage',
    Dimensions: [{ Name: 'FileSystemId', Value: fsx.fileSystem().id }, { Name: 'Publisher', Value: 'AutoExport' }],
    StartTime: new Date(clock.now() - 60 * MINUTE),
    EndTime: new Date(clock.now()),
    Period: 60,
    Statistics: ['Maximum'],
    ...input,
  }) as any).Datapoints;
  return { clock, world, bucket, roles, fsx, cloudWatch, call, metric };
}

const FILE_SYSTEM = {
  ClientRequestToken: 'file-system-1',
  FileSystemType: 'LUSTRE',
  FileSystemTypeVersion: '2.15',
  StorageCapacity: 1200,
  StorageType: 'SSD',
  SubnetIds: ['subnet-1'],
  Tags: [{ Key: 'cdk-lustre-auto-export:execution-arn', Value: 'arn:run' }],
  LustreConfiguration: { DeploymentType: 'PERSISTENT_2', PerUnitStorageThroughput: 125 },
};

const LINK = {
  FileSystemPath: '/export',
  DataRepositoryPath: 's3://results/run/',
  S3: { AutoExportPolicy: { Events: ['NEW', 'CHANGED', 'DELETED'] } },
};

/** A world in which a linked file system is AVAILABLE, and a host has it mounted. */
function ready(switches: Switches = {}) {
  const all = setUp(switches);
  const id: string = all.call('CreateFileSystem', FILE_SYSTEM).FileSystem.FileSystemId;
  const dra: string = all.call('CreateDataRepositoryAssociation', { ...LINK, FileSystemId: id }).Association.AssociationId;
  all.clock.pass(10 * MINUTE);
  const mounted = all.fsx.mount(id, 'i-1');
  return { ...all, id, dra, mounted, files: mounted.within('/export') };
}

function errorOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).name;
  }
  return 'none';
}

describe('life cycle of a file system and its link', () => {
  test('the link is queued while the file system is created, then both become AVAILABLE, and deletion ends in FileSystemNotFound', () => {
    const { call, clock, roles } = setUp();
    const created = call('CreateFileSystem', FILE_SYSTEM).FileSystem;
    expect(created).toMatchObject({ Lifecycle: 'CREATING', LustreConfiguration: { MountName: expect.stringMatching(/^[A-Za-z0-9_-]{1,8}$/) } });
    const FileSystemId = created.FileSystemId;
    const filter = { Filters: [{ Name: 'file-system-id', Values: [FileSystemId] }] };
    call('CreateDataRepositoryAssociation', { ...LINK, FileSystemId });
    expect([...roles.keys()]).toEqual([`AWSServiceRoleForFSxS3Access_${FileSystemId}`]);
    clock.pass(5 * MINUTE);
    expect(call('DescribeFileSystems', { FileSystemIds: [FileSystemId] }).FileSystems[0].Lifecycle).toBe('AVAILABLE');
    expect(call('DescribeDataRepositoryAssociations', filter).Associations[0].Lifecycle).toBe('CREATING');
    clock.pass(2 * MINUTE);
    expect(call('DescribeDataRepositoryAssociations', filter).Associations[0].Lifecycle).toBe('AVAILABLE');
    expect(call('DeleteFileSystem', { FileSystemId })).toMatchObject({ Lifecycle: 'DELETING' });
    expect(call('DescribeFileSystems', { FileSystemIds: [FileSystemId] }).FileSystems[0].Lifecycle).toBe('DELETING');
    clock.pass(6 * MINUTE);
    expect(errorOf(() => call('DescribeFileSystems', { FileSystemIds: [FileSystemId] }))).toBe('FileSystemNotFound');
    expect(call('DescribeFileSystems', {}).FileSystems).toEqual([]);
  });

  test('a token gives the same file system again, with other parameters an error', () => {
    const { call } = setUp();
    const first = call('CreateFileSystem', FILE_SYSTEM).FileSystem.FileSystemId;
    expect(call('CreateFileSystem', { ...FILE_SYSTEM }).FileSystem.FileSystemId).toBe(first);
    expect(errorOf(() => call('CreateFileSystem', { ...FILE_SYSTEM, StorageCapacity: 2400 }))).toBe('IncompatibleParameterError');
    expect(call('CreateFileSystem', { ...FILE_SYSTEM, ClientRequestToken: 'other' }).FileSystem.FileSystemId).not.toBe(first);
  });

  test.each([
    ['BadRequest', { StorageCapacity: 3600 }, {}],
    ['BadRequest', { FileSystemTypeVersion: '2.10' }, {}],
    ['BadRequest', { SubnetIds: ['a', 'b'] }, {}],
    ['InvalidPerUnitStorageThroughput', {}, { PerUnitStorageThroughput: 200 }],
    ['InvalidPerUnitStorageThroughput', {}, { DeploymentType: 'SCRATCH_2' }],
    ['BadRequest', { KmsKeyId: 'key' }, { DeploymentType: 'SCRATCH_2', PerUnitStorageThroughput: undefined }],
    ['BadRequest', { ClientRequestToken: 'x'.repeat(64) }, {}],
    ['BadRequest', {}, { LogConfiguration: { Level: 'DISABLED', Destination: 'arn:aws:logs:us-east-2:111122223333:log-group:/aws/fsx/a' } }],
    ['BadRequest', {}, { LogConfiguration: { Level: 'WARN_ERROR', Destination: 'arn:aws:logs:us-east-2:111122223333:log-group:/other' } }],
    ['NotModelled', {}, { ThroughputCapacity: 4000 }],
  ])('%s for %j %j', (error, more, lustre) => {
    const { call } = setUp();
    expect(errorOf(() => call('CreateFileSystem', { ...FILE_SYSTEM, ...more, LustreConfiguration: { ...FILE_SYSTEM.LustreConfiguration, ...lustre } }))).toBe(error);
  });

  test('links that FSx refuses', () => {
    const { call } = setUp();
    const link = (more: object, fileSystem: object = {}, lustre: object = {}) => errorOf(() => {
      const created = call('CreateFileSystem', {
        ...FILE_SYSTEM, ClientRequestToken: undefined, ...fileSystem, LustreConfiguration: { ...FILE_SYSTEM.LustreConfiguration, ...lustre },
      });
      return call('CreateDataRepositoryAssociation', { ...LINK, FileSystemId: created.FileSystem.FileSystemId, ...more });
    });
    expect(link({})).toBe('none');
    expect(link({ FileSystemPath: '/' })).toBe('BadRequest');
    expect(link({ FileSystemPath: 'export' })).toBe('BadRequest');
    expect(link({ ImportedFileChunkSize: 0 })).toBe('BadRequest');
    expect(link({ FileSystemId: 'fs-0' })).toBe('FileSystemNotFound');
    expect(link({}, {}, { ExportPath: 's3://results/old' })).toBe('BadRequest');
    const scratch = { DeploymentType: 'SCRATCH_2', PerUnitStorageThroughput: undefined };
    expect(link({}, { FileSystemTypeVersion: undefined }, scratch)).toBe('UnsupportedOperation');
    expect(link({}, {}, scratch)).toBe('none');
    const { FileSystemId } = call('DescribeFileSystems', {}).FileSystems[0];
    const again = (more: object) => errorOf(() => call('CreateDataRepositoryAssociation', { ...LINK, FileSystemId, ...more }));
    expect(again({ FileSystemPath: '/export/inner', DataRepositoryPath: 's3://results/other' })).toBe('BadRequest');
    expect(again({ FileSystemPath: '/other', DataRepositoryPath: 's3://results' })).toBe('BadRequest');
    for (let n = 1; n < 8; n++) expect(again({ FileSystemPath: `/in${n}`, DataRepositoryPath: `s3://results/in${n}`, S3: undefined })).toBe('none');
    expect(again({ FileSystemPath: '/in8', DataRepositoryPath: 's3://results/in8' })).toBe('ServiceLimitExceeded');
  });

  test('quota, capacity, pages and tags', () => {
    const { call, fsx, clock } = setUp();
    const create = (token: string) => call('CreateFileSystem', { ...FILE_SYSTEM, ClientRequestToken: token }).FileSystem;
    ['a', 'b', 'c'].forEach(create);
    fsx.quota.fileSystems = 3;
    expect(errorOf(() => create('d'))).toBe('ServiceLimitExceeded');
    fsx.pageSize = 2;
    const first = call('DescribeFileSystems', {});
    expect(first.FileSystems).toHaveLength(2);
    expect(call('DescribeFileSystems', { NextToken: first.NextToken })).toMatchObject({ FileSystems: [{}], NextToken: undefined });
    fsx.quota.fileSystems = 4;
    fsx.failNextCreation('no capacity');
    const { FileSystemId, ResourceARN } = create('e');
    clock.pass(5 * MINUTE);
    expect(call('DescribeFileSystems', { FileSystemIds: [FileSystemId] }).FileSystems[0])
      .toMatchObject({ Lifecycle: 'FAILED', FailureDetails: { Message: 'no capacity' } });
    call('TagResource', { ResourceARN, Tags: [{ Key: 'kept', Value: 'yes' }] });
    call('UntagResource', { ResourceARN, TagKeys: ['cdk-lustre-auto-export:execution-arn'] });
    expect(call('ListTagsForResource', { ResourceARN }).Tags).toEqual([{ Key: 'kept', Value: 'yes' }]);
    expect(errorOf(() => call('ListTagsForResource', { ResourceARN: 'arn:nothing' }))).toBe('ResourceNotFound');
    expect(errorOf(() => call('CreateBackup', {}))).toBe('NotModelled');
  });
});

describe('automatic export', () => {
  test('a file is exported once it is closed, with its metadata; directories become objects with a slash', () => {
    const { files, clock, bucket } = ready();
    files.write('a/b.txt', 0, 'hello');
    clock.pass(MINUTE);
    expect(bucket.get('run/a/b.txt')).toBeUndefined();
    expect(bucket.get('run/a/')).toBeDefined();
    files.close('a/b.txt');
    clock.pass(7_000);
    expect(bucket.get('run/a/b.txt')).toBeUndefined();
    clock.pass(3_000);
    expect(bucket.get('run/a/b.txt')).toMatchObject({ size: 5, content: sha256('hello'), metadata: { 'user-agent': 'aws-fsx-lustre', 'file-permissions': '0100644' } });
  });

  test('change, rename and removal follow; special files and outsiders never arrive', () => {
    const { files, mounted, clock, bucket } = ready();
    files.save('one', 10);
    files.save('tree/leaf', 10);
    files.save('gone', 10);
    files.makeSpecial('pipe');
    files.makeSymlink('link', 'one');
    mounted.save('/elsewhere', 10);
    clock.pass(MINUTE);
    const first = bucket.get('run/one')!.content;
    files.save('one', 20);
    files.rename('tree', 'wood');
    files.remove('gone');
    clock.pass(MINUTE);
    expect(bucket.get('run/one')).toMatchObject({ size: 20 });
    expect(bucket.get('run/one')!.content).not.toBe(first);
    expect(bucket.list().map(({ key }) => key).sort()).toEqual(['run/link', 'run/one', 'run/wood/', 'run/wood/leaf']);
    expect(bucket.versions.filter(({ key, object }) => key === 'run/gone' && !object)).toHaveLength(1);
  });

  test('the policy chooses the events', () => {
    const { call, dra, files, clock, bucket } = ready();
    call('UpdateDataRepositoryAssociation', { AssociationId: dra, S3: { AutoExportPolicy: { Events: ['NEW'] } } });
    clock.pass(MINUTE);
    files.save('a', 10);
    clock.pass(MINUTE);
    files.save('a', 99);
    files.save('b', 10);
    files.remove('b');
    clock.pass(MINUTE);
    expect(bucket.get('run/a')!.size).toBe(10);
  });

  test('it exports at the measured rate, and a million files are one entry', () => {
    const { files, fsx, clock, bucket } = ready();
    files.saveMany('many', 1_000_000, 10_240);
    clock.pass(10 * MINUTE);
    expect(bucket.get('run/many')!.count).toBeCloseTo(213 * (600 - 8), -1);
    expect(fsx.progress()).toMatchObject({ files: 1_000_000, exported: 0 });
    clock.pass(70 * MINUTE);
    expect(bucket.get('run/many')!.count).toBe(1_000_000);
    expect(fsx.progress()).toEqual({ files: 1_000_000, exported: 1_000_000, waiting: 0 });
  });

  test('names that cannot be exported leave the queue and only an event tells', () => {
    const { files, fsx, clock, bucket, metric } = ready();
    const long = Array(5).fill('x'.repeat(250)).join('/');
    files.save(long, 1);
    files.save('bad\uFFFDname', 1);
    files.save('refused.tmp', 1);
    fsx.failExports(/tmp$/, 'AccessDenied');
    clock.pass(3 * MINUTE);
    expect(fsx.fileSystem().events.map(({ code }) => code)).toEqual(expect.arrayContaining(['PathSizeTooLong', 'InternalError', 'AccessDenied']));
    expect(bucket.list().filter(({ key }) => !key.endsWith('/'))).toEqual([]);
    expect(metric().slice(-1)[0].Maximum).toBe(0);
    expect(fsx.fileSystem().inventory().filter(({ missing }) => missing > 0)).toHaveLength(3);
  });

  test('what a killed host held open is exported only after its eviction', () => {
    const { files, fsx, clock, bucket, cloudWatch, id } = ready();
    files.write('half', 10);
    fsx.killClient('i-1');
    expect(() => files.save('more', 1)).toThrow('EIO');
    clock.pass(4 * MINUTE);
    expect(bucket.get('run/half')).toBeUndefined();
    expect(fsx.fileSystem().clients).toEqual(['i-1']);
    clock.pass(2 * MINUTE);
    expect(bucket.get('run/half')).toBeDefined();
    clock.pass(3 * MINUTE);
    const connections = (cloudWatch.readable('ClientConnections', id, clock.now() - 9 * MINUTE, clock.now())).map(({ value }) => value);
    expect(connections[0]).toBe(1);
    expect(connections.slice(-1)).toEqual([0]);
  });

  test('another host can take over a file of a killed one', () => {
    const { files, fsx, clock, bucket, id } = ready({ openFileOfDeadClient: 'neverExported' });
    files.write('state', 10);
    fsx.killClient('i-1');
    fsx.mount(id, 'i-2').save('/export/state', 20);
    clock.pass(MINUTE);
    expect(bucket.get('run/state')!.size).toBe(20);
  });

  test('nothing is exported while the link is misconfigured; mended, it comes back by itself or by an update', () => {
    const { files, fsx, clock, bucket, call, dra } = ready({ missedWhileMisconfigured: 'caughtUp' });
    const lifecycle = () => call('DescribeDataRepositoryAssociations', { AssociationIds: [dra] }).Associations[0];
    fsx.misconfigureAssociation('denied');
    expect(lifecycle()).toMatchObject({ Lifecycle: 'MISCONFIGURED', FailureDetails: { Message: 'denied' } });
    files.save('a', 1);
    call('UpdateDataRepositoryAssociation', { AssociationId: dra });
    clock.pass(5 * MINUTE);
    expect(lifecycle().Lifecycle).toBe('MISCONFIGURED');
    expect(bucket.list()).toEqual([]);
    fsx.mendAssociation();
    clock.pass(15 * MINUTE);
    expect(lifecycle()).toMatchObject({ Lifecycle: 'AVAILABLE', FailureDetails: undefined });
    fsx.misconfigureAssociation();
    fsx.mendAssociation();
    call('UpdateDataRepositoryAssociation', { AssociationId: dra });
    clock.pass(2 * MINUTE);
    expect(lifecycle().Lifecycle).toBe('AVAILABLE');
    expect(bucket.get('run/a')).toBeDefined();
    fsx.failAssociation();
    expect(lifecycle().Lifecycle).toBe('FAILED');
    expect(errorOf(() => call('UpdateDataRepositoryAssociation', { AssociationId: dra }))).toBe('BadRequest');
  });

  test.each([
    ['kept', 1], ['dropped', 0],
  ])('messages queued when export is switched off are %s', (queueWhenDisabled, exported) => {
    const { files, clock, bucket, call, dra } = ready({ queueWhenDisabled });
    files.save('a', 1);
    call('UpdateDataRepositoryAssociation', { AssociationId: dra, S3: { AutoExportPolicy: { Events: [] } } });
    files.save('b', 1);
    clock.pass(5 * MINUTE);
    expect(bucket.list()).toHaveLength(exported);
  });

  test.each([
    [{ omittedExportPolicy: 'unchanged' }, {}, ['NEW', 'CHANGED', 'DELETED']],
    [{ omittedExportPolicy: 'cleared' }, {}, undefined],
    [{}, { AutoExportPolicy: { Events: [] } }, []],
  ])('an update under %j with %j', (switches, S3, events) => {
    const { call, dra } = ready(switches);
    call('UpdateDataRepositoryAssociation', { AssociationId: dra, S3 });
    const [{ Lifecycle, S3: shown }] = call('DescribeDataRepositoryAssociations', { AssociationIds: [dra] }).Associations;
    expect([Lifecycle, shown.AutoExportPolicy?.Events]).toEqual(['UPDATING', events]);
  });

  test('objects that were there are imported by a task that blocks the deletion', () => {
    const { call, clock, bucket, fsx } = setUp();
    bucket.put('run/in/data', { size: 7, content: 'seven' });
    const FileSystemId = call('CreateFileSystem', FILE_SYSTEM).FileSystem.FileSystemId;
    call('CreateDataRepositoryAssociation', { ...LINK, FileSystemId, BatchImportMetaDataOnCreate: true });
    clock.pass(7 * MINUTE + 1000);
    expect(errorOf(() => call('DeleteFileSystem', { FileSystemId }))).toBe('BadRequest');
    clock.pass(MINUTE);
    expect(fsx.mount(FileSystemId, 'i-1').stat('/export/in/data')).toMatchObject({ size: 7 });
    expect(bucket.versions.filter(({ key }) => key === 'run/in/data')).toHaveLength(1);
    call('DeleteFileSystem', { FileSystemId });
    expect(fsx.deletions()[0].lost).toEqual([]);
  });
});

describe('export tasks', () => {
  const report = { Enabled: true, Path: 's3://results/run/reports', Format: 'REPORT_CSV_20191124', Scope: 'FAILED_FILES_ONLY' };

  /** A world in which automatic export is switched off, so that only tasks export. */
  function tasks(switches: Switches = {}) {
    const all = ready({ queueWhenDisabled: 'dropped', ...switches });
    const { call, clock, dra, id, bucket } = all;
    call('UpdateDataRepositoryAssociation', { AssociationId: dra, S3: { AutoExportPolicy: { Events: [] } } });
    clock.pass(2 * MINUTE);
    const task = (more: object = {}): string => call('CreateDataRepositoryTask', {
      Type: 'EXPORT_TO_REPOSITORY', FileSystemId: id, Paths: ['export'], Report: report, ...more,
    }).DataRepositoryTask.TaskId;
    const described = (TaskId: string) => call('DescribeDataRepositoryTasks', { TaskIds: [TaskId] }).DataRepositoryTasks[0];
    /** One task until its end, and the report that there is then. */
    const done = (more: object = {}) => {
      const taskId = task(more);
      clock.pass(2 * MINUTE);
      return { ...described(taskId), report: bucket.list('run/reports/').map(({ key }) => [key, bucket.body(key).bytes!.toString()]).pop() };
    };
    return { ...all, task, described, done };
  }

  test('a task exports what automatic export did not, reports what it could not, and blocks the deletion', () => {
    const { call, clock, bucket, files, id, task, described } = tasks();
    files.save('a', 1);
    files.write('open', 1);
    const first = task();
    expect(described(first)).toMatchObject({ Lifecycle: 'PENDING', StartTime: undefined });
    expect(errorOf(() => task())).toBe('DataRepositoryTaskExecuting');
    expect(errorOf(() => call('DeleteFileSystem', { FileSystemId: id }))).toBe('BadRequest');
    clock.pass(MINUTE);
    expect(described(first)).toMatchObject({ Lifecycle: 'FAILED', Status: { TotalCount: 3, FailedCount: 1, SucceededCount: 2 }, FailureDetails: {} });
    expect(bucket.get('run/a')).toBeDefined();
    expect(bucket.body(`run/reports/${first}/failures.csv`).bytes!.toString()).toBe('export/open,failed,ResourceBusy\n');
    files.close('open');
    const second = task({ ClientRequestToken: 'again' });
    expect(task({ ClientRequestToken: 'again' })).toBe(second);
    clock.pass(MINUTE);
    expect(described(second)).toMatchObject({ Lifecycle: 'SUCCEEDED', Status: { FailedCount: 0, SucceededCount: 1 }, FailureDetails: undefined });
    expect(bucket.list('run/reports')).toHaveLength(1);
    const known = (...filters: [string, string][]) => call('DescribeDataRepositoryTasks', { Filters: filters.map(([Name, value]) => ({ Name, Values: [value] })) })
      .DataRepositoryTasks.map(({ TaskId }: any) => TaskId);
    expect(known(['file-system-id', id])).toEqual([first, second]);
    expect(known(['file-system-id', id], ['task-lifecycle', 'FAILED'])).toEqual([first]);
    expect(known(['data-repository-association-id', 'dra-0'])).toEqual([]);
    expect(errorOf(() => known(['task-type', 'x']))).toBe('NotModelled');
    clock.pass(15 * 24 * 60 * MINUTE);
    expect(known(['file-system-id', id])).toEqual([]);
    expect(errorOf(() => described(first))).toBe('DataRepositoryTaskNotFound');
  });

  test('tasks and automatic export exclude each other, in one direction or in both', () => {
    const refused = ready();
    const start = ({ call, id }: typeof refused) => errorOf(() => call('CreateDataRepositoryTask', { Type: 'EXPORT_TO_REPOSITORY', FileSystemId: id, Report: report }));
    expect(start(refused)).toBe('BadRequest');
    expect(start(ready({ taskWhileAutoExport: 'accepted' }))).toBe('none');
    const on = (all: ReturnType<typeof tasks>) => {
      all.task();
      return errorOf(() => all.call('UpdateDataRepositoryAssociation', { AssociationId: all.dra, S3: LINK.S3 }));
    };
    expect(on(tasks())).toBe('none');
    expect(on(tasks({ autoExportDuringTask: 'refused' }))).toBe('BadRequest');
  });

  test('it works at its pace and tells how far it is every 30 seconds; a stalled one never ends', () => {
    const { files, clock, fsx, bucket, task, described } = tasks();
    fsx.taskPace.filesPerSecond = 100;
    files.saveMany('many', 12_000, 10);
    const slow = task();
    clock.pass(10_000 + 59_000);
    expect(described(slow)).toMatchObject({ Lifecycle: 'EXECUTING', Status: { TotalCount: 12_001, SucceededCount: 3000, FailedCount: 0 } });
    expect(bucket.get('run/many')!.count).toBeCloseTo(3000, -1);
    clock.pass(62_000);
    expect(described(slow)).toMatchObject({ Lifecycle: 'SUCCEEDED', Status: { TotalCount: 12_001, SucceededCount: 12_001 } });
    expect(fsx.missing()).toEqual([]);
    files.save('huge', 50 * 1024 ** 3);
    const large = task();
    clock.pass(2 * MINUTE);
    expect([described(large).Lifecycle, bucket.get('run/huge')]).toEqual(['EXECUTING', undefined]);
    clock.pass(2 * MINUTE);
    expect([described(large).Lifecycle, bucket.get('run/huge')?.size]).toEqual(['SUCCEEDED', 50 * 1024 ** 3]);
    fsx.taskPace.filesPerSecond = 0;
    files.save('more', 1);
    const stalled = task();
    clock.pass(24 * 60 * MINUTE);
    expect(described(stalled)).toMatchObject({ Lifecycle: 'EXECUTING', Status: { TotalCount: 1, SucceededCount: 0 } });
    fsx.taskPace.filesPerSecond = 100;
    clock.pass(MINUTE);
    expect(described(stalled).Lifecycle).toBe('SUCCEEDED');
  });

  test('a task goes on where the queue was, and neither undoes the other', () => {
    const { files, clock, bucket, call, dra, id, fsx } = ready({ queueWhenDisabled: 'dropped' });
    files.saveMany('many', 100_000, 10);
    clock.pass(5 * MINUTE);
    const half = bucket.get('run/many')!.count;
    call('UpdateDataRepositoryAssociation', { AssociationId: dra, S3: { AutoExportPolicy: { Events: [] } } });
    clock.pass(5 * MINUTE);
    expect(bucket.get('run/many')!.count).toBe(half);
    call('CreateDataRepositoryTask', { Type: 'EXPORT_TO_REPOSITORY', FileSystemId: id, Report: { Enabled: false } });
    clock.pass(10_001);
    expect(bucket.get('run/many')!.count).toBeGreaterThanOrEqual(half);
    clock.pass(MINUTE);
    expect(fsx.task().describe()).toMatchObject({ Lifecycle: 'SUCCEEDED', Status: { TotalCount: 100_000 - half + 1 } });
    expect(bucket.get('run/many')!.count).toBe(100_000);
  });

  test('what changes while the task runs is not marked as exported; what is removed or renamed is nobody\'s failure', () => {
    const { files, clock, fsx, bucket, task, described } = tasks();
    fsx.taskPace.filesPerSecond = 1;
    for (const name of ['a', 'b', 'c', 'd', 'e']) files.save(name, 1, name);
    files.save('large', 30 * 1024 ** 3);
    const id = task();
    clock.pass(10_000 + 2_000);
    files.save('a', 1, 'A'); // before its turn, or after it: by then it is exported, or dirty
    files.remove('c');
    files.rename('d', 'moved');
    clock.pass(40_000);
    files.save('large', 7);
    clock.pass(5 * MINUTE);
    expect(described(id)).toMatchObject({ Lifecycle: 'SUCCEEDED', Status: { FailedCount: 0 } });
    expect(bucket.get('run/a')!.content).toBe(sha256('A'));
    expect([bucket.get('run/c'), bucket.get('run/d'), bucket.get('run/moved')]).toEqual([undefined, undefined, undefined]);
    expect(fsx.missing().map(({ path }) => path)).toEqual(['/export/large', '/export/moved']);
    const again = task();
    clock.pass(MINUTE);
    expect(described(again)).toMatchObject({ Lifecycle: 'SUCCEEDED', Status: { TotalCount: 2 } });
    expect(fsx.missing()).toEqual([]);
  });

  test('every failure has its code, and a name is written as the guide has it', () => {
    const { files, fsx, done } = tasks({ utf8Failure: 'S3Error', kmsFailureCode: 'N/A' });
    const long = Array(5).fill('x'.repeat(250)).join('/');
    for (const name of ['denied', 'kms', 'broken', 'fine', 'bad\uFFFDname', '@at', 'with,comma', 'with"quote', long]) files.save(name, 1);
    files.save('giant', 5 * 1024 ** 4 + 1);
    files.makeSpecial('pipe');
    fsx.failExports(/denied|at$|comma|quote/, 'AccessDenied');
    fsx.failExports(/kms/, 'KmsKeyNotFound');
    fsx.failExports(/broken/, 'S3Error');
    const { Lifecycle, Status, report: [, text] } = done();
    expect([Lifecycle, Status.FailedCount]).toEqual(['FAILED', 9]);
    expect(text.split('\n')).toEqual(expect.arrayContaining([
      'export/denied,failed,S3AccessDenied', 'export/kms,failed,N/A', 'export/broken,failed,S3Error', 'export/bad\uFFFDname,failed,S3Error',
      'export/@at,failed,S3AccessDenied', '"export/with,comma",failed,S3AccessDenied', '"export/with""quote",failed,S3AccessDenied',
      `export/${long},failed,PathSizeTooLong`, 'export/giant,failed,FileSizeTooLarge',
    ]));
    expect(fsx.missing().map(({ path }) => path.slice(0, 12)).sort()).toEqual(
      ['/export/@at', '/export/bad\uFFFD', '/export/brok', '/export/deni', '/export/gian', '/export/kms', '/export/with', '/export/with', '/export/xxxx'],
    );
    fsx.mendExports();
  });

  test('a path that begins with a character of formulas is wrapped once more', () => {
    const world = setUp().world;
    const text = (path: string) => reportText(world, [{ path, code: 'S3Error' }]).toString();
    expect(text('/@filename.txt')).toBe('"""@filename.txt""",failed,S3Error\n');
    expect(text('/+filename.txt')).toBe('"""+filename.txt""",failed,S3Error\n');
    expect(text('/file,name.txt')).toBe('"file,name.txt",failed,S3Error\n');
    expect([...reportText(world, [{ path: '/\uFFFD', code: 'X' }])][0]).toBe(0xff);
  });

  test.each([
    [{}, false, '', undefined],
    [{ exportReport: 'always' }, false, '', ''],
    [{ exportReport: 'always', reportHeader: 'yes' }, false, '', 'FilePath,FileStatus,ErrorCode\n'],
    [{}, true, '', 'export/b,failed,InternalError\n'],
    [{ reportPath: 'twice' }, true, 'task-', 'export/b,failed,InternalError\n'],
    [{ reportFilePath: 'absolute', reportStatus: 'FAILED', reportHeader: 'yes' }, true, '', 'FilePath,FileStatus,ErrorCode\n/export/b,FAILED,InternalError\n'],
  ])('the report under %j where a file fails: %p', (switches, fails, prefix, text) => {
    const { files, fsx, done } = tasks(switches);
    files.save('b', 1);
    if (fails) fsx.failExports(/b$/);
    const { TaskId, report: written } = done();
    expect(written).toEqual(text === undefined ? undefined : [`run/reports/${prefix}${TaskId}/failures.csv`, text]);
  });

  test('a report can be late or refused, and counts can be missing', () => {
    const { files, clock, fsx, bucket, task, described } = tasks({ reportDelivery: 'aMinuteLater', statusCounts: 'absent' });
    files.save('b', 1);
    const fine = task();
    expect(described(fine).Status).toBeUndefined();
    clock.pass(MINUTE);
    expect(described(fine)).toMatchObject({ Lifecycle: 'SUCCEEDED', Status: { SucceededCount: 2, FailedCount: undefined } });
    fsx.failExports(/c$/);
    files.save('c', 1);
    task();
    clock.pass(20_000);
    expect([fsx.task().lifecycle, bucket.list('run/reports')]).toEqual(['FAILED', []]);
    clock.pass(MINUTE);
    expect(bucket.list('run/reports')).toHaveLength(1);
    fsx.failReports();
    task();
    clock.pass(3 * MINUTE);
    fsx.failReports(false);
    fsx.failExports(/./, 'AccessDenied'); // S3 refuses everything, reports as well
    task();
    clock.pass(3 * MINUTE);
    expect(fsx.task().lifecycle).toBe('FAILED');
    expect(bucket.list('run/reports')).toHaveLength(1);
  });

  test('what IAM has to allow for a task', () => {
    const { world, id } = tasks();
    const file = `arn:aws:fsx:us-east-2:111122223333:file-system/${id}`;
    const look = { tags: (arn: string) => arn === file ? { run: 'r1' } : {} } as unknown as Lookup;
    const needed = (Tags?: object[]) => requiredActions({ service: 'fsx', action: 'CreateDataRepositoryTask', input: { FileSystemId: id, Tags } }, world, look);
    const task = 'arn:aws:fsx:us-east-2:111122223333:task/*';
    const tags = { 'aws:TagKeys': ['run'], 'aws:RequestTag/run': 'r1' };
    expect(needed([{ Key: 'run', Value: 'r1' }])).toEqual([
      { action: 'fsx:CreateDataRepositoryTask', resource: task, context: tags },
      { action: 'fsx:CreateDataRepositoryTask', resource: file, context: { 'aws:ResourceTag/run': 'r1', ...tags } },
      { action: 'fsx:TagResource', resource: task, context: tags },
    ]);
    expect(needed().map(({ action }) => action)).toEqual(['fsx:CreateDataRepositoryTask', 'fsx:CreateDataRepositoryTask']);
  });

  test('a task can be cancelled, fail as a whole, and fail for a path that does not exist', () => {
    const { files, clock, fsx, call, id, bucket, task, described } = tasks();
    fsx.taskPace.filesPerSecond = 100;
    files.saveMany('many', 60_000, 1);
    const cancelled = task();
    clock.pass(MINUTE);
    expect(call('CancelDataRepositoryTask', { TaskId: cancelled })).toEqual({ TaskId: cancelled, Lifecycle: 'CANCELING' });
    expect(described(cancelled).Lifecycle).toBe('CANCELING');
    expect(errorOf(() => task())).toBe('DataRepositoryTaskExecuting');
    expect(errorOf(() => call('DeleteFileSystem', { FileSystemId: id }))).toBe('BadRequest');
    const there = bucket.get('run/many')!.count;
    clock.pass(MINUTE);
    expect(described(cancelled)).toMatchObject({ Lifecycle: 'CANCELED', FailureDetails: undefined });
    expect(bucket.get('run/many')!.count).toBe(there);
    expect(errorOf(() => call('CancelDataRepositoryTask', { TaskId: cancelled }))).toBe('DataRepositoryTaskEnded');
    expect(errorOf(() => call('CancelDataRepositoryTask', { TaskId: 'task-0' }))).toBe('DataRepositoryTaskNotFound');
    task();
    fsx.cancelTask();
    clock.pass(MINUTE);
    expect(fsx.task().lifecycle).toBe('CANCELED');
    const failed = task();
    fsx.failTask('broken');
    expect(described(failed)).toMatchObject({ Lifecycle: 'FAILED', FailureDetails: { Message: 'broken' }, Status: { FailedCount: 0 } });
    fsx.failNextTasks(1, 'no worker '.repeat(50));
    const next = task();
    clock.pass(MINUTE);
    expect(described(next).FailureDetails.Message).toHaveLength(256);
    const nowhere = task({ Paths: ['nowhere'] });
    clock.pass(MINUTE);
    expect(described(nowhere)).toMatchObject({ Lifecycle: 'FAILED', FailureDetails: { Message: expect.stringContaining('/nowhere') } });
    const good = task();
    clock.pass(15 * MINUTE);
    expect(described(good).Lifecycle).toBe('SUCCEEDED');
    expect(fsx.missing()).toEqual([]);
  });

  test('it exports what automatic export never will: changes missed by a misconfigured link, the open file of a dead client', () => {
    const { files, fsx, clock, bucket, call, id, dra } = ready({ openFileOfDeadClient: 'neverExported', missedWhileMisconfigured: 'lost', taskWhileAutoExport: 'accepted' });
    const run = () => {
      call('CreateDataRepositoryTask', { Type: 'EXPORT_TO_REPOSITORY', FileSystemId: id, Report: report });
      clock.pass(MINUTE);
      return fsx.task().lifecycle;
    };
    fsx.misconfigureAssociation();
    files.save('missed', 1);
    expect(run()).toBe('FAILED');
    fsx.mendAssociation();
    call('UpdateDataRepositoryAssociation', { AssociationId: dra });
    clock.pass(20 * MINUTE);
    files.write('half', 10);
    fsx.killClient('i-1');
    expect(fsx.missing().map(({ path }) => path)).toEqual(['/export/missed', '/export/half']);
    expect(run()).toBe('FAILED');
    expect(bucket.list('run/reports').map(({ key }) => bucket.body(key).bytes!.toString()).pop()).toBe('export/half,failed,ResourceBusy\n');
    clock.pass(10 * MINUTE);
    expect(fsx.missing().map(({ path }) => path)).toEqual(['/export/half']);
    expect(run()).toBe('SUCCEEDED');
    expect(fsx.missing()).toEqual([]);
  });

  test('renames, removals, empty files, deep directories and special files: nothing is lost that a task proved, and the deletion says so', () => {
    const { files, mounted, clock, fsx, call, id, bucket, done } = tasks();
    const deep = Array.from({ length: 60 }, (_, depth) => `d${depth}`).join('/');
    files.save(`${deep}/leaf`, 1);
    files.save('empty', 0);
    files.save('gone', 1);
    files.save('old/name', 5);
    files.makeSymlink('link', 'nowhere');
    files.makeSpecial('pipe');
    files.makeDirectory('hollow');
    files.remove('gone');
    files.rename('old', 'new');
    expect(() => files.rename('new', 'new/inner')).toThrow('EINVAL');
    expect(() => files.rename('empty', 'new')).toThrow('EISDIR');
    expect(() => files.rename('hollow', 'new')).toThrow('ENOTEMPTY');
    files.rename('empty', 'empty');
    expect(fsx.missing()).toHaveLength(4);
    expect(done().Lifecycle).toBe('SUCCEEDED');
    expect(bucket.list('run/').map(({ key }) => key)).toEqual(expect.arrayContaining([`run/${deep}/leaf`, 'run/empty', 'run/new/name', 'run/link', 'run/hollow/']));
    expect([bucket.get('run/empty')!.size, bucket.get('run/old/name'), bucket.get('run/pipe')]).toEqual([0, undefined, undefined]);
    mounted.save('/beside', 1);
    call('DeleteFileSystem', { FileSystemId: id });
    expect(fsx.deletions()[0].lost.map(({ path, key }) => [path, key])).toEqual([['/beside', undefined]]);
    mounted.unmount(); // a host that goes down after its file system
    clock.pass(10 * MINUTE);
  });
});

describe('S3 as the functions see it', () => {
  /** A function that reads S3, with these statements and this bucket. */
  function reader(statements: object[], encryption?: object): LocalEngine {
    return new LocalEngine({
      assets: '',
      job: () => undefined,
      template: {
        Resources: {
          Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'results', BucketEncryption: encryption } },
          Role: {
            Type: 'AWS::IAM::Role',
            Properties: {
              AssumeRolePolicyDocument: {},
              Policies: [{ PolicyName: 'p', PolicyDocument: { Statement: statements.map((each) => ({ Effect: 'Allow', ...each })) } }],
            },
          },
          Reader: {
            Type: 'AWS::Lambda::Function',
            Properties: {
              Handler: 'index.handler',
              Timeout: 60,
              Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
              Code: {
                ZipFile: `
                  const { S3Client, GetObjectCommand, ListObjectsV2Command, NoSuchKey, paginateListObjectsV2 } = require('@aws-sdk/client-s3');
                  const client = new S3Client({});
                  exports.handler = async ({ list, get }) => {
                    try {
                      if (list) {
                        const pages = [];
                        for await (const page of paginateListObjectsV2({ client }, list)) pages.push(page);
                        return { counts: pages.map((page) => page.KeyCount), first: pages[0].Contents?.[0], isDate: pages[0].Contents?.[0].LastModified instanceof Date };
                      }
                      const { Body, ...rest } = await client.send(new GetObjectCommand(get));
                      const text = await Body.transformToString();
                      const again = await Body.transformToString().catch((error) => error.message);
                      return { text, again, rest };
                    } catch (error) {
                      return { error: error.name, modelled: error instanceof NoSuchKey };
                    }
                  };`,
              },
            },
          },
        },
      },
    });
  }

  const LIST = { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::results', Condition: { StringLike: { 's3:prefix': 'run/*' } } };
  const GET = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::results/run/*' };

  function reading(statements: object[], encryption?: object) {
    const engine = reader(statements, encryption);
    const { buckets, s3 } = engine.models;
    const call = (event: object): any => engine.lambda.invoke(engine.template.ofType('AWS::Lambda::Function')[0].arn!, event);
    return { engine, s3, call, bucket: buckets.get('results')! };
  }

  test('pages in order of the keys, bodies that can be read once, ranges', async () => {
    const { call, bucket } = reading([LIST, GET]);
    for (let n = 0; n < 1100; n++) bucket.put(`run/${n}`, { size: 3, content: 'c', bytes: 'äb' });
    expect(await call({ list: { Bucket: 'results', Prefix: 'run/' } }))
      .toMatchObject({ counts: [1000, 100], first: { Key: 'run/0', Size: 3, LastModified: '2026-11-22T15:00:00.000Z' }, isDate: true });
    expect(await call({ list: { Bucket: 'results', Prefix: 'run/', StartAfter: 'run/997', MaxKeys: 1 } })).toMatchObject({ counts: [1, 1], first: { Key: 'run/998' } });
    expect(await call({ list: { Bucket: 'results', Prefix: 'run/x' } })).toEqual({ counts: [0], isDate: false });
    const get = (more: object = {}) => call({ get: { Bucket: 'results', Key: 'run/7', ...more } });
    expect(await get()).toMatchObject({ text: 'äb', again: 'The stream has already been transformed.', rest: { ContentLength: 3 } });
    expect(await get({ Range: 'bytes=2-9' })).toMatchObject({ text: 'b', rest: { ContentRange: 'bytes 2-2/3', ContentLength: 1 } });
    expect(await get({ Range: 'bytes=-1' })).toMatchObject({ text: 'b' });
    expect(await get({ Range: 'bytes=3-' })).toEqual({ error: 'InvalidRange', modelled: false });
    bucket.put('run/sized', { size: 4, content: '#1' });
    expect(await get({ Key: 'run/sized' })).toMatchObject({ text: '\0\0\0\0' });
  });

  test('what is missing or denied, and what the policies have to allow', async () => {
    const { call, bucket, s3 } = reading([LIST, GET]);
    bucket.put('run/a', { size: 1, content: 'a', bytes: 'a' });
    const get = (Key: string) => call({ get: { Bucket: 'results', Key } });
    expect((await get('run/none')).error).toBe('AccessDenied'); // the condition on s3:prefix does not hold for GetObject
    expect((await get('other')).error).toBe('AccessDenied');
    expect((await call({ list: { Bucket: 'results' } })).error).toBe('AccessDenied');
    const { Condition, ...anyPrefix } = LIST;
    const allowed = reading([anyPrefix, { ...GET, Resource: '*' }, { ...LIST, Resource: '*' }]);
    expect(await allowed.call({ get: { Bucket: 'results', Key: 'run/none' } })).toEqual({ error: 'NoSuchKey', modelled: true });
    expect((await allowed.call({ list: { Bucket: 'gone', Prefix: 'run/' } })).error).toBe('NoSuchBucket');
    s3.deny(/^results\/run\/a$/);
    expect((await get('run/a')).error).toBe('AccessDenied');
    s3.allow();
    expect((await get('run/a')).text).toBe('a');
  });

  test('the key of an encrypted bucket has to be usable, too', async () => {
    const key = 'arn:aws:kms:us-east-1:123456789012:key/k';
    const encryption = { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key } }] };
    const text = async (statements: object[]) => {
      const { call, bucket } = reading(statements, encryption);
      bucket.put('run/a', { size: 1, content: 'a', bytes: 'a' });
      return (await call({ get: { Bucket: 'results', Key: 'run/a' } })).text;
    };
    expect(await text([GET])).toBeUndefined();
    expect(await text([GET, { Action: 'kms:Decrypt', Resource: key }])).toBe('a');
  });
});

describe('the metric', () => {
  const ages = (points: any[]) => points.map(({ Maximum }) => Maximum);

  test('zeros while idle, ages during a backlog, and nothing before its minute is published', () => {
    const { files, clock, metric } = ready();
    files.saveMany('many', 213 * 60 * 5, 10);
    expect(ages(metric())).toEqual(expect.arrayContaining([0]));
    clock.pass(59_000);
    expect(Math.max(...ages(metric()))).toBe(0);
    clock.pass(11_000);
    expect(ages(metric()).slice(-1)).toEqual([60]);
    clock.pass(2 * MINUTE);
    expect(ages(metric()).slice(-3)).toEqual([60, 120, 180]);
    clock.pass(5 * MINUTE);
    expect(ages(metric()).slice(-2)).toEqual([0, 0]);
    expect(metric()[0].Timestamp.getTime() % MINUTE).toBe(0);
  });

  test.each([
    [{ idleMetric: 'missing' }, 0],
    [{ firstPoint: 'withFirstMessage' }, 0],
    [{ firstPoint: 'tenMinutesLate' }, 0],
    [{}, 1],
  ])('points of an idle queue under %j', (switches, least) => {
    const { metric } = ready(switches);
    expect(metric().length > 0).toBe(least > 0);
  });

  test('a reading can be a minute late, published late, and out of order', () => {
    const late = ready({ backlogShows: 'afterOneMinute' });
    late.files.saveMany('many', 1_000_000, 10);
    late.clock.pass(70_000);
    expect(Math.max(...ages(late.metric()))).toBe(0);
    const lag = ready({ publicationLag: 'threeMinutes' });
    lag.files.saveMany('many', 1_000_000, 10);
    lag.clock.pass(2 * MINUTE);
    expect(Math.max(...ages(lag.metric()))).toBe(0);
    const shuffled = ready({ firstPointOfRange: 'shuffled' });
    shuffled.clock.pass(30 * MINUTE);
    const times = shuffled.metric().map(({ Timestamp }) => Timestamp.getTime());
    expect(times).not.toEqual([...times].sort());
    expect(times).toHaveLength(new Set(times).size);
  });

  test('ranges, periods and refusals', () => {
    const { files, clock, metric } = ready();
    files.saveMany('many', 1_000_000, 10);
    clock.pass(20 * MINUTE);
    const at = (minutes: number) => new Date(clock.now() + minutes * MINUTE);
    expect(metric({ StartTime: at(-10), EndTime: at(-5) })).toHaveLength(5);
    const [first, ...rest] = metric({ StartTime: at(-10), EndTime: at(0), Period: 300, Statistics: ['Maximum', 'Average', 'Minimum'] });
    expect(rest).toHaveLength(1);
    expect(first.Minimum).toBeLessThan(first.Average);
    expect(first.Average).toBeLessThan(first.Maximum);
    expect(metric({ Dimensions: [] })).toEqual([]);
    expect(errorOf(() => metric({ StartTime: at(0), EndTime: at(0) }))).toBe('InvalidParameterCombinationException');
    expect(errorOf(() => metric({ StartTime: at(-1441) }))).toBe('InvalidParameterCombinationException');
    expect(errorOf(() => metric({ Period: 30 }))).toBe('InvalidParameterValueException');
    expect(errorOf(() => metric({ Statistics: ['Sum'] }))).toBe('NotModelled');
  });

  test('it can mislead in every way', () => {
    const { files, clock, metric, cloudWatch } = ready();
    files.saveMany('many', 1_000_000, 10);
    clock.pass(20 * MINUTE);
    const now = clock.now();
    const under = (...faults: Parameters<CloudWatchModel['mislead']>) => {
      cloudWatch.mend();
      cloudWatch.mislead(...faults);
      return metric({ StartTime: new Date(now - 10 * MINUTE) });
    };
    const truth = under();
    expect(under(MetricFaults.late(5 * MINUTE)).length).toBe(truth.length - 5);
    expect(under(MetricFaults.missing(now - 5 * MINUTE))).toHaveLength(5);
    expect(ages(under(MetricFaults.zero()))).toEqual(truth.map(() => 0));
    expect(new Set(ages(under(MetricFaults.frozen(7, now - 5 * MINUTE))).slice(5))).toEqual(new Set([7]));
    expect(under(MetricFaults.gaps(3)).length).toBeLessThan(truth.length);
  });

  test('the measured curve can be replayed', () => {
    const curve = measuredCurve(readFileSync(join(__dirname, 'fixtures', 'autoexport-age-1M-10KB.csv'), 'utf8'));
    expect([curve.length, curve[0], Math.max(...curve), curve[108], curve[109]]).toEqual([111, 0, 5087, 1073, 0]);
    const { clock, metric, cloudWatch } = ready();
    cloudWatch.mislead(MetricFaults.curve(curve, clock.now()));
    clock.pass(89 * MINUTE + 10_000);
    expect(ages(metric()).slice(-1)).toEqual([5087]);
    clock.pass(20 * MINUTE);
    expect(ages(metric()).slice(-2)).toEqual([1073, 0]);
  });

  test('a backlog can begin long after the files were closed', () => {
    const { files, fsx, clock, metric, bucket } = ready();
    fsx.setPace({ delayMs: 5 * MINUTE });
    files.save('a', 1);
    clock.pass(5 * MINUTE);
    expect(Math.max(...ages(metric()))).toBe(0);
    expect(bucket.list()).toEqual([]);
    clock.pass(MINUTE);
    expect(bucket.list()).toHaveLength(1);
  });
});

describe('the auditor', () => {
  const run = { executionArn: 'arn:run', status: 'SUCCEEDED' };

  test('I1: a deletion with unexported, unlinked or open files is a loss, unless the policy allows it', () => {
    const { files, mounted, clock, fsx, call, id } = ready();
    files.save('safe', 1);
    clock.pass(MINUTE);
    files.save('late', 2);
    files.write('open', 3);
    mounted.save('/outside', 4);
    call('DeleteFileSystem', { FileSystemId: id });
    expect(fsx.deletions()[0].lost.map(({ path, size, missing }) => [path, size, missing]))
      .toEqual([['/export/late', 2, 1], ['/export/open', 3, 1], ['/outside', 4, 1]]);
    expect(audit({ fsx, runs: [run] })).toEqual([{ invariant: 'I1', says: expect.stringContaining('3 files') }]);
    expect(audit({ fsx, runs: [{ ...run, mayLose: true }] })).toEqual([]);
  });

  test('I1 counts the rest of a batch, and an object that was overwritten with something else', () => {
    const { files, clock, fsx, call, id, bucket } = ready();
    files.save('a', 1);
    clock.pass(MINUTE);
    bucket.put('run/a', { size: 1, content: 'another run' });
    files.saveMany('many', 1_000_000, 10);
    clock.pass(MINUTE);
    call('DeleteFileSystem', { FileSystemId: id });
    expect(fsx.deletions()[0].lost.map(({ path, missing }) => [path, missing])).toEqual([['/export/a', 1], ['/export/many', expect.any(Number)]]);
  });

  test('I2: what is kept must be tagged and reported', () => {
    const { fsx, call, id, roles } = ready();
    const says = (more: object = {}) => audit({ fsx, runs: [{ ...run, ...more }] }).map((each) => each.says).join();
    expect(says()).toContain('not tagged as kept');
    call('TagResource', { ResourceARN: fsx.fileSystem().arn, Tags: [{ Key: 'cdk-lustre-auto-export:kept', Value: 'not proven' }] });
    expect(says()).toContain('does not say so');
    expect(says({ reports: [{ fileSystem: { id, deleted: true } }] })).toContain('does not say so');
    const kept = { fileSystem: { id, deleted: false, kept: 'not proven' } };
    expect(says({ reports: [kept, { fileSystem: { id, deleted: true } }] })).toContain('does not say so');
    expect(says({ reports: [kept] })).toBe('');
    expect(says({ reports: [`file system ${id} is KEPT (not proven)`] })).toBe('');
    expect(audit({ fsx, runs: [{ ...run, reports: [kept] }], serviceLinkedRoles: [...roles.keys()] })).toEqual([]);
    const tags = { 'cdk-lustre-auto-export:run-id': 'r', 'cdk-lustre-auto-export:execution-arn': 'arn:run' };
    const left = audit({
      fsx,
      runs: [{ ...run, reports: [kept] }],
      launchTemplates: [{ name: 'base', tags: {} }, { name: 'lustre-r', tags }],
      jobDefinitions: [{ name: 'd', tags }],
      liveJobs: [{ name: 'j', tags }],
      serviceLinkedRoles: ['AWSServiceRoleForFSxS3Access_fs-0'],
    });
    expect(left.map((each) => each.says)).toEqual([
      'launch template lustre-r is left', 'job definition d is left', 'job j is left', 'service-linked role AWSServiceRoleForFSxS3Access_fs-0 is left',
    ]);
  });

  test('I3, I4, I5, I8, I9', () => {
    const { files, clock, fsx, call, id } = ready();
    files.save('a', 1);
    clock.pass(MINUTE);
    call('DeleteFileSystem', { FileSystemId: id });
    const found = audit({
      fsx,
      runs: [{ ...run, proofStartedAt: START }, { executionArn: 'b', status: 'RUNNING' }, { executionArn: 'c', status: 'FAILED', historyEventCount: 15_000 }, { executionArn: 'd', status: 'FAILED', error: 'Error' }],
      jobWrites: [{ jobId: 'j', path: '/a', fileSystemId: id, ownFileSystemId: id }, { jobId: 'k', path: '/b', ownFileSystemId: id }],
    });
    expect(found.map(({ invariant }) => invariant).sort()).toEqual(['I3', 'I4', 'I4', 'I5', 'I8', 'I9']);
  });
});

describe('real directories', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'storage-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('files on disk are exported when no process has them open, and the copy is compared byte by byte', () => {
    const directory = join(scratch, 'lustre');
    const all = setUp({}, { files: () => new DirectoryFiles(directory), scanEveryMs: 1000 }, join(scratch, 'bucket'));
    const id: string = all.call('CreateFileSystem', FILE_SYSTEM).FileSystem.FileSystemId;
    all.call('CreateDataRepositoryAssociation', { ...LINK, FileSystemId: id });
    all.clock.pass(10 * MINUTE);
    const mounted = all.fsx.mount(id, 'i-1');
    const real = mounted.within('/export').realPath()!;
    writeFileSync(join(real, 'closed.txt'), 'closed');
    const open = openSync(join(real, 'open.txt'), 'w');
    writeSync(open, 'half');
    mounted.save('/export/dir/scripted', 3);
    all.clock.pass(30_000);
    expect(readFileSync(join(scratch, 'bucket/run/closed.txt'), 'utf8')).toBe('closed');
    expect(all.bucket.list().map(({ key }) => key).sort()).toEqual(['run/', 'run/closed.txt', 'run/dir/', 'run/dir/scripted'].slice(all.bucket.get('run/') ? 0 : 1));
    writeSync(open, ' whole');
    closeSync(open);
    all.clock.pass(30_000);
    expect(all.bucket.get('run/open.txt')).toMatchObject({ content: sha256('half whole') });
    unlinkSync(join(real, 'closed.txt'));
    writeFileSync(join(real, 'dirty'), 'x');
    all.fsx.killClient('i-1');
    all.clock.pass(30_000);
    expect(all.bucket.get('run/closed.txt')).toBeUndefined();
    expect(all.bucket.get('run/dirty')).toBeUndefined();
    all.clock.pass(6 * MINUTE);
    expect(all.bucket.get('run/dirty')).toBeDefined();
    for (const byte of [0xfe, 0xff]) writeFileSync(Buffer.concat([Buffer.from(`${real}/n`), Buffer.from([byte])]), `${byte}`);
    all.clock.pass(MINUTE);
    expect(all.fsx.fileSystem().events.map(({ code }) => code)).toEqual(['InternalError', 'InternalError']);
    writeFileSync(join(real, 'lost'), 'x');
    all.call('DeleteFileSystem', { FileSystemId: id });
    expect(all.fsx.deletions()[0].lost.map(({ path, content }) => [path, content]))
      .toEqual([['/export/lost', sha256('x')], ['/export/n\uFFFD', sha256('254')], ['/export/n\uFFFD\uFFFD', sha256('255')]]);
    all.clock.pass(6 * MINUTE);
    expect(() => readFileSync(join(real, 'lost'))).toThrow('ENOENT');
  });
});

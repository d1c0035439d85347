import { AwsError, World } from '../world';
import { AssociationSettings } from './association';
import { NotModelled, onlyModelled, reading } from './checks';
import { isIn } from './files';
import { FileSystem, FileSystemSettings } from './fsx-file-system';

/** PerUnitStorageThroughput in MB/s/TiB by deployment and storage type (A1.6). */
const THROUGHPUT: Record<string, number[]> = {
  'PERSISTENT_1 SSD': [50, 100, 200],
  'PERSISTENT_1 HDD': [12, 40],
  'PERSISTENT_2 SSD': [125, 250, 500, 1000],
};
const EVENTS = ['NEW', 'CHANGED', 'DELETED']; // A3.4
const LEGACY = ['ImportPath', 'ExportPath', 'AutoImportPolicy', 'ImportedFileChunkSize']; // A2.7

export const ACCOUNT_QUOTA = { fileSystems: 100, storageGiB: 100_800 }; // A9.2: of each kind
export const MAX_ASSOCIATIONS = 8; // A4.5
const MAX_TAGS = 50; // A2.10

export type Tags = { Key: string; Value: string }[];

export function bad(message: string): AwsError {
  return new AwsError('BadRequest', message);
}

function persistent(deploymentType: string): boolean {
  return deploymentType.startsWith('PERSISTENT');
}

/** Checks CreateFileSystem as the service does. */
export function fileSystemSettings(world: World, input: Record<string, any>): FileSystemSettings {
  onlyModelled('fsx:CreateFileSystem', input, [
    'ClientRequestToken', 'FileSystemType', 'StorageCapacity', 'StorageType', 'SubnetIds', 'SecurityGroupIds', 'Tags', 'KmsKeyId',
    'LustreConfiguration', 'FileSystemTypeVersion',
  ]);
  if (input.FileSystemType !== 'LUSTRE') throw new NotModelled(`file system type ${input.FileSystemType}`);
  const lustre = input.LustreConfiguration;
  if (!lustre) throw new AwsError('MissingFileSystemConfiguration', 'LustreConfiguration is required');
  onlyModelled('fsx:CreateFileSystem.LustreConfiguration', lustre, [
    ...LEGACY, 'WeeklyMaintenanceStartTime', 'DeploymentType', 'PerUnitStorageThroughput', 'AutomaticBackupRetentionDays', 'CopyTagsToBackups',
    'DataCompressionType', 'LogConfiguration', 'RootSquashConfiguration', 'MetadataConfiguration', 'EfaEnabled',
  ]);
  checkTags(input.Tags);
  checkToken(input.ClientRequestToken);
  const deploymentType: string = lustre.DeploymentType ?? 'SCRATCH_1'; // A1.1
  const storageType: string = input.StorageType ?? 'SSD'; // A1.11
  if (!['SCRATCH_1', 'SCRATCH_2', 'PERSISTENT_1', 'PERSISTENT_2'].includes(deploymentType)) throw bad(`DeploymentType ${deploymentType} is not valid`);
  if (storageType !== 'SSD' && !(storageType === 'HDD' && deploymentType === 'PERSISTENT_1')) {
    throw bad(`StorageType ${storageType} is not supported for ${deploymentType}`); // A1.11; INTELLIGENT_TIERING cannot be linked (A1.2)
  }
  checkThroughput(deploymentType, storageType, lustre.PerUnitStorageThroughput);
  checkCapacity(deploymentType, storageType, lustre.PerUnitStorageThroughput, input.StorageCapacity);
  if (input.KmsKeyId !== undefined && !persistent(deploymentType)) throw bad(`KmsKeyId is not supported for ${deploymentType}`); // A1.9
  if (input.SubnetIds?.length !== 1) throw bad('exactly one subnet must be given'); // A1.10
  if (lustre.MetadataConfiguration && deploymentType !== 'PERSISTENT_2') throw bad('MetadataConfiguration is only for PERSISTENT_2'); // A2.2
  checkLog(world, lustre.LogConfiguration);
  const defaultVersion = deploymentType !== 'PERSISTENT_2' ? '2.10' : lustre.MetadataConfiguration ? '2.15' : '2.12'; // A1.3
  const version = input.FileSystemTypeVersion ?? defaultVersion;
  if (!['2.10', '2.12', '2.15'].includes(version)) throw bad(`FileSystemTypeVersion ${version} is not valid`);
  if (deploymentType === 'PERSISTENT_2' && version === '2.10') throw bad('PERSISTENT_2 needs version 2.12 or later');
  const { StorageCapacity: storageCapacity, SubnetIds: [subnetId], KmsKeyId: kmsKeyId } = input;
  return { storageCapacity, storageType, deploymentType, version, subnetId, kmsKeyId, lustre };
}

function checkThroughput(deploymentType: string, storageType: string, throughput: number | undefined): void {
  const allowed = THROUGHPUT[`${deploymentType} ${storageType}`] ?? [];
  const right = persistent(deploymentType) ? allowed.includes(throughput!) : throughput === undefined;
  if (right) return;
  throw new AwsError('InvalidPerUnitStorageThroughput',
    `PerUnitStorageThroughput ${throughput} for ${deploymentType} ${storageType}: ${allowed.join(', ') || 'none'} allowed`);
}

function checkCapacity(deploymentType: string, storageType: string, throughput: number, capacity: number | undefined): void {
  const step = storageType === 'HDD' ? (throughput === 12 ? 6000 : 1800) : deploymentType === 'SCRATCH_1' ? 3600 : 2400; // A1.4
  const first = storageType === 'HDD' ? [] : [1200, 2400];
  if (capacity !== undefined && capacity > 0 && (first.includes(capacity) || capacity % step === 0)) return;
  throw bad(`StorageCapacity ${capacity} is not valid: ${[...first, `multiples of ${step}`].join(', ')}`);
}

function checkLog(world: World, log: { Level?: string; Destination?: string } | undefined): void {
  if (!log) return;
  if (!['DISABLED', 'WARN_ONLY', 'ERROR_ONLY', 'WARN_ERROR'].includes(log.Level!)) throw bad(`LogConfiguration.Level ${log.Level} is not valid`); // A2.1
  if (log.Destination === undefined) return;
  if (log.Level === 'DISABLED') throw bad('LogConfiguration.Destination is not allowed when Level is DISABLED'); // A2.1
  const [, , service, region, account, , name] = log.Destination.split(':');
  if (service !== 'logs' || region !== world.region || account !== world.account || !name?.startsWith('/aws/fsx')) { // A2.1
    throw bad(`LogConfiguration.Destination ${log.Destination} is not a log group of this account and region whose name begins with /aws/fsx`);
  }
  if (log.Destination.endsWith(':*') && reading(world, 'logGroupArn', 'anyForm') === 'noWildcard') throw bad(`${log.Destination} is not a log group`);
}

/** The quotas of one kind of file system (A9.2). */
export function checkQuota(wanted: FileSystemSettings, living: FileSystem[], quota: { fileSystems: number; storageGiB: number }): void {
  const kind = (type: string) => type.startsWith('SCRATCH') ? 'SCRATCH' : type;
  const same = living.filter(({ settings }) => kind(settings.deploymentType) === kind(wanted.deploymentType));
  const storage = same.reduce((sum, { settings }) => sum + settings.storageCapacity, wanted.storageCapacity);
  if (same.length + 1 > quota.fileSystems) throw new AwsError('ServiceLimitExceeded', 'Limit FILE_SYSTEM_COUNT exceeded');
  if (storage > quota.storageGiB) throw new AwsError('ServiceLimitExceeded', 'Limit TOTAL_STORAGE exceeded');
}

/** Checks CreateDataRepositoryAssociation as the service does. */
export function associationSettings(input: Record<string, any>, fileSystem: FileSystem, id: string): AssociationSettings {
  onlyModelled('fsx:CreateDataRepositoryAssociation', input, [
    'FileSystemId', 'FileSystemPath', 'DataRepositoryPath', 'BatchImportMetaDataOnCreate', 'ImportedFileChunkSize', 'S3', 'ClientRequestToken', 'Tags',
  ]);
  checkTags(input.Tags);
  checkToken(input.ClientRequestToken);
  const { settings, associations } = fileSystem;
  if (settings.version === '2.10' || settings.deploymentType === 'SCRATCH_1') { // A1.2
    throw new AwsError('UnsupportedOperation', `${settings.deploymentType} ${settings.version} cannot have data repository associations`);
  }
  if (LEGACY.some((name) => settings.lustre[name] !== undefined)) throw bad('the file system has a legacy S3 link'); // A2.7
  if (settings.lustre.AutomaticBackupRetentionDays > 0) throw bad('a file system with backups cannot be linked'); // A2.6
  if (associations.length >= MAX_ASSOCIATIONS) throw new AwsError('ServiceLimitExceeded', 'Limit of data repository associations exceeded');
  const fileSystemPath: string | undefined = input.FileSystemPath;
  if (!fileSystemPath?.startsWith('/') || fileSystemPath.length > 4096) throw bad(`FileSystemPath ${fileSystemPath} is not valid`); // A4.2
  if (fileSystemPath === '/' && input.S3?.AutoExportPolicy) throw bad('Missing required parameters'); // A4.3
  const dataRepositoryPath: string = input.DataRepositoryPath ?? '';
  if (!/^s3:\/\/[a-z0-9.-]+(\/.*)?$/.test(dataRepositoryPath) || dataRepositoryPath.length > 4357) { // A4.4
    throw bad(`DataRepositoryPath ${dataRepositoryPath} is not valid`);
  }
  const overlap = (one: string, other: string) => isIn(one, other) || isIn(other, one);
  const bare = (path: string) => path.replace(/\/+$/, '') || '/';
  for (const other of associations) { // A4.2, A4.4
    if (overlap(bare(other.settings.fileSystemPath), bare(fileSystemPath))) throw bad(`FileSystemPath ${fileSystemPath} overlaps another association`);
    if (overlap(bare(other.settings.dataRepositoryPath), bare(dataRepositoryPath))) throw bad(`${dataRepositoryPath} overlaps another association`);
  }
  return {
    id,
    fileSystemPath: bare(fileSystemPath),
    dataRepositoryPath,
    batchImport: input.BatchImportMetaDataOnCreate ?? false,
    importedFileChunkSize: chunkSize(input.ImportedFileChunkSize) ?? 1024, // A4.7
    ...policies(input.S3),
  };
}

export function chunkSize(value: number | undefined): number | undefined {
  if (value !== undefined && (value < 1 || value > 512_000)) throw bad(`ImportedFileChunkSize ${value} is not in 1-512000`); // A4.7
  return value;
}

export function policies(s3: Record<string, any> = {}): { exportEvents?: string[]; importEvents?: string[] } {
  onlyModelled('S3', s3, ['AutoExportPolicy', 'AutoImportPolicy']);
  const events = (policy: { Events?: string[] } | undefined) => {
    const wrong = (policy?.Events ?? []).filter((event) => !EVENTS.includes(event));
    if (wrong.length > 0) throw bad(`event ${wrong[0]} is not valid`);
    return policy && (policy.Events ?? []);
  };
  return { exportEvents: events(s3.AutoExportPolicy), importEvents: events(s3.AutoImportPolicy) };
}

/** Checks CreateDataRepositoryTask; only exports are modelled. */
export function taskRequest(world: World, input: Record<string, any>, fileSystem: FileSystem): void {
  onlyModelled('fsx:CreateDataRepositoryTask', input, ['Type', 'Paths', 'FileSystemId', 'Report', 'ClientRequestToken', 'Tags']);
  if (input.Type !== 'EXPORT_TO_REPOSITORY') throw new NotModelled(`task type ${input.Type}`);
  checkTags(input.Tags);
  checkToken(input.ClientRequestToken);
  const { associations, id, lifecycle } = fileSystem;
  if (lifecycle !== 'AVAILABLE') throw bad(`${id} is ${lifecycle}`);
  if (associations.length === 0) throw new AwsError('UnsupportedOperation', `${id} is not linked to a data repository`);
  if (associations.some(({ exporting }) => exporting) && reading(world, 'taskWhileAutoExport', 'refused') === 'refused') { // A8.6
    throw bad('automatic export and export tasks cannot be used simultaneously');
  }
  if (input.Paths?.length > 100) throw bad('more than 100 paths'); // A8.2
  const { Enabled, Path, Format, Scope } = input.Report ?? {};
  if (Enabled === undefined) throw bad('Report.Enabled is required'); // A8.3
  if (!Enabled) return;
  if (Format !== 'REPORT_CSV_20191124' || Scope !== 'FAILED_FILES_ONLY') throw bad(`report ${Format} ${Scope} is not valid`);
  if (!associations.some(({ settings }) => isIn(Path ?? '', settings.dataRepositoryPath.replace(/\/+$/, '')))) {
    throw bad(`Report.Path ${Path} is not inside the linked export path`);
  }
}

export function checkTags(tags: Tags = [], more = 0): void {
  if (tags.length + more > MAX_TAGS) throw bad(`more than ${MAX_TAGS} tags`);
  for (const { Key, Value } of tags) {
    if (!Key || Key.length > 128 || Key.startsWith('aws:') || (Value ?? '').length > 256) throw bad(`tag ${Key} is not valid`);
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(Key + (Value ?? ''))) throw bad(`tag ${Key} has characters that are not allowed`);
  }
}

function checkToken(token: string | undefined): void {
  if (token !== undefined && !/^[A-Za-z0-9_.-]{1,63}$/.test(token)) throw bad(`ClientRequestToken ${token} is not valid`); // A2.9
}

import { Association } from './association';
import { FileSystem } from './fsx-file-system';

/** A file system as the API shows it. */
export function describeFileSystem(fileSystem: FileSystem): Record<string, unknown> {
  const { settings, world } = fileSystem;
  const { lustre } = settings;
  return {
    OwnerId: world.account,
    CreationTime: new Date(fileSystem.created),
    FileSystemId: fileSystem.id,
    FileSystemType: 'LUSTRE',
    Lifecycle: fileSystem.lifecycle,
    FailureDetails: fileSystem.failure === undefined ? undefined : { Message: fileSystem.failure },
    StorageCapacity: settings.storageCapacity,
    StorageType: settings.storageType,
    SubnetIds: [settings.subnetId], // A1.10: the security groups are never told
    NetworkInterfaceIds: fileSystem.interfaces,
    DNSName: fileSystem.dnsName,
    KmsKeyId: settings.kmsKeyId,
    ResourceARN: fileSystem.arn,
    Tags: tagList(fileSystem.tags),
    FileSystemTypeVersion: settings.version,
    LustreConfiguration: {
      DeploymentType: settings.deploymentType,
      PerUnitStorageThroughput: lustre.PerUnitStorageThroughput,
      MountName: fileSystem.mountName, // A2.11: at once
      WeeklyMaintenanceStartTime: lustre.WeeklyMaintenanceStartTime ?? '1:05:00',
      CopyTagsToBackups: false,
      DataCompressionType: lustre.DataCompressionType ?? 'NONE', // A2.4
      LogConfiguration: { Level: 'DISABLED', ...lustre.LogConfiguration }, // A2.1: the default is off
      RootSquashConfiguration: lustre.RootSquashConfiguration,
      MetadataConfiguration: lustre.MetadataConfiguration,
      EfaEnabled: lustre.EfaEnabled ?? false,
    },
  };
}

/** An association as the API shows it. */
export function describeAssociation(fileSystem: FileSystem, association: Association): Record<string, unknown> {
  const { settings } = association;
  const shown = (events: string[] | undefined) => events && { Events: events };
  return {
    AssociationId: settings.id,
    ResourceARN: fileSystem.arnOf(association),
    FileSystemId: fileSystem.id,
    Lifecycle: association.lifecycle,
    FailureDetails: association.failure === undefined ? undefined : { Message: association.failure }, // A3.2
    FileSystemPath: settings.fileSystemPath,
    DataRepositoryPath: settings.dataRepositoryPath,
    BatchImportMetaDataOnCreate: settings.batchImport,
    ImportedFileChunkSize: association.importedFileChunkSize,
    S3: { AutoImportPolicy: shown(association.importEvents), AutoExportPolicy: shown(association.exportEvents) },
    Tags: tagList(association.tags),
    CreationTime: new Date(association.created),
  };
}

function tagList(tags: Map<string, string>): { Key: string; Value: string }[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

import type {
  CreateDataRepositoryAssociationCommandInput, CreateFileSystemCommandInput, Tag,
} from '@aws-sdk/client-fsx';
import type { Run, RunParameters } from '../../src/private/document';
import type { LustreSettings } from '../../src/private/lustre-payloads';
import { NO_QUEUE, RunTag } from '../../src/private/tags';

/** Everything that a clean-up needs to know of a run, on every resource from its create call on. */
export function runTags(run: Run, parameters: RunParameters, settings: LustreSettings): Tag[] {
  const tags: { [key: string]: string } = {
    ...settings.tags,
    Name: `${settings.envName}-${run.id}`,
    [RunTag.PIPELINE]: settings.pipeline,
    [RunTag.RUN_ID]: run.id,
    [RunTag.EXECUTION_ARN]: run.executionArn,
    [RunTag.STARTED_AT]: run.startedAt,
    [RunTag.BUCKET]: settings.bucketName,
    [RunTag.PREFIX]: parameters.prefix,
    [RunTag.DELETE_LUSTRE]: String(parameters.deleteLustre),
    [RunTag.AUTO_EXPORT]: String(parameters.autoExport),
    [RunTag.PERIOD_SECONDS]: String(parameters.lambdaPeriodSeconds),
    [RunTag.LOOK_BACK_MINUTES]: String(parameters.lambdaTimeDiffMinutes),
    [RunTag.VERIFICATION]: parameters.exportVerification,
    [RunTag.FAILURE_POLICY]: parameters.failurePolicy,
    [RunTag.KEEP_HOURS]: String(parameters.keepHours),
    [RunTag.JOB_QUEUE]: NO_QUEUE,
  };
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function fileSystemRequest(run: Run, parameters: RunParameters, settings: LustreSettings): CreateFileSystemCommandInput {
  return {
    // the same token with the same parameters answers with the file system that is already there (A2.9)
    ClientRequestToken: `file-system-${run.token}`,
    FileSystemType: 'LUSTRE',
    // always explicit: the API's default is 2.10, which cannot be linked (A1.3)
    FileSystemTypeVersion: parameters.lustreFileSystemTypeVersion,
    StorageCapacity: parameters.lustreStorageCapacity,
    StorageType: 'SSD',
    SubnetIds: [settings.subnetId],
    SecurityGroupIds: settings.securityGroupIds,
    KmsKeyId: settings.kmsKeyId,
    Tags: runTags(run, parameters, settings),
    LustreConfiguration: {
      DeploymentType: settings.deploymentType,
      PerUnitStorageThroughput: settings.perUnitStorageThroughput,
      DataCompressionType: settings.dataCompressionType,
      LogConfiguration: settings.logLevel === 'DISABLED'
        ? { Level: 'DISABLED' } // a destination is not allowed then (A2.1)
        : { Level: settings.logLevel, Destination: settings.logGroupArn },
    },
  };
}

export function associationRequest(
  fileSystemId: string, run: Run, parameters: RunParameters, settings: LustreSettings,
): CreateDataRepositoryAssociationCommandInput {
  return {
    ClientRequestToken: `association-${run.token}`,
    FileSystemId: fileSystemId,
    // a directory, not the root: at the root the export policy was refused (A4.3)
    FileSystemPath: settings.exportDirectory,
    DataRepositoryPath: `s3://${settings.bucketName}/${parameters.prefix}`,
    BatchImportMetaDataOnCreate: settings.importExistingObjects,
    ImportedFileChunkSize: parameters.lustreImportedFileChunkSize,
    S3: {
      ...(parameters.autoExport ? { AutoExportPolicy: { Events: settings.exportEvents } } : {}),
      ...(settings.importEvents.length > 0 ? { AutoImportPolicy: { Events: settings.importEvents } } : {}),
    },
    Tags: runTags(run, parameters, settings),
  };
}

import type { DataRepositoryAssociation, FileSystem } from '@aws-sdk/client-fsx';
import type { AssociationState, FileSystemState } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { raise } from '../shared/raise';

/** What the document keeps of a file system; the rest of the answer is dropped (256 KiB, E9). */
export function fileSystemState(fileSystem: FileSystem | undefined): FileSystemState {
  const found = requireField(fileSystem, 'FileSystem');
  return {
    fileSystemId: requireField(found.FileSystemId, 'FileSystem.FileSystemId'),
    mountName: requireField(found.LustreConfiguration?.MountName, 'FileSystem.LustreConfiguration.MountName'),
    lifecycle: requireField(found.Lifecycle, 'FileSystem.Lifecycle'),
    createdAt: requireField(found.CreationTime, 'FileSystem.CreationTime').toISOString(),
    // only for what a person is told of its cost
    storageCapacity: found.StorageCapacity,
    deploymentType: found.LustreConfiguration?.DeploymentType,
    perUnitStorageThroughput: found.LustreConfiguration?.PerUnitStorageThroughput,
  };
}

export function associationState(association: DataRepositoryAssociation | undefined): AssociationState {
  const found = requireField(association, 'Association');
  return {
    associationId: requireField(found.AssociationId, 'Association.AssociationId'),
    fileSystemPath: requireField(found.FileSystemPath, 'Association.FileSystemPath'),
    dataRepositoryPath: requireField(found.DataRepositoryPath, 'Association.DataRepositoryPath'),
    lifecycle: requireField(found.Lifecycle, 'Association.Lifecycle'),
  };
}

/** An idempotency token can answer with a file system of somebody else's; that one is never touched. */
export function refuseForeign(fileSystem: FileSystem, executionArn: string): void {
  const owner = requireField(fileSystem.Tags, 'FileSystem.Tags').find((tag) => tag.Key === RunTag.EXECUTION_ARN)?.Value;
  if (owner !== executionArn) {
    raise(ErrorName.FOREIGN_FILE_SYSTEM,
      `file system ${fileSystem.FileSystemId} was answered to this run's create call but belongs to ${owner ?? 'somebody without our tag'}; `
      + 'it is left alone. Start the run again under another execution name');
  }
}

/** The states that a file system does not leave by itself end the wait (A3.1). */
export function refuseFailedFileSystem(fileSystem: FileSystem): void {
  if (fileSystem.Lifecycle === 'CREATING' || fileSystem.Lifecycle === 'AVAILABLE' || fileSystem.Lifecycle === 'UPDATING') return;
  raise(ErrorName.FILE_SYSTEM_FAILED,
    `file system ${fileSystem.FileSystemId} is ${fileSystem.Lifecycle}: ${fileSystem.FailureDetails?.Message ?? 'FSx gave no reason'}`);
}

/** Before anything is written a link that is not healthy is not waited for (A3.2). */
export function refuseFailedAssociation(association: DataRepositoryAssociation): void {
  const { AssociationId, Lifecycle, FailureDetails, DataRepositoryPath } = association;
  if (Lifecycle === 'CREATING' || Lifecycle === 'AVAILABLE' || Lifecycle === 'UPDATING') return;
  raise(Lifecycle === 'MISCONFIGURED' ? ErrorName.ASSOCIATION_MISCONFIGURED : ErrorName.ASSOCIATION_FAILED,
    `data repository association ${AssociationId} with ${DataRepositoryPath} is ${Lifecycle}: ${FailureDetails?.Message ?? 'FSx gave no reason'}. `
    + 'Check that the bucket exists, that its policy and KMS key let the service-linked role of the file system in, '
    + 'and that no event notification of the bucket overlaps with automatic import');
}

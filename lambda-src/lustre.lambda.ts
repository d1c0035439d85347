import { CreateDataRepositoryAssociationCommand, CreateFileSystemCommand, TagResourceCommand } from '@aws-sdk/client-fsx';
import { requireField } from './answer';
import { dispatch } from './dispatch';
import { findRun } from './find-run';
import { findAssociations, findFileSystem, fsx } from './fsx';
import { associationRequest, fileSystemRequest } from './lustre-requests';
import { associationState, fileSystemState, refuseFailedAssociation, refuseFailedFileSystem, refuseForeign } from './lustre-status';
import { raise } from './raise';
import { keepReason, summarize } from './run-summary';
import { ErrorName } from '../src/private/errors';
import type {
  CreateAssociationPayload, CreateFileSystemPayload, DeletionPayload, DocumentPayload, FileSystemPayload, FindRunPayload,
} from '../src/private/lustre-payloads';
import { RunTag } from '../src/private/tags';

export const handler = dispatch({
  CreateLustreFileSystem: async ({ run, parameters, settings }: CreateFileSystemPayload) => {
    const { FileSystem: fileSystem } = await fsx.send(new CreateFileSystemCommand(fileSystemRequest(run, parameters, settings)));
    const created = requireField(fileSystem, 'FileSystem');
    refuseForeign(created, run.executionArn);
    return fileSystemState(created);
  },

  CreateDataRepositoryAssociation: async ({ run, parameters, settings, fileSystem }: CreateAssociationPayload) => {
    const request = associationRequest(fileSystem.fileSystemId, run, parameters, settings);
    return associationState((await fsx.send(new CreateDataRepositoryAssociationCommand(request))).Association);
  },

  CheckFileSystemStatus: async ({ fileSystem }: FileSystemPayload) => {
    const found = await findFileSystem(requireField(fileSystem.fileSystemId, 'fileSystemId'));
    if (!found) raise(ErrorName.FILE_SYSTEM_FAILED, `file system ${fileSystem.fileSystemId} is gone: somebody else deleted it`);
    refuseFailedFileSystem(found);
    return fileSystemState(found);
  },

  CheckDataRepositoryAssociation: async ({ fileSystem, associations }: FileSystemPayload) => {
    const { associationId } = associations.output;
    const found = (await findAssociations(requireField(fileSystem.fileSystemId, 'fileSystemId')))
      .find((association) => association.AssociationId === associationId);
    if (!found) raise(ErrorName.ASSOCIATION_FAILED, `data repository association ${associationId} is gone: somebody else deleted it`);
    refuseFailedAssociation(found);
    return associationState(found);
  },

  FileSystemTimedOut: async ({ fileSystem, associations }: FileSystemPayload) => raise(ErrorName.FILE_SYSTEM_TIMED_OUT,
    `file system ${fileSystem.fileSystemId} is ${fileSystem.lifecycle} and its association ${associations.output.associationId} is `
    + `${associations.output.lifecycle} at the end of the time that lustreCreationTimeout gives them`),

  RememberJobQueue: async ({ document }: DocumentPayload) => {
    const { compute, fileSystem } = document;
    await tag(requireField(fileSystem.fileSystemId, 'fileSystemId'), {
      [RunTag.JOB_QUEUE]: requireField(compute.jobQueueArn, 'compute.jobQueueArn'),
      [RunTag.HOST_PATH]: requireField(compute.hostPath, 'compute.hostPath'),
    });
    return {};
  },

  FindRunResources: async (payload: FindRunPayload) => findRun(payload),

  CheckDeletion: async ({ fileSystem, deletion }: DeletionPayload) => {
    const found = await findFileSystem(requireField(fileSystem.fileSystemId, 'fileSystemId'));
    return found
      ? { ...deletion, gone: false, lifecycle: requireField(found.Lifecycle, 'FileSystem.Lifecycle') }
      : { ...deletion, gone: true, lifecycle: 'DELETED', goneAt: new Date().toISOString() };
  },

  DeletionTimedOut: async ({ document }: DocumentPayload) => raise(ErrorName.DELETION_TIMED_OUT,
    `file system ${document.fileSystem.fileSystemId} is still ${document.deletion?.lifecycle}; its data is in S3. `
    + `Last answer to DeleteFileSystem: ${document.deletion?.refusal?.Cause ?? 'accepted'}`),

  KeepFileSystem: async ({ document }: DocumentPayload) => {
    const reason = keepReason(document);
    if (reason) await tag(requireField(document.fileSystem.fileSystemId, 'fileSystemId'), { [RunTag.KEPT]: tagValue(reason) });
    return {};
  },

  SummarizeRun: async ({ document }: DocumentPayload) => summarize(document, new Date()),
});

async function tag(fileSystemId: string, tags: { [key: string]: string }): Promise<void> {
  const found = requireField(await findFileSystem(fileSystemId), 'FileSystem');
  await fsx.send(new TagResourceCommand({
    ResourceARN: requireField(found.ResourceARN, 'FileSystem.ResourceARN'),
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  }));
}

/** A tag's value: at most 256 characters of a narrow alphabet. */
function tagValue(text: string): string {
  return text.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, ' ').slice(0, 256);
}

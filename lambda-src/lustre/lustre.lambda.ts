import {
  CreateDataRepositoryAssociationCommand, CreateFileSystemCommand, type DataRepositoryAssociation, type FileSystem, UpdateDataRepositoryAssociationCommand,
} from '@aws-sdk/client-fsx';
import { isExporting, stepToRestore } from './automatic-export';
import { confirmDeletion } from './confirm-deletion';
import { isOnItsWay } from './failure';
import { findRun } from './find-run';
import { associationRequest, fileSystemRequest } from './lustre-requests';
import { associationState, fileSystemState, refuseFailedAssociation, refuseFailedFileSystem, refuseForeign } from './lustre-status';
import { keepReason, summarize } from './run-summary';
import type { KeptState } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import type {
  CheckFileSystemPayload, CreateAssociationPayload, CreateFileSystemPayload, DeletionPayload, DocumentPayload, FileSystemPayload, FindRunPayload, KeepPayload,
  LustreSettings, RestorePayload,
} from '../../src/private/lustre-payloads';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { dispatch } from '../shared/dispatch';
import { wasRedriven } from '../shared/execution';
import { findAssociation, findFileSystem, fsx, tagFileSystem } from '../shared/fsx';
import { overlappingPrefixes } from '../shared/overlapping-prefixes';
import { raise } from '../shared/raise';
import { executionToken } from '../shared/run-identity';
import { tagOf } from '../shared/tag-of';

/** It was there a moment ago, when it was tagged: one answer is not believed. */
const GONE_AFTER_LOOKS = 5;

export const handler = dispatch({
  CreateLustreFileSystem: async ({ run, parameters, settings }: CreateFileSystemPayload) => {
    // again: the wait for the environment may have been long, and another run was there meanwhile
    const overlaps = await overlappingPrefixes(run.executionArn, settings.bucketName, parameters.prefix);
    if (overlaps.length > 0) raise(ErrorName.PREFLIGHT_FAILED, overlaps.join('; '));
    const { FileSystem: fileSystem } = await fsx.send(new CreateFileSystemCommand(fileSystemRequest(run, parameters, settings)));
    const created = requireField(fileSystem, 'FileSystem');
    refuseForeign(created, run.executionArn);
    return fileSystemState(created);
  },

  CreateDataRepositoryAssociation: async ({ run, parameters, settings, fileSystem }: CreateAssociationPayload) => {
    const request = associationRequest(fileSystem.fileSystemId, run, parameters, settings);
    return associationState((await fsx.send(new CreateDataRepositoryAssociationCommand(request))).Association);
  },

  CheckFileSystemStatus: async ({ fileSystem, run, parameters, settings }: CheckFileSystemPayload) => {
    const found = await ownFileSystem(fileSystem);
    refuseFailedFileSystem(found);
    // two that were created at one moment see each other by now; the later one gives way, and nothing has been written to it
    const older = found.Lifecycle === 'AVAILABLE' ? await overlappingPrefixes(run.executionArn, settings.bucketName, parameters.prefix, found) : [];
    if (older.length > 0) raise(ErrorName.PREFLIGHT_FAILED, older.join('; '));
    return fileSystemState(found);
  },

  CheckDataRepositoryAssociation: async ({ fileSystem, associations }: FileSystemPayload) => {
    const { associationId } = associations.output;
    const found = await findAssociation(requireField(fileSystem.fileSystemId, 'fileSystemId'), associationId);
    if (!found) raise(ErrorName.ASSOCIATION_FAILED, `data repository association ${associationId} is gone: somebody else deleted it`);
    refuseFailedAssociation(found);
    return associationState(found);
  },

  FileSystemTimedOut: async ({ fileSystem, associations }: FileSystemPayload) => raise(ErrorName.FILE_SYSTEM_TIMED_OUT,
    `file system ${fileSystem.fileSystemId} is ${fileSystem.lifecycle} and its association ${associations.output.associationId} is `
    + `${associations.output.lifecycle} at the end of the time that lustreCreationTimeout gives them`),

  RememberJobQueue: async ({ document }: DocumentPayload) => {
    const { compute, fileSystem } = document;
    await tagFileSystem(await ownFileSystem(fileSystem), {
      [RunTag.JOB_QUEUE]: requireField(compute.jobQueueArn, 'compute.jobQueueArn'),
      [RunTag.HOST_PATH]: requireField(compute.hostPath, 'compute.hostPath'),
    });
    return {};
  },

  FindRunResources: async (payload: FindRunPayload) => findRun(payload),

  ConfirmDeletion: async (payload: KeepPayload) => confirmDeletion(payload),

  CheckDeletion: async ({ fileSystem, deletion }: DeletionPayload) => {
    const found = await findFileSystem(requireField(fileSystem.fileSystemId, 'fileSystemId'));
    return found
      ? { ...deletion, gone: false, lifecycle: requireField(found.Lifecycle, 'FileSystem.Lifecycle') }
      : { ...deletion, gone: true, lifecycle: 'DELETED', goneAt: new Date().toISOString() };
  },

  DeletionTimedOut: async ({ document }: DocumentPayload) => raise(ErrorName.DELETION_TIMED_OUT,
    `file system ${document.fileSystem.fileSystemId} is still ${document.deletion?.lifecycle}; `
    + (document.export.proven === true ? 'its data is in S3. ' : 'somebody else deletes it, and whether its data is in S3 was not looked at. ')
    + `Last answer to DeleteFileSystem: ${document.deletion?.refusal?.Cause ?? 'accepted'}`),

  KeepFileSystem: async ({ document, self }: KeepPayload): Promise<KeptState> => {
    const fileSystemId = requireField(document.fileSystem.fileSystemId, 'fileSystemId');
    const found = await findFileSystem(fileSystemId);
    // by another clean-up, or by somebody; what this execution deletes itself is kept until it is seen gone
    const isDeletedByOthers = found?.Lifecycle === 'DELETING' && !isOnItsWay(document);
    if (!found || isDeletedByOthers) return { gone: true, deleting: found !== undefined, automaticExport: 'OFF', redriven: await wasRedriven(self) };
    // the tag must not depend on it: RestoreAutomaticExport looks again
    const association = await findAssociation(fileSystemId, document.associations.output.associationId).catch(() => undefined);
    const automaticExport = isExporting(association) ? 'ON' : 'OFF';
    await tagFileSystem(found, {
      [RunTag.KEPT]: tagValue(keepReason(document) ?? 'unknown'),
      [RunTag.KEPT_AT]: new Date().toISOString(),
      [RunTag.TIMES_KEPT]: String(Number(tagOf(found, RunTag.TIMES_KEPT) ?? 0) + 1),
      [RunTag.AUTOMATIC_EXPORT]: automaticExport,
      ...(document.policy.keepUntil ? { [RunTag.KEEP_UNTIL]: document.policy.keepUntil } : {}),
    });
    return { gone: false, automaticExport };
  },

  RestoreAutomaticExport: async ({ document, settings, self }: RestorePayload): Promise<KeptState> => {
    const { fileSystem, associations, parameters } = document;
    const { missing = 0, ...kept } = document.kept;
    const fileSystemId = requireField(fileSystem.fileSystemId, 'fileSystemId');
    const found = await findFileSystem(fileSystemId);
    if (!found) {
      const isGone = missing + 1 >= GONE_AFTER_LOOKS;
      return { ...kept, gone: isGone, automaticExport: 'OFF', settled: isGone, missing: missing + 1 };
    }
    const association = await findAssociation(fileSystemId, associations.output.associationId);
    const step = stepToRestore(association, parameters.autoExport);
    if (step.next === 'SETTLED') {
      const { automaticExport, reason } = step;
      await tagFileSystem(found, { [RunTag.AUTOMATIC_EXPORT]: automaticExport });
      return { ...kept, gone: false, automaticExport, reason, settled: true };
    }
    const refusal = step.next === 'UPDATE' ? await switchOn(association!, settings, `restore-${kept.wait?.turn ?? 0}-${executionToken(self)}`) : undefined;
    return { ...kept, gone: false, automaticExport: 'OFF', reason: refusal ?? kept.reason, settled: false };
  },

  AutomaticExportStaysOff: async ({ document }: DocumentPayload) => raise(ErrorName.AUTO_EXPORT_STAYS_OFF,
    `automatic export of file system ${document.fileSystem.fileSystemId} could not be switched on again: ${document.kept.reason ?? 'FSx gave no reason'}`),

  SummarizeRun: async ({ document }: DocumentPayload) => summarize(document, new Date()),
});

/** Answers why FSx refused, if it did: a task of somebody may still run (A8.6). */
async function switchOn({ AssociationId, S3 }: DataRepositoryAssociation, { exportEvents }: LustreSettings, token: string): Promise<string | undefined> {
  try {
    await fsx.send(new UpdateDataRepositoryAssociationCommand({
      AssociationId,
      ClientRequestToken: token,
      // the import policy as it is: what an update leaves out may be cleared (A6.2), and an empty one refused
      S3: { AutoExportPolicy: { Events: exportEvents }, ...(S3?.AutoImportPolicy?.Events?.length ? { AutoImportPolicy: S3.AutoImportPolicy } : {}) },
    }));
    return undefined;
  } catch (error) {
    if (!['BadRequest', 'IncompatibleParameterError'].includes((error as Error).name)) throw error;
    return (error as Error).message;
  }
}

/** While its run goes on nobody else may have deleted it. */
async function ownFileSystem({ fileSystemId }: { fileSystemId?: string }): Promise<FileSystem> {
  return await findFileSystem(requireField(fileSystemId, 'fileSystemId'))
    ?? raise(ErrorName.FILE_SYSTEM_FAILED, `file system ${fileSystemId} is gone: somebody else deleted it`);
}

/** A tag's value: at most 256 characters of a narrow alphabet. */
function tagValue(text: string): string {
  return text.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, ' ').slice(0, 256);
}

import {
  DataRepositoryAssociation, FileSystem, FSxClient, paginateDescribeDataRepositoryAssociations, paginateDescribeFileSystems, TagResourceCommand,
} from '@aws-sdk/client-fsx';
import { requireField } from './answer';
import { raise } from './raise';
import { tagOf } from './tag-of';
import { ErrorName } from '../../src/private/errors';
import { RunTag } from '../../src/private/tags';

export const fsx = new FSxClient({});

/** The file system, or undefined where it is gone (A7.1). */
export async function findFileSystem(fileSystemId: string): Promise<FileSystem | undefined> {
  try {
    for await (const page of paginateDescribeFileSystems({ client: fsx }, { FileSystemIds: [fileSystemId] })) {
      const found = page.FileSystems?.find((candidate) => candidate.FileSystemId === fileSystemId);
      if (found) return found;
    }
  } catch (error) {
    if ((error as Error).name === 'FileSystemNotFound') return undefined;
    throw error;
  }
  raise(ErrorName.ANSWER_INCOMPLETE, `DescribeFileSystems answered without ${fileSystemId} and without FileSystemNotFound`);
}

/** Every file system of the account and region. */
export async function findFileSystems(): Promise<FileSystem[]> {
  const found: FileSystem[] = [];
  for await (const page of paginateDescribeFileSystems({ client: fsx }, {})) found.push(...(page.FileSystems ?? []));
  return found;
}

/** FSx has no filter by tag: all of them are looked through. */
export async function findFileSystemsOfRun(executionArn: string): Promise<FileSystem[]> {
  return (await findFileSystems()).filter((fileSystem) => tagOf(fileSystem, RunTag.EXECUTION_ARN) === executionArn);
}

/** One that somebody else deleted is not there. */
export async function findAssociation(fileSystemId: string, associationId: string | undefined): Promise<DataRepositoryAssociation | undefined> {
  return (await findAssociations(fileSystemId)).find((association) => association.AssociationId === associationId);
}

export async function findAssociations(fileSystemId: string): Promise<DataRepositoryAssociation[]> {
  const found: DataRepositoryAssociation[] = [];
  const filters = { Filters: [{ Name: 'file-system-id' as const, Values: [fileSystemId] }] };
  for await (const page of paginateDescribeDataRepositoryAssociations({ client: fsx }, filters)) {
    found.push(...(page.Associations ?? []));
  }
  return found;
}

export async function tagFileSystem({ ResourceARN }: FileSystem, tags: { [key: string]: string }): Promise<void> {
  await fsx.send(new TagResourceCommand({
    ResourceARN: requireField(ResourceARN, 'FileSystem.ResourceARN'),
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  }));
}

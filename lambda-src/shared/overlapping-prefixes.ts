import type { FileSystem } from '@aws-sdk/client-fsx';
import { findFileSystems } from './fsx';
import { tagOf } from './tag-of';
import { RunTag } from '../../src/private/tags';

/**
 * No other file system of ours, live or kept, may export to where this run exports to, below it or above it: each would
 * overwrite the other's objects, and FSx looks for overlaps only within one file system (A5.6a).
 *
 * @param own where there is one already only what was created before it stands in its way
 * @returns what stands in the way, in words
 */
export async function overlappingPrefixes(executionArn: string, bucketName: string, prefix: string, own?: FileSystem): Promise<string[]> {
  return (await findFileSystems()).filter((fileSystem) => {
    const tag = (key: string) => tagOf(fileSystem, key);
    return tag(RunTag.PIPELINE) !== undefined
      && tag(RunTag.BUCKET) === bucketName
      && tag(RunTag.EXECUTION_ARN) !== executionArn
      && fileSystem.Lifecycle !== 'DELETING'
      && (own === undefined || age(fileSystem) < age(own))
      && overlap(tag(RunTag.PREFIX) ?? '', prefix);
  }).map((fileSystem) => finding(fileSystem, bucketName, prefix));
}

/** Sorts by the time of creation, then by the id. */
function age({ CreationTime, FileSystemId }: FileSystem): string {
  return `${CreationTime?.toISOString()} ${FileSystemId}`;
}

/** Equal, or one holds the other. Both are empty or end with a slash, so that `a/` does not hold `ab/`. */
export function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function finding(fileSystem: FileSystem, bucketName: string, prefix: string): string {
  const tag = (key: string) => tagOf(fileSystem, key);
  const other = `s3://${bucketName}/${tag(RunTag.PREFIX) ?? ''}`;
  const owner = `file system ${fileSystem.FileSystemId} of run ${tag(RunTag.RUN_ID)} (${tag(RunTag.EXECUTION_ARN)})`;
  const wayOut = tag(RunTag.KEPT) !== undefined
    ? `it was kept: ${tag(RunTag.KEPT)}; clean it up with {"cleanUp":{"executionArn":"${tag(RunTag.EXECUTION_ARN)}"}} or delete it`
    : 'wait for the end of that run';
  return `s3://${bucketName}/${prefix} overlaps with ${other}, which ${owner} exports to; ${wayOut}, or use another prefix`;
}

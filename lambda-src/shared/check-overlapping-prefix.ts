import type { FileSystem } from '@aws-sdk/client-fsx';
import { isAccessDenied, permissionFinding } from './aws-errors';
import { findFileSystems } from './fsx';
import { RunTag } from '../../src/private/tags';
import type { PreflightContext } from '../parameters/preflight';

/**
 * No other file system of ours, live or kept, exports to where this run exports to, below it or above it: each would
 * overwrite the other's objects, and FSx looks for overlaps only within one file system (A5.6a).
 */
export async function checkOverlappingPrefix({ run, values, bucketName }: PreflightContext): Promise<string[]> {
  const { prefix } = values;
  if (prefix === undefined) return [];
  try {
    return await overlappingPrefixes(run.executionArn, bucketName, prefix);
  } catch (error) {
    if (isAccessDenied(error)) return [permissionFinding(`file systems that may export to s3://${bucketName}/${prefix}`, 'fsx:DescribeFileSystems')];
    throw error;
  }
}

/** What stands in the way, in words. */
export async function overlappingPrefixes(executionArn: string, bucketName: string, prefix: string): Promise<string[]> {
  return (await findFileSystems()).filter((fileSystem) => {
    const tags = tagsOf(fileSystem);
    return RunTag.PIPELINE in tags
      && tags[RunTag.BUCKET] === bucketName
      && tags[RunTag.EXECUTION_ARN] !== executionArn
      && fileSystem.Lifecycle !== 'DELETING'
      && overlap(tags[RunTag.PREFIX] ?? '', prefix);
  }).map((fileSystem) => finding(fileSystem, bucketName, prefix));
}

/** Equal, or one holds the other. Both are empty or end with a slash, so that `a/` does not hold `ab/`. */
export function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function tagsOf(fileSystem: FileSystem): { [key: string]: string } {
  return Object.fromEntries((fileSystem.Tags ?? []).map(({ Key, Value }) => [Key, Value ?? '']));
}

function finding(fileSystem: FileSystem, bucketName: string, prefix: string): string {
  const tags = tagsOf(fileSystem);
  const other = `s3://${bucketName}/${tags[RunTag.PREFIX] ?? ''}`;
  const owner = `file system ${fileSystem.FileSystemId} of run ${tags[RunTag.RUN_ID]} (${tags[RunTag.EXECUTION_ARN]})`;
  const wayOut = RunTag.KEPT in tags
    ? `it was kept: ${tags[RunTag.KEPT]}; clean it up with {"cleanUp":{"executionArn":"${tags[RunTag.EXECUTION_ARN]}"}} or delete it`
    : 'wait for the end of that run';
  return `s3://${bucketName}/${prefix} overlaps with ${other}, which ${owner} exports to; ${wayOut}, or use another prefix`;
}

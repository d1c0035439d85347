import { isAccessDenied, permissionFinding } from './aws-errors';
import type { PreflightContext } from './preflight';
import { overlappingPrefixes } from '../shared/overlapping-prefixes';

/** Where the run would export to, no other file system of ours does. */
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

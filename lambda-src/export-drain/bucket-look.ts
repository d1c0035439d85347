import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Listing } from './export-progress';
import type { FailuresReport } from './failures-report';

// an export also goes to a bucket of another region (A4.9)
const s3 = new S3Client({ followRegionRedirects: true });

/** Of one look: 1,000 keys each. */
const MOST_PAGES = 50;

/** Bytes of a report that are read: some 40,000 lines. */
const MOST_BYTES = 4 * 1024 * 1024;

/** For all calls of one look: the bucket must not use up the function's time. */
const TIME_LIMIT_MS = 30_000;

/** Where an association exports to. */
function target(dataRepositoryPath: string): { Bucket: string; prefix: string } {
  const [, Bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?([^]*)$/.exec(dataRepositoryPath) ?? [];
  if (!Bucket) throw new Error(`${dataRepositoryPath} is not the location of a bucket`);
  return { Bucket, prefix };
}

/** Some pages of what is under the prefix. Whatever S3 says, the drain goes on: it is progress only. */
export async function listObjects(dataRepositoryPath: string, cursor?: string): Promise<Listing> {
  let seen: Listing = { count: 0, more: true };
  try {
    const { Bucket, prefix } = target(dataRepositoryPath);
    const options = { abortSignal: AbortSignal.timeout(TIME_LIMIT_MS) };
    for (let page = 0; seen.more && page < MOST_PAGES; page++) {
      // from a key on, not by a token: nobody says how long a token is good
      const StartAfter = seen.lastKey ?? cursor;
      const { Contents = [], IsTruncated } = await list(Bucket, prefix, StartAfter, options);
      const times = Contents.map(({ LastModified }) => LastModified?.getTime() ?? NaN).filter(Number.isFinite);
      const newestAt = Math.max(seen.newestAt ?? -Infinity, ...times);
      const lastKey = Contents[Contents.length - 1]?.Key;
      seen = {
        count: seen.count + Contents.length,
        newestAt: newestAt > -Infinity ? newestAt : undefined,
        lastKey: lastKey ?? seen.lastKey,
        more: IsTruncated === true && lastKey !== undefined,
      };
    }
    return seen;
  } catch (error) {
    return { ...seen, unknown: words(error) };
  }
}

/** What a task says of the files that failed. No report is an answer, too. */
export async function readFailures(directory: string, taskId: string): Promise<FailuresReport> {
  try {
    const { Bucket, prefix } = target(directory);
    const options = { abortSignal: AbortSignal.timeout(TIME_LIMIT_MS) };
    const Key = await find(Bucket, `${prefix}/`, (key) => isReportOf(key, taskId), options);
    if (Key === undefined) return { location: `${directory}/`, problem: 'there is no report' };
    const location = `s3://${Bucket}/${Key}`;
    try {
      const { Body, ContentRange } = await s3.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=0-${MOST_BYTES - 1}` }), options);
      return { location, text: await Body!.transformToString(), truncated: Number(ContentRange?.split('/')[1]) > MOST_BYTES };
    } catch (error) {
      return { location, problem: words(error) };
    }
  } catch (error) {
    return { location: `${directory}/`, problem: words(error) };
  }
}

/** `{path}/task-{id}/failures.csv` (A8.3): whether the id says "task-" itself is not documented. */
function isReportOf(key: string, taskId: string): boolean {
  const [folder, file] = key.split('/').slice(-2);
  return file === 'failures.csv' && folder.replace(/^(task-)*/, '') === taskId.replace(/^task-/, '');
}

function list(Bucket: string, Prefix: string, StartAfter: string | undefined, options: object) {
  return s3.send(new ListObjectsV2Command({ Bucket, Prefix, ...(StartAfter === undefined ? {} : { StartAfter }) }), options);
}

async function find(Bucket: string, Prefix: string, matches: (key: string) => boolean, options: object): Promise<string | undefined> {
  let StartAfter: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { Contents = [], IsTruncated } = await list(Bucket, Prefix, StartAfter, options);
    const found = Contents.map(({ Key = '' }) => Key).find(matches);
    StartAfter = Contents[Contents.length - 1]?.Key;
    if (found !== undefined || !IsTruncated || StartAfter === undefined) return found;
  }
  return undefined;
}

const words = (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`.slice(0, 300);

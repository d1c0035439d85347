import { createHash } from 'crypto';
import { AwsError, ServiceModel } from '../world';
import { Bucket, Buckets, StoredObject } from './bucket';
import { NotModelled, onlyModelled } from './checks';

type Input = Record<string, any>;

const MAX_KEYS = 1000; // a page of ListObjectsV2
const MAX_MADE_UP_BYTES = 1024 ** 2;

/** What the workflow's own functions ask of S3: what is under a prefix, and what a report says. */
export class S3Model implements ServiceModel {
  readonly service = 's3';
  private readonly denials: RegExp[] = [];
  private readonly actions: Record<string, (input: Input) => unknown> = {
    ListObjectsV2: (input) => this.listObjects(input),
    GetObject: (input) => this.getObject(input),
  };

  constructor(private readonly buckets: Buckets) {}

  call(action: string, input: Input): unknown {
    if (!this.actions[action]) throw new NotModelled(`s3:${action}`);
    return this.actions[action](input);
  }

  // ---- steering ----

  /** A bucket policy or a key refuses the workflow's functions: where `bucket/key` (a list: `bucket/prefix`) matches. */
  deny(path: RegExp = /^/): void {
    this.denials.push(path);
  }

  /** Nothing is refused any more. */
  allow(): void {
    this.denials.length = 0;
  }

  // ---- inside ----

  private listObjects(input: Input): unknown {
    onlyModelled('s3:ListObjectsV2', input, ['Bucket', 'Prefix', 'ContinuationToken', 'StartAfter', 'MaxKeys']);
    const { Bucket: name, Prefix = '', ContinuationToken, StartAfter, MaxKeys = MAX_KEYS } = input;
    const bucket = this.bucket(name, Prefix);
    if (MaxKeys < 0) throw new AwsError('InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647');
    const after = ContinuationToken === undefined ? StartAfter : decoded(ContinuationToken); // the token counts, not StartAfter
    const rest = bucket.list(Prefix)
      .map((object) => ({ object, bytes: Buffer.from(object.key) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes)) // in order of the UTF-8 bytes
      .filter(({ bytes }) => after === undefined || Buffer.compare(bytes, Buffer.from(after)) > 0)
      .map(({ object }) => object);
    const shown = rest.slice(0, Math.min(MaxKeys, MAX_KEYS));
    const isTruncated = shown.length > 0 && shown.length < rest.length;
    return {
      Name: name,
      Prefix,
      MaxKeys: Math.min(MaxKeys, MAX_KEYS),
      KeyCount: shown.length, // one key, also where an entry stands for many objects
      IsTruncated: isTruncated,
      ContinuationToken,
      NextContinuationToken: isTruncated ? Buffer.from(shown[shown.length - 1].key).toString('base64') : undefined,
      StartAfter,
      // an empty prefix has no Contents at all
      Contents: shown.length === 0 ? undefined : shown.map((object) => ({
        Key: object.key, Size: object.size, LastModified: wholeSecond(object.modified), ETag: etag(object), StorageClass: 'STANDARD', // A5.6
      })),
    };
  }

  private getObject(input: Input): unknown {
    onlyModelled('s3:GetObject', input, ['Bucket', 'Key', 'Range']);
    const { Bucket: name, Key, Range } = input;
    const bucket = this.bucket(name, Key);
    const object = bucket.get(Key);
    if (!object) throw new AwsError('NoSuchKey', 'The specified key does not exist.');
    const all = bytesOf(bucket, object);
    const part = range(Range, all.length);
    const { start, end } = part ?? { start: 0, end: all.length - 1 };
    return {
      Body: all.subarray(start, end + 1),
      ContentLength: end - start + 1,
      ContentRange: part && `bytes ${start}-${end}/${all.length}`,
      ContentType: 'application/octet-stream',
      AcceptRanges: 'bytes',
      LastModified: wholeSecond(object.modified),
      ETag: etag(object),
      Metadata: object.metadata,
    };
  }

  private bucket(name: string, path: string): Bucket {
    const bucket = this.buckets.get(name);
    if (!bucket) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist');
    if (this.denials.some((each) => each.test(`${name}/${path}`))) throw new AwsError('AccessDenied', 'Access Denied');
    return bucket;
  }
}

function decoded(token: string): string {
  const key = Buffer.from(token, 'base64').toString();
  if (Buffer.from(key).toString('base64') !== token) throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect');
  return key;
}

/** Where nobody holds the bytes, as many zeros. */
function bytesOf(bucket: Bucket, object: StoredObject): Buffer {
  const { bytes } = bucket.body(object.key);
  if (bytes !== undefined) return Buffer.from(bytes);
  if (object.size > MAX_MADE_UP_BYTES) throw new NotModelled(`s3:GetObject of ${object.key}, of which only the size is known`);
  return Buffer.alloc(object.size);
}

/** Only one range, as S3; one that cannot be read is ignored (RFC 9110, 14.2), one behind the end is an error. */
function range(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (!first && !last) return undefined;
  const start = first ? Number(first) : Math.max(size - Number(last), 0);
  const end = first && last ? Math.min(Number(last), size - 1) : size - 1;
  if (start >= size) throw new AwsError('InvalidRange', 'The requested range is not satisfiable');
  return end < start ? undefined : { start, end };
}

function etag({ content }: StoredObject): string {
  return `"${createHash('md5').update(content).digest('hex')}"`;
}

/** S3 tells whole seconds. */
function wholeSecond(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}

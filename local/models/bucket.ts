import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { dirname, join } from 'path';
import { Body, sha256 } from './files';

export interface StoredObject extends Body {
  readonly key: string;
  /** 1, or more where one entry stands for that many equal objects. */
  readonly count: number;
  readonly metadata: Record<string, string>;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * One S3 bucket. With a directory the bytes are real files below it; without one only their identity is kept.
 */
export class Bucket {
  /** Every version ever written, oldest first; a marker has no object (A5.11). */
  readonly versions: { key: string; object?: StoredObject }[] = [];
  /** Called before anybody looks or changes anything: exports happen lazily, and come first. */
  readonly beforeUse: (() => void)[] = [];
  private readonly objects = new Map<string, StoredObject>();

  constructor(readonly name: string, private readonly now: () => number, readonly directory?: string) {}

  /** Writes an object; one with the same key is overwritten (A5.6a). */
  put(key: string, body: Body, more: { metadata?: Record<string, string>; count?: number; modified?: number } = {}): void {
    this.exportDue();
    const object = {
      key,
      size: body.size,
      content: this.store(key, body),
      bytes: this.directory ? undefined : body.bytes,
      count: 1,
      metadata: {},
      modified: this.now(),
      ...more,
    };
    this.objects.set(key, object);
    this.versions.push({ key, object });
  }

  delete(key: string): void {
    this.exportDue();
    if (!this.objects.delete(key)) return;
    this.versions.push({ key });
    if (!this.directory) return;
    const target = join(this.directory, key);
    // The object `a/` can go while `a/b` stays: prefixes are not directories.
    if (key.endsWith('/') && existsSync(target) && readdirSync(target).length > 0) return;
    rmSync(target, { recursive: true, force: true });
  }

  get(key: string): StoredObject | undefined {
    this.exportDue();
    return this.objects.get(key);
  }

  /** The object with its bytes, where there are any. */
  body(key: string): Body {
    const object = this.get(key);
    if (!object) throw new Error(`NoSuchKey: ${key}`);
    return { ...object, bytes: this.directory ? readFileSync(join(this.directory, key)) : object.bytes };
  }

  list(prefix = ''): StoredObject[] {
    this.exportDue();
    return [...this.objects.values()].filter(({ key }) => key.startsWith(prefix));
  }

  private exportDue(): void {
    for (const each of this.beforeUse) each();
  }

  /** Answers the content as it arrived: for real bytes, their hash is taken from the copy. */
  private store(key: string, body: Body): string {
    if (!this.directory) return body.content;
    const target = join(this.directory, key);
    if (key.endsWith('/')) {
      mkdirSync(target, { recursive: true });
      return body.content;
    }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, body.bytes ?? Buffer.alloc(body.size));
    return sha256(readFileSync(target));
  }
}

/** The buckets of this world. */
export class Buckets {
  private readonly all = new Map<string, Bucket>();

  add(bucket: Bucket): Bucket {
    this.all.set(bucket.name, bucket);
    return bucket;
  }

  get(name: string): Bucket | undefined {
    return this.all.get(name);
  }

  list(): Bucket[] {
    return [...this.all.values()];
  }
}

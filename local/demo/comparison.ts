import { execFileSync } from 'child_process';
import { createHash } from 'crypto';
import { createReadStream, existsSync } from 'fs';
import { readdir, stat } from 'fs/promises';
import { join } from 'path';
import { pipeline } from 'stream/promises';
import { JOB_PROGRAM } from './job-process';

export interface Entry {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface Comparison {
  readonly expected: { readonly files: number; readonly bytes: number };
  readonly found: { readonly files: number; readonly bytes: number };
  readonly identical: number;
  /** Not in the bucket, but whole on the file system, which was kept. */
  readonly kept: string[];
  readonly missing: string[];
  readonly differing: string[];
  /** In the bucket without being expected. */
  readonly extra: string[];
}

/** Whether not a single byte is lost. */
export const isComplete = ({ missing, differing, extra }: Comparison) => missing.length + differing.length + extra.length === 0;

/** What the job writes when it gets to its end: told by the program itself, from the seed, without a file system. */
export function expectedFiles(args: string[]): Entry[] {
  const lines = execFileSync(process.execPath, [JOB_PROGRAM, ...args, '--manifest'], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  return lines.trimEnd().split('\n').map((line) => line.split('\t')).map(([path, size, sha256]) => ({ path, size: Number(size), sha256 }));
}

/** Every file below a directory, read to its last byte. */
export async function filesIn(directory: string): Promise<Entry[]> {
  if (!existsSync(directory)) return [];
  const entries: Entry[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    entries.push({ path: file.slice(directory.length).replace(/^\//, ''), size: (await stat(file)).size, sha256: hash.digest('hex') });
  }
  return entries;
}

/** Compares what was written with what is in the bucket, or else on a file system that was kept. */
export function compare(expected: readonly Entry[], bucket: readonly Entry[], { onFileSystem = [], mayBeThere = () => false }: {
  readonly onFileSystem?: readonly Entry[];
  /** Files that are no loss and no surprise: left half written by a run that ended early. */
  readonly mayBeThere?: (path: string) => boolean;
} = {}): Comparison {
  const known = new Map(expected.map((entry) => [entry.path, entry]));
  const found = new Map(bucket.map((entry) => [entry.path, entry]));
  const kept = new Map(onFileSystem.map((entry) => [entry.path, entry]));
  const same = (one: Entry, other: Entry | undefined) => other?.sha256 === one.sha256 && other.size === one.size;
  const sum = (entries: readonly Entry[]) => ({ files: entries.length, bytes: entries.reduce((bytes, { size }) => bytes + size, 0) });
  const notInBucket = expected.filter((entry) => !same(entry, found.get(entry.path)));
  const lost = notInBucket.filter((entry) => !same(entry, kept.get(entry.path))).map(({ path }) => path);
  return {
    expected: sum(expected),
    found: sum(bucket),
    identical: expected.length - notInBucket.length,
    kept: notInBucket.map(({ path }) => path).filter((path) => !lost.includes(path)),
    missing: lost.filter((path) => !found.has(path)),
    differing: lost.filter((path) => found.has(path)),
    extra: bucket.map(({ path }) => path).filter((path) => !known.has(path) && !mayBeThere(path)),
  };
}

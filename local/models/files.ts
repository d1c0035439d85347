import { createHash } from 'crypto';

export type FileKind = 'file' | 'directory' | 'symlink' | 'special';

/** What a program writes into a file: the bytes themselves, or only their number, and then they differ from all earlier ones. */
export interface Content {
  readonly size: number;
  readonly bytes?: string | Buffer;
}

/** Bytes on their way to the bucket. */
export interface Body {
  readonly size: number;
  /** Equal for equal bytes: a SHA-256, or a serial number where nobody holds real bytes. */
  readonly content: string;
  readonly bytes?: string | Buffer;
}

export interface FileEntry {
  /** From the root of the file system, e.g. `/export/a/b`. */
  readonly path: string;
  readonly kind: FileKind;
  /** Bytes of one file. */
  readonly size: number;
  /** 1, or more where one entry stands for that many equal files, so that a million cost nothing. */
  readonly count: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Clients that hold it open for writing. */
  readonly openBy: readonly string[];
}

/** `content`: the content changed and the file was closed (A5.1); `attributes`: owner or mode changed; `removed`: it is gone. */
export interface FileChange {
  readonly kind: 'content' | 'attributes' | 'removed';
  readonly path: string;
  readonly count: number;
}

/** What is on a file system. One implementation holds it in memory, the other in a real directory. */
export interface Files {
  /** The real directory, if there is one. */
  readonly directory?: string;
  /** Called with every change that an export would have to follow. */
  onChange(listener: (change: FileChange) => void): void;
  /** Replaces the content; the file stays open until `close`. Missing directories above it are made. */
  write(path: string, content: Content, client: string): void;
  append(path: string, content: Content, client: string): void;
  /** Many equal files as one entry. They are closed at once. */
  writeMany(path: string, count: number, size: number): void;
  close(path: string, client: string): void;
  /** A client died. What it holds open stays open until it is evicted, or until another client writes there. */
  abandon(client: string): void;
  /** A dead client is evicted: what it held open is closed, and exported or not (G4). */
  evict(client: string, exportOpenFiles: boolean): void;
  makeDirectory(path: string): void;
  makeSymlink(path: string, target: string): void;
  /** A file that comes from the bucket: no change that an export would have to follow. */
  import(path: string, body: Body): void;
  /** FIFO, device or socket. */
  makeSpecial(path: string): void;
  setAttributes(path: string, attributes: Partial<Pick<FileEntry, 'mode' | 'uid' | 'gid'>>): void;
  rename(from: string, to: string): void;
  /** Removes it and everything below it. */
  remove(path: string): void;
  get(path: string): FileEntry | undefined;
  list(): FileEntry[];
  body(path: string): Body;
  /** Looks for changes that nobody reported. */
  scan(): void;
  /** The file system is gone. */
  destroy(): void;
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

/** Whether a path is the directory or lies in it. */
export function isIn(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

/** Absolute, without a slash at the end. */
export function normal(path: string): string {
  return `/${path.split('/').filter((part) => part !== '' && part !== '.').join('/')}`;
}

export function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Held extends FileEntry {
  readonly content: string;
  readonly bytes?: string | Buffer;
}

/** A file system as a table. */
export class MemoryFiles implements Files {
  private readonly entries = new Map<string, Held>();
  private readonly listeners: ((change: FileChange) => void)[] = [];
  private readonly dead = new Set<string>();
  private serial = 0;

  constructor(private readonly now: () => number) {}

  onChange(listener: (change: FileChange) => void): void {
    this.listeners.push(listener);
  }

  write(path: string, content: Content, client: string): void {
    const before = this.entries.get(path);
    if (before && before.kind !== 'file') throw new Error(`EISDIR: ${path}`);
    this.put(path, {
      size: content.bytes === undefined ? content.size : Buffer.byteLength(content.bytes),
      bytes: content.bytes,
      mode: before?.mode,
      uid: before?.uid,
      gid: before?.gid,
      openBy: [...new Set([...before?.openBy.filter((each) => !this.dead.has(each)) ?? [], client])],
    });
  }

  append(path: string, { size, bytes }: Content, client: string): void {
    const before = this.entries.get(path) ?? { size: 0, bytes: '' };
    const known = before.bytes !== undefined && bytes !== undefined;
    const joined = known ? Buffer.concat([before.bytes!, bytes].map((part) => Buffer.from(part))) : undefined;
    this.write(path, { size: before.size + size, bytes: joined }, client);
  }

  writeMany(path: string, count: number, size: number): void {
    this.put(path, { count, size });
    this.tell({ kind: 'content', path, count });
  }

  close(path: string, client: string): void {
    const entry = this.entries.get(path);
    if (!entry?.openBy.includes(client)) return;
    const openBy = entry.openBy.filter((each) => each !== client);
    this.entries.set(path, { ...entry, openBy });
    this.tell({ kind: 'content', path, count: 1 });
  }

  abandon(client: string): void {
    this.dead.add(client);
  }

  evict(client: string, exportOpenFiles: boolean): void {
    for (const entry of [...this.entries.values()].filter(({ openBy }) => openBy.includes(client))) {
      if (exportOpenFiles) {
        this.close(entry.path, client);
      } else {
        this.entries.set(entry.path, { ...entry, openBy: entry.openBy.filter((each) => each !== client) });
      }
    }
  }

  makeDirectory(path: string): void {
    if (path === '/' || this.entries.get(path)?.kind === 'directory') return;
    if (this.entries.has(path)) throw new Error(`EEXIST: ${path}`);
    this.put(path, { kind: 'directory', size: 0, mode: 0o755 });
    this.tell({ kind: 'content', path, count: 1 });
  }

  makeSymlink(path: string, target: string): void {
    this.put(path, { kind: 'symlink', size: Buffer.byteLength(target), bytes: target, mode: 0o777 });
    this.tell({ kind: 'content', path, count: 1 });
  }

  makeSpecial(path: string): void {
    this.put(path, { kind: 'special', size: 0 });
  }

  import(path: string, body: Body): void {
    this.put(path, { ...body, mode: 0o755 }); // A5.5: without POSIX metadata
  }

  setAttributes(path: string, attributes: Partial<Pick<FileEntry, 'mode' | 'uid' | 'gid'>>): void {
    this.entries.set(path, { ...this.held(path), ...attributes });
    this.tell({ kind: 'attributes', path, count: 1 });
  }

  rename(from: string, to: string): void {
    const { kind } = this.held(from);
    if (from === to) return;
    const target = this.entries.get(to);
    if (isIn(to, from)) throw new Error(`EINVAL: ${to} is in ${from}`);
    if (target && (target.kind === 'directory') !== (kind === 'directory')) throw new Error(`${kind === 'directory' ? 'ENOTDIR' : 'EISDIR'}: ${to}`);
    if (target && kind === 'directory' && this.list().some(({ path }) => path !== to && isIn(path, to))) throw new Error(`ENOTEMPTY: ${to}`);
    this.makeDirectory(parentOf(to));
    // Every object below a renamed directory is written anew (A5.12).
    for (const entry of this.list().filter(({ path }) => isIn(path, from))) {
      const path = to + entry.path.slice(from.length);
      this.entries.set(path, { ...this.held(entry.path), path });
      this.entries.delete(entry.path);
      this.tell({ kind: 'removed', path: entry.path, count: entry.count });
      if (entry.openBy.length === 0) this.tell({ kind: 'content', path, count: entry.count });
    }
  }

  remove(path: string): void {
    for (const entry of this.list().filter((each) => isIn(each.path, path)).reverse()) {
      this.entries.delete(entry.path);
      this.tell({ kind: 'removed', path: entry.path, count: entry.count });
    }
  }

  get(path: string): FileEntry | undefined {
    return this.entries.get(path);
  }

  list(): FileEntry[] {
    return [...this.entries.values()];
  }

  body(path: string): Body {
    const { size, content, bytes } = this.held(path);
    return { size, content, bytes };
  }

  scan(): void {}

  destroy(): void {
    this.entries.clear();
  }

  private put(path: string, entry: Partial<Held>): void {
    this.makeDirectory(parentOf(path));
    const content = entry.bytes === undefined ? `#${++this.serial}` : sha256(entry.bytes);
    this.entries.set(path, {
      path,
      content,
      kind: 'file',
      size: 0,
      count: 1,
      openBy: [],
      modified: this.now(),
      ...entry,
      mode: entry.mode ?? 0o644,
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
    });
  }

  private held(path: string): Held {
    const entry = this.entries.get(path);
    if (!entry) throw new Error(`ENOENT: ${path}`);
    return entry;
  }

  private tell(change: FileChange): void {
    for (const listener of this.listeners) listener(change);
  }
}

import {
  appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, Stats,
  symlinkSync, writeFileSync,
} from 'fs';
import { join } from 'path';
import { Body, Content, FileChange, FileEntry, Files, parentOf, sha256 } from './files';

interface Seen {
  /** Different after every change of the content. */
  readonly content: string;
  /** Different after every change of owner or mode. */
  readonly attributes: string;
}

/**
 * A file system that is a real directory, for the demo: real processes write into it, and changes are found by looking.
 * A file counts as closed when no process has it open (A5.1).
 */
export class DirectoryFiles implements Files {
  private readonly listeners: ((change: FileChange) => void)[] = [];
  /** What was told of each file. */
  private readonly told = new Map<string, Seen>();
  /** Changed files that a dead client may have held open, by client. */
  private readonly held = new Map<string, Set<string>>();
  /** What the last look saw: without /proc, a file is closed when two looks see the same. */
  private readonly lastLook = new Map<string, string>();
  /** Real paths of those whose names are not UTF-8, and are held with U+FFFD. */
  private readonly raw = new Map<string, Buffer>();

  readonly directory: string;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.directory = realpathSync(directory);
  }

  onChange(listener: (change: FileChange) => void): void {
    this.listeners.push(listener);
  }

  write(path: string, content: Content): void {
    this.makeDirectory(parentOf(path));
    writeFileSync(this.real(path), content.bytes ?? Buffer.alloc(content.size));
  }

  append(path: string, content: Content): void {
    this.makeDirectory(parentOf(path));
    appendFileSync(this.real(path), content.bytes ?? Buffer.alloc(content.size));
  }

  writeMany(path: string, count: number, size: number): void {
    for (let each = 0; each < count; each++) this.write(`${path}/${each}`, { size });
  }

  close(): void {}

  abandon(client: string): void {
    this.held.set(client, new Set(this.changed()));
  }

  evict(client: string, exportOpenFiles: boolean): void {
    const files = this.held.get(client) ?? [];
    this.held.delete(client);
    if (exportOpenFiles) return;
    for (const path of files) {
      const stats = this.stats(path);
      if (stats) this.told.set(path, seen(stats));
    }
  }

  makeDirectory(path: string): void {
    mkdirSync(this.real(path), { recursive: true });
  }

  makeSymlink(path: string, target: string): void {
    symlinkSync(target, this.real(path));
  }

  import(path: string, body: Body): void {
    this.write(path, body);
    this.told.set(path, seen(this.stats(path)!));
  }

  makeSpecial(path: string): void {
    throw new Error(`a real directory gets no special file: ${path}`);
  }

  setAttributes(path: string, { mode }: Partial<Pick<FileEntry, 'mode' | 'uid' | 'gid'>>): void {
    if (mode !== undefined) chmodSync(this.real(path), mode);
  }

  rename(from: string, to: string): void {
    this.makeDirectory(parentOf(to));
    renameSync(this.real(from), this.real(to));
  }

  remove(path: string): void {
    rmSync(this.real(path), { recursive: true, force: true });
  }

  get(path: string): FileEntry | undefined {
    const stats = this.stats(path);
    return stats && this.entry(path, stats);
  }

  list(): FileEntry[] {
    return this.walk().map(([path, stats]) => this.entry(path, stats));
  }

  body(path: string): Body {
    const file = this.real(path);
    const stats = this.stats(path);
    if (stats?.isDirectory()) return { size: 0, content: sha256('') };
    if (stats?.isSymbolicLink()) return textBody(readlinkSync(file));
    const bytes = readFileSync(file);
    return { size: bytes.length, content: sha256(bytes), bytes };
  }

  scan(): void {
    const present = this.walk();
    const paths = new Set(present.map(([path]) => path));
    for (const path of [...this.told.keys()].filter((each) => !paths.has(each)).reverse()) {
      this.told.delete(path);
      this.tell({ kind: 'removed', path, count: 1 });
    }
    const busy = new Set([...this.held.values()].flatMap((files) => [...files]));
    const candidates = present.filter(([path, stats]) => this.differs(path, stats) && !busy.has(path));
    if (candidates.length === 0) return;
    const open = openFiles();
    for (const [path, stats] of candidates) {
      const now = seen(stats);
      const still = open ? !open.has(this.real(path).toString()) : this.lastLook.get(path) === now.content;
      this.lastLook.set(path, now.content);
      if (!still) continue;
      this.lastLook.delete(path);
      const kind = this.told.get(path)?.content === now.content ? 'attributes' : 'content';
      this.told.set(path, now);
      this.tell({ kind, path, count: 1 });
    }
  }

  destroy(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Paths with changes that were not told yet. */
  private changed(): string[] {
    return this.walk().filter(([path, stats]) => this.differs(path, stats)).map(([path]) => path);
  }

  private differs(path: string, stats: Stats): boolean {
    const before = this.told.get(path);
    const now = seen(stats);
    return before?.content !== now.content || before.attributes !== now.attributes;
  }

  private walk(directory = '/'): [string, Stats][] {
    if (!existsSync(this.real(directory))) return [];
    const names = readdirSync(this.real(directory), { encoding: 'buffer' });
    return names.sort((a, b) => Buffer.compare(a, b)).flatMap((name) => {
      const path = this.pathOf(directory, name);
      const stats = this.stats(path);
      if (!stats) return [];
      return stats.isDirectory() ? [[path, stats] as [string, Stats], ...this.walk(path)] : [[path, stats] as [string, Stats]];
    });
  }

  /** Undefined where the file went while we looked. */
  private stats(path: string): Stats | undefined {
    return lstatSync(this.real(path), { throwIfNoEntry: false });
  }

  private entry(path: string, stats: Stats): FileEntry {
    const kind = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : stats.isFile() ? 'file' : 'special';
    const openBy = [...this.held].filter(([, files]) => files.has(path)).map(([client]) => client);
    const size = kind === 'directory' ? 0 : stats.size;
    return { path, kind, size, count: 1, mode: stats.mode % 0o10000, uid: stats.uid, gid: stats.gid, modified: stats.mtimeMs, openBy };
  }

  private real(path: string): string | Buffer {
    return this.raw.get(path) ?? join(this.directory, path);
  }

  private pathOf(directory: string, name: Buffer): string {
    const real = Buffer.concat([Buffer.from(this.real(directory) as string), Buffer.from('/'), name]);
    let path = `${directory === '/' ? '' : directory}/${name.toString()}`;
    if (real.equals(Buffer.from(real.toString()))) return path;
    while (this.raw.get(path)?.equals(real) === false) path += '\uFFFD'; // \xfe and \xff read the same
    this.raw.set(path, real);
    return path;
  }

  private tell(change: FileChange): void {
    for (const listener of this.listeners) listener(change);
  }
}

function textBody(text: string): Body {
  return { size: Buffer.byteLength(text), content: sha256(text), bytes: text };
}

function seen(stats: Stats): Seen {
  // A directory's size and time change with what is in it: that is no change of its own.
  const content = stats.isDirectory() ? `${stats.ino}` : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
  return { content, attributes: `${stats.mode} ${stats.uid} ${stats.gid}` };
}

/** Files that some process has open; undefined where /proc does not tell. */
function openFiles(): Set<string> | undefined {
  if (!existsSync('/proc/self/fd')) return undefined;
  const open = new Set<string>();
  const attempt = <T>(look: () => T, otherwise: T): T => {
    try {
      return look();
    } catch {
      return otherwise; // a process of somebody else, or one that has just ended
    }
  };
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`), [])) open.add(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''));
  }
  return open;
}

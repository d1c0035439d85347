import { FileEntry, Files, isIn, normal } from './files';

/** `mount` ended with this exit status. */
export class MountFailed extends Error {
  constructor(readonly exitStatus: number, message: string) {
    super(message);
    this.name = 'MountFailed';
  }
}

/** A file system as one host sees it. Paths are relative to where it is mounted. */
export interface MountedFileSystem {
  readonly fileSystemId: string;
  readonly clientId: string;
  /** Replaces the content and keeps the file open: nothing of it is exported before `close` (A5.1). */
  write(path: string, size: number, content?: string | Buffer): void;
  append(path: string, size: number, content?: string | Buffer): void;
  close(path: string): void;
  /** Writes and closes. */
  save(path: string, size: number, content?: string | Buffer): void;
  /** That many equal files of that many bytes, as one entry of a list. */
  saveMany(path: string, count: number, size: number): void;
  /** Content of a file; undefined if there is no such file, or if only its size is known. */
  read(path: string): string | Buffer | undefined;
  /** The real file or directory, where the world keeps real files. */
  realPath(path?: string): string | undefined;
  stat(path: string): FileEntry | undefined;
  /** All that is below a directory. */
  list(directory?: string): FileEntry[];
  makeDirectory(path: string): void;
  makeSymlink(path: string, target: string): void;
  makeSpecial(path: string): void;
  setAttributes(path: string, attributes: Partial<Pick<FileEntry, 'mode' | 'uid' | 'gid'>>): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** The same mount, seen from a directory of it: a bind mount. */
  within(directory: string): MountedFileSystem;
  /** Closes what is open, and goes. */
  unmount(): void;
}

/** What a view needs of its file system. */
interface Mounted {
  readonly id: string;
  readonly files: Files;
  advance(): void;
}

export class View implements MountedFileSystem {
  /** The host is gone, or the file system. */
  dead = false;

  constructor(private readonly mounted: Mounted, readonly clientId: string, private readonly left: () => void, private readonly base = '/',
    private readonly whole?: View) {}

  get fileSystemId(): string {
    return this.mounted.id;
  }

  write(path: string, size: number, content?: string | Buffer): void {
    this.files.write(this.at(path), { size, bytes: content }, this.clientId);
  }

  append(path: string, size: number, content?: string | Buffer): void {
    this.files.append(this.at(path), { size, bytes: content }, this.clientId);
  }

  close(path: string): void {
    this.files.close(this.at(path), this.clientId);
  }

  save(path: string, size: number, content?: string | Buffer): void {
    this.write(path, size, content);
    this.close(path);
  }

  saveMany(path: string, count: number, size: number): void {
    this.files.writeMany(this.at(path), count, size);
  }

  read(path: string): string | Buffer | undefined {
    return this.files.get(this.at(path))?.kind === 'file' ? this.files.body(this.at(path)).bytes : undefined;
  }

  realPath(path = '.'): string | undefined {
    const { directory } = this.mounted.files;
    return directory === undefined ? undefined : normal(`${directory}/${this.at(path)}`);
  }

  stat(path: string): FileEntry | undefined {
    return this.files.get(this.at(path));
  }

  list(directory = '.'): FileEntry[] {
    const from = this.at(directory);
    return this.files.list().filter(({ path }) => path !== from && isIn(path, from));
  }

  makeDirectory(path: string): void {
    this.files.makeDirectory(this.at(path));
  }

  makeSymlink(path: string, target: string): void {
    this.files.makeSymlink(this.at(path), target);
  }

  makeSpecial(path: string): void {
    this.files.makeSpecial(this.at(path));
  }

  setAttributes(path: string, attributes: Partial<Pick<FileEntry, 'mode' | 'uid' | 'gid'>>): void {
    this.files.setAttributes(this.at(path), attributes);
  }

  rename(from: string, to: string): void {
    this.files.rename(this.at(from), this.at(to));
  }

  remove(path: string): void {
    this.files.remove(this.at(path));
  }

  within(directory: string): MountedFileSystem {
    return new View(this.mounted, this.clientId, this.left, this.at(directory), this.whole ?? this);
  }

  unmount(): void {
    if ((this.whole ?? this).dead) return; // the file system is gone, or the client is waiting for its eviction
    for (const { path } of this.files.list().filter(({ openBy }) => openBy.includes(this.clientId))) this.files.close(path, this.clientId);
    (this.whole ?? this).dead = true;
    this.left();
  }

  private get files(): Files {
    if ((this.whole ?? this).dead) throw new Error(`EIO: ${this.mounted.id} is not mounted any more`);
    // What was due before this access is exported as it was then.
    this.mounted.advance();
    return this.mounted.files;
  }

  private at(path: string): string {
    return normal(`${this.base}/${path}`);
  }
}

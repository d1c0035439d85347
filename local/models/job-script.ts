import { Clock } from '../clock';
import { MountedFileSystem } from './mount';

/** What a program does with the files of a file system. */
export type FileActions = Omit<MountedFileSystem, 'fileSystemId' | 'clientId' | 'within' | 'unmount'>;

/**
 * The files of a container. A relative path is one below its first mounted volume; an absolute path outside every
 * volume is on the instance's own disk. `list` gives paths relative to the directory that was asked for.
 */
export type JobFiles = FileActions;

/** One attempt of a job, as the program in its container sees it. */
export interface RunningJob extends JobFiles {
  readonly jobId: string;
  readonly jobName: string;
  /** 1 for the first (D5.2). */
  readonly attempt: number;
  readonly instanceId: string;
  readonly environment: Record<string, string>;
  readonly command: string[];
  readonly image: string;
  readonly clock: Clock;
  /** The real directory behind the first volume, where the world keeps real files. */
  readonly directory?: string;
  /** Lets time of the world pass. Rejects when the container is killed meanwhile: the script ends there. */
  wait(seconds: number): Promise<void>;
  /** Ends the script with this exit code. */
  exit(code: number): never;
  /** Waits for real work, e.g. a child process, in which no virtual time passes. Rejects when the container is killed. */
  during<T>(work: Promise<T>): Promise<T>;
  /** SIGTERM: 30 seconds are left. */
  onTerminate(callback: () => void): void;
  /** SIGKILL, or the host is gone: nothing that the script does from now on counts. */
  onKill(callback: () => void): void;
}

/** What a container does in one attempt. Returning means exit code 0, throwing means 1. */
export type JobScript = (job: RunningJob) => void | Promise<void>;

/** Thrown into a script whose container was killed. */
export class JobKilled extends Error {}

class JobExit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export type JobDetails = Pick<RunningJob, 'jobId' | 'jobName' | 'attempt' | 'instanceId' | 'environment' | 'command' | 'image'>;

/** Runs a script once. */
export class Container {
  private readonly open = new Set<string>();
  private readonly onTerminate: (() => void)[] = [];
  private readonly onKill: (() => void)[] = [];
  private readonly interrupts = new Set<(error: Error) => void>();
  private over = false;

  constructor(
    private readonly clock: Clock,
    private readonly details: JobDetails,
    private readonly files: JobFiles,
    /** Called once when the program ends by itself; an error is one that the script did not mean as an exit. */
    private readonly ended: (exitCode: number, error?: unknown) => void,
  ) {}

  start(script: JobScript): void {
    const run = async () => script(this.view());
    run().then(() => this.end(0), (error) => error instanceof JobExit ? this.end(error.code) : this.end(1, error));
  }

  terminate(): void {
    if (!this.over) this.onTerminate.forEach((callback) => callback());
  }

  /** Ends it from outside. The kernel of a living host closes the files that were open; those of a dead host stay open. */
  kill(hostLives: boolean): void {
    if (this.over) return;
    if (hostLives) this.closeAll();
    this.over = true;
    this.onKill.forEach((callback) => callback());
    this.interrupts.forEach((reject) => reject(new JobKilled('the container was killed')));
  }

  private end(exitCode: number, error?: unknown): void {
    if (this.over) return;
    this.closeAll();
    this.over = true;
    this.ended(exitCode, error);
  }

  private closeAll(): void {
    for (const path of this.open) {
      try {
        this.files.close(path);
      } catch {
        // the file system is gone, and the file with it
      }
    }
    this.open.clear();
  }

  private interruptible<T>(work: Promise<T>): Promise<T> {
    if (this.over) return Promise.reject(new JobKilled('the container was killed'));
    return new Promise<T>((resolve, reject) => {
      this.interrupts.add(reject);
      work.then(resolve, reject).finally(() => this.interrupts.delete(reject));
    });
  }

  private view(): RunningJob {
    const { files, open, clock } = this;
    return {
      ...this.details,
      clock,
      directory: files.realPath(),
      ...this.whileAlive({
        ...files,
        write: (path, size, content) => {
          files.write(path, size, content);
          open.add(path);
        },
        append: (path, size, content) => {
          files.append(path, size, content);
          open.add(path);
        },
        close: (path) => {
          files.close(path);
          open.delete(path);
        },
        rename: (from, to) => {
          files.rename(from, to);
          if (open.delete(from)) open.add(to);
        },
        remove: (path) => {
          files.remove(path);
          open.delete(path);
        },
      }),
      wait: (seconds) => this.interruptible(new Promise<void>((resolve) => clock.after(seconds * 1000, resolve))),
      exit: (code) => {
        throw new JobExit(code);
      },
      during: (work) => this.interruptible(clock.during(work)),
      onTerminate: (callback) => this.onTerminate.push(callback),
      onKill: (callback) => this.onKill.push(callback),
    };
  }

  /** After a kill a program does nothing any more: what its script still tries ends it. */
  private whileAlive(files: JobFiles): JobFiles {
    const guarded = Object.entries(files).map(([name, method]) => [name, (...parameters: unknown[]) => {
      if (this.over) throw new JobKilled('the container was killed');
      return (method as (...all: unknown[]) => unknown)(...parameters);
    }]);
    return Object.fromEntries(guarded) as unknown as JobFiles;
  }
}

import { spawn } from 'child_process';
import { statSync } from 'fs';
import { join } from 'path';
import { createInterface } from 'readline';
import { JobScript } from '../models/job-script';

export const JOB_PROGRAM = join(__dirname, 'job.mjs');

export interface JobAttempt {
  /** Over all submissions of the job. */
  readonly number: number;
  readonly instanceId: string;
}

/** What is known of the job's files from the job's own words, whatever becomes of them afterwards. */
export class JobWatcher {
  /** Written and closed, and not opened again since. */
  readonly closed = new Set<string>();
  /** Opened for writing and not closed; begun: some of it is there. */
  writing?: { readonly path: string; readonly size: number; readonly begun: boolean };
  /** Each SIGKILL, in words. */
  readonly kills: string[] = [];
  private attempts = 0;
  onStart: (attempt: JobAttempt) => void = () => undefined;
  /** Called after each line of the job. */
  onLine: (attempt: JobAttempt) => void = () => undefined;
  onEnd: (attempt: JobAttempt, how: 'succeeded' | 'killed' | 'failed', note?: string) => void = () => undefined;
  start(instanceId: string): JobAttempt {
    const attempt = { number: ++this.attempts, instanceId };
    this.onStart(attempt);
    return attempt;
  }

  read(attempt: JobAttempt, line: string): void {
    const [word, path, size] = line.split('\t');
    if (word === 'open' || word === 'begun') {
      this.closed.delete(path);
      this.writing = { path, size: Number(size), begun: word === 'begun' };
    } else if (word === 'close') {
      this.closed.add(path);
      this.writing = undefined;
    }
    this.onLine(attempt);
  }

  killed(attempt: JobAttempt, directory: string): void {
    const written = this.writing && statSync(join(directory, this.writing.path), { throwIfNoEntry: false })?.size;
    const note = this.writing && written !== undefined
      ? `SIGKILL while it wrote "${this.writing.path}": ${written} of ${this.writing.size} bytes were there` : 'SIGKILL between two files';
    this.kills.push(`attempt ${attempt.number}: ${note}`);
    this.onEnd(attempt, 'killed', note);
  }
}

/** A job whose container is a real process, its working directory the mounted file system. */
export function processJob(program: string, watcher: JobWatcher): JobScript {
  return async (job) => {
    const { directory } = job;
    if (!directory) throw new Error('this world keeps no real files');
    const attempt = watcher.start(job.instanceId);
    const child = spawn(process.execPath, [program, ...job.command.slice(job.command.findIndex((word) => word.startsWith('--')))], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface(child.stdout).on('line', (line) => watcher.read(attempt, line));
    const over = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      // closed, not just ended: the last words have been read
      child.once('close', (code, signal) => {
        if (signal === 'SIGKILL') watcher.killed(attempt, directory);
        else watcher.onEnd(attempt, code === 0 ? 'succeeded' : 'failed', code === 0 ? undefined : `exit code ${code}, signal ${signal}`);
        resolve(code);
      });
    });
    job.onTerminate(() => child.kill('SIGTERM'));
    job.onKill(() => child.kill('SIGKILL'));
    const code = await job.during(over);
    if (code !== 0) job.exit(code ?? 137);
  };
}

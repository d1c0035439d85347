import { World } from '../world';
import { reading } from './checks';

/** What came with the create call. */
export interface TaskReport {
  readonly Enabled: boolean;
  readonly Path?: string;
  readonly Format?: string;
  readonly Scope?: string;
}

/** A file that a task could not export, and the code that its report gives (A8.7). */
export interface FailedFile {
  /** From the root of the file system, `/export/a`. */
  readonly path: string;
  readonly code: string;
}

/** Key of a task's report (A8.3); its own id begins with `task-` already. */
export function reportKey(world: World, directory: string, taskId: string): string {
  const folder = reading(world, 'reportPath', 'once') === 'once' ? taskId : `task-${taskId}`;
  return [...directory.replace(/^s3:\/\/[^/]+/, '').split('/').filter((part) => part !== ''), folder, 'failures.csv'].join('/');
}

/** The report as it lies in the bucket (LG:task-completion-report). */
export function reportText(world: World, failed: FailedFile[]): Buffer {
  const status = reading(world, 'reportStatus', 'failed');
  const relative = reading(world, 'reportFilePath', 'relative') === 'relative';
  const header = reading(world, 'reportHeader', 'no') === 'yes' ? ['FilePath,FileStatus,ErrorCode'] : [];
  const lines = failed.map(({ path, code }) => `${field(relative ? path.slice(1) : path)},${status},${code}`);
  return rawBytes([...header, ...lines].map((line) => `${line}\n`).join(''));
}

/** `@a` becomes `"""@a"""`, `a,b` becomes `"a,b"`, `a"b` becomes `"a""b"`, as the guide's examples have it. */
function field(path: string): string {
  const guarded = /^[@+\-=]/.test(path) ? `"${path}"` : path;
  return /[",\n\r]/.test(guarded) ? `"${guarded.replace(/"/g, '""')}"` : guarded;
}

/** A name that is not UTF-8 is held with U+FFFD; the service writes the byte that it has. */
function rawBytes(text: string): Buffer {
  const parts = text.split('\uFFFD').map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part, index) => index === 0 ? [part] : [Buffer.from([0xff]), part]));
}

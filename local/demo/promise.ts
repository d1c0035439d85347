import Table from 'cli-table3';
import pc from 'picocolors';
import { Comparison, Entry, isComplete } from './comparison';
import { DemoResult } from './demo-run';
import { DemoFault, FAULTS, PromisedEnd } from './faults';
import { bytes, count } from '../pictures/text';

const SHOWN = 3;
const LONGEST_NAME = 60;
const STYLE = { style: pc.isColorSupported ? { head: ['bold'], border: ['gray'], compact: false } : { head: [], border: [], compact: false } };

/** `--list-faults`. */
export function faultsTable(columns = process.stdout.columns ?? 150): string {
  const width = Math.max(26, Math.min(60, Math.floor((columns - 33) / 2)));
  const table = new Table({ ...STYLE, head: ['--fault', 'What happens', 'The promised end'], colWidths: [29, width, width], wordWrap: true });
  for (const { name, says, promise, expected } of FAULTS) table.push([name, says, `${promise}\n(${inWords(expected)})`]);
  return table.toString();
}

/** An end in a few words: `FAILED JobFailed, the file system is deleted`. */
export function inWords({ status, error, fileSystem, cleanedUpFromOutside }: PromisedEnd): string {
  return `${[status, error].filter(Boolean).join(' ')}, the file system is ${fileSystem}${cleanedUpFromOutside ? ' by a clean-up from outside' : ''}`;
}

/** Whether the end that was promised for the fault has come, by what is really there. */
export function judgePromise(result: DemoResult, comparison: Comparison, { expected }: DemoFault): { ok: boolean; sentence: string } {
  const cleaned = result.cleanUps.some(({ status, report }) => status === 'SUCCEEDED' && report?.fileSystem?.deleted === true);
  const { status, error, fileSystem } = result;
  const came: Record<keyof PromisedEnd, unknown> = {
    status, error, fileSystem, cleanedUpFromOutside: cleaned, notExported: failedFilesOf(result)?.total ?? 0,
  };
  const promised: typeof came = { cleanedUpFromOutside: false, notExported: 0, error: undefined, ...expected };
  const others = (Object.keys(came) as (keyof PromisedEnd)[]).filter((key) => came[key] !== promised[key]);
  const lost = isComplete(comparison) ? 'no byte is lost' : 'but NOT every byte is safe';
  const says = others.map((key) => `${key} is ${came[key] ?? 'none'}, not ${promised[key] ?? 'none'}`).join('; ');
  if (others.length > 0) return { ok: false, sentence: `the promised end did NOT come: ${inWords(expected)} was promised, but ${says}; ${lost}` };
  return { ok: isComplete(comparison), sentence: `the promised end came: ${inWords(expected)}; ${lost}` };
}

/** What the export task could not export, by the run's own report. */
function failedFilesOf({ report, cleanUps }: DemoResult) {
  const last = cleanUps[cleanUps.length - 1]?.report ?? report;
  return last?.export?.evidence?.failedFiles as { total: number; byReason: Record<string, { count: number; files: string[]; fix: string }> } | undefined;
}

/** Where the files are that the job has written. */
export function filesTable(result: DemoResult, written: readonly Entry[], { kept, missing, differing }: Comparison): string {
  const table = new Table({ ...STYLE, head: ['Where the files are', 'Files', 'Bytes', 'Some of them'], colAligns: ['left', 'right', 'right', 'left'] });
  const sum = (entries: readonly Entry[]) => bytes(entries.reduce((total, { size }) => total + size, 0));
  const row = (where: string, entries: readonly Entry[]) => table.push([where, count(entries.length), sum(entries), names(entries.map(({ path }) => path))]);
  const elsewhere = new Set([...kept, ...missing, ...differing]);
  row('in the bucket, byte for byte', written.filter(({ path }) => !elsewhere.has(path)));
  if (kept.length > 0) row('only on the file system, which is kept', written.filter(({ path }) => kept.includes(path)));
  for (const [reason, { count: files, files: paths, fix }] of Object.entries(failedFilesOf(result)?.byReason ?? {})) {
    table.push([`not exported: ${reason}`, count(files), '', `${names(paths)}\n${fix}`]);
  }
  if (missing.length + differing.length > 0) row(pc.red('LOST'), written.filter(({ path }) => missing.includes(path) || differing.includes(path)));
  return table.toString();
}

/** Each file that the job has written, in lines: where it is, its size, its path. */
export function fileList(written: readonly Entry[], { kept, missing, differing }: Comparison): string {
  const where = (path: string) => kept.includes(path) ? 'on the file system' : missing.includes(path) || differing.includes(path) ? 'LOST' : 'in the bucket';
  return written.map(({ path, size }) => `${where(path)}\t${size}\t${path}\n`).join('');
}

function names(paths: readonly string[]): string {
  const short = (path: string) => path.length > LONGEST_NAME ? `${path.slice(0, LONGEST_NAME - 16)} … ${path.slice(-13)}` : path;
  return [...paths.slice(0, SHOWN).map(short), ...(paths.length > SHOWN ? [`and ${count(paths.length - SHOWN)} more`] : [])].join('\n');
}

/** The error and cause of an execution, whole, as a person finds them in the console. */
export function causeText({ error, cause }: Pick<DemoResult, 'error' | 'cause'>): string {
  if (!error && !cause) return '';
  const bar = pc.dim('│ ');
  return [pc.bold('What somebody who looks at the execution reads'), ...[`Error  ${error ?? 'none'}`, '', ...(cause ?? 'no cause').split('\n')].map((line) => bar + line)].join('\n');
}

/** What was done from outside of the execution. */
export function cleanerText({ decisions, cleanUps }: DemoResult): string {
  const executions = cleanUps.flatMap(({ name, status, error, cause, report }) => [
    `  execution ${name}: ${[status, error].filter(Boolean).join(' ')}; file system ${report?.fileSystem?.deleted ? 'deleted' : 'not deleted'}, export ${report?.export?.reason ?? 'unknown'}`,
    ...(cause ?? '').split('\n').filter(Boolean).map((line) => `    ${line}`),
  ]);
  return [pc.bold('What the cleaner did'), ...(decisions.length ? decisions.map((each) => `  ${each}`) : ['  nothing: it saw nothing to do']), ...executions].join('\n');
}

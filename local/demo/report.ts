import Table from 'cli-table3';
import pc from 'picocolors';
import { compare, Comparison, Entry, isComplete } from './comparison';
import { DemoResult } from './demo-run';
import { PassedState } from './recorder';
import { bytes, count, duration } from '../pictures/text';

const LISTED = 10;
const FILE_SYSTEM = { deleted: 'deleted, and its directory with it', kept: 'kept', none: 'none was created' };
const HEAD = { style: pc.isColorSupported ? { head: ['bold'], border: ['gray'], compact: true } : { head: [], border: [], compact: true } };
/** The job's own memory: in a run that ended early nobody can say how far it was. */
const CHECKPOINT = /^checkpoint\.json(\.tmp)?$/;

export interface Verdict {
  readonly comparison: Comparison;
  readonly ok: boolean;
  readonly sentence: string;
}

/** What the job has written and closed, by the seed; a job that ended early also had a checkpoint, of which nobody can say how far it was. */
export function writtenFiles({ status, closed }: DemoResult, all: readonly Entry[]): readonly Entry[] {
  return status === 'SUCCEEDED' ? all : all.filter(({ path }) => closed.has(path));
}

/** Whether every byte is where it belongs, from what the job wrote and what is in the bucket: not from what the workflow says. */
export function judge(result: DemoResult, all: readonly Entry[]): Verdict {
  const succeeded = result.status === 'SUCCEEDED';
  const written = writtenFiles(result, all);
  const isPart = (path: string) => CHECKPOINT.test(path) || all.some((entry) => entry.path === path);
  const comparison = compare(written, result.inBucket, { onFileSystem: result.onFileSystem, mayBeThere: succeeded ? undefined : isPart });
  const complete = isComplete(comparison);
  const files = `${count(written.length)} files`;
  const where = comparison.kept.length === 0 ? 'is in the bucket, byte for byte'
    : `is in the bucket (${count(comparison.identical)}) or still on the file system, which was kept (${count(comparison.kept.length)})`;
  if (!complete) {
    const { missing, differing, extra } = comparison;
    return { comparison, ok: false, sentence: `NOT every byte is safe: ${missing.length} missing, ${differing.length} differing, ${extra.length} unexpected.` };
  }
  if (!succeeded && written.length === 0) {
    return { comparison, ok: false, sentence: `The run ended ${result.status} with ${result.error ?? 'no error of its own'}; nothing had been written.` };
  }
  if (!succeeded) {
    return {
      comparison,
      ok: false,
      sentence: `The run ended ${result.status} with ${result.error ?? 'no error of its own'}; no byte is lost: each of the ${files} that the job had written and closed ${where}.`,
    };
  }
  if (result.fileSystem !== 'deleted') return { comparison, ok: false, sentence: `Each of the ${files} ${where}, but the file system is still there.` };
  return { comparison, ok: true, sentence: `Each of the ${files} ${where}, and the file system is gone.` };
}

export function statesTable(states: readonly PassedState[], scale: number): string {
  const table = new Table({ ...HEAD, head: ['State', 'Type', 'Part of the run', 'Passed', 'First at', 'Took', 'Real seconds'], colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'right'] });
  for (const { name, type, phase, visits, failures, firstAt, milliseconds } of states) {
    table.push([failures ? pc.red(`${name} ✗`) : name, type, phase, `${visits} ×`, duration(firstAt), duration(milliseconds), (milliseconds / scale / 1000).toFixed(2)]);
  }
  const total = states.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  table.push([pc.bold('all'), '', '', `${count(states.reduce((sum, { visits }) => sum + visits, 0))} ×`, '', duration(total), (total / scale / 1000).toFixed(2)]);
  return table.toString();
}

export function comparisonTable({ expected, found, identical, kept, missing, differing, extra }: Comparison): string {
  const table = new Table({ ...HEAD, head: ['S3 comparison', 'Files', 'Bytes'], colAligns: ['left', 'right', 'right'] });
  const bad = (paths: string[]) => (paths.length ? pc.red(count(paths.length)) : pc.green('0'));
  table.push(
    ['expected (from the seed)', count(expected.files), bytes(expected.bytes)],
    ['in the bucket', count(found.files), bytes(found.bytes)],
    ['identical (SHA-256 of each)', count(identical), ''],
    ...kept.length ? [['only on the kept file system', count(kept.length), '']] : [],
    ['missing', bad(missing), ''],
    ['differing', bad(differing), ''],
    ['unexpected', bad(extra), ''],
  );
  const list = (what: string, paths: string[]) => paths.slice(0, LISTED).map((path) => `  ${what}: ${path}`)
    .concat(paths.length > LISTED ? [`  ${what}: and ${count(paths.length - LISTED)} more`] : []);
  return [table.toString(), ...list('missing', missing), ...list('differing', differing), ...list('unexpected', extra)].join('\n');
}

/** What the run says of itself, in a few lines. */
export function summary(result: DemoResult): string {
  const { export: verdict } = [...result.cleanUps].pop()?.report ?? result.report ?? {};
  const lines: [string, string][] = [
    ['execution', result.status === 'SUCCEEDED' ? pc.green(result.status) : pc.red([result.status, result.error].filter(Boolean).join(': '))],
    ...result.kills.map((kill): [string, string] => ['SPOT reclaim', kill]),
    ...verdict?.reason ? [['drain', String(verdict.reason)] as [string, string]] : [],
    ['file system', FILE_SYSTEM[result.fileSystem]],
  ];
  return lines.map(([name, text]) => `${pc.bold(name.padEnd(13))} ${text}`).join('\n');
}

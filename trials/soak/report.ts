import Table from 'cli-table3';
import pc from 'picocolors';
import { Verdict, Violation, Wrong } from './judge';
import { duration } from '../../local/pictures/text';

/** How many schedules ended how. */
export interface Tally {
  schedules: number;
  readonly endedBy: Record<string, number>;
  readonly cleanUps: Record<string, number>;
  readonly kept: Record<string, number>;
  /** Schedules by what they violate. */
  readonly wrong: Record<Wrong, number>;
  longestHistory: number;
}

export interface Fish {
  readonly index: number;
  readonly violations: Violation[];
}

export interface SoakReport extends Tally {
  readonly runs: number;
  readonly seed: number;
  readonly seconds: number;
  readonly fish: Fish[];
}

export const newTally = (): Tally => ({
  schedules: 0,
  endedBy: {},
  cleanUps: {},
  kept: {},
  wrong: { 'lost': 0, 'leaked': 0, 'without end': 0, 'without a named reason': 0, 'other': 0 },
  longestHistory: 0,
});

/** Adds what became of one schedule. */
export function count(tally: Tally, { endedBy, cleanUps, kept, violations, longestHistory }: Verdict): void {
  const add = (counts: Record<string, number>, names: string[]) => names.forEach((name) => { counts[name] = (counts[name] ?? 0) + 1; });
  tally.schedules++;
  add(tally.endedBy, endedBy);
  add(tally.cleanUps, cleanUps);
  add(tally.kept, kept);
  add(tally.wrong, [...new Set(violations.map((each) => each.is))]);
  tally.longestHistory = Math.max(tally.longestHistory, longestHistory);
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, each) => all + each, 0);

function histogram(title: string, counts: Record<string, number>): string {
  const rows = Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return [pc.bold(title), ...rows.map(([name, each]) => `  ${each.toLocaleString('en').padStart(7)}  ${name}`)].join('\n');
}

export function render(report: SoakReport): string {
  const { wrong } = report;
  const table = new Table({ colAligns: ['left', 'right'], style: { head: [], border: [] } });
  const verdict = (each: number) => each === 0 ? pc.green('0') : pc.red(String(each));
  table.push(
    ['schedules', report.schedules.toLocaleString('en')],
    ['runs in them', sum(report.endedBy).toLocaleString('en')],
    ['clean-ups in them', sum(report.cleanUps).toLocaleString('en')],
    ...Object.entries(wrong).filter(([name, each]) => name !== 'other' || each > 0).map(([name, each]) => [name, verdict(each)]),
    ['kept for a reason', sum(report.kept).toLocaleString('en')],
    ['longest history', `${report.longestHistory.toLocaleString('en')} events`],
    ['it took', duration(1000 * report.seconds)],
  );
  return [histogram('runs ended by', report.endedBy), histogram('clean-ups ended by', report.cleanUps), histogram('file systems kept, and why', report.kept), table.toString()].join('\n\n');
}

import Table from 'cli-table3';
import pc from 'picocolors';
import { BAD, Cell, Keeping, OUTCOMES, Result } from './cell';

/** Names of classes that belong together, in one row: what stands before the colon. */
const row = ({ class: name }: Result) => name;

interface Line {
  readonly name: string;
  readonly results: Result[];
}

function lines(results: readonly Result[]): Line[] {
  const names = [...new Set(results.map(row))];
  const all = names.map((name) => ({ name, results: results.filter((each) => row(each) === name) }));
  return [...all, { name: 'all', results: [...results] }];
}

const HEAD = ['class of fault', 'cells', ...OUTCOMES];
const WIDTHS = [40, 7, 8, 16, 34, 6, 8, 8, 9, 8];

function cells({ name, results }: Line): string[] {
  return [name, `${results.length}`, ...OUTCOMES.map((outcome) => {
    const found = results.filter((each) => each.outcome === outcome);
    return outcome === 'kept and reported' && found.length > 0 ? `${found.length} (${causes(found)})` : `${found.length}`;
  })];
}

function causes(results: Result[]): string {
  const counts = new Map<Keeping, number>();
  for (const { keeping } of results) counts.set(keeping!, (counts.get(keeping!) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([keeping, count]) => counts.size === 1 ? keeping : `${keeping}: ${count}`).join(', ');
}

/** For a terminal. */
export function table(results: readonly Result[]): string {
  const found = new Table({ head: HEAD, wordWrap: true, style: { head: pc.isColorSupported ? ['bold'] : [], border: [], compact: true }, colWidths: WIDTHS, colAligns: ['left', ...HEAD.slice(1).map(() => 'right' as const)] });
  const marked = (text: string, index: number) => index > 0 && BAD.includes(HEAD[index] as typeof BAD[number]) && text !== '0' ? pc.red(text) : text;
  found.push(...lines(results).map((line) => cells(line).map(marked)));
  return found.toString();
}

/** For the documentation: the same for the same cells, whoever runs them and how long it takes. */
export function markdown(results: readonly Result[]): string {
  const text = (columns: string[]) => `| ${columns.join(' | ')} |`;
  return [
    '# Fault matrix',
    '',
    '`npm run matrix -- --summary docs/fault-matrix.md` wrote this file. Each cell is one fault at one place, so many times, in a world of its own,',
    'judged against the ground truth of the local models after the outside cleaner\'s next sweeps.',
    '',
    text(HEAD),
    text(HEAD.map((_, index) => index === 0 ? '---' : '--:')),
    ...lines(results).map((line) => text(cells(line))),
    '',
    '- **ended well**: the run succeeded, everything is in S3, nothing is left.',
    '- **named failure, then clean**: the run ended with a name, everything is in S3, nothing is left.',
    '- **kept and reported**: the file system is still there, tagged with the reason, and a run or clean-up tells so.',
    '- **LOST**, **LEAKED**, **NO END**, **UNNAMED**: invariants I1, I8, I9; I2; I3; I4. **BROKEN**: I5 to I7, or a rehearsal that could not be made.',
    '',
  ].join('\n');
}

/** Classes of which a written summary has another number of cells: it is older than they are. */
export function outdated(all: readonly Pick<Cell, 'class'>[], written: string): string[] {
  const counts = new Map<string, number>();
  for (const { class: name } of all) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].filter(([name, count]) => !written.includes(`\n| ${name} | ${count} |`)).map(([name, count]) => `${name}: ${count} cells`);
}

export const bad = (results: readonly Result[]) => results.filter(({ outcome }) => BAD.includes(outcome));

import { mkdirSync, readFileSync, writeFileSync } from 'fs';
import { dirname, join } from 'path';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import pc from 'picocolors';
import { Cell, Result } from './cell';
import { allCells, choose } from './cells';
import { bad, markdown, outdated, table } from './summary';
import { wholeNumber } from '../../local/whole-number';
import { Pool, PROCESSES } from '../pool';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

const BAD_ARGUMENTS = 2;
/** No cell takes a tenth of it. */
const LONGEST_SECONDS = 180;

interface Arguments {
  readonly only?: string;
  readonly cell?: string;
  readonly sample?: number;
  readonly seed: number;
  readonly summary?: string;
  readonly like?: string;
  readonly list?: boolean;
}

function program(): Command {
  return new Command('npm run matrix --')
    .description('Runs the synthesized state machine in the local engine with one fault in each world, at every place and as often as there is a cell for it, '
      + 'and judges what is left after the outside cleaner\'s next sweeps.')
    .option('--only <class>', 'only the classes of fault whose name contains this')
    .option('--cell <name>', 'only this cell, with all that was found')
    .option('--sample <number>', 'only so many cells, some of each class', wholeNumber(1, 100_000))
    .option('--seed <number>', 'decides which ones', wholeNumber(0, 2 ** 31), 1)
    .option('--summary <file>', 'writes the table of the whole matrix as Markdown')
    .option('--like <file>', 'fails where the classes and the numbers of cells are not those of this summary')
    .option('--list', 'names the cells and runs none')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : BAD_ARGUMENTS));
}

async function main(): Promise<number> {
  const command = program();
  const options = command.parse(process.argv).opts<Arguments>();
  const say = (text = '') => process.stdout.write(`${text}\n`);
  const isPart = [options.only, options.cell, options.sample].some((each) => each !== undefined);
  if (options.summary !== undefined && isPart) command.error('error: a summary is of the whole matrix: use --summary without --only, --cell and --sample');
  const started = performance.now();
  const cells = await allCells();
  const chosen = choose(cells, options);
  if (chosen.length === 0) command.error(`error: of ${cells.length} cells none is ${options.cell ?? `of a class with ${options.only}`}`);
  if (options.list) {
    for (const { class: name, name: cell } of chosen) say(`${name}\t${cell}`);
    return 0;
  }
  const differs = options.like === undefined ? [] : outdated(cells, readFileSync(options.like, 'utf8'));
  if (differs.length > 0) {
    say(pc.red(`${options.like} is not of these cells; write it again: npm run matrix -- --summary ${options.like}\n  ${differs.join('\n  ')}`));
    return 1;
  }
  say(`${pc.bold(`${chosen.length}`)} of ${cells.length} cells, in ${PROCESSES} processes\n`);

  const results = await run(chosen, say);
  const failures = bad(results);
  if (options.cell !== undefined) for (const { outcome, end, found } of results) say([`${pc.bold(outcome)}: ${end}`, ...found, ''].join('\n'));
  say(table(results));
  if (options.summary !== undefined) {
    mkdirSync(dirname(options.summary), { recursive: true });
    writeFileSync(options.summary, markdown(results));
    say(`\n${pc.bold('summary')}  ${options.summary}`);
  }
  for (const { outcome, name, end, found } of failures) {
    say(`\n${pc.red(outcome)}  ${end}\n  ${found.slice(0, 5).join('\n  ')}\n  npm run matrix -- --cell ${quoted(name)}`);
  }
  say(`\n${pc.bold('it took')}  ${((performance.now() - started) / 1000).toFixed(0)} s`);
  say(failures.length === 0 ? pc.green('Nothing lost, nothing leaked; every run ended with a name.') : pc.red(`${failures.length} bad cells.`));
  return failures.length === 0 ? 0 : 1;
}

/** A bar on a terminal, else a line for each tenth and each bad cell. */
async function run(cells: readonly Cell[], say: (text: string) => void): Promise<Result[]> {
  const bar = process.stdout.isTTY ? new SingleBar({ format: '{bar} {value}/{total} cells, {bad} bad, {eta_formatted} to go', hideCursor: true }) : undefined;
  const byName = new Map(cells.map((cell) => [cell.name, cell]));
  const results = new Map<string, Result>();
  let failures = 0;
  bar?.start(cells.length, 0, { bad: 0 });
  const pool = new Pool<string, Result>({ worker: join(__dirname, 'worker.ts'), patienceSeconds: LONGEST_SECONDS });
  await pool.run(byName.keys(), (name, outcome) => {
    const result: Result = 'answer' in outcome ? outcome.answer
      : { class: byName.get(name)!.class, name, outcome: outcome.failed === 'hangs' ? 'NO END' : 'BROKEN', end: `its process ${outcome.says}`, found: [] };
    results.set(name, result);
    const isBad = bad([result]).length > 0;
    failures += Number(isBad);
    bar?.update(results.size, { bad: failures });
    if (!bar && isBad) say(`${result.outcome}  ${result.name}: ${result.end}`);
    if (!bar && Math.floor(results.size * 10 / cells.length) > Math.floor((results.size - 1) * 10 / cells.length)) say(`${results.size}/${cells.length} cells, ${failures} bad`);
  });
  bar?.stop();
  say('');
  return cells.map(({ name }) => results.get(name)!);
}

const quoted = (name: string) => `'${name.replace(/'/g, '\'\\\'\'')}'`;

main().then((status) => process.exit(status), (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});

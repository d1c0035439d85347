import { mkdirSync, readFileSync, writeFileSync } from 'fs';
import { join, relative } from 'path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { scheduleOf } from './arbitrary';
import { unjudged } from './judge';
import { Progress } from './progress';
import { replay } from './replay';
import { count, Fish, newTally, render, SoakReport } from './report';
import { Schedule } from './schedule';
import { Shrunk } from './shrink';
import { vocabulary } from './vocabulary';
import type { Answer, Ask } from './worker';
import { wholeNumber } from '../../local/whole-number';
import { Pool, PROCESSES } from '../pool';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

const BAD_ARGUMENTS = 2;
const SHRINK_SECONDS = 60;
/** No schedule takes so long but one that never ends. */
const LONGEST_SECONDS = 180;
/** Fish that are made smaller; the others are only named. */
const MOST_SHRUNK = 4;

interface Arguments {
  readonly runs: number;
  readonly seed: number;
  readonly first: number;
  readonly out: string;
  readonly replay?: Schedule;
}

const say = (text = '') => { process.stdout.write(`${text}\n`); };

function parse(argv: string[]): Arguments {
  const schedule = (file: string): Schedule => {
    try {
      const { schedule: found } = JSON.parse(readFileSync(file, 'utf8'));
      if (typeof found?.variant !== 'string') throw new Error('it holds no "schedule"');
      return found;
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
  const program = new Command('npm run soak --')
    .description('Plays random schedules of faults, readings of unconfirmed facts, file sets, interruptions, aborts and concurrent runs in the local engine, each '
      + 'until the outside cleaner has had its time, and looks whether anything was lost, left, without end or without a named reason. '
      + 'Schedule n depends on nothing but the seed and n. A violation is made smaller and written to a file for --replay; the exit status is then 1.')
    .option('--runs <number>', 'how many schedules', wholeNumber(1, 10_000_000), 1000)
    .option('--seed <number>', 'decides all of them', wholeNumber(0, 2 ** 31), 1)
    .option('--first <number>', 'number of the first one', wholeNumber(0, 10_000_000), 0)
    .option('--out <directory>', 'where violations are written', 'soak-out')
    .option('--replay <file>', 'plays the schedule of that file again, and writes what happened beside the violations', schedule)
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : BAD_ARGUMENTS));
  const options = program.parse(argv).opts<Arguments>();
  try {
    mkdirSync(options.out, { recursive: true });
  } catch (error) {
    program.error(`error: option '--out <directory>' argument '${options.out}' is invalid. ${(error as Error).message}`);
  }
  return options;
}

async function soak({ runs, seed, first, out }: Arguments): Promise<number> {
  const began = performance.now();
  const pool = new Pool<Ask, Answer>({
    worker: join(__dirname, 'worker.ts'), args: [String(seed)], answersAProcess: 3000, patienceSeconds: LONGEST_SECONDS + SHRINK_SECONDS,
  });
  say(`${pc.bold('soak')}: ${runs.toLocaleString('en')} schedules of seed ${seed}, on ${PROCESSES} processes`);
  const tally = newTally();
  const fish: Fish[] = [];
  const progress = new Progress(runs, say);
  const asks = Array.from({ length: runs }, (_, i) => ({ index: first + i }));
  await pool.run(asks, ({ index }, outcome) => {
    const verdict = 'answer' in outcome ? outcome.answer.verdict! : unjudged(outcome.failed === 'hangs' ? 'without end' : 'other', `the process of the world ${outcome.says}`);
    count(tally, verdict);
    if (verdict.violations.length > 0) {
      fish.push({ index, violations: verdict.violations });
      progress.tell(`schedule ${index}: ${verdict.violations[0].is}: ${verdict.violations[0].says.slice(0, 200)}`);
    }
    progress.show(tally);
  });
  progress.stop();
  const report: SoakReport = { ...tally, runs, seed, fish: fish.sort((a, b) => a.index - b.index), seconds: (performance.now() - began) / 1000 };
  say(`\n${render(report)}\n`);
  if (fish.length === 0) {
    say(pc.green(`${runs.toLocaleString('en')} random fault schedules: nothing lost, nothing leaked, every run ended with a named reason.`));
    return 0;
  }
  await land(report, pool, out);
  return 1;
}

/** Makes the first fish of each kind smaller, and writes them down. */
async function land({ fish, seed }: SoakReport, pool: Pool<Ask, Answer>, out: string): Promise<void> {
  say(pc.red(`${fish.length} schedules violate something:`));
  for (const { index, violations } of fish.slice(0, 20)) say(`  ${index}: ${violations[0].is}: ${violations[0].says.slice(0, 200)}`);
  const kinds = new Set<string>();
  const chosen = fish.filter(({ violations: [{ is, says }] }) => {
    const kind = `${is} ${says.replace(/[\w-]*\d[\w:./-]*/g, '').slice(0, 60)}`;
    return !kinds.has(kind) && kinds.add(kind) && kinds.size <= MOST_SHRUNK;
  });
  say(`\n${chosen.length} of them are made smaller, at most ${SHRINK_SECONDS} s each`);
  const words = await vocabulary();
  await pool.run(chosen.map(({ index }) => ({ index, shrinkSeconds: SHRINK_SECONDS })), ({ index }, outcome) => {
    const { violations } = fish.find((each) => each.index === index)!;
    const found: Partial<Shrunk> = ('answer' in outcome ? outcome.answer.shrunk : undefined) ?? { violations, schedule: scheduleOf(seed, index, words) };
    const file = join(out, `soak-${seed}-${index}.json`);
    writeFileSync(file, `${JSON.stringify({ seed, index, ...found }, undefined, 2)}\n`);
    say(`\n${pc.bold(`schedule ${index}`)}${found.tries ? ` after ${found.tries} tries` : ''}: ${found.violations![0].says}`);
    if (found.schedule) say(`play it again: npm run soak -- --replay ${relative(process.cwd(), file)}`);
  });
}

async function main(): Promise<number> {
  const options = parse(process.argv);
  return options.replay ? replay(options.replay, options.out, say) : soak(options);
}

main().then((status) => process.exit(status), (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'fs';
import { join, relative } from 'path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { expectedFiles } from './comparison';
import { DemoOptions, DemoResult } from './demo-run';
import { engineRun, SCALE } from './engine-run';
import { phaseOf } from './phases';
import { LiveProgress, PlainProgress } from './progress';
import { passedStates, Recorder } from './recorder';
import { comparisonTable, judge, statesTable, summary } from './report';
import { stateMachineSvg } from '../pictures/state-machine';
import { bytes, count } from '../pictures/text';
import { timelineSvg } from '../pictures/timeline';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

const BAD_ARGUMENTS = 2;
const TITLE = 'LustreAutoExportPipeline, one run in the local engine';

type Arguments = Omit<DemoOptions, 'workDirectory'> & { out: string };

function parse(argv: string[]): Arguments {
  const whole = (least: number, most: number) => (text: string) => {
    if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return Number(text);
  };
  const program = new Command('npm run demo --')
    .description('Runs the synthesized state machine of a real CDK app, in scaled real time, on this machine: real processes write real files '
      + 'into a directory that stands for Lustre, which are exported into a directory that stands for S3.')
    .option('--files <number>', 'how many files the job writes', whole(1, 20_000), 3000)
    .option('--seed <number>', 'decides names, sizes and content of the files', whole(0, 2 ** 31), 1)
    .option('--interruptions <number>', 'SPOT reclaims: each a SIGKILL in the middle of a write', whole(0, 100), 1)
    .option('--out <directory>', 'where the pictures and the history are written', 'demo-out')
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

async function main(): Promise<number> {
  const options = parse(process.argv);
  const say = (text = '') => process.stdout.write(`${text}\n`);
  const workDirectory = mkdtempSync(join(options.out, 'work-'));
  const cleanUp = () => rmSync(workDirectory, { recursive: true, force: true });
  process.once('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

  const started = performance.now();
  const expected = expectedFiles(['--files', String(options.files), '--seed', String(options.seed)]);
  say(pc.bold(TITLE));
  say(`${count(options.files)} files, ${bytes(expected.reduce((sum, { size }) => sum + size, 0))}, seed ${options.seed}, `
    + `${reclaims(options.interruptions)} planned; ${SCALE} times faster than real time\n`);

  const recorder = new Recorder();
  const progress = process.stdout.isTTY ? new LiveProgress(options.files, SCALE) : new PlainProgress(options.files, say);
  let result: DemoResult;
  try {
    result = await engineRun({ ...options, workDirectory }, (event, time) => {
      recorder.listen(event, time);
      progress.listen(event, time);
    });
  } finally {
    progress.stop();
  }

  const verdict = judge(result, expected);
  const subtitle = `${count(options.files)} files, seed ${options.seed}, ${reclaims(result.kills.length)}: ${result.status}${result.error ? ` (${result.error})` : ''}`;
  const written = {
    'state machine': await write(options.out, 'state-machine.svg', stateMachineSvg(result.definition, result.history, { title: TITLE, phaseOf })),
    'timeline': await write(options.out, 'timeline.svg', timelineSvg(recorder.timeline(result, TITLE, subtitle))),
    'history': await write(options.out, 'history.jsonl', result.history.map((line) => `${JSON.stringify(line)}\n`).join('')),
  };

  say(`\n${statesTable(passedStates(result), result.scale)}\n\n${comparisonTable(verdict.comparison)}\n\n${summary(result)}`);
  for (const [what, path] of Object.entries(written)) say(`${pc.bold(what.padEnd(13))} ${path}`);
  say(`${pc.bold('it took'.padEnd(13))} ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  say(verdict.ok ? pc.green(verdict.sentence) : pc.red(verdict.sentence));
  return verdict.ok ? 0 : 1;
}

const reclaims = (number: number) => `${number} SPOT reclaim${number === 1 ? '' : 's'}`;

async function write(directory: string, name: string, content: string | Promise<string>): Promise<string> {
  const path = join(directory, name);
  writeFileSync(path, await content);
  return relative(process.cwd(), path) || path;
}

main().then((status) => process.exit(status), (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});

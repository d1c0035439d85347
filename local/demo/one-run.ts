import { mkdtempSync, rmSync, writeFileSync } from 'fs';
import { join, relative } from 'path';
import pc from 'picocolors';
import { Arguments } from './arguments';
import { expectedFiles } from './comparison';
import { DemoResult } from './demo-run';
import { engineRun, SCALE } from './engine-run';
import { jobOptions } from './faults';
import { phaseOf } from './phases';
import { LiveProgress, PlainProgress } from './progress';
import { causeText, cleanerText, fileList, filesTable, judgePromise } from './promise';
import { passedStates, Recorder } from './recorder';
import { comparisonTable, judge, statesTable, summary, writtenFiles } from './report';
import { stateMachineSvg } from '../pictures/state-machine';
import { bytes, count } from '../pictures/text';
import { timelineSvg } from '../pictures/timeline';

const TITLE = 'LustreAutoExportPipeline, one run in the local engine';

/** One run with everything that is shown of it. @returns exit status */
export async function oneRun(options: Arguments, say: (text?: string) => void): Promise<number> {
  const workDirectory = mkdtempSync(join(options.out, 'work-'));
  process.once('exit', () => rmSync(workDirectory, { recursive: true, force: true }));

  const started = performance.now();
  const { fault } = options;
  const all = expectedFiles(jobOptions(options));
  say(pc.bold(TITLE));
  if (fault) say(`${pc.bold(`fault ${fault.name}`)}: ${fault.says}\n${pc.bold('promised')}: ${fault.promise}`);
  say(`${count(options.files)} files, ${bytes(all.reduce((sum, { size }) => sum + size, 0))}, seed ${options.seed}, `
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

  const verdict = judge(result, all);
  const written = writtenFiles(result, all);
  const pictures = await draw(options, result, recorder, fault && fileList(written, verdict.comparison));
  say(`\n${statesTable(passedStates(result), result.scale)}`);
  for (const cleanUp of result.cleanUps) say(`\n${pc.bold(`clean-up ${cleanUp.name}`)}\n${statesTable(passedStates(cleanUp), result.scale)}`);
  say(`\n${comparisonTable(verdict.comparison)}`);
  if (fault) say(`\n${filesTable(result, written, verdict.comparison)}`);
  for (const text of [causeText(result), fault && cleanerText(result)]) if (text) say(`\n${text}`);
  say(`\n${summary(result)}`);
  for (const [what, path] of Object.entries(pictures)) say(`${pc.bold(what.padEnd(13))} ${path}`);
  say(`${pc.bold('it took'.padEnd(13))} ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  if (!fault) {
    say(verdict.ok ? pc.green(verdict.sentence) : pc.red(verdict.sentence));
    return verdict.ok ? 0 : 1;
  }
  const { ok, sentence } = judgePromise(result, verdict.comparison, fault);
  say(`${verdict.sentence}\n${ok ? pc.green(sentence) : pc.red(sentence)}\nexit status ${ok ? 0 : 1}: ${ok ? 'the end is the promised one' : 'it is not the promised one'}`);
  return ok ? 0 : 1;
}

const reclaims = (number: number) => `${number} SPOT reclaim${number === 1 ? '' : 's'}`;

/** Pictures and histories, each with the path where it lies. */
async function draw({ files, seed, fault, out }: Arguments, result: DemoResult, recorder: Recorder, list?: string): Promise<Record<string, string>> {
  const title = fault ? `Fault ${fault.name}` : TITLE;
  const subtitle = `${count(files)} files, seed ${seed}, ${reclaims(result.kills.length)}: ${result.status}${result.error ? ` (${result.error})` : ''}`;
  const write = (name: string, content: string) => {
    const path = join(out, name);
    writeFileSync(path, content);
    return relative(process.cwd(), path) || path;
  };
  const lines = (history: readonly object[]) => history.map((line) => `${JSON.stringify(line)}\n`).join('');
  const drawn: Record<string, string> = {
    'state machine': write('state-machine.svg', await stateMachineSvg(result.definition, result.history, { title, phaseOf })),
    'timeline': write('timeline.svg', await timelineSvg(recorder.timeline(result, title, subtitle))),
    'history': write('history.jsonl', lines(result.history)),
    ...list !== undefined && { files: write('files.tsv', list) },
  };
  for (const [i, { name, definition, history }] of result.cleanUps.entries()) {
    const of = `clean-up${i === 0 ? '' : ` ${i + 1}`}`;
    drawn[of] = write(`${of.replace(' ', '-')}.svg`, await stateMachineSvg(definition, history, { title: name, phaseOf }));
    drawn[`${of} history`] = write(`${of.replace(' ', '-')}.jsonl`, lines(history));
  }
  return drawn;
}

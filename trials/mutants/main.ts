import { join } from 'path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { ACCEPTED, choose, Hunt } from './hunt';
import { CLASSES, Mutant } from './mutant';
import type { Ask, Result } from './worker';
import { Pool } from '../pool';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

const BAD_ARGUMENTS = 2;
/** Longer than any mutant that comes to an end takes: one that does not is dead. */
const LONGEST_SECONDS = 180;

interface Arguments {
  readonly only?: string;
  readonly sample?: number;
  readonly seed: number;
  readonly list?: boolean;
  readonly verbose?: boolean;
}

function parse(argv: string[]): Arguments {
  const whole = (text: string) => {
    if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
    return Number(text);
  };
  return new Command('npm run mutants --')
    .description('Breaks the product on purpose, one defect at a time, and rehearses it: each defect must show in what a run does.')
    .option('--only <text>', `only mutants of this class (${Object.keys(CLASSES).join(', ')}), or with this text in their id`)
    .option('--sample <number>', 'only so many of them, of those that nobody has accepted', whole)
    .option('--seed <number>', 'decides which', whole, 1)
    .option('--list', 'list the mutants and try none')
    .option('--verbose', 'say of each mutant what killed it')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : BAD_ARGUMENTS))
    .parse(argv).opts<Arguments>();
}

const say = (text = '') => process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const { only, sample, seed, list, verbose } = parse(process.argv);
  const begun = performance.now();
  const hunt = new Hunt();
  process.once('exit', () => hunt.dispose());
  let mutants = hunt.mutants.filter(({ id, kind }) => only === undefined || kind === only || (!(only in CLASSES) && id.includes(only)));
  if (sample !== undefined) mutants = choose(mutants.filter(({ id }) => !(id in ACCEPTED)), sample, seed);
  if (mutants.length === 0) {
    process.stderr.write(`error: no mutant is called ${only}; see --list\n`);
    return BAD_ARGUMENTS;
  }
  if (list) {
    for (const { id, says } of mutants) say(`${id}\n  ${says}`);
    return 0;
  }

  const measured = progress('the product itself');
  const traces = await hunt.measure(measured.at);
  measured.end();
  const hunted = progress(`${mutants.length} mutants`);
  const found = new Map<string, Result>();
  const pool = new Pool<Ask, Result>({ worker: join(__dirname, 'worker.ts'), first: { traces }, patienceSeconds: LONGEST_SECONDS });
  const huntAll = async (ids: readonly string[], died: (id: string, says: string) => void) => pool.run(ids.map((id) => ({ id })), ({ id }, outcome) => {
    if ('answer' in outcome) found.set(id, outcome.answer); else died(id, outcome.says);
    hunted.at(found.size, mutants.length);
  });
  // a process may die of what an earlier mutant has left in it: only what ends a second one is dead
  const again: string[] = [];
  await huntAll(mutants.map(({ id }) => id), (id) => again.push(id));
  await huntAll(again, (id, says) => found.set(id, { id, killer: 'the process', broken: [`it ${says}`], tried: 1, seconds: LONGEST_SECONDS }));
  const results = mutants.map(({ id }) => found.get(id)!);
  hunted.end();

  if (verbose) for (const { id, killer, broken = [] } of results) if (killer) say(`${id}\n  ${killer}: ${broken[0]}`);
  const whole = only === undefined && sample === undefined;
  const sick = Object.entries(traces).flatMap(([name, { broken }]) => broken ? [`the product itself does not pass "${name}": ${broken.join('; ')}`] : []);
  const good = report(mutants, results, whole, sick);
  say(`\nit took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return good ? 0 : 1;
}

function report(mutants: readonly Mutant[], results: readonly Result[], whole: boolean, sick: string[]): boolean {
  const table = new Table({ head: ['class', 'mutants', 'killed', 'accepted', 'unexplained'], style: { head: [], border: [] } });
  const of = (ids: readonly string[], wanted: (result: Result) => boolean) => results.filter((each) => ids.includes(each.id) && wanted(each)).length;
  const row = (name: string, ids: readonly string[]) => table.push([
    name, ids.length, of(ids, isKilled), of(ids, (each) => isSurvivor(each) && each.id in ACCEPTED),
    of(ids, (each) => !isKilled(each) && !(each.id in ACCEPTED)),
  ]);
  for (const [kind, name] of Object.entries(CLASSES)) {
    const ids = mutants.filter((each) => each.kind === kind).map(({ id }) => id);
    if (ids.length > 0) row(name, ids);
  }
  row('all', mutants.map(({ id }) => id));
  say(`\n${table}`);

  const says = (id: string) => mutants.find((each) => each.id === id)!.says;
  for (const { id } of results.filter((each) => isSurvivor(each) && each.id in ACCEPTED)) say(`accepted: ${says(id)}\n  ${ACCEPTED[id]}`);
  const problems = [
    ...sick,
    ...results.filter((each) => isSurvivor(each) && !(each.id in ACCEPTED)).map(({ id, tried }) => `survived ${tried} scenarios: ${id}\n  ${says(id)}`),
    ...results.filter(({ invalid }) => invalid !== undefined).map(({ id, invalid }) => `could not be tried: ${id}\n  ${invalid}`),
    ...results.filter((each) => isKilled(each) && each.id in ACCEPTED).map(({ id, killer }) => `accepted, but killed by "${killer}": ${id}`),
    ...whole ? Object.keys(ACCEPTED).filter((id) => !results.some((each) => each.id === id)).map((id) => `accepted, but there is no such mutant: ${id}`) : [],
  ];
  for (const problem of problems) say(pc.red(problem));
  say(problems.length === 0 ? pc.green('\nevery mutant was killed by what it did, or is accepted with a reason') : pc.red(`\n${problems.length} problems`));
  return problems.length === 0;
}

const isKilled = ({ killer }: Result) => killer !== undefined;
const isSurvivor = ({ killer, invalid }: Result) => killer === undefined && invalid === undefined;

/** A bar on a terminal, a line now and then elsewhere. */
function progress(what: string) {
  if (process.stdout.isTTY) {
    const bar = new SingleBar({ format: `${what} {bar} {value}/{total}`, clearOnComplete: true, hideCursor: true });
    bar.start(1, 0);
    return {
      at: (done: number, of: number) => {
        bar.setTotal(of);
        bar.update(done);
      },
      end: () => bar.stop(),
    };
  }
  let shown = 0;
  return {
    at: (done: number, of: number) => {
      if (done - shown < of / 10 && done < of) return;
      shown = done;
      say(`${what}: ${done} of ${of}`);
    },
    end: () => {},
  };
}

main().then((status) => process.exit(status), (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});

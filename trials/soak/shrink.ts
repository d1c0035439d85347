import fc from 'fast-check';
import { arbitrary, seedOf } from './arbitrary';
import { Violation } from './judge';
import { verdictOf } from './sample';
import { Schedule } from './schedule';
import { vocabulary } from './vocabulary';

export interface Shrunk {
  readonly schedule: Schedule;
  readonly violations: Violation[];
  readonly tries: number;
}

/** The smallest schedule that is found in that time and violates what this one violates. */
export async function shrunk(seed: number, index: number, seconds: number): Promise<Shrunk | undefined> {
  const until = performance.now() + 1000 * seconds;
  let smallest: Omit<Shrunk, 'tries'> | undefined;
  let tries = 0;
  const property = fc.asyncProperty(arbitrary(await vocabulary()), async (schedule) => {
    if (smallest && performance.now() > until) return true; // nothing smaller is looked at any more
    tries++;
    const { violations } = await verdictOf(schedule);
    const found = violations.filter((each) => !smallest || kindOf(each) === kindOf(smallest.violations[0]));
    if (found.length === 0) return true;
    smallest = { schedule, violations: found };
    return false;
  });
  // fast-check goes from field to field, and may not come to the last ones in the time
  await fc.check(property, { seed: seedOf(seed, index), numRuns: 1, unbiased: true, endOnFailure: false });
  if (!smallest) return undefined;
  const last = performance.now() + 1000 * seconds / 2;
  for (const schedule of withoutOne(() => smallest!.schedule)) {
    if (performance.now() > last) break;
    tries++;
    const found = (await verdictOf(schedule)).violations.filter((each) => kindOf(each) === kindOf(smallest!.violations[0]));
    if (found.length > 0) smallest = { schedule, violations: found };
  }
  return { ...smallest, tries };
}

/** The schedule, as it is by then, without each of its parts in turn. */
function* withoutOne(current: () => Schedule): Generator<Schedule> {
  const without = (map: object, key: string) => Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
  const others = <T>(all: readonly T[], one: number) => all.filter((_, i) => i !== one);
  for (const list of ['starts', 'redrives', 'faults', 'moments', 'reclaims'] as const) {
    for (let i = current()[list].length - 1; i >= 0; i--) yield { ...current(), [list]: others<unknown>(current()[list], i) };
  }
  for (const map of ['parameters', 'switches', 'host', 'pace'] as const) {
    for (const key of Object.keys(current()[map])) yield { ...current(), [map]: without(current()[map], key) };
  }
  yield { ...current(), metric: undefined };
  for (let i = current().job.steps.length - 1; i >= 0; i--) {
    const { job } = current();
    yield { ...current(), job: { ...job, steps: others(job.steps, i) } };
  }
}

/** Another violation that turns up in a smaller schedule is another fish. */
function kindOf({ is, says }: Violation): string {
  return `${is} ${says.replace(/\b(fs|task|i|lt|dra)-[0-9a-f]+|arn:\S+/g, '').replace(/[\d.:TZ-]{4,}/g, '').slice(0, 50)}`;
}

import { scheduleOf } from './arbitrary';
import { judge, unjudged, Verdict } from './judge';
import { play } from './play';
import { count, newTally, SoakReport } from './report';
import { Schedule } from './schedule';
import { vocabulary } from './vocabulary';

/** The verdict of a schedule; what is wrong with the engine itself is a violation, too. */
export async function verdictOf(schedule: Schedule): Promise<Verdict> {
  try {
    return judge(await play(schedule));
  } catch (error) {
    return unjudged('other', `DEFECT ${error instanceof Error ? error.stack?.split('\n').slice(0, 4).join(' | ') : error}`);
  }
}

/** A soak in this very process, for tests: the first schedules of a seed. */
export async function sampleSoak(runs: number, seed: number): Promise<SoakReport> {
  const began = performance.now();
  const tally = newTally();
  const fish: SoakReport['fish'] = [];
  const words = await vocabulary();
  for (let index = 0; index < runs; index++) {
    const verdict = await verdictOf(scheduleOf(seed, index, words));
    count(tally, verdict);
    if (verdict.violations.length > 0) fish.push({ index, violations: verdict.violations });
  }
  return { ...tally, runs, seed, fish, seconds: (performance.now() - began) / 1000 };
}

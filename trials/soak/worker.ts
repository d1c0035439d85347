import { scheduleOf } from './arbitrary';
import { Verdict } from './judge';
import { verdictOf } from './sample';
import { Shrunk, shrunk } from './shrink';
import { vocabulary } from './vocabulary';
import { serve } from '../pool';

/** What the parent asks for, by the number of a schedule. */
export type Ask = { readonly index: number; readonly shrinkSeconds?: number };
export type Answer = { readonly index: number; readonly verdict?: Verdict; readonly shrunk?: Shrunk };

const seed = Number(process.argv[2]);

async function answer({ index, shrinkSeconds }: Ask): Promise<Answer> {
  if (shrinkSeconds !== undefined) return { index, shrunk: await shrunk(seed, index, shrinkSeconds) };
  return { index, verdict: await verdictOf(scheduleOf(seed, index, await vocabulary())) };
}

serve(answer);

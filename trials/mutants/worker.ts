import { Catch, Hunt, Traces } from './hunt';
import { serve } from '../pool';

/** Of a mutant. What the product itself does, as traces, comes first. */
export interface Ask {
  readonly id: string;
}
export type Result = Catch & { readonly invalid?: string };

let hunt: Hunt;

serve(async (ask: Ask | { readonly traces: Traces }): Promise<Result | 'ready'> => {
  if ('traces' in ask) {
    hunt = new Hunt(ask.traces);
    return 'ready';
  }
  const { id } = ask;
  try {
    return await hunt.hunt(hunt.mutants.find((each) => each.id === id)!);
  } catch (error) {
    return { id, tried: 0, seconds: 0, invalid: (error as Error).stack ?? String(error) };
  }
});
// a defect in the models' own time, which no rehearsal waits for
process.on('unhandledRejection', () => process.exit(1));
process.on('exit', () => hunt?.dispose());

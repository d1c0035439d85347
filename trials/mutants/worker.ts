import { Catch, Hunt, Traces } from './hunt';

export type Order = { readonly traces: Traces } | { readonly id: string };
export type Answer = { readonly ready: true } | Catch & { readonly invalid?: string };

let hunt: Hunt | undefined;

const answer = (message: Answer) => process.send!(message);

process.on('message', async (order: Order) => {
  if ('traces' in order) {
    hunt = new Hunt(order.traces);
    answer({ ready: true });
    return;
  }
  const { id } = order;
  try {
    answer(await hunt!.hunt(hunt!.mutants.find((each) => each.id === id)!));
  } catch (error) {
    answer({ id, tried: 0, seconds: 0, invalid: (error as Error).stack ?? String(error) });
  }
});
// a defect in the models' own time, which no rehearsal waits for
process.on('unhandledRejection', () => process.exit(1));
process.on('exit', () => hunt?.dispose());
process.on('disconnect', () => process.exit(0));

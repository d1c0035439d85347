import { ChildProcess, fork } from 'child_process';
import { join } from 'path';
import { Traces } from './hunt';
import { endChildren } from './scenario';
import { Answer, Order } from './worker';

const WORKERS = 2;
/** Longer than any scenario takes: a mutant that does not come to an end is dead. */
const PATIENCE_MS = 180_000;

export type Result = Exclude<Answer, { ready: true }>;

/** Hunts the mutants in worker processes, and answers in their order. */
export async function huntAll(ids: readonly string[], traces: Traces, told: (result: Result) => void): Promise<Result[]> {
  const results: Result[] = Array(ids.length);
  const queue = ids.map((id, place) => ({ id, place }));
  await Promise.all(Array.from({ length: Math.min(WORKERS, ids.length) }, async () => {
    let worker = await hire(traces);
    for (let next = queue.shift(); next; next = queue.shift()) {
      const result = await ask(worker, { id: next.id });
      results[next.place] = (result as Result | undefined) ?? { id: next.id, killer: 'the process', broken: ['it did not come to an end'], tried: 1, seconds: PATIENCE_MS / 1000 };
      told(results[next.place]);
      if (!result) worker = await hire(traces);
    }
    worker.disconnect();
  }));
  return results;
}

async function hire(traces: Traces): Promise<ChildProcess> {
  const worker = fork(join(__dirname, 'worker.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  if (!await ask(worker, { traces })) throw new Error('a worker process could not begin');
  return worker;
}

/** The answer of a worker; undefined where it died or had to be ended. */
function ask(worker: ChildProcess, order: Order): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const end = (result?: Answer) => {
      clearTimeout(timer);
      worker.removeAllListeners();
      resolve(result);
    };
    const timer = setTimeout(() => {
      end();
      endChildren(worker.pid!);
      worker.kill('SIGKILL');
    }, PATIENCE_MS);
    worker.once('message', end);
    worker.once('exit', () => end());
    worker.send(order);
  });
}

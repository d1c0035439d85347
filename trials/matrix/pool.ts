import { fork } from 'child_process';
import { join } from 'path';
import { Result } from './cell';

const WORKER = join(__dirname, 'worker.ts');
/** Few messages, and yet all workers end at about the same time. */
const PORTION = 20;

/** Runs cells, by name, in processes of their own: two worlds of one process would share its clock. */
export async function inProcesses(names: readonly string[], processes: number, onResult: (result: Result) => void): Promise<Result[]> {
  const waiting = Array.from({ length: Math.ceil(names.length / PORTION) }, (_, i) => names.slice(i * PORTION, (i + 1) * PORTION));
  const results = new Map<string, Result>();
  await Promise.all(Array.from({ length: Math.min(processes, waiting.length) }, () => new Promise<void>((resolve, reject) => {
    const worker = fork(WORKER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const portion: string[] = [];
    const next = () => {
      portion.push(...waiting.shift() ?? []);
      if (portion.length > 0) worker.send([...portion]); else worker.disconnect();
    };
    worker.on('message', (result: Result) => {
      results.set(result.name, result);
      onResult(result);
      portion.splice(portion.indexOf(result.name), 1);
      if (portion.length === 0) next();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => code === 0 && portion.length === 0 ? resolve() : reject(new Error(`a worker ended with ${code} in ${portion[0]}`)));
    next();
  })));
  return names.map((name) => results.get(name)!);
}

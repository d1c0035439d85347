import { ChildProcess, spawn } from 'child_process';
import { openSync } from 'fs';
import { join } from 'path';
import Table from 'cli-table3';
import pc from 'picocolors';
import { Arguments } from './arguments';
import { FAULTS } from './faults';
import { inWords } from './promise';

/** They mostly wait: so many at once do not disturb one another. */
const AT_ONCE = 2;

/** Every fault, each in a process of its own. @returns exit status */
export async function allFaults({ files, seed, interruptions, out }: Arguments, say: (text?: string) => void): Promise<number> {
  const started = performance.now();
  const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(0)} s`;
  say(`${FAULTS.length} faults, ${AT_ONCE} at a time; each has its output in ${out}/NAME.txt`);
  let failed = false;
  const table = new Table({ head: ['--fault', 'The promised end', 'Came', 'Took'], style: { head: [], border: [], compact: true } });
  const rows = new Map<string, string[]>();
  const left = [...FAULTS];
  const work = async () => {
    for (let fault = left.shift(); fault; fault = left.shift()) {
      const began = performance.now();
      const options = Object.entries({ fault: fault.name, files, seed, interruptions, out: join(out, fault.name) });
      const status = await run(options.flatMap(([name, value]) => [`--${name}`, String(value)]), `${join(out, fault.name)}.txt`);
      rows.set(fault.name, [fault.name, inWords(fault.expected), status === 0 ? pc.green('yes') : pc.red('NO'), seconds(began)]);
      say(`${seconds(started).padStart(6)}  ${fault.name}: ${status === 0 ? 'the promised end came' : pc.red('the promised end did NOT come')}`);
      failed ||= status !== 0;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  table.push(...FAULTS.map(({ name }) => rows.get(name)!));
  say(`\n${table}\n\nit took ${seconds(started)}`);
  return failed ? 1 : 0;
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill()));

function run(options: string[], log: string): Promise<number> {
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...options], { stdio: ['ignore', output, output] });
  running.add(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

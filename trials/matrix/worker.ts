import { allCells } from './cells';
import { runCell } from './run-cell';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

const cells = allCells();
let last: Promise<void> = Promise.resolve();

async function run(names: string[]): Promise<void> {
  const byName = new Map((await cells).map((cell) => [cell.name, cell]));
  for (const name of names) process.send!(await runCell(byName.get(name)!));
}

process.on('message', (names: string[]) => {
  last = last.then(() => run(names));
  last.catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));

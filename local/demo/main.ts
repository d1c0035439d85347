import { parse } from './arguments';
import { faultsTable } from './promise';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

async function main(): Promise<number> {
  const options = parse(process.argv);
  const say = (text = '') => process.stdout.write(`${text}\n`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  if (options.listFaults) {
    say(faultsTable());
    return 0;
  }
  // loaded late: usage and lists are there at once
  if (options.all) return (await import('./all-faults.js')).allFaults(options, say);
  return (await import('./one-run.js')).oneRun(options, say);
}

main().then((status) => process.exit(status), (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});

import { mkdirSync } from 'fs';
import { Command, InvalidArgumentError } from 'commander';
import { DemoOptions } from './demo-run';
import { DemoFault, FAULTS, nearest } from './faults';
import { wholeNumber } from '../whole-number';

const BAD_ARGUMENTS = 2;
export const ALL = 'all';

export type Arguments = Omit<DemoOptions, 'workDirectory'> & {
  readonly out: string;
  readonly listFaults?: boolean;
  /** Every fault, one after another. */
  readonly all: boolean;
};

export function parse(argv: string[]): Arguments {
  const program = new Command('npm run demo --')
    .description('Runs the synthesized state machine of a real CDK app, in scaled real time, on this machine: real processes write real files '
      + 'into a directory that stands for Lustre, which are exported into a directory that stands for S3.')
    .option('--files <number>', 'how many files the job writes', wholeNumber(1, 20_000), 3000)
    .option('--seed <number>', 'decides names, sizes and content of the files', wholeNumber(0, 2 ** 31), 1)
    .option('--interruptions <number>', 'SPOT reclaims: each a SIGKILL in the middle of a write (default: 1, with a fault 0)', wholeNumber(0, 100))
    .option('--fault <name>', `lets one thing go wrong, and looks whether the promised end comes; "${ALL}": each of them in turn`, faultOf)
    .option('--list-faults', 'lists what can go wrong, and the end that is promised for it')
    .option('--out <directory>', 'where the pictures and the history are written', 'demo-out')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : BAD_ARGUMENTS));
  const { fault, interruptions, ...options } = program.parse(argv).opts<Omit<Arguments, 'fault' | 'all'> & { fault?: DemoFault | typeof ALL }>();
  if (!options.listFaults) make(options.out, program);
  return { ...options, interruptions: interruptions ?? (fault ? 0 : 1), fault: fault === ALL ? undefined : fault, all: fault === ALL };
}

function faultOf(name: string): DemoFault | typeof ALL {
  if (name === ALL) return ALL;
  const found = FAULTS.find((each) => each.name === name);
  if (found) return found;
  const meant = nearest(name, FAULTS.map((each) => each.name));
  throw new InvalidArgumentError(`There is no such fault${meant ? `; did you mean "${meant}"?` : '.'} --list-faults lists them all.`);
}

function make(directory: string, program: Command): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    program.error(`error: option '--out <directory>' argument '${directory}' is invalid. ${(error as Error).message}`);
  }
}

// What a command needs and npm does not bring: `node scripts/tools.mjs python3 mvn` says what is missing, before the work begins.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOLS = {
  python3: {
    is: 'Python 3.9 or later, with venv and pip',
    needed: 'it builds and tries the Python packages, and runs cfn-lint',
    look: ['-c', 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))'],
  },
  mvn: {
    is: 'Maven, with JDK 17 or later',
    needed: 'it builds and tries the Java package',
    look: ['--version'],
    fits: (said) => {
      const [, java] = /Java version: (\d+)/.exec(said) ?? [];
      const [, home = ''] = /(?:runtime|Java home): (.+)/.exec(said) ?? [];
      return Number(java) >= 17 && existsSync(join(home, 'bin/javac')); // a JRE compiles nothing
    },
  },
};

/** A line for each tool that is not there, or not as it has to be. */
export const missingTools = (...names) => names.flatMap((name) => {
  const { is, needed, look, fits = () => true } = TOOLS[name];
  const { status, error, stdout } = spawnSync(name, look, { encoding: 'utf8' });
  if (status === 0 && fits(stdout)) return [];
  return [`${name} (${is}) ${error ? 'is not installed' : 'is there, but too old or not complete'}: ${needed}`];
});

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const missing = missingTools(...process.argv.slice(2));
  for (const line of missing) console.error(line);
  process.exitCode = missing.length > 0 ? 1 : 0;
}

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PACKAGES } from './packages.mjs';
import { BARE_PATH, EXAMPLES, floor, run, schemaVersion } from './run.mjs';

/** The smallest app once more, with what pip builds from the sdist. */
export const FROM_SDIST = 'minimal from the sdist';

/** The wheel in a fresh virtual environment; the sdist in a folder that comes before it. */
export function pythonConsumer(prefix) {
  const folder = `${prefix}Python`;
  const python = join(folder, 'bin/python');
  const ofSdist = join(folder, 'of-sdist');
  const pip = (...args) => run(python, ['-m', 'pip', 'install', '-q', '--no-compile', ...args], folder);
  return {
    language: 'Python',
    more: [FROM_SDIST],
    async install() {
      mkdirSync(folder);
      await run('python3', ['-m', 'venv', folder]);
      await pip(`aws-cdk-lib==${floor('aws-cdk-lib')}`, `constructs==${floor('constructs')}`, `aws-cdk.cloud-assembly-schema==${schemaVersion}`,
        PACKAGES.wheel);
      await pip('--no-deps', '--target', ofSdist, PACKAGES.sdist);
    },
    synthesize: (name, outdir) => {
      const [app, env] = name === FROM_SDIST ? ['minimal', { PYTHONPATH: ofSdist }] : [name, {}];
      const source = EXAMPLES.includes(app) ? `examples/python/${app}/app.py` : `test/consumers/python/${app.replace('-', '_')}.py`;
      return run(python, [resolve(source)], folder, { ...BARE_PATH, ...env, CDK_OUTDIR: outdir });
    },
  };
}

import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BARE_PATH, floor, run, schemaVersion } from './run.mjs';

/** The wheel in a fresh virtual environment. */
export function pythonConsumer(prefix) {
  const folder = `${prefix}Python`;
  const [wheel] = readdirSync('dist/python').filter((file) => file.endsWith('.whl')).map((file) => resolve('dist/python', file));
  const python = join(folder, 'bin/python');
  return {
    language: 'Python',
    async install() {
      mkdirSync(folder);
      await run('python3', ['-m', 'venv', folder]);
      await run(python, ['-m', 'pip', 'install', '-q', '--no-compile', `aws-cdk-lib==${floor('aws-cdk-lib')}`, `constructs==${floor('constructs')}`,
        `aws-cdk.cloud-assembly-schema==${schemaVersion}`, wheel], folder);
    },
    synthesize: (app, outdir) => {
      const source = app === 'minimal' || app === 'own-drain-monitor' ? `examples/python/${app}/app.py` : `test/consumers/python/${app.replace('-', '_')}.py`;
      return run(python, [resolve(source)], folder, { ...BARE_PATH, CDK_OUTDIR: outdir });
    },
  };
}

import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGES } from './packages.mjs';
import { BARE_PATH, EXAMPLES, floor, run, schemaVersion } from './run.mjs';

/** `npm install` of the tarball. */
export function typescriptConsumer(prefix) {
  const folder = `${prefix}TypeScript`;
  return {
    language: 'TypeScript',
    async install() {
      mkdirSync(folder);
      writeFileSync(join(folder, 'package.json'), '{ "private": true }');
      await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', PACKAGES.tarball,
        ...['aws-cdk-lib', 'constructs'].map((name) => `${name}@${floor(name)}`),
        `@aws-cdk/cloud-assembly-schema@${schemaVersion}`, 'typescript@~5.9', '@types/node@^20', 'tsx@^4'], folder); // not the TypeScript that the library is built with
      cpSync('test/consumers/typescript', folder, { recursive: true });
      for (const example of EXAMPLES) cpSync(`examples/typescript/${example}`, join(folder, example), { recursive: true });
      const sources = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.ts') && !file.includes('node_modules'));
      await run('npx', ['tsc', '--noEmit', '--strict', '--target', 'es2022', '--module', 'node16', '--moduleResolution', 'node16', '--types', 'node', ...sources], folder);
    },
    synthesize: (app, outdir) => {
      const source = EXAMPLES.includes(app) ? join(app, 'app.ts') : `${app}.ts`;
      return run(process.execPath, [join(folder, 'node_modules/tsx/dist/cli.mjs'), source], folder, { ...BARE_PATH, CDK_OUTDIR: outdir });
    },
  };
}

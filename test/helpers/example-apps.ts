import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stage } from 'aws-cdk-lib/core';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';

const EXAMPLES = join(__dirname, '../../examples');

/** Folders under `examples` with an app in TypeScript. */
export const EXAMPLE_APPS = ['auto-export-app', ...readdirSync(join(EXAMPLES, 'typescript')).map((name) => `typescript/${name}`)];

/** What an app wants to be told on the command line, with `-c`. */
const COMMAND_LINE: Record<string, Record<string, unknown>> = { 'auto-export-app': { type: 'autoExport' } };

/**
 * What the app of a folder synthesizes, with the context that the CDK CLI would read from its `cdk.json`.
 * An app runs where it is imported: once in a test file.
 *
 * @param before happens to the app before it synthesizes
 */
export function synthesizeExample(folder: string, before: (app: App) => void = () => undefined, context = COMMAND_LINE[folder] ?? {}): CloudAssembly {
  const assemblies: CloudAssembly[] = [];
  const synth = Stage.prototype.synth;
  const spy = jest.spyOn(Stage.prototype, 'synth').mockImplementation(function (this: Stage, options) {
    if (this instanceof App) before(this);
    const assembly = synth.call(this, options);
    if (this instanceof App) assemblies.push(assembly);
    return assembly;
  });
  const file = join(EXAMPLES, folder, 'cdk.json');
  process.env.CDK_CONTEXT_JSON = JSON.stringify({ ...(existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).context), ...context });
  try {
    jest.requireActual(join(EXAMPLES, folder, 'app'));
  } finally {
    delete process.env.CDK_CONTEXT_JSON;
    spy.mockRestore();
  }
  const [assembly] = assemblies;
  if (!assembly) throw new Error(`examples/${folder}/app.ts was imported before, or does not call app.synth()`);
  return assembly;
}

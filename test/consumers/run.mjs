import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Runs a command; where it fails the error has its `stdout` and `stderr`. */
export const run = (command, args, cwd, env = {}) => exec(command, args, {
  cwd,
  maxBuffer: 1 << 26,
  env: { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20', PYTHONDONTWRITEBYTECODE: undefined, CDK_VALIDATION: 'false', NODE_OPTIONS: undefined, ...env },
});

/** Node.js and what an operating system has, so neither esbuild nor Docker: what an app needs to synthesize. */
export const BARE_PATH = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };

export const { version, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
/** The lowest version that the library works with. */
export const floor = (name) => peerDependencies[name].replace('^', '');

/** Of the apps those that are examples; the others are in this folder. */
export const EXAMPLES = ['minimal', 'own-drain-monitor'];

/** What the CDK takes by a range, and writes into an assembly: the same version in each language, the one that Java's examples name. */
export const [, schemaVersion] = /cdk-cloud-assembly-schema<\/artifactId><version>([^<]+)/.exec(readFileSync('examples/java/minimal/pom.xml', 'utf8'));

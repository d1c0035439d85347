// lambda-src/<name>/<name>.lambda.ts -> assets/lambda/<name>/index.js, in one esbuild run with the same output in every checkout
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';

const suffix = '.lambda.ts';
const handlers = readdirSync('lambda-src', { recursive: true }).filter((file) => file.endsWith(suffix)).sort();

await build({
  absWorkingDir: process.cwd(),
  entryPoints: Object.fromEntries(handlers.map((file) => [`${basename(file, suffix)}/index`, `lambda-src/${file}`])),
  outdir: 'assets/lambda',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  external: ['@aws-sdk/*', '@smithy/*'], // part of the Lambda runtime
  minifySyntax: true,
  legalComments: 'none',
  charset: 'utf8',
  tsconfig: 'tsconfig.dev.json',
  logLevel: 'warning',
});

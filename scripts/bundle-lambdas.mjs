// lambda-src/<name>.lambda.ts -> assets/lambda/<name>/index.js, in one esbuild run with the same output in every checkout
import { readdirSync } from 'node:fs';
import { build } from 'esbuild';

const suffix = '.lambda.ts';
const names = readdirSync('lambda-src').filter((file) => file.endsWith(suffix)).map((file) => file.slice(0, -suffix.length)).sort();

await build({
  absWorkingDir: process.cwd(),
  entryPoints: Object.fromEntries(names.map((name) => [`${name}/index`, `lambda-src/${name}${suffix}`])),
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

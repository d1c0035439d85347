// What the public API says for itself, read from `.jsii` after the build: a docstring for everything, a default for
// everything that may be left out, and names that can be kept for ever.
// `--accept` writes the API as the baseline of `jsii-diff`.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const assembly = JSON.parse(readFileSync('.jsii', 'utf8'));

/** Parameters of every construct's constructor, which mean the same everywhere. */
const OF_EVERY_CONSTRUCT = ['scope', 'id', 'props'];

if (process.argv.includes('--accept')) {
  // what `jsii-diff` compares, without texts and line numbers, so that each change of the file is a change of the API
  const { schema, name, version, dependencies, types } = assembly;
  const keep = (key, value) => {
    if (key === 'docs') return { stability: value.stability, deprecated: value.deprecated };
    return ['locationInModule', 'symbolId'].includes(key) ? undefined : value;
  };
  writeFileSync('.api-baseline/.jsii', `${JSON.stringify({ schema, name, version, dependencies, types }, keep, 1)}\n`);
  process.exit();
}

const problems = [];
/** Every public name, with where it is. */
const names = [];

for (const type of Object.values(assembly.types)) {
  const at = ({ locationInModule: place } = type) => `${(place ?? type.locationInModule).filename}:${(place ?? type.locationInModule).line}`;
  const look = (kind, name, owner, place) => {
    names.push({ name: name.split('.').pop(), place });
    if (!owner.docs?.summary) problems.push(`${place}: ${kind} ${name} has no docstring`);
  };
  look(type.kind, type.name, type, at());
  for (const member of type.members ?? []) look('enum value', `${type.name}.${member.name}`, member, at());
  for (const property of type.properties ?? []) {
    look('property', `${type.name}.${property.name}`, property, at(property));
    if (type.datatype && property.optional && !property.docs?.default) problems.push(`${at(property)}: property ${type.name}.${property.name} may be left out and has no @default`);
  }
  for (const method of type.methods ?? []) look('method', `${type.name}.${method.name}`, method, at(method));
  for (const method of [...(type.initializer ? [type.initializer] : []), ...(type.methods ?? [])]) {
    if (method.overrides) continue; // said where the contract says it
    for (const parameter of method.parameters ?? []) {
      if (method === type.initializer && OF_EVERY_CONSTRUCT.includes(parameter.name)) continue;
      look('parameter', `${type.name}.${method.name ?? 'constructor'}.${parameter.name}`, parameter, at(method));
    }
  }
}

// ids of constructs, names of states and of errors are as public as names of types
const { App, Stack } = require('aws-cdk-lib');
const { LustreAutoExportPipeline } = require(`${process.cwd()}/lib`);
const { ErrorName } = require(`${process.cwd()}/lib/private/errors`);
const pipeline = new LustreAutoExportPipeline(new Stack(new App(), 'Stack'), 'Pipeline', { fillSecret: true });
for (const { node } of pipeline.node.findAll()) names.push({ name: node.id, place: node.path });
for (const name of Object.values(ErrorName)) names.push({ name, place: 'src/private/errors.ts' });

/** One name a line, so that the line tells where it is. */
function unknownWords() {
  const input = names.map(({ name }) => name).join('\n');
  const command = ['node_modules/cspell/bin.mjs', 'stdin', '--config', 'cspell.json', '--no-progress', '--no-summary', '--no-color'];
  try {
    return execFileSync(process.execPath, command, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
  } catch ({ status, stdout }) {
    if (status !== 1) throw new Error(`cspell ended with ${status}`);
    return stdout;
  }
}
for (const [, line, word] of unknownWords().matchAll(/:(\d+):\d+ - Unknown word \(([^)]*)\)/g)) {
  const { name, place } = names[Number(line) - 1];
  problems.push(`${place}: ${name} has a word that no dictionary knows: ${word}`);
}

for (const problem of problems) console.log(problem);
console.log(`${names.length} public names: ${problems.length === 0 ? 'all documented and spelled' : `${problems.length} problems`}`);
process.exit(problems.length === 0 ? 0 : 1);

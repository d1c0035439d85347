import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ts from 'typescript';
import { definitionOf, statementsOf, synthesize } from './synthesized';
import { LustreAutoExportPipeline } from '../src';
import { ErrorName } from '../src/private/errors';

const ROOT = join(__dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const blocks = (text: string) => [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({ language, code }));
/** The cells of each row of each table, header and ruler left out. */
const tables = (text: string) => [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => table.trimEnd().split('\n').slice(2).map((row) => row.split('|').slice(1, -1).map((cell) => cell.trim())));
const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

/** Both READMEs show the same examples: each is run once. */
const synthesized = new Map<string, Template>();
function templateOf(code: string): Template {
  const template = synthesized.get(code) ?? synthesizeBlock(code);
  synthesized.set(code, template);
  return template;
}

/** Runs an example as it stands; what it only declares is given to it. Returns its stack's template. */
function synthesizeBlock(code: string): Template {
  const app = new App();
  const stack = new Stack(app, 'Given');
  const given = {
    stack,
    get vpc() { return new ec2.Vpc(stack, 'Vpc'); },
    get bucket() { return new s3.Bucket(stack, 'Bucket'); },
    get pipeline() { return new LustreAutoExportPipeline(stack, 'GivenPipeline'); },
  };
  const source = code.replace(/^declare const (\w+): .*;$/gm, 'const $1 = given.$1;');
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } });
  const own: Stack | undefined = new Function('require', 'exports', 'given', `${outputText}; return typeof app === 'undefined' ? undefined : stack;`)(require, {}, given);
  return Template.fromStack(own ?? stack);
}

const made = synthesize();
const withKeys = synthesize((stack) => {
  const encryptionKey = new kms.Key(stack, 'Key');
  const secret = new secretsmanager.Secret(stack, 'Secret', { encryptionKey });
  return { lustreEncryptionKey: encryptionKey, bucket: new s3.Bucket(stack, 'Bucket', { encryptionKey }), prefix: 'runs/', secret };
});
const asked = new Set([made, synthesize({ fillSecret: true }), withKeys].flatMap(({ template }) => statementsOf(template)).flatMap(({ action }) => action));

describe.each(['README.md', 'README.ja.md'])('%s', (file) => {
  const text = read(file);
  const rows = tables(text).flat();

  test('each example synthesizes a pipeline', () => {
    const examples = blocks(text).filter(({ language }) => language === 'ts');
    expect(examples.length).toBeGreaterThanOrEqual(5);
    for (const { code } of examples) templateOf(code).resourceCountIs('AWS::StepFunctions::StateMachine', 1);
  });

  test('what it shows of an example does what it says', () => {
    const [, bring, schedule, arrival, alarms] = blocks(text).filter(({ language }) => language === 'ts').map(({ code }) => templateOf(code));
    const { defaults } = definitionOf(bring).States.ExtractParameters.Parameters;
    expect(defaults).toMatchObject({ lustreStorageCapacity: 1200, jobDefinitionVcpus: 4, jobDefinitionMemory: 8192 });
    schedule.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'cron(0 2 * * ? *)' });
    arrival.hasResourceProperties('AWS::Events::Rule', { EventPattern: { detail: { object: { key: [{ prefix: 'inputs/' }] } } } });
    alarms.resourceCountIs('AWS::CloudWatch::Alarm', 4);
  });

  test('the apps in three languages are the smallest examples, to the letter', () => {
    const shown = Object.fromEntries(blocks(text).filter(({ code }) => /\bApp\(/.test(code)).map(({ language, code }) => [language, code]));
    expect(shown).toEqual({
      ts: read('examples/typescript/minimal/app.ts'),
      python: read('examples/python/minimal/app.py'),
      java: read('examples/java/minimal/src/main/java/example/MinimalApp.java'),
    });
  });

  test('its tables have every parameter with its default', () => {
    const { jobDefinitionContainerImage, prefix, jobCommand, jobEnvironment, ...defaults } = made.states.ExtractParameters.Parameters.defaults;
    const shown = Object.fromEntries(rows.filter((row) => row.length === 5).map(([name, , , value]) => [quoted(name)[0], value.replace(/`/g, '')]));
    expect(shown).toMatchObject(Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, typeof value === 'string' ? `"${value}"` : String(value)])));
    expect(Object.keys(shown)).toEqual(expect.arrayContaining(['jobDefinitionContainerImage', 'prefix', 'jobCommand', 'jobEnvironment']));
    const [{ Properties }] = Object.values(made.template.findResources('AWS::Batch::ComputeEnvironment'));
    const { Type, AllocationStrategy, InstanceTypes, MinvCpus, MaxvCpus, DesiredvCpus } = Properties.ComputeResources;
    const deploy = Object.fromEntries(rows.filter((row) => row.length === 4).map(([name, , value]) => [quoted(name)[0], value.replace(/`/g, '')]));
    expect(deploy).toMatchObject({
      computeEnvironmentType: `"${Type}"`,
      computeEnvironmentAllocationStrategy: `"${AllocationStrategy}"`,
      computeEnvironmentInstanceTypes: JSON.stringify(InstanceTypes),
      computeEnvironmentMinvCpus: String(MinvCpus),
      computeEnvironmentMaxvCpus: String(MaxvCpus),
      computeEnvironmentDesiredvCpus: String(DesiredvCpus ?? 0),
      envName: '"AutoExport"',
    });
  });

  test('its table of failures has every error that is raised on purpose', () => {
    const named = rows.flatMap(([name]) => quoted(name));
    expect(Object.values(ErrorName).filter((name) => !named.includes(name))).toEqual([]);
  });

  test('its table of IAM actions has exactly those of the roles', () => {
    const shown = new Set(rows.flatMap(([, actions]) => quoted(actions ?? '')).filter((action) => /^[a-z0-9]+:[A-Z]\w+$/.test(action)));
    expect([...shown].sort()).toEqual([...asked].sort());
  });

  test('the states that it names are there', () => {
    const states = Object.keys(made.states);
    const named = [...text.matchAll(/`((?:WaitFor|Check|Is|Should)[A-Za-z]+)`/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !states.includes(name))).toEqual([]);
  });

  test('each link into the repository leads to a file', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });

  test('each command of npm that it names is one', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test('both READMEs show the same code, the same tables of names, the same chapters', () => {
  const [english, japanese] = ['README.md', 'README.ja.md'].map((file) => read(file));
  const shape = (text: string) => ({
    code: blocks(text).filter(({ language }) => language !== 'bash'),
    chapters: [...text.matchAll(/^#+ /gm)].map(([level]) => level.length),
    tables: tables(text).map((rows) => rows.map((row) => quoted(row[0]).join())),
    pictures: [...text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, picture]) => picture),
  });
  expect(shape(japanese)).toEqual(shape(english));
});

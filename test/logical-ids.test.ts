import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Template } from 'aws-cdk-lib/assertions';
import { App, Stack } from 'aws-cdk-lib/core';
import { GUARDED_STACKS } from './helpers/guarded-stacks';

const RECORD = join(__dirname, 'fixtures/stateful-resources.json');
/** Writes the record again, instead of comparing with it. */
const { UPDATE_STATEFUL_RESOURCES: update } = process.env;

/** What holds data, or is held on to by runs, by file systems or from outside of the stack. */
const STATEFUL = [
  'AWS::S3::Bucket', 'AWS::SecretsManager::Secret', 'AWS::ECR::Repository', 'AWS::KMS::Key', 'AWS::Logs::LogGroup', 'AWS::DynamoDB::Table',
  'AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::EC2::SecurityGroup', 'AWS::Batch::ComputeEnvironment', 'AWS::Batch::JobQueue', 'AWS::StepFunctions::StateMachine',
  'Custom::AWS', // another one would fill the secret once more
];

interface Resource {
  readonly type: string;
  /** Those whose change makes CloudFormation replace the resource, or overwrite or delete what it holds. */
  readonly properties: Record<string, unknown>;
}
type Resources = Record<string, Resource>;

/** Properties whose change replaces a resource, by the resource schemas of CloudFormation, which the CDK CLI carries for `cdk diff`. */
const REPLACING: Record<string, string[]> = (() => {
  const { schema } = JSON.parse(gunzipSync(readFileSync(join(__dirname, '../node_modules/aws-cdk/db.json.gz'))).toString('utf8'));
  return Object.fromEntries(Object.values<any>(schema.resource.entities).map(({ cloudFormationType, properties }) => [
    cloudFormationType, Object.keys(properties).filter((name) => ['yes', 'maybe'].includes(properties[name].causesReplacement)).sort(),
  ]));
})();

/** What replaces without the schemas saying so. */
const ALSO_REPLACING: Record<string, string[]> = {
  'AWS::Batch::ComputeEnvironment': ['ReplaceComputeEnvironment'], // D1.7: without it CloudFormation replaces
  'AWS::SecretsManager::Secret': ['SecretString', 'GenerateSecretString'], // another value overwrites what a user wrote
};
/** What becomes of a resource, and so of its data, that leaves the stack or is replaced. */
const POLICIES = ['DeletionPolicy', 'UpdateReplacePolicy'];

function statefulResources(make: (stack: Stack) => void): Resources {
  const stack = new Stack(new App(), 'Stack');
  make(stack);
  const resources = Object.entries<any>(Template.fromStack(stack).toJSON().Resources).filter(([, { Type }]) => STATEFUL.includes(Type));
  return Object.fromEntries(resources.map(([id, { Type, Properties = {}, ...attributes }]) => {
    const all = { ...Properties, ...attributes };
    const given = [...REPLACING[Type] ?? [], ...ALSO_REPLACING[Type] ?? [], ...POLICIES].filter((name) => name in all).map((name) => [name, all[name]]);
    return [id, { type: Type, properties: Object.fromEntries(given) }];
  }));
}

/** What CloudFormation would make anew for who updates, and lose what the one before holds. */
function replacements(before: Resources, now: Resources): string[] {
  return Object.entries(before).flatMap(([id, { type, properties }]) => {
    if (!now[id]) return [`${id} (${type}) is gone or has another logical id`];
    const names = [...new Set([...Object.keys(properties), ...Object.keys(now[id].properties)])];
    return names.filter((name) => JSON.stringify(properties[name]) !== JSON.stringify(now[id].properties[name]))
      .map((name) => `${id} (${type}) has another ${name}: ${JSON.stringify(now[id].properties[name])}, before ${JSON.stringify(properties[name])}`);
  });
}

const HOW = 'Each change makes CloudFormation replace, overwrite or delete what users have: a major version (CONTRIBUTING.md, "Versions"). '
  + 'If it is meant: UPDATE_STATEFUL_RESOURCES=1 npx jest test/logical-ids.test.ts';

const now = Object.fromEntries(Object.entries(GUARDED_STACKS).map(([name, make]) => [name, statefulResources(make)]));
if (update) writeFileSync(RECORD, `${JSON.stringify(now, undefined, 2)}\n`);
const record: Record<string, Resources> = existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, 'utf8')) : {};

describe.each(Object.keys(GUARDED_STACKS))('stateful resources: %s', (name) => {
  test('none would be replaced, overwritten or deleted', () => {
    const changes = replacements(record[name], now[name]);
    if (changes.length > 0) throw new Error([...changes, HOW].join('\n'));
  });

  test('each is recorded', () => expect(Object.keys(record[name])).toEqual(expect.arrayContaining(Object.keys(now[name]))));
});

test('the record has each of the kinds that the library creates', () => {
  const kinds = new Set(Object.values(record).flatMap((resources) => Object.values(resources)).map(({ type }) => type));
  expect([...kinds].sort()).toEqual(STATEFUL.filter((type) => type !== 'AWS::KMS::Key').sort()); // keys are always brought
});

test('another id and another property are told by name', () => {
  const { Same, Gone } = { Same: { type: 'AWS::EC2::Subnet', properties: { CidrBlock: '10.0.0.0/20' } }, Gone: { type: 'AWS::S3::Bucket', properties: {} } };
  expect(replacements({ Same, Gone }, { Same: { ...Same, properties: { CidrBlock: '10.0.0.0/24', OutpostArn: 'arn' } } })).toEqual([
    'Same (AWS::EC2::Subnet) has another CidrBlock: "10.0.0.0/24", before "10.0.0.0/20"',
    'Same (AWS::EC2::Subnet) has another OutpostArn: "arn", before undefined',
    'Gone (AWS::S3::Bucket) is gone or has another logical id',
  ]);
});

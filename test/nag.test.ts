import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as cdk from 'aws-cdk-lib/core';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { EXAMPLE_APPS, synthesizeExample } from './helpers/example-apps';
import { GUARDED_STACKS, pipelineOnOtherStack } from './helpers/guarded-stacks';
import { textOf } from './synthesized';
import { IExportDrainMonitor, LustreAutoExportPipeline } from '../src';

const versionOf = (name: string): string => jest.requireActual(`${name}/package.json`).version;
/** cdk-nag 3 needs aws-cdk-lib 2.257, the validation of templates 2.262: they run with `jest -c jest.latest.json`. */
const inNewestLane = versionOf('aws-cdk-lib') === versionOf('aws-cdk-lib-latest') ? describe : describe.skip;

process.env.CDK_VALIDATION = 'false'; // it is asked below, and need not print what it finds

interface Violation {
  readonly ruleName: string;
  readonly description: string;
  readonly violatingResources: { readonly constructPath?: string; readonly resourceLogicalId?: string }[];
}

const asText = (violations: readonly Violation[]) => violations.flatMap(({ ruleName, description, violatingResources }) =>
  violatingResources.map(({ constructPath, resourceLogicalId }) => `${constructPath ?? resourceLogicalId}: ${ruleName} ${description}`));

/** Errors and warnings of cdk-nag. */
function nag(app: cdk.App): string[] {
  const { AwsSolutionsChecks } = jest.requireActual('cdk-nag');
  return asText(new AwsSolutionsChecks().validateScope(app).violations);
}

/** What the CDK itself finds in templates, which it does at each synth unless it is told not to (package.json does). */
function validate({ stacksRecursively }: CloudAssembly): string[] {
  const templatePaths = stacksRecursively.map(({ templateFullPath }) => templateFullPath);
  const stackTemplates = stacksRecursively.map((stack) => ({ stackConstructPath: stack.hierarchicalId, templatePath: stack.templateFullPath }));
  return asText(new (cdk as any).CloudFormationValidatePlugin().validate({ templatePaths, stackTemplates }).violations);
}

inNewestLane('the checks themselves', () => {
  const app = new cdk.App();
  const bucket = new s3.CfnBucket(new cdk.Stack(app, 'Stack'), 'Bucket');
  bucket.addPropertyOverride('Wrong', 1);

  test('cdk-nag finds a bucket without access logs', () => expect(nag(app)).toContainEqual(expect.stringContaining('Stack/Bucket: AwsSolutions-S1')));

  test('the CDK finds a property that does not exist', () => expect(validate(app.synth())).toContainEqual(expect.stringContaining('Wrong')));
});

interface Synthesized { readonly app: cdk.App; readonly assembly: CloudAssembly }

/** An app of stacks that are made here. */
function synthesize(make: (app: cdk.App) => void): Synthesized {
  const app = new cdk.App();
  make(app);
  return { app, assembly: app.synth() };
}

function synthesizeFolder(folder: string): Synthesized {
  const apps: cdk.App[] = [];
  const assembly = synthesizeExample(folder, (app) => apps.push(app));
  return { app: apps[0], assembly };
}

const APPS: [string, () => Synthesized][] = [
  ...EXAMPLE_APPS.map((folder): [string, () => Synthesized] => [`examples/${folder}`, () => synthesizeFolder(folder)]),
  ...Object.entries(GUARDED_STACKS).map(([name, make]): [string, () => Synthesized] => [name, () => synthesize((app) => make(new cdk.Stack(app, 'Stack')))]),
  ['a bucket of another stack', () => synthesize((app) => pipelineOnOtherStack(new cdk.Stack(app, 'Stack'), new cdk.Stack(app, 'Other')))],
];

inNewestLane.each(APPS)('%s', (_name, make) => {
  let made: Synthesized;
  beforeAll(() => { made = make(); });

  test('cdk-nag finds nothing', () => expect(nag(made.app)).toEqual([]));

  test('the CDK finds nothing in the templates', () => expect(validate(made.assembly)).toEqual([]));
});

inNewestLane('what others give to a role is not explained by the library', () => {
  const star = (...actions: string[]) => new iam.PolicyStatement({ actions, resources: ['*'] });
  const found = (make: (stack: cdk.Stack) => void) => {
    const { app } = synthesize((made) => make(new cdk.Stack(made, 'Stack')));
    return nag(app).filter((each) => each.includes('IAM5'));
  };

  test('a brought role that may do more', () => expect(found((stack) => {
    const instanceRole = new iam.Role(stack, 'Own', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
    instanceRole.addToPolicy(star('s3:DeleteObject'));
    new LustreAutoExportPipeline(stack, 'Pipeline', { instanceRole });
  })).toEqual([expect.stringContaining('Stack/Own/DefaultPolicy/Resource')]));

  test('a brought part that gives more to the state machine', () => expect(found((stack) => {
    const drainMonitor: IExportDrainMonitor = {
      drain: ({ scope }) => new sfn.Pass(scope, 'Drain'),
      grantTo: (grantee) => { grantee.grantPrincipal.addToPrincipalPolicy(star('s3:DeleteObject')); },
    };
    new LustreAutoExportPipeline(stack, 'Pipeline', { drainMonitor });
  })).toEqual([expect.stringContaining('StateMachine/Role/DefaultPolicy/Resource')]));
});

test('nothing is read before the app is synthesized: what is said later counts', () => {
  const stack = new cdk.Stack(new cdk.App(), 'Stack');
  let name = 'too early';
  new LustreAutoExportPipeline(stack, 'Pipeline', { bucket: s3.Bucket.fromBucketName(stack, 'Bucket', cdk.Lazy.string({ produce: () => name })), prefix: '' });
  name = 'late';
  const text = JSON.stringify(Template.fromStack(stack).toJSON());
  expect([text.includes(':s3:::late'), text.includes('too early')]).toEqual([true, false]);
});

/** Actions that a policy allows on a star without a reason in the template that names them. One that tells of a condition needs one. */
function withoutReason(template: Template): string[] {
  const list = (value: any) => Array.isArray(value) ? value : [value];
  return Object.entries(template.findResources('AWS::IAM::Policy')).flatMap(([id, { Properties, Metadata }]) =>
    Properties.PolicyDocument.Statement.filter((each: any) => list(each.Resource).some((resource) => textOf(resource).includes('*')))
      .flatMap(({ Action, Condition }: any) => list(Action).filter((action) => !(Metadata?.cdk_nag?.rules_to_suppress ?? [])
        .filter(({ reason }: { reason: string }) => Condition || !reason.includes('; a condition'))
        .some(({ reason }: { reason: string }) => reason.split(': ')[0].split(', ').includes(action))))
      .map((action: string) => `${id}: ${action}`));
}

// in both lanes: reasons are given to who uses cdk-nag 2, too
test.each(Object.entries(GUARDED_STACKS))('each action on a star is named beside the policy, with its reason: %s', (_name, make) => {
  const stack = new cdk.Stack(new cdk.App(), 'Stack');
  make(stack);
  expect(withoutReason(Template.fromStack(stack))).toEqual([]);
});

test('an action without a reason is found', () => {
  const stack = new cdk.Stack(new cdk.App(), 'Stack');
  GUARDED_STACKS.pipeline(stack);
  const json = Template.fromStack(stack).toJSON();
  const [policy] = Object.values<any>(json.Resources).filter(({ Type }) => Type === 'AWS::IAM::Policy');
  policy.Properties.PolicyDocument.Statement.push({ Effect: 'Allow', Action: 's3:DeleteObject', Resource: '*' });
  expect(withoutReason(Template.fromJSON(json))).toEqual([expect.stringContaining('s3:DeleteObject')]);
});

import * as iam from 'aws-cdk-lib/aws-iam';
import { CfnResource, Stack } from 'aws-cdk-lib/core';
import { Construct, IConstruct } from 'constructs';

/** Where cdk-nag 3 looks, at a resource and at everything above it (`Validations`, which the oldest aws-cdk-lib has not). */
const OF_CONSTRUCT = 'aws:cdk:acknowledged-rules';
/** Where cdk-nag 2 looks, at a resource alone. It stands in the template, so that a reviewer finds the reason there, too. */
const OF_RESOURCE = 'cdk_nag';

/** Tells cdk-nag, where an app uses it, why what it finds at a construct is as it should be. */
export function acknowledge(construct: IConstruct, rule: string, reason: string, findings: string[] = []): void {
  noteAtConstruct(construct, rule, reason, findings);
  noteAtResource(construct.node.defaultChild ?? construct, rule, reason, findings);
}

/** Why a role has a policy that AWS manages. */
export function acknowledgeManagedPolicy(role: IConstruct | iam.IPrincipal, policy: string, reason: string): void {
  if (Construct.isConstruct(role)) acknowledge(role, 'AwsSolutions-IAM4', reason, [`Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}`]);
}

/** What the CDK gives to the role of every function. */
export function acknowledgeLogWriting(role: IConstruct | iam.IPrincipal): void {
  acknowledgeManagedPolicy(role, 'service-role/AWSLambdaBasicExecutionRole', 'It lets the function write its log, and nothing else.');
}

/** Why statements that a role or policy has got just now have a star in their resources. The reason names their actions. */
export function acknowledgeWildcards(holder: IConstruct | iam.IPrincipal, statements: iam.PolicyStatement[], reason: string): void {
  if (!Construct.isConstruct(holder)) return;
  const note = (how: typeof noteAtConstruct, construct: IConstruct) => statements.forEach(({ actions, resources }) => {
    const findings = (Stack.of(holder).resolve(resources) as unknown[]).map(flat).filter((each) => each.includes('*')).map((each) => `Resource::${each}`);
    if (findings.length > 0) how(construct, 'AwsSolutions-IAM5', `${actions.join(', ')}: ${reason}`, findings);
  });
  const policies = holder.node.findAll().filter((each) => CfnResource.isCfnResource(each) && each.cfnResourceType === 'AWS::IAM::Policy');
  policies.forEach((each) => note(noteAtResource, each));
  note(noteAtConstruct, holder);
  // a reference to another stack gets its last form while the app is synthesized; cdk-nag 3 looks after that, cdk-nag 2 before
  holder.node.addValidation({ validate: () => { note(noteAtConstruct, holder); return []; } });
}

function noteAtConstruct(construct: IConstruct, rule: string, reason: string, findings: string[]): void {
  const ids = findings.length === 0 ? [rule] : findings.map((finding) => `${rule}[${finding}]`);
  const noted = construct.node.metadata.some(({ type, data }) => type === OF_CONSTRUCT && ids.every((id) => data[id] === reason));
  if (!noted) construct.node.addMetadata(OF_CONSTRUCT, Object.fromEntries(ids.map((id) => [id, reason])));
}

function noteAtResource(construct: IConstruct, rule: string, reason: string, findings: string[]): void {
  if (!CfnResource.isCfnResource(construct)) return;
  const { rules_to_suppress: rules = [] } = construct.getMetadata(OF_RESOURCE) ?? {};
  construct.addMetadata(OF_RESOURCE, { rules_to_suppress: [...rules, { id: rule, reason, ...(findings.length > 0 && { applies_to: findings }) }] });
}

/** A CloudFormation expression as cdk-nag writes it in the name of a finding. */
function flat(value: any): string {
  if (typeof value === 'string') return value;
  if ('Ref' in value) return `<${value.Ref}>`;
  if ('Fn::GetAtt' in value) return `<${value['Fn::GetAtt'].join('.')}>`;
  if ('Fn::ImportValue' in value) return flat(value['Fn::ImportValue']);
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(flat).join(value['Fn::Join'][0]);
  return JSON.stringify(value);
}

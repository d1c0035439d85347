import * as iam from 'aws-cdk-lib/aws-iam';
import { AspectPriority, Aspects, CfnResource, Stack } from 'aws-cdk-lib/core';
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

interface Reason {
  readonly statement: iam.PolicyStatement;
  readonly words: string;
}

/** What is known of the stars in the policies of a role or policy. */
const REASONS = new WeakMap<IConstruct, Reason[]>();

/**
 * Why statements that a role or policy is given have a star in their resources.
 *
 * What others give to the same role is not ours to explain: a finding of cdk-nag is acknowledged where the reasons cover
 * every action on its resource, and stays where one has none.
 */
export function acknowledgeWildcards(holder: IConstruct | iam.IPrincipal, statements: iam.PolicyStatement[], reason: string): void {
  if (!Construct.isConstruct(holder)) return;
  const reasons = REASONS.get(holder) ?? [];
  reasons.push(...statements.map((statement) => ({ statement, words: `${statement.actions.join(', ')}: ${reason}` })));
  if (REASONS.has(holder)) return;
  REASONS.set(holder, reasons);
  // while the app is synthesized, when everything is known; before cdk-nag 2, which is an aspect itself
  Aspects.of(holder).add({ visit: (node) => explain(node, reasons, noteAtConstruct, noteAtResource) }, { priority: AspectPriority.MUTATING });
  // a reference to another stack gets its last form after that; cdk-nag 3 looks then
  const again = () => { if (Stack.of(holder).dependencies.length > 0) holder.node.findAll().forEach((node) => explain(node, reasons, noteAtConstruct)); };
  holder.node.addValidation({ validate: () => { again(); return []; } });
}

function explain(node: IConstruct, reasons: Reason[], ...note: (typeof noteAtConstruct)[]): void {
  if (!CfnResource.isCfnResource(node) || !['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].includes(node.cfnResourceType)) return;
  const resolve = (value: unknown) => Stack.of(node).resolve(value);
  const known = reasons.map(({ statement, words }) => ({ actions: statement.actions, findings: findingsOf(resolve(statement.resources)), words }))
    .filter(({ findings }) => findings.length > 0);
  if (known.length === 0) return;
  const actionsOn: { [finding: string]: string[] } = {};
  for (const { Action, Resource } of listOf(resolve((node as iam.CfnPolicy).policyDocument)?.Statement)) {
    for (const finding of findingsOf(Resource)) actionsOn[finding] = [...actionsOn[finding] ?? [], ...listOf(Action)];
  }
  const covers = (finding: string, action: string) => known.some(({ actions, findings }) => findings.includes(finding) && actions.includes(action));
  const isExplained = (finding: string) => actionsOn[finding]?.every((action) => covers(finding, action));
  for (const { findings, words } of known) {
    const explained = findings.filter(isExplained);
    if (explained.length > 0) note.forEach((noteAt) => noteAt(node, 'AwsSolutions-IAM5', words, explained));
  }
}

const listOf = (value: any): any[] => Array.isArray(value) ? value : value === undefined ? [] : [value];

/** Resources with a star, as cdk-nag names them. */
const findingsOf = (resources: any): string[] => listOf(resources).map(flat).filter((each) => each.includes('*')).map((each) => `Resource::${each}`);

// each of them notes a thing once: an app can be synthesized twice, and what is explained at two times may be the same
function noteAtConstruct(construct: IConstruct, rule: string, reason: string, findings: string[]): void {
  const noted = construct.node.metadata.filter(({ type }) => type === OF_CONSTRUCT).map(({ data }) => data);
  const ids = (findings.length === 0 ? [rule] : findings.map((finding) => `${rule}[${finding}]`)).filter((id) => !noted.some((data) => data[id] === reason));
  if (ids.length > 0) construct.node.addMetadata(OF_CONSTRUCT, Object.fromEntries(ids.map((id) => [id, reason])));
}

function noteAtResource(construct: IConstruct, rule: string, reason: string, findings: string[]): void {
  if (!CfnResource.isCfnResource(construct)) return;
  const { rules_to_suppress: rules = [] } = construct.getMetadata(OF_RESOURCE) ?? {};
  const entry = { id: rule, reason, ...(findings.length > 0 && { applies_to: findings }) };
  if (rules.some((each: object) => JSON.stringify(each) === JSON.stringify(entry))) return;
  construct.addMetadata(OF_RESOURCE, { rules_to_suppress: [...rules, entry] });
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

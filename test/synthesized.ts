import { Template } from 'aws-cdk-lib/assertions';
import { App, AppProps, Stack, StackProps } from 'aws-cdk-lib/core';
import { LustreAutoExportPipeline, LustreAutoExportPipelineProps } from '../src';

export interface Synthesized {
  readonly app: App;
  readonly stack: Stack;
  readonly pipeline: LustreAutoExportPipeline;
  readonly template: Template;
  readonly states: Record<string, any>;
}

export type Given = LustreAutoExportPipelineProps | ((stack: Stack) => LustreAutoExportPipelineProps);

/** A stack with one pipeline, and what becomes of it. */
export function synthesize(given: Given = {}, stackProps?: StackProps, appProps?: AppProps): Synthesized {
  const app = new App({ treeMetadata: false, ...appProps }); // a sixth of the time of a synth
  const stack = new Stack(app, 'Stack', stackProps);
  const pipeline = new LustreAutoExportPipeline(stack, 'Pipeline', typeof given === 'function' ? given(stack) : given);
  const template = Template.fromStack(stack);
  return { app, stack, pipeline, template, states: definitionOf(template).States };
}

/** The parsed definition; what only a deploy knows is `${LogicalId}` or `${LogicalId.Attribute}`. */
export function definitionOf(template: Template, stateMachine?: RegExp): Record<string, any> {
  const [[, { Properties }]] = Object.entries(template.findResources('AWS::StepFunctions::StateMachine'))
    .filter(([id]) => !stateMachine || stateMachine.test(id));
  return JSON.parse(textOf(Properties.DefinitionString));
}

/** A CloudFormation expression as text. Behind a colon or comma a token stands for a number and gets quotes. */
export function textOf(value: any): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (!('Fn::Join' in value)) {
    if ('Fn::Sub' in value) return value['Fn::Sub'];
    if ('Fn::GetAtt' in value) return `\${${value['Fn::GetAtt'].join('.')}}`;
    return `\${${value.Ref ?? JSON.stringify(value).replace(/[{}"\\]/g, '')}}`;
  }
  const [separator, parts] = value['Fn::Join'];
  return parts.reduce((text: string, part: any, i: number) => {
    const piece = typeof part === 'string' ? part : textOf(part);
    const outside = typeof part !== 'string' && /(^|[^\\])"[:,\][]$/.test(text);
    return text + (i > 0 ? separator : '') + (outside ? JSON.stringify(piece) : piece);
  }, '');
}

/** All statements, each with the logical ids of the roles that have it. */
export function statementsOf(template: Template): { roles: string; action: string[]; resource: string[]; condition?: any; principal?: any; effect: string }[] {
  const list = (value: any) => Array.isArray(value) ? value : [value];
  return Object.entries(template.toJSON().Resources as Record<string, any>)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::ManagedPolicy')
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement.map((statement: any) => ({
      roles: (Properties.Roles ?? []).map(textOf).join(' '),
      effect: statement.Effect,
      action: list(statement.Action),
      resource: list(statement.Resource).map(textOf),
      condition: statement.Condition,
    })));
}

/** Types of the resources of a template, each with how often it is there. */
export function countTypes(template: Template): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { Type } of Object.values<any>(template.toJSON().Resources)) counts[Type] = (counts[Type] ?? 0) + 1;
  return counts;
}

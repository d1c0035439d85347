import { existsSync, readdirSync, readFileSync } from 'fs';
import * as path from 'path';
import { identify, Identity, Place } from './resource-ids';
import { ResolvedResource } from './world';

export interface TemplateOptions extends Place {
  /** Values of the templates' own parameters; those of the bootstrap stack need none. */
  readonly parameters?: Record<string, string>;
  /** What other stacks export, by name, where their templates are not given. */
  readonly exports?: Record<string, string>;
}

interface Stack {
  readonly name: string;
  readonly body: any;
}

const NO_VALUE = Symbol('AWS::NoValue');

/** Synthesized templates with every intrinsic function resolved, as after a deployment. */
export class Template {
  public resources: ResolvedResource[] = [];
  private stacks: Stack[] = [];
  private readonly identities = new Map<string, Identity>();
  /** Logical ids of all versions that each function ever had: the numbers of versions are never used again. */
  private readonly versions = new Map<string, string[]>();

  /** @param source a template, a file, a cloud assembly's folder, or several of them: stacks that import from each other */
  constructor(public source: unknown, private readonly options: TemplateOptions) {
    this.deploy(source);
  }

  /** Takes the place of what was deployed before. What resources there are from now on is known by the same ids. */
  public deploy(source: unknown): void {
    this.source = source;
    this.identities.clear();
    this.stacks = (Array.isArray(source) ? source : [source]).flatMap((each, index) => readStacks(each, `Stack${index || ''}`));
    this.resources = this.stacks.flatMap((stack) => Object.keys(stack.body.Resources ?? {})
      .filter((id) => this.isWanted(stack, stack.body.Resources[id].Condition))
      .map((id) => this.resource(stack, id)));
  }

  /** The resource with this logical id. */
  public get(logicalId: string): ResolvedResource {
    const found = this.resources.find((each) => each.logicalId === logicalId);
    if (!found) throw new Error(`the template has no resource ${logicalId}`);
    return found;
  }

  public ofType(type: string): ResolvedResource[] {
    return this.resources.filter((each) => each.type === type);
  }

  /** Logical ids of what a resource refers to or is said to depend on: all that has to be there as long as it is. */
  public dependencies(logicalId: string): string[] {
    const { body } = this.stacks.find((stack) => logicalId in (stack.body.Resources ?? {}))!;
    const { DependsOn = [], Properties } = body.Resources[logicalId];
    const text = JSON.stringify(Properties ?? {});
    return Object.keys(body.Resources).filter((id) => id !== logicalId
      && ([DependsOn].flat().includes(id) || text.includes(`{"Ref":"${id}"}`) || text.includes(`{"Fn::GetAtt":["${id}",`) || text.includes(`\${${id}`)));
  }

  private resource(stack: Stack, logicalId: string): ResolvedResource {
    const { Type: type, Properties: properties = {}, DeletionPolicy } = stack.body.Resources[logicalId];
    const { ref, arn } = this.identity(stack, logicalId);
    const retained = DeletionPolicy === 'Retain';
    return { logicalId, type, physicalId: ref, arn, properties: this.resolve(stack, properties) ?? {}, retained };
  }

  private versionNumber(functionName: string, logicalId: string): number {
    const known = this.versions.get(functionName) ?? [];
    if (!known.includes(logicalId)) this.versions.set(functionName, [...known, logicalId]);
    return this.versions.get(functionName)!.indexOf(logicalId) + 1;
  }

  private identity(stack: Stack, logicalId: string): Identity {
    const key = `${stack.name}/${logicalId}`;
    if (!this.identities.has(key)) {
      const definition = stack.body.Resources?.[logicalId];
      if (!definition) throw new Error(`template ${stack.name} refers to ${logicalId}, which it does not define`);
      // only the properties that name a resource are read here: others may refer back to it
      const given = Object.entries(definition.Properties ?? {})
        .filter(([name]) => /Name$|^Name$|^Path$|^CidrBlock$|^VpcId$|^AvailabilityZone$/.test(name));
      const properties = Object.fromEntries(given.map(([name, value]) => [name, this.resolve(stack, value)]));
      if (definition.Type === 'AWS::Lambda::Version') properties.Version = this.versionNumber(properties.FunctionName, logicalId);
      this.identities.set(key, identify(definition.Type, stack.name, logicalId, properties, this.options));
    }
    return this.identities.get(key)!;
  }

  private resolve(stack: Stack, value: any): any {
    const resolved = this.evaluate(stack, value);
    return resolved === NO_VALUE ? undefined : resolved;
  }

  private evaluate(stack: Stack, value: any): any {
    if (Array.isArray(value)) return value.map((each) => this.evaluate(stack, each)).filter((each) => each !== NO_VALUE);
    if (value === null || typeof value !== 'object') return value;
    const keys = Object.keys(value);
    if (keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'))) return this.intrinsic(stack, keys[0], value[keys[0]]);
    return Object.fromEntries(keys.map((key) => [key, this.evaluate(stack, value[key])]).filter(([, each]) => each !== NO_VALUE));
  }

  private intrinsic(stack: Stack, name: string, argument: any): any {
    const resolve = (value: any) => this.evaluate(stack, value);
    switch (name) {
      case 'Ref': return this.ref(stack, argument);
      case 'Fn::GetAtt': return this.attribute(stack, ...(typeof argument === 'string' ? split(argument) : argument as [string, string]));
      case 'Fn::Join': return resolve(argument[1]).join(argument[0]);
      case 'Fn::Select': return resolve(argument[1])[Number(resolve(argument[0]))];
      case 'Fn::Split': return resolve(argument[1]).split(argument[0]);
      case 'Fn::Sub': return this.substitute(stack, argument);
      case 'Fn::Base64': return Buffer.from(resolve(argument), 'utf8').toString('base64');
      case 'Fn::If': return resolve(this.isWanted(stack, argument[0]) ? argument[1] : argument[2]);
      case 'Fn::FindInMap': return argument.map(resolve).reduce((map: any, key: string) => map[key], stack.body.Mappings);
      case 'Fn::GetAZs': return ['a', 'b', 'c'].map((letter) => `${this.options.region}${letter}`);
      case 'Fn::Cidr': return [...Array(Number(resolve(argument[1]))).keys()].map((index) => `10.0.${index}.0/24`);
      case 'Fn::ImportValue': return this.imported(resolve(argument));
      default: throw new Error(`template ${stack.name} uses ${name}, which the engine does not resolve`);
    }
  }

  private ref(stack: Stack, id: string): any {
    const { partition, region, account } = this.options;
    switch (id) {
      case 'AWS::Partition': return partition;
      case 'AWS::Region': return region;
      case 'AWS::AccountId': return account;
      case 'AWS::URLSuffix': return partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
      case 'AWS::StackName': return stack.name;
      case 'AWS::StackId': return `arn:${partition}:cloudformation:${region}:${account}:stack/${stack.name}/0`;
      case 'AWS::NotificationARNs': return [];
      case 'AWS::NoValue': return NO_VALUE;
    }
    const parameter = stack.body.Parameters?.[id];
    return parameter ? this.parameter(stack, id, parameter) : this.identity(stack, id).ref;
  }

  private parameter(stack: Stack, id: string, parameter: any): any {
    const value = this.options.parameters?.[id]
      ?? (String(parameter.Type).includes('AWS::EC2::Image::Id') ? `ami-${'0'.repeat(17)}` : parameter.Default);
    if (value === undefined) throw new Error(`template ${stack.name} needs a value for its parameter ${id}`);
    return /^(CommaDelimitedList|List<)/.test(parameter.Type) ? String(value).split(',') : value;
  }

  private attribute(stack: Stack, id: string, name: string): string {
    const { ref, arn, attributes } = this.identity(stack, id);
    if (name === 'Arn' && arn) return arn;
    return attributes[name] ?? `${ref}.${name}`;
  }

  private substitute(stack: Stack, argument: string | [string, Record<string, any>]): string {
    const [text, values] = typeof argument === 'string' ? [argument, {}] : argument;
    return text.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in values) return this.evaluate(stack, (values as any)[name]);
      return name.includes('.') ? this.attribute(stack, ...split(name)) : this.ref(stack, name);
    });
  }

  private imported(name: string): any {
    for (const stack of this.stacks) {
      for (const output of Object.values<any>(stack.body.Outputs ?? {})) {
        if (output.Export && this.evaluate(stack, output.Export.Name) === name) return this.evaluate(stack, output.Value);
      }
    }
    const given = this.options.exports?.[name];
    if (given === undefined) throw new Error(`no stack exports ${name}`);
    return given;
  }

  private isWanted(stack: Stack, condition: string | undefined): boolean {
    if (condition === undefined) return true;
    const test = (expression: any): boolean => {
      const [name, argument] = Object.entries<any>(expression)[0];
      switch (name) {
        case 'Condition': return this.isWanted(stack, argument);
        case 'Fn::Equals': return String(this.evaluate(stack, argument[0])) === String(this.evaluate(stack, argument[1]));
        case 'Fn::And': return argument.every(test);
        case 'Fn::Or': return argument.some(test);
        case 'Fn::Not': return !test(argument[0]);
        default: throw new Error(`template ${stack.name} uses ${name} in a condition`);
      }
    };
    return test(stack.body.Conditions[condition]);
  }
}

function readStacks(source: unknown, name: string): Stack[] {
  if (typeof source !== 'string') return [{ name, body: source }];
  if (existsSync(path.join(source, 'manifest.json'))) {
    return readdirSync(source).filter((file) => file.endsWith('.template.json')).flatMap((file) => readStacks(path.join(source, file), name));
  }
  return [{ name: path.basename(source).replace(/\.template\.json$/, ''), body: JSON.parse(readFileSync(source, 'utf8')) }];
}

function split(name: string): [string, string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

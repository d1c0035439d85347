import { createRequire } from 'module';

/**
 * The official API models, read from the runtime schemas that the AWS SDK's clients export. Their shape is not
 * documented: `[kind, namespace, name, traits, memberNames, memberSchemas, requiredCount]` for a structure, the first
 * `requiredCount` members being required.
 */
type Schema = any;

const KIND = { LIST: 1, MAP: 2, STRUCTURE: 3, UNION: 4, ERROR: -3, OPERATION: 9 } as const;
/** Simple schemas; a list of them is 64 + schema, a map 128 + schema. */
const SIMPLE: Record<number, string> = {
  0: 'string', 1: 'number', 2: 'boolean', 4: 'timestamp', 5: 'timestamp', 6: 'timestamp', 7: 'timestamp', 15: 'document', 17: 'number', 19: 'number', 21: 'blob', 42: 'blob',
};
/** Bit of a member's traits. */
const IDEMPOTENCY_TOKEN = 4;
const LIST_OF = 64;
const MAP_OF = 128;

const load = createRequire(__filename);

/** A client package of the AWS SDK: `fsx` is `@aws-sdk/client-fsx`. */
export function sdkClient(service: string): any {
  return load(`@aws-sdk/client-${service}`);
}

export interface Operation {
  readonly input: Schema;
  readonly output: Schema;
}

export function operation(service: string, action: string): Operation {
  const schema = sdkClient(service)[`${action}$`];
  if (schema?.[0] !== KIND.OPERATION) throw new Error(`${service} has no action ${action}`);
  return { input: deref(schema[4]), output: deref(schema[5]) };
}

/** Whether the service's API model lists this error. */
export function isModelledError(service: string, name: string): boolean {
  const schema = sdkClient(service)[`${name}$`];
  return schema?.[0] === KIND.ERROR && !schema[1].startsWith('smithy.');
}

/** Members of an answer that the SDK hands over as a stream. */
export function streams({ output }: Operation): string[] {
  const [, , , , names, members] = output;
  return (names ?? []).filter((_: string, index: number) => [members[index]].flat().some(isStreaming));
}

function isStreaming(schema: Schema): boolean {
  const found = typeof schema === 'function' ? schema() : schema;
  return Array.isArray(found) && found[3]?.streaming === 1;
}

/** What the SDK does before it sends a request: idempotency tokens that were not given are made up, anew each time (A2.9). */
export function withTokens(schema: Schema, input: Record<string, any>, make: () => string): Record<string, any> {
  const names: string[] = schema[4] ?? [];
  const missing = names.filter((name, index) => {
    const member = schema[5][index];
    // eslint-disable-next-line no-bitwise
    return Array.isArray(member) && member.length === 2 && typeof member[1] === 'number' && (member[1] & IDEMPOTENCY_TOKEN) !== 0 && input[name] === undefined;
  });
  return { ...input, ...Object.fromEntries(missing.map((name) => [name, make()])) };
}

type Node =
  | { readonly kind: 'structure'; readonly members: { readonly name: string; readonly schema: Schema; readonly required: boolean }[] }
  | { readonly kind: 'list'; readonly of: Schema }
  | { readonly kind: 'map'; readonly of: Schema }
  | { readonly kind: 'simple'; readonly type: string };

function deref(schema: Schema): Schema {
  let found = schema;
  // a member is `[schema, traits]` where it carries traits of its own; a schema made later is a function
  while (typeof found === 'function' || (Array.isArray(found) && typeof found[0] !== 'number') || (Array.isArray(found) && found.length === 2)) {
    found = typeof found === 'function' ? found() : found[0];
  }
  return found;
}

function node(given: Schema): Node {
  const schema = deref(given);
  if (typeof schema === 'number') {
    if (schema in SIMPLE) return { kind: 'simple', type: SIMPLE[schema] };
    if (schema >= MAP_OF) return { kind: 'map', of: schema - MAP_OF };
    if (schema >= LIST_OF) return { kind: 'list', of: schema - LIST_OF };
  }
  if (schema === 'unit') return { kind: 'structure', members: [] };
  switch (schema?.[0]) {
    case KIND.LIST: return { kind: 'list', of: schema[4] };
    case KIND.MAP: return { kind: 'map', of: schema[5] };
    case KIND.STRUCTURE:
    case KIND.UNION:
    case KIND.ERROR: {
      const required = schema[6] ?? 0;
      return { kind: 'structure', members: schema[4].map((name: string, index: number) => ({ name, schema: schema[5][index], required: index < required })) };
    }
    case 0: return node(schema[4]); // a named simple type
    default: throw new Error(`unknown schema ${JSON.stringify(schema)}`);
  }
}

/** Everything in a value that its schema does not have: unknown members, wrong types, missing required members. */
export function problems(schema: Schema, value: unknown, at = '', checkRequired = true): string[] {
  const shape = node(schema);
  switch (shape.kind) {
    case 'simple':
      return isOf(shape.type, value) ? [] : [`${at || 'value'} must be a ${shape.type}, got ${typeName(value)}`];
    case 'list':
      if (!Array.isArray(value)) return [`${at} must be a list, got ${typeName(value)}`];
      return value.flatMap((each, index) => problems(shape.of, each, `${at}[${index}]`, checkRequired));
    case 'map':
      if (!isObject(value)) return [`${at} must be a map, got ${typeName(value)}`];
      return Object.entries(value).flatMap(([key, each]) => problems(shape.of, each, `${at}.${key}`, checkRequired));
    case 'structure': {
      if (!isObject(value)) return [`${at || 'value'} must be a structure, got ${typeName(value)}`];
      const given = Object.entries(value).filter(([, each]) => each !== undefined);
      const path = (name: string) => at ? `${at}.${name}` : name;
      return [
        ...given.flatMap(([name, each]) => {
          const member = shape.members.find((candidate) => candidate.name === name);
          return member ? problems(member.schema, each, path(name), checkRequired) : [`${path(name)} does not exist`];
        }),
        ...shape.members.filter(({ name, required }) => checkRequired && required && !given.some(([each]) => each === name))
          .map(({ name }) => `${path(name)} is missing`),
      ];
    }
  }
}

/** A copy in which every member of a structure is renamed and every simple value is converted. */
export function convert(
  schema: Schema, value: any, rename: (name: string, members: string[]) => string, simple: (type: string, value: any) => any = (_, same) => same,
): any {
  if (value === undefined || value === null) return value;
  const shape = node(schema);
  if (shape.kind === 'simple') return simple(shape.type, value);
  if (shape.kind === 'list') return Array.isArray(value) ? value.map((each) => convert(shape.of, each, rename, simple)) : value;
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (shape.kind === 'map') return Object.fromEntries(entries.map(([key, each]) => [key, convert(shape.of, each, rename, simple)]));
  const names = shape.members.map(({ name }) => name);
  return Object.fromEntries(entries.map(([key, each]) => {
    const renamed = rename(key, names);
    const member = shape.members.find(({ name }) => name === key || name === renamed);
    return [renamed, member ? convert(member.schema, each, rename, simple) : each];
  }));
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case 'timestamp': return isDate(value);
    case 'blob': return value instanceof Uint8Array || typeof value === 'string';
    case 'document': return true;
    default: return typeof value === type;
  }
}

/** A date of any realm: the world's `Date` is not the one that the process began with. */
export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDate(value);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : isDate(value) ? 'timestamp' : typeof value;
}

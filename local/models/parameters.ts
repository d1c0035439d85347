/** Members whose own members are names that somebody chose, not names of the API. */
const FREE_NAMES = ['tags', 'parameters', 'options', 'labels'];

/** CloudFormation writes `MaxvCpus` where the API of Batch says `maxvCpus`. */
export function camelCased(value: any): any {
  if (Array.isArray(value)) return value.map(camelCased);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => {
    const camel = name.charAt(0).toLowerCase() + name.slice(1);
    return [camel, FREE_NAMES.includes(camel) ? member : camelCased(member)];
  }));
}

/** A pattern in which `*` stands for anything. */
export function wildcard(pattern: string, flags = ''): RegExp {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, `s${flags}`);
}

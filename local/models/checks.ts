import { AwsError, World } from '../world';

/** Something that the real service may well do, but the model does not: a defect of the rehearsal, never a no-op. */
export class NotModelled extends Error {
  constructor(what: string) {
    super(`not modelled: ${what}`);
    this.name = 'NotModelled';
  }
}

/** Refuses parameters that the model would silently ignore. */
export function onlyModelled(what: string, input: Record<string, unknown>, names: string[]): void {
  for (const [name, value] of Object.entries(input)) {
    if (value !== undefined && !names.includes(name)) throw new NotModelled(`${what}.${name}`);
  }
}

/** The reading of an unconfirmed fact in this world. */
export function reading(world: World, name: string, fallback: string): string {
  return world.switches[name] ?? fallback;
}

/** One page of a list, with the token of the next. */
export function page<T>(all: T[], size: number, token: string | undefined): { items: T[]; NextToken?: string } {
  const start = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString('utf8'));
  if (!Number.isInteger(start) || start < 0) throw new AwsError('BadRequest', 'NextToken is not valid');
  const end = start + size;
  return { items: all.slice(start, end), ...(end < all.length ? { NextToken: Buffer.from(`${end}`).toString('base64') } : {}) };
}

/** Text in which equal values are equal, whatever the order of their keys: to compare the parameters of two calls. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) => inner && typeof inner === 'object' && !Array.isArray(inner)
    ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
    : inner);
}

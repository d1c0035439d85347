import { isDate } from './api-schema';

/** A deep copy of what travels between services: plain values, dates, bytes. Members that are undefined are left out. */
export function copy<T>(value: T): T {
  if (isDate(value)) return new Date(value.getTime()) as T;
  if (value instanceof Uint8Array) return value.slice() as T;
  if (Array.isArray(value)) return value.map(copy) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined).map(([key, each]) => [key, copy(each)])) as T;
}

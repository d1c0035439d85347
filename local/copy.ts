import { isDate } from './api-schema';

/** A deep copy of what travels between services: plain values, dates, bytes. Members that are undefined are left out. */
export function copy<T>(value: T): T {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(copy) as T;
  if (isDate(value)) return new Date(value.getTime()) as T;
  if (value instanceof Uint8Array) return value.slice() as T;
  const copied: any = {};
  for (const key of Object.keys(value)) if ((value as any)[key] !== undefined) copied[key] = copy((value as any)[key]);
  return copied;
}

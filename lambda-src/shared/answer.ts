import { raise } from './raise';
import { ErrorName } from '../../src/private/errors';

/** A field that an answer of AWS must have; one without it is asked for again. */
export function requireField<T>(value: T | null | undefined, name: string): T {
  if (value === undefined || value === null) raise(ErrorName.ANSWER_INCOMPLETE, `the answer of AWS has no ${name}`);
  return value;
}

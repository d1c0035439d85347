import type { ErrorName } from '../../src/private/errors';

/** Ends the Task with an error that the state machine knows by name. */
export function raise(name: ErrorName, message: string): never {
  const error = new Error(message);
  error.name = name;
  throw error;
}

import type { PolicyState, RunParameters } from '../../src/private/document';

const HOUR = 3_600_000;

/**
 * Whether the failure policy keeps the file system of a run that failed.
 *
 * @param keepUntil what the file system's tag says; absent where it was not kept before
 */
export function policyOf({ failurePolicy, keepHours }: RunParameters, keepUntil: string | undefined, now: Date): PolicyState {
  if (failurePolicy === 'EXPORT_AND_DELETE') return { keep: false };
  if (failurePolicy === 'KEEP') return { keep: true };
  const until = keepUntil ? new Date(keepUntil) : new Date(now.getTime() + keepHours * HOUR);
  return { keep: now < until, keepUntil: until.toISOString() };
}

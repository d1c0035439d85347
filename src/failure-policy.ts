import { Duration } from 'aws-cdk-lib/core';
import { MAX_KEEP_HOURS } from './private/parameter-rules';

/**
 * What becomes of the file system of a run that failed. Whatever is said here: one that nothing was ever written to is
 * deleted at once unless a step of the clean-up has failed before, and one whose data is not proven to be in S3 is never deleted.
 */
export class FailurePolicy {
  /** What is there is exported, proven to be in S3, and then deleted. */
  public static readonly EXPORT_AND_DELETE = new FailurePolicy('EXPORT_AND_DELETE');

  /** The file system is kept, and billed, until somebody cleans the run up. */
  public static readonly KEEP = new FailurePolicy('KEEP');

  /**
   * The file system is kept for a while; then what is there is exported, proven and deleted.
   *
   * @param time whole hours, from 1 hour to 365 days
   * @throws if it is not
   */
  public static keepFor(time: Duration): FailurePolicy {
    const hours = time.isUnresolved() ? NaN : time.toHours({ integral: false });
    if (!Number.isInteger(hours) || hours < 1 || hours > MAX_KEEP_HOURS) {
      throw new Error(`FailurePolicy.keepFor is told ${time.isUnresolved() ? 'a token' : time.toHumanString()}; it must be whole hours from 1 hour to 365 days`);
    }
    return new FailurePolicy('KEEP_FOR', hours);
  }

  private constructor(
    /** Name of the policy, as a run is told it (`failurePolicy`). */
    public readonly name: string,
    /** How long it keeps the file system (`keepHours`), of `keepFor` only. */
    public readonly keepHours?: number,
  ) {}
}

/** The error of a task, as the workflow sees it. */
export class TaskError extends Error {
  readonly isRetryable: boolean;
  readonly isCatchable: boolean;

  /** @param catchable false for what `States.ALL` does not match: `States.Runtime`, `States.DataLimitExceeded` (E18) */
  constructor(error: string, cause: string, catchable = true) {
    super(cause);
    this.name = error;
    this.isRetryable = catchable;
    this.isCatchable = catchable;
  }
}

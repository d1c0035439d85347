/**
 * Names of the errors that handlers raise on purpose. They are public API: users match on them.
 * None of them is retried, because the same call would give the same answer, but for those that say that AWS has not answered well.
 */
export const ErrorName = {
  INVALID_PARAMETERS: 'InvalidParameters',
  PREFLIGHT_FAILED: 'PreflightFailed',
  FOREIGN_FILE_SYSTEM: 'ForeignFileSystem',
  FILE_SYSTEM_FAILED: 'FileSystemFailed',
  FILE_SYSTEM_TIMED_OUT: 'FileSystemTimedOut',
  FILE_SYSTEM_NOT_SEEN: 'FileSystemNotSeen',
  ASSOCIATION_FAILED: 'AssociationFailed',
  ASSOCIATION_MISCONFIGURED: 'AssociationMisconfigured',
  COMPUTE_ENVIRONMENT_INVALID: 'ComputeEnvironmentInvalid',
  COMPUTE_ENVIRONMENT_BUSY: 'ComputeEnvironmentBusy',
  COMPUTE_ENVIRONMENT_TIMED_OUT: 'ComputeEnvironmentTimedOut',
  INSTANCES_NOT_GONE: 'InstancesNotGone',
  JOB_FAILED: 'JobFailed',
  JOB_ATTEMPTS_EXHAUSTED: 'JobAttemptsExhausted',
  JOB_NEVER_STARTED: 'JobNeverStarted',
  JOB_TIMED_OUT: 'JobTimedOut',
  JOBS_NOT_STOPPED: 'JobsNotStopped',
  EXPORT_NOT_PROVEN: 'ExportNotProven',
  FILES_NOT_EXPORTED: 'FilesNotExported',
  AUTO_EXPORT_NOT_SWITCHED_OFF: 'AutoExportNotSwitchedOff',
  AUTO_EXPORT_STAYS_OFF: 'AutoExportStaysOff',
  EXPORT_STALLED: 'ExportStalled',
  DRAIN_TIMED_OUT: 'DrainTimedOut',
  DELETION_TIMED_OUT: 'DeletionTimedOut',
  FILE_SYSTEM_HELD: 'FileSystemHeld',
  KEPT_MEANWHILE: 'KeptMeanwhile',
  RUN_NOT_FOUND: 'RunNotFound',
  TAG_MISSING: 'TagMissing',
  RUN_STILL_RUNNING: 'RunStillRunning',
  RUN_REDRIVEN: 'RunRedriven',
  RUN_ALREADY_CLEANED_UP: 'RunAlreadyCleanedUp',
  ANSWER_INCOMPLETE: 'AnswerIncomplete',
} as const;

export type ErrorName = typeof ErrorName[keyof typeof ErrorName];

/** Errors of AWS that the same call would meet again; each of them is in the API model of a service that a handler calls. */
const PERMANENT_AWS_ERRORS = ['AccessDeniedException', 'BadRequest', 'IncompatibleParameterError', 'UnsupportedOperation', 'ServiceLimitExceeded'];

/** The next answer of AWS may be another. */
export const PASSING_ERRORS: ErrorName[] = [ErrorName.ANSWER_INCOMPLETE, ErrorName.FILE_SYSTEM_NOT_SEEN];

/** The errors after which the same call is not made again. */
export const PERMANENT_ERRORS: string[] = [...Object.values(ErrorName).filter((name) => !PASSING_ERRORS.includes(name)), ...PERMANENT_AWS_ERRORS];

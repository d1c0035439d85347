/**
 * Which import and export events FSx writes to its log group (FSx API reference, LustreLogCreateConfiguration).
 */
export enum LustreLogLevel {
  /** No events. */
  DISABLED = 'DISABLED',
  /** Warnings only. */
  WARN_ONLY = 'WARN_ONLY',
  /** Errors only. */
  ERROR_ONLY = 'ERROR_ONLY',
  /** Warnings and errors: every file that could not be exported is named. */
  WARN_ERROR = 'WARN_ERROR',
}

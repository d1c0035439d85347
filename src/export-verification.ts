/** How it is proven that every byte is in S3. */
export enum ExportVerification {
  /** The queue of automatic export is empty, and then an export task finds nothing that it could not export. */
  BOTH = 'BOTH',
  /**
   * The queue's metric alone. It cannot see files that automatic export gave up (a name that S3 does not take, access
   * denied), nor changes that were made while the link was broken. Not possible without automatic export.
   */
  METRIC_ONLY = 'METRIC_ONLY',
  /** An export task alone, as soon as nothing can write any more. Faster where millions of small files wait. */
  EXPORT_TASK_ONLY = 'EXPORT_TASK_ONLY',
}

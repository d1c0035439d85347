/** How it is proven that every byte is in S3. */
export enum ExportVerification {
  /** The queue of automatic export is empty, and then an export task finds nothing that it could not export. */
  BOTH = 'BOTH',
  /**
   * The queue's metric alone. It cannot see files that automatic export gave up (a name that S3 does not take, access
   * denied), nor changes that were made while the link was broken. Not possible without automatic export.
   */
  METRIC_ONLY = 'METRIC_ONLY',
  /**
   * An export task alone. It begins when nothing can write any more and automatic export is off; what was queued before is
   * waited for as long as it moves, because a deletion among it would take away what the task exports. A metric that says
   * nothing delays it by 20 minutes, a queue that stands still by half of
   * `stallTimeout`. To export millions of small files faster than
   * automatic export does, switch that off for the run (`autoExport: false`).
   */
  EXPORT_TASK_ONLY = 'EXPORT_TASK_ONLY',
}

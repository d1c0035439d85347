const PREFIX = 'cdk-lustre-auto-export';

/**
 * Tags that every resource of a run carries from its create call on: a clean-up rebuilds the run from them alone.
 * They are public API.
 */
export const RunTag = {
  /** Unique name of the state machine's construct; tells our resources from everybody else's. */
  PIPELINE: `${PREFIX}:pipeline`,
  RUN_ID: `${PREFIX}:run-id`,
  EXECUTION_ARN: `${PREFIX}:execution-arn`,
  STARTED_AT: `${PREFIX}:started-at`,
  BUCKET: `${PREFIX}:bucket`,
  PREFIX: `${PREFIX}:prefix`,
  /** `true` where the file system is to be deleted once its export is proven. */
  DELETE_LUSTRE: `${PREFIX}:delete-lustre`,
  AUTO_EXPORT: `${PREFIX}:auto-export`,
  PERIOD_SECONDS: `${PREFIX}:lambda-period-seconds`,
  LOOK_BACK_MINUTES: `${PREFIX}:lambda-time-diff-minutes`,
  /** `none` until the run has a queue: only then nothing can have been submitted. */
  JOB_QUEUE: `${PREFIX}:job-queue-arn`,
  HOST_PATH: `${PREFIX}:host-path`,
  /** Unique name of a batch environment's construct; on all of its instances and launch templates. */
  ENVIRONMENT: `${PREFIX}:environment`,
  /** How it is proven that everything is in S3. */
  VERIFICATION: `${PREFIX}:export-verification`,
  FAILURE_POLICY: `${PREFIX}:failure-policy`,
  KEEP_HOURS: `${PREFIX}:keep-hours`,
  /** Why a file system was kept; absent while a run uses it. */
  KEPT: `${PREFIX}:kept`,
  /** When it was kept, ISO 8601. */
  KEPT_AT: `${PREFIX}:kept-at`,
  /** Until when it is kept by its failure policy, ISO 8601. */
  KEEP_UNTIL: `${PREFIX}:keep-until`,
  /** How often a run or a clean-up ended by keeping it. */
  TIMES_KEPT: `${PREFIX}:times-kept`,
  /** `ON` or `OFF`: whether a kept file system still exports automatically. */
  AUTOMATIC_EXPORT: `${PREFIX}:automatic-export`,
  /** Somebody works on it: the cleaner leaves it alone as long as the tag is there. */
  HOLD: `${PREFIX}:hold`,
  /** When the cleaner first saw it without a live execution, ISO 8601. */
  ORPHAN_SINCE: `${PREFIX}:orphan-since`,
} as const;

/** Value of the queue's tag from the create call on. */
export const NO_QUEUE = 'none';

import { ErrorName } from '../../src/private/errors';
import { RunTag } from '../../src/private/tags';

/** What to do after each error, in a sentence or two; what becomes of a kept file system is said behind it. */
const NEXT: { [error: string]: string } = {
  [ErrorName.INVALID_PARAMETERS]: 'correct what is listed above and start the run again.',
  [ErrorName.PREFLIGHT_FAILED]: 'mend what is listed above and start the run again.',
  [ErrorName.FOREIGN_FILE_SYSTEM]: 'start the run again under another execution name.',
  [ErrorName.FILE_SYSTEM_FAILED]: 'start the run again; if there is no capacity, use another subnet, size or deployment type.',
  [ErrorName.FILE_SYSTEM_TIMED_OUT]: 'start the run again, or raise lustreCreationTimeout.',
  [ErrorName.ASSOCIATION_FAILED]: 'check that the bucket and the exported directory exist, and who deleted the association.',
  [ErrorName.ASSOCIATION_MISCONFIGURED]: 'check the policy and the KMS key of the bucket and its event notifications.',
  [ErrorName.COMPUTE_ENVIRONMENT_INVALID]: 'look at the status reason of the compute environment in the AWS Batch console, then start the run again.',
  [ErrorName.COMPUTE_ENVIRONMENT_BUSY]: 'wait for the run that is named above, or clean it up, then start this one again.',
  [ErrorName.COMPUTE_ENVIRONMENT_TIMED_OUT]: 'look at the compute environment in the AWS Batch console, then start the run again.',
  [ErrorName.INSTANCES_NOT_GONE]: 'end the instances that are named above.',
  [ErrorName.JOB_FAILED]: 'read the log stream that is named above (log group /aws/batch/job), mend the job, and start the run again.',
  [ErrorName.JOB_ATTEMPTS_EXHAUSTED]: 'after reclaims start the run again at another time, with more jobDefinitionRetryAttempts, or with more instance types; where the image could not be started, look at it and at the right to pull it.',
  [ErrorName.JOB_NEVER_STARTED]: 'read what the instances said above; check capacity, image, network and security group, then start the run again.',
  [ErrorName.JOB_TIMED_OUT]: 'raise jobTimeout, or make the job shorter.',
  [ErrorName.JOBS_NOT_STOPPED]: 'terminate the jobs that are named above.',
  [ErrorName.FILES_NOT_EXPORTED]: 'rename or move the files that are named above, or mend the permissions.',
  [ErrorName.AUTO_EXPORT_NOT_SWITCHED_OFF]: 'set autoExport: false (an export task is then the export) or exportVerification: METRIC_ONLY for further runs; look at this one, copy it yourself, then throw it away.',
  [ErrorName.EXPORT_STALLED]: 'look at the event log of the file system (/aws/fsx/...), and at the policy of the bucket.',
  [ErrorName.EXPORT_NOT_PROVEN]: 'mend what is said above to stand in the way.',
  [ErrorName.DRAIN_TIMED_OUT]: 'raise drainTimeout, or run millions of small files with autoExport: false. Where the queue stands still, "prove and delete" passes it over after half of stallTimeout, with "exportVerification":"EXPORT_TASK_ONLY" beside deleteLustre.',
  [ErrorName.DELETION_TIMED_OUT]: 'look in the FSx console whether the file system is still there.',
  [ErrorName.FILE_SYSTEM_HELD]: `untag it (${RunTag.HOLD}) when the work on it is done.`,
  [ErrorName.KEPT_MEANWHILE]: 'look at the other execution, which tells why; "prove and delete" proves it anew.',
  [ErrorName.TAG_MISSING]: 'give the file system the tag that is named above.',
  [ErrorName.RUN_NOT_FOUND]: 'check the ARN of the execution.',
  [ErrorName.RUN_STILL_RUNNING]: 'stop that execution first, or wait for its end.',
  [ErrorName.RUN_REDRIVEN]: 'nothing, if the end of that execution is looked after, by itself or by the cleaner; or type "prove and delete".',
  [ErrorName.RUN_ALREADY_CLEANED_UP]: 'start a new run.',
};

export function nextStep(error: string): string {
  return NEXT[error] ?? 'look at the history of the execution for the state that failed, then start the run again.';
}

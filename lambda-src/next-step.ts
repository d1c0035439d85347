import { ErrorName } from '../src/private/errors';

const KEEPS = 'What is kept is tried again by itself after an hour, then less and less often, up to once a day.';

/** What to do after each error, in a sentence or two. */
const NEXT: { [error: string]: string } = {
  [ErrorName.INVALID_PARAMETERS]: 'correct what is listed above and start the run again.',
  [ErrorName.PREFLIGHT_FAILED]: 'mend what is listed above and start the run again.',
  [ErrorName.FOREIGN_FILE_SYSTEM]: 'start the run again under another execution name.',
  [ErrorName.FILE_SYSTEM_FAILED]: 'start the run again; if there is no capacity, use another subnet, size or deployment type.',
  [ErrorName.FILE_SYSTEM_TIMED_OUT]: 'start the run again, or raise lustreCreationTimeout.',
  [ErrorName.ASSOCIATION_FAILED]: 'check that the bucket and the exported directory exist, and who deleted the association.',
  [ErrorName.ASSOCIATION_MISCONFIGURED]: `check the policy and the KMS key of the bucket and its event notifications. ${KEEPS}`,
  [ErrorName.COMPUTE_ENVIRONMENT_INVALID]: 'look at the status reason of the compute environment in the AWS Batch console, then start the run again.',
  [ErrorName.COMPUTE_ENVIRONMENT_BUSY]: 'wait for the run that is named above, or clean it up, then start this one again.',
  [ErrorName.COMPUTE_ENVIRONMENT_TIMED_OUT]: 'look at the compute environment in the AWS Batch console, then start the run again.',
  [ErrorName.INSTANCES_NOT_GONE]: `end the instances that are named above. ${KEEPS}`,
  [ErrorName.JOB_FAILED]: 'read the log stream that is named above, mend the job, and start the run again.',
  [ErrorName.JOB_ATTEMPTS_EXHAUSTED]: 'start the run again at another time, with more jobDefinitionRetryAttempts, or with more instance types.',
  [ErrorName.JOB_NEVER_STARTED]: 'read what the instances said above; check capacity, image, network and security group, then start the run again.',
  [ErrorName.JOB_TIMED_OUT]: 'raise jobTimeout, or make the job shorter.',
  [ErrorName.JOBS_NOT_STOPPED]: `terminate the jobs that are named above. ${KEEPS}`,
  [ErrorName.FILES_NOT_EXPORTED]: `rename or move the files that are named above, or mend the permissions. ${KEEPS}`,
  [ErrorName.AUTO_EXPORT_NOT_SWITCHED_OFF]: 'set autoExport: false (an export task is then the export) or exportVerification: METRIC_ONLY for further runs.',
  [ErrorName.EXPORT_STALLED]: `look at the event log of the file system (/aws/fsx/...), and at the bucket's policy. ${KEEPS}`,
  [ErrorName.EXPORT_NOT_PROVEN]: KEEPS,
  [ErrorName.DRAIN_TIMED_OUT]: `raise drainTimeout, or use exportVerification: EXPORT_TASK_ONLY for millions of small files. ${KEEPS}`,
  [ErrorName.DELETION_TIMED_OUT]: KEEPS,
  [ErrorName.RUN_NOT_FOUND]: 'check the ARN of the execution.',
  [ErrorName.RUN_STILL_RUNNING]: 'stop that execution first, or wait for its end.',
  [ErrorName.RUN_ALREADY_CLEANED_UP]: 'start a new run.',
};

export function nextStep(error: string): string {
  return NEXT[error] ?? `look at the execution's history for the state that failed, then start the run again. ${KEEPS}`;
}

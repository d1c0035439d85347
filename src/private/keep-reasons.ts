/** Steps of the clean-up, in their order. A file system that is kept because one failed has a reason `<step>: <error>`. */
export const CLEAN_UP_STEPS = ['find', 'stop', 'detach', 'drain', 'delete', 'keep'] as const;

/** Words of the tag that tells why a file system is kept; the cleaner reads what the run wrote. */
export const KeepReason = {
  DELETE_LUSTRE_IS_FALSE: 'deleteLustre is false',
  NOT_PROVEN: 'export not proven',
} as const;

/** Words of the cause of a run that has kept its file system. */
export const IS_KEPT = 'is KEPT';

/** Words of the cause of a run that did not see the end of its file system's deletion. */
export const IS_BEING_DELETED = 'is being deleted';

/** Whether it is kept against everybody's wish, so that it is to be tried again. */
export function isKeptByFailure(reason: string): boolean {
  return CLEAN_UP_STEPS.some((step) => reason.startsWith(`${step}: `)) || reason.startsWith(KeepReason.NOT_PROVEN);
}

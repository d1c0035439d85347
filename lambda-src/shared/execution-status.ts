/** Whether an execution of this status still acts, or may act again without anybody's doing. */
export const isLiving = (status: string) => status === 'RUNNING' || status === 'PENDING_REDRIVE';

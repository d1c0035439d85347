import type { ComputeState, JobState } from '../../src/private/document';
import type { DrainSettings } from '../../src/private/export-drain-payloads';

const ISO_8601 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * When the queue of a run has got every change that it will ever get, in milliseconds since 1970: only points of the metric
 * from then on count. In words where it cannot be told; then nothing is ever proven.
 */
export function quietTime(job: Partial<JobState>, compute: Partial<ComputeState>, settings: DrainSettings): number | string {
  const lastWrite = parseTime(job.lastWritePossibleAt);
  if (lastWrite === undefined) return `the workload's lastWritePossibleAt is ${JSON.stringify(job.lastWritePossibleAt)}, not a time`;
  let writersGoneAt = lastWrite;
  if (compute.quietAt !== undefined && compute.quietAt !== null) {
    const instancesGone = parseTime(compute.quietAt);
    if (instancesGone === undefined) return `the batch environment's quietAt is ${JSON.stringify(compute.quietAt)}, not a time`;
    // an instance that did not end its job may have died with open files: they are exported on the client's eviction (G4)
    const eviction = job.outcome === 'SUCCEEDED' ? 0 : settings.evictionSeconds * 1000;
    writersGoneAt = Math.max(lastWrite, instancesGone + eviction);
  }
  // the metric still reads 0 for about a minute while a new backlog waits, and may be stamped by another clock (B5, B6)
  return writersGoneAt + settings.publicationLagSeconds * 1000;
}

function parseTime(value: unknown): number | undefined {
  const time = typeof value === 'string' && ISO_8601.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

import type { Finding, Look } from './look';
import { iso, QueueReading } from './queue-age';
import { ErrorName } from '../../src/private/errors';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { DrainMemory, ObjectsMemory, ProgressMemory, SeenObjects } from '../../src/private/export-drain-payloads';

const MINUTE = 60_000;

/** The bucket is listed seldom: a page of 1,000 keys costs as much as a PUT. */
const LIST_EVERY = 10 * MINUTE;

/** The metric is read by the minute: a smaller step of the oldest change is none (B6: 2 s a minute on the measured curve). */
const STEP = 2 * MINUTE;

/** Some pages of the objects under the prefix, from the cursor on. */
export interface Listing {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly newestAt?: number;
  readonly lastKey?: string;
  /** There are more behind the last key. */
  readonly more: boolean;
  /** Why it ended early. */
  readonly unknown?: string;
}

export const isListingDue = (now: number, { progress }: DrainMemory) => !progress?.objects || now - Date.parse(progress.objects.lookedAt) >= LIST_EVERY;

/** A sweep goes on where the last look ended, and tells what there is when it has come to the end. */
export function sweep(now: number, before: ObjectsMemory | undefined, { count, newestAt, lastKey, more, unknown }: Listing): ObjectsMemory {
  const begun = before?.cursor === undefined ? undefined : before;
  const newest = Math.max(Date.parse(begun?.newestAt ?? '') || -Infinity, newestAt ?? -Infinity);
  const seen = { lookedAt: iso(now), count: (begun?.count ?? 0) + count, newestAt: newest > -Infinity ? iso(newest) : undefined };
  if (!more && unknown === undefined) return { ...seen, swept: { count: seen.count, newestAt: seen.newestAt, at: iso(now) } };
  return { ...seen, cursor: lastKey ?? begun?.cursor, swept: before?.swept, unknown: unknown?.slice(0, 300) };
}

export function describeObjects(objects: ObjectsMemory | undefined): SeenObjects | undefined {
  if (!objects) return undefined;
  const { count, newestAt, lookedAt, unknown, cursor } = objects;
  return { count, newestAt, lookedAt, complete: cursor === undefined && unknown === undefined, unknown };
}

/** When something last moved: tells slow from stuck. */
export function followProgress({ now, quiet, last, listing, memory: { progress: before } }: Look, finding: Finding, queue?: QueueReading): ProgressMemory {
  const objects = listing ? sweep(now, before?.objects, listing) : before?.objects;
  const counts = finding.task ? [finding.task.id, finding.task.lifecycle, finding.task.total, finding.task.succeeded, finding.task.failed].join(' ') : undefined;
  // while the queue stands still, its age grows by a minute a minute
  const { at = NaN, ageSeconds = 0 } = queue?.newest ?? {};
  const oldest = ageSeconds > 0 && Number.isFinite(ageSeconds) ? at - ageSeconds * 1000 : undefined;
  const advanced = oldest !== undefined && !(oldest < Date.parse(before?.oldestChangeAt ?? '') + STEP);
  const moved = !before
    || advanced
    || finding.limited
    || now < Number(quiet)
    || finding.reason !== last?.reason
    || (counts !== undefined && counts !== before.counts)
    || haveObjectsMoved(before.objects, objects);
  return {
    movedAt: moved ? iso(now) : before.movedAt,
    oldestChangeAt: advanced ? iso(oldest) : before?.oldestChangeAt,
    counts: counts ?? before?.counts,
    objects,
  };
}

/** A newer object, or another number of them. Before the first sweep has ended nobody can tell. */
function haveObjectsMoved(before: ObjectsMemory | undefined, after: ObjectsMemory | undefined): boolean {
  if (!after || after === before) return false;
  const known = [before?.swept?.newestAt, before?.newestAt].map((time) => Date.parse(time ?? '') || -Infinity);
  const isNewer = Date.parse(after.newestAt ?? '') > Math.max(...known);
  const isCounted = after.cursor === undefined && after.unknown === undefined && after.swept?.count !== before?.swept?.count;
  return isNewer || isCounted;
}

/** What a wait becomes where nothing has moved for too long. */
export function standstill(now: number, finding: Finding, { movedAt, objects, counts }: ProgressMemory, stallSeconds: number): Finding {
  if (finding.verdict !== 'WAIT' || now - Date.parse(movedAt) < stallSeconds * 1000) return finding;
  const bucket = !objects ? 'the bucket was not looked at'
    : objects.unknown ? `the bucket could not be looked at: ${objects.unknown}` : `no newer object under the prefix (${(objects.swept ?? objects).count} seen)`;
  return {
    ...finding,
    verdict: 'FAILED',
    reason: DrainReason.EXPORT_STALLED,
    error: ErrorName.EXPORT_STALLED,
    message: `nothing has moved since ${movedAt}. ${finding.reason}: ${finding.message}; ${bucket}${counts ? `; counts of the task: ${counts}` : ''}`,
  };
}

import type { RunParameters } from '../../src/private/document';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { DrainSettings } from '../../src/private/export-drain-payloads';

const MINUTE = 60_000;

/** The newest point may be this much older than the publication lag: one minute each for its own minute, the clocks, and luck. */
const FRESHNESS = 3 * MINUTE;

/** A point of the metric, as CloudWatch answers it: stamped with the start of its minute. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ageSeconds: number;
}

export interface QueueReading {
  readonly reason: DrainReason;
  readonly message: string;
  readonly newest?: Point;
  /** Zeros in a row, one a minute, from the quiet time up to the newest point. */
  readonly zeros: number;
}

/** How many zeros in a row are needed: the seed's two numbers can only lengthen what is looked at. */
export function zerosNeeded(parameters: RunParameters, { consecutiveZeros }: DrainSettings): number {
  const { lambdaPeriodSeconds, lambdaTimeDiffMinutes } = parameters;
  return Math.max(consecutiveZeros, Math.ceil(consecutiveZeros * lambdaPeriodSeconds / 60), Math.ceil(lambdaTimeDiffMinutes));
}

/** From when on the metric has to be read, so that a full run of zeros can be seen. */
export function readFrom(now: number, needed: number, settings: DrainSettings): number {
  return now - settings.publicationLagSeconds * 1000 - FRESHNESS - (Math.max(needed, 10) + 1) * MINUTE;
}

/** Is the queue empty? No data is unknown, never zero. */
export function readQueue(now: number, quietAt: number, points: Point[], needed: number, publicationLagSeconds: number): QueueReading {
  const ages = agesByMinute(now, points);
  const newestAt = Math.max(...ages.keys());
  const newest = ages.size > 0 ? { at: newestAt, ageSeconds: ages.get(newestAt)! } : undefined;
  let zeros = 0;
  for (let minute = newestAt; minute >= quietAt && ages.get(minute) === 0; minute -= MINUTE) zeros++;
  const read = (reason: DrainReason, message: string): QueueReading => ({ reason, message, newest, zeros });

  if (now < quietAt) return read(DrainReason.QUIET_TIME_NOT_REACHED, `changes may still reach the queue until ${iso(quietAt)}`);
  if (!newest) return read(DrainReason.METRIC_UNKNOWN, 'AgeOfOldestQueuedMessage has no data points');
  if (now - newest.at > publicationLagSeconds * 1000 + FRESHNESS) {
    return read(DrainReason.METRIC_STALE, `the newest data point of AgeOfOldestQueuedMessage is of ${iso(newest.at)}`);
  }
  if (newest.ageSeconds > 0) return read(DrainReason.QUEUE_NOT_EMPTY, `the oldest change in the queue was ${newest.ageSeconds} s old at ${iso(newest.at)}`);
  const count = `the queue was empty for ${zeros} minutes in a row after ${iso(quietAt)}; ${needed} are needed`;
  return read(zeros < needed ? DrainReason.TOO_FEW_ZEROS : DrainReason.QUEUE_EMPTY, count);
}

/** Sorted out by minute: points may come in any order (CloudWatch API reference, GetMetricStatistics), and one that is not a number or not of the past is no zero. */
function agesByMinute(now: number, points: Point[]): Map<number, number> {
  const ages = new Map<number, number>();
  for (const { at, ageSeconds } of points) {
    if (!Number.isFinite(at) || !(ageSeconds >= 0)) continue;
    const minute = Math.floor(at / MINUTE) * MINUTE;
    // a minute that has not ended by this clock proves nothing; an age above zero is believed from any clock
    if (ageSeconds === 0 && minute + MINUTE > now) continue;
    ages.set(minute, Math.max(ageSeconds, ages.get(minute) ?? 0));
  }
  return ages;
}

export const iso = (time: number) => new Date(time).toISOString();

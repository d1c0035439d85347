import type { Finding, Look } from './look';
import { iso, QueueReading, readQueue } from './queue-age';
import { isOn } from './switch-off';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { DrainMemory } from '../../src/private/export-drain-payloads';

/** Whether the metric still has a say. */
export const isMetricAsked = ({ verification, autoExport, memory }: Pick<Look, 'verification' | 'autoExport' | 'memory'>) =>
  verification === 'METRIC_ONLY' || (verification === 'BOTH' && autoExport && !memory.queue);

/** Whether an export task would run into what FSx still exports from before the switch-off; nothing of that is left of a queue that was seen empty. */
const mayHaveLeftovers = ({ verification, autoExport, memory }: Pick<Look, 'verification' | 'autoExport' | 'memory'>) =>
  verification !== 'METRIC_ONLY' && autoExport && !memory.leftovers && memory.queue?.reason !== DrainReason.QUEUE_EMPTY;

/** Whether a look needs points of the metric. */
export const isQueueRead = (look: Pick<Look, 'verification' | 'autoExport' | 'memory'>) => isMetricAsked(look) || mayHaveLeftovers(look);

/** Long before it counts as stalled: a queue that stands still, nothing new landing in the bucket either, does not delete anything any more. */
function standsStill({ now, settings }: Look, { progress }: DrainMemory): boolean {
  const isSeen = progress?.objects !== undefined && progress.objects.unknown === undefined;
  return isSeen && now - Date.parse(progress.movedAt) >= settings.stallSeconds * 1000 / 2;
}

/**
 * Before an export task proves everything: is the queue empty? A backlog is waited for; a metric that says nothing only
 * delays. Once the proof has begun there is no way back.
 */
export function judgeMetric(look: Look, memory: DrainMemory, quietAt: number, reading: QueueReading): { memory: DrainMemory; finding?: Finding } {
  const { now, quiet, association } = look;
  if (memory.queue) return { memory };
  const goOn = (reason: DrainReason) => ({
    memory: { ...memory, queue: { reason, at: iso(now), newestPointAt: reading.newest && iso(reading.newest.at), zeros: reading.zeros } },
  });
  const { reason } = reading;
  if (!isMetricAsked({ ...look, memory }) || !isOn(association!)) {
    if (now >= Number(quiet)) return goOn(isMetricAsked({ ...look, memory }) ? DrainReason.AUTO_EXPORT_OFF : DrainReason.METRIC_NOT_ASKED);
    const until = `files may still be written or closed until ${iso(Number(quiet))}`;
    return { memory, finding: { verdict: 'WAIT', reason: DrainReason.QUIET_TIME_NOT_REACHED, message: until, limited: true } };
  }
  if (reason === DrainReason.QUEUE_EMPTY) return goOn(reason);
  const waited = wait(look, memory, quietAt, reading, look.needed);
  return waited.finding ? waited : { memory: { ...waited.memory, ...goOn(reason).memory, busyAt: waited.memory.busyAt } };
}

/**
 * Automatic export is off, but FSx may go on with what was in its queue (A6.2): a deletion among that would take away what
 * the export task has just written.
 */
export function judgeLeftovers(look: Look, memory: DrainMemory, quietAt: number): { memory: DrainMemory; finding?: Finding } {
  if (!mayHaveLeftovers({ ...look, memory })) return { memory };
  const { now, points, settings: { consecutiveZeros, publicationLagSeconds } } = look;
  const reading = readQueue(now, quietAt, points, consecutiveZeros, publicationLagSeconds);
  const { reason, message, newest, zeros } = reading;
  const goOn = (noted: DrainMemory) => ({ memory: { ...noted, leftovers: { reason, at: iso(now) } } });
  if (reason === DrainReason.QUEUE_EMPTY) return goOn(memory);
  const { memory: noted, finding } = wait(look, memory, quietAt, reading, consecutiveZeros);
  if (!finding || (reason === DrainReason.QUEUE_NOT_EMPTY && standsStill(look, memory))) return goOn(noted);
  return {
    memory: noted,
    finding: {
      ...finding,
      message: `automatic export is off, but what was queued before may still be exported: ${message}`,
      ...(newest ? { newestPointAt: iso(newest.at), ageSeconds: newest.ageSeconds, zeros, zerosNeeded: consecutiveZeros } : {}),
    },
  };
}

/** A backlog is waited for; a metric that says nothing only for a while, which begins again with each backlog that was seen. */
function wait(
  { now, points, settings }: Look, memory: DrainMemory, quietAt: number, { reason, message }: QueueReading, needed: number,
): { memory: DrainMemory; finding?: Finding } {
  const busyAt = Math.max(...points.filter(({ at, ageSeconds }) => ageSeconds > 0 && Number.isFinite(at)).map(({ at }) => at), Date.parse(memory.busyAt ?? '') || -Infinity);
  const noted = busyAt > -Infinity ? { ...memory, busyAt: iso(busyAt) } : memory;
  if (reason === DrainReason.QUEUE_NOT_EMPTY) return { memory: noted, finding: { verdict: 'WAIT', reason, message } };
  const until = Math.max(quietAt + needed * 60_000, busyAt) + settings.metricGraceSeconds * 1000;
  if (now >= until && now >= quietAt) return { memory: noted };
  return { memory: noted, finding: { verdict: 'WAIT', reason, message: `${message}; an export task is run at ${iso(until)} at the latest`, limited: true } };
}

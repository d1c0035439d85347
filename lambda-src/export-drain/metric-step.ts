import type { Finding, Look } from './look';
import { iso, QueueReading } from './queue-age';
import { isOn } from './switch-off';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { DrainMemory } from '../../src/private/export-drain-payloads';

/** Whether the metric still has a say. */
export const isMetricAsked = ({ verification, autoExport, memory }: Pick<Look, 'verification' | 'autoExport' | 'memory'>) =>
  verification === 'METRIC_ONLY' || (verification === 'BOTH' && autoExport && !memory.queue);

/**
 * Before an export task proves everything: is the queue empty? A backlog is waited for; a metric that says nothing only
 * delays. Once the proof has begun there is no way back.
 */
export function judgeMetric(look: Look, memory: DrainMemory, quietAt: number, reading: QueueReading): { memory: DrainMemory; finding?: Finding } {
  const { now, quiet, association, needed, settings } = look;
  if (memory.queue) return { memory };
  const goOn = (reason: DrainReason) => ({
    memory: { ...memory, queue: { reason, at: iso(now), newestPointAt: reading.newest && iso(reading.newest.at), zeros: reading.zeros } },
  });
  const { reason, message } = reading;
  if (!isMetricAsked({ ...look, memory }) || !isOn(association!)) {
    if (now >= Number(quiet)) return goOn(isMetricAsked({ ...look, memory }) ? DrainReason.AUTO_EXPORT_OFF : DrainReason.METRIC_NOT_ASKED);
    const until = `files may still be written or closed until ${iso(Number(quiet))}`;
    return { memory, finding: { verdict: 'WAIT', reason: DrainReason.QUIET_TIME_NOT_REACHED, message: until, limited: true } };
  }
  if (reason === DrainReason.QUEUE_EMPTY) return goOn(reason);
  // a backlog that was seen makes the time begin again
  const busyAt = Math.max(...look.points.filter(({ at, ageSeconds }) => ageSeconds > 0 && Number.isFinite(at)).map(({ at }) => at), Date.parse(memory.busyAt ?? '') || -Infinity);
  const noted = busyAt > -Infinity ? { ...memory, busyAt: iso(busyAt) } : memory;
  if (reason === DrainReason.QUEUE_NOT_EMPTY) return { memory: noted, finding: { verdict: 'WAIT', reason, message } };
  const until = Math.max(quietAt + needed * 60_000, busyAt) + settings.metricGraceSeconds * 1000;
  if (now >= until && now >= quietAt) return { memory: { ...noted, ...goOn(reason).memory, busyAt: noted.busyAt } };
  return { memory: noted, finding: { verdict: 'WAIT', reason, message: `${message}; an export task is run at ${iso(until)} at the latest`, limited: true } };
}

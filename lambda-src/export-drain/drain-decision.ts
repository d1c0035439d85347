import { describeObjects, followProgress, standstill } from './export-progress';
import { isLive, judgeTask } from './export-task';
import { judgeLink } from './link-health';
import type { Decision, Finding, Look } from './look';
import { isMetricAsked, judgeLeftovers, judgeMetric } from './metric-step';
import { iso, QueueReading, readQueue } from './queue-age';
import { isOn, judgeSwitch } from './switch-off';
import { ErrorName } from '../../src/private/errors';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { DrainMemory, DrainState } from '../../src/private/export-drain-payloads';

/**
 * Is everything that was written exported? Link healthy, queue empty, automatic export off, export task without a failure:
 * in this order, and what cannot be told is never a yes.
 */
export function decide(look: Look): Decision {
  const { now, quiet, settings, association } = look;
  if (typeof quiet === 'string') {
    return note(look, look.memory, { verdict: 'FAILED', reason: DrainReason.QUIET_TIME_UNKNOWN, message: quiet, error: ErrorName.EXPORT_NOT_PROVEN });
  }
  const queueIsAll = look.verification === 'METRIC_ONLY';
  const { memory, problem } = judgeLink(now, quiet, association, look.memory, settings.misconfiguredGraceSeconds, queueIsAll);
  // zeros of a time in which the link did not export never count (G8)
  const healthyAt = memory.interrupted && memory.availableSince ? Date.parse(memory.availableSince) : -Infinity;
  const quietAt = Math.max(quiet, healthyAt + settings.publicationLagSeconds * 1000);
  const queue = readQueue(now, quietAt, look.points, look.needed, settings.publicationLagSeconds);
  const link = { quietAt: iso(isMetricAsked(look) ? quietAt : quiet), lifecycle: association?.lifecycle };
  const { newest, zeros } = queue;
  const seen = isMetricAsked(look) ? { ...link, newestPointAt: newest && iso(newest.at), ageSeconds: newest?.ageSeconds, zerosNeeded: look.needed } : link;

  // an association that is MISCONFIGURED has a limit of its own
  if (problem) return note(look, memory, { ...seen, zeros: 0, limited: problem.reason === DrainReason.ASSOCIATION_MISCONFIGURED, ...problem });
  if (queueIsAll) return note(look, memory, { ...seen, zeros, ...judgeQueueAlone(queue, memory) }, queue);
  const metric = judgeMetric(look, memory, quietAt, queue);
  if (metric.finding) return note(look, metric.memory, { ...seen, ...(isMetricAsked(look) ? { zeros } : {}), ...metric.finding }, queue);
  const proof = prove(look, metric.memory, quiet, quietAt);
  return note(look, proof.memory, { ...link, ...proof.finding }, queue);
}

/** Without an export task whatever may have been missed by the queue can never be proven. */
function judgeQueueAlone({ reason, message }: QueueReading, { doubt }: DrainMemory): Finding {
  if (reason !== DrainReason.QUEUE_EMPTY) return { verdict: 'WAIT', reason, message };
  if (!doubt) return { verdict: 'PROVEN', reason, message };
  const why = doubt === DrainReason.QUEUE_MAY_BE_DROPPED
    ? 'the association was updated meanwhile, which may have dropped its queue'
    : 'the association was not AVAILABLE when changes may have been made, and those may never have reached its queue';
  return { verdict: 'FAILED', reason: doubt, message: `${message}, but ${why}`, error: ErrorName.EXPORT_NOT_PROVEN };
}

/** The link is AVAILABLE, and nothing can write any more. */
function prove(look: Look, memory: DrainMemory, quiet: number, quietAt: number): { memory: DrainMemory; finding: Finding } {
  const { now, association, tasks, report } = look;
  // a task that began before is worth nothing then; an update beside a live one may be refused
  const task = isOn(association!) && memory.task?.id ? { ...memory.task, spoiled: true } : memory.task;
  if (!tasks.some(isLive)) {
    const { switchOff, finding } = judgeSwitch(now, association!, memory.switchOff);
    if (finding) return { memory: { ...memory, switchOff, task }, finding };
    const left = judgeLeftovers(look, { ...memory, switchOff, task }, quietAt);
    if (left.finding) return { memory: left.memory, finding: left.finding };
    const judged = judgeTask(now, quiet, tasks, task, report);
    return { memory: { ...left.memory, task: judged.task }, finding: judged.finding };
  }
  const judged = judgeTask(now, quiet, tasks, task, report);
  return { memory: { ...memory, task: judged.task }, finding: judged.finding };
}

/** Adds to a finding what the looks so far have in common. */
function note(look: Look, memory: DrainMemory, found: Finding, queue?: QueueReading): Decision {
  const lookedAt = iso(look.now);
  const ages = look.points.map(({ ageSeconds }) => ageSeconds).filter(Number.isFinite);
  const progress = followProgress(look, found, queue);
  const { limited, ...finding } = standstill(look.now, found, progress, look.settings.stallSeconds);
  const failedFiles = finding.verdict === 'PROVEN' ? undefined : finding.failedFiles ?? look.last?.failedFiles;
  return {
    ...finding,
    ...(failedFiles ? { failedFiles } : {}),
    lookedAt,
    objects: describeObjects(progress.objects),
    memory: {
      ...memory,
      firstLookAt: memory.firstLookAt ?? lookedAt,
      looks: (memory.looks ?? 0) + 1,
      reasonSince: finding.reason === look.last?.reason ? memory.reasonSince ?? lookedAt : lookedAt,
      highestAgeSeconds: Math.max(memory.highestAgeSeconds ?? 0, ...ages),
      progress,
    },
  };
}

/** What is to be said when the time is up: enough to tell a slow export from one that is stuck. */
export function lastWords({ evidence }: DrainState): string {
  const { reason, message, newestPointAt, ageSeconds, zeros, zerosNeeded, objects, task, memory } = evidence;
  if (!memory?.looks) return 'the export was never looked at: the drain had no time';
  const point = newestPointAt
    ? `Newest data point: ${ageSeconds} s at ${newestPointAt}, the highest was ${memory.highestAgeSeconds} s; ${zeros} of ${zerosNeeded} zeros.`
    : zerosNeeded === undefined ? '' : 'There was no data point.';
  const bucket = objects && `${objects.count} objects seen at ${objects.lookedAt}${objects.newestAt ? `, the newest of ${objects.newestAt}` : ''}${objects.unknown ? ` (${objects.unknown})` : ''}.`;
  const counts = task && `Export task ${task.id} (${task.lifecycle}): ${task.succeeded ?? 0} of ${task.total ?? '?'} files exported, ${task.failed ?? 0} failed.`;
  const moved = memory.progress && `Something last moved at ${memory.progress.movedAt}.`;
  return [`the export is not proven after ${memory.looks} looks since ${memory.firstLookAt}. ${reason} since ${memory.reasonSince}: ${message}.`, point, bucket, counts, moved]
    .filter(Boolean).join(' ');
}

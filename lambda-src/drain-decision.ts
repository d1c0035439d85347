import { Association, judgeLink } from './link-health';
import { iso, Point, readQueue } from './queue-age';
import { ErrorName } from '../src/private/errors';
import { DrainReason } from '../src/private/export-drain-payloads';
import type { DrainLook, DrainMemory, DrainSettings, DrainState } from '../src/private/export-drain-payloads';

/** Everything that one look knows. */
export interface Look {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** When the queue has got every change that it will ever get; in words where it cannot be told. */
  readonly quiet: number | string;
  readonly points: Point[];
  readonly association: Association | undefined;
  readonly needed: number;
  readonly settings: DrainSettings;
  readonly memory: DrainMemory;
  /** What the last look found. */
  readonly lastReason?: string;
}

export interface Decision extends DrainLook {
  /** What to do before the next look. */
  readonly action?: 'RETRIGGER';
}

/** What of a decision is its own; the rest is noted in the same way for each. */
type Finding = Omit<Decision, 'lookedAt' | 'memory'>;

/** Is everything that was written exported? The link first, then the queue; what cannot be told is never a yes. */
export function decide(look: Look): Decision {
  const { now, quiet, settings, association } = look;
  if (typeof quiet === 'string') {
    return note(look, look.memory, { verdict: 'FAILED', reason: DrainReason.QUIET_TIME_UNKNOWN, message: quiet, error: ErrorName.EXPORT_NOT_PROVEN });
  }
  const { memory, problem } = judgeLink(now, quiet, association, look.memory, settings.misconfiguredGraceSeconds);
  // zeros of a time in which the link did not export never count (G8)
  const healthyAt = memory.interrupted && memory.availableSince ? Date.parse(memory.availableSince) : -Infinity;
  const quietAt = Math.max(quiet, healthyAt + settings.publicationLagSeconds * 1000);
  const { newest, zeros, reason, message } = readQueue(now, quietAt, look.points, look.needed, settings.publicationLagSeconds);
  const seen = {
    quietAt: iso(quietAt),
    lifecycle: association?.lifecycle,
    newestPointAt: newest && iso(newest.at),
    ageSeconds: newest?.ageSeconds,
    zerosNeeded: look.needed,
  };

  if (problem) return note(look, memory, { ...seen, zeros: 0, ...problem });
  if (reason !== DrainReason.QUEUE_EMPTY) return note(look, memory, { ...seen, zeros, verdict: 'WAIT', reason, message });
  if (memory.doubt) {
    const doubt = memory.doubt === DrainReason.QUEUE_MAY_BE_DROPPED
      ? 'the association was updated meanwhile, which may have dropped its queue'
      : 'the association was not AVAILABLE when changes may have been made, and those may never have reached its queue';
    return note(look, memory, { ...seen, zeros, verdict: 'FAILED', reason: memory.doubt, message: `${message}, but ${doubt}`, error: ErrorName.EXPORT_NOT_PROVEN });
  }
  return note(look, memory, { ...seen, zeros, verdict: 'PROVEN', reason, message });
}

/** Adds to a finding what the looks so far have in common. */
function note(look: Look, memory: DrainMemory, finding: Finding): Decision {
  const lookedAt = iso(look.now);
  const ages = look.points.map(({ ageSeconds }) => ageSeconds).filter(Number.isFinite);
  return {
    ...finding,
    lookedAt,
    memory: {
      ...memory,
      firstLookAt: memory.firstLookAt ?? lookedAt,
      looks: (memory.looks ?? 0) + 1,
      reasonSince: finding.reason === look.lastReason ? memory.reasonSince ?? lookedAt : lookedAt,
      highestAgeSeconds: Math.max(memory.highestAgeSeconds ?? 0, ...ages),
    },
  };
}

/** What is to be said when the time is up: enough to tell a slow export from one that is stuck. */
export function lastWords({ evidence }: DrainState): string {
  const { reason, message, newestPointAt, ageSeconds, zeros, zerosNeeded, memory } = evidence;
  if (!memory?.looks) return 'the export was never looked at: the drain had no time';
  const point = newestPointAt
    ? `Newest data point: ${ageSeconds} s at ${newestPointAt}, the highest was ${memory.highestAgeSeconds} s; ${zeros} of ${zerosNeeded} zeros.`
    : 'There was no data point.';
  return `the export is not proven after ${memory.looks} looks since ${memory.firstLookAt}. ${reason} since ${memory.reasonSince}: ${message}. ${point}`;
}

import { iso } from './queue-age';
import { ErrorName } from '../../src/private/errors';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { DrainMemory } from '../../src/private/export-drain-payloads';

/** The data repository association as FSx describes it; undefined where it is not there. */
export interface Association {
  readonly lifecycle: string;
  readonly exportEvents: string[];
  /** FailureDetails.Message */
  readonly failure?: string;
}

export interface LinkHealth {
  readonly memory: DrainMemory;
  /** What is wrong; undefined where the link exports. */
  readonly problem?: {
    readonly verdict: 'WAIT' | 'FAILED';
    readonly reason: DrainReason;
    readonly message: string;
    readonly error?: ErrorName;
    readonly action?: 'RETRIGGER';
  };
}

/** An association whose cause is mended comes back by itself within 15 of the 20 minutes; then an update makes FSx look again (A3.2a). */
const SELF_RECOVERY = 3 / 4;

/**
 * Is the link healthy?
 *
 * @param quietAt when the queue has got every change that it will ever get
 * @param queueIsAll nothing but the queue will tell whether everything is exported
 */
export function judgeLink(
  now: number, quietAt: number, association: Association | undefined, memory: DrainMemory, graceSeconds: number, queueIsAll: boolean,
): LinkHealth {
  if (!association) return failed(memory, DrainReason.ASSOCIATION_FAILED, ErrorName.ASSOCIATION_FAILED, 'the data repository association is gone');
  const { lifecycle, exportEvents, failure } = association;
  const says = `the data repository association is ${lifecycle}: ${failure ?? 'FSx gives no reason'}`;
  if (lifecycle === 'FAILED' || lifecycle === 'DELETING') return failed(memory, DrainReason.ASSOCIATION_FAILED, ErrorName.ASSOCIATION_FAILED, says);
  const settled = lifecycle === 'AVAILABLE' || lifecycle === 'MISCONFIGURED';
  // a change of a kind that is not exported never gets into the queue
  if (queueIsAll && settled && !(exportEvents.includes('NEW') && exportEvents.includes('CHANGED'))) {
    return failed(memory, DrainReason.AUTO_EXPORT_OFF, ErrorName.EXPORT_NOT_PROVEN,
      `the association exports ${exportEvents.join(', ') || 'nothing'} automatically, not NEW and CHANGED: its queue is empty whatever is on the file system`);
  }

  const grace = graceSeconds * 1000;
  const misconfiguredFor = memory.misconfiguredSince ? now - Date.parse(memory.misconfiguredSince) : 0;
  if (lifecycle === 'AVAILABLE') {
    return {
      memory: {
        ...memory,
        availableSince: memory.availableSince ?? iso(now),
        allQueued: memory.allQueued || now >= quietAt,
        misconfiguredSince: undefined,
        // a re-trigger may have been sent even where its answer was lost, and an update may drop the queue (A6.2)
        doubt: memory.doubt ?? (misconfiguredFor >= grace * SELF_RECOVERY ? DrainReason.QUEUE_MAY_BE_DROPPED : undefined),
      },
    };
  }

  const interrupted: DrainMemory = { ...memory, interrupted: true, availableSince: undefined, doubt: memory.doubt ?? doubtOf(lifecycle, memory) };
  if (lifecycle !== 'MISCONFIGURED') {
    return { memory: interrupted, problem: { verdict: 'WAIT', reason: DrainReason.ASSOCIATION_NOT_AVAILABLE, message: `the data repository association is ${lifecycle}` } };
  }
  const since: DrainMemory = { ...interrupted, misconfiguredSince: memory.misconfiguredSince ?? iso(now) };
  const sinceRetrigger = memory.retriggeredAt ? now - Date.parse(memory.retriggeredAt) : 0; // it gets its time even where looks are rare
  if (misconfiguredFor >= grace && sinceRetrigger >= grace * (1 - SELF_RECOVERY)) {
    const refused = memory.retriggerRefusal ? `; an update was refused: ${memory.retriggerRefusal}` : '';
    return failed(since, DrainReason.ASSOCIATION_MISCONFIGURED, ErrorName.ASSOCIATION_MISCONFIGURED, `${says}; so since ${since.misconfiguredSince}${refused}`);
  }
  const retrigger = !memory.retriggeredAt && misconfiguredFor >= grace * SELF_RECOVERY;
  return {
    memory: since,
    problem: { verdict: 'WAIT', reason: DrainReason.ASSOCIATION_MISCONFIGURED, message: says, ...(retrigger ? { action: 'RETRIGGER' } : {}) },
  };
}

/** What the memory of a link is after its one re-trigger. */
export function retriggered(now: number, memory: DrainMemory, refusal?: string): DrainMemory {
  return { ...memory, retriggeredAt: iso(now), retriggerRefusal: refusal };
}

/**
 * Whether an empty queue can still mean that everything was exported after the link was seen in this state. An update may
 * drop the queue (A6.2); changes made while the link does not export may never reach it (G8).
 */
function doubtOf(lifecycle: string, memory: DrainMemory): DrainReason | undefined {
  if (lifecycle === 'UPDATING') return DrainReason.QUEUE_MAY_BE_DROPPED;
  return memory.allQueued ? undefined : DrainReason.CHANGES_MAY_BE_MISSED;
}

function failed(memory: DrainMemory, reason: DrainReason, error: ErrorName, message: string): LinkHealth {
  return { memory, problem: { verdict: 'FAILED', reason, error, message } };
}

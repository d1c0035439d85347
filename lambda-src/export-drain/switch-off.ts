import type { Association } from './link-health';
import type { Finding } from './look';
import { iso } from './queue-age';
import { ErrorName } from '../../src/private/errors';
import { DrainReason } from '../../src/private/export-drain-payloads';
import type { SwitchOffForm, SwitchOffMemory } from '../../src/private/export-drain-payloads';
import { executionToken } from '../shared/run-identity';

/** Each form twice: an update can also be refused because of another one at the same moment. */
export const MOST_ATTEMPTS = 4;

/** What is in the way for a moment passes in this time. */
export const REFUSED_FOR = 20 * 60_000;

/** Describe may still show the link as it was before an update (unconfirmed). */
const SHOWS_AFTER = 60_000;

const WORDS: { [form in SwitchOffForm]: string } = { EMPTY_EVENTS: 'with Events: []', NO_POLICY: 'without AutoExportPolicy' };

export const isOn = (association: Association) => association.exportEvents.length > 0;

/** Is automatic export off? The link is AVAILABLE. An export task cannot run beside it (A8.6). */
export function judgeSwitch(now: number, association: Association, switchOff?: SwitchOffMemory): { switchOff?: SwitchOffMemory; finding?: Finding } {
  if (!isOn(association)) return { switchOff: switchOff && { ...switchOff, seenOffAt: switchOff.seenOffAt ?? iso(now) } };
  if (switchOff && !switchOff.refused && now - Date.parse(switchOff.at) < SHOWS_AFTER) {
    return { switchOff, finding: { verdict: 'WAIT', reason: DrainReason.SWITCHING_OFF, message: `automatic export is being switched off since ${switchOff.at}` } };
  }
  if (switchOff && switchOff.attempts >= MOST_ATTEMPTS && now - Date.parse(switchOff.firstAt) >= REFUSED_FOR) {
    return {
      switchOff,
      finding: { verdict: 'FAILED', reason: DrainReason.AUTO_EXPORT_NOT_SWITCHED_OFF, error: ErrorName.AUTO_EXPORT_NOT_SWITCHED_OFF, message: whyNot(switchOff) },
    };
  }
  const again = switchOff?.seenOffAt ? 'automatic export was off and is on again' : 'automatic export is on';
  return { switchOff, finding: { verdict: 'SWITCH_OFF', reason: DrainReason.SWITCHING_OFF, message: `${again}: an export task needs it off` } };
}

/** Token of the next attempt of one execution (A2.9). */
export function switchOffToken(executionArn: string, switchOff?: SwitchOffMemory): string {
  return `off-${(switchOff?.attempts ?? 0) + 1}-${executionToken(executionArn)}`;
}

/** The form that has worked, else one and the other in turn. */
export function nextForm(switchOff?: SwitchOffMemory): SwitchOffForm {
  if (switchOff?.seenOffAt && !switchOff.refused) return switchOff.form;
  return switchOff?.form === 'EMPTY_EVENTS' ? 'NO_POLICY' : 'EMPTY_EVENTS';
}

/** What is remembered of one more attempt. */
export function attempted(now: number, switchOff: SwitchOffMemory | undefined, refusal?: string): SwitchOffMemory {
  const form = nextForm(switchOff);
  return {
    ...switchOff,
    attempts: (switchOff?.attempts ?? 0) + 1,
    form,
    at: iso(now),
    firstAt: switchOff?.firstAt ?? iso(now),
    refused: refusal !== undefined,
    refusals: { ...switchOff?.refusals, ...(refusal === undefined ? {} : { [form]: refusal.slice(0, 500) }) },
  };
}

function whyNot({ attempts, refusals, seenOffAt }: SwitchOffMemory): string {
  const answers = (['EMPTY_EVENTS', 'NO_POLICY'] as const)
    .map((form) => `an update ${WORDS[form]} ${refusals[form] === undefined ? 'did not keep it off' : `was refused (${refusals[form]})`}`).join(', ');
  return `automatic export is on after ${attempts} attempts to switch it off: ${answers}${seenOffAt ? `; it was off at ${seenOffAt}` : ''}. `
    + 'An export task cannot prove anything beside it. Runs with autoExport: false avoid this (the export task is then the export), '
    + 'and so does exportVerification METRIC_ONLY (the queue alone is looked at)';
}

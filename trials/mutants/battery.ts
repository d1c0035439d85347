import { deadlineScenarios } from './deadline-scenarios';
import { failureScenarios } from './failure-scenarios';
import { hostScenarios } from './host-scenarios';
import { lastLookScenarios } from './last-look-scenarios';
import { promiseScenarios } from './promise-scenarios';
import { runScenarios } from './run-scenarios';
import { Scenario } from './scenario';

/** The fixed set of rehearsals that a mutant has to survive. */
export function battery(): Scenario[] {
  const all = [...runScenarios(), ...promiseScenarios(), ...failureScenarios(), ...deadlineScenarios(), ...lastLookScenarios(), ...hostScenarios()];
  const names = all.map(({ name }) => name);
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) throw new Error(`two scenarios are named ${twice.join(', ')}`);
  return all;
}

import { comparePolicies, isAsPromised } from '../../bench/seed-policy';
import { functionTokenMutants } from '../../trials/mutants/function-tokens';
import { meaningMutants } from '../../trials/mutants/meaning';
import { apply } from '../../trials/mutants/product';
import { sampleSoak } from '../../trials/soak/sample';
import { EXHAUSTIVE, exhaustive } from '../helpers/sample';

jest.setTimeout(600_000);

/** A taste of the trials, which have commands of their own (CONTRIBUTING.md). */
test('random schedules: nothing lost, nothing leaked, every run ends with a name', async () => {
  const runs = EXHAUSTIVE ? 20 : 2;
  expect(await sampleSoak(runs, 20261122)).toMatchObject({ fish: [], runs });
});

test('each deliberate defect still fits the sources', () => {
  const patches = [...functionTokenMutants(), ...meaningMutants()].flatMap((mutant) => mutant.patches ?? []);
  expect(patches.length).toBeGreaterThan(75);
  for (const patch of patches) expect(() => apply(patch, undefined, false)).not.toThrow();
});

exhaustive('the policy of the original document loses files on the measured curve and is caught; ours loses none', async () => {
  expect(isAsPromised(await comparePolicies())).toBe(true);
});

import { comparePolicies, isAsPromised } from '../bench/seed-policy';
import { sampleMatrix } from '../trials/matrix/sample';
import { bad } from '../trials/matrix/summary';
import { sampleMutants } from '../trials/mutants/hunt';
import { sampleSoak } from '../trials/soak/sample';
import { EXHAUSTIVE } from './helpers/sample';

jest.setTimeout(600_000);

/** A few of each trial: the whole of them has commands of its own (CONTRIBUTING.md). */
test('random schedules: nothing lost, nothing leaked, every run ends with a name', async () => {
  const report = await sampleSoak(EXHAUSTIVE ? 100 : 4, 20261122);
  expect(report.fish).toEqual([]);
  expect(report.runs).toBe(EXHAUSTIVE ? 100 : 4);
});

test('cells of the fault matrix: none loses or leaks', async () => {
  const results = await sampleMatrix(EXHAUSTIVE ? 200 : 8, 20261122);
  expect(results.length).toBeGreaterThan(0);
  expect(bad(results)).toEqual([]);
});

test('the policy of the original document loses files on the measured curve and is caught; ours loses none', async () => {
  const results = await comparePolicies();
  expect(isAsPromised(results)).toBe(true);
});

(EXHAUSTIVE ? test : test.skip)('deliberate faults are found by what they do', async () => {
  expect(await sampleMutants(6, 20261122)).toEqual([]);
});

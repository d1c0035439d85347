import { Rehearsal, BRISK, states, minutes, tries, work, calls, summary } from '../test/helpers/pipeline-run';
import { MetricFaults } from '../local/models/metric-faults';
import { Duration } from 'aws-cdk-lib';
const START = Date.parse('2026-11-22T15:00:00Z');
const out: string[] = [];
async function show(name: string, o: any, input: any = BRISK, prep: (r: Rehearsal) => void = () => {}) {
  try {
    const r = new Rehearsal(o); prep(r);
    const t = performance.now();
    const run = await r.run(input);
    const ms = performance.now() - t;
    console.log(`== ${name}: ${run.status} ${run.error ?? ''} ${minutes(run).toFixed(0)}min ev=${run.historyEventCount} ${ms.toFixed(0)}ms attempts=${summary(run)?.job?.attempts} ${(run.cause ?? '').slice(0, 400)}`, await r.violations(), r.missing(), r.kept());
  } catch (e: any) { console.log(`== ${name}: THROWN ${e.stack}`); }
}
(async () => {
  const long = work({ files: 60, seconds: 3600 });
  for (const k of [0, 1, 5]) await show(`interrupt ${k}`, { job: long, interruptions: k }, { ...BRISK, jobDefinitionRetryAttempts: 6 });
  await show('interrupt 6', { job: long, interruptions: 6 }, { ...BRISK, jobDefinitionRetryAttempts: 6 });
  for (const reading of ['exit137', 'exit143']) for (const ended of ['described', 'notFound']) for (const eci of ['inactive','missing']) await show(`interrupt 3 ${reading} ${ended} ${eci}`, { job: long, interruptions: 3, switches: { reclaimShowsAs: reading, endedInstance: ended, endedContainerInstance: eci } }, { ...BRISK, jobDefinitionRetryAttempts: 4 });
  await show('interrupt 4of4 137', { job: long, interruptions: 4, switches: { reclaimShowsAs: 'exit137' } }, { ...BRISK, jobDefinitionRetryAttempts: 4 });
  await show('slow fs', { switches: { fileSystemCreation: 'halfAnHour' } });
  await show('fs times out', {}, BRISK, (r) => { r.models.fsx.durations.create = 2 * 3600_000; });
  await show('slow assoc', {}, BRISK, (r) => { r.models.fsx.durations.createAssociation = 40 * 60_000; });
  await show('assoc times out', {}, BRISK, (r) => { r.models.fsx.durations.createAssociation = 4000 * 60_000; });
  for (const what of ['associationMisconfigured', 'associationFailed', 'fileSystemFailed']) for (const at of [60, 20 * 60, 27 * 60]) await show(`${what} at ${at}`, { faults: [{ at, do: what }] });
  await show('assoc misconf & mended in job', { faults: [{ at: 13 * 60, do: 'associationMisconfigured' }, { at: 14 * 60, do: 'associationMended' }], job: work({ files: 60, seconds: 3600 }) });
  await show('assoc misconf & mended in drain', { faults: [{ at: 24 * 60, do: 'associationMisconfigured' }, { at: 26 * 60, do: 'associationMended' }] });
  for (const sw of ['lifecycleFailed', 'badRequest']) await show(`capacity ${sw}`, { switches: { capacityShortage: sw } }, BRISK, (r) => r.models.fsx.failNextCreation());
  await show('job fails', { job: async (j: any) => { j.save('partial', 100); await j.wait(100); j.exit(3); } });
  await show('no capacity', { faults: [{ at: 1, do: 'noCapacity' }] });
  await show('mount never', { host: { mountFailures: Infinity } });
  await show('install never', { host: { installFailures: Infinity } });
  await show('mount hangs', { host: { mountHangs: Infinity } });
  await show('not lustre', { host: { mountType: 'ext4' } });
  await show('install third', { host: { installFailures: 2 } });
})();

import { Duration } from 'aws-cdk-lib';
import { checkDrainMonitor, checkWorkload, checkBatchEnvironment, checkLifecycle } from '../local/conformance';
import { ExportDrainMonitor, BatchJobWorkload, SpotBatchEnvironment, LustreAutoExportPipeline } from '../src';
import { QUICK } from '../local/conformance/rehearsal';
(async () => {
  const time = async (n: string, f: () => Promise<string[]>) => { const t = performance.now(); console.log(n, await f(), Math.round(performance.now() - t)); };
  await time('drain', () => checkDrainMonitor((s) => new ExportDrainMonitor(s, 'M')));
  await time('workload', () => checkWorkload((s) => new BatchJobWorkload(s, 'M', { jobStartTimeout: Duration.minutes(30) })));
  await time('env', () => checkBatchEnvironment((s, n) => new SpotBatchEnvironment(s, 'M', n)));
  await time('life', () => checkLifecycle((s) => new LustreAutoExportPipeline(s, 'P', QUICK).lifecycle));
})().catch((e) => { console.error(e); process.exit(1); });

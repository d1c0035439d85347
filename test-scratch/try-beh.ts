import { App, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline, JobImage } from '/work/main/src';
import { LocalEngine } from '/work/main/local/engine';
async function main() {
  const app = new App({ outdir: '/tmp/build/cdk.out' });
  const stack = new Stack(app, 'S');
  new LustreAutoExportPipeline(stack, 'Pipeline', { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1') });
//
  const assembly = app.synth();
  const engine = new LocalEngine({ template: assembly.directory, job: async (job: any) => { await job.write('a/b.txt', 1000); await job.wait(600); } , onEvent: (e: any) => { if (e.type === 'StateEntered') console.log(e.time, e.state); else if (e.type==='Task' && e.error) console.log('   ERR', JSON.stringify(e.error).slice(0,600)); } });
  const t=Date.now();
  const run = await engine.execute(undefined, {});
  console.log(run.status, run.error, run.cause, JSON.stringify(run.output, null, 1), run.historyEventCount, Date.now()-t, 'ms');
}
main().catch((e) => { console.error(e); process.exit(1); });

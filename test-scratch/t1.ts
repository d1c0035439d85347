import { Rehearsal, states, minutes } from '../test/helpers/pipeline-run';
(async () => {
  for (let i = 0; i < 6; i++) {
    const t = Date.now();
    const r = new Rehearsal({ seed: i });
    const t1 = Date.now();
    const run = await r.run({});
    const t2 = Date.now();
    console.log(run.status, run.error, run.cause, run.historyEventCount, minutes(run), await r.violations(), r.missing(), r.closed.size, t1 - t, t2 - t1, Date.now()-t2);
  }
})();

import { Rehearsal, BRISK, states, minutes, tries, work } from '../test/helpers/pipeline-run';
const jobFail = work({files:3, seconds:60});
const fast = (o: any) => { const r = new Rehearsal(o); r.models.fsx.durations.delete = 60_000; return r; };
(async () => {
  const ref = fast({ job: jobFail });
  const run = await ref.run(BRISK);
  console.log(run.status, run.error, run.cause, run.historyEventCount, minutes(run), await ref.violations());
  const def = run.history[0].definition;
  const tasks = Object.entries<any>(def.States).filter(([, s]) => s.Type === 'Task').map(([n]) => n);
  console.log(Object.keys(def.States).length, tasks.length, tasks.join(' '));
  const answers: any = {};
  for (const t of tasks) { const a = tries(run, t).at(-1)?.answer; if (a) answers[t] = Object.keys(a); }
  console.log('not visited', tasks.filter(t => tries(run,t).length===0).join(' '));
  const fails: any = { FindRunResources: 'JOB' };
  const t0 = performance.now(); let n = 0;
  for (const [task, fields] of Object.entries<any>(answers)) for (const f of [...fields.map((dropField: string) => ({ dropField })), { padKiB: 200 }]) for (const nth of ['always']) {
    n++;
    try {
    const r = fast({ job: jobFail, faults: [{ task, nth, ...f }] });
    const run = await r.run(BRISK);
    const v = await r.violations();
    if (v.length || run.status !== 'SUCCEEDED') console.log(task, JSON.stringify(f), nth, run.status, run.error, (run.cause||'').slice(0, 150), v, r.kept());
    } catch (e) { console.log(task, JSON.stringify(f), 'THROWN', (e as any).message); }
  }
  console.log(n, performance.now() - t0);
})();

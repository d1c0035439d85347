import { LocalEngine } from '../local/engine';
const real = LocalEngine.prototype.execute;
LocalEngine.prototype.execute = async function (...a: any[]) { const t = performance.now(); const r = await (real as any).apply(this, a);
  const marks = r.history.filter((e: any) => e.type === 'StateEntered' && /conformance/.test(e.state)).map((e: any) => e.state.replace(' (conformance)', '') + '@' + e.time.slice(11, 19)).join(' ');
  console.log('  ', JSON.stringify(a[1]).slice(0, 30), r.status, r.error, String(r.cause).slice(0, 150), r.historyEventCount, Math.round(performance.now() - t), 'ms', marks, 'export', JSON.stringify(r.output?.export ?? {}).slice(0, 60), 'containers', (this as any).models.batch.containers.length, r.history.at(-1).time.slice(5,19)); return r; } as any;
require('./.conf');

import { check, Problem } from './validation';
import type { IBatchEnvironment } from '../batch-environment';
import type { IExportDrainMonitor } from '../drain-monitor';
import type { IWorkload } from '../workload';

interface Parts {
  readonly batchEnvironment: IBatchEnvironment;
  readonly workload: IWorkload;
  readonly drainMonitor: IExportDrainMonitor;
}

const CONTRACTS: { [part in keyof Parts]: { name: string; methods: (keyof Parts[part] & string)[] } } = {
  batchEnvironment: { name: 'IBatchEnvironment', methods: ['preflightChecks', 'reserve', 'attach', 'detach', 'grantTo'] },
  workload: { name: 'IWorkload', methods: ['preflightChecks', 'run', 'stop', 'grantTo'] },
  drainMonitor: { name: 'IExportDrainMonitor', methods: ['drain', 'grantTo'] },
};

/** Methods that a part lacks: no compiler says so in Python or JavaScript. */
export function partProblems(parts: Parts): Problem[] {
  return Object.entries(CONTRACTS).map(([part, { name, methods }]) => {
    const given = parts[part as keyof Parts] as unknown as { [method: string]: unknown };
    const missing = methods.filter((method) => typeof given?.[method] !== 'function');
    return check.impossible(missing.length > 0, `${part} has no ${missing.join(', no ')}; an ${name} has ${methods.join(', ')}`
      + ` (in Python with underscores: ${methods.map((method) => method.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).join(', ')})`);
  });
}

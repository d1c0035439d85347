import { check, Problem } from './validation';
import type { IBatchEnvironment } from '../batch-environment';
import type { IExportDrainMonitor } from '../drain-monitor';
import type { IWorkload } from '../workload';

interface Parts {
  readonly batchEnvironment: IBatchEnvironment;
  readonly workload: IWorkload;
  readonly drainMonitor: IExportDrainMonitor;
}

/** By this type a method that a contract gets, or loses, does not compile until it stands here, too. */
const CONTRACTS: { [part in keyof Parts]: { name: string; methods: { [method in keyof Parts[part]]: true } } } = {
  batchEnvironment: { name: 'IBatchEnvironment', methods: { preflightChecks: true, reserve: true, attach: true, detach: true, grantTo: true } },
  workload: { name: 'IWorkload', methods: { preflightChecks: true, run: true, stop: true, grantTo: true } },
  drainMonitor: { name: 'IExportDrainMonitor', methods: { drain: true, grantTo: true } },
};

/** Methods that a part lacks: no compiler says so in Python or JavaScript. */
export function partProblems(parts: Parts): Problem[] {
  return Object.entries(CONTRACTS).map(([part, contract]) => {
    const methods = Object.keys(contract.methods);
    const given = parts[part as keyof Parts] as unknown as { [method: string]: unknown };
    const missing = methods.filter((method) => typeof given?.[method] !== 'function');
    return check.impossible(missing.length > 0, `${part} has no ${missing.join(', no ')}; an ${contract.name} has ${methods.join(', ')}`
      + ` (in Python with underscores: ${methods.map((method) => method.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).join(', ')})`);
  });
}

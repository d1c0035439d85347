/** How an attempt of a job ended. */
export interface Outcome {
  readonly statusReason: string;
  readonly reason?: string;
  readonly exitCode?: number;
}

export interface RetryStrategy {
  readonly attempts?: number;
  readonly evaluateOnExit?: { onStatusReason?: string; onReason?: string; onExitCode?: string; action: string }[];
}

/** D5.1: the first entry that matches decides; if none does, the job is retried while attempts are left. */
export function retries(strategy: RetryStrategy | undefined, attemptsMade: number, outcome: Outcome): boolean {
  if (attemptsMade >= (strategy?.attempts ?? 1)) return false;
  const decides = (strategy?.evaluateOnExit ?? []).find(({ onStatusReason, onReason, onExitCode }) =>
    matches(onStatusReason, outcome.statusReason) && matches(onReason, outcome.reason) && matches(onExitCode, outcome.exitCode));
  return decides?.action.toUpperCase() !== 'EXIT';
}

/** A lone `*` also matches what is not there: AWS's own sample relies on it (D5.1). */
function matches(pattern: string | undefined, value: string | number | undefined): boolean {
  if (pattern === undefined || pattern === '*') return true;
  if (value === undefined) return false;
  const [text, glob] = [`${value}`.toLowerCase(), pattern.toLowerCase()];
  return glob.endsWith('*') ? text.startsWith(glob.slice(0, -1)) : text === glob;
}

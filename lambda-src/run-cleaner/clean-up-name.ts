/** The n-th clean-up of a run, as the cleaner names it: whoever starts it, it is the same. */
export const cleanUpName = (runId: string, n: number | '') => `clean-up-${runId}-${n}`;

/** Which clean-up of its run an execution of this name is; undefined where the cleaner would name none so. */
export function cleanUpNumber(name = ''): number | undefined {
  const [, n] = /^clean-up-\d{8}T\d{6}Z-[0-9a-f]{12}-(\d+)$/.exec(name) ?? [];
  return n === undefined ? undefined : Number(n);
}

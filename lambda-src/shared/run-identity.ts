import { createHash } from 'node:crypto';

/** 40 hexadecimal digits of an execution, for the tokens of calls that each execution makes anew (A2.9). */
export const executionToken = (executionArn: string) => createHash('sha256').update(executionArn).digest('hex').slice(0, 40);

/**
 * The names of a run, from its full execution ARN and its start, cut to the second (Step Functions tells fractions in
 * one place and not in another): two pipelines started under one execution name must not share a token (A2.9).
 */
export function runIdentity(executionArn: string, startedAt: string | Date): { id: string; token: string } {
  const second = new Date(startedAt).toISOString().slice(0, 19); // 2026-11-22T15:37:03
  const token = createHash('sha256').update(`${executionArn} ${second}`).digest('hex').slice(0, 40);
  return { id: `${second.replace(/[-:]/g, '')}Z-${token.slice(0, 12)}`, token };
}

import { Result } from './cell';
import { allCells, choose } from './cells';
import { runCell } from './run-cell';
import { way } from './ways';

/** The most common ways: to survey all of them takes longer than a small sample. */
const COMMON = ['succeeds', 'job fails', 'kept by policy', 'unexportable file', 'stopped', 'reclaimed'];

/** Some cells of every class, in this process. */
export async function sampleMatrix(n: number, seed: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const cell of choose(await allCells(COMMON.map(way)), { sample: n, seed })) results.push(await runCell(cell));
  return results;
}

import { Cell, Way } from './cell';
import { callCells, taskCells } from './cells-calls';
import { endCells } from './cells-ends';
import { lifecycleCells, metricCells, reclaimCells, skewCells, switchCells } from './cells-world';
import { survey } from './survey';
import { WAYS } from './ways';

/**
 * Every cell of the matrix, derived from the synthesized definition, the API models and the models' switches.
 * With only some of the ways there are no cells of what these do not pass.
 */
export async function allCells(ways: readonly Way[] = WAYS): Promise<Cell[]> {
  const passages = await survey(ways);
  const cells = [
    ...taskCells(passages).filter(({ way }) => ways !== WAYS ? ways.includes(way) : true),
    ...callCells(passages),
    ...lifecycleCells(passages),
    ...switchCells(),
    ...endCells(passages),
    ...reclaimCells(),
    ...metricCells(),
    ...skewCells(),
  ];
  const names = new Set<string>();
  for (const { name } of cells) {
    if (names.has(name)) throw new Error(`two cells are named ${name}`);
    names.add(name);
  }
  return cells;
}

/** What is to be run of it. */
export interface Choice {
  readonly only?: string;
  readonly cell?: string;
  readonly sample?: number;
  readonly seed?: number;
}

export function choose(cells: readonly Cell[], { only, cell, sample, seed = 1 }: Choice): Cell[] {
  const chosen = cells.filter((each) => (cell === undefined || each.name === cell) && (only === undefined || each.class.includes(only)));
  return sample === undefined ? chosen : draw(chosen, sample, seed);
}

/** As many of each class as its share, at least one, in the order of the matrix. */
function draw(cells: readonly Cell[], n: number, seed: number): Cell[] {
  const random = generator(seed);
  const shuffled = cells.map((cell) => ({ cell, key: random() })).sort((a, b) => a.key - b.key).map(({ cell }) => cell);
  const firsts = [...new Map(shuffled.map((cell) => [cell.class, cell])).values()];
  const drawn = new Set([...firsts, ...shuffled.filter((cell) => !firsts.includes(cell))].slice(0, n));
  return cells.filter((cell) => drawn.has(cell));
}

/** A linear congruential generator is random enough to draw a sample. */
function generator(seed: number): () => number {
  let state = seed % 2147483647 || 1;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}

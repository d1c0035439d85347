import { Cell, Keeping, Outcome, Plan, Result } from './cell';
import { World } from './world';
import { Run } from '../../local/engine';

/** What is kept for good is looked at so long: a later sweep must not take it away. */
const KEPT_HOURS = 3;

/** Runs one cell in a world of its own, and judges the world when it has come to rest. */
export async function runCell(cell: Cell): Promise<Result> {
  const { name } = cell;
  try {
    const plan = cell.plan();
    const world = new World(cell.way, plan);
    const runs = await world.perform();
    const found = await rest(cell, plan, world, runs);
    return { class: cell.class, name, ...judge(cell, world, runs, [...found, ...plan.found ?? []]) };
  } catch (error) {
    return { class: cell.class, name, outcome: 'BROKEN', end: 'none', found: [(error as Error).stack ?? String(error)] };
  }
}

async function rest({ mayKeep }: Cell, { afterwards }: Plan, world: World, runs: Run[]): Promise<string[]> {
  const hours = mayKeep === undefined ? undefined : KEPT_HOURS;
  const found = await world.rest(hours);
  if (!afterwards) return found;
  await afterwards(world.rehearsal, runs);
  return world.rest(hours);
}

/** The invariants that each outcome breaks; the rest (I5, I6, I7) is a workflow that does what it may not. */
const BROKEN_BY: [RegExp, Outcome][] = [[/^I[189] /, 'LOST'], [/^I3 /, 'NO END'], [/^I4 /, 'UNNAMED'], [/^I[567] /, 'BROKEN'], [/./, 'LEAKED']];

/** What may be left only where these calls are refused for ever. */
const ONLY_FOR: [RegExp, RegExp][] = [
  [/not tagged as kept$/, / fsx:(TagResource|DescribeFileSystems): /],
  [/^the compute environment /, / (batch:\w+|dynamodb:\w+|ec2:DescribeLaunchTemplates|sfn:DescribeExecution): /],
  [/^instance /, / batch:\w+: /],
];

function judge(cell: Cell, { rehearsal }: World, runs: Run[], violations: string[]): Pick<Result, 'outcome' | 'end' | 'keeping' | 'found'> {
  const end = runs.map(({ status, error }) => error ?? status).join(' and ');
  const living = rehearsal.models.fsx.living();
  const missing = living.length > 0 || cell.deletedByOthers === 'file system' ? [] : rehearsal.missing().map((path) => `I1 ${path} was closed by a job and is in no bucket`);
  const leaves = cell.mayLeave === true && rehearsal.runs.some(saysSo);
  const gone = rehearsal.models.fsx.deletions().map(({ fileSystemId }) => fileSystemId);
  // best effort, it costs nothing: where FSx took longer than anybody watched, or said too early that it was gone
  const mayLeaveRole = cell.way.name === 'deletion does not end' || /FileSystemNotFound/.test(cell.name) || cell.deletedByOthers === 'file system';
  const isAllowed = (each: string) => (mayLeaveRole && each.startsWith('I2 service-linked role '))
    || (cell.deletedByOthers === 'file system' && each.startsWith('I1 '))
    || (cell.deletedByOthers === 'compute environment' && each.startsWith('the compute environment is DELETING'))
    || (cell.deletedByOthers === 'file system' && each.startsWith('I2 job definition') && cell.way.name === 'jobs do not stop')
    || (cell.mayLeave && /^I2 (launch template|service-linked role) /.test(each)) // they cost nothing
    // FSx itself says to the end of the execution that there is none
    || (/: FileSystemNotFound, until the end$/.test(cell.name) && each.includes('the last report of its run does not say so'))
    || (leaves && !/^(I[14-9] |I3 (?!the world ))/.test(each) && ONLY_FOR.every(([what, calls]) => !what.test(each) || calls.test(cell.name)))
    // the tags of what is gone match no condition any more
    || (each.startsWith('I6 ') && gone.some((id) => each.includes(id)));
  const found = [...violations.filter((each) => !isAllowed(each)), ...missing];
  if (living.length > 0 && cell.mayKeep === undefined && found.length === 0) found.push(`kept without need: ${rehearsal.kept().join(', ')}`);
  const bad = BROKEN_BY.find(([pattern]) => found.some((each) => pattern.test(each)));
  if (bad) return { outcome: bad[1], end, found };
  if (living.length > 0 || (leaves && violations.length > 0)) {
    return { outcome: 'kept and reported', end: [end, ...rehearsal.kept()].join('; '), keeping: cell.mayKeep as Keeping, found: violations };
  }
  return { outcome: runs.every(({ status }) => status === 'SUCCEEDED') ? 'ended well' : 'named failure, then clean', end, found };
}

/** Whoever reads how the run ended learns that something could not be done. */
function saysSo({ status, output }: Run): boolean {
  return status === 'FAILED' || Object.keys(output?.cleanUpFailures ?? {}).length > 0;
}

import { VARIANTS } from './variants';
import { Run } from '../../local/engine';
import { BRISK, Rehearsal, work } from '../../test/helpers/pipeline-run';

/** Where faults can be put: what a few ordinary runs pass through. */
export interface Vocabulary {
  /** All states of the definition. */
  readonly states: string[];
  readonly tasks: string[];
  /** `service:Action` of each call, with the paths of the members of its answers. */
  readonly calls: { readonly on: string; readonly fields: string[] }[];
}

const partial = work({ files: 3, seconds: 60 });

let known: Promise<Vocabulary> | undefined;

/** The same in every process of one tree. */
export function vocabulary(): Promise<Vocabulary> {
  known ??= look();
  return known;
}

async function look(): Promise<Vocabulary> {
  const ways = [
    { job: partial },
    { job: partial, faults: [{ at: 16 * 60, do: 'associationFailed' }] },
    { job: partial, faults: [{ enter: 'WaitForJobCompletion', do: 'abort' as const }] },
  ];
  const runs: Run[] = [];
  for (const way of ways) {
    const rehearsal = new Rehearsal({ props: VARIANTS.impatient, ...way });
    const run = await rehearsal.run(BRISK);
    runs.push(run);
    if (run.status === 'ABORTED') runs.push(await rehearsal.cleanUp(run));
  }
  const definition = runs[0].history[0].definition.States as Record<string, { Type: string }>;
  const fields = new Map<string, Set<string>>();
  for (const { service, action, answer } of runs.flatMap(({ calls }) => calls)) {
    const all = fields.get(`${service}:${action}`) ?? new Set();
    fields.set(`${service}:${action}`, all);
    for (const field of fieldsOf(answer)) all.add(field);
  }
  return {
    states: Object.keys(definition).sort(),
    tasks: Object.keys(definition).filter((name) => definition[name].Type === 'Task').sort(),
    calls: [...fields].filter(([on]) => !on.startsWith('lambda:')).map(([on, paths]) => ({ on, fields: [...paths].sort() })).sort((a, b) => a.on < b.on ? -1 : 1),
  };
}

/** Paths of the members of an answer, three deep and of the first of each list. */
function fieldsOf(answer: any, depth = 3): string[] {
  if (depth === 0 || typeof answer !== 'object' || answer === null || answer instanceof Date) return [];
  return Object.entries<any>(answer).flatMap(([key, value]) => {
    const inside = Array.isArray(value) ? fieldsOf(value[0], depth - 1).map((path) => `${key}[0].${path}`) : fieldsOf(value, depth - 1).map((path) => `${key}.${path}`);
    return [key, ...inside];
  });
}

import { Way } from './cell';
import { World } from './world';

/** A call that a handler, or the state machine itself, makes in a Task. */
export interface Call {
  readonly task: string;
  /** Index of its execution in the order of their starts. */
  readonly execution: number;
  readonly service: string;
  readonly action: string;
  /** It is the n-th call of this action in its world. */
  readonly nth: number;
  /** Top-level fields of its answer. */
  readonly fields: string[];
  /** The state machine calls the API itself. */
  readonly direct: boolean;
}

/** What happens in a world in which nothing (more) goes wrong. */
export interface Passage {
  readonly way: Way;
  /** States of each execution, in the order in which they are first entered. */
  readonly states: string[][];
  readonly calls: Call[];
  readonly definition: { readonly StartAt: string; readonly States: Record<string, any> };
}

/** Calls that nobody's Task makes, e.g. the cleaner's. */
export const OUTSIDE = 'outside';

const surveyed = new Map<Way, Passage>();

export async function survey(ways: readonly Way[]): Promise<Passage[]> {
  const passages: Passage[] = [];
  for (const way of ways) passages.push(await passage(way));
  return passages;
}

async function passage(way: Way): Promise<Passage> {
  const known = surveyed.get(way);
  if (known) return known;
  const states = new Map<string, Set<string>>();
  /** Which state was entered when so many calls had been made. */
  const entries: { readonly calls: number; readonly state: string; readonly execution: number }[] = [];
  let definition: any;
  const world: World = new World(way, {}, (event, executionArn) => {
    if (event.type === 'ExecutionStarted') {
      definition ??= event.definition;
      states.set(executionArn, new Set());
    }
    if (event.type !== 'StateEntered') return;
    states.get(executionArn)!.add(event.state);
    entries.push({ calls: world.rehearsal.engine.calls.length, state: event.state, execution: world.executions.indexOf(executionArn) });
  });
  await world.perform();
  await world.rest(way.mayKeep === undefined ? undefined : 0);
  const { engine } = world.rehearsal;
  const callers = callersOf(definition, world);
  const counts = new Map<string, number>();
  const calls = engine.calls.map(({ by, service, action, answer }, index): Call => {
    const key = `${service}:${action}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    const { tasks, direct } = callers.get(by) ?? { tasks: [], direct: false };
    const entry = entries.filter((each) => each.calls <= index && tasks.includes(each.state)).at(-1);
    return { task: entry?.state ?? OUTSIDE, execution: entry?.execution ?? 0, service, action, nth, fields: Object.keys(answer ?? {}), direct };
  });
  const found = { way, states: [...states.values()].map((each) => [...each]), calls, definition };
  surveyed.set(way, found);
  return found;
}

/** Tasks by the role that makes their calls: that of a function, or of the state machine itself. */
function callersOf({ States }: Passage['definition'], { rehearsal: { engine: { template } } }: World): Map<string, { tasks: string[]; direct: boolean }> {
  const tasks = Object.entries<any>(States).filter(([, { Type }]) => Type === 'Task');
  const named = (test: (state: any) => boolean) => tasks.filter(([, state]) => test(state)).map(([name]) => name);
  return new Map<string, { tasks: string[]; direct: boolean }>([
    ...template.ofType('AWS::Lambda::Function')
      .map(({ arn, properties: { Role } }) => [Role, { tasks: named((state) => JSON.stringify(state).includes(arn!)), direct: false }] as const),
    ...template.ofType('AWS::StepFunctions::StateMachine')
      .map(({ properties: { RoleArn } }) => [RoleArn, { tasks: named(({ Resource }) => /:aws-sdk:/.test(Resource)), direct: true }] as const),
  ]);
}

/** A state, and the first world in which it is passed. */
export interface Moment {
  readonly way: Way;
  readonly execution: number;
  readonly state: string;
  readonly type: string;
}

/** Every state of the definition that any way passes. */
export function moments(passages: Passage[]): Moment[] {
  return Object.entries(passages[0].definition.States).flatMap(([state, { Type: type }]): Moment[] => {
    const found = passages.find(({ states }) => states.some((each) => each.includes(state)));
    return found ? [{ way: found.way, execution: found.states.findIndex((each) => each.includes(state)), state, type }] : [];
  });
}

/** States that call anything, or in which time passes. What changes in AWS between two of them is seen by the next one only. */
export const perceives = ({ type }: Moment) => type === 'Task' || type === 'Wait';

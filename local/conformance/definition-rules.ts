/** What one call of a part's method has rendered into a state machine. */
export interface Rendered {
  /** The method, e.g. `attach`. */
  readonly method: string;
  /** Names of its states, those within Map and Parallel states included. */
  readonly states: ReadonlySet<string>;
  /** The one place that it may write to. */
  readonly resultPath: string;
  /** Every path that it was told. */
  readonly paths: readonly string[];
  /** Name of the state that the lent failure path begins with. */
  readonly failureState: string;
}

type State = Record<string, any>;
type States = Record<string, State>;

/** The promises that can be seen in a definition. @returns the broken ones, in words */
export function brokenRules(definition: { readonly States: States }, rendered: Rendered): string[] {
  const own = Object.entries(definition.States).filter(([name]) => rendered.states.has(name));
  return [
    ...own.flatMap(([name, state]) => [...unprotected(name, state, rendered), ...writesElsewhere(name, state, rendered), ...endsTheRun(name, state, own)]),
    ...allStates(Object.fromEntries(own)).flatMap(([name, state]) => unretried(name, state)),
    ...own.flatMap(([name, state]) => readsElsewhere(name, state, rendered)),
    ...endlessLoops(Object.fromEntries(own)),
  ];
}

/** The rules for a whole state machine, whose failure path is its own affair. */
export function brokenRulesOfMachine(definition: { readonly States: States }): string[] {
  const uncaught = Object.entries(definition.States).filter(([, { Type }]) => Type === 'Task')
    .filter(([, { Catch = [] }]) => !Catch.some(({ ErrorEquals }: State) => ErrorEquals.includes('States.ALL')))
    .map(([name]) => `state ${name} has no Catch for States.ALL: its failure would end the run without a clean-up`);
  return [...uncaught, ...allStates(definition.States).flatMap(([name, state]) => unretried(name, state)), ...endlessLoops(definition.States)];
}

/** With those of the branches and iterations; what is within a Map or Parallel is caught there. */
export function allStates(states: States): [string, State][] {
  return Object.entries(states).flatMap(([name, state]): [string, State][] => {
    const nested = [...state.Branches ?? [], state.ItemProcessor, state.Iterator].filter((each) => each !== undefined);
    return [[name, state], ...nested.flatMap((machine) => allStates(machine.States))];
  });
}

function unprotected(name: string, { Type, Catch = [] }: State, { failureState }: Rendered): string[] {
  if (!['Task', 'Map', 'Parallel'].includes(Type)) return [];
  const caught = Catch.some(({ ErrorEquals, Next }: State) => ErrorEquals.includes('States.ALL') && Next === failureState);
  return caught ? [] : [`state ${name} has no Catch into the failure path: call context.failures.protect(state)`];
}

function unretried(name: string, { Type, Retry = [] }: State): string[] {
  if (Type !== 'Task' || Retry.some(({ MaxAttempts = 3 }: State) => MaxAttempts > 0)) return [];
  return [`state ${name} has no Retry: one throttled call would end the work; call addRetry on it`];
}

const isWithin = (path: string, base: string) => path === base || path.startsWith(`${base}.`) || path.startsWith(`${base}[`);

function writesElsewhere(name: string, state: State, { resultPath }: Rendered): string[] {
  const found: string[] = [];
  const wrong = (path: string | null | undefined) => path !== null && !isWithin(path ?? '$', resultPath);
  const writes = ['Task', 'Map', 'Parallel'].includes(state.Type) || (state.Type === 'Pass' && ['Result', 'Parameters', 'InputPath'].some((field) => field in state));
  if (writes && wrong(state.ResultPath)) {
    found.push(`state ${name} writes to ${state.ResultPath ?? '$, the whole document'}: its resultPath has to be context.resultPath, below it, or DISCARD`);
  }
  if ((state.OutputPath ?? '$') !== '$' || (!writes && (state.InputPath ?? '$') !== '$')) {
    found.push(`state ${name} drops what other parts wrote, with ${state.OutputPath === undefined ? 'inputPath' : 'outputPath'}: the whole document has to go on`);
  }
  for (const { Next, ResultPath, ErrorEquals } of state.Catch ?? []) {
    // the lent failure path writes where its owner wants
    if (ErrorEquals.includes('States.ALL') || !wrong(ResultPath)) continue;
    found.push(`state ${name} writes to ${ResultPath ?? '$'} when it catches ${ErrorEquals} and goes to ${Next}: that has to be context.resultPath, below it, or DISCARD`);
  }
  return found;
}

/** A Fail cannot be caught; behind a Task that raises the error itself it is never reached. */
function endsTheRun(name: string, { Type, Next, Default, Choices = [], Catch = [] }: State, own: [string, State][]): string[] {
  const isEnd = (target: string) => ['Fail', 'Succeed'].includes(own.find(([each]) => each === target)?.[1].Type);
  const targets = [...Type === 'Task' ? [] : [Next], Default, ...[...Choices, ...Catch].map((each: State) => each.Next)];
  return targets.filter((target) => target !== undefined && isEnd(target))
    .map((target) => `state ${name} leads to ${target}, which ends the run without its clean-up: raise the error in a state that is protected`);
}

/** Paths of the document that no path of the context covers. */
function readsElsewhere(name: string, state: State, { paths }: Rendered): string[] {
  const read = expressions(state).flatMap((text) => text.match(/(?<![$\w'])\$\.[\w.$-]+/g) ?? []);
  return [...new Set(read)].filter((path) => !paths.some((base) => isWithin(path, base)))
    .map((path) => `state ${name} uses ${path}, which the context does not name: build every path from those of the context`);
}

/** What a state evaluates itself; ResultPath is a promise of its own. */
function expressions(value: any, field = ''): string[] {
  if (typeof value === 'string') return field.endsWith('.$') || /^Variable$|Path$/.test(field) ? [value] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).filter(([key]) => !['Branches', 'ItemProcessor', 'Iterator', 'Catch', 'Result', 'ResultPath'].includes(key))
    .flatMap(([key, each]) => expressions(each, Array.isArray(value) ? field : key));
}

function endlessLoops(states: States): string[] {
  const next = (name: string): string[] => {
    const { Next, Default, Choices = [], Catch = [] } = states[name] ?? {};
    return [Next, Default, ...[...Choices, ...Catch].map((each: State) => each.Next)].filter((each) => each !== undefined);
  };
  const reach = new Map(Object.keys(states).map((name) => [name, reachable(name, next)]));
  const loopOf = (name: string) => [...reach.get(name)!].filter((other) => reach.get(other)?.has(name));
  const loops = Object.keys(states).map(loopOf).filter((loop) => loop.length > 0);
  const distinct = loops.filter((loop, index) => loops.findIndex((other) => other.includes(loop[0])) === index);
  return distinct.filter((loop) => !loop.some((name) => isDeadline(states, name, new Set(loop))))
    .map((loop) => `the loop through ${loop.join(', ')} has no deadline: leave it by a Choice on a number that the loop counts, such as the turns against context.schedulePath`);
}

function reachable(from: string, next: (name: string) => string[]): Set<string> {
  const found = new Set<string>();
  for (const open = [...next(from)]; open.length > 0;) {
    const name = open.pop()!;
    if (!found.has(name)) open.push(...next(name));
    found.add(name);
  }
  return found;
}

/** Whether the loop is left here by a count of its own, or by the time. */
function isDeadline(states: States, name: string, loop: Set<string>): boolean {
  const { Type, Choices = [], Default } = states[name];
  if (Type !== 'Choice') return false;
  const counters = [...loop].map((each) => states[each]).filter((state) => /States\.MathAdd\(/.test(JSON.stringify(state.Parameters ?? ''))).map((state) => state.ResultPath);
  const counts = (rule: State): boolean => Object.entries<any>(rule).some(([key, value]) =>
    /^Timestamp/.test(key) || (/^Numeric/.test(key) && counters.some((counter) => isWithin(rule.Variable, counter)))
    || (['And', 'Or'].includes(key) && value.some(counts)) || (key === 'Not' && counts(value)));
  const counting = Choices.filter(counts);
  return counting.some((rule: State) => !loop.has(rule.Next)) || (counting.length > 0 && Default !== undefined && !loop.has(Default));
}

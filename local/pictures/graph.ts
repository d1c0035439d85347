/** A line of the engine's history, as far as the pictures and tables read it. */
export interface HistoryLine {
  readonly type: string;
  readonly state?: string;
  readonly stateType?: string;
  readonly time?: string;
  readonly startTime?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly error?: unknown;
  readonly cause?: string;
  readonly [key: string]: unknown;
}

/** A state of the definition together with what the history says of it. */
export interface StateNode {
  readonly name: string;
  readonly type: string;
  /** What a Task calls: `fsx:deleteFileSystem`, or `λ` and the function's name. */
  readonly calls?: string;
  /** The Parallel or Map state around it. */
  readonly parent?: string;
  visits: number;
  /** Visits that ended with an error, after all retries. */
  failures: number;
  /** Attempts that failed and were followed by another one. */
  retries: number;
  milliseconds: number;
}

export interface Transition {
  readonly from: string;
  readonly to: string;
  readonly kind: 'next' | 'choice' | 'otherwise' | 'catch';
  /** The condition of a choice, or the errors of a catch. */
  readonly when?: string;
  count: number;
}

export interface Graph {
  readonly startAt: string;
  readonly nodes: StateNode[];
  readonly transitions: Transition[];
}

/** The definition as a graph, each state and transition with how often it was passed. */
export function graphOf(definition: Record<string, any>, history: readonly HistoryLine[]): Graph {
  const graph: Graph = { startAt: definition.StartAt, nodes: [], transitions: [] };
  addStates(graph, definition, undefined);
  walk(graph, history);
  return graph;
}

function addStates(graph: Graph, machine: Record<string, any>, parent: string | undefined): void {
  for (const [name, state] of Object.entries<any>(machine.States)) {
    graph.nodes.push({ name, type: state.Type, calls: callOf(state.Resource), parent, visits: 0, failures: 0, retries: 0, milliseconds: 0 });
    const add = (to: string | undefined, kind: Transition['kind'], when?: string) => {
      const same = graph.transitions.find((known) => known.from === name && known.to === to && known.kind === kind);
      if (to && !same) graph.transitions.push({ from: name, to, kind, when, count: 0 });
    };
    add(state.Next, 'next');
    for (const choice of state.Choices ?? []) add(choice.Next, 'choice', condition(choice));
    add(state.Default, 'otherwise');
    for (const one of state.Catch ?? []) add(one.Next, 'catch', one.ErrorEquals.join(', '));
    for (const inner of [...state.Branches ?? [], state.Iterator, state.ItemProcessor].filter(Boolean)) {
      add(inner.StartAt, 'next');
      addStates(graph, inner, name);
    }
  }
}

function callOf(resource: string | undefined): string | undefined {
  if (!resource) return undefined;
  const integration = /:states:[^:]*:[^:]*:(?:aws-sdk:)?(.+)$/.exec(resource);
  return integration ? integration[1] : `λ ${/:function:([^:]+)/.exec(resource)?.[1] ?? resource}`;
}

const OPERATORS: [RegExp, string][] = [
  [/GreaterThanEquals/, '≥'], [/GreaterThan/, '>'], [/LessThanEquals/, '≤'], [/LessThan/, '<'], [/Equals/, '='], [/Matches/, '~'],
];

/** A choice rule as a person would say it. */
export function condition(rule: Record<string, any>): string {
  if (rule.And) return rule.And.map(condition).join(' and ');
  if (rule.Or) return rule.Or.map(condition).join(' or ');
  if (rule.Not) return `not (${condition(rule.Not)})`;
  const last = (path: unknown) => String(path).replace(/^.*\./, '');
  const [operator, operand] = Object.entries(rule).find(([key]) => !['Variable', 'Next', 'Comment'].includes(key)) ?? ['', ''];
  if (operator.startsWith('Is')) return `${last(rule.Variable)} ${operand ? 'is' : 'is not'} ${operator.slice(2).toLowerCase()}`;
  const sign = OPERATORS.find(([pattern]) => pattern.test(operator))?.[1] ?? operator;
  return `${last(rule.Variable)} ${sign} ${operator.endsWith('Path') ? last(operand) : operand}`;
}

/** Counts visits, errors and transitions. States inside a Parallel or Map follow one another within their own branch. */
function walk(graph: Graph, history: readonly HistoryLine[]): void {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const before = new Map<string | undefined, StateNode>(); // by the state around: who was entered last
  const now = new Map<string, { since: number; failed: boolean }>();
  for (const line of history) {
    const node = nodes.get(line.state ?? '');
    if (!node) continue;
    const visit = now.get(node.name);
    if (line.type === 'StateEntered') {
      const previous = before.get(node.parent) ?? nodes.get(node.parent ?? '');
      if (previous) countTransition(graph, previous, node, now.get(previous.name)?.failed ?? false);
      before.set(node.parent, node);
      before.delete(node.name); // its branches begin anew
      now.set(node.name, { since: Date.parse(line.time!), failed: false });
      node.visits++;
      if (node.type === 'Fail') node.failures++;
    } else if (line.type === 'Task' && visit) {
      if (visit.failed) {
        node.retries++;
        node.failures--;
      }
      visit.failed = line.error !== undefined;
      if (visit.failed) node.failures++;
      spend(node, visit, line.endedAt);
    } else if (line.type === 'StateExited' && visit) {
      spend(node, visit, line.time);
    }
  }
}

function spend(node: StateNode, visit: { since: number }, until: string | undefined): void {
  const time = Date.parse(until ?? '');
  if (Number.isNaN(time)) return;
  node.milliseconds += Math.max(0, time - visit.since);
  visit.since = time;
}

function countTransition(graph: Graph, from: StateNode, to: StateNode, failed: boolean): void {
  const between = graph.transitions.filter((one) => one.from === from.name && one.to === to.name);
  const taken = between.find((one) => (one.kind === 'catch') === failed) ?? between[0];
  if (taken) taken.count++;
}

import { graphOf, HistoryLine, StateNode, Transition } from './graph';

/** A state, or a loop of states, or several short states in a row, as the run passed through. */
export interface Step {
  readonly name: string;
  /** The first state of it. */
  readonly state: string;
  readonly from: number;
  to: number;
  /** Turns of a loop. */
  turns: number;
  /** How many short states in a row. */
  readonly states: number;
}

const SHORT = 0.004;

/** What an execution did, in order: each loop is one step, and states too short to be seen are taken together. */
export function stepsOf(definition: Record<string, any>, history: readonly HistoryLine[]): Step[] {
  const loops = loopsOf(definition, history);
  const entered = history.filter(({ type }) => type === 'StateEntered').map(({ state, time }) => ({ state: state!, time: Date.parse(time!) }));
  const end = Date.parse(history[history.length - 1]?.time ?? '') || entered[entered.length - 1]?.time;
  const steps: Step[] = [];
  entered.forEach(({ state, time }, i) => {
    const to = entered[i + 1]?.time ?? end;
    const loop = loops.get(state);
    const previous = steps[steps.length - 1];
    if (loop && previous?.name === loop) {
      previous.to = to;
      if (state === previous.state) previous.turns++;
    } else {
      steps.push({ name: loop ?? state, state, from: time, to, turns: 1, states: 1 });
    }
  });
  const total = end - (entered[0]?.time ?? end);
  return steps.reduce<Step[]>((merged, step) => {
    const previous = merged[merged.length - 1];
    const isShort = ({ from, to, turns }: Step) => to - from < total * SHORT && turns === 1;
    if (!previous || !isShort(step) || !isShort(previous)) return [...merged, step];
    return [...merged.slice(0, -1), { ...previous, states: previous.states + 1, to: step.to }];
  }, []).map((step) => ({ ...step, name: step.name + (step.turns > 1 ? ` ⟲ ${step.turns}` : step.states > 1 ? ` + ${step.states - 1} more` : '') }));
}

/** For each state that lies on a loop that the run turned: the name of the loop, which is its Wait state's. */
function loopsOf(definition: Record<string, any>, history: readonly HistoryLine[]): Map<string, string> {
  const { nodes, transitions } = graphOf(definition, history);
  return cyclesOf(nodes, transitions.filter(({ count }) => count > 0));
}

/** For each state that these transitions lead back to: the name of its loop. */
export function cyclesOf(nodes: readonly StateNode[], transitions: readonly Transition[]): Map<string, string> {
  const reach = new Map(nodes.map(({ name }) => [name, new Set<string>()]));
  for (const [name, reached] of reach) {
    const open = [name];
    while (open.length) {
      for (const { to } of transitions.filter(({ from }) => from === open[0])) if (!reached.has(to)) open.push([...reached.add(to)].pop()!);
      open.shift();
    }
  }
  const loops = new Map<string, string>();
  for (const { name } of nodes.filter((node) => reach.get(node.name)!.has(node.name))) {
    const members = nodes.filter((other) => reach.get(name)!.has(other.name) && reach.get(other.name)!.has(name));
    loops.set(name, (members.find(({ type }) => type === 'Wait') ?? members[0]).name);
  }
  return loops;
}

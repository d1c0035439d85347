import { readFileSync } from 'fs';
import { join } from 'path';
import { battery } from './battery';
import { functionTokenMutants } from './function-tokens';
import { meaningMutants } from './meaning';
import { Mutant } from './mutant';
import { pipelinesOf, Product, Synthesized } from './product';
import { BROKEN_OFF, play, Scenario, Trace } from './scenario';
import { structuralMutants } from './structural';
import { taskScenarios } from './task-scenarios';

/** What became of one mutant. */
export interface Catch {
  readonly id: string;
  /** The scenario that told it from the product, and the promises that it broke; undefined: it survived. */
  readonly killer?: string;
  readonly broken?: string[];
  readonly tried: number;
  readonly seconds: number;
}

/** Traces by scenario, as one process can tell them to another. */
export type Traces = { readonly [scenario: string]: Trace };

/** Looks for a scenario that tells a mutant from the product. What the product does in a scenario is measured once. */
export class Hunt {
  public readonly mutants: Mutant[];
  public readonly traces = new Map<string, Trace>();
  private readonly product = new Product();
  private readonly template: any;
  private readonly scenarios = battery();
  private readonly kills = new Map<string, number>();
  private forTasks?: Scenario[];

  constructor(traces: Traces = {}) {
    this.template = this.product.synthesize(pipelinesOf({})).template;
    this.mutants = [...structuralMutants(this.template), ...functionTokenMutants(), ...meaningMutants()];
    Object.entries(traces).forEach(([name, trace]) => this.traces.set(name, trace));
  }

  /** Plays every scenario with the product as it is. */
  public async measure(told: (done: number, of: number) => void = () => {}): Promise<Traces> {
    const all = [...this.scenarios, ...await this.taskScenarios()];
    for (const [i, scenario] of all.entries()) {
      await this.trace(scenario);
      told(i + 1, all.length);
    }
    return Object.fromEntries(this.traces);
  }

  public async hunt(mutant: Mutant): Promise<Catch> {
    const begun = performance.now();
    const product = mutant.patches ? new Product(mutant.patches) : this.product;
    const mutated = new Map<Synthesized, Synthesized>();
    const templates = (made: Synthesized) => {
      if (!mutated.has(made)) {
        const template = structuredClone(made.template);
        mutant.mutate?.(template);
        mutated.set(made, { ...made, template });
      }
      return mutated.get(made)!;
    };
    let tried = 0;
    let brokenOff: Partial<Catch> | undefined;
    const end = (more: Partial<Catch> = {}): Catch => ({ id: mutant.id, tried, seconds: (performance.now() - begun) / 1000, ...more });
    try {
      for await (const scenario of this.candidates(mutant)) {
        tried++;
        const { broken } = await play(scenario, product, templates);
        if (broken.length === 0) continue;
        if (broken[0].startsWith(BROKEN_OFF)) { // the rehearsal could not go on, e.g. without a file system to break: a promise is a better witness
          brokenOff ??= { killer: scenario.name, broken };
          continue;
        }
        const key = `${mutant.kind} ${scenario.name}`;
        this.kills.set(key, (this.kills.get(key) ?? 0) + 1);
        return end({ killer: scenario.name, broken });
      }
      return end(brokenOff);
    } finally {
      if (mutant.patches) product.dispose();
    }
  }

  public dispose(): void {
    this.product.dispose();
  }

  /** Scenarios that may tell the difference, the likely ones first. */
  private async *candidates(mutant: Mutant): AsyncGenerator<Scenario> {
    const { hints = [], state } = mutant;
    const own = (name: string) => state !== undefined && name.startsWith(`${state} `);
    const likely = (scenario: Scenario) => {
      if (hints.includes(scenario.name)) return -1e9;
      const seen = this.traces.get(scenario.name);
      const allowed = mutant.actions?.some((action) => seen?.actions.includes(action)) ? -1e6 : 0;
      const there = mutant.towards !== undefined && seen?.states.includes(mutant.towards) ? -1e7 : 0;
      const kind = isOfHost(scenario) ? -1e6 : 0;
      return (own(scenario.name) ? -1e8 : 0) + there + allowed + kind - (this.kills.get(`${mutant.kind} ${scenario.name}`) ?? 0) * 1e4 + (seen?.milliseconds ?? 1e3);
    };
    const sorted = (scenarios: Scenario[]) => [...scenarios].sort((a, b) => likely(a) - likely(b));
    const tasks = state === undefined ? [] : (await this.taskScenarios(state));
    const first = sorted([...tasks, ...this.scenarios]);
    for (const scenario of first) if (await this.concerns(mutant, scenario)) yield scenario;
    if (mutant.kind === 'userData') return; // what a host does is seen without an error in a Task
    for (const scenario of sorted(await this.taskScenarios())) {
      if (!first.some(({ name }) => name === scenario.name) && await this.concerns(mutant, scenario)) yield scenario;
    }
  }

  private async concerns(mutant: Mutant, scenario: Scenario): Promise<boolean> {
    const { state, actions } = mutant;
    if (isOfHost(scenario) && !changesHosts(mutant)) return false; // dozens of boots, which nothing else changes
    const trace = await this.trace(scenario);
    if (trace.broken) return false; // what the product itself does not pass tells nothing
    // a permission that no call of a model needs by its own name may be a dependent one of any
    const known = actions?.filter((action) => [...this.traces.values()].some((each) => each.actions.includes(action)));
    return (state === undefined || trace.states.includes(state)) && (!known?.length || known.some((action) => trace.actions.includes(action)));
  }

  /** Of one Task, for which only scenarios up to the first that passes it have to be played; or of all Tasks. */
  private async taskScenarios(task?: string): Promise<Scenario[]> {
    if (this.forTasks) return task === undefined ? this.forTasks : this.forTasks.filter(({ name }) => name.startsWith(`${task} `));
    const played = [];
    for (const scenario of this.scenarios) {
      const trace = await this.trace(scenario);
      if (!trace.broken) played.push({ scenario, trace });
      if (task !== undefined && trace.states.includes(task) && !trace.broken) break;
    }
    const made = taskScenarios(this.template, played);
    if (task === undefined) this.forTasks = made;
    return task === undefined ? made : made.filter(({ name }) => name.startsWith(`${task} `));
  }

  private async trace(scenario: Scenario): Promise<Trace> {
    if (!this.traces.has(scenario.name)) {
      const { broken, trace } = await play(scenario, this.product);
      this.traces.set(scenario.name, { ...trace, ...broken.length > 0 ? { broken } : {} });
    }
    return this.traces.get(scenario.name)!;
  }
}

const isOfHost = ({ name }: Scenario) => name.startsWith('a host of ');
const changesHosts = ({ kind, patches = [] }: Mutant) => kind === 'userData' || patches.some(({ file }) => file.includes('host-user-data'));

/** Mutants that are accepted although nothing kills them, by id, with the reason. */
export const ACCEPTED: { readonly [id: string]: string } = JSON.parse(readFileSync(join(__dirname, 'accepted.json'), 'utf8'));

/** A part of them that a seed decides, in the same order for the same seed. */
export function choose(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  let state = (seed % 2147483646) + 1;
  const random = () => { // Lehmer's
    state = (state * 48271) % 2147483647;
    return state;
  };
  return mutants.map((mutant) => ({ mutant, place: random() })).sort((a, b) => a.place - b.place).slice(0, count).map(({ mutant }) => mutant);
}

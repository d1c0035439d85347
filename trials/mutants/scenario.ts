import { pipelinesOf, Product, Synthesized } from './product';
import { Run } from '../../local/engine';
import { Rehearsal, RehearsalOptions, states, work } from '../../test/helpers/pipeline-run';
import { endHosts } from '../pool';

/** More events than AWS lets an execution have: a run that never ends. */
const TOO_MANY_EVENTS = 25_000;

/** How the words begin where not a promise was broken, but the rehearsal itself. */
export const BROKEN_OFF = 'broke off';

/** The machine's own, whatever clock a rehearsal has put in their place. */
const { setTimeout, clearTimeout } = globalThis;

/** Of real time; no scenario of the product takes a quarter of it, also beside other work. */
const PATIENCE_MS = 150_000;

/** What a scenario has come to. */
export interface End {
  readonly rehearsal: Rehearsal;
  /** The run that is judged. */
  readonly run: Run;
  readonly violations: string[];
  readonly missing: string[];
  /** Reasons of the file systems that were kept. */
  readonly kept: string[];
}

/** What is promised of a scenario, beside the auditor's invariants. */
export interface Promised {
  /** Name of the run's error. @default - the run succeeds */
  readonly error?: string | RegExp;
  /** Words in its cause. */
  readonly says?: RegExp;
  /** Why file systems are kept. @default - none is */
  readonly kept?: (string | RegExp)[];
  /** More that must be so: broken promises in words. */
  readonly also?: (end: End) => string[] | Promise<string[]>;
  /** Violations that a fault which never lifts excuses. */
  readonly excused?: RegExp;
  /** Whether it may also end well, and keep its file systems for any reason. */
  readonly anyEnd?: boolean;
  /** Whether a file that was closed may be missing in the bucket: not of runs that end well. */
  readonly mayMiss?: boolean;
}

export interface Scenario {
  readonly name: string;
  /** Made anew for each play: jobs and faults may keep count. */
  readonly options?: () => RehearsalOptions;
  readonly input?: unknown;
  readonly prepare?: (rehearsal: Rehearsal) => void;
  /** @default - one run with the input */
  readonly play?: (rehearsal: Rehearsal) => Promise<Run>;
  readonly promised: Promised;
}

/** What a scenario passed through, to find the mutants that it can tell from the product. */
export interface Trace {
  readonly states: string[];
  readonly actions: string[];
  readonly milliseconds: number;
  /** What the product itself does not keep. */
  readonly broken?: string[];
}

export interface Verdict {
  /** Broken promises; empty where all is well. */
  readonly broken: string[];
  readonly trace: Trace;
}

/** Plays a scenario with a product whose template may be changed. */
export async function play(scenario: Scenario, product: Product, templates: (made: Synthesized) => Synthesized = (made) => made): Promise<Verdict> {
  const begun = performance.now();
  const options: RehearsalOptions = { job: work({ files: 3, seconds: 60 }), ...scenario.options?.() };
  let events = 0;
  const rehearsal: Rehearsal = new Rehearsal({
    ...options,
    // the template is given below: what the rehearsal would synthesize by itself is always the same, and made once
    props: undefined,
    others: undefined,
    ...templates(product.synthesize(pipelinesOf(options))),
    onEvent: (_, executionArn) => { if (++events % TOO_MANY_EVENTS === 0) rehearsal.engine.stopExecution(executionArn); },
  } as RehearsalOptions);
  let broken: string[];
  try {
    broken = await patiently(async () => {
      scenario.prepare?.(rehearsal);
      const run = await (scenario.play?.(rehearsal) ?? rehearsal.run(scenario.input ?? {}));
      return judge(scenario.promised, { rehearsal, run, violations: await rehearsal.violations(), missing: rehearsal.missing(), kept: rehearsal.kept() });
    });
  } catch (error) {
    broken = [`${BROKEN_OFF}: ${(error as Error).message ?? error}`];
  } finally {
    rehearsal.engine.clock.abandon(); // what was broken off may still wait, and would be in the way of the next world
  }
  return {
    broken,
    trace: {
      states: [...new Set(rehearsal.runs.flatMap(states))],
      actions: [...new Set(rehearsal.engine.calls.map(({ service, action }) => `${service}:${action}`))],
      milliseconds: performance.now() - begun,
    },
  };
}

/** A script of a host can loop for ever in real time: then it is ended with all its processes. */
async function patiently(play_: () => Promise<string[]>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => {
      endHosts(process.pid);
      resolve(['it does not come to an end']);
    }, PATIENCE_MS);
  });
  return Promise.race([play_(), tooLong]).finally(() => clearTimeout(timer));
}

async function judge(promised: Promised, end: End): Promise<string[]> {
  const { run, violations, missing, kept } = end;
  const expected = promised.kept ?? [];
  const fits = (text: string | undefined, pattern: string | RegExp) => typeof pattern === 'string' ? text === pattern : pattern.test(text ?? '');
  const error = promised.anyEnd ? ['SUCCEEDED', 'FAILED'].includes(run.status) : promised.error === undefined ? run.status === 'SUCCEEDED' : run.status === 'FAILED' && fits(run.error, promised.error);
  const keeps = promised.anyEnd || kept.length === expected.length && expected.every((pattern) => kept.some((reason) => fits(reason, pattern)));
  return [
    ...error ? [] : [`ended ${run.status} ${run.error ?? ''}, not ${promised.error ?? 'SUCCEEDED'}`],
    ...promised.says && !promised.says.test(run.cause ?? '') ? [`the cause does not say ${promised.says}: ${run.cause}`] : [],
    ...violations.filter((each) => !promised.excused?.test(each)),
    ...keeps ? [] : [`kept: ${kept.join(', ') || 'nothing'}; not ${expected.join(', ') || 'nothing'}`],
    ...missing.length > 0 && expected.length === 0 && kept.length === 0 && !promised.mayMiss ? [`${missing.length} files are not in the bucket`] : [],
    ...await promised.also?.(end) ?? [],
  ];
}

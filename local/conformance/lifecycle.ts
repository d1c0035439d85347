import { Construct } from 'constructs';
import { brokenRulesOfMachine } from './definition-rules';
import { ConformanceOptions, Played, rehearse, Situations, synthesize } from './rehearsal';
import { attempt } from './rendering';
import { ILustreLifecycle } from '../../src';
import { LocalEngine } from '../engine';

/**
 * Tries a lifecycle: its definition, and whole runs. It brings everything that it needs; whatever container it starts runs
 * a script of the suite.
 *
 * @param create makes the lifecycle, whose state machine has to be the only one of the stack
 * @returns the broken promises in plain words; empty where it conforms
 */
export async function checkLifecycle(create: (scope: Construct) => ILustreLifecycle, options: ConformanceOptions = {}): Promise<string[]> {
  const made = attempt('it cannot be created', () => ({ assembly: synthesize((stack) => create(stack)) }));
  if (typeof made === 'string') return [made];
  const { assembly } = made;
  const { template } = new LocalEngine({ template: assembly, job: () => undefined });
  const machines = template.ofType('AWS::StepFunctions::StateMachine');
  if (machines.length !== 1) return [`the lifecycle creates ${machines.length} state machines: each execution of exactly one has to be a run`];
  const seen = brokenRulesOfMachine(JSON.parse(machines[0].properties.DefinitionString));
  return seen.length > 0 ? seen : rehearse(assembly, SITUATIONS, options, TOO_LONG_DAYS);
}

/** A job and a drain may each be given 30 days, and there are two runs. */
const TOO_LONG_DAYS = 130;

const SITUATIONS: Situations = {
  'two runs, one after the other': {
    executions: ['run', 'run'],
    job: async (job) => {
      job.save('one', 1000);
      await job.wait(300);
    },
    judge: ({ engine, runs }) => {
      const { fsx } = engine.models;
      const made = fsx.living().length + fsx.deletions().length;
      return [
        ...runs.filter(({ status }) => status !== 'SUCCEEDED').map(({ error, cause }) => `a run whose work succeeds fails: ${error}: ${cause}`),
        ...made < runs.length ? [`${runs.length} runs created ${made} file systems: each has to have its own`] : [],
        ...fsx.living().map(({ id }) => `file system ${id} is left after a run that succeeded`),
      ];
    },
  },
  'work that fails': {
    job: (job) => {
      job.save('one', 1000);
      job.exit(3);
    },
    judge: failed,
  },
  'a file system that fails': {
    faults: [{ at: 100, do: ({ models: { fsx } }: LocalEngine) => fsx.living().forEach(({ id }) => fsx.failFileSystem(undefined, id)) }], // before it is there (A9.1)
    judge: failed,
  },
};

/** A run that has to fail names what went wrong. */
function failed({ run }: Played): string[] {
  if (run.status === 'FAILED') return run.error && !run.error.startsWith('States.') ? [] : [`a run that fails has to name its error, and has ${run.error}`];
  return [`the run ended ${run.status}, but it had to fail with an error that is named`];
}

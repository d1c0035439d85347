import { App, Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { brokenRules, Rendered } from './definition-rules';
import { BatchEnvironmentContext, ExportDrainContext, WorkloadContext } from '../../src';
import { LocalEngine } from '../engine';

/** The contexts of all contracts at once. */
export type AnyContext = BatchEnvironmentContext & WorkloadContext & ExportDrainContext;

/** A part as the suites see it: its methods by name, and its grants. */
export interface Part {
  readonly methods: { readonly [name: string]: (context: AnyContext) => sfn.IChainable };
  grantTo(machine: sfn.StateMachine): void;
}

/** Where the lent failure path writes. */
const LENT = '$.lent';
const PATHS = ['run', 'parameters', 'fileSystem', 'association', 'job', 'compute', 'schedule'] as const;

/**
 * Renders a part as nobody else does: twice into one state machine, and into another one of the same stack, with paths of
 * no other use. @returns the broken promises that can be seen without running anything
 */
export function checkRendering(create: (scope: Stack) => Part): string[] {
  const app = new App({ analyticsReporting: false, treeMetadata: false });
  const stack = new Stack(app, 'Rendering');
  const part = attempt('it cannot be created', () => create(stack));
  if (typeof part === 'string') return [part];
  const brought = new Set(statesIn(stack));
  const machines = [['First-', 'Second-'], ['']].map((prefixes, index) => new Machine(new Construct(stack, `Machine${index}`), prefixes, part));
  const found = machines.flatMap((machine) => machine.problems);
  const strays = statesIn(stack).filter((state) => !brought.has(state) && !machines.some((machine) => machine.owns(state)));
  found.push(...strays.map((state) => `state ${state.stateId} is at ${state.node.path}: create every state under context.scope`));
  if (found.length > 0) return unique(found);

  const directory = attempt('it cannot be rendered twice', () => {
    machines.forEach((machine) => part.grantTo(machine.finish()));
    return { path: app.synth().directory };
  });
  if (typeof directory === 'string') return [directory];
  const { template } = new LocalEngine({ template: directory.path, job: () => undefined });
  const definitions = template.ofType('AWS::StepFunctions::StateMachine').map(({ properties }) => JSON.parse(properties.DefinitionString));
  return unique(machines.flatMap((machine) => machine.rendered.flatMap((each) => brokenRules(definitions.find(machine.isDefinedBy)!, each))));
}

/** One state machine with one or several renderings of all methods. */
class Machine {
  readonly problems: string[] = [];
  readonly rendered: Rendered[] = [];
  private readonly ours: Construct;
  private readonly lent: Construct[] = [];
  private readonly entry: sfn.Choice;

  constructor(private readonly scope: Construct, prefixes: string[], part: Part) {
    this.ours = new Construct(scope, 'Suite');
    this.entry = new sfn.Choice(this.ours, `Entry of ${scope.node.id}`);
    for (const prefix of prefixes) {
      for (const [method, render] of Object.entries(part.methods)) this.render(prefix, method, render);
    }
    this.entry.otherwise(new sfn.Succeed(this.ours, 'End'));
    this.problems.push(...collisions(this.lent.flatMap((each) => statesIn(each))));
  }

  readonly isDefinedBy = ({ StartAt }: { StartAt: string }) => StartAt === this.entry.stateId;

  public owns(state: sfn.State): boolean {
    return [this.ours, ...this.lent].some((each) => state.node.scopes.includes(each));
  }

  public finish(): sfn.StateMachine {
    return new sfn.StateMachine(this.scope, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(this.entry) });
  }

  private render(prefix: string, method: string, render: (context: AnyContext) => sfn.IChainable): void {
    const id = `${prefix}${method}`;
    const scope = new Construct(this.scope, id);
    this.lent.push(scope);
    const failure = new sfn.Pass(this.ours, `Failure of ${id}`);
    // what a part reads has to be where this context says, and nowhere else
    const at = (key: string) => `$.${prefix.toLowerCase().replace('-', '') || 'only'}.${key}`;
    const paths = Object.fromEntries(PATHS.map((key) => [`${key}Path`, at(key)]));
    const caught = new Set<sfn.State>(); // protecting a state twice changes nothing
    const context = {
      scope,
      statePrefix: prefix,
      ...paths,
      resultPath: at('result'),
      bucket: s3.Bucket.fromBucketName(this.ours, `Bucket of ${id}`, 'exported-to'),
      failures: {
        protect: (state: sfn.State) => {
          if (!('addCatch' in state)) throw new Error(`state ${state.stateId} cannot be protected: only Task, Map and Parallel states catch errors`);
          if (caught.has(state)) return;
          caught.add(state);
          (state as sfn.TaskStateBase).addCatch(failure, { errors: ['States.ALL'], resultPath: LENT });
        },
      },
    } as unknown as AnyContext;
    const chain = attempt(`${method} cannot be rendered`, () => sfn.Chain.start(render(context)).next(new sfn.Pass(this.ours, `After ${id}`)));
    if (typeof chain === 'string') {
      this.problems.push(chain);
      return;
    }
    this.entry.when(sfn.Condition.isPresent(`$.${id}`), chain);
    const states = statesIn(scope);
    this.problems.push(...states.filter(({ stateId }) => !stateId.startsWith(prefix))
      .map(({ stateId }) => `state ${stateId} does not begin with the prefix ${prefix}: put context.statePrefix before every name`));
    this.rendered.push({
      method,
      states: new Set(states.map(({ stateId }) => stateId)),
      resultPath: context.resultPath,
      paths: [...Object.values(paths), context.resultPath],
      failureState: failure.stateId,
    });
  }
}

/** Those of branches and iterations, too. */
function statesIn(scope: Construct): sfn.State[] {
  return scope.node.findAll().filter((each): each is sfn.State => each instanceof sfn.State);
}

function collisions(states: sfn.State[]): string[] {
  const names = states.map(({ stateId }) => stateId);
  return unique(names.filter((name, index) => names.indexOf(name) !== index))
    .map((name) => `state name ${name} appears twice: put context.statePrefix before every name`);
}

/** What was made, or what went wrong, in words. */
export function attempt<T extends object>(what: string, make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    return `${what}: ${(error as Error).message}`;
  }
}

export function unique<T>(all: T[]): T[] {
  return [...new Set(all)];
}

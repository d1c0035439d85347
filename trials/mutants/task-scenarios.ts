import { readDefinition } from './definition-text';
import { End, Scenario, Trace } from './scenario';
import { states } from '../../test/helpers/pipeline-run';

/** Violations that remain of a run whose Task never answers; who ends them is the clean-up of the run, when it answers again. */
const LEFT_BEHIND = /^I2 (launch template|job definition|job|service-linked role|lock) |^the compute environment is|^instance .* is alive/;
/** Without these nothing can be tagged or told. */
const TELLERS = ['KeepFileSystem', 'SummarizeRun'];
/** What these leave costs nothing, and goes later: it is nothing to tell of. */
const BEST_EFFORT = ['DeleteLaunchTemplate', 'ReleaseComputeEnvironment', 'DeleteServiceLinkedRole'];

const AUTOMATIC_EXPORT = 'cdk-lustre-auto-export:automatic-export';

/** For each Task of the definition: errors that pass, and one that never does, on the first scenario that passes it. */
export function taskScenarios(template: any, played: readonly { readonly scenario: Scenario; readonly trace: Trace }[]): Scenario[] {
  const definition = readDefinition(template);
  const tasks = Object.entries<any>(definition.States).filter(([, { Type }]) => Type === 'Task').map(([name]) => name);
  return tasks.flatMap((task): Scenario[] => {
    const way = played.find(({ trace }) => trace.states.includes(task))?.scenario;
    if (!way) return [];
    const options = (fault: object) => () => {
      const given = way.options?.() ?? {};
      return { ...given, faults: [...given.faults ?? [], { task, ...fault } as any] };
    };
    return ['OutOfOrder', ...caughtByName(definition.States[task])].flatMap((name): Scenario[] => {
      const error = { name, message: 'out of order' };
      const as = name === 'OutOfOrder' ? '' : ` as ${name}`;
      return [
        {
          ...way,
          name: `${task} fails three times${as}`,
          options: options({ nth: [1, 3], error }),
          promised: { ...way.promised, also: async (end) => [...await way.promised.also?.(end) ?? [], ...as === '' ? unmended(end, task) : []] },
        },
        {
          ...way,
          name: `${task} always fails${as}`,
          options: options({ nth: 'always', error }),
          promised: { error: /./, anyEnd: true, excused: TELLERS.includes(task) ? /^I2/ : LEFT_BEHIND, also: (end) => told(end, task) },
        },
      ];
    });
  });
}

/** Errors of a service for which a Task has a Catch of their own; those of the workflow itself come with what they tell of. */
function caughtByName({ Catch = [] }: { Catch?: { ErrorEquals: string[] }[] }): string[] {
  return Catch.flatMap(({ ErrorEquals }) => ErrorEquals).filter((name) => name.includes('.') && !name.startsWith('States.'));
}

/** What three failures may not leave. */
function unmended({ rehearsal: { models } }: End, task: string): string[] {
  return [
    ...task === 'ReleaseComputeEnvironment' && models.dynamodb.items().length > 0 ? ['a lock is left'] : [],
    ...task === 'DeleteServiceLinkedRole' && models.iam.serviceLinkedRoles.size > 0 ? ['a role is left'] : [],
    ...task === 'RestoreAutomaticExport' && models.fsx.living().some(({ tags }) => tags.get(AUTOMATIC_EXPORT) !== 'ON') ? ['automatic export was not switched on again'] : [],
  ];
}

/** The run names its error, wherever it happened, and says what became of the data. */
function told({ run, rehearsal }: End, task: string): string[] {
  const summarized = states(run).includes('SummarizeRun') && run.error !== 'SummaryFailed';
  const words = `${run.error} ${run.cause} ${JSON.stringify(run.output)}`;
  if (task === 'SummarizeRun') return run.error === 'SummaryFailed' ? [] : [`ended with ${run.error}`];
  return [
    ...summarized && !/^States\./.test(run.error ?? '') ? [] : [`ended with ${run.error} and no summary`],
    ...BEST_EFFORT.includes(task) || words.includes('OutOfOrder') || words.includes('out of order') ? [] : ['nothing tells of the error'],
    ...run.status === 'FAILED' && run.cause === 'out of order' ? ['the cause says nothing of the data'] : [],
    ...rehearsal.models.fsx.deletions().some(({ lost }) => lost.length > 0) ? ['files were lost'] : [],
  ];
}

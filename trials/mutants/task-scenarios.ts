import { readDefinition } from './definition-text';
import { End, Scenario, Trace } from './scenario';
import { states } from '../../test/helpers/pipeline-run';

/** Violations that remain of a run whose Task never answers; who ends them is the clean-up of the run, when it answers again. */
const LEFT_BEHIND = /^I2 (launch template|job definition|job|service-linked role|lock) |^the compute environment is|^instance .* is alive/;
/** Without these nothing can be tagged or told. */
const TELLERS = ['KeepFileSystem', 'SummarizeRun'];

/** For each Task of the definition: errors that pass, and one that never does, on the first scenario that passes it. */
export function taskScenarios(template: any, played: readonly { readonly scenario: Scenario; readonly trace: Trace }[]): Scenario[] {
  const tasks = Object.entries<any>(readDefinition(template).States).filter(([, { Type }]) => Type === 'Task').map(([name]) => name);
  return tasks.flatMap((task): Scenario[] => {
    const way = played.find(({ trace }) => trace.states.includes(task))?.scenario;
    if (!way) return [];
    const options = (fault: object) => () => {
      const given = way.options?.() ?? {};
      return { ...given, faults: [...given.faults ?? [], { task, ...fault } as any] };
    };
    const outOfOrder = { name: 'ServiceUnavailable', message: 'out of order' };
    return [
      { ...way, name: `${task} fails three times`, options: options({ nth: [1, 3], error: outOfOrder }) },
      {
        ...way,
        name: `${task} always fails`,
        options: options({ nth: 'always', error: outOfOrder }),
        promised: { error: /./, anyEnd: true, excused: TELLERS.includes(task) ? /^I2/ : LEFT_BEHIND, also: (end) => told(end, task) },
      },
    ];
  });
}

/** The run names its error and says what became of the data. */
function told({ run, rehearsal }: End, task: string): string[] {
  const summarized = states(run).includes('SummarizeRun');
  if (task === 'SummarizeRun') return run.error === 'SummaryFailed' ? [] : [`ended with ${run.error}`];
  return [
    ...summarized && !/^States\./.test(run.error ?? '') ? [] : [`ended with ${run.error} and no summary`],
    ...run.status === 'FAILED' && run.cause === 'out of order' ? ['the cause says nothing of the data'] : [],
    ...rehearsal.models.fsx.deletions().some(({ lost }) => lost.length > 0) ? ['files were lost'] : [],
  ];
}

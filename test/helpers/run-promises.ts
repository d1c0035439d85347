import type { Deployment } from '../../local/deployment';
import type { LocalEngine } from '../../local/engine';

const EXECUTION = 'cdk-lustre-auto-export:execution-arn';
/** E9: Step Functions itself ends what is older. */
const LONGEST_EXECUTION_MS = 365 * 86_400_000;

/** What the ends of runs promise beside the invariants of a world, judged by what the models know. */
export function brokenPromises(engine: LocalEngine): string[] {
  return [...falseSuccesses(engine.models), ...againstPolicy(engine), ...endless(engine.models)];
}

/** A run has succeeded only if its job has. */
function falseSuccesses({ batch, stepFunctions }: Deployment): string[] {
  return [...stepFunctions.executions.values()].filter(({ status, input }) => status === 'SUCCEEDED' && cleanUpIn(input) === undefined).flatMap(({ executionArn }) => {
    const last = lastJobOf(executionArn, batch);
    return last === undefined || last.status === 'SUCCEEDED' ? [] : [`I4 ${executionArn} has SUCCEEDED, but its job ${last.id} is ${last.status}`];
  });
}

/** What a job has seen is deleted only where the run, or somebody behind it, did not say that it stays. */
function againstPolicy({ calls, models: { batch, fsx, stepFunctions } }: LocalEngine): string[] {
  const executions = [...stepFunctions.executions.values()];
  return fsx.deletions().flatMap(({ fileSystemId, tags }) => {
    const arn = executionOf(tags);
    const run = executions.find(({ executionArn }) => executionArn === arn);
    const wasUsed = batch.containers.some(({ mounts }) => mounts.some((each) => each.fileSystemId === fileSystemId));
    const wasToldToDelete = executions.some(({ input }) => cleanUpIn(input)?.executionArn === arn && cleanUpIn(input)?.deleteLustre === true);
    // what somebody does by hand is no call of the workflow
    const asked = calls.find(({ action, input }) => action === 'DeleteFileSystem' && input.FileSystemId === fileSystemId);
    if (!run || !asked || !wasUsed || wasToldToDelete) return [];
    const { deleteLustre, failurePolicy } = parse(run.input);
    if (deleteLustre === false) return [`I1 ${fileSystemId} was deleted, though its run had deleteLustre: false`];
    // what goes wrong behind the request comes too late for a policy
    const hadFailed = lastJobOf(run.executionArn, batch)?.status !== 'SUCCEEDED' || (run.status !== 'SUCCEEDED' && +run.stopDate! < Date.parse(asked.at));
    return failurePolicy === 'KEEP' && hadFailed ? [`I1 ${fileSystemId} was deleted, though its run had failed, and has failurePolicy KEEP`] : [];
  });
}

function lastJobOf(executionArn: string, { jobs }: Deployment['batch']) {
  return jobs.filter(({ given }) => executionOf(given.tags) === executionArn).at(-1);
}

function endless({ stepFunctions }: Deployment): string[] {
  return [...stepFunctions.executions.values()]
    .filter(({ status, stopDate, redriveDate, startDate }) => status === 'TIMED_OUT' && +stopDate! - +(redriveDate ?? startDate) >= LONGEST_EXECUTION_MS)
    .map(({ executionArn }) => `I3 ${executionArn} went on until Step Functions ended it`);
}

function parse(input: string): Record<string, any> {
  return JSON.parse(input) ?? {};
}

function cleanUpIn(input: string): { executionArn?: string; deleteLustre?: boolean } | undefined {
  return parse(input).cleanUp;
}

/** The run that made something, by its tags as a service shows or keeps them. */
export function executionOf(tags: any): string | undefined {
  return tags instanceof Map ? tags.get(EXECUTION) : tags?.[EXECUTION];
}

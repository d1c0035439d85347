import { audit, proofStart } from '../auditor';
import { LocalEngine, Run } from '../engine';

const EXECUTION_TAG = 'cdk-lustre-auto-export:execution-arn';
/** Errors that come of a definition and that nothing can catch (E18). */
const UNCATCHABLE = ['States.Runtime', 'States.DataLimitExceeded'];

/** What is wrong with a finished world, by its ground truth: the invariants, the policies, the API's own models. */
export function brokenInvariants(engine: LocalEngine, runs: readonly Run[]): string[] {
  return [
    ...runs.filter(({ error }) => UNCATCHABLE.includes(error ?? '')).map(({ error, cause }) => `a run ended in ${error}, which nothing can catch: ${cause}`),
    ...audit(audited(engine, runs)).map(({ invariant, says }) => `${says} (${invariant})`),
    ...refusedCalls(engine),
  ];
}

function refusedCalls({ calls, template }: LocalEngine): string[] {
  const machineRoles = template.ofType('AWS::StepFunctions::StateMachine').map(({ properties }) => properties.RoleArn);
  return calls.flatMap(({ by, service, action, denied = [], problems = [] }) => [
    ...denied.map((each) => `${machineRoles.includes(by) ? 'grantTo forgets' : `role ${by.split('/').pop()} lacks`} ${each.action} on ${each.resource}`),
    ...problems.map((problem) => `${service}:${action} is called with parameters that the API does not have: ${problem}`),
  ]);
}

function audited({ calls, models: { fsx, ec2, batch, dynamodb, iam, stepFunctions } }: LocalEngine, runs: readonly Run[]) {
  const owner = ({ tags }: { tags: ReadonlyMap<string, string> | Readonly<Record<string, string>> }) =>
    tags instanceof Map ? tags.get(EXECUTION_TAG) : (tags as Record<string, string>)[EXECUTION_TAG];
  const fileSystems = [...fsx.living().map(({ id, tags, created }) => ({ id, tags, created })),
    ...fsx.deletions().map(({ fileSystemId: id, tags }) => ({ id, tags, created: fsx.fileSystem(id).created }))];
  // whatever a stranger's job is called and tagged: its run's file system is the newest when it starts
  const ownAt = (time: number) => fileSystems.filter(({ created }) => created <= time).sort((a, b) => b.created - a.created)[0]?.id;
  // a run that could not report itself is reported by its clean-up
  const report = (executionArn: string) => {
    const own = runs.find((run) => run.executionArn === executionArn);
    const cleanUp = runs.find(({ history }) => history[0].input?.cleanUp?.executionArn === executionArn);
    const { error, cause, output } = (own?.status === 'ABORTED' ? cleanUp : own) ?? {};
    return { error, cause, reports: [[output, cause]], historyEventCount: own?.historyEventCount };
  };
  const drained = (executionArn: string) => {
    const deletion = fsx.deletions().find((each) => owner(each) === executionArn);
    const entered = runs.flatMap(({ history }) => history).filter(({ type, state }) => type === 'StateEntered' && state === 'ShouldDeleteFSx');
    return deletion && (proofStart(calls, deletion.fileSystemId) ?? entered.map(({ time }) => Date.parse(time)).filter((time) => time <= deletion.at).at(-1));
  };
  return {
    fsx,
    runs: [...stepFunctions.executions.values()].map(({ executionArn, status }) =>
      ({ executionArn, status, ...report(executionArn), proofStartedAt: drained(executionArn) })),
    launchTemplates: ec2.launchTemplates,
    jobDefinitions: batch.definitions.all.filter(({ status }) => status === 'ACTIVE').map(({ name, given }) => ({ name, tags: given.tags ?? {} })),
    liveJobs: batch.jobs.filter(({ isOver }) => !isOver).map(({ name, given }) => ({ name, tags: given.tags ?? {} })),
    locks: dynamodb.items(),
    serviceLinkedRoles: [...iam.serviceLinkedRoles.keys()],
    jobWrites: [
      ...batch.containers.flatMap(({ jobId, startedAt, mounts }) => mounts.map(({ containerPath, fileSystemId }) =>
        ({ jobId, path: containerPath, fileSystemId, ownFileSystemId: ownAt(startedAt) }))),
      ...batch.misplacedWrites.map(({ jobId, path }) => ({ jobId, path })),
    ],
  };
}

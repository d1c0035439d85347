import { HistoryLine } from '../local/pictures/graph';

/** A machine of the product's size and shape, and runs of it, for the tests of what reads a history. */
const task = (next: string, resource = 'arn:aws:lambda:us-east-1:111122223333:function:Part:1') =>
  ({ Type: 'Task', Resource: resource, Next: next, Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'FindRunResources' }] });
const sdk = (next: string, action: string) => task(next, `arn:aws:states:::aws-sdk:${action}`);
const pass = (next: string) => ({ Type: 'Pass', Next: next });

function loop(wait: string, checks: string[], choice: string, done: string): Record<string, any> {
  const states: Record<string, any> = {
    [`Begin${wait}`]: pass(`Next${wait}`),
    [`Next${wait}`]: pass(wait),
    [wait]: { Type: 'Wait', SecondsPath: '$.loop.seconds', Next: checks[0] },
    [choice]: {
      Type: 'Choice',
      Choices: [
        { Variable: '$.fileSystem.lifecycle', StringEquals: 'AVAILABLE', Next: `${choice}Yes` },
        { Variable: '$.loop.turn', NumericGreaterThanEqualsPath: '$.schedule.count', Next: `${wait}TimedOut` },
      ],
      Default: `Next${wait}`,
    },
    [`${choice}Yes`]: pass(done),
    [`${wait}TimedOut`]: task(`${wait}Ended`),
    [`${wait}Ended`]: { Type: 'Fail', Error: 'DeadlineNotRaised' },
  };
  checks.forEach((check, i) => states[check] = task(checks[i + 1] ?? choice));
  return states;
}

export const DEFINITION = {
  StartAt: 'Begin',
  States: {
    Begin: { Type: 'Choice', Choices: [{ Variable: '$.cleanUp', IsPresent: true, Next: 'FindRunResources' }], Default: 'PrepareRun' },
    PrepareRun: task('GetSecret'),
    GetSecret: task('ExtractParameters'),
    ExtractParameters: task('CreateLustreFileSystem'),
    CreateLustreFileSystem: task('CreateDataRepositoryAssociation'),
    CreateDataRepositoryAssociation: task('BeginWaitForFileSystem'),
    ...loop('WaitForFileSystem', ['CheckFileSystemStatus', 'CheckDataRepositoryAssociation'], 'IsFileSystemAndAssociationAvailable', 'CreateLaunchTemplate'),
    CreateLaunchTemplate: sdk('UpdateComputeEnvironment', 'ec2:createLaunchTemplate'),
    UpdateComputeEnvironment: sdk('BeginWaitForComputeEnvironment', 'batch:updateComputeEnvironment'),
    ...loop('WaitForComputeEnvironment', ['CheckComputeEnvironment'], 'IsComputeEnvironmentValid', 'RememberJobQueue'),
    RememberJobQueue: sdk('CreateJobDefinition', 'fsx:tagResource'),
    CreateJobDefinition: task('SubmitJob'),
    SubmitJob: task('BeginWaitForJobCompletion'),
    ...loop('WaitForJobCompletion', ['CheckJobStatus'], 'IsJobComplete', 'StopWorkload'),
    FindRunResources: task('StopWorkload'),
    StopWorkload: task('BeginWaitForInstancesGone'),
    ...loop('WaitForInstancesGone', ['CheckInstances'], 'AreInstancesGone', 'BeginWaitForExport'),
    ...loop('WaitForExport', ['CheckMetrics'], 'IsExportComplete', 'ShouldDeleteFSx'),
    ShouldDeleteFSx: { Type: 'Choice', Choices: [{ Variable: '$.export.proven', BooleanEquals: true, Next: 'DeleteFSx' }], Default: 'KeepFileSystem' },
    KeepFileSystem: sdk('SummarizeRun', 'fsx:tagResource'),
    DeleteFSx: sdk('BeginWaitForDeletion', 'fsx:deleteFileSystem'),
    ...loop('WaitForDeletion', ['CheckDeletion'], 'IsFileSystemGone', 'DeleteLaunchTemplate'),
    DeleteLaunchTemplate: sdk('SummarizeRun', 'ec2:deleteLaunchTemplate'),
    SummarizeRun: task('DidRunSucceed'),
    DidRunSucceed: { Type: 'Choice', Choices: [{ Variable: '$.run.succeeded', BooleanEquals: true, Next: 'RunSucceeded' }], Default: 'RunFailed' },
    RunSucceeded: { Type: 'Succeed' },
    RunFailed: { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' },
  } as Record<string, any>,
};

export const START = Date.parse('2026-11-22T15:00:00Z');
/** Turns of each loop of the run. */
const TURNS: Record<string, number> = {
  IsFileSystemAndAssociationAvailable: 12,
  IsComputeEnvironmentValid: 3,
  IsJobComplete: 21,
  AreInstancesGone: 5,
  IsExportComplete: 24,
  IsFileSystemGone: 8,
};

/** A run that passes the machine as it should, or one whose job fails (`failing: 'CheckJobStatus'`). */
export function recordedRun({ failing }: { failing?: string } = {}): HistoryLine[] {
  let time = START;
  const at = () => new Date(time).toISOString();
  const lines: HistoryLine[] = [{ type: 'ExecutionStarted', startTime: at(), name: 'recorded' }];
  const turns: Record<string, number> = {};
  let failed = false;
  let name: string | undefined = DEFINITION.StartAt;
  while (name) {
    const state: Record<string, any> = DEFINITION.States[name];
    lines.push({ type: 'StateEntered', state: name, stateType: state.Type, time: at() });
    const entered: string = name;
    name = state.Next;
    if (state.Type === 'Wait') time += 30_000;
    if (state.Type === 'Choice') {
      turns[entered] = (turns[entered] ?? 0) + 1;
      name = turns[entered] === (TURNS[entered] ?? Infinity) || (entered === 'ShouldDeleteFSx') || (entered === 'DidRunSucceed' && !failed)
        ? state.Choices[0].Next : state.Default;
    }
    if (state.Type === 'Task') {
      const fails = !failed && entered === failing;
      if (entered === 'CreateLustreFileSystem') {
        lines.push({ type: 'Task', state: entered, startedAt: at(), endedAt: at(), attempt: 0, error: { Error: 'ThrottlingException', Cause: 'Rate exceeded' } });
      }
      const startedAt = at();
      time += 900;
      lines.push({ type: 'Task', state: entered, startedAt, endedAt: at(), attempt: 0, ...fails ? { error: { Error: 'JobFailed', Cause: 'exit code 1' } } : {} });
      if (fails) [failed, name] = [true, state.Catch[0].Next];
    }
    lines.push({ type: 'StateExited', state: entered, stateType: state.Type, time: at() });
  }
  lines.push(failed ? { type: 'ExecutionFailed', time: at(), error: 'JobFailed', cause: 'exit code 1' } : { type: 'ExecutionSucceeded', time: at() });
  return lines;
}

import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CatchInto } from './catch-into';
import { ErrorName } from './errors';
import { LustrePart } from './lustre-part';
import { PollLoop } from './poll-loop';
import { SdkCall } from './sdk-call';
import { IFailurePath } from '../failure-path';
import type { LustreLifecycleStateMachineProps } from '../lustre-lifecycle-state-machine';

/** The places where others join the one clean-up path. */
export interface CleanUpStates {
  /** After a failure, and for the clean-up of another run: find what the run has made. */
  readonly find: sfn.IChainable;
  /** After success: everything is in the document. */
  readonly stop: sfn.IChainable;
  /** Where nothing was created. */
  readonly summary: sfn.IChainable;
}

const { and, or, not, isPresent, booleanEquals } = sfn.Condition;
const isTrue = (path: string) => and(isPresent(path), booleanEquals(path, true));
const isFalse = (path: string) => and(isPresent(path), booleanEquals(path, false));
const at = (path: string) => sfn.JsonPath.objectAt(path);

/**
 * The one clean-up path, on success and on failure: workload stopped, environment detached, export drained and proven,
 * file system deleted. A step that fails is noted under its name in `$.failures` and the next one that is still safe
 * goes on; what cannot be shown leaves the file system where it is.
 */
export function renderCleanUp(scope: Construct, part: LustrePart, props: LustreLifecycleStateMachineProps): CleanUpStates {
  const summary = renderSummary(scope, part);
  const keep = renderKeeping(scope, part, summary);

  const deletion = renderDeletion(scope, part, keep.start, summary);
  keep.whenGone(deletion.unlink);
  const shouldDelete = new sfn.Choice(scope, 'ShouldDeleteFSx', { comment: 'only what is proven is deleted' })
    .when(and(isTrue('$.export.proven'), not(isPresent('$.failures.drain')), isTrue('$.parameters.deleteLustre')), deletion.start)
    .otherwise(keep.start);

  const nothingWritten = new sfn.Pass(scope, 'NothingWritten', {
    result: sfn.Result.fromObject({ proven: true, reason: 'NothingWritten', evidence: { mayHaveWritten: false } }),
    resultPath: '$.export',
  }).next(deletion.start);
  // by a run that was stopped behind its DeleteFSx, or by somebody else: it cannot be kept any more, only watched
  const beingDeleted = new sfn.Pass(scope, 'BeingDeleted', {
    result: sfn.Result.fromObject({ proven: false, reason: 'BeingDeleted', evidence: {} }),
    resultPath: '$.export',
  }).next(deletion.watch);
  const drain = sfn.Chain.start(props.drainMonitor.drain({
    scope: new Construct(scope, 'Drain'),
    statePrefix: '',
    runPath: '$.run',
    parametersPath: '$.parameters',
    fileSystemPath: '$.fileSystem',
    associationPath: '$.associations.output',
    jobPath: '$.job',
    computePath: '$.compute',
    resultPath: '$.export',
    schedulePath: '$.parameters.schedules.drain',
    bucket: part.bucket,
    failures: new CatchInto(shouldDelete, '$.failures.drain'),
  })).next(shouldDelete);

  const whatIsThere = new sfn.Choice(scope, 'WhatIsThereToDrain')
    .when(not(isPresent('$.fileSystem.fileSystemId')), summary)
    .when(and(isPresent('$.fileSystem.lifecycle'), sfn.Condition.stringEquals('$.fileSystem.lifecycle', 'DELETING')), beingDeleted)
    .when(or(isPresent('$.failures.find'), isPresent('$.failures.stop'), isPresent('$.failures.detach')), keep.start)
    .when(isFalse('$.job.mayHaveWritten'), nothingWritten)
    .when(isTrue('$.policy.keep'), keep.start)
    .otherwise(drain);

  const detach = sfn.Chain.start(props.batchEnvironment.detach({
    scope: new Construct(scope, 'Detach'),
    statePrefix: '',
    runPath: '$.run',
    fileSystemPath: '$.fileSystem',
    associationPath: '$.associations.output',
    resultPath: '$.compute',
    schedulePath: '$.parameters.schedules.detach',
    failures: new CatchInto(whatIsThere, '$.failures.detach'),
  })).next(whatIsThere);

  const stop = sfn.Chain.start(props.workload.stop({
    scope: new Construct(scope, 'Stop'),
    statePrefix: '',
    runPath: '$.run',
    parametersPath: '$.parameters',
    computePath: '$.compute',
    resultPath: '$.job',
    schedulePath: '$.parameters.schedules.stop',
    failures: new CatchInto(detach, '$.failures.stop'),
  })).next(detach);

  // another run that could not be found has no schedules to go on with; the clean-up can be started again
  const canGoOn = new sfn.Choice(scope, 'CanCleanUpGoOn').when(isPresent('$.parameters.schedules'), stop).otherwise(summary);
  const find = part.invocation(scope, 'FindRunResources', '$', new CatchInto(canGoOn, '$.failures.find'), {
    document: at('$'),
    self: sfn.JsonPath.stringAt('$$.Execution.Id'),
    exportDirectory: part.settings.exportDirectory,
    deadlines: part.deadlineSeconds,
    defaults: props.parameters.defaultValues,
  });
  return { find: find.next(stop), stop, summary };
}

/** Tags what is kept, and gives it its automatic export back: a drain may have switched it off. */
function renderKeeping(scope: Construct, part: LustrePart, summary: sfn.IChainable): { start: sfn.IChainable; whenGone(then: sfn.IChainable): void } {
  const keep = part.invocation(scope, 'KeepFileSystem', '$.kept', new CatchInto(summary, '$.failures.keep'), { document: at('$'), self: sfn.JsonPath.stringAt('$$.Execution.Id') });
  const failures = new CatchInto(summary, '$.failures.restore');
  const restore = new PollLoop(scope, {
    statePrefix: '',
    wait: 'WaitForAutomaticExport',
    checks: [part.invocation(scope, 'RestoreAutomaticExport', '$.kept', failures, {
      document: at('$'), settings: part.settings, self: sfn.JsonPath.stringAt('$$.Execution.Id'),
    })],
    choice: 'IsAutomaticExportRestored',
    done: isTrue('$.kept.settled'),
    giveUp: part.invocation(scope, 'AutomaticExportStaysOff', sfn.JsonPath.DISCARD, failures, { document: at('$') }),
    schedulePath: '$.parameters.schedules.deletion',
    counterPath: '$.kept.wait',
    lookFirst: true,
  });
  const canRestore = new sfn.Choice(scope, 'CanAutomaticExportBeRestored')
    .when(and(isFalse('$.kept.gone'), isPresent('$.parameters.schedules')), restore.chain)
    .otherwise(summary);
  sfn.Chain.start(restore.chain).next(summary);
  return {
    start: keep.next(canRestore),
    // deleted by others meanwhile; one that is still on its way out is left to the next clean-up
    whenGone: (then) => { canRestore.when(and(isTrue('$.kept.gone'), isFalse('$.kept.deleting')), then); },
  };
}

/** Deletes and sees it gone. A refused call is looked at and made again: a task may still run on the file system (A7.2). */
function renderDeletion(
  scope: Construct, part: LustrePart, keep: sfn.IChainable, summary: sfn.IChainable,
): { start: sfn.IChainable; watch: sfn.IChainable; unlink: sfn.IChainable } {
  const failures = new CatchInto(keep, '$.failures.delete');
  // the file system of a run that lives again is left as it is
  const orRunLives: IFailurePath = {
    protect: (state) => {
      (state as sfn.TaskStateBase).addCatch(summary, { errors: [ErrorName.RUN_STILL_RUNNING], resultPath: '$.failures.delete' });
      failures.protect(state);
    },
  };
  const confirm = part.invocation(scope, 'ConfirmDeletion', sfn.JsonPath.DISCARD, orRunLives, { document: at('$'), self: sfn.JsonPath.stringAt('$$.Execution.Id') });
  const check = part.invocation(scope, 'CheckDeletion', '$.deletion', failures, { fileSystem: at('$.fileSystem'), deletion: at('$.deletion') });
  const wait = { schedulePath: '$.parameters.schedules.deletion', counterPath: '$.deletion.wait' };
  // gone already, refused, or under a name that is not certain (E5): the next look tells
  const refused = new sfn.Pass(scope, 'DeletionRefused');
  const deleteFsx = new SdkCall(scope, 'DeleteFSx', {
    service: 'fsx',
    action: 'deleteFileSystem',
    parameters: { FileSystemId: sfn.JsonPath.stringAt('$.fileSystem.fileSystemId'), ClientRequestToken: sfn.JsonPath.format('delete-{}', sfn.JsonPath.stringAt('$.run.token')) },
    failures: new CatchInto(refused, '$.deletion.refusal'),
  });
  const loop = new PollLoop(scope, {
    statePrefix: '',
    wait: 'WaitForDeletion',
    first: deleteFsx,
    checks: [check],
    choice: 'IsFileSystemGone',
    done: isTrue('$.deletion.gone'),
    branches: [{ when: and(isTrue('$.export.proven'), isPresent('$.deletion.lifecycle'), not(sfn.Condition.stringEquals('$.deletion.lifecycle', 'DELETING'))), then: () => deleteFsx }],
    giveUp: part.invocation(scope, 'DeletionTimedOut', sfn.JsonPath.DISCARD, failures, { document: at('$') }),
    ...wait,
  });
  refused.next(loop.next);
  // FSx may have done so itself; the role costs nothing, so that its fate is not the run's
  const unlink = new SdkCall(scope, 'DeleteServiceLinkedRole', {
    service: 'iam',
    action: 'deleteServiceLinkedRole',
    parameters: { RoleName: sfn.JsonPath.format('AWSServiceRoleForFSxS3Access_{}', sfn.JsonPath.stringAt('$.fileSystem.fileSystemId')) },
    expected: { errors: ['Iam.NoSuchEntityException'], retry: false, then: summary, resultPath: sfn.JsonPath.DISCARD },
    failures: new CatchInto(summary, sfn.JsonPath.DISCARD),
  });
  return { start: sfn.Chain.start(confirm).next(loop.chain).next(unlink).next(summary), watch: loop.next, unlink };
}

/** What came of the run, as output of the execution or as its error and cause. */
function renderSummary(scope: Construct, part: LustrePart): sfn.IChainable {
  const noSummary = new sfn.Fail(scope, 'SummaryFailed', { error: 'SummaryFailed', cause: 'the run has ended but its summary could not be made; see the history' });
  const summarize = part.invocation(scope, 'SummarizeRun', '$', new CatchInto(noSummary, '$.failures.summary'), { document: at('$') });
  const outcome = new sfn.Choice(scope, 'HasRunSucceeded')
    .when(and(isPresent('$.status'), sfn.Condition.stringEquals('$.status', 'SUCCEEDED')), new sfn.Succeed(scope, 'RunSucceeded'))
    .when(and(isPresent('$.error'), isPresent('$.cause')), new sfn.Fail(scope, 'RunFailed', { errorPath: '$.error', causePath: '$.cause' }))
    .otherwise(noSummary);
  return summarize.next(outcome);
}

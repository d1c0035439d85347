import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CatchInto } from './catch-into';
import { CleanUpStates } from './clean-up-states';
import { EMPTY_DOCUMENT } from './document';
import { LustrePart } from './lustre-part';
import type { LustreLifecycleStateMachineProps } from '../lustre-lifecycle-state-machine';

/** The first Choice: a run, or the clean-up of another run from AWS alone. */
export function renderEntry(
  scope: Construct, part: LustrePart, props: LustreLifecycleStateMachineProps, creation: sfn.IChainable, cleanUp: CleanUpStates,
): sfn.IChainable {
  const prepareCleanUp = new sfn.Pass(scope, 'PrepareCleanUp', {
    parameters: {
      ...EMPTY_DOCUMENT,
      input: sfn.JsonPath.objectAt('$'),
      run: { id: '', token: '', executionArn: sfn.JsonPath.stringAt('$.cleanUp.executionArn'), startedAt: '' },
    },
  });
  const prepareRun = new sfn.Pass(scope, 'PrepareRun', {
    parameters: {
      ...EMPTY_DOCUMENT,
      input: sfn.JsonPath.objectAt('$'),
      run: { id: '', token: '', executionArn: sfn.JsonPath.stringAt('$$.Execution.Id'), startedAt: sfn.JsonPath.stringAt('$$.Execution.StartTime') },
    },
  });
  const load = props.parameters.load({
    scope,
    statePrefix: '',
    bucketName: part.bucket.bucketName,
    prefix: part.prefix,
    prefixPerRun: part.prefixPerRun,
    deploymentType: part.deploymentType,
    deadlines: part.deadlines,
    checks: [...props.batchEnvironment.preflightChecks(), ...props.workload.preflightChecks()],
    failures: new CatchInto(cleanUp.summary, '$.error'), // nothing has been created yet
  });
  return new sfn.Choice(scope, 'Begin', { comment: 'a run, or the clean-up of another run' })
    .when(sfn.Condition.and(sfn.Condition.isPresent('$.cleanUp.executionArn'), sfn.Condition.isString('$.cleanUp.executionArn')), prepareCleanUp.next(cleanUp.find))
    .otherwise(prepareRun.next(load).next(creation));
}

import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CatchInto } from './catch-into';
import { CleanUpStates } from './clean-up-states';
import { LustrePart } from './lustre-part';
import { PollLoop } from './poll-loop';
import type { LustreLifecycleStateMachineProps } from '../lustre-lifecycle-state-machine';

/** From the wait for the batch environment to the success of the workload; every failure leads into the clean-up. */
export function renderCreation(scope: Construct, part: LustrePart, props: LustreLifecycleStateMachineProps, cleanUp: CleanUpStates): sfn.IChainable {
  const failures = new CatchInto(cleanUp.find, '$.error');
  const at = (path: string) => sfn.JsonPath.objectAt(path);
  const request = { run: at('$.run'), parameters: at('$.parameters'), settings: part.settings };
  const link = { fileSystem: at('$.fileSystem'), associations: at('$.associations') };

  const reserve = props.batchEnvironment.reserve({
    scope: new Construct(scope, 'Reserve'),
    statePrefix: '',
    runPath: '$.run',
    fileSystemPath: '$.fileSystem',
    associationPath: '$.associations.output',
    resultPath: '$.compute',
    schedulePath: '$.parameters.schedules.reserve',
    failures,
  });
  // a foreign file system that was answered to us is never touched: the clean-up finds ours by its tag only
  const create = part.invocation(scope, 'CreateLustreFileSystem', '$.fileSystem', failures, request);
  const associate = part.invocation(scope, 'CreateDataRepositoryAssociation', '$.associations.output', failures, { ...request, fileSystem: at('$.fileSystem') });

  const available = new PollLoop(scope, {
    statePrefix: '',
    wait: 'WaitForFileSystem',
    checks: [
      part.invocation(scope, 'CheckFileSystemStatus', '$.fileSystem', failures, { ...request, ...link }),
      part.invocation(scope, 'CheckDataRepositoryAssociation', '$.associations.output', failures, link),
    ],
    choice: 'IsFileSystemAndAssociationAvailable',
    done: sfn.Condition.and(
      sfn.Condition.isPresent('$.fileSystem.lifecycle'),
      sfn.Condition.stringEquals('$.fileSystem.lifecycle', 'AVAILABLE'),
      sfn.Condition.isPresent('$.associations.output.lifecycle'),
      sfn.Condition.stringEquals('$.associations.output.lifecycle', 'AVAILABLE'),
    ),
    giveUp: part.invocation(scope, 'FileSystemTimedOut', sfn.JsonPath.DISCARD, failures, link),
    schedulePath: '$.parameters.schedules.fileSystem',
    counterPath: '$.associations.wait',
  });

  const attach = props.batchEnvironment.attach({
    scope: new Construct(scope, 'Attach'),
    statePrefix: '',
    runPath: '$.run',
    fileSystemPath: '$.fileSystem',
    associationPath: '$.associations.output',
    resultPath: '$.compute',
    schedulePath: '$.parameters.schedules.attach',
    failures,
  });
  // a clean-up from tags alone has to find the run's jobs
  const remember = part.invocation(scope, 'RememberJobQueue', sfn.JsonPath.DISCARD, failures, { document: at('$') });
  const run = props.workload.run({
    scope: new Construct(scope, 'Run'),
    statePrefix: '',
    runPath: '$.run',
    parametersPath: '$.parameters',
    computePath: '$.compute',
    resultPath: '$.job',
    schedulePath: '$.parameters.schedules.job',
    failures,
  });
  return sfn.Chain.start(reserve).next(create).next(associate).next(available.chain).next(attach).next(remember).next(run).next(cleanUp.stop);
}

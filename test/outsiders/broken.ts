import { Duration, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { OnDemandEnvironment } from './on-demand-environment';
import { PlainJobWorkload } from './plain-job-workload';
import { QuietQueueMonitor } from './quiet-queue-monitor';
import { ConformanceNetwork } from '../../local/conformance';
import {
  BatchEnvironmentContext, ExportDrainContext, IBatchEnvironment, IExportDrainMonitor, ILustreLifecycle, IWorkload, JobImage, LustreAutoExportPipeline,
  WorkloadContext,
} from '../../src';

/** A part that breaks one promise, what a suite says of it, and the situation in which it shows, where its states do not show it. */
export interface Broken<Create> {
  readonly name: string;
  readonly create: Create;
  readonly says: RegExp;
  readonly situation: readonly string[];
}

const broken = <Create>(name: string, create: Create, says: RegExp, ...situation: string[]): Broken<Create> => ({ name, create, says, situation });

interface AnyContext {
  readonly scope: Construct;
  readonly statePrefix: string;
  readonly resultPath: string;
}

const note = ({ scope, statePrefix, resultPath }: AnyContext, value: object, name = 'Note') =>
  new sfn.Pass(scope, `${statePrefix}${name}`, { result: sfn.Result.fromObject(value), resultPath });
const PROVEN = { proven: true, reason: 'Believed', evidence: {} };
const UNPROVEN = { proven: false, reason: 'NotLooked', evidence: {} };

// ---- drain monitors ----

type Drain = (context: ExportDrainContext) => sfn.IChainable;
const monitor = (drain: Drain) => (): IExportDrainMonitor => ({ drain, grantTo: () => undefined });
const rest = ({ scope, statePrefix }: AnyContext, hours = 1) => new sfn.Wait(scope, `${statePrefix}Rest`, { time: sfn.WaitTime.duration(Duration.hours(hours)) });

function look({ scope, statePrefix, resultPath, associationPath }: ExportDrainContext, name = `${statePrefix}Look`) {
  return new tasks.CallAwsService(scope, name, {
    service: 'fsx',
    action: 'describeDataRepositoryAssociations',
    parameters: { AssociationIds: sfn.JsonPath.array(sfn.JsonPath.stringAt(`${associationPath}.associationId`)) },
    iamResources: ['*'],
    resultPath: `${resultPath}.link`,
  });
}

function sound(context: ExportDrainContext, name?: string) {
  const task = look(context, name);
  task.addRetry({ errors: ['States.ALL'], maxAttempts: 6 });
  context.failures.protect(task);
  return task;
}

export const BROKEN_MONITORS: Broken<(scope: Construct) => IExportDrainMonitor>[] = [
  broken('a Task that is not protected', monitor((context) => look(context).addRetry({ errors: ['States.ALL'] }).next(note(context, UNPROVEN))),
    /state First-Look has no Catch into the failure path: call context\.failures\.protect\(state\)/),
  broken('a Task that is tried once', monitor((context) => {
    const task = look(context);
    context.failures.protect(task);
    return task.next(note(context, UNPROVEN));
  }), /state First-Look has no Retry/),
  broken('state names of its own', monitor((context) => sound(context, 'Look').next(note(context, UNPROVEN))),
    /state name Look appears twice: put context\.statePrefix before every name/),
  broken('states in a scope of its own', monitor((context) => note({ ...context, scope: Stack.of(context.scope) }, UNPROVEN)),
    /state First-Note is at Rendering\/First-Note: create every state under context\.scope/),
  broken('a result in another part\'s place', monitor((context) => note({ ...context, resultPath: context.parametersPath }, UNPROVEN)),
    /state First-Note writes to \$\.first\.parameters: its resultPath has to be context\.resultPath/),
  broken('a result in place of the document', monitor((context) => note({ ...context, resultPath: '$' }, UNPROVEN)), /state First-Note writes to \$/),
  broken('a path that it was not told', monitor((context) => sound({ ...context, associationPath: '$.associations.output' }).next(note(context, UNPROVEN))),
    /state First-Look uses \$\.associations\.output\.associationId, which the context does not name/),
  broken('a document that is cut', monitor(({ scope, statePrefix, resultPath }) => new sfn.Pass(scope, `${statePrefix}Cut`, { outputPath: resultPath })),
    /state First-Cut drops what other parts wrote, with outputPath/),
  broken('an end of the run', monitor(({ scope, statePrefix, resultPath }) => {
    const [end, on] = [new sfn.Fail(scope, `${statePrefix}GiveUp`), new sfn.Pass(scope, `${statePrefix}GoOn`)];
    return new sfn.Choice(scope, `${statePrefix}Well`).when(sfn.Condition.isPresent(`${resultPath}.x`), end).otherwise(on).afterwards();
  }), /state First-Well leads to First-GiveUp, which ends the run without its clean-up/),
  broken('a loop without a deadline', monitor((context) => {
    const { scope, statePrefix, resultPath } = context;
    const [begin, done] = [rest(context), note(context, UNPROVEN)];
    begin.next(sound(context)).next(new sfn.Choice(scope, `${statePrefix}IsDone`)
      .when(sfn.Condition.isPresent(`${resultPath}.link.Associations[0].Lifecycle`), done).otherwise(begin));
    return sfn.Chain.custom(begin, [done], done);
  }), /the loop through First-.* has no deadline/),
  broken('a missing key', monitor((context) => note(context, { proven: false, reason: 'NotLooked' })), /drain leaves no evidence at its resultPath/, 'a small export'),
  broken('a belief', monitor((context) => note(context, PROVEN)), /proven was true while \d+ files were missing from the bucket/, 'a job that fails and leaves a backlog'),
  broken('a fixed time without a look at the link', monitor((context) => rest(context, 3).next(note(context, PROVEN))),
    /proven was true while 1 files were missing from the bucket, such as .*never exported/, 'a link that is broken while the job writes'),
  broken('a monitor that never proves anything', monitor((context) => note(context, UNPROVEN)), /everything is in the bucket, but proven is not true/, 'a small export'),
  broken('a permission that is forgotten', monitor((context) => {
    const { scope, statePrefix, associationPath, resultPath } = context;
    const task = new sfn.CustomState(scope, `${statePrefix}Look`, {
      stateJson: {
        Type: 'Task',
        Resource: 'arn:aws:states:::aws-sdk:fsx:describeDataRepositoryAssociations',
        Parameters: { 'AssociationIds.$': `States.Array(${associationPath}.associationId)` },
        ResultPath: `${resultPath}.link`,
      },
    });
    task.addRetry({ errors: ['States.ALL'], maxAttempts: 2 });
    context.failures.protect(task);
    return task.next(note(context, UNPROVEN));
  }), /grantTo forgets fsx:DescribeDataRepositoryAssociations on \*/, 'a small export'),
  broken('names that cannot be rendered twice', (scope) => {
    const inner = new QuietQueueMonitor(scope, 'Monitor');
    return { drain: (context) => inner.drain({ ...context, scope: inner }), grantTo: (grantee) => inner.grantTo(grantee) };
  }, /state First-BeginLooking is at Rendering\/Monitor\/First-BeginLooking: create every state under context\.scope/),
];

// ---- workloads ----

class LeavesJobs extends PlainJobWorkload {
  public stop(context: WorkloadContext): sfn.IChainable {
    return note(context, { outcome: 'STOPPED', mayHaveWritten: true, lastWritePossibleAt: '2026-11-22T16:00:00Z' }, 'SayStopped');
  }
}

class ForgetsTime extends PlainJobWorkload {
  public stop(context: WorkloadContext): sfn.IChainable {
    return sfn.Chain.start(super.stop(context)).next(note(context, { outcome: 'STOPPED', mayHaveWritten: true }, 'Forget'));
  }
}

class Swallows extends PlainJobWorkload {
  public run(context: WorkloadContext): sfn.IChainable {
    const on = new sfn.Pass(context.scope, `${context.statePrefix}NeverMind`);
    const protect = (state: sfn.State) => { (state as sfn.TaskStateBase).addCatch(on, { resultPath: sfn.JsonPath.DISCARD }); };
    return sfn.Chain.start(super.run({ ...context, failures: { protect } })).next(on);
  }
}

class NeedsQueue extends PlainJobWorkload {
  public stop(context: WorkloadContext): sfn.IChainable {
    const { scope, statePrefix, computePath, resultPath } = context;
    return new sfn.Pass(scope, `${statePrefix}TakeQueue`, { inputPath: `${computePath}.jobQueueArn`, resultPath: `${resultPath}.queue` }).next(super.stop(context));
  }
}

export const BROKEN_WORKLOADS: Broken<(scope: Construct) => IWorkload>[] = [
  broken('a job that still writes after stop', (scope) => new LeavesJobs(scope, 'Workload'), /job plain-\w+-\w+ still writes after stop/,
    'an execution that is stopped while its job writes, and its clean-up'),
  broken('a missing key', (scope) => new ForgetsTime(scope, 'Workload'), /stop leaves no lastWritePossibleAt at its resultPath/, 'work that succeeds'),
  broken('a failure that is swallowed', (scope) => new Swallows(scope, 'Workload'), /has no Catch into the failure path/),
  broken('a stop that fails when run never began', (scope) => new NeedsQueue(scope, 'Workload'), /stop fails where run never began: States\.Runtime/,
    'a run that fails before its work begins'),
];

// ---- environments ----

class DetachesWhatItKnows extends OnDemandEnvironment {
  public detach(context: BatchEnvironmentContext): sfn.IChainable {
    const { scope, statePrefix, resultPath } = context;
    return new sfn.Pass(scope, `${statePrefix}TakeHostPath`, { inputPath: `${resultPath}.hostPath`, resultPath: `${resultPath}.left` }).next(super.detach(context));
  }
}

class LeavesInstances extends OnDemandEnvironment {
  public detach({ scope, statePrefix }: BatchEnvironmentContext): sfn.IChainable {
    return new sfn.Pass(scope, `${statePrefix}SayDetached`);
  }
}

class MountsNothing extends OnDemandEnvironment {
  public attach(context: BatchEnvironmentContext): sfn.IChainable {
    const hostPath = new sfn.Pass(context.scope, `${context.statePrefix}UseDisk`, { result: sfn.Result.fromString('/tmp/data'), resultPath: `${context.resultPath}.hostPath` });
    return sfn.Chain.start(super.attach(context)).next(hostPath);
  }
}

/** Takes a lock of its own that it does not know again, and may not give it back. */
class LocksForItself extends OnDemandEnvironment {
  private readonly lock = new dynamodb.Table(this, 'Lock', { partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING } });

  constructor(scope: Construct, network: ConformanceNetwork, private readonly givesBack: boolean) {
    super(scope, 'Environment', network);
  }

  public reserve(context: BatchEnvironmentContext): sfn.IChainable {
    const take = this.call(context, 'putItem', { Item: { id: { S: 'lock' } }, ConditionExpression: 'attribute_not_exists(#id)', ExpressionAttributeNames: { '#id': 'id' } });
    return take.next(super.reserve(context));
  }

  public detach(context: BatchEnvironmentContext): sfn.IChainable {
    return this.givesBack ? sfn.Chain.start(super.detach(context)).next(this.call(context, 'deleteItem', { Key: { id: { S: 'lock' } } })) : super.detach(context);
  }

  public grantTo(grantee: iam.IGrantable): void {
    super.grantTo(grantee);
    this.lock.grantWriteData(grantee);
  }

  private call({ scope, statePrefix, failures }: BatchEnvironmentContext, action: string, parameters: object) {
    const task = new tasks.CallAwsService(scope, `${statePrefix}${action}`, {
      service: 'dynamodb', action, parameters: { TableName: this.lock.tableName, ...parameters }, iamResources: [this.lock.tableArn], resultPath: sfn.JsonPath.DISCARD,
    });
    task.addRetry({ errors: ['States.ALL'], maxAttempts: 2 });
    failures.protect(task);
    return task;
  }
}

export const BROKEN_ENVIRONMENTS: Broken<(scope: Construct, network: ConformanceNetwork) => IBatchEnvironment>[] = [
  broken('a detach that fails when attach never began', (scope, network) => new DetachesWhatItKnows(scope, 'Environment', network),
    /detach fails where attach never began: States\.Runtime/, 'a run that fails before attach begins'),
  broken('instances that stay', (scope, network) => new LeavesInstances(scope, 'Environment', network),
    /1 instances still have the file system mounted after detach/, 'an execution that is stopped while a job writes, and its clean-up'),
  broken('a lock that is not given back', (scope, network) => new LocksForItself(scope, network, false),
    /reserve fails where no other run is: DynamoDb\.ConditionalCheckFailedException/, 'an execution that is stopped when reserve has ended, its clean-up, and another run'),
  broken('a reserve that does not know its own run', (scope, network) => new LocksForItself(scope, network, true),
    /reserve fails where no other run is: DynamoDb\.ConditionalCheckFailedException/, 'every reserve and every detach twice'),
  broken('a directory that is no file system', (scope, network) => new MountsNothing(scope, 'Environment', network),
    /a job found no file system at hostPath \/tmp\/data/, 'two runs, one after the other'),
];

// ---- lifecycles ----

export const BROKEN_LIFECYCLES: Broken<(scope: Construct) => ILustreLifecycle>[] = [
  broken('a file system that stays', (scope) => new LustreAutoExportPipeline(scope, 'Pipeline', {
    jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'), deleteLustre: false, lambdaTimeDiff: Duration.minutes(3),
  }).lifecycle, /file system fs-\w+ is left after a run that succeeded/, 'two runs, one after the other'),
  broken('no state machine', (scope) => ({ stateMachine: sfn.StateMachine.fromStateMachineName(scope, 'Machine', 'elsewhere') }), /the lifecycle creates 0 state machines/),
];

import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { IBatchEnvironment } from './batch-environment';
import { IExportDrainMonitor } from './drain-monitor';
import { ILustreLifecycle } from './lifecycle';
import { LustreFileSystemProps, LustreNetworkProps } from './lustre-file-system-props';
import { PipelineParameters } from './pipeline-parameters';
import { acknowledge, acknowledgeWildcards } from './private/acknowledge';
import { renderCleanUp } from './private/clean-up-states';
import { renderCreation } from './private/creation-states';
import { renderEntry } from './private/entry-states';
import { logGroupName, VENDED_LOGS } from './private/generated-name';
import { LustrePart } from './private/lustre-part';
import { partProblems } from './private/part-rules';
import { validate } from './private/validation';
import { IWorkload } from './workload';

/**
 * Properties of a LustreLifecycleStateMachine.
 */
export interface LustreLifecycleStateMachineProps extends LustreFileSystemProps, LustreNetworkProps {
  /** What a run is told. */
  readonly parameters: PipelineParameters;
  /** Where its jobs run. */
  readonly batchEnvironment: IBatchEnvironment;
  /** What it computes. */
  readonly workload: IWorkload;
  /** What tells that every byte is in S3. */
  readonly drainMonitor: IExportDrainMonitor;

  /**
   * Log group of the state machine and of its function.
   *
   * @default - a new one that is kept when the stack is deleted
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * Role of the state machine.
   *
   * @default - a new one
   */
  readonly role?: iam.IRole;
}

/** What the CDK grants to a state machine that writes a log. */
const LOG_DELIVERY = [
  'CreateLogDelivery', 'GetLogDelivery', 'UpdateLogDelivery', 'DeleteLogDelivery', 'ListLogDeliveries', 'PutResourcePolicy', 'DescribeResourcePolicies', 'DescribeLogGroups',
].map((action) => `logs:${action}`);

/**
 * A state machine each of whose executions creates an FSx for Lustre file system, links it to S3, lets a workload run
 * on it, and deletes it when every byte is proven to be in S3.
 *
 * An execution with the input `{"cleanUp": {"executionArn": "..."}}` cleans up after another execution that has ended
 * without doing so, from what AWS knows of it alone.
 */
export class LustreLifecycleStateMachine extends Construct implements ILustreLifecycle {
  /** The state machine. Each of its executions is a run. */
  public readonly stateMachine: sfn.IStateMachine;
  /** Value of the tag `cdk-lustre-auto-export:pipeline` that everything carries which its runs create. */
  public readonly pipelineName: string;
  /** The bucket that runs export to. */
  public readonly bucket: s3.IBucket;
  /** The log group of the import and export events of FSx, if they are logged. */
  public readonly lustreLogGroup?: logs.ILogGroup;

  constructor(scope: Construct, id: string, props: LustreLifecycleStateMachineProps) {
    super(scope, id);
    validate(this, ...partProblems(props));
    const logGroup = props.logGroup ?? new logs.LogGroup(this, 'Logs', {
      logGroupName: logGroupName(this, VENDED_LOGS),
      retention: logs.RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const part = new LustrePart(this, 'FileSystem', { ...props, logGroup });
    this.pipelineName = part.settings.pipeline;
    this.bucket = part.bucket;
    this.lustreLogGroup = part.logGroup;

    const cleanUp = renderCleanUp(this, part, props);
    const creation = renderCreation(this, part, props, cleanUp);
    const machine = new sfn.StateMachine(this, 'StateMachine', {
      definitionBody: sfn.DefinitionBody.fromChainable(renderEntry(this, part, props, creation, cleanUp)),
      role: props.role,
      // no timeout: it cannot be caught (E18); every loop has a deadline of its own
      logs: { destination: logGroup, level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: false,
    });
    acknowledge(machine, 'AwsSolutions-SF2', 'Every state is in the log and in the history of the execution. A trace would add how long calls took, '
      + 'and would need actions of X-Ray on everything.');
    acknowledgeWildcards(machine.role, [new iam.PolicyStatement({ actions: LOG_DELIVERY, resources: ['*'] })],
      'the delivery of logs takes no resource (Step Functions guide, logging to CloudWatch Logs)');
    for (const each of [props.parameters, props.batchEnvironment, props.workload, props.drainMonitor]) each.grantTo(machine);
    part.grantTo(machine);
    this.stateMachine = machine;
  }
}

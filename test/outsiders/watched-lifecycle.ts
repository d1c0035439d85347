import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { QuietQueueMonitor } from './quiet-queue-monitor';
import { BatchJobWorkload, ILustreLifecycle, JobImage, LustreLifecycleStateMachine, PipelineParameters, SpotBatchEnvironment } from '../../src';

/** A stranger's lifecycle: the library's, put together without the pipeline, on scratch storage, with an alarm. */
export class WatchedLifecycle extends Construct implements ILustreLifecycle {
  public readonly stateMachine: sfn.IStateMachine;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const environment = new SpotBatchEnvironment(this, 'Environment');
    const lifecycle = new LustreLifecycleStateMachine(this, 'Lifecycle', {
      parameters: new PipelineParameters(this, 'Parameters', { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'), waitForLustreCreation: Duration.minutes(2) }),
      batchEnvironment: environment,
      workload: new BatchJobWorkload(this, 'Workload'),
      drainMonitor: new QuietQueueMonitor(this, 'Monitor'),
      lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_2,
      fileSystemSubnet: environment.fileSystemSubnet,
      fileSystemSecurityGroups: [environment.securityGroup],
    });
    this.stateMachine = lifecycle.stateMachine;
    new cloudwatch.Alarm(this, 'RunFailed', { metric: this.stateMachine.metricFailed(), threshold: 1, evaluationPeriods: 1 });
  }
}

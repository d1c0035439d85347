import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ConformanceNetwork } from '../../local/conformance';
import { BatchEnvironmentContext, ComputeEnvironmentType, IBatchEnvironment, PreflightCheck, SpotBatchEnvironment } from '../../src';

/** A stranger's environment around the library's own: on-demand instances, and five minutes more before anybody trusts that they are gone. */
export class OnDemandEnvironment extends Construct implements IBatchEnvironment {
  private readonly inner: SpotBatchEnvironment;

  constructor(scope: Construct, id: string, network: ConformanceNetwork) {
    super(scope, id);
    this.inner = new SpotBatchEnvironment(this, 'Instances', { ...network, computeEnvironmentType: ComputeEnvironmentType.ON_DEMAND, maxvCpus: 64 });
  }

  public preflightChecks(): PreflightCheck[] {
    return this.inner.preflightChecks();
  }

  public reserve(context: BatchEnvironmentContext): sfn.IChainable {
    return this.inner.reserve(context);
  }

  public attach(context: BatchEnvironmentContext): sfn.IChainable {
    const label = new sfn.Pass(context.scope, `${context.statePrefix}LabelInstances`, {
      result: sfn.Result.fromString('on demand'), resultPath: `${context.resultPath}.kind`,
    });
    return sfn.Chain.start(this.inner.attach(context)).next(label);
  }

  public detach(context: BatchEnvironmentContext): sfn.IChainable {
    const rest = new sfn.Wait(context.scope, `${context.statePrefix}LetInstancesRest`, { time: sfn.WaitTime.duration(Duration.minutes(5)) });
    return sfn.Chain.start(this.inner.detach(context)).next(rest);
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.inner.grantTo(grantee);
  }
}

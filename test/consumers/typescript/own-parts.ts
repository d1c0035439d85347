import { App, Duration, Stack, aws_iam as iam, aws_sns as sns, aws_stepfunctions as sfn, aws_stepfunctions_tasks as tasks } from 'aws-cdk-lib';
import {
  BatchJobWorkload, ExportDrainContext, ExportDrainMonitor, IExportDrainMonitor, IWorkload, LustreAutoExportPipeline, PreflightCheck, WorkloadContext,
} from 'cdk-lustre-auto-export';

/** The standard job, announced on a topic. */
class AnnouncedJob implements IWorkload {
  constructor(private readonly topic: sns.ITopic, private readonly job: IWorkload) {}

  preflightChecks(): PreflightCheck[] {
    return this.job.preflightChecks();
  }

  run(context: WorkloadContext): sfn.IChainable {
    const announce = new tasks.SnsPublish(context.scope, `${context.statePrefix}AnnounceJob`, {
      topic: this.topic, message: sfn.TaskInput.fromJsonPathAt(`${context.runPath}.id`), resultPath: sfn.JsonPath.DISCARD,
    });
    announce.addRetry({ errors: ['States.ALL'], maxAttempts: 3 });
    context.failures.protect(announce);
    return announce.next(this.job.run(context));
  }

  stop(context: WorkloadContext): sfn.IChainable {
    return this.job.stop(context);
  }

  grantTo(grantee: iam.IGrantable): void {
    this.topic.grantPublish(grantee);
    this.job.grantTo(grantee);
  }
}

/** The standard proof, a minute later. */
class PatientDrain implements IExportDrainMonitor {
  constructor(private readonly monitor: IExportDrainMonitor) {}

  drain(context: ExportDrainContext): sfn.IChainable {
    const rest = new sfn.Wait(context.scope, `${context.statePrefix}LetItRest`, { time: sfn.WaitTime.duration(Duration.minutes(1)) });
    return rest.next(this.monitor.drain(context));
  }

  grantTo(grantee: iam.IGrantable): void {
    this.monitor.grantTo(grantee);
  }
}

const app = new App();
const stack = new Stack(app, 'OwnParts');
new LustreAutoExportPipeline(stack, 'Pipeline', {
  workload: new AnnouncedJob(new sns.Topic(stack, 'Topic'), new BatchJobWorkload(stack, 'Job')),
  drainMonitor: new PatientDrain(new ExportDrainMonitor(stack, 'DrainMonitor')),
});
app.synth();

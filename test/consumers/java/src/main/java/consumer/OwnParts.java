package consumer;

import io.github.cdklustre.autoexport.BatchJobWorkload;
import io.github.cdklustre.autoexport.ExportDrainContext;
import io.github.cdklustre.autoexport.ExportDrainMonitor;
import io.github.cdklustre.autoexport.IExportDrainMonitor;
import io.github.cdklustre.autoexport.IWorkload;
import io.github.cdklustre.autoexport.LustreAutoExportPipeline;
import io.github.cdklustre.autoexport.PreflightCheck;
import io.github.cdklustre.autoexport.WorkloadContext;
import java.util.List;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.iam.IGrantable;
import software.amazon.awscdk.services.sns.ITopic;
import software.amazon.awscdk.services.sns.Topic;
import software.amazon.awscdk.services.stepfunctions.IChainable;
import software.amazon.awscdk.services.stepfunctions.JsonPath;
import software.amazon.awscdk.services.stepfunctions.RetryProps;
import software.amazon.awscdk.services.stepfunctions.TaskInput;
import software.amazon.awscdk.services.stepfunctions.Wait;
import software.amazon.awscdk.services.stepfunctions.WaitTime;
import software.amazon.awscdk.services.stepfunctions.tasks.SnsPublish;

public final class OwnParts {
    /** The standard job, announced on a topic. */
    private static final class AnnouncedJob implements IWorkload {
        private final ITopic topic;
        private final IWorkload job;

        AnnouncedJob(final ITopic topic, final IWorkload job) {
            this.topic = topic;
            this.job = job;
        }

        @Override
        public List<PreflightCheck> preflightChecks() {
            return this.job.preflightChecks();
        }

        @Override
        public IChainable run(final WorkloadContext context) {
            SnsPublish announce = SnsPublish.Builder.create(context.getScope(), context.getStatePrefix() + "AnnounceJob")
                    .topic(this.topic)
                    .message(TaskInput.fromJsonPathAt(context.getRunPath() + ".id"))
                    .resultPath(JsonPath.DISCARD)
                    .build();
            announce.addRetry(RetryProps.builder().errors(List.of("States.ALL")).maxAttempts(3).build());
            context.getFailures().protect(announce);
            return announce.next(this.job.run(context));
        }

        @Override
        public IChainable stop(final WorkloadContext context) {
            return this.job.stop(context);
        }

        @Override
        public void grantTo(final IGrantable grantee) {
            this.topic.grantPublish(grantee);
            this.job.grantTo(grantee);
        }
    }

    /** The standard proof, a minute later. */
    private static final class PatientDrain implements IExportDrainMonitor {
        private final IExportDrainMonitor monitor;

        PatientDrain(final IExportDrainMonitor monitor) {
            this.monitor = monitor;
        }

        @Override
        public IChainable drain(final ExportDrainContext context) {
            Wait rest = Wait.Builder.create(context.getScope(), context.getStatePrefix() + "LetItRest")
                    .time(WaitTime.duration(Duration.minutes(1))).build();
            return rest.next(this.monitor.drain(context));
        }

        @Override
        public void grantTo(final IGrantable grantee) {
            this.monitor.grantTo(grantee);
        }
    }

    public static void main(final String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "OwnParts");
        LustreAutoExportPipeline.Builder.create(stack, "Pipeline")
                .workload(new AnnouncedJob(new Topic(stack, "Topic"), BatchJobWorkload.Builder.create(stack, "Job").build()))
                .drainMonitor(new PatientDrain(ExportDrainMonitor.Builder.create(stack, "DrainMonitor").build()))
                .build();
        app.synth();
    }
}

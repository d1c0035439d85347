package example;

import io.github.cdklustre.autoexport.ExportDrainContext;
import io.github.cdklustre.autoexport.IExportDrainMonitor;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.iam.IGrantable;
import software.amazon.awscdk.services.stepfunctions.IChainable;
import software.amazon.awscdk.services.stepfunctions.JsonPath;
import software.amazon.awscdk.services.stepfunctions.Pass;
import software.amazon.awscdk.services.stepfunctions.RetryProps;
import software.amazon.awscdk.services.stepfunctions.Wait;
import software.amazon.awscdk.services.stepfunctions.WaitTime;
import software.amazon.awscdk.services.stepfunctions.tasks.CallAwsService;

/** Lets the export run for an hour, notes how the link to S3 is, and proves nothing: a person decides what is deleted. */
public final class KeepForReview implements IExportDrainMonitor {
    @Override
    public IChainable drain(final ExportDrainContext context) {
        Wait wait = Wait.Builder.create(context.getScope(), context.getStatePrefix() + "LetExportRun")
                .time(WaitTime.duration(Duration.hours(1))).build();
        CallAwsService look = CallAwsService.Builder.create(context.getScope(), context.getStatePrefix() + "LookAtLink")
                .service("fsx").action("describeDataRepositoryAssociations")
                .parameters(Map.of("AssociationIds", JsonPath.array(JsonPath.stringAt(context.getAssociationPath() + ".associationId"))))
                .iamResources(List.of("*")) // the action takes no resource
                .resultPath(context.getResultPath() + ".link")
                .build();
        look.addRetry(RetryProps.builder().errors(List.of("States.ALL")).maxAttempts(6).maxDelay(Duration.minutes(1)).build());
        context.getFailures().protect(look);
        Pass verdict = Pass.Builder.create(context.getScope(), context.getStatePrefix() + "LeaveToReview")
                // sorted: the order of a Map.of changes from one synth to the next
                .parameters(new TreeMap<>(Map.of(
                        "evidence", JsonPath.objectAt(context.getResultPath() + ".link"), "proven", false, "reason", "LeftToReview")))
                .resultPath(context.getResultPath())
                .build();
        return wait.next(look).next(verdict);
    }

    @Override
    public void grantTo(final IGrantable grantee) {
        // CallAwsService brings its own permission
    }
}

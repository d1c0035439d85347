package example;

import io.github.cdklustre.autoexport.LustreAutoExportPipeline;
import java.util.Map;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;

public final class OwnDrainMonitorApp {
    public static void main(final String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "OwnDrainMonitor");
        LustreAutoExportPipeline pipeline = LustreAutoExportPipeline.Builder.create(stack, "Pipeline").drainMonitor(new KeepForReview()).build();
        // for who checks the app with cdk-nag: the monitor adds to what the state machine may do
        pipeline.getStateMachine().getNode().addMetadata("aws:cdk:acknowledged-rules", Map.of("AwsSolutions-IAM5[Resource::*]",
                "DescribeDataRepositoryAssociations takes no resource, and neither does the delivery of logs"));
        app.synth();
    }
}

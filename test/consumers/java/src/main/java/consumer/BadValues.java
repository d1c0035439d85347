package consumer;

import io.github.cdklustre.autoexport.LustreAutoExportPipeline;
import java.util.Map;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Size;
import software.amazon.awscdk.Stack;

public final class BadValues {
    public static void main(final String[] args) {
        App app = new App();
        LustreAutoExportPipeline.Builder.create(new Stack(app, "BadValues"), "Pipeline")
                .lustreStorageCapacity(Size.gibibytes(1000))
                .jobDefinitionVcpus(0)
                .lambdaPeriod(Duration.seconds(90))
                .jobEnvironment(Map.of("AWS_BATCH_JOB_ID", "mine"))
                .build();
        app.synth();
    }
}

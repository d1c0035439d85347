package example;

import io.github.cdklustre.autoexport.LustreAutoExportPipeline;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;

public final class OwnDrainMonitorApp {
    public static void main(final String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "OwnDrainMonitor");
        LustreAutoExportPipeline.Builder.create(stack, "Pipeline").drainMonitor(new KeepForReview()).build();
        app.synth();
    }
}

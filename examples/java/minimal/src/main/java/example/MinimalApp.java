package example;

import io.github.cdklustre.autoexport.LustreAutoExportPipeline;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;

public final class MinimalApp {
    public static void main(final String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "LustreAutoExport");
        new LustreAutoExportPipeline(stack, "Pipeline");
        app.synth();
    }
}

import aws_cdk as cdk
from cdk_lustre_auto_export import LustreAutoExportPipeline

app = cdk.App()
stack = cdk.Stack(app, "LustreAutoExport")
LustreAutoExportPipeline(stack, "Pipeline")
app.synth()

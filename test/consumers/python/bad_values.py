import aws_cdk as cdk
from cdk_lustre_auto_export import LustreAutoExportPipeline

app = cdk.App()
LustreAutoExportPipeline(
    cdk.Stack(app, "BadValues"), "Pipeline",
    lustre_storage_capacity=cdk.Size.gibibytes(1000),
    job_definition_vcpus=0,
    lambda_period=cdk.Duration.seconds(90),
    job_environment={"AWS_BATCH_JOB_ID": "mine"},
)
app.synth()

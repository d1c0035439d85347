import aws_cdk as cdk
import jsii
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from cdk_lustre_auto_export import IExportDrainMonitor, LustreAutoExportPipeline


@jsii.implements(IExportDrainMonitor)
class KeepForReview:
    """Lets the export run for an hour, notes how the link to S3 is, and proves nothing: a person decides what is deleted."""

    # the members of the context that are named here are handed over
    def drain(self, *, scope, state_prefix, association_path, result_path, failures, **_) -> sfn.IChainable:
        wait = sfn.Wait(scope, f"{state_prefix}LetExportRun", time=sfn.WaitTime.duration(cdk.Duration.hours(1)))
        look = tasks.CallAwsService(
            scope, f"{state_prefix}LookAtLink",
            service="fsx", action="describeDataRepositoryAssociations",
            parameters={"AssociationIds": sfn.JsonPath.array(sfn.JsonPath.string_at(f"{association_path}.associationId"))},
            iam_resources=["*"],  # the action takes no resource
            result_path=f"{result_path}.link",
        )
        look.add_retry(errors=["States.ALL"], max_attempts=6, max_delay=cdk.Duration.minutes(1))
        failures.protect(look)
        verdict = sfn.Pass(
            scope, f"{state_prefix}LeaveToReview",
            parameters={"evidence": sfn.JsonPath.object_at(f"{result_path}.link"), "proven": False, "reason": "LeftToReview"},
            result_path=result_path,
        )
        return wait.next(look).next(verdict)

    def grant_to(self, grantee) -> None:
        pass  # CallAwsService brings its own permission


app = cdk.App()
stack = cdk.Stack(app, "OwnDrainMonitor")
pipeline = LustreAutoExportPipeline(stack, "Pipeline", drain_monitor=KeepForReview())
# for who checks the app with cdk-nag: the monitor adds to what the state machine may do
pipeline.state_machine.node.add_metadata("aws:cdk:acknowledged-rules", {
    "AwsSolutions-IAM5[Resource::*]": "DescribeDataRepositoryAssociations takes no resource, and neither does the delivery of logs",
})
app.synth()

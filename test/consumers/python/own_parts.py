import aws_cdk as cdk
import jsii
from aws_cdk import aws_sns as sns, aws_stepfunctions as sfn, aws_stepfunctions_tasks as tasks
from cdk_lustre_auto_export import BatchJobWorkload, ExportDrainMonitor, IExportDrainMonitor, IWorkload, LustreAutoExportPipeline


@jsii.implements(IWorkload)
class AnnouncedJob:
    """The standard job, announced on a topic."""

    def __init__(self, topic, job):
        self.topic = topic
        self.job = job

    def preflight_checks(self):
        return self.job.preflight_checks()

    # only the members of the context that are named here are handed over
    def run(self, *, scope, state_prefix, run_path, parameters_path, compute_path, result_path, schedule_path, failures):
        announce = tasks.SnsPublish(
            scope, f"{state_prefix}AnnounceJob",
            topic=self.topic, message=sfn.TaskInput.from_json_path_at(f"{run_path}.id"), result_path=sfn.JsonPath.DISCARD,
        )
        announce.add_retry(errors=["States.ALL"], max_attempts=3)
        failures.protect(announce)
        return announce.next(self.job.run(
            scope=scope, state_prefix=state_prefix, run_path=run_path, parameters_path=parameters_path, compute_path=compute_path,
            result_path=result_path, schedule_path=schedule_path, failures=failures,
        ))

    def stop(self, *, scope, state_prefix, run_path, parameters_path, compute_path, result_path, schedule_path, failures):
        return self.job.stop(
            scope=scope, state_prefix=state_prefix, run_path=run_path, parameters_path=parameters_path, compute_path=compute_path,
            result_path=result_path, schedule_path=schedule_path, failures=failures,
        )

    def grant_to(self, grantee):
        self.topic.grant_publish(grantee)
        self.job.grant_to(grantee)


@jsii.implements(IExportDrainMonitor)
class PatientDrain:
    """The standard proof, a minute later."""

    def __init__(self, monitor):
        self.monitor = monitor

    # or all of it as one object
    def drain(self, context):
        rest = sfn.Wait(context.scope, f"{context.state_prefix}LetItRest", time=sfn.WaitTime.duration(cdk.Duration.minutes(1)))
        return rest.next(self.monitor.drain(
            scope=context.scope, state_prefix=context.state_prefix, run_path=context.run_path, parameters_path=context.parameters_path,
            file_system_path=context.file_system_path, association_path=context.association_path, job_path=context.job_path,
            compute_path=context.compute_path, result_path=context.result_path, schedule_path=context.schedule_path,
            bucket=context.bucket, failures=context.failures,
        ))

    def grant_to(self, grantee):
        self.monitor.grant_to(grantee)


app = cdk.App()
stack = cdk.Stack(app, "OwnParts")
LustreAutoExportPipeline(
    stack, "Pipeline",
    workload=AnnouncedJob(sns.Topic(stack, "Topic"), BatchJobWorkload(stack, "Job")),
    drain_monitor=PatientDrain(ExportDrainMonitor(stack, "DrainMonitor")),
)
app.synth()

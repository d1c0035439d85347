import aws_cdk as cdk
from aws_cdk import Duration, Size
from aws_cdk import aws_ec2 as ec2, aws_ecr as ecr, aws_fsx as fsx, aws_kms as kms, aws_logs as logs
from aws_cdk import aws_s3 as s3, aws_secretsmanager as secretsmanager
from cdk_lustre_auto_export import (
    AllocationStrategy, ComputeEnvironmentType, DataRepositoryEvent, ExportVerification, FailurePolicy, JobImage,
    LustreAutoExportPipeline, LustreLogLevel, WhenInUse,
)

app = cdk.App()
stack = cdk.Stack(app, "EverythingBrought", env=cdk.Environment(account="111122223333", region="us-east-1"))
vpc = ec2.Vpc.from_vpc_attributes(
    stack, "Vpc",
    vpc_id="vpc-0a1b2c3d4e5f67890",
    availability_zones=["us-east-1a", "us-east-1b"],
    private_subnet_ids=["subnet-0a1b2c3d4e5f67890", "subnet-0b1c2d3e4f5a67890"],
    private_subnet_route_table_ids=["rtb-0a1b2c3d4e5f67890", "rtb-0b1c2d3e4f5a67890"],
)

LustreAutoExportPipeline(
    stack, "Pipeline",
    vpc=vpc,
    vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[1]]),
    security_group=ec2.SecurityGroup.from_security_group_id(stack, "SecurityGroup", "sg-0a1b2c3d4e5f67890"),
    bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "acme-results"),
    prefix="rendering/",
    prefix_per_run=True,
    job_definition_container_image=JobImage.from_ecr_repository(ecr.Repository.from_repository_name(stack, "Repository", "renderer"), "1.4.2"),
    secret=secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "rendering/parameters"),
    log_group=logs.LogGroup.from_log_group_name(stack, "LogGroup", "/aws/vendedlogs/rendering"),
    env_name="Rendering",
    lustre_deployment_type=fsx.LustreDeploymentType.PERSISTENT_2,
    lustre_per_unit_storage_throughput=250,
    lustre_data_compression=fsx.LustreDataCompressionType.LZ4,
    lustre_encryption_key=kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    lustre_log_level=LustreLogLevel.ERROR_ONLY,
    lustre_file_system_type_version=fsx.FileSystemTypeVersion.V_2_15,
    lustre_storage_capacity=Size.gibibytes(4800),
    lustre_imported_file_chunk_size=Size.mebibytes(2048),
    export_directory="/frames",
    export_events=[DataRepositoryEvent.NEW, DataRepositoryEvent.CHANGED],
    export_verification=ExportVerification.BOTH,
    failure_policy=FailurePolicy.keep_for(Duration.hours(48)),
    delete_lustre=True,
    job_definition_retry_attempts=8,
    job_definition_vcpus=16,
    job_definition_memory=Size.gibibytes(60),
    job_command=["render", "--all"],
    job_environment={"SCENE": "forest", "QUALITY": "final"},
    container_path="/frames",
    compute_environment_type=ComputeEnvironmentType.SPOT,
    compute_environment_allocation_strategy=AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
    compute_environment_instance_types=["c7i", "m7i"],
    compute_environment_maxv_cpus=512,
    root_volume_size=Size.gibibytes(200),
    when_in_use=WhenInUse.FAIL,
    wait_for_lustre_creation=Duration.seconds(45),
    wait_for_job_completion=Duration.seconds(120),
    wait_for_check_metrics=Duration.seconds(90),
    lambda_period=Duration.minutes(2),
    lambda_time_diff=Duration.minutes(30),
    job_start_timeout=Duration.hours(1),
    job_timeout=Duration.days(2),
    drain_timeout=Duration.hours(12),
    sweep_interval=Duration.minutes(30),
)
app.synth()

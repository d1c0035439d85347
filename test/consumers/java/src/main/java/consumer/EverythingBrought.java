package consumer;

import io.github.cdklustre.autoexport.AllocationStrategy;
import io.github.cdklustre.autoexport.ComputeEnvironmentType;
import io.github.cdklustre.autoexport.DataRepositoryEvent;
import io.github.cdklustre.autoexport.ExportVerification;
import io.github.cdklustre.autoexport.FailurePolicy;
import io.github.cdklustre.autoexport.JobImage;
import io.github.cdklustre.autoexport.LustreAutoExportPipeline;
import io.github.cdklustre.autoexport.LustreLogLevel;
import io.github.cdklustre.autoexport.WhenInUse;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Environment;
import software.amazon.awscdk.Size;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.ec2.IVpc;
import software.amazon.awscdk.services.ec2.SecurityGroup;
import software.amazon.awscdk.services.ec2.SubnetSelection;
import software.amazon.awscdk.services.ec2.Vpc;
import software.amazon.awscdk.services.ec2.VpcAttributes;
import software.amazon.awscdk.services.ecr.Repository;
import software.amazon.awscdk.services.fsx.FileSystemTypeVersion;
import software.amazon.awscdk.services.fsx.LustreDataCompressionType;
import software.amazon.awscdk.services.fsx.LustreDeploymentType;
import software.amazon.awscdk.services.kms.Key;
import software.amazon.awscdk.services.logs.LogGroup;
import software.amazon.awscdk.services.s3.Bucket;
import software.amazon.awscdk.services.secretsmanager.Secret;

public final class EverythingBrought {
    public static void main(final String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "EverythingBrought", StackProps.builder()
                .env(Environment.builder().account("111122223333").region("us-east-1").build()).build());
        IVpc vpc = Vpc.fromVpcAttributes(stack, "Vpc", VpcAttributes.builder()
                .vpcId("vpc-0a1b2c3d4e5f67890")
                .availabilityZones(List.of("us-east-1a", "us-east-1b"))
                .privateSubnetIds(List.of("subnet-0a1b2c3d4e5f67890", "subnet-0b1c2d3e4f5a67890"))
                .privateSubnetRouteTableIds(List.of("rtb-0a1b2c3d4e5f67890", "rtb-0b1c2d3e4f5a67890"))
                .build());

        LustreAutoExportPipeline.Builder.create(stack, "Pipeline")
                .vpc(vpc)
                .vpcSubnets(SubnetSelection.builder().subnets(List.of(vpc.getPrivateSubnets().get(1))).build())
                .securityGroup(SecurityGroup.fromSecurityGroupId(stack, "SecurityGroup", "sg-0a1b2c3d4e5f67890"))
                .bucket(Bucket.fromBucketName(stack, "Bucket", "acme-results"))
                .prefix("rendering/")
                .prefixPerRun(true)
                .jobDefinitionContainerImage(JobImage.fromEcrRepository(Repository.fromRepositoryName(stack, "Repository", "renderer"), "1.4.2"))
                .secret(Secret.fromSecretNameV2(stack, "Secret", "rendering/parameters"))
                .logGroup(LogGroup.fromLogGroupName(stack, "LogGroup", "/aws/vendedlogs/rendering"))
                .envName("Rendering")
                .lustreDeploymentType(LustreDeploymentType.PERSISTENT_2)
                .lustrePerUnitStorageThroughput(250)
                .lustreDataCompression(LustreDataCompressionType.LZ4)
                .lustreEncryptionKey(Key.fromKeyArn(stack, "Key", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"))
                .lustreLogLevel(LustreLogLevel.ERROR_ONLY)
                .lustreFileSystemTypeVersion(FileSystemTypeVersion.V_2_15)
                .lustreStorageCapacity(Size.gibibytes(4800))
                .lustreImportedFileChunkSize(Size.mebibytes(2048))
                .exportDirectory("/frames")
                .exportEvents(List.of(DataRepositoryEvent.NEW, DataRepositoryEvent.CHANGED))
                .exportVerification(ExportVerification.BOTH)
                .failurePolicy(FailurePolicy.keepFor(Duration.hours(48)))
                .deleteLustre(true)
                .jobDefinitionRetryAttempts(8)
                .jobDefinitionVcpus(16)
                .jobDefinitionMemory(Size.gibibytes(60))
                .jobCommand(List.of("render", "--all"))
                .jobEnvironment(Map.of("SCENE", "forest", "QUALITY", "final"))
                .containerPath("/frames")
                .computeEnvironmentType(ComputeEnvironmentType.SPOT)
                .computeEnvironmentAllocationStrategy(AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED)
                .computeEnvironmentInstanceTypes(List.of("c7i", "m7i"))
                .computeEnvironmentMaxvCpus(512)
                .rootVolumeSize(Size.gibibytes(200))
                .whenInUse(WhenInUse.FAIL)
                .waitForLustreCreation(Duration.seconds(45))
                .waitForJobCompletion(Duration.seconds(120))
                .waitForCheckMetrics(Duration.seconds(90))
                .lambdaPeriod(Duration.minutes(2))
                .lambdaTimeDiff(Duration.minutes(30))
                .jobStartTimeout(Duration.hours(1))
                .jobTimeout(Duration.days(2))
                .drainTimeout(Duration.hours(12))
                .sweepInterval(Duration.minutes(30))
                .build();
        app.synth();
    }
}

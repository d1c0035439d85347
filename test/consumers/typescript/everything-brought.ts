import {
  App, Duration, Size, Stack,
  aws_ec2 as ec2, aws_ecr as ecr, aws_fsx as fsx, aws_kms as kms, aws_logs as logs, aws_s3 as s3, aws_secretsmanager as secretsmanager,
} from 'aws-cdk-lib';
import {
  AllocationStrategy, ComputeEnvironmentType, DataRepositoryEvent, ExportVerification, FailurePolicy, JobImage,
  LustreAutoExportPipeline, LustreLogLevel, WhenInUse,
} from 'cdk-lustre-auto-export';

const app = new App();
const stack = new Stack(app, 'EverythingBrought', { env: { account: '111122223333', region: 'us-east-1' } });
const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
  vpcId: 'vpc-0a1b2c3d4e5f67890',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  privateSubnetIds: ['subnet-0a1b2c3d4e5f67890', 'subnet-0b1c2d3e4f5a67890'],
  privateSubnetRouteTableIds: ['rtb-0a1b2c3d4e5f67890', 'rtb-0b1c2d3e4f5a67890'],
});

new LustreAutoExportPipeline(stack, 'Pipeline', {
  vpc,
  vpcSubnets: { subnets: [vpc.privateSubnets[1]] },
  securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'SecurityGroup', 'sg-0a1b2c3d4e5f67890'),
  bucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'acme-results'),
  prefix: 'rendering/',
  prefixPerRun: true,
  jobDefinitionContainerImage: JobImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Repository', 'renderer'), '1.4.2'),
  secret: secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'rendering/parameters'),
  logGroup: logs.LogGroup.fromLogGroupName(stack, 'LogGroup', '/aws/vendedlogs/rendering'),
  envName: 'Rendering',
  lustreDeploymentType: fsx.LustreDeploymentType.PERSISTENT_2,
  lustrePerUnitStorageThroughput: 250,
  lustreDataCompression: fsx.LustreDataCompressionType.LZ4,
  lustreEncryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'),
  lustreLogLevel: LustreLogLevel.ERROR_ONLY,
  lustreFileSystemTypeVersion: fsx.FileSystemTypeVersion.V_2_15,
  lustreStorageCapacity: Size.gibibytes(4800),
  lustreImportedFileChunkSize: Size.mebibytes(2048),
  exportDirectory: '/frames',
  exportEvents: [DataRepositoryEvent.NEW, DataRepositoryEvent.CHANGED],
  exportVerification: ExportVerification.BOTH,
  failurePolicy: FailurePolicy.keepFor(Duration.hours(48)),
  deleteLustre: true,
  jobDefinitionRetryAttempts: 8,
  jobDefinitionVcpus: 16,
  jobDefinitionMemory: Size.gibibytes(60),
  jobCommand: ['render', '--all'],
  jobEnvironment: { SCENE: 'forest', QUALITY: 'final' },
  containerPath: '/frames',
  computeEnvironmentType: ComputeEnvironmentType.SPOT,
  computeEnvironmentAllocationStrategy: AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
  computeEnvironmentInstanceTypes: ['c7i', 'm7i'],
  computeEnvironmentMaxvCpus: 512,
  rootVolumeSize: Size.gibibytes(200),
  whenInUse: WhenInUse.FAIL,
  waitForLustreCreation: Duration.seconds(45),
  waitForJobCompletion: Duration.seconds(120),
  waitForCheckMetrics: Duration.seconds(90),
  lambdaPeriod: Duration.minutes(2),
  lambdaTimeDiff: Duration.minutes(30),
  jobStartTimeout: Duration.hours(1),
  jobTimeout: Duration.days(2),
  drainTimeout: Duration.hours(12),
  sweepInterval: Duration.minutes(30),
});
app.synth();

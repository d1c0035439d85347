import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as batch from 'aws-cdk-lib/aws-batch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { App, Aspects, CfnParameter, CfnResource, Duration, IAspect, NestedStack, Size, Stack, Stage, Tags } from 'aws-cdk-lib/core';
import { Construct, IConstruct } from 'constructs';
import { countTypes, definitionOf, Given, statementsOf, Synthesized, synthesize, textOf } from './synthesized';
import {
  AllocationStrategy, AutoExportSettings, BatchEnvironmentContext, BatchJobWorkload, BatchJobWorkloadProps, ComputeEnvironmentType, DataRepositoryEvent,
  ExportDrainContext, ExportDrainMonitor, ExportVerification, FailurePolicy, IBatchEnvironment, IExportDrainMonitor, IWorkload, JobImage,
  LustreAutoExportPipeline, LustreAutoExportPipelineProps, LustreLifecycleStateMachine, LustreLogLevel, PipelineParameters, PreflightCheck,
  SpotBatchEnvironment, WhenInUse, WorkloadContext,
} from '../src';

const VPC_ATTRIBUTES = {
  vpcId: 'vpc-1', availabilityZones: ['a', 'b'], privateSubnetIds: ['subnet-a', 'subnet-b'], publicSubnetIds: ['subnet-c', 'subnet-d'],
};
const vpcOf = (scope: Construct) => ec2.Vpc.fromVpcAttributes(scope, 'TheVpc', VPC_ATTRIBUTES);
const groupOf = (scope: Construct) => ec2.SecurityGroup.fromSecurityGroupId(scope, 'TheGroup', 'sg-1');
const minutes = Duration.minutes;

/** The least that an outsider can write for each swap point. */
class OwnEnvironment implements IBatchEnvironment {
  public readonly preflightChecks = () => [PreflightCheck.computeEnvironment('arn:own', 'lt-own')];
  public reserve = ({ scope }: BatchEnvironmentContext) => new sfn.Pass(scope, 'OwnReserve');
  public attach = ({ scope, resultPath }: BatchEnvironmentContext) =>
    new sfn.Pass(scope, 'OwnAttach', { result: sfn.Result.fromObject({ jobQueueArn: 'own-queue', hostPath: '/own' }), resultPath });
  public detach = ({ scope }: BatchEnvironmentContext) => new sfn.Pass(scope, 'OwnDetach');
  public grantTo = (grantee: iam.IGrantable) => grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['own:Environment'], resources: ['own'] }));
}
class OwnWorkload implements IWorkload {
  public readonly preflightChecks = () => [];
  public run = ({ scope }: WorkloadContext) => new sfn.Pass(scope, 'OwnRun');
  public stop = ({ scope, resultPath }: WorkloadContext) => new sfn.Pass(scope, 'OwnStop', { result: sfn.Result.fromObject({ mayHaveWritten: true }), resultPath });
  public grantTo = (grantee: iam.IGrantable) => grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['own:Workload'], resources: ['own'] }));
}
class OwnMonitor implements IExportDrainMonitor {
  public drain = ({ scope, resultPath }: ExportDrainContext) => new sfn.Pass(scope, 'OwnDrain', { result: sfn.Result.fromObject({ proven: false }), resultPath });
  public grantTo = (grantee: iam.IGrantable) => grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['own:Monitor'], resources: ['own'] }));
}

const dockerfile = fs.mkdtempSync(path.join(os.tmpdir(), 'image-'));
fs.writeFileSync(path.join(dockerfile, 'Dockerfile'), 'FROM scratch\n');
afterAll(() => fs.rmSync(dockerfile, { recursive: true }));

// where a prop can be seen
const payload = (state: string) => ({ states }: Synthesized) => states[state].Parameters;
const settings = (name: string) => (made: Synthesized) => payload('CreateLustreFileSystem')(made).settings[name];
const defaults = (name: string) => (made: Synthesized) => payload('ExtractParameters')(made).defaults[name];
const deadline = (loop: string) => (made: Synthesized) => payload('ExtractParameters')(made).settings.deadlines[loop];
const job = (name: string) => (made: Synthesized) => payload('CreateJobDefinition')(made).settings[name];
const compute = (name: string) => ({ template }: Synthesized) => Object.values(template.findResources('AWS::Batch::ComputeEnvironment'))[0].Properties.ComputeResources[name];
const count = (type: string) => ({ template }: Synthesized) => countTypes(template)[type] ?? 0;
const hasState = (name: string) => ({ states }: Synthesized) => name in states;

interface Case { readonly given: Given; readonly see: (made: Synthesized) => unknown; readonly is: unknown; readonly byDefault: unknown }

/**
 * Every prop (the compiler sees to it): how it is given, where it shows, and what is there without it. A prop that is
 * dropped fails its line.
 */
const PROPS: { readonly [prop in keyof Required<LustreAutoExportPipelineProps>]: Case } = {
  settings: {
    given: (stack) => {
      stack.node.setContext('autoExport', { envName: 'Green', jobDefinitionVcpus: 2 });
      return { settings: AutoExportSettings.fromContext(stack) };
    },
    see: (made) => [settings('envName')(made), defaults('jobDefinitionVcpus')(made)],
    is: ['Green', 2],
    byDefault: ['AutoExport', 32],
  },

  // run-time parameters
  autoExport: { given: { autoExport: false }, see: defaults('autoExport'), is: false, byDefault: true },
  exportVerification: { given: { exportVerification: ExportVerification.EXPORT_TASK_ONLY }, see: defaults('exportVerification'), is: 'EXPORT_TASK_ONLY', byDefault: 'BOTH' },
  failurePolicy: {
    given: { failurePolicy: FailurePolicy.keepFor(Duration.days(2)) },
    see: (made) => [defaults('failurePolicy')(made), defaults('keepHours')(made)],
    is: ['KEEP_FOR', 48],
    byDefault: ['EXPORT_AND_DELETE', 24],
  },
  deleteLustre: { given: { deleteLustre: false }, see: defaults('deleteLustre'), is: false, byDefault: true },
  lustreFileSystemTypeVersion: {
    given: { lustreFileSystemTypeVersion: fsx.FileSystemTypeVersion.V_2_12 }, see: defaults('lustreFileSystemTypeVersion'), is: '2.12', byDefault: '2.15',
  },
  lustreStorageCapacity: { given: { lustreStorageCapacity: Size.tebibytes(4.6875) }, see: defaults('lustreStorageCapacity'), is: 4800, byDefault: 2400 },
  lustreImportedFileChunkSize: { given: { lustreImportedFileChunkSize: Size.gibibytes(2) }, see: defaults('lustreImportedFileChunkSize'), is: 2048, byDefault: 1024 },
  jobDefinitionContainerImage: {
    given: { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1') },
    see: defaults('jobDefinitionContainerImage'),
    is: 'busybox:1',
    byDefault: expect.stringMatching(/dkr\.ecr.*Repository.*:latest$/),
  },
  jobDefinitionRetryAttempts: { given: { jobDefinitionRetryAttempts: 2 }, see: defaults('jobDefinitionRetryAttempts'), is: 2, byDefault: 5 },
  jobDefinitionVcpus: { given: { jobDefinitionVcpus: 4 }, see: defaults('jobDefinitionVcpus'), is: 4, byDefault: 32 },
  jobDefinitionMemory: { given: { jobDefinitionMemory: Size.gibibytes(8) }, see: defaults('jobDefinitionMemory'), is: 8192, byDefault: 30000 },
  waitForLustreCreation: { given: { waitForLustreCreation: minutes(2) }, see: defaults('waitForLustreCreationSeconds'), is: 120, byDefault: 30 },
  waitForJobCompletion: { given: { waitForJobCompletion: minutes(2) }, see: defaults('waitForJobCompletionSeconds'), is: 120, byDefault: 300 },
  waitForCheckMetrics: { given: { waitForCheckMetrics: minutes(2) }, see: defaults('waitForCheckMetricsSeconds'), is: 120, byDefault: 60 },
  lambdaPeriod: { given: { lambdaPeriod: minutes(2) }, see: defaults('lambdaPeriodSeconds'), is: 120, byDefault: 60 },
  lambdaTimeDiff: { given: { lambdaTimeDiff: Duration.hours(1) }, see: defaults('lambdaTimeDiffMinutes'), is: 60, byDefault: 15 },
  jobCommand: { given: { jobCommand: ['sh', '-c', 'x'] }, see: defaults('jobCommand'), is: ['sh', '-c', 'x'], byDefault: [] },
  jobEnvironment: { given: { jobEnvironment: { A: 'b' } }, see: defaults('jobEnvironment'), is: { A: 'b' }, byDefault: {} },
  secret: {
    given: (stack) => ({ secret: secretsmanager.Secret.fromSecretCompleteArn(stack, 'Mine', 'arn:aws:secretsmanager:us-east-1:111122223333:secret:mine-abcdef') }),
    see: (made) => [payload('GetSecret')(made).secretId, count('AWS::SecretsManager::Secret')(made)],
    is: ['arn:aws:secretsmanager:us-east-1:111122223333:secret:mine-abcdef', 0],
    byDefault: [expect.stringMatching(/^\$\{PipelineParametersSecret/), 1],
  },
  fillSecret: { given: { fillSecret: true }, see: count('Custom::AWS'), is: 1, byDefault: 0 },

  // file system and link
  lustreDeploymentType: {
    given: { lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_2 },
    see: (made) => [settings('deploymentType')(made), payload('ExtractParameters')(made).settings.deploymentType],
    is: ['SCRATCH_2', 'SCRATCH_2'],
    byDefault: ['PERSISTENT_2', 'PERSISTENT_2'],
  },
  lustrePerUnitStorageThroughput: { given: { lustrePerUnitStorageThroughput: 500 }, see: settings('perUnitStorageThroughput'), is: 500, byDefault: 125 },
  lustreDataCompression: { given: { lustreDataCompression: fsx.LustreDataCompressionType.LZ4 }, see: settings('dataCompressionType'), is: 'LZ4', byDefault: 'NONE' },
  lustreEncryptionKey: {
    given: (stack) => ({ lustreEncryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/k') }),
    see: settings('kmsKeyId'),
    is: 'arn:aws:kms:us-east-1:111122223333:key/k',
    byDefault: undefined,
  },
  lustreLogLevel: {
    given: { lustreLogLevel: LustreLogLevel.DISABLED },
    see: (made) => [settings('logLevel')(made), settings('logGroupArn')(made)],
    is: ['DISABLED', undefined],
    byDefault: ['WARN_ERROR', expect.stringMatching(/:log-group:\$\{PipelineLifecycleFileSystemLogs\w+\}$/)],
  },
  lustreLogGroup: {
    given: (stack) => ({ lustreLogGroup: logs.LogGroup.fromLogGroupName(stack, 'Fsx', '/aws/fsx/mine') }),
    see: (made) => [settings('logGroupArn')(made), count('AWS::Logs::LogGroup')(made)],
    is: [expect.stringMatching(/:log-group:\/aws\/fsx\/mine$/), 1],
    byDefault: [expect.anything(), 2],
  },
  exportDirectory: {
    given: { exportDirectory: '/out' },
    see: (made) => [settings('exportDirectory')(made), payload('FindRunResources')(made).exportDirectory],
    is: ['/out', '/out'],
    byDefault: ['/export', '/export'],
  },
  exportEvents: {
    given: { exportEvents: [DataRepositoryEvent.NEW, DataRepositoryEvent.CHANGED] },
    see: settings('exportEvents'),
    is: ['NEW', 'CHANGED'],
    byDefault: ['NEW', 'CHANGED', 'DELETED'],
  },
  importEvents: { given: { importEvents: [DataRepositoryEvent.NEW], prefixPerRun: false }, see: settings('importEvents'), is: ['NEW'], byDefault: [] },
  importExistingObjects: { given: { importExistingObjects: true, prefixPerRun: false }, see: settings('importExistingObjects'), is: true, byDefault: false },
  bucket: {
    given: (stack) => ({ bucket: s3.Bucket.fromBucketName(stack, 'Mine', 'mine'), prefix: '' }),
    see: (made) => [settings('bucketName')(made), payload('ExtractParameters')(made).settings.bucketName, count('AWS::S3::Bucket')(made)],
    is: ['mine', 'mine', 0],
    byDefault: [expect.stringContaining('Bucket'), expect.stringContaining('Bucket'), 1],
  },
  prefix: { given: { prefix: 'some/folder' }, see: (made) => payload('ExtractParameters')(made).settings.prefix, is: 'some/folder/', byDefault: '' },
  prefixPerRun: { given: { prefixPerRun: false }, see: (made) => payload('ExtractParameters')(made).settings.prefixPerRun, is: false, byDefault: true },
  envName: { given: { envName: 'Blue' }, see: settings('envName'), is: 'Blue', byDefault: 'AutoExport' },
  lustreCreationTimeout: { given: { lustreCreationTimeout: minutes(30) }, see: deadline('fileSystem'), is: 1800, byDefault: 3600 },
  reserveTimeout: { given: { reserveTimeout: minutes(45) }, see: deadline('reserve'), is: 2700, byDefault: 86400 },
  attachTimeout: { given: { attachTimeout: minutes(30) }, see: deadline('attach'), is: 1800, byDefault: 3 * 3600 },
  jobTimeout: { given: { jobTimeout: Duration.days(30) }, see: deadline('job'), is: 30 * 86400, byDefault: 7 * 86400 },
  drainTimeout: { given: { drainTimeout: Duration.days(1) }, see: deadline('drain'), is: 86400, byDefault: 3 * 86400 },

  // network and compute
  vpc: {
    given: (stack) => ({ vpc: vpcOf(stack) }),
    see: (made) => [count('AWS::EC2::VPC')(made), settings('subnetId')(made), compute('Subnets')(made)],
    is: [0, 'subnet-a', ['subnet-a']],
    byDefault: [1, expect.stringMatching(/PublicSubnet/), [expect.anything()]],
  },
  vpcSubnets: {
    given: (stack) => ({ vpc: vpcOf(stack), vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }),
    see: (made) => [settings('subnetId')(made), compute('Subnets')(made)],
    is: ['subnet-c', ['subnet-c', 'subnet-d']],
    byDefault: [expect.stringMatching(/PublicSubnet/), [expect.anything()]],
  },
  securityGroup: {
    given: (stack) => ({ securityGroup: groupOf(stack) }),
    see: (made) => [settings('securityGroupIds')(made), compute('SecurityGroupIds')(made), count('AWS::EC2::SecurityGroup')(made)],
    is: [['sg-1'], ['sg-1'], 0],
    byDefault: [[expect.stringMatching(/SecurityGroup/)], [expect.anything()], 1],
  },
  repository: {
    given: (stack) => ({ repository: ecr.Repository.fromRepositoryName(stack, 'Mine', 'mine') }),
    see: (made) => [defaults('jobDefinitionContainerImage')(made), count('AWS::ECR::Repository')(made)],
    is: [expect.stringMatching(/\/mine:latest$/), 0],
    byDefault: [expect.anything(), 1],
  },
  ecrRepositoryName: {
    given: { ecrRepositoryName: 'my-image' },
    see: ({ template }) => Object.values(template.findResources('AWS::ECR::Repository'))[0].Properties.RepositoryName,
    is: 'my-image',
    byDefault: undefined,
  },
  computeEnvironmentType: { given: { computeEnvironmentType: ComputeEnvironmentType.ON_DEMAND }, see: compute('Type'), is: 'EC2', byDefault: 'SPOT' },
  computeEnvironmentAllocationStrategy: {
    given: { computeEnvironmentAllocationStrategy: AllocationStrategy.SPOT_CAPACITY_OPTIMIZED },
    see: compute('AllocationStrategy'),
    is: 'SPOT_CAPACITY_OPTIMIZED',
    byDefault: 'BEST_FIT_PROGRESSIVE',
  },
  computeEnvironmentInstanceTypes: { given: { computeEnvironmentInstanceTypes: ['c7g'] }, see: compute('InstanceTypes'), is: ['c7g'], byDefault: ['optimal'] },
  computeEnvironmentMinvCpus: { given: { computeEnvironmentMinvCpus: 8 }, see: compute('MinvCpus'), is: 8, byDefault: 0 },
  computeEnvironmentMaxvCpus: { given: { computeEnvironmentMaxvCpus: 1024 }, see: compute('MaxvCpus'), is: 1024, byDefault: 256 },
  computeEnvironmentDesiredvCpus: { given: { computeEnvironmentDesiredvCpus: 16 }, see: compute('DesiredvCpus'), is: 16, byDefault: undefined },
  instanceRole: {
    given: (stack) => ({ instanceRole: iam.Role.fromRoleName(stack, 'Mine', 'mine') }),
    see: ({ template }) => textOf(Object.values(template.findResources('AWS::IAM::InstanceProfile'))[0].Properties.Roles[0]),
    is: 'mine',
    byDefault: expect.stringMatching(/InstanceRole/),
  },
  jobQueue: {
    given: (stack) => ({ jobQueue: new batch.JobQueue(stack, 'Mine') }),
    see: ({ states }) => states.ShareJobQueue.Parameters.jobQueueArn,
    is: expect.stringMatching(/^\$\{Mine/),
    byDefault: expect.stringMatching(/^\$\{PipelineBatchEnvironmentJobQueue/),
  },
  whenInUse: {
    given: { whenInUse: WhenInUse.FAIL },
    see: ({ states }) => states.ReserveComputeEnvironment.Parameters.settings.whenInUse,
    is: 'FAIL',
    byDefault: 'WAIT',
  },
  sweepInterval: {
    given: { sweepInterval: minutes(30) },
    see: ({ template }) => Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties.ScheduleExpression).filter(Boolean),
    is: ['rate(30 minutes)'],
    byDefault: ['rate(1 hour)'],
  },
  cleanerDryRun: {
    given: { cleanerDryRun: true },
    see: ({ template }) => Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties.Environment?.Variables.DRY_RUN).filter(Boolean),
    is: ['true'],
    byDefault: ['false'],
  },
  jobStartTimeout: {
    given: { jobStartTimeout: Duration.hours(5) },
    see: (made) => [
      job('jobStartTimeoutSeconds')(made),
      ...Object.values(made.template.findResources('AWS::Batch::JobQueue'))[0].Properties.JobStateTimeLimitActions.map((action: any) => action.MaxTimeSeconds),
    ],
    is: [18000, 18000, 18000, 18000],
    byDefault: [7200, 7200, 7200, 7200],
  },
  jobRole: {
    given: (stack) => ({ jobRole: iam.Role.fromRoleArn(stack, 'Mine', 'arn:aws:iam::111122223333:role/mine') }),
    see: job('jobRoleArn'),
    is: 'arn:aws:iam::111122223333:role/mine',
    byDefault: undefined,
  },
  executionRole: {
    given: (stack) => ({ executionRole: iam.Role.fromRoleArn(stack, 'Pulls', 'arn:aws:iam::111122223333:role/pulls') }),
    see: job('executionRoleArn'),
    is: 'arn:aws:iam::111122223333:role/pulls',
    byDefault: undefined,
  },
  rootVolumeSize: {
    given: { rootVolumeSize: Size.gibibytes(300) },
    see: ({ template }) => Object.values(template.findResources('AWS::EC2::LaunchTemplate'))[0].Properties.LaunchTemplateData.BlockDeviceMappings[0].Ebs.VolumeSize,
    is: 300,
    byDefault: 100,
  },
  containerPath: { given: { containerPath: '/data' }, see: job('containerPath'), is: '/data', byDefault: '/lustre' },
  logGroup: {
    given: (stack) => ({ logGroup: logs.LogGroup.fromLogGroupName(stack, 'Mine', 'mine') }),
    see: (made) => [
      count('AWS::Logs::LogGroup')(made),
      ...Object.values(made.template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties.LoggingConfig.LogGroup),
      textOf(Object.values(made.template.findResources('AWS::StepFunctions::StateMachine'))[0].Properties.LoggingConfiguration.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn),
    ],
    is: [1, ...Array(6).fill('mine'), expect.stringMatching(/log-group:mine:\*$/)],
    byDefault: [2, ...Array(6).fill(expect.anything()), expect.anything()],
  },
  batchEnvironment: {
    given: (stack) => ({ batchEnvironment: new OwnEnvironment(), vpc: vpcOf(stack), securityGroup: groupOf(stack) }),
    see: (made) => [hasState('OwnAttach')(made), hasState('OwnDetach')(made), count('AWS::Batch::ComputeEnvironment')(made),
      payload('ExtractParameters')(made).checks[0].settings.computeEnvironmentArn],
    is: [true, true, 0, 'arn:own'],
    byDefault: [false, false, 1, expect.stringMatching(/ComputeEnvironment/)],
  },
  workload: {
    given: { workload: new OwnWorkload() },
    see: (made) => [hasState('OwnRun')(made), hasState('OwnStop')(made), hasState('SubmitJob')(made)],
    is: [true, true, false],
    byDefault: [false, false, true],
  },
  drainMonitor: {
    given: { drainMonitor: new OwnMonitor() }, see: (made) => [hasState('OwnDrain')(made), hasState('CheckMetrics')(made)], is: [true, false], byDefault: [false, true],
  },
};

/** The seed's two tables, copied from its document. */
const DEPLOY_TIME = {
  envName: 'AutoExport',
  ecrRepositoryName: 'batch-job-with-lustre-auto-export',
  computeEnvironmentType: 'SPOT',
  computeEnvironmentAllocationStrategy: 'BEST_FIT_PROGRESSIVE',
  computeEnvironmentInstanceTypes: ['optimal'],
  computeEnvironmentMinvCpus: 0,
  computeEnvironmentMaxvCpus: 256,
  computeEnvironmentDesiredvCpus: 0,
};
const RUN_TIME = {
  autoExport: true,
  deleteLustre: true,
  lustreFileSystemTypeVersion: '2.15',
  lustreStorageCapacity: 2400,
  lustreImportedFileChunkSize: 1024,
  jobDefinitionContainerImage: undefined, // the image of the repository
  jobDefinitionRetryAttempts: 5,
  jobDefinitionVcpus: 32,
  jobDefinitionMemory: 30000,
  waitForLustreCreationSeconds: 30,
  waitForJobCompletionSeconds: 300,
  waitForCheckMetricsSeconds: 60,
  lambdaPeriodSeconds: 60,
  lambdaTimeDiffMinutes: 15,
};

/** One pipeline with nothing said, for all that only reads. */
const plain = synthesize();

describe('every prop takes effect, and has the default that its documentation says', () => {
  // what a run is told goes side by side into one payload: one stack shows all of it
  const told = Object.entries(PROPS).filter(([prop, { given }]) => typeof given === 'object' && /^(auto|delete|lustre(FileS|St|Im|C)|job(D|C|E|T)|wait|lambda|exportV|failure|reserve|attach|drainT|sweep|cleaner)/.test(prop));
  const together = synthesize(Object.assign({}, ...told.map(([, { given }]) => given)));

  test.each(Object.entries(PROPS))('%s', (prop, { given, see, is, byDefault }) => {
    expect(see(told.some(([name]) => name === prop) ? together : synthesize(given))).toEqual(is);
    expect(see(plain)).toEqual(byDefault);
    expect(is).not.toEqual(byDefault);
  });

  test('PERSISTENT_1 has a tier of its own, SCRATCH_2 none', () => {
    expect(settings('perUnitStorageThroughput')(synthesize({ lustreDeploymentType: fsx.LustreDeploymentType.PERSISTENT_1 }))).toBe(50);
    expect(settings('perUnitStorageThroughput')(synthesize({ lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_2 }))).toBeUndefined();
  });
});

describe('what is created by default', () => {
  test('exactly this', () => {
    expect(countTypes(plain.template)).toEqual({
      'AWS::Logs::LogGroup': 2, // machine and functions; import and export events
      'AWS::ECR::Repository': 1,
      'AWS::SecretsManager::Secret': 1,
      'AWS::S3::Bucket': 1,
      'AWS::S3::BucketPolicy': 1,
      'AWS::EC2::VPC': 1,
      'AWS::EC2::InternetGateway': 1,
      'AWS::EC2::VPCGatewayAttachment': 1,
      'AWS::EC2::Subnet': 1,
      'AWS::EC2::RouteTable': 1,
      'AWS::EC2::SubnetRouteTableAssociation': 1,
      'AWS::EC2::Route': 1,
      'AWS::EC2::VPCEndpoint': 1,
      'AWS::EC2::SecurityGroup': 1,
      'AWS::EC2::SecurityGroupIngress': 2,
      'AWS::EC2::LaunchTemplate': 1,
      'AWS::Batch::ComputeEnvironment': 1,
      'AWS::Batch::JobQueue': 1,
      'AWS::DynamoDB::Table': 1, // one run at a time
      'AWS::IAM::InstanceProfile': 1,
      'AWS::Lambda::Function': 6, // one a part, and the cleaner
      'AWS::Lambda::Version': 5,
      'AWS::Lambda::Permission': 2,
      'AWS::Events::Rule': 2, // the end of a run, and the sweep
      'Custom::LustreFileSystemGuard': 1,
      'AWS::IAM::Role': 8, // six functions, instances, machine
      'AWS::IAM::Policy': 9,
      'AWS::StepFunctions::StateMachine': 1,
    });
  });

  test('what holds data or says what happened outlives the stack', () => {
    for (const type of ['AWS::S3::Bucket', 'AWS::ECR::Repository', 'AWS::Logs::LogGroup', 'AWS::SecretsManager::Secret', 'AWS::Lambda::Version']) {
      plain.template.allResources(type, { DeletionPolicy: 'Retain' });
    }
  });

  test('the bucket is private, encrypted and refuses plain HTTP', () => {
    plain.template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
    });
    plain.template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({ Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })] }),
    });
  });

  test('no physical name is fixed; the one that needs a beginning ends with the id of the stack', () => {
    const names = ['BucketName', 'RepositoryName', 'FunctionName', 'RoleName', 'StateMachineName', 'JobQueueName', 'ComputeEnvironmentName', 'GroupName', 'LaunchTemplateName', 'Name'];
    const resources = Object.values<any>(plain.template.toJSON().Resources).filter(({ Type }) => !/^AWS::Lambda::(Version|Permission)$/.test(Type)); // they name their function
    expect(resources.flatMap(({ Properties }) => names.filter((name) => Properties?.[name] !== undefined))).toEqual([]);
    const groups = resources.filter(({ Type, Properties }) => Type === 'AWS::Logs::LogGroup' && Properties?.LogGroupName).map(({ Properties }) => JSON.stringify(Properties.LogGroupName));
    expect(groups).toEqual([expect.stringMatching(/\/aws\/vendedlogs\/states\/.*AWS::StackId/), expect.stringMatching(/\/aws\/fsx\/.*AWS::StackId/)]);
  });

  test('functions run a Node.js that is supported, from bundles that ship', () => {
    plain.template.allResourcesProperties('AWS::Lambda::Function', { Runtime: 'nodejs24.x', Handler: 'index.handler' });
  });

  test('the pipeline shows what it made, each by its interface', () => {
    const { pipeline, stack } = plain;
    expect(stack.resolve(pipeline.bucket.bucketName)).toEqual({ Ref: expect.stringMatching(/Bucket/) });
    expect(stack.resolve(pipeline.secret.secretArn)).toEqual({ Ref: expect.stringMatching(/Secret/) });
    expect(stack.resolve(pipeline.repository!.repositoryName)).toEqual({ Ref: expect.stringMatching(/Repository/) });
    expect(stack.resolve(pipeline.vpc.vpcId)).toEqual({ Ref: expect.stringMatching(/Vpc/) });
    expect(stack.resolve(pipeline.jobQueue!.jobQueueArn)).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/JobQueue/), 'JobQueueArn'] });
    expect(stack.resolve(pipeline.logGroup.logGroupName)).toEqual({ Ref: expect.stringMatching(/^PipelineLogs/) });
    expect(stack.resolve(pipeline.lustreLogGroup!.logGroupName)).toEqual({ Ref: expect.stringMatching(/FileSystemLogs/) });
    expect(pipeline.connections.securityGroups).toEqual([pipeline.securityGroup]);
    expect(pipeline.lifecycle.stateMachine).toBe(pipeline.stateMachine);
    expect(pipeline.parameters).toBeInstanceOf(PipelineParameters);
    expect(pipeline.batchEnvironment).toBeInstanceOf(SpotBatchEnvironment);
    expect(pipeline.workload).toBeInstanceOf(BatchJobWorkload);
    expect(pipeline.drainMonitor).toBeInstanceOf(ExportDrainMonitor);
  });

  test('metrics are those of the state machine', () => {
    const { pipeline, stack } = plain;
    const names = { metricStarted: 'ExecutionsStarted', metricSucceeded: 'ExecutionsSucceeded', metricFailed: 'ExecutionsFailed', metricAborted: 'ExecutionsAborted', metricTime: 'ExecutionTime' };
    for (const [method, metricName] of Object.entries(names)) {
      const metric = pipeline[method as keyof typeof names]({ period: minutes(7) });
      expect(metric).toMatchObject({ namespace: 'AWS/States', metricName, period: minutes(7) });
      expect(stack.resolve(metric.dimensions)).toEqual({ StateMachineArn: { Ref: expect.stringMatching(/StateMachine/) } });
    }
  });

  test('grantStartExecution lets somebody start runs, and connections open the Lustre ports', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack');
    const pipeline = new LustreAutoExportPipeline(stack, 'Pipeline');
    pipeline.grantStartExecution(new iam.User(stack, 'User'));
    pipeline.connections.allowDefaultPortFrom(new ec2.SecurityGroup(stack, 'Peer', { vpc: pipeline.vpc }));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({ Statement: [{ Action: 'states:StartExecution', Effect: 'Allow', Resource: { Ref: Match.stringLikeRegexp('StateMachine') } }] }),
      Users: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 988, ToPort: 1023, SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('Peer'), 'GroupId'] } });
  });
});

describe('what is brought is not created', () => {
  /** Everything at once, out of a stack of its own or as imports. */
  const everything = (scope: Construct, imported: boolean): LustreAutoExportPipelineProps => imported
    ? {
      vpc: vpcOf(scope),
      securityGroup: groupOf(scope),
      bucket: s3.Bucket.fromBucketName(scope, 'B', 'bucket'),
      prefix: 'p/',
      lustreEncryptionKey: kms.Key.fromKeyArn(scope, 'K', 'arn:aws:kms:us-east-1:111122223333:key/k'),
      repository: ecr.Repository.fromRepositoryName(scope, 'R', 'repository'),
      logGroup: logs.LogGroup.fromLogGroupName(scope, 'L', 'logs'),
      lustreLogGroup: logs.LogGroup.fromLogGroupName(scope, 'F', '/aws/fsx/logs'),
      secret: secretsmanager.Secret.fromSecretNameV2(scope, 'S', 'secret'),
      instanceRole: iam.Role.fromRoleName(scope, 'I', 'instances'),
      jobRole: iam.Role.fromRoleName(scope, 'J', 'job'),
    }
    : {
      vpc: new ec2.Vpc(scope, 'V', { natGateways: 0 }),
      bucket: new s3.Bucket(scope, 'B', { encryption: s3.BucketEncryption.KMS }),
      prefix: 'p/',
      lustreEncryptionKey: new kms.Key(scope, 'K'),
      repository: new ecr.Repository(scope, 'R'),
      logGroup: new logs.LogGroup(scope, 'L'),
      lustreLogGroup: new logs.LogGroup(scope, 'F', { logGroupName: '/aws/fsx/logs' }),
      secret: new secretsmanager.Secret(scope, 'S'),
      instanceRole: new iam.Role(scope, 'I', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') }),
      jobRole: new iam.Role(scope, 'J', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }),
    };
  const NONE = ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::EC2::VPCEndpoint', 'AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::ECR::Repository', 'AWS::Logs::LogGroup', 'AWS::SecretsManager::Secret'];

  test('as imports', () => {
    const made = synthesize((stack) => everything(stack, true));
    expect(NONE.concat('AWS::EC2::SecurityGroup').filter((type) => countTypes(made.template)[type])).toEqual([]);
    expect(countTypes(made.template)['AWS::IAM::Role']).toBe(7); // six functions and the machine
    expect(made.pipeline.repository?.repositoryName).toBe('repository');
    expect(made.pipeline.bucket.bucketName).toBe('bucket');
  });

  test('from another stack, with its own region and account known or not', () => {
    for (const env of [undefined, { account: '111122223333', region: 'eu-west-1' }]) {
      const app = new App();
      const given = everything(new Stack(app, 'Theirs', { env }), false);
      const stack = new Stack(app, 'Ours', { env });
      new LustreAutoExportPipeline(stack, 'Pipeline', given);
      app.synth();
      expect(NONE.filter((type) => countTypes(Template.fromStack(stack))[type])).toEqual([]);
    }
  });

  test('an imported, immutable security group and role are left as they are', () => {
    const made = synthesize((stack) => ({
      vpc: vpcOf(stack),
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'G', 'sg-1', { mutable: false }),
      instanceRole: iam.Role.fromRoleArn(stack, 'I', 'arn:aws:iam::111122223333:role/instances', { mutable: false }),
    }));
    expect(count('AWS::EC2::SecurityGroupIngress')(made)).toBe(0);
    expect(statementsOf(made.template).filter(({ roles }) => roles.includes('instances'))).toEqual([]);
  });

  test('an image of a registry, of a repository under a tag or digest, and of a folder: no repository is created', () => {
    const image = (given: (stack: Stack) => JobImage) => {
      const made = synthesize((stack) => ({ jobDefinitionContainerImage: given(stack) }));
      expect(count('AWS::ECR::Repository')(made)).toBe(0);
      expect(made.pipeline.repository).toBeUndefined();
      return { made, uri: defaults('jobDefinitionContainerImage')(made), pull: statementsOf(made.template).filter(({ action }) => action.includes('ecr:BatchGetImage')) };
    };
    const mine = (stack: Stack) => ecr.Repository.fromRepositoryName(stack, 'Mine', 'mine');
    expect(image(() => JobImage.fromRegistry('public.ecr.aws/x/y:1'))).toMatchObject({ uri: 'public.ecr.aws/x/y:1', pull: [] });
    expect(image((stack) => JobImage.fromEcrRepository(mine(stack))).uri).toMatch(/\/mine:latest$/);
    expect(image((stack) => JobImage.fromEcrRepository(mine(stack), 'v3')).uri).toMatch(/\/mine:v3$/);
    const digest = image((stack) => JobImage.fromEcrRepository(mine(stack), `sha256:${'a'.repeat(64)}`));
    expect(digest.uri).toMatch(/\/mine@sha256:a{64}$/);
    expect(digest.pull).toEqual([expect.objectContaining({ roles: expect.stringContaining('InstanceRole'), resource: [expect.stringMatching(/repository\/mine$/)] })]);
    const folder = image(() => JobImage.fromAsset(dockerfile));
    expect(folder.uri).toMatch(/container-assets.*:[0-9a-f]{64}$/);
    expect(folder.pull).toHaveLength(1);
  });

  test('with a batch environment that keeps its queue to itself, Lustre ports are opened all the same', () => {
    const made = synthesize((stack) => ({ batchEnvironment: new OwnEnvironment(), vpc: vpcOf(stack), securityGroup: groupOf(stack) }));
    expect(made.pipeline.jobQueue).toBeUndefined();
    made.template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-1', SourceSecurityGroupId: 'sg-1', FromPort: 988, ToPort: 988 });
    made.template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-1', SourceSecurityGroupId: 'sg-1', FromPort: 1018, ToPort: 1023 });
  });

  test('each brought part is granted what it asks for', () => {
    const made = synthesize((stack) => ({
      batchEnvironment: new OwnEnvironment(), vpc: vpcOf(stack), securityGroup: groupOf(stack), workload: new OwnWorkload(), drainMonitor: new OwnMonitor(),
    }));
    const own = statementsOf(made.template).filter(({ resource }) => resource[0] === 'own');
    expect(own.flatMap(({ action }) => action).sort()).toEqual(['own:Environment', 'own:Monitor', 'own:Workload']);
    expect(own.every(({ roles }) => roles.includes('StateMachineRole'))).toBe(true);
    expect(countTypes(made.template)['AWS::Lambda::Function']).toBe(3); // parameters, file systems, cleaner
  });

  test.each([
    ['drainMonitor', 'drainMonitor has no grantTo; an IExportDrainMonitor has drain, grantTo (in Python with underscores: drain, grant_to)'],
    ['workload', 'workload has no run, no stop; an IWorkload has preflightChecks, run, stop, grantTo'],
  ])('a part without a method, which no compiler sees in Python: %s', (part, said) => {
    const half: any = { drain: new OwnMonitor().drain, ...(part === 'workload' && { preflightChecks: () => [], grantTo: () => undefined }) };
    expect(() => synthesize({ [part]: half })).toThrow(said);
  });

  test('the environment of a job in the order of its names: a Map of Java has another in each process', () => {
    const { defaults: { jobEnvironment } } = synthesize({ jobEnvironment: { B: '1', C: '2', A: '3' } }).states.ExtractParameters.Parameters;
    expect(Object.keys(jobEnvironment)).toEqual(['A', 'B', 'C']);
  });
});

describe('encryption', () => {
  const keyPolicy = (made: Synthesized) => made.template.findResources('AWS::KMS::Key');

  test('a bucket with a key of its own lets the role of the link use that key, and nobody else', () => {
    const made = synthesize((stack) => ({ bucket: new s3.Bucket(stack, 'Mine', { encryption: s3.BucketEncryption.KMS }), prefix: '' }));
    const [{ Properties }] = Object.values(keyPolicy(made));
    const statement = Properties.KeyPolicy.Statement.find((each: any) => each.Condition?.ArnLike);
    expect(statement.Principal).toEqual({ AWS: '*' });
    expect(textOf(statement.Condition.ArnLike['aws:PrincipalArn'])).toMatch(/^arn:\$\{AWS::Partition\}:iam::\$\{AWS::AccountId\}:role\/aws-service-role\/s3\.data-source\.lustre\.fsx\.\*\/AWSServiceRoleForFSxS3Access_fs-\*$/);
    expect(textOf(statement.Condition.StringEquals['kms:ViaService'])).toBe('s3.${AWS::Region}.${AWS::URLSuffix}');
    expect(textOf(statement.Condition.StringEquals['kms:CallerAccount'])).toBe('${AWS::AccountId}');
    // the bucket refers to the key, so that a policy that named it would be a cycle
    expect(statement.Condition.StringLike['kms:EncryptionContext:aws:s3:arn'].map(textOf)).toEqual(['arn:${AWS::Partition}:s3:::*']);
  });

  test('a bucket whose name is known is named in the policy', () => {
    const made = synthesize((stack) => ({
      bucket: s3.Bucket.fromBucketAttributes(stack, 'Mine', { bucketName: 'mine', encryptionKey: new kms.Key(stack, 'Key') }), prefix: '',
    }));
    const [{ Properties }] = Object.values(keyPolicy(made));
    const statement = Properties.KeyPolicy.Statement.find((each: any) => each.Condition?.ArnLike);
    expect(statement.Condition.StringLike['kms:EncryptionContext:aws:s3:arn'].map(textOf)).toEqual(['arn:${AWS::Partition}:s3:::mine', 'arn:${AWS::Partition}:s3:::mine/*']);
  });

  test('a key whose policy cannot be changed from here gives a warning', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack');
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/k');
    new LustreAutoExportPipeline(stack, 'Pipeline', { bucket: s3.Bucket.fromBucketAttributes(stack, 'B', { bucketName: 'mine', encryptionKey }), prefix: '' });
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('key policy of the brought bucket.*AWSServiceRoleForFSxS3Access_fs-\\*'));
    Annotations.fromStack(plain.stack).hasNoWarning('*', Match.anyValue());
  });

  test('the key of the file system is granted to the function that creates it', () => {
    const made = synthesize(PROPS.lustreEncryptionKey.given);
    expect(statementsOf(made.template).filter(({ action }) => action.includes('kms:CreateGrant'))).toEqual([
      expect.objectContaining({ roles: expect.stringContaining('LifecycleFileSystemHandler'), resource: ['arn:aws:kms:us-east-1:111122223333:key/k'] }),
    ]);
  });
});

describe('the secret', () => {
  test('holds {} whatever the props say, so that no deploy overwrites what a user wrote', () => {
    for (const given of [{}, { jobDefinitionVcpus: 4 }, { fillSecret: true }]) {
      synthesize(given).template.hasResourceProperties('AWS::SecretsManager::Secret', { SecretString: '{}' });
    }
  });

  test('fillSecret writes the 14 parameters once, when the secret is created', () => {
    const made = synthesize({ fillSecret: true, jobDefinitionVcpus: 4 });
    const [{ Properties }] = Object.values(made.template.findResources('Custom::AWS'));
    expect(Properties.Update).toBeUndefined();
    expect(Properties.Delete).toBeUndefined();
    const create = JSON.parse(textOf(Properties.Create));
    expect(create).toMatchObject({ service: 'SecretsManager', action: 'putSecretValue', parameters: { SecretId: expect.stringContaining('Secret') } });
    const written = JSON.parse(create.parameters.SecretString);
    expect(Object.keys(written).sort()).toEqual(Object.keys(RUN_TIME).sort());
    expect(written).toMatchObject({ jobDefinitionVcpus: 4, lustreStorageCapacity: 2400, jobDefinitionContainerImage: expect.stringMatching(/:latest$/) });
    expect(statementsOf(made.template).filter(({ action }) => action.includes('secretsmanager:PutSecretValue')).map(({ resource }) => resource))
      .toEqual([[expect.stringMatching(/^\$\{PipelineParametersSecret/)]]);
  });

  test('fillSecret leaves out an image that is left to each run', () => {
    const stack = new Stack(new App(), 'Stack');
    new PipelineParameters(stack, 'Parameters', { fillSecret: true });
    const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('Custom::AWS'));
    expect(JSON.parse(JSON.parse(textOf(Properties.Create)).parameters.SecretString)).not.toHaveProperty('jobDefinitionContainerImage');
  });

  test('only the function that reads parameters may read it', () => {
    expect(statementsOf(plain.template).filter(({ action }) => action.includes('secretsmanager:GetSecretValue')).map(({ roles }) => roles))
      .toEqual([expect.stringContaining('ParametersHandler')]);
  });
});

describe('several pipelines', () => {
  test('two in one stack share nothing and can find nothing of one another', () => {
    const stack = new Stack(new App(), 'Stack');
    new LustreAutoExportPipeline(stack, 'One');
    new LustreAutoExportPipeline(stack, 'Two');
    const template = Template.fromStack(stack);
    for (const [type, number] of Object.entries(countTypes(plain.template))) template.resourceCountIs(type, 2 * number);
    const [one, two] = ['One', 'Two'].map((id) => JSON.stringify(definitionOf(template, new RegExp(`^${id}`)).States));
    expect(one).not.toMatch(/\$\{Two/);
    expect(two).not.toMatch(/\$\{One/);
    const tag = (text: string) => /"pipeline":"(\w+)"/.exec(text)![1];
    expect(tag(one)).not.toBe(tag(two));
  });

  test('the same stack under two names, a stage and a nested stack: their tags differ', () => {
    const app = new App();
    const nested = new NestedStack(new Stack(app, 'Parent'), 'Nested');
    const scopes = [
      new Stack(app, 'A', { stackName: 'blue' }), new Stack(new Stage(app, 'Green'), 'A', { stackName: 'green' }), new Stack(new Stage(app, 'Prod'), 'A'), nested,
    ];
    const tags = scopes.map((scope) => {
      new LustreAutoExportPipeline(scope, 'Pipeline');
      return scope;
    }).map((scope) => payload('CreateLustreFileSystem')({ states: definitionOf(Template.fromStack(scope)).States } as Synthesized).settings.pipeline);
    expect(new Set(tags).size).toBe(4);
    expect(tags.every((tag) => tag.length <= 256)).toBe(true);
  });

  test('one JobImage and one bucket can serve two pipelines', () => {
    const stack = new Stack(new App(), 'Stack');
    const image = JobImage.fromAsset(dockerfile);
    const bucket = new s3.Bucket(stack, 'Bucket');
    new LustreAutoExportPipeline(stack, 'One', { jobDefinitionContainerImage: image, bucket, prefix: 'one/' });
    new LustreAutoExportPipeline(stack, 'Two', { jobDefinitionContainerImage: image, bucket, prefix: 'two/' });
    Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 1);
  });
});

describe('a citizen of CDK', () => {
  test('a concrete env needs no lookup', () => {
    const made = synthesize({}, { env: { account: '111122223333', region: 'eu-central-1' } });
    expect(made.app.synth().manifest.missing ?? []).toEqual([]);
    expect(countTypes(made.template)).toEqual(countTypes(plain.template));
  });

  const flags = JSON.parse(fs.readFileSync(require.resolve('aws-cdk-lib/recommended-feature-flags.json'), 'utf8'));
  const oneByOne = Object.entries(flags);
  test('with no feature flag, and with every recommended one', () => {
    expect(oneByOne.length).toBeGreaterThan(50);
    const none = synthesize({}, undefined, { context: Object.fromEntries(oneByOne.map(([flag]) => [flag, undefined])) });
    const all = synthesize({}, { env: { account: '111122223333', region: 'us-east-1' } }, { context: flags });
    expect(Object.keys(all.states)).toEqual(Object.keys(none.states));
    expect(countTypes(all.template)['AWS::StepFunctions::StateMachine']).toBe(1);
    all.app.synth();
    none.app.synth();
  });

  const PRINCIPAL = /: (lambda|states|ec2|events)\.amazonaws\.com$/; // the same in every partition
  test.each(['cn-north-1', 'us-gov-west-1', undefined])('no partition is assumed (%s)', (region) => {
    const made = synthesize({ lustreDeploymentType: fsx.LustreDeploymentType.PERSISTENT_1, fillSecret: true }, { env: region ? { account: '111122223333', region } : undefined });
    const { Resources } = made.template.toJSON();
    expect(JSON.stringify(Resources)).not.toMatch(/arn:aws[:-]/);
    const found = Object.entries<any>(Resources).flatMap(([id, { Properties }]) =>
      [...JSON.stringify(Properties ?? {}).matchAll(/[\w./-]*amazonaws\.com[\w./]*/g)].map(([text]) => `${id}: ${text}`));
    expect(found.filter((text) => !PRINCIPAL.test(text))).toEqual([
      // the service that a role is passed to, and the path of that role: both the same in every partition
      expect.stringMatching(/StateMachineRole\w+: batch\.amazonaws\.com$/),
      expect.stringMatching(/StateMachineRole\w+: role\/aws-service-role\/batch\.amazonaws\.com\/AWSServiceRoleForBatch$/),
    ]);
  });

  test('tags of the app, the stack and the pipeline reach everything that a run creates', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack', { tags: { ofStack: 'stack' } });
    const pipeline = new LustreAutoExportPipeline(stack, 'Pipeline');
    Tags.of(app).add('ofApp', 'app');
    Tags.of(pipeline).add('ofPipeline', 'pipeline');
    const template = Template.fromStack(stack);
    const { States } = definitionOf(template);
    const tags = { ofStack: 'stack', ofApp: 'app', ofPipeline: 'pipeline' };
    for (const state of ['CreateLustreFileSystem', 'CreateDataRepositoryAssociation', 'CreateJobDefinition', 'SubmitJob']) {
      expect(States[state].Parameters.settings.tags).toEqual(tags);
    }
    const asList = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const { TagSpecifications, LaunchTemplateData } = States.CreateLaunchTemplate.Parameters;
    for (const { Tags: given } of [...TagSpecifications, ...LaunchTemplateData.TagSpecifications]) expect(given).toEqual(expect.arrayContaining(asList));
    template.hasResourceProperties('AWS::Batch::ComputeEnvironment', { ComputeResources: { Tags: Match.objectLike(tags) } });
  });

  test('a permissions boundary and an aspect reach every role', () => {
    class Path implements IAspect {
      public visit(node: IConstruct) {
        if (node instanceof CfnResource && node.cfnResourceType === 'AWS::IAM::Role') node.addPropertyOverride('Path', '/ours/');
      }
    }
    const app = new App();
    const stack = new Stack(app, 'Stack');
    new LustreAutoExportPipeline(stack, 'Pipeline', { fillSecret: true });
    iam.PermissionsBoundary.of(app).apply(iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'));
    Aspects.of(app).add(new Path());
    const template = Template.fromStack(stack);
    template.allResourcesProperties('AWS::IAM::Role', { PermissionsBoundary: Match.anyValue(), Path: '/ours/' });
    template.resourceCountIs('AWS::IAM::Role', 9);
  });

  test('props that are tokens get through, and those that have to be known say so', () => {
    const token = (stack: Stack, id: string, type = 'String') => new CfnParameter(stack, id, { type });
    const made = synthesize((stack) => ({
      prefix: token(stack, 'Prefix').valueAsString,
      envName: token(stack, 'EnvName').valueAsString,
      containerPath: token(stack, 'Path').valueAsString,
      exportDirectory: token(stack, 'Directory').valueAsString,
      jobDefinitionContainerImage: JobImage.fromRegistry(token(stack, 'Image').valueAsString),
      jobDefinitionVcpus: token(stack, 'Vcpus', 'Number').valueAsNumber,
      jobCommand: ['run', token(stack, 'Word').valueAsString],
      jobEnvironment: { A: token(stack, 'Value').valueAsString },
      jobStartTimeout: Duration.seconds(token(stack, 'Start', 'Number').valueAsNumber),
      computeEnvironmentMaxvCpus: token(stack, 'Most', 'Number').valueAsNumber,
    }));
    expect(payload('ExtractParameters')(made).settings.prefix).toBe('${Prefix}'); // its slash comes when a run begins
    expect(defaults('jobDefinitionContainerImage')(made)).toBe('${Image}');
    expect(defaults('jobDefinitionVcpus')(made)).toBe('${Vcpus}');
    expect(defaults('jobCommand')(made)).toEqual(['run', '${Word}']);
    expect(defaults('jobEnvironment')(made)).toEqual({ A: '${Value}' });
    expect(job('jobStartTimeoutSeconds')(made)).toBe('${Start}');
    expect(settings('exportDirectory')(made)).toBe('${Directory}');
  });

  const durations = ['waitForLustreCreation', 'waitForJobCompletion', 'waitForCheckMetrics', 'lambdaPeriod', 'lambdaTimeDiff', 'lustreCreationTimeout', 'reserveTimeout', 'attachTimeout', 'jobTimeout', 'drainTimeout'];
  const sizes = ['lustreStorageCapacity', 'lustreImportedFileChunkSize', 'jobDefinitionMemory'];
  test.each([...durations, ...sizes])('%s may not be a token', (prop) => {
    const number = (stack: Stack) => new CfnParameter(stack, 'N', { type: 'Number' }).valueAsNumber;
    expect(() => synthesize((stack) => ({ [prop]: sizes.includes(prop) ? Size.gibibytes(number(stack)) : Duration.seconds(number(stack)) })))
      .toThrow(new RegExp(`${prop} is a token; it must be known at synth`));
  });
});

describe('bad props', () => {
  const problem = (given: Given, env?: { account: string; region: string }) => {
    try {
      synthesize(given, { env });
    } catch (error) {
      return (error as Error).message;
    }
    return 'no error';
  };
  const own = (stack: Stack): LustreAutoExportPipelineProps => ({ batchEnvironment: new OwnEnvironment(), vpc: vpcOf(stack), securityGroup: groupOf(stack) });

  /** Given; then what the error has to tell: prop and value, what is allowed, and how to mend it. */
  test.each<[string, Given, RegExp[]]>([
    ['environment, in the words of the pipeline', { computeEnvironmentMinvCpus: 300, computeEnvironmentInstanceTypes: ['optimal', 'm7g'] },
      [/computeEnvironmentMinvCpus is 300 and computeEnvironmentMaxvCpus is 256;/, /computeEnvironmentInstanceTypes is \[optimal, m7g\];/]],
    ['capacity', { lustreStorageCapacity: Size.gibibytes(1000) }, [/lustreStorageCapacity .*is 1000;/, /1200 or a multiple of 2400 GiB/, /use 1200/]],
    ['capacity in no whole GiB', { lustreStorageCapacity: Size.mebibytes(1_500_000) }, [/lustreStorageCapacity .*is 1464\.84375;/, /multiple of 2400 GiB/, /use 1200 or 2400/]],
    ['memory in no whole MiB', { jobDefinitionMemory: Size.kibibytes(10_000) }, [/jobDefinitionMemory .*is 9\.765625;/, /a whole number of MiB/]],
    ['no whole minutes', { lambdaTimeDiff: Duration.seconds(90) }, [/lambdaTimeDiff .*is 1\.5;/, /a whole number of minutes from 1 to 1440/]],
    ['no whole seconds', { waitForJobCompletion: Duration.millis(1500) }, [/waitForJobCompletion .*is 1\.5;/, /a whole number of seconds/]],
    ['chunk', { lustreImportedFileChunkSize: Size.gibibytes(1000) }, [/lustreImportedFileChunkSize .*is 1024000;/, /from 1 to 512000/]],
    ['attempts', { jobDefinitionRetryAttempts: 11 }, [/jobDefinitionRetryAttempts .*is 11;/, /from 1 to 10/]],
    ['vCPUs', { jobDefinitionVcpus: 0.5 }, [/jobDefinitionVcpus .*is 0\.5;/, /1 or more/, /round up/]],
    ['memory', { jobDefinitionMemory: Size.mebibytes(3) }, [/jobDefinitionMemory .*is 3;/, /4 or more/]],
    ['period', { lambdaPeriod: Duration.seconds(90) }, [/lambdaPeriod .*is 90;/, /multiple of 60/]],
    ['look back', { lambdaTimeDiff: Duration.days(2) }, [/lambdaTimeDiff .*is 2880;/, /from 1 to 1440/]],
    ['version', { lustreFileSystemTypeVersion: fsx.FileSystemTypeVersion.V_2_10 }, [/lustreFileSystemTypeVersion .*is "2\.10";/, /"2\.12" or "2\.15"/]],
    ['image', { jobDefinitionContainerImage: JobImage.fromRegistry('x y') }, [/jobDefinitionContainerImage .*is "x y";/, /as docker pull takes it/, /without https/]],
    ['variable', { jobEnvironment: { AWS_BATCH_X: '1' } }, [/jobEnvironment .*is an object of 1;/, /begins with AWS_BATCH/, /rename or quote "AWS_BATCH_X"/]],
    ['prefix', { prefix: '/x' }, [/prefix .*is "\/x";/, /no leading slash/, /write it like/]],
    ['SCRATCH_1', { lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_1 }, [/lustreDeploymentType is SCRATCH_1;/, /one of SCRATCH_2, PERSISTENT_1, PERSISTENT_2/, /cannot be linked/]],
    ['tier', { lustrePerUnitStorageThroughput: 50 }, [/lustrePerUnitStorageThroughput is 50;/, /125, 250, 500, 1000/, /tiers of PERSISTENT_2/]],
    ['tier of SCRATCH_2', { lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_2, lustrePerUnitStorageThroughput: 125 }, [/lustrePerUnitStorageThroughput is 125;/, /absent for SCRATCH_2/]],
    ['key of SCRATCH_2', (stack) => ({ lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_2, lustreEncryptionKey: new kms.Key(stack, 'K') }), [/lustreEncryptionKey is given;/, /absent for SCRATCH_2/]],
    ['log group without logs', (stack) => ({ lustreLogLevel: LustreLogLevel.DISABLED, lustreLogGroup: logs.LogGroup.fromLogGroupName(stack, 'L', '/aws/fsx/x') }),
      [/lustreLogGroup is given with lustreLogLevel DISABLED/, /leave one of them out/]],
    ['log group of another name', (stack) => ({ lustreLogGroup: logs.LogGroup.fromLogGroupName(stack, 'L', '/aws/x') }), [/lustreLogGroup is '\/aws\/x';/, /begins with \/aws\/fsx\//]],
    ['root', { exportDirectory: '/' }, [/exportDirectory is '\/';/, /one directory name/, /such as \/export/]],
    ['two levels', { exportDirectory: '/a/b' }, [/exportDirectory is '\/a\/b';/]],
    ['events twice', { exportEvents: [DataRepositoryEvent.NEW, DataRepositoryEvent.NEW] }, [/exportEvents is NEW, NEW;/, /named once/]],
    ['no events', { exportEvents: [] }, [/exportEvents is \[\];/, /it must hold NEW and CHANGED/]],
    ['no changes', { exportEvents: [DataRepositoryEvent.NEW, DataRepositoryEvent.DELETED] }, [/exportEvents is \[NEW, DELETED\];/]],
    ['deletions only', { exportEvents: [DataRepositoryEvent.DELETED] }, [/exportEvents is \[DELETED\];/]],
    ['imports twice', { prefixPerRun: false, importEvents: [DataRepositoryEvent.NEW, DataRepositoryEvent.NEW] }, [/importEvents is NEW, NEW;/]],
    ['import from nowhere', { importEvents: [DataRepositoryEvent.NEW] }, [/importEvents or importExistingObjects is given/, /set prefixPerRun: false/]],
    ['import of nothing', { importExistingObjects: true }, [/set prefixPerRun: false/]],
    ['bucket without prefix', (stack) => ({ bucket: s3.Bucket.fromBucketName(stack, 'B', 'mine') }), [/prefix is not given for a brought bucket;/, /prefix: ''/]],
    ['envName', { envName: 'a b' }, [/envName is 'a b';/, /1 to 32 letters/]],
    ['creation time', { lustreCreationTimeout: minutes(5) }, [/lustreCreationTimeout is 5 minutes;/, /from 10 minutes to 1 day/]],
    ['reserve time', { reserveTimeout: Duration.days(8) }, [/reserveTimeout is 8 days;/, /from 10 minutes to 7 days/]],
    ['sweep time', { sweepInterval: minutes(5) }, [/sweepInterval is 5 minutes;/, /from 10 minutes to 1 day/]],
    ['attach time', { attachTimeout: Duration.days(8) }, [/attachTimeout is 8 days;/, /from 10 minutes to 7 days/]],
    ['job time', { jobTimeout: Duration.days(31) }, [/jobTimeout is 31 days;/, /to 30 days/]],
    ['drain time', { drainTimeout: minutes(1) }, [/drainTimeout is 1 minute;/, /from 2 hours to 30 days/]],
    ['drain time that its zeros do not fit into', { drainTimeout: Duration.hours(2), lambdaTimeDiff: Duration.hours(2) }, [/would have to be empty for 120 minutes, and drainTimeout is 120 minutes/]],
    ['start time', { jobStartTimeout: minutes(1) }, [/jobStartTimeout is 1 minute;/, /from 10 minutes to 1 day/]],
    ['container path', { containerPath: '/' }, [/containerPath is '\/';/, /an absolute path such as \/lustre/]],
    ['repository name', { ecrRepositoryName: 'Upper' }, [/ecrRepositoryName is 'Upper';/, /lower-case/]],
    ['fill a brought secret', (stack) => ({ secret: secretsmanager.Secret.fromSecretNameV2(stack, 'S', 's'), fillSecret: true }), [/fillSecret is true with a brought secret;/]],
    ['strategy', { computeEnvironmentType: ComputeEnvironmentType.ON_DEMAND, computeEnvironmentAllocationStrategy: AllocationStrategy.SPOT_CAPACITY_OPTIMIZED }, [/SPOT_CAPACITY_OPTIMIZED, which is not for computeEnvironmentType EC2/]],
    ['subnets of no VPC', { vpcSubnets: {} }, [/vpcSubnets is given without vpc;/]],
    ['no subnet', (stack) => ({ ...own(stack), vpcSubnets: { subnets: [] } }), [/vpcSubnets selects no subnet/]],
    ['environment in no network', { batchEnvironment: new OwnEnvironment() }, [/batchEnvironment is given without vpc and securityGroup;/, /give those that the environment is in/]],
    ['repository and image', (stack) => ({ repository: new ecr.Repository(stack, 'R'), jobDefinitionContainerImage: JobImage.fromRegistry('x') }), [/repository is given together with jobDefinitionContainerImage, .*leave one of them out/]],
    ['name and image', { ecrRepositoryName: 'x', jobDefinitionContainerImage: JobImage.fromRegistry('x') }, [/ecrRepositoryName is given together with jobDefinitionContainerImage/]],
    ['name and repository', (stack) => ({ ecrRepositoryName: 'x', repository: new ecr.Repository(stack, 'R') }), [/ecrRepositoryName is given together with repository/]],
    ['workload and its props', (stack) => ({ workload: new OwnWorkload(), containerPath: '/x', jobRole: iam.Role.fromRoleName(stack, 'R', 'r') }),
      [/containerPath is given together with workload/, /jobRole is given together with workload/]],
    ['environment and its props', (stack) => ({
      ...own(stack),
      computeEnvironmentType: ComputeEnvironmentType.SPOT,
      computeEnvironmentAllocationStrategy: AllocationStrategy.BEST_FIT_PROGRESSIVE,
      computeEnvironmentInstanceTypes: ['optimal'],
      computeEnvironmentMinvCpus: 0,
      computeEnvironmentMaxvCpus: 1,
      computeEnvironmentDesiredvCpus: 0,
      instanceRole: iam.Role.fromRoleName(stack, 'R', 'r'),
      jobQueue: new batch.JobQueue(stack, 'Q'),
    }), ['Type', 'AllocationStrategy', 'InstanceTypes', 'MinvCpus', 'MaxvCpus', 'DesiredvCpus'].map((name) => new RegExp(`computeEnvironment${name} is given together with batchEnvironment`))
      .concat([/instanceRole is given together with batchEnvironment/, /jobQueue is given together with batchEnvironment/])],
    ['start time of nobody', (stack) => ({ ...own(stack), workload: new OwnWorkload(), jobStartTimeout: Duration.hours(1) }), [/jobStartTimeout is given together with batchEnvironment and workload/]],
  ])('%s', (_, given, told) => {
    const message = problem(given);
    for (const each of told) expect(message).toMatch(each);
    expect(message).toMatch(/at construct Stack\/Pipeline/);
  });

  test('all of a part at once, each on its line', () => {
    const message = problem({ exportDirectory: '/', envName: '', lustrePerUnitStorageThroughput: 1, drainTimeout: minutes(1), exportEvents: [] });
    expect(message.split('\n').slice(0, -1).map((line) => line.split(' ')[0])).toEqual(['lustrePerUnitStorageThroughput', 'exportDirectory', 'exportEvents', 'envName', 'drainTimeout']);
    const parameters = problem({ jobDefinitionVcpus: 0, jobDefinitionRetryAttempts: 0, lambdaPeriod: Duration.seconds(1) });
    expect(parameters.split('\n').slice(0, -1).map((line) => line.split(' ')[0])).toEqual(['jobDefinitionRetryAttempts', 'jobDefinitionVcpus', 'lambdaPeriod']);
  });

  test('a deployment type that the region lacks', () => {
    const at = (region: string) => ({ account: '111122223333', region });
    expect(problem({}, at('us-gov-west-1'))).toMatch(/lustreDeploymentType is PERSISTENT_2, which FSx does not offer in us-gov-west-1; use SCRATCH_2 or PERSISTENT_1/);
    for (const region of ['cn-north-1', 'ap-southeast-5', 'ap-east-2', 'ap-southeast-7', 'ca-west-1', 'mx-central-1']) { // A1.13: Malaysia, Taipei, Thailand, Calgary, Mexico
      expect(problem({ lustreDeploymentType: fsx.LustreDeploymentType.SCRATCH_2 }, at(region))).toMatch(/use PERSISTENT_1 or PERSISTENT_2/);
    }
    expect(problem({}, at('eu-west-1'))).toBe('no error');
  });

  test('minvCpus above 0 is told to cost money', () => {
    const made = synthesize({ computeEnvironmentMinvCpus: 8 });
    Annotations.fromStack(made.stack).hasWarning('*', Match.stringLikeRegexp('minvCpus is 8.*billed'));
  });
});

describe('the parts without the pipeline', () => {
  const parts = (given: { readonly workload?: BatchJobWorkloadProps } = {}) => {
    const stack = new Stack(new App(), 'Stack');
    const batchEnvironment = new SpotBatchEnvironment(stack, 'Environment');
    const lifecycle = new LustreLifecycleStateMachine(stack, 'Lifecycle', {
      parameters: new PipelineParameters(stack, 'Parameters'),
      batchEnvironment,
      workload: new BatchJobWorkload(stack, 'Workload', given.workload),
      drainMonitor: new ExportDrainMonitor(stack, 'Monitor'),
      fileSystemSubnet: batchEnvironment.fileSystemSubnet,
      fileSystemSecurityGroups: [batchEnvironment.securityGroup, ec2.SecurityGroup.fromSecurityGroupId(stack, 'More', 'sg-2')],
      role: new iam.Role(stack, 'OwnRole', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') }),
    });
    const template = Template.fromStack(stack);
    return { stack, lifecycle, template, states: definitionOf(template).States };
  };

  test('make the same machine, under a role that is brought', () => {
    const made = parts();
    expect(Object.keys(made.states).sort()).toEqual(Object.keys(plain.states).sort());
    made.template.hasResourceProperties('AWS::StepFunctions::StateMachine', { RoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^OwnRole'), 'Arn'] } });
    expect(made.states.CreateLustreFileSystem.Parameters.settings.securityGroupIds).toEqual([expect.any(String), 'sg-2']);
    expect(made.template.findResources('AWS::Logs::LogGroup')).not.toEqual({});
  });

  test('an image that no prop names is left to each run', () => {
    expect(parts().states.ExtractParameters.Parameters.defaults.jobDefinitionContainerImage).toBe('');
  });

  test('the role that pulls the image reaches the job, and may be passed', () => {
    const stack = new Stack(new App(), 'Roles');
    const role = (name: string) => iam.Role.fromRoleArn(stack, name, `arn:aws:iam::111122223333:role/${name}`);
    const made = parts({ workload: { executionRole: role('pull'), jobRole: role('work') } });
    expect(made.states.CreateJobDefinition.Parameters.settings).toMatchObject({
      executionRoleArn: 'arn:aws:iam::111122223333:role/pull', jobRoleArn: 'arn:aws:iam::111122223333:role/work',
    });
    const passed = statementsOf(made.template).filter(({ action, roles }) => action.includes('iam:PassRole') && roles.includes('Workload')).flatMap(({ resource }) => resource);
    expect(passed.sort()).toEqual(['arn:aws:iam::111122223333:role/pull', 'arn:aws:iam::111122223333:role/work']);
  });
});

describe('the autoExport section of cdk.json', () => {
  const OTHER = {
    envName: 'Blue',
    computeEnvironmentType: 'EC2',
    computeEnvironmentAllocationStrategy: 'BEST_FIT_PROGRESSIVE_ORDERED',
    computeEnvironmentInstanceTypes: ['c7i', 'm7i'],
    computeEnvironmentMinvCpus: 4,
    computeEnvironmentMaxvCpus: 64,
    computeEnvironmentDesiredvCpus: 8,
    autoExport: false,
    deleteLustre: false,
    lustreFileSystemTypeVersion: '2.12',
    lustreStorageCapacity: 1200,
    lustreImportedFileChunkSize: 512,
    jobDefinitionContainerImage: 'busybox:1',
    jobDefinitionRetryAttempts: 3,
    jobDefinitionVcpus: 2,
    jobDefinitionMemory: 4000,
    waitForLustreCreationSeconds: 31,
    waitForJobCompletionSeconds: 32,
    waitForCheckMetricsSeconds: 33,
    lambdaPeriodSeconds: 120,
    lambdaTimeDiffMinutes: 20,
  };
  const fromSection = (section: unknown, key?: string) => {
    const stack = new Stack(new App({ context: { [key ?? 'autoExport']: section } }), 'Stack');
    new LustreAutoExportPipeline(stack, 'Pipeline', { settings: AutoExportSettings.fromContext(stack, key) });
    const template = Template.fromStack(stack);
    const made = { template, states: definitionOf(template).States } as Synthesized;
    const desired = compute('DesiredvCpus')(made) ?? 0; // 0 is never written: it would be set again by each deploy
    return {
      made,
      deployTime: {
        envName: settings('envName')(made),
        ecrRepositoryName: Object.values(template.findResources('AWS::ECR::Repository'))[0]?.Properties.RepositoryName,
        computeEnvironmentType: compute('Type')(made),
        computeEnvironmentAllocationStrategy: compute('AllocationStrategy')(made),
        computeEnvironmentInstanceTypes: compute('InstanceTypes')(made),
        computeEnvironmentMinvCpus: compute('MinvCpus')(made),
        computeEnvironmentMaxvCpus: compute('MaxvCpus')(made),
        computeEnvironmentDesiredvCpus: desired,
      },
      runTime: payload('ExtractParameters')(made).defaults,
    };
  };
  const problem = (section: unknown) => {
    const stack = new Stack(new App({ context: { autoExport: section } }), 'Stack');
    try {
      AutoExportSettings.fromContext(stack);
    } catch (error) {
      return (error as Error).message;
    }
    return 'no error';
  };

  const seed = path.join(__dirname, '..', '..', 'shared', 'seed.ja.md');
  (fs.existsSync(seed) ? test : test.skip)('the tables above are those of the seed', () => {
    const tables = fs.readFileSync(seed, 'utf8').split('\n## ')[3].split('\n### ').slice(1).map((section) => Object.fromEntries(
      section.split('\n').filter((line) => /^\| [a-z]\w+ \|/.test(line)).map((line) => line.split('|').map((cell) => cell.trim())).map(([, name, , value]) => [name, value])));
    const cells = (values: object) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === undefined ? 'ECRリポジトリのイメージURI' : JSON.stringify(value)]));
    expect(tables).toEqual([cells(DEPLOY_TIME), cells(RUN_TIME)]);
  });

  test('an empty section is the mode of the seed: all 8 and all 14 defaults', () => {
    const { deployTime, runTime } = fromSection({});
    expect(deployTime).toEqual(DEPLOY_TIME);
    expect(runTime).toMatchObject({ ...RUN_TIME, jobDefinitionContainerImage: expect.stringMatching(/\/\$\{PipelineRepository\w+\}:latest$/) });
  });

  test('each of the 22 names is read', () => {
    const { deployTime, runTime } = fromSection(OTHER);
    const { envName, computeEnvironmentType, ...rest } = OTHER;
    expect({ ...deployTime, ...runTime }).toMatchObject({ envName, computeEnvironmentType, ...rest });
    expect(deployTime.ecrRepositoryName).toBeUndefined(); // an image from elsewhere needs none
    expect(fromSection({ ecrRepositoryName: 'other' }).deployTime.ecrRepositoryName).toBe('other');
    expect(Object.keys(OTHER).concat('ecrRepositoryName').sort()).toEqual([...Object.keys(DEPLOY_TIME), ...Object.keys(RUN_TIME)].sort());
  });

  test('an empty image is the latest one of the repository, whether that is named or not', () => {
    for (const [given, name] of [[{}, 'batch-job-with-lustre-auto-export'], [{ ecrRepositoryName: 'other' }, 'other']] as const) {
      const { deployTime, runTime } = fromSection({ ...given, jobDefinitionContainerImage: '' });
      expect(deployTime.ecrRepositoryName).toBe(name);
      expect(runTime.jobDefinitionContainerImage).toMatch(/\/\$\{PipelineRepository\w+\}:latest$/);
    }
  });

  test('another key, and props that come before the section', () => {
    expect(fromSection({ envName: 'Green' }, 'nightly').deployTime.envName).toBe('Green');
    const app = { context: { autoExport: { envName: 'Green', jobDefinitionVcpus: 2 } } };
    const beside = (given: (stack: Stack) => LustreAutoExportPipelineProps) =>
      synthesize((stack) => ({ settings: AutoExportSettings.fromContext(stack), ...given(stack) }), undefined, app);
    const made = beside(() => ({ envName: 'Blue', jobDefinitionVcpus: undefined }));
    expect([settings('envName')(made), defaults('jobDefinitionVcpus')(made)]).toEqual(['Blue', 2]);
    const repository = beside((stack) => ({ repository: ecr.Repository.fromRepositoryName(stack, 'R', 'mine') }));
    expect(defaults('jobDefinitionContainerImage')(repository)).toMatch(/\/mine:latest$/);
    expect(count('AWS::ECR::Repository')(beside(() => ({ jobDefinitionContainerImage: JobImage.fromRegistry('busybox') })))).toBe(0);
  });

  test.each<[string, unknown, RegExp]>([
    ['no section', undefined, /context has no object 'autoExport' \(got nothing\); add "autoExport": \{\} to the "context" of cdk.json/],
    ['a text', '{}', /context has no object 'autoExport' \(got "\{\}"\)/],
    ['a list', [], /got \[\]/],
    ['misspelt', { lustreStorageCapasity: 1200 }, /autoExport\.lustreStorageCapasity is not a parameter; did you mean lustreStorageCapacity\?/],
    ['unknown', { zzz: 1 }, /autoExport\.zzz is not a parameter; known are envName, .*lambdaTimeDiffMinutes/],
    ...['prefix', 'jobCommand', 'jobEnvironment', 'exportVerification', 'failurePolicy'].map((name): [string, unknown, RegExp] =>
      [`a prop, ${name}`, { [name]: 'KEEP' }, new RegExp(`autoExport\\.${name} is not of this section; give the prop ${name} of LustreAutoExportPipeline`)]),
    ['part of a prop', { keepHours: 1 }, /autoExport\.keepHours is not of this section; give the prop failurePolicy of .*Pipeline, beside settings/],
    ['type', { computeEnvironmentMaxvCpus: '256' }, /autoExport\.computeEnvironmentMaxvCpus is "256"; it must be a whole number, 0 or more/],
    ['kind', { computeEnvironmentType: 'spot' }, /autoExport\.computeEnvironmentType is "spot"; it must be "SPOT" or "EC2"/],
    ['types', { computeEnvironmentInstanceTypes: 'optimal' }, /computeEnvironmentInstanceTypes is "optimal"; it must be a list/],
    ['no types', { computeEnvironmentInstanceTypes: [] }, /it must be a list/],
    ['text', { envName: 1 }, /autoExport\.envName is 1; it must be a text/],
    ['run-time type', { lustreStorageCapacity: '2400' }, /lustreStorageCapacity .*is "2400"; .*write 2400 without quotes/],
    ['BEST_FIT', { computeEnvironmentAllocationStrategy: 'BEST_FIT' }, /is "BEST_FIT"; .*BEST_FIT cannot be given another launch template/],
    ['both', { ecrRepositoryName: 'x', jobDefinitionContainerImage: 'y' }, /has both ecrRepositoryName and jobDefinitionContainerImage;.* "" for the image of the repository/],
    ['no image', { jobDefinitionContainerImage: ' ' }, /jobDefinitionContainerImage \(autoExport section\) is " "; it must be an image/],
    ['null', { ecrRepositoryName: 'x', jobDefinitionContainerImage: null }, /jobDefinitionContainerImage \(autoExport section\) is null; .*remove the key/],
  ])('bad: %s', (_, section, message) => expect(problem(section)).toMatch(message));

  test('everything that is wrong at once', () => {
    const message = problem({ envName: 1, jobDefinitionVcpu: 2, deleteLustre: 'true', computeEnvironmentMinvCpus: -1 });
    for (const name of ['envName', 'jobDefinitionVcpu ', 'deleteLustre', 'computeEnvironmentMinvCpus']) expect(message).toContain(name);
    expect(message.split('\n')).toHaveLength(5); // and the construct
  });
});

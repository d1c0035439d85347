import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { LustreDataCompressionType, LustreDeploymentType } from 'aws-cdk-lib/aws-fsx';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { FailurePolicy, JobImage, LustreAutoExportPipeline } from 'cdk-lustre-auto-export';

const app = new App();
const stack = new Stack(app, 'PersistentWithKms');

const key = new kms.Key(stack, 'Key', { enableKeyRotation: true });
const bucket = new s3.Bucket(stack, 'Bucket', {
  encryption: s3.BucketEncryption.KMS,
  encryptionKey: key,
  bucketKeyEnabled: true,
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  enforceSSL: true,
});
bucket.node.addMetadata('aws:cdk:acknowledged-rules', { 'AwsSolutions-S1': 'access logs go where the account keeps those of all its buckets' });

const pipeline = new LustreAutoExportPipeline(stack, 'Pipeline', {
  bucket,
  prefix: '',
  lustreDeploymentType: LustreDeploymentType.PERSISTENT_2,
  lustrePerUnitStorageThroughput: 250,
  lustreStorageCapacity: Size.gibibytes(4800),
  lustreEncryptionKey: key,
  lustreDataCompression: LustreDataCompressionType.LZ4,
  failurePolicy: FailurePolicy.keepFor(Duration.hours(48)), // time to look at a run that failed
  jobDefinitionContainerImage: JobImage.fromRegistry('public.ecr.aws/docker/library/busybox:1.36'),
  jobCommand: ['sh', '-c', 'date > $LUSTRE_PATH/done'],
});

pipeline.metricFailed().createAlarm(stack, 'RunFailed', { threshold: 1, evaluationPeriods: 1 });
pipeline.cleaner.metricErrors().createAlarm(stack, 'CleanerFailed', { threshold: 1, evaluationPeriods: 1 });

app.synth();

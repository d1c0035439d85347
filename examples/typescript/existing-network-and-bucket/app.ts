import { App, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { JobImage, LustreAutoExportPipeline } from 'cdk-lustre-auto-export';

const app = new App();
const stack = new Stack(app, 'ExistingNetworkAndBucket');

const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
  vpcId: 'vpc-0a1b2c3d4e5f60718',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  privateSubnetIds: ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'],
  privateSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaaa', 'rtb-0bbbbbbbbbbbbbbbb'],
});
const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'my-results');

new LustreAutoExportPipeline(stack, 'Pipeline', {
  vpc,
  // the file systems are in the first subnet; traffic with instances in other zones is billed
  vpcSubnets: { subnets: [vpc.privateSubnets[0]] },
  securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'SecurityGroup', 'sg-0a1b2c3d4e5f60718'),
  bucket,
  prefix: 'simulations/', // each run exports to a folder of its own below it
  jobDefinitionContainerImage: JobImage.fromRegistry('public.ecr.aws/docker/library/busybox:1.36'),
  jobCommand: ['sh', '-c', 'date > $LUSTRE_PATH/done'],
  jobDefinitionVcpus: 2,
  jobDefinitionMemory: Size.gibibytes(4),
});

app.synth();

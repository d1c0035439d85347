import * as batch from 'aws-cdk-lib/aws-batch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Duration, Size } from 'aws-cdk-lib/core';
import { AllocationStrategy } from './allocation-strategy';
import { ComputeEnvironmentType } from './compute-environment-type';
import { WhenInUse } from './when-in-use';

/**
 * Properties of a SpotBatchEnvironment.
 */
export interface SpotBatchEnvironmentProps {
  /**
   * Network of the instances and of the file systems. It needs DNS resolution, and a way from the instances to ECR, ECS
   * and the Amazon Linux package repositories (in S3).
   *
   * @default - a new one with one public subnet in one zone and an S3 gateway endpoint, which costs nothing while no run
   * is there. Its instances have public addresses but accept no connection from outside
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of the instances, in a brought `vpc`. The file systems are in the first of them.
   *
   * More zones mean more SPOT capacity, and traffic between zones that is billed.
   *
   * @default - the first of the subnets that the VPC selects by itself: private ones if there are any
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Security group of the instances and of the file systems. Rules that let its members talk Lustre with one another are
   * added to it (TCP 988 and 1018-1023, in and out), unless it was imported as immutable.
   *
   * @default - a new one that lets all traffic out
   */
  readonly securityGroup?: ec2.ISecurityGroup;

  /**
   * How the instances are paid for.
   *
   * @default ComputeEnvironmentType.SPOT
   */
  readonly computeEnvironmentType?: ComputeEnvironmentType;

  /**
   * How AWS Batch chooses among the instance types.
   *
   * @default AllocationStrategy.BEST_FIT_PROGRESSIVE
   */
  readonly allocationStrategy?: AllocationStrategy;

  /**
   * Instance types, families, or one of `optimal`, `default_x86_64` and `default_arm64`. All of one architecture.
   *
   * @default ['optimal']
   */
  readonly instanceTypes?: string[];

  /**
   * vCPUs that AWS Batch keeps, and that are billed, while no run is there. Such instances take no job and stay idle,
   * and a run replaces them by its own. A whole number from 0 to `maxvCpus`; above 0 gives a warning.
   *
   * @default 0
   */
  readonly minvCpus?: number;

  /**
   * Most vCPUs at one time. AWS Batch may exceed it by one instance. A whole number from 1.
   *
   * @default 256
   */
  readonly maxvCpus?: number;

  /**
   * vCPUs to begin with, when the compute environment is created. AWS Batch changes the number by itself afterwards. A
   * number above 0 would be set again by each deploy that updates the environment, so better leave it. A whole
   * number from `minvCpus` to `maxvCpus`, or 0.
   *
   * @default 0
   */
  readonly desiredvCpus?: number;

  /**
   * Size of the encrypted root volume of an instance, 30 to 16,384 GiB. It holds the container images.
   *
   * @default Size.gibibytes(100)
   */
  readonly rootVolumeSize?: Size;

  /**
   * Longest time that a job may wait at the head of the queue for an instance, if AWS Batch says that there is no capacity
   * or that the job does not fit. Between 10 minutes and 1 day. Afterwards AWS Batch cancels the job.
   *
   * Only for a queue that is created here.
   *
   * @default Duration.hours(2)
   */
  readonly jobStartTimeout?: Duration;

  /**
   * Role of the instances. It needs what `AmazonEC2ContainerServiceforEC2Role` allows.
   *
   * @default - a new one with that managed policy
   */
  readonly instanceRole?: iam.IRole;

  /**
   * Queue for the jobs. The compute environment is added to it, so it has to be one that was created in this app. It must
   * have no other compute environment: a job on instances of another one would write to their own disk. Synthesis fails if
   * it has one.
   *
   * @default - a new one that has the limits of `jobStartTimeout`
   */
  readonly jobQueue?: batch.IJobQueue;

  /**
   * What a run does when another run uses the environment.
   *
   * @default WhenInUse.WAIT
   */
  readonly whenInUse?: WhenInUse;

  /**
   * Log group of the function that looks at AWS Batch and EC2.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

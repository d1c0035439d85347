import * as batch from 'aws-cdk-lib/aws-batch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Duration, Size } from 'aws-cdk-lib/core';
import { AllocationStrategy } from './allocation-strategy';
import { IBatchEnvironment } from './batch-environment';
import { ComputeEnvironmentType } from './compute-environment-type';
import { IExportDrainMonitor } from './drain-monitor';
import { LustreFileSystemProps } from './lustre-file-system-props';
import { RunParameterProps } from './run-parameter-props';
import { WhenInUse } from './when-in-use';
import { IWorkload } from './workload';

/**
 * What can be said of a LustreAutoExportPipeline, in code or in the `autoExport` section of `cdk.json`.
 */
export interface LustreAutoExportPipelineOptions extends RunParameterProps, LustreFileSystemProps {
  /**
   * Network of the instances and file systems.
   *
   * @default - a new one with one public subnet in one zone and an S3 gateway endpoint
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of the instances. The file systems are in the first of them.
   *
   * @default - one subnet, so that nothing is billed for traffic between zones
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Security group of the instances and file systems. Rules for Lustre among its members are added to it.
   *
   * @default - a new one
   */
  readonly securityGroup?: ec2.ISecurityGroup;

  /**
   * Repository with the job's image, under the tag `latest`.
   *
   * @default - a new one that is kept when the stack is deleted, unless `jobDefinitionContainerImage` is given
   */
  readonly repository?: ecr.IRepository;

  /**
   * Name of the repository that is created.
   *
   * @default - CloudFormation makes one up
   */
  readonly ecrRepositoryName?: string;

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
  readonly computeEnvironmentAllocationStrategy?: AllocationStrategy;

  /**
   * Instance types or families, or one of `optimal`, `default_x86_64` and `default_arm64`. All of one architecture.
   *
   * @default ['optimal']
   */
  readonly computeEnvironmentInstanceTypes?: string[];

  /**
   * vCPUs that are kept, and billed, while no run is there. A whole number from 0 to `computeEnvironmentMaxvCpus`; above 0
   * gives a warning.
   *
   * @default 0
   */
  readonly computeEnvironmentMinvCpus?: number;

  /**
   * Most vCPUs at one time. A whole number from 1.
   *
   * @default 256
   */
  readonly computeEnvironmentMaxvCpus?: number;

  /**
   * vCPUs to begin with, when the compute environment is created. A whole number from `computeEnvironmentMinvCpus` to
   * `computeEnvironmentMaxvCpus`, or 0.
   *
   * @default 0
   */
  readonly computeEnvironmentDesiredvCpus?: number;

  /**
   * Size of the encrypted root volume of an instance, 30 to 16,384 GiB. It holds the container images.
   *
   * @default Size.gibibytes(100)
   */
  readonly rootVolumeSize?: Size;

  /**
   * Role of the instances. It needs what `AmazonEC2ContainerServiceforEC2Role` allows.
   *
   * @default - a new one
   */
  readonly instanceRole?: iam.IRole;

  /**
   * Queue for the jobs. The compute environment is added to it.
   *
   * @default - a new one
   */
  readonly jobQueue?: batch.IJobQueue;

  /**
   * What a run does when another run uses the compute environment: it waits, up to `reserveTimeout`, or ends at once.
   *
   * @default WhenInUse.WAIT
   */
  readonly whenInUse?: WhenInUse;

  /**
   * Longest time that a job may wait for an instance, at its start and after every reclaim. Between 10 minutes and 1 day.
   * Then the run ends with `JobNeverStarted`.
   *
   * @default Duration.hours(2)
   */
  readonly jobStartTimeout?: Duration;

  /**
   * Role that the container's own code assumes.
   *
   * @default - none
   */
  readonly jobRole?: iam.IRole;

  /**
   * Role that ECS uses to pull the image.
   *
   * @default - none, the instances pull it
   */
  readonly executionRole?: iam.IRole;

  /**
   * Where the container sees the file system. An absolute path.
   *
   * @default '/lustre'
   */
  readonly containerPath?: string;

  /**
   * Log group of the state machine and of all functions.
   *
   * @default - a new one that is kept when the stack is deleted
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How often the cleaner looks for what ended runs have left behind. Whole minutes from 10 minutes to 1 day.
   *
   * @default Duration.hours(1)
   */
  readonly sweepInterval?: Duration;

  /**
   * Whether the cleaner only logs what it would do.
   *
   * @default false
   */
  readonly cleanerDryRun?: boolean;

  /**
   * Where jobs run, if not in a compute environment that this construct creates. Needs `vpc` and `securityGroup`, which
   * the file systems are created in.
   *
   * @default - a new SpotBatchEnvironment
   */
  readonly batchEnvironment?: IBatchEnvironment;

  /**
   * What runs compute.
   *
   * @default - a new BatchJobWorkload: one job with `jobDefinitionContainerImage`
   */
  readonly workload?: IWorkload;

  /**
   * What tells that every byte is in S3.
   *
   * @default - a new ExportDrainMonitor
   */
  readonly drainMonitor?: IExportDrainMonitor;
}

import * as batch from 'aws-cdk-lib/aws-batch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Aws, Duration, Fn, Lazy, Names, Size } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { AllocationStrategy } from './allocation-strategy';
import { BatchEnvironmentContext, IBatchEnvironment } from './batch-environment';
import { ComputeEnvironmentType } from './compute-environment-type';
import { PreflightCheck } from './preflight-check';
import { BATCH_ENVIRONMENT_BUNDLE, NO_RUN } from './private/batch-environment-payloads';
import { baseUserData, runUserData } from './private/host-user-data';
import { launchTemplateData, pascalCase } from './private/launch-template-data';
import { allowLustreWithin, LUSTRE_PORT_RANGE } from './private/lustre-ports';
import { createNetwork, Network, selectNetwork } from './private/network';
import { PartFunction } from './private/part-function';
import { RunTags } from './private/run-tags';
import { SpotBatchGrants } from './private/spot-batch-grants';
import { settle, SettledProps } from './private/spot-batch-props';
import { SpotBatchStates } from './private/spot-batch-states';
import { RunTag } from './private/tags';

/** The reasons for which AWS Batch ends a job that cannot start. It knows no others (D5.6a). */
const CANNOT_START = [
  'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
  'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
  'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
];

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
   * and a run replaces them by its own.
   *
   * @default 0
   */
  readonly minvCpus?: number;

  /**
   * Most vCPUs at one time. AWS Batch may exceed it by one instance.
   *
   * @default 256
   */
  readonly maxvCpus?: number;

  /**
   * vCPUs to begin with, when the compute environment is created. AWS Batch changes the number by itself afterwards. A
   * number above 0 would be set again by each deploy that updates the environment, so better leave it.
   *
   * @default 0
   */
  readonly desiredvCpus?: number;

  /**
   * Size of the encrypted root volume of an instance. It holds the container images.
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
   * Queue for the jobs. The compute environment is added to it, so it has to be one that was created in this app. It
   * should have no other compute environment: instances of another one show no file system, and a job does not start there.
   *
   * @default - a new one that has the limits of `jobStartTimeout`
   */
  readonly jobQueue?: batch.IJobQueue;

  /**
   * Log group of the function that looks at AWS Batch and EC2.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * One compute environment and one queue, shared by all runs, one run at a time.
 *
 * Each run makes a launch template whose instances mount the run's file system, points the compute environment to it, and
 * points it back afterwards. While no run is there the instances come from a base launch template and take no jobs.
 *
 * A deploy that changes the instances while a run is under way makes AWS Batch replace them. A job has 30 minutes to end
 * before it is stopped. The base launch template can change at any time without that.
 */
export class SpotBatchEnvironment extends Construct implements IBatchEnvironment, ec2.IConnectable {
  /** Network of the instances and of the file systems. */
  public readonly vpc: ec2.IVpc;

  /** The subnet that a file system for this environment belongs in: the instances are in its zone. */
  public readonly fileSystemSubnet: ec2.ISubnet;

  /** Security group of the instances, and the one that a file system for them needs: its members may talk Lustre with one another. */
  public readonly securityGroup: ec2.ISecurityGroup;

  /** Connections of the instances and file systems. The default port is the range that Lustre uses. */
  public readonly connections: ec2.Connections;

  /** Role of the instances. */
  public readonly instanceRole: iam.IRole;

  /** ARN of the compute environment. */
  public readonly computeEnvironmentArn: string;

  /** Queue of the jobs. */
  public readonly jobQueue: batch.IJobQueue;

  private readonly baseLaunchTemplateId: string;
  private readonly states: SpotBatchStates;
  private readonly grants: SpotBatchGrants;

  constructor(scope: Construct, id: string, props: SpotBatchEnvironmentProps = {}) {
    super(scope, id);
    const settled = settle(this, props);

    const network = props.vpc ? selectNetwork(this, props.vpc, props.vpcSubnets) : createNetwork(this);
    this.vpc = network.vpc;
    this.fileSystemSubnet = network.subnets[0];
    this.securityGroup = props.securityGroup ?? new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Batch instances and the Lustre file systems they mount',
    });
    this.connections = new ec2.Connections({ securityGroups: [this.securityGroup], defaultPort: LUSTRE_PORT_RANGE });
    allowLustreWithin(this.connections);

    this.instanceRole = props.instanceRole ?? new iam.Role(this, 'InstanceRole', {
      description: 'Batch instances that mount Lustre file systems',
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role')],
    });

    // two stacks of one class differ in their names only
    const environmentTag = Names.uniqueResourceName(this, { maxLength: 200 }); // a tag's value ends at 256 characters
    const runTags = new RunTags(this);
    const tags = () => ({ ...runTags.values(), [RunTag.ENVIRONMENT]: environmentTag });
    const templateData = launchTemplateData(settled.rootVolumeSize);
    const baseTemplate = this.createBaseTemplate(templateData, tags);
    this.computeEnvironmentArn = this.createComputeEnvironment(settled, network, baseTemplate, tags);
    this.jobQueue = props.jobQueue ? this.joinQueue(props.jobQueue) : this.createQueue(settled.jobStartTimeout);

    const settings = { computeEnvironmentArn: this.computeEnvironmentArn, baseLaunchTemplateId: baseTemplate.ref, environmentTag };
    this.baseLaunchTemplateId = baseTemplate.ref;
    const handler = new PartFunction(this, 'Handler', {
      bundle: BATCH_ENVIRONMENT_BUNDLE,
      description: 'Looks at the compute environment and at its instances',
      logGroup: props.logGroup,
    });
    this.states = new SpotBatchStates({
      handler,
      settings,
      jobQueueArn: this.jobQueue.jobQueueArn,
      userData: runUserData({ region: Aws.REGION, urlSuffix: Aws.URL_SUFFIX }),
      launchTemplateData: pascalCase(templateData),
      tags,
    });
    this.grants = new SpotBatchGrants(this, { handler, settings, instanceRole: this.instanceRole });
  }

  /** The compute environment is VALID and in no other run's use. */
  public preflightChecks(): PreflightCheck[] {
    return [PreflightCheck.computeEnvironment(this.computeEnvironmentArn, this.baseLaunchTemplateId)];
  }

  public attach(context: BatchEnvironmentContext): sfn.IChainable {
    return this.states.attach(context);
  }

  public detach(context: BatchEnvironmentContext): sfn.IChainable {
    return this.states.detach(context);
  }

  public grantTo(grantee: iam.IGrantable): void {
    this.grants.grantTo(grantee);
  }

  private createBaseTemplate(data: ec2.CfnLaunchTemplate.LaunchTemplateDataProperty, tags: () => { [key: string]: string }): ec2.CfnLaunchTemplate {
    const tagList = () => Object.entries(tags()).map(([key, value]) => ({ key, value }));
    return new ec2.CfnLaunchTemplate(this, 'BaseLaunchTemplate', {
      launchTemplateData: {
        ...data,
        userData: Fn.base64(baseUserData()),
        tagSpecifications: [
          { resourceType: 'instance', tags: [{ key: RunTag.RUN_ID, value: NO_RUN }] },
          { resourceType: 'volume', tags: Lazy.any({ produce: tagList }) as any },
        ],
      },
      tagSpecifications: [{ resourceType: 'launch-template', tags: Lazy.any({ produce: tagList }) as any }],
    });
  }

  private createComputeEnvironment(
    props: SettledProps, network: Network, baseTemplate: ec2.CfnLaunchTemplate, tags: () => { [key: string]: string },
  ): string {
    const profile = new iam.InstanceProfile(this, 'InstanceProfile', { role: this.instanceRole });
    const environment = new batch.CfnComputeEnvironment(this, 'ComputeEnvironment', {
      type: 'MANAGED',
      state: 'ENABLED',
      replaceComputeEnvironment: false, // a new one would leave the queue (D1.7)
      updatePolicy: { terminateJobsOnUpdate: false, jobExecutionTimeoutMinutes: 30 }, // D1.4
      computeResources: {
        type: props.computeEnvironmentType,
        allocationStrategy: props.allocationStrategy.name,
        instanceTypes: props.instanceTypes,
        minvCpus: props.minvCpus,
        maxvCpus: props.maxvCpus,
        // left out where it can be: CloudFormation would set it back at each in-place update (D1.7)
        desiredvCpus: props.desiredvCpus === 0 ? undefined : props.desiredvCpus,
        subnets: network.subnets.map((subnet) => subnet.subnetId),
        securityGroupIds: [this.securityGroup.securityGroupId],
        instanceRole: profile.instanceProfileArn,
        ec2Configuration: [{ imageType: 'ECS_AL2023' }], // D4.1 - D4.3
        launchTemplate: { launchTemplateId: baseTemplate.ref, version: '$Latest' }, // evaluated at each update (D1.5)
        tags: Lazy.any({ produce: tags }) as any,
      },
    });
    environment.node.addDependency(...network.connectivity);
    return environment.attrComputeEnvironmentArn;
  }

  private createQueue(jobStartTimeout: Duration): batch.IJobQueue {
    const queue = new batch.CfnJobQueue(this, 'JobQueue', {
      priority: 1,
      state: 'ENABLED',
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: this.computeEnvironmentArn }],
      jobStateTimeLimitActions: CANNOT_START.map((reason) => ({
        reason, state: 'RUNNABLE', action: 'CANCEL', maxTimeSeconds: jobStartTimeout.toSeconds(),
      })),
    });
    return batch.JobQueue.fromJobQueueArn(this, 'Queue', queue.attrJobQueueArn);
  }

  private joinQueue(queue: batch.IJobQueue): batch.IJobQueue {
    queue.addComputeEnvironment(
      batch.ManagedEc2EcsComputeEnvironment.fromManagedEc2EcsComputeEnvironmentArn(this, 'OfQueue', this.computeEnvironmentArn),
      queue.computeEnvironments.length + 1,
    );
    return queue;
  }
}

import * as batch from 'aws-cdk-lib/aws-batch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Aws, Duration, Fn, Lazy, Names, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { BatchEnvironmentContext, IBatchEnvironment } from './batch-environment';
import { PreflightCheck } from './preflight-check';
import { acknowledge, acknowledgeManagedPolicy } from './private/acknowledge';
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
import { SpotBatchEnvironmentProps } from './spot-batch-environment-props';
import { WhenInUse } from './when-in-use';

/** The reasons for which AWS Batch ends a job that cannot start. It knows no others (D5.6a). */
const CANNOT_START = [
  'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
  'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
  'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
];

/**
 * One compute environment and one queue, shared by all runs, one run at a time.
 *
 * Each run makes a launch template whose instances mount the run's file system, points the compute environment to it, and
 * points it back afterwards. While no run is there the instances come from a base launch template and take no jobs.
 *
 * An item in a table says whose it is. It is given back when the last instance of the run is gone, and taken from a run
 * that has ended without giving it back when no execution cleans up after it.
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

    this.instanceRole = props.instanceRole ?? this.createInstanceRole();

    // two stacks of one class differ in their names only
    const environmentTag = Names.uniqueResourceName(this, { maxLength: 200 }); // a tag's value ends at 256 characters
    const runTags = new RunTags(this);
    const tags = () => ({ ...runTags.values(), [RunTag.ENVIRONMENT]: environmentTag });
    const templateData = launchTemplateData(settled.rootVolumeSize);
    const baseTemplate = this.createBaseTemplate(templateData, tags);
    this.computeEnvironmentArn = this.createComputeEnvironment(settled, network, baseTemplate, tags);
    this.jobQueue = props.jobQueue ? this.joinQueue(props.jobQueue) : this.createQueue(settled.jobStartTimeout);

    const lockTable = this.createLockTable();
    const settings = {
      computeEnvironmentArn: this.computeEnvironmentArn,
      baseLaunchTemplateId: baseTemplate.ref,
      environmentTag,
      lockTable: lockTable.tableName,
      whenInUse: props.whenInUse ?? WhenInUse.WAIT,
    };
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
    this.grants = new SpotBatchGrants(this, { handler, settings, lockTable, instanceRole: this.instanceRole });
  }

  /** The compute environment is ENABLED, not broken, and large enough for the job. Whether it is in use is seen by `reserve`. */
  public preflightChecks(): PreflightCheck[] {
    return [PreflightCheck.computeEnvironment(this.computeEnvironmentArn, this.baseLaunchTemplateId, WhenInUse.WAIT)];
  }

  public reserve(context: BatchEnvironmentContext): sfn.IChainable {
    return this.states.reserve(context);
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

  /** It holds one item while a run is there, and nothing that anybody would miss. */
  private createLockTable(): dynamodb.Table {
    const table = new dynamodb.Table(this, 'RunLock', {
      partitionKey: { name: 'environment', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, 'AwsSolutions-DDB3', 'It holds one item while a run is there. One restored from an earlier time would name a run that has ended.');
    return table;
  }

  private createInstanceRole(): iam.Role {
    const policy = 'service-role/AmazonEC2ContainerServiceforEC2Role';
    const role = new iam.Role(this, 'InstanceRole', {
      description: 'Batch instances that mount Lustre file systems',
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName(policy)],
    });
    acknowledgeManagedPolicy(role, policy, 'The policy that AWS Batch asks for; AWS keeps it in step with the ECS agent of its images, which a copy would not. '
      + 'Bring an instanceRole for a narrower one.');
    return role;
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
    this.node.addValidation({ validate: () => queueProblems(queue) });
    return queue;
  }
}

/** On instances of another environment Docker makes the missing directory (D2.4): the job would run, and write to their own disk. */
function queueProblems({ computeEnvironments: { length } }: batch.IJobQueue): string[] {
  return length === 1 ? [] : [`jobQueue has ${length} compute environments; it must have that of this SpotBatchEnvironment alone, because a job on instances of another one `
    + 'writes to their own disk, and its files are lost; give a queue of its own, or leave jobQueue out'];
}

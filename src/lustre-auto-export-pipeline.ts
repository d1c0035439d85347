import * as batch from 'aws-cdk-lib/aws-batch';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { IBatchEnvironment } from './batch-environment';
import { BatchJobWorkload } from './batch-job-workload';
import { IExportDrainMonitor } from './drain-monitor';
import { ExportDrainMonitor } from './export-drain-monitor';
import { JobImage } from './job-image';
import { ILustreLifecycle } from './lifecycle';
import { LustreLifecycleStateMachine } from './lustre-lifecycle-state-machine';
import { LustreAutoExportPipelineOptions } from './pipeline-options';
import { PipelineParameters } from './pipeline-parameters';
import { LustreAutoExportPipelineProps } from './pipeline-props';
import { logGroupName, VENDED_LOGS } from './private/generated-name';
import { allowLustreWithin, LUSTRE_PORT_RANGE } from './private/lustre-ports';
import { selectNetwork } from './private/network';
import { inOurWords, overSettings, pipelineProblems } from './private/pipeline-rules';
import { validate } from './private/validation';
import { RunCleaner } from './run-cleaner';
import { SpotBatchEnvironment } from './spot-batch-environment';
import { IWorkload } from './workload';

/**
 * A workflow each execution of which creates an FSx for Lustre file system, links it to S3 with automatic export, runs a
 * container image on SPOT AWS Batch with the file system mounted, waits until every byte is proven to be in S3, and only
 * then deletes the file system.
 */
export class LustreAutoExportPipeline extends Construct implements ec2.IConnectable {
  /** The state machine. Each of its executions is a run. */
  public readonly stateMachine: sfn.IStateMachine;
  /** The bucket that runs export to. */
  public readonly bucket: s3.IBucket;
  /** The secret with run-time parameters. */
  public readonly secret: secretsmanager.ISecret;
  /** The repository for the job's image. Absent where the image comes from elsewhere. */
  public readonly repository?: ecr.IRepository;
  /** The network of instances and file systems. */
  public readonly vpc: ec2.IVpc;
  /** Security group of instances and file systems. */
  public readonly securityGroup: ec2.ISecurityGroup;
  /** Connections of instances and file systems. */
  public readonly connections: ec2.Connections;
  /** The queue of the jobs. Absent where a brought batch environment keeps it to itself. */
  public readonly jobQueue?: batch.IJobQueue;
  /** Log group of the state machine and of all functions. */
  public readonly logGroup: logs.ILogGroup;
  /** Log group of the import and export events of FSx. Absent where they are not logged. */
  public readonly lustreLogGroup?: logs.ILogGroup;
  /** What runs are told. */
  public readonly parameters: PipelineParameters;
  /** Where jobs run. */
  public readonly batchEnvironment: IBatchEnvironment;
  /** What runs compute. */
  public readonly workload: IWorkload;
  /** What tells that every byte is in S3. */
  public readonly drainMonitor: IExportDrainMonitor;
  /** The life of a file system. */
  public readonly lifecycle: ILustreLifecycle;
  /** What cleans up, from outside, after runs that could not do so themselves. */
  public readonly cleaner: RunCleaner;

  constructor(scope: Construct, id: string, props: LustreAutoExportPipelineProps = {}) {
    super(scope, id);
    const options = overSettings(props);
    validate(this, ...pipelineProblems(options));
    const logGroup = this.logGroup = options.logGroup ?? new logs.LogGroup(this, 'Logs', {
      logGroupName: logGroupName(this, VENDED_LOGS),
      retention: logs.RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    });

    const image = options.jobDefinitionContainerImage ?? JobImage.fromEcrRepository(this.repository = options.repository ?? new ecr.Repository(this, 'Repository', {
      repositoryName: options.ecrRepositoryName,
      imageScanOnPush: true,
      removalPolicy: RemovalPolicy.RETAIN,
    }));
    this.parameters = new PipelineParameters(this, 'Parameters', { ...options, jobDefinitionContainerImage: image, logGroup });
    this.secret = this.parameters.secret;

    const network = this.createEnvironment(options, image);
    this.batchEnvironment = network.batchEnvironment;
    this.jobQueue = network.jobQueue;
    this.vpc = network.vpc;
    this.securityGroup = network.securityGroup;
    this.connections = network.connections;
    this.workload = options.workload ?? new BatchJobWorkload(this, 'Workload', {
      containerPath: options.containerPath,
      jobRole: options.jobRole,
      executionRole: options.executionRole,
      jobStartTimeout: options.jobStartTimeout,
      logGroup,
    });
    this.drainMonitor = options.drainMonitor ?? new ExportDrainMonitor(this, 'DrainMonitor', { logGroup });
    const lifecycle = new LustreLifecycleStateMachine(this, 'Lifecycle', {
      ...options,
      parameters: this.parameters,
      batchEnvironment: this.batchEnvironment,
      workload: this.workload,
      drainMonitor: this.drainMonitor,
      fileSystemSubnet: network.fileSystemSubnet,
      fileSystemSecurityGroups: [this.securityGroup],
      logGroup,
    });
    this.lifecycle = lifecycle;
    this.stateMachine = lifecycle.stateMachine;
    this.bucket = lifecycle.bucket;
    this.lustreLogGroup = lifecycle.lustreLogGroup;

    this.cleaner = new RunCleaner(this, 'Cleaner', {
      stateMachine: this.stateMachine,
      pipelineName: lifecycle.pipelineName,
      sweepInterval: options.sweepInterval,
      dryRun: options.cleanerDryRun,
      logGroup,
    });
    // whatever a clean-up needs, and whatever its file systems export to, outlives them
    const { encryptionKey } = this.bucket;
    const ours = this.node.children.filter((child) => child !== this.cleaner);
    this.cleaner.protect(...ours, this.vpc, this.securityGroup, this.bucket, ...(encryptionKey ? [encryptionKey] : []));
  }

  /**
   * Lets somebody start runs.
   *
   * @param grantee who may start them
   */
  public grantStartExecution(grantee: iam.IGrantable): iam.Grant {
    return this.stateMachine.grantStartExecution(grantee);
  }

  /**
   * Runs that were started (AWS/States ExecutionsStarted).
   *
   * @param props what differs from a sum over five minutes
   */
  public metricStarted(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stateMachine.metricStarted(props);
  }

  /**
   * Runs that succeeded: everything in S3, file system gone or kept as asked for (AWS/States ExecutionsSucceeded).
   *
   * @param props what differs from a sum over five minutes
   */
  public metricSucceeded(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stateMachine.metricSucceeded(props);
  }

  /**
   * Runs that failed. Their cause says whether a file system was kept (AWS/States ExecutionsFailed).
   *
   * @param props what differs from a sum over five minutes
   */
  public metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stateMachine.metricFailed(props);
  }

  /**
   * Runs that somebody stopped: they have to be cleaned up (AWS/States ExecutionsAborted).
   *
   * @param props what differs from a sum over five minutes
   */
  public metricAborted(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stateMachine.metricAborted(props);
  }

  /**
   * How long runs took, in milliseconds (AWS/States ExecutionTime).
   *
   * @param props what differs from an average over five minutes
   */
  public metricTime(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stateMachine.metricTime(props);
  }

  private createEnvironment(props: LustreAutoExportPipelineOptions, image: JobImage) {
    if (props.batchEnvironment) {
      const securityGroup = props.securityGroup!;
      const vpc = props.vpc!;
      const connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: LUSTRE_PORT_RANGE });
      allowLustreWithin(connections);
      return {
        batchEnvironment: props.batchEnvironment,
        jobQueue: undefined,
        vpc,
        securityGroup,
        connections,
        fileSystemSubnet: selectNetwork(this, vpc, props.vpcSubnets).subnets[0],
      };
    }
    const environment = inOurWords(() => new SpotBatchEnvironment(this, 'BatchEnvironment', {
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroup: props.securityGroup,
      computeEnvironmentType: props.computeEnvironmentType,
      allocationStrategy: props.computeEnvironmentAllocationStrategy,
      instanceTypes: props.computeEnvironmentInstanceTypes,
      minvCpus: props.computeEnvironmentMinvCpus,
      maxvCpus: props.computeEnvironmentMaxvCpus,
      desiredvCpus: props.computeEnvironmentDesiredvCpus,
      jobStartTimeout: props.jobStartTimeout,
      rootVolumeSize: props.rootVolumeSize,
      jobQueue: props.jobQueue,
      whenInUse: props.whenInUse,
      instanceRole: props.instanceRole,
      logGroup: this.logGroup,
    }));
    image.grantPull(environment.instanceRole);
    return {
      batchEnvironment: environment,
      jobQueue: environment.jobQueue,
      vpc: environment.vpc,
      securityGroup: environment.securityGroup,
      connections: environment.connections,
      fileSystemSubnet: environment.fileSystemSubnet,
    };
  }
}

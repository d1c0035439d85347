import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Annotations, ArnFormat, Duration, Names, RemovalPolicy, Stack, Token } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledge, acknowledgeWildcards } from './acknowledge';
import { allow, NO_RESOURCE_TYPE, Permission } from './allow';
import { logGroupName } from './generated-name';
import { LUSTRE_BUNDLE, LustreSettings } from './lustre-payloads';
import { lustreProblems, tagProblems, throughputOf } from './lustre-rules';
import { deadlineSeconds } from './parameter-defaults';
import { normalizePrefix } from './parameter-rules';
import { PartFunction } from './part-function';
import { RunTags } from './run-tags';
import { RunTag } from './tags';
import { validate } from './validation';
import { IFailurePath } from '../failure-path';
import type { LustreFileSystemProps, LustreNetworkProps } from '../lustre-file-system-props';
import { LustreLogLevel } from '../lustre-log-level';
import type { RunDeadlines } from '../pipeline-parameters';

export interface LustrePartProps extends LustreFileSystemProps, LustreNetworkProps {
  readonly logGroup: logs.ILogGroup;
}

/** Why FSx's resources are a star where a condition asks for the tag of the pipeline. */
const IDS_OF_FSX = 'FSx chooses the ids; a condition on the tag of the pipeline admits what this pipeline has made and makes alone';

/** The lifecycle's own function, and what is decided at deploy time about the file systems that it creates. */
export class LustrePart extends Construct {
  public readonly bucket: s3.IBucket;
  public readonly logGroup?: logs.ILogGroup;
  public readonly prefix: string;
  public readonly prefixPerRun: boolean;
  public readonly deploymentType: fsx.LustreDeploymentType;
  public readonly deadlines: RunDeadlines;
  public readonly settings: LustreSettings;
  private readonly function: PartFunction;

  constructor(scope: Construct, id: string, props: LustrePartProps) {
    super(scope, id);
    validate(this, ...lustreProblems(this, props));
    this.deploymentType = props.lustreDeploymentType ?? fsx.LustreDeploymentType.PERSISTENT_2;
    const prefix = props.prefix ?? '';
    this.prefix = Token.isUnresolved(prefix) ? prefix : normalizePrefix(prefix); // a token gets its slash when a run begins
    this.prefixPerRun = props.prefixPerRun ?? true;
    this.bucket = props.bucket ?? this.createBucket();
    const logLevel = props.lustreLogLevel ?? LustreLogLevel.WARN_ERROR;
    this.logGroup = logLevel === LustreLogLevel.DISABLED ? undefined : props.lustreLogGroup ?? new logs.LogGroup(this, 'Logs', {
      logGroupName: logGroupName(this, '/aws/fsx/'), // FSx takes no other beginning (A2.1)
      retention: logs.RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.deadlines = {
      reserve: props.reserveTimeout ?? Duration.days(1),
      fileSystem: props.lustreCreationTimeout ?? Duration.hours(1),
      attach: props.attachTimeout ?? Duration.hours(3),
      job: props.jobTimeout ?? Duration.days(7),
      stop: Duration.hours(1),
      detach: Duration.hours(3),
      drain: props.drainTimeout ?? Duration.days(3),
      deletion: Duration.hours(2),
    };
    const tags = new RunTags(this);
    this.settings = {
      pipeline: Names.uniqueResourceName(this, { maxLength: 200 }), // with the stack's name: an app is deployed more than once
      envName: props.envName ?? 'AutoExport',
      subnetId: props.fileSystemSubnet.subnetId,
      securityGroupIds: props.fileSystemSecurityGroups.map((group) => group.securityGroupId),
      deploymentType: this.deploymentType as LustreSettings['deploymentType'],
      perUnitStorageThroughput: props.lustrePerUnitStorageThroughput ?? throughputOf(this.deploymentType),
      dataCompressionType: props.lustreDataCompression ?? fsx.LustreDataCompressionType.NONE,
      kmsKeyId: props.lustreEncryptionKey?.keyArn,
      logLevel,
      logGroupArn: this.logGroup && this.arnOfLogGroup(this.logGroup),
      bucketName: this.bucket.bucketName,
      exportDirectory: props.exportDirectory ?? '/export',
      exportEvents: props.exportEvents ?? ['NEW', 'CHANGED', 'DELETED'],
      importEvents: props.importEvents ?? [],
      importExistingObjects: props.importExistingObjects ?? false,
      tags: tags.render(),
    };
    this.node.addValidation({ validate: () => tagProblems(tags.values()) });
    this.function = new PartFunction(this, 'Handler', {
      bundle: LUSTRE_BUNDLE,
      description: 'Creates, watches and finds the file systems of runs',
      logGroup: props.logGroup,
    });
    this.grantHandler(props);
  }

  public get deadlineSeconds() {
    return deadlineSeconds(this.deadlines);
  }

  public invocation(scope: Construct, action: string, resultPath: string, failures: IFailurePath, payload: { [key: string]: unknown }) {
    return this.function.invocation(scope, { action, statePrefix: '', resultPath, failures, payload });
  }

  public grantTo(grantee: sfn.StateMachine): void {
    this.function.grantInvoke(grantee);
    allow(grantee, {
      actions: ['fsx:DeleteFileSystem'],
      resources: [this.arnOf('fsx', 'file-system')],
      conditions: { StringEquals: { [`aws:ResourceTag/${RunTag.PIPELINE}`]: this.settings.pipeline } },
      wildcards: IDS_OF_FSX,
    });
    allow(grantee, {
      actions: ['iam:DeleteServiceLinkedRole'],
      resources: [this.linkRoleArn('AWSServiceRoleForFSxS3Access_fs-*')],
      wildcards: 'the role of a link is named after its file system; IAM refuses while the service still uses the role',
    });
    // not in the role's default policy: the function must not wait for the machine that waits for it
    const describe = new iam.PolicyStatement({
      actions: ['states:DescribeExecution', 'states:GetExecutionHistory'],
      resources: [Stack.of(this).formatArn({
        service: 'states', resource: 'execution', resourceName: `${grantee.stateMachineName}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })],
    });
    const policy = new iam.Policy(this, 'DescribeExecutions', { statements: [describe], roles: [this.function.role] });
    acknowledgeWildcards(policy, [describe], 'the star stands for the executions of this one state machine');
  }

  private createBucket(): s3.Bucket {
    const bucket = new s3.Bucket(this, 'Bucket', {
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, 'AwsSolutions-S1', 'Access logs need a second bucket, whose place and retention an account decides for all of its buckets: '
      + 'bring a bucket that has them, or watch this one with CloudTrail data events.');
    return bucket;
  }

  private grantHandler(props: LustrePartProps): void {
    const grant = (permission: Permission) => allow(this.function, permission);
    const ours = { [`aws:RequestTag/${RunTag.PIPELINE}`]: this.settings.pipeline };
    const fileSystems = this.arnOf('fsx', 'file-system');
    const associations = this.arnOf('fsx', 'association');
    grant({ actions: ['fsx:CreateFileSystem'], resources: [fileSystems], conditions: { StringEquals: ours }, wildcards: IDS_OF_FSX });
    grant({ actions: ['fsx:CreateDataRepositoryAssociation'], resources: [associations], conditions: { StringEquals: ours }, wildcards: IDS_OF_FSX });
    // the file system of the association has to be ours, too
    grant({
      actions: ['fsx:CreateDataRepositoryAssociation'],
      resources: [fileSystems],
      conditions: { StringEquals: { [`aws:ResourceTag/${RunTag.PIPELINE}`]: this.settings.pipeline } },
      wildcards: IDS_OF_FSX,
    });
    // FSx looks at the bucket in the caller's name (permissions of the CloudFormation handler of AWS::FSx::DataRepositoryAssociation)
    grant({ actions: ['s3:ListBucket', 's3:GetBucketLocation', 's3:GetBucketPolicy'], resources: [this.bucket.bucketArn] });
    // what is kept gets its automatic export back
    grant({
      actions: ['fsx:UpdateDataRepositoryAssociation'],
      resources: [associations],
      conditions: { StringEquals: { [`aws:ResourceTag/${RunTag.PIPELINE}`]: this.settings.pipeline } },
      wildcards: IDS_OF_FSX,
    });
    // at creation the tags are in the request, later on the resource
    grant({ actions: ['fsx:TagResource'], resources: [fileSystems, associations], conditions: { StringEquals: ours }, wildcards: IDS_OF_FSX });
    grant({
      actions: ['fsx:TagResource'],
      resources: [fileSystems],
      conditions: { StringEquals: { [`aws:ResourceTag/${RunTag.PIPELINE}`]: this.settings.pipeline } },
      wildcards: IDS_OF_FSX,
    });
    grant({ actions: ['fsx:DescribeFileSystems', 'fsx:DescribeDataRepositoryAssociations'], resources: ['*'], wildcards: NO_RESOURCE_TYPE });
    // FSx looks at the security groups in the caller's name (Service Authorization Reference, CreateFileSystem, dependent action)
    grant({
      actions: ['ec2:GetSecurityGroupsForVpc'],
      resources: [this.arnOf('ec2', 'vpc')],
      wildcards: 'only the subnet is known here, not its VPC; this only reads',
    });
    // FSx makes its service-linked roles in the caller's name: one for itself, one for each file system's link (A4.11)
    grant({
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [this.arnOf('iam', 'role/aws-service-role/fsx.*', 'AWSServiceRoleForAmazonFSx')],
      wildcards: 'the star stands for the domain of the partition; the role is one, and only FSx can assume it',
    });
    grant({
      actions: ['iam:CreateServiceLinkedRole', 'iam:AttachRolePolicy', 'iam:PutRolePolicy'],
      resources: [this.linkRoleArn('*')],
      wildcards: 'FSx makes a role for each link in its caller\'s name, and names it after the file system; only FSx can assume the roles of this path',
    });
    if (this.bucket.encryptionKey) this.allowLink(this.bucket.encryptionKey);
    props.lustreEncryptionKey?.grant(this.function.grantPrincipal, 'kms:DescribeKey', 'kms:CreateGrant', 'kms:Decrypt', 'kms:GenerateDataKeyWithoutPlaintext');
  }

  /** Lets the link's role use the key of the bucket; the role's name is known only when a run has begun (A9.4). */
  private allowLink(key: kms.IKey): void {
    const { statementAdded } = key.addToResourcePolicy(new iam.PolicyStatement({
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      principals: [new iam.AnyPrincipal()],
      resources: ['*'], // the key that the policy belongs to
      conditions: {
        StringEquals: {
          'kms:ViaService': `s3.${this.bucket.env.region}.${Stack.of(this).urlSuffix}`,
          'kms:CallerAccount': Stack.of(this).account,
        },
        StringLike: { 'kms:EncryptionContext:aws:s3:arn': this.arnsInContext() },
        ArnLike: { 'aws:PrincipalArn': this.linkRoleArn('AWSServiceRoleForFSxS3Access_fs-*') },
      },
    }));
    if (!statementAdded) {
      Annotations.of(this).addWarningV2('cdk-lustre-auto-export:bucketKeyPolicy',
        'the key policy of the brought bucket cannot be changed from here; without a statement for AWSServiceRoleForFSxS3Access_fs-* nothing is exported');
    }
  }

  /** A bucket whose name only the deploy knows refers to its key, so that the key's policy cannot refer back to it. */
  private arnsInContext(): string[] {
    if (!Token.isUnresolved(this.bucket.bucketName)) return [this.bucket.bucketArn, this.bucket.arnForObjects('*')];
    return [Stack.of(this).formatArn({ service: 's3', region: '', account: '', resource: '*' })];
  }

  private linkRoleArn(name: string): string {
    // the star stands for the domain, which is not known to be the same in every partition
    return this.arnOf('iam', 'role/aws-service-role/s3.data-source.lustre.fsx.*', name);
  }

  private arnOf(service: string, resource: string, resourceName = '*'): string {
    return Stack.of(this).formatArn({ service, resource, resourceName, ...(service === 'iam' ? { region: '' } : {}) });
  }

  /** Without the `:*` that CDK puts at the end: the documented form has none (A2.1). */
  private arnOfLogGroup(logGroup: logs.ILogGroup): string {
    return Stack.of(this).formatArn({ service: 'logs', resource: 'log-group', resourceName: logGroup.logGroupName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  }
}

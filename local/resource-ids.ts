import { createHash } from 'crypto';

/** Where a template is deployed. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export interface Identity {
  /** What `Ref` gives. */
  readonly ref: string;
  readonly arn?: string;
  /** What `Fn::GetAtt` gives beside `Arn`. */
  readonly attributes: Record<string, string>;
}

type Rule = (named: Named) => { ref: string; arn?: string; attributes?: Record<string, string> };

interface Named {
  readonly name: string;
  readonly properties: any;
  /** `arn(service, resource)` in the stack's region and account. */
  readonly arn: (service: string, resource: string) => string;
  /** The same without region, or without region and account. */
  readonly globalArn: (service: string, resource: string, withAccount?: boolean) => string;
  /** A stable hexadecimal id. */
  readonly hex: (digits: number) => string;
  readonly place: Place;
}

/** Property that holds a physical name given by the user; other types have generated ids only. */
const NAME_PROPERTY: Record<string, string> = {
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
  'AWS::Batch::JobQueue': 'JobQueueName',
  'AWS::Batch::ComputeEnvironment': 'ComputeEnvironmentName',
  'AWS::Batch::JobDefinition': 'JobDefinitionName',
  'AWS::SecretsManager::Secret': 'Name',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::IAM::InstanceProfile': 'InstanceProfileName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::ECR::Repository': 'RepositoryName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::Events::Rule': 'Name',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::SNS::Topic': 'TopicName',
};

const LOWER_CASE = ['AWS::S3::Bucket', 'AWS::ECR::Repository'];
const LONGEST: Record<string, number> = { 'AWS::S3::Bucket': 63, 'AWS::IAM::Role': 64, 'AWS::Lambda::Function': 64, 'AWS::StepFunctions::StateMachine': 80 };

const byArn = (service: string, type: string, attribute: string): Rule => ({ name, arn }) => {
  const it = arn(service, `${type}/${name}`);
  return { ref: it, arn: it, attributes: { [attribute]: it } };
};
const byId = (prefix: string, type: string, attribute: string): Rule => ({ hex, arn }) => {
  const id = `${prefix}-${hex(17)}`;
  return { ref: id, arn: arn('ec2', `${type}/${id}`), attributes: { [attribute]: id } };
};

/** What Ref and GetAtt give, by the "Return values" of each type's CloudFormation page. */
const RULES: Record<string, Rule> = {
  'AWS::Lambda::Function': ({ name, arn }) => ({ ref: name, arn: arn('lambda', `function:${name}`) }),
  'AWS::Lambda::Version': ({ properties, arn }) => {
    const given: string = properties.FunctionName;
    const it = `${given.startsWith('arn:') ? given : arn('lambda', `function:${given}`)}:${properties.Version}`;
    return { ref: it, arn: it, attributes: { Version: `${properties.Version}`, FunctionArn: it } };
  },
  'AWS::StepFunctions::StateMachine': ({ name, arn }) => {
    const it = arn('states', `stateMachine:${name}`);
    return { ref: it, arn: it, attributes: { Name: name } };
  },
  'AWS::Batch::JobQueue': byArn('batch', 'job-queue', 'JobQueueArn'),
  'AWS::Batch::ComputeEnvironment': byArn('batch', 'compute-environment', 'ComputeEnvironmentArn'),
  'AWS::Batch::JobDefinition': ({ name, arn }) => ({ ref: arn('batch', `job-definition/${name}:1`), arn: arn('batch', `job-definition/${name}:1`) }),
  'AWS::SecretsManager::Secret': ({ name, arn, hex }) => {
    const it = arn('secretsmanager', `secret:${name}-${hex(6)}`);
    return { ref: it, arn: it, attributes: { Id: it } };
  },
  'AWS::S3::Bucket': ({ name, globalArn, place }) => ({
    ref: name,
    arn: globalArn('s3', name, false),
    attributes: { DomainName: `${name}.s3.amazonaws.com`, RegionalDomainName: `${name}.s3.${place.region}.amazonaws.com` },
  }),
  'AWS::IAM::Role': ({ name, globalArn, hex, properties }) => ({
    ref: name,
    arn: globalArn('iam', `role${properties.Path ?? '/'}${name}`),
    attributes: { RoleId: `AROA${hex(17).toUpperCase()}` },
  }),
  'AWS::IAM::InstanceProfile': ({ name, globalArn }) => ({ ref: name, arn: globalArn('iam', `instance-profile/${name}`) }),
  'AWS::IAM::ManagedPolicy': ({ name, globalArn }) => {
    const it = globalArn('iam', `policy/${name}`);
    return { ref: it, arn: it, attributes: { PolicyArn: it } };
  },
  'AWS::ECR::Repository': ({ name, arn, place }) => ({
    ref: name,
    arn: arn('ecr', `repository/${name}`),
    attributes: { RepositoryUri: `${place.account}.dkr.ecr.${place.region}.amazonaws.com/${name}` },
  }),
  'AWS::Logs::LogGroup': ({ name, arn }) => ({ ref: name, arn: arn('logs', `log-group:${name}:*`) }),
  'AWS::Events::Rule': ({ name, arn }) => ({ ref: name, arn: arn('events', `rule/${name}`) }),
  'AWS::DynamoDB::Table': ({ name, arn }) => ({ ref: name, arn: arn('dynamodb', `table/${name}`) }),
  'AWS::SQS::Queue': ({ name, arn, place }) => ({
    ref: `https://sqs.${place.region}.amazonaws.com/${place.account}/${name}`,
    arn: arn('sqs', name),
    attributes: { QueueName: name },
  }),
  'AWS::SNS::Topic': ({ name, arn }) => ({ ref: arn('sns', name), arn: arn('sns', name), attributes: { TopicName: name } }),
  'AWS::KMS::Key': ({ hex, arn }) => {
    const id = hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    return { ref: id, arn: arn('kms', `key/${id}`), attributes: { KeyId: id } };
  },
  'AWS::EC2::LaunchTemplate': ({ hex, arn }) => {
    const id = `lt-${hex(17)}`;
    return { ref: id, arn: arn('ec2', `launch-template/${id}`), attributes: { LaunchTemplateId: id, LatestVersionNumber: '1', DefaultVersionNumber: '1' } };
  },
  'AWS::EC2::SecurityGroup': byId('sg', 'security-group', 'GroupId'),
  'AWS::EC2::VPC': ({ hex, arn, properties }) => {
    const id = `vpc-${hex(17)}`;
    return {
      ref: id,
      arn: arn('ec2', `vpc/${id}`),
      attributes: { VpcId: id, CidrBlock: properties.CidrBlock, DefaultSecurityGroup: `sg-${hex(16)}0` },
    };
  },
  'AWS::EC2::Subnet': ({ hex, arn, properties, place }) => {
    const id = `subnet-${hex(17)}`;
    return {
      ref: id,
      arn: arn('ec2', `subnet/${id}`),
      attributes: { SubnetId: id, VpcId: properties.VpcId, AvailabilityZone: properties.AvailabilityZone ?? `${place.region}a` },
    };
  },
};

/** The physical id of a resource and what else it is known by: the same for each deployment of a template. */
export function identify(type: string, stack: string, logicalId: string, properties: any, place: Place): Identity {
  const digest = createHash('sha256').update(`${place.account}/${place.region}/${stack}/${logicalId}`).digest('hex');
  const rule = RULES[type];
  const generated = `${stack}-${logicalId}`.slice(0, (LONGEST[type] ?? 128) - 13) + `-${digest.slice(0, 12)}`;
  const given = properties[NAME_PROPERTY[type]];
  const name = given ?? (LOWER_CASE.includes(type) ? generated.toLowerCase() : generated);
  const arn = (service: string, resource: string) => `arn:${place.partition}:${service}:${place.region}:${place.account}:${resource}`;
  if (!rule) return { ref: name, attributes: {} };
  const { attributes = {}, ...identity } = rule({
    name,
    properties,
    arn,
    globalArn: (service, resource, withAccount = true) => `arn:${place.partition}:${service}::${withAccount ? place.account : ''}:${resource}`,
    hex: (digits) => digest.slice(0, digits),
    place,
  });
  return { ...identity, attributes };
}

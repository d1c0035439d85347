import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as batch from 'aws-cdk-lib/aws-batch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { App, Aspects, CfnParameter, Duration, Size, Stack, StackProps, Tags } from 'aws-cdk-lib/core';
import { BRISK, Rehearsal } from './helpers/pipeline-run';
import { Run } from '../local/engine';
import { AllocationStrategy } from '../src/allocation-strategy';
import { ComputeEnvironmentType } from '../src/compute-environment-type';
import { IFailurePath } from '../src/failure-path';
import { runUserData } from '../src/private/host-user-data';
import { architectureOf } from '../src/private/instance-types';
import { SpotBatchEnvironment } from '../src/spot-batch-environment';
import { SpotBatchEnvironmentProps } from '../src/spot-batch-environment-props';
import { WhenInUse } from '../src/when-in-use';

const TYPE = 'AWS::Batch::ComputeEnvironment';
const DIRECTIONS = { in: 'AWS::EC2::SecurityGroupIngress', out: 'AWS::EC2::SecurityGroupEgress' };

function makeStack(props?: StackProps): Stack {
  return new Stack(new App({ context: { '@aws-cdk/core:newStyleStackSynthesis': true } }), 'Stack', props);
}

function make(props?: SpotBatchEnvironmentProps, stackProps?: StackProps) {
  const stack = makeStack(stackProps);
  const environment = new SpotBatchEnvironment(stack, 'Environment', props);
  return { stack, environment, template: Template.fromStack(stack) };
}

/** Properties of the one compute environment. */
function compute(props?: SpotBatchEnvironmentProps) {
  const [{ Properties }] = Object.values(make(props).template.findResources(TYPE));
  return Properties.ComputeResources;
}

/** A state machine around an environment, as the lifecycle would make it. */
function machine(stack: Stack, ...environments: SpotBatchEnvironment[]) {
  const failed = new sfn.Fail(stack, 'Failed');
  const failures: IFailurePath = { protect: (state) => (state as sfn.TaskStateBase).addCatch(failed, { resultPath: '$.error' }) };
  let chain: sfn.Chain | undefined;
  environments.forEach((environment, i) => {
    const context = {
      scope: environment.node.scope as Stack,
      statePrefix: i === 0 ? '' : `N${i}`,
      runPath: '$.run',
      fileSystemPath: '$.fileSystem',
      associationPath: '$.associations.output',
      resultPath: '$.compute',
      failures,
    };
    const reserve = environment.reserve({ ...context, schedulePath: '$.schedules.reserve' });
    const attach = environment.attach({ ...context, schedulePath: '$.schedules.attach' });
    const detach = environment.detach({ ...context, schedulePath: '$.schedules.detach' });
    chain = (chain ? chain.next(reserve) : sfn.Chain.start(reserve)).next(attach).next(detach);
  });
  const stateMachine = new sfn.StateMachine(stack, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(chain!) });
  environments.forEach((environment) => environment.grantTo(stateMachine));
  return Template.fromStack(stack);
}

/** The definition with tokens as `${...}` text. */
function definition(template: Template): Record<string, any> {
  const [{ Properties }] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const join = (value: any): string => {
    if (typeof value === 'string') return value;
    if (value['Fn::Join']) return value['Fn::Join'][1].map(join).join('');
    return JSON.stringify(`\${${value.Ref ?? value['Fn::GetAtt']?.join('.') ?? 'token'}}`).slice(1, -1);
  };
  return JSON.parse(join(Properties.DefinitionString)).States;
}

const statements = (template: Template, role: RegExp) => Object.values(template.findResources('AWS::IAM::Policy'))
  .filter(({ Properties }) => Properties.Roles.some((each: { Ref: string }) => role.test(each.Ref)))
  .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);

describe('what is created', () => {
  const { template, stack, environment } = make();

  test('a compute environment that can be updated in place', () => {
    template.hasResourceProperties(TYPE, {
      Type: 'MANAGED',
      State: 'ENABLED',
      ReplaceComputeEnvironment: false,
      UpdatePolicy: { TerminateJobsOnUpdate: false, JobExecutionTimeoutMinutes: 30 },
      ServiceRole: Match.absent(), // the service-linked role
      ComputeEnvironmentName: Match.absent(),
      ComputeResources: {
        Type: 'SPOT',
        AllocationStrategy: 'BEST_FIT_PROGRESSIVE',
        InstanceTypes: ['optimal'],
        MinvCpus: 0,
        MaxvCpus: 256,
        DesiredvCpus: Match.absent(),
        Ec2Configuration: [{ ImageType: 'ECS_AL2023' }],
        LaunchTemplate: { LaunchTemplateId: { Ref: Match.stringLikeRegexp('BaseLaunchTemplate') }, Version: '$Latest' },
        SpotIamFleetRole: Match.absent(),
        Tags: { 'cdk-lustre-auto-export:environment': Match.stringLikeRegexp('^Stack') },
      },
    });
  });

  test('a table for the lock that costs nothing while no run is there, and goes with the stack', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: { BillingMode: 'PAY_PER_REQUEST', KeySchema: [{ AttributeName: 'environment', KeyType: 'HASH' }], TableName: Match.absent() },
    });
  });

  test('a network of one zone that costs nothing while no run is there', () => {
    template.resourceCountIs('AWS::EC2::Subnet', 1);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.hasResourceProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: true });
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
    template.hasResourceProperties('AWS::EC2::Route', { DestinationCidrBlock: '0.0.0.0/0', GatewayId: { Ref: Match.stringLikeRegexp('InternetGateway') } });
    template.hasResource(TYPE, { DependsOn: Match.arrayWith([Match.stringLikeRegexp('PublicSubnetDefaultRoute')]) });
    expect(environment.fileSystemSubnet).toBe(environment.vpc.publicSubnets[0]);
  });

  test.each([[988, 988], [1018, 1023]])('Lustre ports %i to %i within the security group, nothing from outside', (FromPort, ToPort) => {
    const group = stack.resolve(environment.securityGroup.securityGroupId);
    template.hasResourceProperties(DIRECTIONS.in, { IpProtocol: 'tcp', FromPort, ToPort, GroupId: group, SourceSecurityGroupId: group });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent(), SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', IpProtocol: '-1' }] });
  });

  test('a base launch template whose instances take no job', () => {
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        UserData: { 'Fn::Base64': Match.stringLikeRegexp('mask ecs.service') },
        MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeSize: 100, VolumeType: 'gp3', DeleteOnTermination: true } }],
        TagSpecifications: Match.arrayWith([{ ResourceType: 'instance', Tags: [{ Key: 'cdk-lustre-auto-export:run-id', Value: 'none' }] }]),
      },
      TagSpecifications: [{ ResourceType: 'launch-template', Tags: [Match.objectLike({ Key: 'cdk-lustre-auto-export:environment' })] }],
    });
  });

  test('a queue with all three limits of RUNNABLE', () => {
    const [{ Properties }] = Object.values(template.findResources('AWS::Batch::JobQueue'));
    expect(Properties.JobStateTimeLimitActions).toEqual([
      'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY', 'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE', 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
    ].map((Reason) => ({ Reason, State: 'RUNNABLE', Action: 'CANCEL', MaxTimeSeconds: 7200 })));
    expect(stack.resolve(environment.jobQueue.jobQueueArn)).toEqual({ 'Fn::GetAtt': [expect.stringMatching('JobQueue'), 'JobQueueArn'] });
  });

  test('an instance role in a profile', () => {
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: [stack.resolve(environment.instanceRole.roleName)] });
    template.hasResourceProperties('AWS::IAM::Role', {
      ManagedPolicyArns: [{ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role']] }],
    });
  });

  test('a check that is made before a run costs anything', () => {
    expect(environment.preflightChecks().map(({ name }) => name)).toEqual(['computeEnvironment']);
    expect(stack.resolve(environment.preflightChecks()[0].settings)).toEqual({
      computeEnvironmentArn: stack.resolve(environment.computeEnvironmentArn),
      baseLaunchTemplateId: { Ref: expect.stringMatching('BaseLaunchTemplate') },
      whenInUse: 'WAIT', // in use or not is seen by the lock
    });
  });
});

describe('props', () => {
  test('each reaches the compute environment', () => {
    expect(compute({ computeEnvironmentType: ComputeEnvironmentType.ON_DEMAND }).Type).toBe('EC2');
    expect(compute({ allocationStrategy: AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED }).AllocationStrategy).toBe('SPOT_PRICE_CAPACITY_OPTIMIZED');
    expect(compute({ instanceTypes: ['default_arm64', 'c8gn'] }).InstanceTypes).toEqual(['default_arm64', 'c8gn']);
    expect(compute({ minvCpus: 2 }).MinvCpus).toBe(2);
    expect(compute({ maxvCpus: 8 }).MaxvCpus).toBe(8);
    expect(compute({ desiredvCpus: 4 }).DesiredvCpus).toBe(4);
  });

  test.each([
    ['SPOT_CAPACITY_OPTIMIZED', 'SPOT'], ['SPOT_PRICE_CAPACITY_OPTIMIZED', 'SPOT'], ['SPOT_CAPACITY_OPTIMIZED_PRIORITIZED', 'SPOT'],
    ['BEST_FIT_PROGRESSIVE', 'SPOT'], ['BEST_FIT_PROGRESSIVE', 'EC2'], ['BEST_FIT_PROGRESSIVE_ORDERED', 'EC2'],
  ])('strategy %s with %s', (name, type) => {
    const resources = compute({ allocationStrategy: AllocationStrategy.of(name), computeEnvironmentType: type as ComputeEnvironmentType });
    expect(resources).toMatchObject({ AllocationStrategy: name, Type: type });
  });

  test('rootVolumeSize in the base launch template and in that of a run', () => {
    const stack = makeStack();
    const template = machine(stack, new SpotBatchEnvironment(stack, 'Environment', { rootVolumeSize: Size.gibibytes(200) }));
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', { LaunchTemplateData: { BlockDeviceMappings: [{ Ebs: { VolumeSize: 200 } }] } });
    expect(definition(template).CreateLaunchTemplate.Parameters.LaunchTemplateData.BlockDeviceMappings[0].Ebs).toEqual({
      Encrypted: true, VolumeSize: 200, VolumeType: 'gp3', DeleteOnTermination: true,
    });
  });

  test('jobStartTimeout in the limits of the queue', () => {
    make({ jobStartTimeout: Duration.minutes(10) }).template.hasResourceProperties('AWS::Batch::JobQueue', {
      JobStateTimeLimitActions: [{ MaxTimeSeconds: 600 }, { MaxTimeSeconds: 600 }, { MaxTimeSeconds: 600 }],
    });
  });

  test('a brought log group', () => {
    const stack = makeStack();
    new SpotBatchEnvironment(stack, 'Environment', { logGroup: logs.LogGroup.fromLogGroupName(stack, 'Logs', 'mine') });
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: 'mine' } });
  });

  test('a brought network, role and security group: none is created', () => {
    const stack = makeStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1', availabilityZones: ['a', 'b'], publicSubnetIds: ['subnet-p1', 'subnet-p2'], privateSubnetIds: ['subnet-1', 'subnet-2'],
    });
    const environment = new SpotBatchEnvironment(stack, 'Environment', {
      vpc,
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1', { allowAllOutbound: false }),
      instanceRole: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/path/mine'),
    });
    const template = Template.fromStack(stack);
    for (const type of ['VPC', 'Subnet', 'SecurityGroup', 'VPCEndpoint']) template.resourceCountIs(`AWS::EC2::${type}`, 0);
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: ['mine'] });
    template.hasResourceProperties(TYPE, { ComputeResources: { Subnets: ['subnet-1'], SecurityGroupIds: ['sg-1'] } });
    expect(environment.fileSystemSubnet.subnetId).toBe('subnet-1');
    for (const direction of Object.values(DIRECTIONS)) {
      for (const [FromPort, ToPort] of [[988, 988], [1018, 1023]]) template.hasResourceProperties(direction, { GroupId: 'sg-1', FromPort, ToPort });
    }
  });

  test('selected subnets: all of them for the instances, the first for the file system', () => {
    const stack = makeStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a', 'b'], publicSubnetIds: ['subnet-1', 'subnet-2'] });
    const environment = new SpotBatchEnvironment(stack, 'Environment', { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } });
    Template.fromStack(stack).hasResourceProperties(TYPE, { ComputeResources: { Subnets: ['subnet-1', 'subnet-2'] } });
    expect(environment.fileSystemSubnet.subnetId).toBe('subnet-1');
  });

  test('a brought queue gets the compute environment', () => {
    const stack = makeStack();
    const jobQueue = new batch.JobQueue(stack, 'Queue');
    const environment = new SpotBatchEnvironment(stack, 'Environment', { jobQueue });
    const template = Template.fromStack(stack);
    expect(environment.jobQueue).toBe(jobQueue);
    template.resourceCountIs('AWS::Batch::JobQueue', 1);
    template.hasResourceProperties('AWS::Batch::JobQueue', {
      ComputeEnvironmentOrder: [{ Order: 1, ComputeEnvironment: stack.resolve(environment.computeEnvironmentArn) }],
    });
  });

  test('a brought queue must have no other compute environment, now or later', () => {
    const stack = makeStack();
    const jobQueue = new batch.JobQueue(stack, 'Queue');
    new SpotBatchEnvironment(stack, 'Environment', { jobQueue });
    jobQueue.addComputeEnvironment(batch.ManagedEc2EcsComputeEnvironment.fromManagedEc2EcsComputeEnvironmentArn(stack, 'Other', 'arn:aws:batch:r:1:compute-environment/o'), 7);
    expect(() => Template.fromStack(stack)).toThrow(/jobQueue has 2 compute environments; it must have that of this SpotBatchEnvironment alone/);
  });

  test('peers are let through on the default port', () => {
    const stack = makeStack();
    const environment = new SpotBatchEnvironment(stack, 'Environment');
    environment.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.0.0.0/8'));
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ FromPort: 988, ToPort: 1023, CidrIp: '10.0.0.0/8' })],
    });
  });

  test('minvCpus above 0 is accepted with a warning that names the cost', () => {
    const { stack } = make({ minvCpus: 4 });
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('minvCpus is 4.*billed.*USD per vCPU and hour'));
    Annotations.fromStack(make({ minvCpus: 0 }).stack).hasNoWarning('*', Match.stringLikeRegexp('minvCpus'));
  });
});

describe('props that cannot work are refused with the prop, the value and the way out', () => {
  test.each<[string, SpotBatchEnvironmentProps, RegExp]>([
    ['SPOT strategy on demand', { allocationStrategy: AllocationStrategy.SPOT_CAPACITY_OPTIMIZED, computeEnvironmentType: ComputeEnvironmentType.ON_DEMAND },
      /allocationStrategy is SPOT_CAPACITY_OPTIMIZED.*computeEnvironmentType EC2.*BEST_FIT_PROGRESSIVE/],
    ['on-demand strategy with SPOT', { allocationStrategy: AllocationStrategy.BEST_FIT_PROGRESSIVE_ORDERED },
      /allocationStrategy is BEST_FIT_PROGRESSIVE_ORDERED.*computeEnvironmentType SPOT/],
    ['two architectures', { instanceTypes: ['c7g.large', 'm6i'] }, /instanceTypes is \[c7g.large, m6i\].*c7g.large is Arm and m6i is x86/],
    ['optimal with Arm', { instanceTypes: ['optimal', 'm6g'] }, /m6g is Arm and optimal is x86.*default_arm64/],
    ['A1', { instanceTypes: ['a1.large'] }, /a1.large.*m6g/],
    ['no type', { instanceTypes: [] }, /instanceTypes is \[\].*optimal/],
    ['minvCpus below 0', { minvCpus: -1 }, /minvCpus is -1.*from 0/],
    ['minvCpus above maxvCpus', { minvCpus: 10, maxvCpus: 5 }, /minvCpus is 10 and maxvCpus is 5/],
    ['maxvCpus 0', { maxvCpus: 0 }, /maxvCpus is 0.*from 1/],
    ['half a vCPU', { maxvCpus: 1.5 }, /maxvCpus is 1.5.*whole/],
    ['desiredvCpus above maxvCpus', { desiredvCpus: 300 }, /desiredvCpus is 300.*\(256\)/],
    ['small root volume', { rootVolumeSize: Size.gibibytes(8) }, /rootVolumeSize in GiB is 8.*from 30/],
    ['subnets of no VPC', { vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }, /vpcSubnets is given without vpc/],
    ['short jobStartTimeout', { jobStartTimeout: Duration.minutes(9) }, /jobStartTimeout is 9 minutes.*10 minutes to 1 day/],
    ['long jobStartTimeout', { jobStartTimeout: Duration.days(2) }, /jobStartTimeout is 2 days/],
  ])('%s', (_, props, message) => {
    expect(() => make(props)).toThrow(message);
  });

  test('every problem in one error, with the place', () => {
    expect(() => make({ minvCpus: -1, instanceTypes: [] })).toThrow(/instanceTypes.*\n.*minvCpus is -1[^]*Stack\/Environment/);
  });

  test('BEST_FIT', () => {
    expect(() => AllocationStrategy.of('BEST_FIT')).toThrow(/BEST_FIT cannot be used: AWS Batch cannot update.*BEST_FIT_PROGRESSIVE/);
  });

  test('a selection of no subnet', () => {
    const stack = makeStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a'], publicSubnetIds: ['subnet-1'] });
    expect(() => new SpotBatchEnvironment(stack, 'Environment', { vpc, vpcSubnets: { subnets: [] } })).toThrow(/vpcSubnets selects no subnet/);
  });

  test('tokens pass', () => {
    const stack = makeStack();
    const number = new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;
    const text = new CfnParameter(stack, 'Text').valueAsString;
    new SpotBatchEnvironment(stack, 'Environment', {
      minvCpus: number, maxvCpus: number, desiredvCpus: number, instanceTypes: [text], jobStartTimeout: Duration.seconds(number),
    });
    Template.fromStack(stack).hasResourceProperties(TYPE, { ComputeResources: { MinvCpus: { Ref: 'Number' }, InstanceTypes: [{ Ref: 'Text' }] } });
  });

  test.each([
    ['m6i.large', 'x86_64'], ['c7g', 'arm64'], ['im4gn.xlarge', 'arm64'], ['is4gen', 'arm64'], ['g5', 'x86_64'], ['g5g.xlarge', 'arm64'], ['g4dn', 'x86_64'],
    ['m7i-flex', 'x86_64'], ['a1', 'arm64'], ['optimal', 'x86_64'], ['default_arm64', 'arm64'], ['u-6tb1', undefined], ['hpc7g', 'arm64'], ['r8gd.metal-24xl', 'arm64'],
  ])('architecture of %s', (name, architecture) => expect(architectureOf(name)).toBe(architecture));
});

describe('a citizen of CDK', () => {
  test('two environments in one stack have nothing in common', () => {
    const stack = makeStack();
    const [one, two] = ['One', 'Two'].map((id) => new SpotBatchEnvironment(stack, id));
    const template = machine(stack, one, two);
    const tags = Object.values(template.findResources(TYPE)).map(({ Properties }) => Properties.ComputeResources.Tags['cdk-lustre-auto-export:environment']);
    expect(new Set(tags).size).toBe(2);
    expect(Object.keys(definition(template))).toEqual(expect.arrayContaining(['CreateLaunchTemplate', 'N1CreateLaunchTemplate']));
  });

  test('a concrete environment needs no lookup', () => {
    const app = new App();
    new SpotBatchEnvironment(new Stack(app, 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } }), 'Environment');
    expect(app.synth().manifest.missing).toBeUndefined();
  });

  test('another partition', () => {
    const stack = makeStack({ env: { account: '111122223333', region: 'cn-north-1' } });
    const template = machine(stack, new SpotBatchEnvironment(stack, 'Environment'));
    const text = JSON.stringify(template.toJSON());
    expect(text).not.toMatch(/arn:aws:/);
    // names of services and paths of service-linked roles are the same everywhere
    expect(text.replace(/(batch|ec2|states|lambda)\.amazonaws\.com/g, '')).not.toMatch(/amazonaws\.com/);
  });

  test('tags reach the instances and what a run creates', () => {
    const stack = makeStack({ tags: { owner: 'stack' } });
    Tags.of(stack).add('team', 'genomics');
    const template = machine(stack, new SpotBatchEnvironment(stack, 'Environment'));
    template.hasResourceProperties(TYPE, { ComputeResources: { Tags: { team: 'genomics', owner: 'stack' } } });
    const { TagSpecifications, LaunchTemplateData } = definition(template).CreateLaunchTemplate.Parameters;
    for (const { Tags: tags } of [...TagSpecifications, ...LaunchTemplateData.TagSpecifications]) {
      expect(tags).toEqual(expect.arrayContaining([
        { Key: 'team', Value: 'genomics' },
        { Key: 'owner', Value: 'stack' },
        { 'Key': 'cdk-lustre-auto-export:run-id', 'Value.$': '$.run.id' },
        { 'Key': 'cdk-lustre-auto-export:execution-arn', 'Value.$': '$.run.executionArn' },
      ]));
    }
    expect([...TagSpecifications, ...LaunchTemplateData.TagSpecifications].map(({ ResourceType }) => ResourceType)).toEqual(['launch-template', 'instance', 'volume']);
  });

  test('a permissions boundary and aspects reach every role', () => {
    const stack = makeStack();
    new SpotBatchEnvironment(stack, 'Environment');
    iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.fromAwsManagedPolicyName('Boundary'));
    let seen = 0;
    Aspects.of(stack).add({ visit: (node) => { if (node instanceof iam.CfnRole) seen++; } });
    const roles = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role'));
    expect(roles.every(({ Properties }) => Properties.PermissionsBoundary)).toBe(true);
    expect(seen).toBe(roles.length);
  });
});

describe('the states', () => {
  const stack = makeStack();
  const environment = new SpotBatchEnvironment(stack, 'Environment');
  const template = machine(stack, environment);
  const states = definition(template);
  const tasks = Object.entries(states).filter(([, { Type }]) => Type === 'Task');

  test('have the names of the seed, and no prefix of their own', () => {
    expect(tasks.map(([name]) => name).sort()).toEqual([
      'CheckComputeEnvironment', 'CheckComputeEnvironmentReturned', 'CheckInstances', 'CreateLaunchTemplate', 'DeleteLaunchTemplate',
      'GiveUpOnComputeEnvironment', 'GiveUpOnComputeEnvironmentReturn', 'GiveUpOnInstances', 'GiveUpOnReservation', 'ReleaseComputeEnvironment',
      'ReserveComputeEnvironment', 'ReturnComputeEnvironment', 'UpdateComputeEnvironment',
    ]);
  });

  test('retry and catch in every Task, the failure path last', () => {
    for (const [, state] of tasks) {
      expect(state.Retry.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], MaxAttempts: String(state.Resource).includes('aws-sdk') || JSON.stringify(state.Resource).includes('aws-sdk') ? 6 : 13 });
      expect(state.Catch.at(-1)).toEqual({ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Failed' });
      expect(state.TimeoutSeconds).toBe(300);
    }
  });

  test('drop the answers of direct calls', () => {
    const direct = tasks.filter(([, { Resource }]) => /:::aws-sdk:/.test(Resource));
    expect(Object.fromEntries(direct.map(([name, { Resource }]) => [name, Resource.split(':::')[1]]))).toEqual({
      CreateLaunchTemplate: 'aws-sdk:ec2:createLaunchTemplate',
      UpdateComputeEnvironment: 'aws-sdk:batch:updateComputeEnvironment',
      ReturnComputeEnvironment: 'aws-sdk:batch:updateComputeEnvironment',
      DeleteLaunchTemplate: 'aws-sdk:ec2:deleteLaunchTemplate',
    });
    for (const [, { ResultPath }] of direct) expect(ResultPath).toBeNull();
  });

  test('a launch template of the run, like the base one but for its user data', () => {
    expect(states.CreateLaunchTemplate.Parameters).toMatchObject({
      'ClientToken.$': "States.Format('template-{}', $.run.token)",
      'LaunchTemplateName.$': "States.Format('lustre-{}', $.run.id)",
      'LaunchTemplateData': {
        'UserData.$': "States.Base64Encode(States.Format('{}{}{}', $.compute.head, $.compute.line, $.compute.tail))",
        'MetadataOptions': { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
        'BlockDeviceMappings': [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true } }],
        'InstanceInitiatedShutdownBehavior': 'terminate',
      },
    });
    expect(states.PrepareLaunchTemplate.Parameters['line.$']).toBe(
      "States.Format('FILE_SYSTEM_ID={} MOUNT_NAME={} EXPORT_DIRECTORY={} HOST_PATH={} RUN_ID={}', $.fileSystem.fileSystemId, $.fileSystem.mountName, "
      + "$.associations.output.fileSystemPath, States.Format('/mnt/lustre-runs/{}', $.fileSystem.fileSystemId), $.run.id)");
    // Base64Encode takes 10,000 characters (E12) and only ASCII; the longest line: ids, a directory of 200, names of regions
    const { head, tail } = runUserData({ region: 'ap-northeast-1', urlSuffix: 'amazonaws.com.cn' });
    expect((head + tail).length + 600).toBeLessThan(10_000);
    expect(head + tail).toMatch(/^[\x00-\x7f]*$/);
  });

  test('an update names the launch template and nothing else', () => {
    expect(states.UpdateComputeEnvironment.Parameters).toEqual({
      ComputeEnvironment: expect.stringContaining('ComputeEnvironmentArn'),
      ComputeResources: { LaunchTemplate: { 'LaunchTemplateId.$': '$.compute.check.launchTemplateId', 'Version': '1' } },
    });
    expect(states.ReturnComputeEnvironment.Parameters.ComputeResources).toEqual({
      LaunchTemplate: { LaunchTemplateId: expect.stringContaining('BaseLaunchTemplate'), Version: '$Latest' },
    });
  });

  test.each([['UpdateComputeEnvironment', 'WaitForComputeEnvironment', '$.compute'],
    ['ReturnComputeEnvironment', 'WaitForComputeEnvironmentReturn', '$.compute.detach']])('a refused %s is waited for', (name, wait, path) => {
    expect(states[name].Catch[0]).toEqual({ ErrorEquals: ['Batch.ClientException'], ResultPath: `${path}.refused`, Next: `Next${wait}` });
    expect(states[name].Retry[0]).toEqual({ ErrorEquals: ['Batch.ClientException'], MaxAttempts: 0 });
    expect(states[name].Next).toBe(`Next${wait}`);
  });

  test('attach ends with the queue and the host path', () => {
    expect(states.ShareJobQueue).toMatchObject({
      Parameters: { 'jobQueueArn': expect.stringContaining('JobQueueArn'), 'hostPath.$': "States.Format('/mnt/lustre-runs/{}', $.fileSystem.fileSystemId)" },
      ResultPath: '$.compute',
    });
  });

  test('detach needs nothing of attach, and ends with the quiet time', () => {
    expect(states.PrepareDetach).toMatchObject({ Parameters: { check: {}, refused: {} }, ResultPath: '$.compute.detach' });
    expect(states.NoteQuietTime).toMatchObject({ InputPath: '$.compute.detach.instances.quietAt', ResultPath: '$.compute.quietAt' });
  });

  test('the launch template goes only when it is there, and its staying stops nothing', () => {
    expect(states.IsLaunchTemplateLeft).toMatchObject({
      Choices: [{
        And: [{ IsPresent: true }, { Variable: '$.compute.detach.check.launchTemplateExists', BooleanEquals: false }],
        Next: 'BeginWaitForInstancesToEnd',
      }],
      Default: 'DeleteLaunchTemplate', // where it is not known, too
    });
    expect(states.DeleteLaunchTemplate.Catch[0]).toMatchObject({ ErrorEquals: ['States.TaskFailed', 'States.Timeout'], Next: 'BeginWaitForInstancesToEnd' });
  });

  test('the state machine may do what the states call, no more', () => {
    const granted = statements(template, /^MachineRole/).filter(({ Action }) => Action !== 'lambda:InvokeFunction');
    expect(granted.map(({ Action }) => Action)).toEqual([
      'batch:UpdateComputeEnvironment', 'iam:PassRole', 'iam:PassRole', 'ec2:CreateLaunchTemplate', 'ec2:CreateTags', 'ec2:DeleteLaunchTemplate',
    ]);
    expect(granted.every(({ Resource }) => Resource !== '*')).toBe(true);
    expect(granted.filter(({ Condition }) => !Condition).map(({ Action }) => Action)).toEqual(['batch:UpdateComputeEnvironment']);
    expect(granted[4].Condition.StringEquals).toMatchObject({ 'ec2:CreateAction': 'CreateLaunchTemplate' });
  });

  test('the function may only look, and write the lock', () => {
    expect(statements(template, /Handler/)).toEqual([
      { Effect: 'Allow', Action: ['batch:DescribeComputeEnvironments', 'ec2:DescribeInstances', 'ec2:DescribeLaunchTemplates'], Resource: '*' },
      { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'], Resource: { 'Fn::GetAtt': [expect.stringMatching('RunLock'), 'Arn'] } },
      { Effect: 'Allow', Action: 'states:DescribeExecution', Resource: { 'Fn::Join': ['', expect.arrayContaining([expect.stringMatching(/:execution:\*$/)])] } },
    ]);
  });

  test('a lock that is looked at before it is waited for, and given back behind the last instance, whatever comes of that', () => {
    expect(states.BeginWaitForFreeComputeEnvironment.Next).toBe('ReserveComputeEnvironment');
    expect(states.ReserveComputeEnvironment.Parameters).toMatchObject({ 'run.$': '$.run', 'self.$': '$$.Execution.Id' });
    expect(states.ReserveComputeEnvironment.Retry[0].ErrorEquals).toContain('ComputeEnvironmentBusy');
    expect(states.NextWaitForFreeComputeEnvironment.Parameters['seconds.$']).toContain('$.schedules.reserve.waits');
    expect(states.IsComputeEnvironmentReserved.Choices.at(-1)).toMatchObject({ Next: 'GiveUpOnReservation' });
    expect(states.AreInstancesGone.Choices[0].Next).toBe('ReleaseComputeEnvironment');
    expect(states.ReleaseComputeEnvironment).toMatchObject({ Next: 'NoteQuietTime', ResultPath: null });
    expect(states.ReleaseComputeEnvironment.Catch[0]).toEqual({
      ErrorEquals: ['States.TaskFailed', 'States.Timeout'], ResultPath: null, Next: 'NoteQuietTime',
    });
  });

  test.each([[undefined, 'WAIT'], [WhenInUse.WAIT, 'WAIT'], [WhenInUse.FAIL, 'FAIL']])('a run that finds it in use, told %s: %s', (whenInUse, told) => {
    const own = makeStack();
    const { ReserveComputeEnvironment } = definition(machine(own, new SpotBatchEnvironment(own, 'Environment', { whenInUse })));
    expect(ReserveComputeEnvironment.Parameters.settings).toMatchObject({ whenInUse: told, lockTable: expect.stringMatching('RunLock') });
  });

  test('can be rendered twice into one state machine', () => {
    const twice = makeStack();
    const shared = new SpotBatchEnvironment(twice, 'Environment');
    const names = Object.keys(definition(machine(twice, shared, shared)));
    expect(names.filter((name) => name.startsWith('N1')).length * 2).toBe(names.length - 1);
  });
});

describe('one run at a time', () => {
  const later = (world: Rehearsal, minutes: number) => world.engine.clock.pass(minutes * 60_000);
  /** When a run had the environment, by what its history says. */
  const time = (run: Run, state: string) => Date.parse(run.history.find((event) => event.type === 'StateEntered' && event.state === state)!.time);
  async function isClean(world: Rehearsal) {
    expect(await world.violations()).toEqual([]);
    expect(world.models.dynamodb.items()).toEqual([]);
  }

  test('of two that begin at once the second waits, and has created nothing until then', async () => {
    const world = new Rehearsal();
    const runs = await Promise.all([world.run(BRISK), world.run(BRISK)]);
    expect(runs.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    const [first, second] = runs.sort((a, b) => time(a, 'CreateLustreFileSystem') - time(b, 'CreateLustreFileSystem'));
    expect(time(second, 'CreateLustreFileSystem')).toBeGreaterThan(time(first, 'ReleaseComputeEnvironment'));
    await isClean(world);
  });

  test.each([
    ['before its clean-up', 5, 0], // the clean-up finds the environment in use
    ['behind its clean-up', 0, 5], // the other run finds the clean-up at work
  ])('what a stopped run has left is taken over %s', async (_, cleanUpAfter, runAfter) => {
    const world = new Rehearsal({ faults: [{ enter: 'CheckJobStatus', do: 'abort', execution: 1 }] });
    const stopped = await world.run(BRISK);
    await later(world, 1);
    const [cleanUp, other] = await Promise.all([
      later(world, cleanUpAfter).then(() => world.cleanUp(stopped)), later(world, runAfter).then(() => world.run(BRISK)),
    ]);
    expect([cleanUp.status, other.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(time(other, 'UpdateComputeEnvironment') > time(cleanUp, 'NoteQuietTime')).toBe(runAfter > cleanUpAfter);
    await isClean(world);
  });

  test('a run that is redriven when another one has the environment does not touch it', async () => {
    const world = new Rehearsal({ faults: [{ enter: 'CheckComputeEnvironment', do: 'abort', execution: 1 }] });
    const stopped = await world.run(BRISK);
    await later(world, 1);
    await world.cleanUp(stopped);
    const [other, redriven] = await Promise.all([world.run(BRISK), later(world, 20).then(() => world.engine.redrive(stopped.executionArn))]);
    expect([other.status, redriven.status]).toEqual(['SUCCEEDED', 'FAILED']);
    expect(redriven.cause).toMatch(/ComputeEnvironmentBusy/);
    await isClean(world);
  });
});

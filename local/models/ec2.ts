import { AwsError, ResolvedResource, ServiceModel, World } from '../world';
import { canonical, NotModelled, onlyModelled, page, reading } from './checks';
import { FileSystems, HostBoot, Instance, InstanceSpec } from './instance';
import { INSTANCE_TYPES, InstanceType } from './instance-types';
import { wildcard } from './parameters';

export interface LaunchTemplate {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly tags: Record<string, string>;
  /** What CreateLaunchTemplate was given; a template of ours has one version. */
  readonly data: Record<string, any>;
  readonly clientToken?: string;
  readonly parameters?: string;
}

/** E17 */
const NAME = /^[a-zA-Z0-9().\-/_]{3,128}$/;
/** E17: raw bytes of user data. [U] */
const MAX_USER_DATA_BYTES = 16 * 1024;
/** Switch newLaunchTemplate. */
const VISIBLE_LATE_SECONDS = 10;
/** How long EC2 describes an instance that has ended. [I] */
const ENDED_VISIBLE_MINUTES = 60;
/** Members of LaunchTemplateData that Batch passes on to its instances (D1.6), or that change nothing in the model. */
const DATA_MEMBERS = ['UserData', 'TagSpecifications', 'BlockDeviceMappings', 'MetadataOptions', 'SecurityGroupIds', 'Monitoring',
  'InstanceInitiatedShutdownBehavior', 'EbsOptimized'];

type Input = Record<string, any>;

export class Ec2Model implements ServiceModel {
  readonly service = 'ec2';
  /** Ground truth: every launch template that exists. */
  readonly launchTemplates: LaunchTemplate[] = [];
  /** Ground truth: every instance that there ever was. */
  readonly instances: Instance[] = [];

  constructor(private readonly world: World, private readonly boot: HostBoot, private readonly fileSystems: FileSystems) {}

  load(resources: ResolvedResource[]): void {
    for (const { type, physicalId, properties } of resources) {
      if (type !== 'AWS::EC2::LaunchTemplate') continue;
      const before = this.launchTemplates.findIndex(({ id }) => id === physicalId);
      if (before >= 0) this.launchTemplates.splice(before, 1); // updated: only its latest version is modelled
      const name = properties.LaunchTemplateName ?? `cfn-${physicalId}`;
      this.addTemplate(name, properties.LaunchTemplateData ?? {}, tagsFor(properties.TagSpecifications, 'launch-template'), { id: physicalId });
    }
  }

  call(action: string, input: Input): unknown {
    switch (action) {
      case 'CreateLaunchTemplate': return this.createLaunchTemplate(input);
      case 'DeleteLaunchTemplate': return this.deleteLaunchTemplate(input);
      case 'DescribeLaunchTemplates': return this.describeLaunchTemplates(input);
      case 'DescribeInstances': return this.describeInstances(input);
      case 'GetConsoleOutput': return this.getConsoleOutput(input);
      case 'DescribeInstanceTypes': return this.describeInstanceTypes(input);
      default: throw new NotModelled(`ec2:${action}`);
    }
  }

  /** For Batch: starts an instance. */
  launch(spec: InstanceSpec): Instance {
    const instance = new Instance(this.world, spec, this.boot, this.fileSystems);
    this.instances.push(instance);
    return instance;
  }

  /** For Batch and DeleteLaunchTemplate: a template by id or name, as EC2 answers it now. */
  template({ LaunchTemplateId: id, LaunchTemplateName: name }: Input): LaunchTemplate {
    const visible = this.launchTemplates.filter((each) => this.isVisible(each));
    const found = visible.find((each) => id ? each.id === id : each.name === name);
    if (found) return found;
    throw id
      ? new AwsError('InvalidLaunchTemplateId.NotFound', `The specified launch template, with template ID ${id}, does not exist.`)
      : new AwsError('InvalidLaunchTemplateName.NotFoundException', `The specified launch template, with template name ${name}, does not exist.`);
  }

  private createLaunchTemplate(input: Input): unknown {
    onlyModelled('ec2:CreateLaunchTemplate', input, ['ClientToken', 'LaunchTemplateName', 'LaunchTemplateData', 'TagSpecifications',
      'VersionDescription']);
    onlyModelled('ec2:CreateLaunchTemplate.LaunchTemplateData', input.LaunchTemplateData, DATA_MEMBERS);
    const { ClientToken: clientToken, LaunchTemplateName: name, LaunchTemplateData: data } = input;
    const parameters = canonical({ ...input, ClientToken: undefined });
    const earlier = clientToken && this.launchTemplates.find((each) => each.clientToken === clientToken);
    if (earlier) {
      if (earlier.parameters === parameters) return { LaunchTemplate: describeTemplate(earlier) };
      throw new AwsError('IdempotentParameterMismatch', 'The client token was used with other parameters.');
    }
    if (!NAME.test(name ?? '')) {
      throw new AwsError('InvalidLaunchTemplateName.MalformedException', `The launch template name ${name} is not valid.`);
    }
    if (this.launchTemplates.some((each) => each.name === name)) {
      throw new AwsError('InvalidLaunchTemplateName.AlreadyExistsException', 'Launch template name already in use.');
    }
    const userData = Buffer.from(data.UserData ?? '', 'base64');
    if (userData.toString('base64') !== (data.UserData ?? '')) throw new AwsError('InvalidUserData.Malformed', 'Invalid BASE64 encoding of user data.');
    if (userData.length > MAX_USER_DATA_BYTES) throw new AwsError('InvalidParameterValue', 'User data is limited to 16384 bytes');
    return { LaunchTemplate: describeTemplate(this.addTemplate(name, data, tagsFor(input.TagSpecifications, 'launch-template'), { clientToken, parameters })) };
  }

  private addTemplate(name: string, data: Input, tags: Record<string, string>, more: Partial<LaunchTemplate>): LaunchTemplate {
    const created = { id: `lt-${this.world.id(17)}`, name, data, tags, createdAt: this.world.clock.now(), ...more };
    this.launchTemplates.push(created);
    return created;
  }

  private deleteLaunchTemplate(input: Input): unknown {
    onlyModelled('ec2:DeleteLaunchTemplate', input, ['LaunchTemplateId', 'LaunchTemplateName']);
    const found = this.template(input);
    this.launchTemplates.splice(this.launchTemplates.indexOf(found), 1);
    return { LaunchTemplate: describeTemplate(found) };
  }

  private describeLaunchTemplates(input: Input): unknown {
    onlyModelled('ec2:DescribeLaunchTemplates', input, ['LaunchTemplateIds', 'LaunchTemplateNames', 'Filters', 'MaxResults', 'NextToken']);
    const named = [
      ...(input.LaunchTemplateIds ?? []).map((LaunchTemplateId: string) => this.template({ LaunchTemplateId })),
      ...(input.LaunchTemplateNames ?? []).map((LaunchTemplateName: string) => this.template({ LaunchTemplateName })),
    ];
    const all = input.LaunchTemplateIds || input.LaunchTemplateNames ? named : this.launchTemplates.filter((each) => this.isVisible(each));
    const found = all.filter((each) => matches(input.Filters, 'ec2:DescribeLaunchTemplates', {
      'launch-template-name': each.name, ...tagMembers(each.tags),
    }));
    // EC2's own limit for one page is 200
    const { items, NextToken } = page(found, input.MaxResults ?? 200, input.NextToken);
    return { LaunchTemplates: items.map(describeTemplate), NextToken };
  }

  private isVisible(template: LaunchTemplate): boolean {
    return reading(this.world, 'newLaunchTemplate', 'visibleAtOnce') !== 'visibleLate' || template.clientToken === undefined ||
      this.world.clock.now() - template.createdAt >= VISIBLE_LATE_SECONDS * 1000;
  }

  private describeInstances(input: Input): unknown {
    onlyModelled('ec2:DescribeInstances', input, ['InstanceIds', 'Filters', 'MaxResults', 'NextToken']);
    for (const id of input.InstanceIds ?? []) this.instance(id);
    const found = this.instances
      .filter((each) => this.isDescribed(each) && (!input.InstanceIds || input.InstanceIds.includes(each.id)))
      .filter((each) => matches(input.Filters, 'ec2:DescribeInstances', {
        'instance-id': each.id, 'instance-state-name': each.state, ...tagMembers(each.spec.tags),
      }));
    const { items, NextToken } = page(found, input.MaxResults ?? 1000, input.NextToken);
    return { Reservations: items.map((each) => ({ ReservationId: `r-${each.id.slice(2)}`, Instances: [describeInstance(each)] })), NextToken };
  }

  private getConsoleOutput(input: Input): unknown {
    onlyModelled('ec2:GetConsoleOutput', input, ['InstanceId', 'Latest']);
    const instance = this.instance(input.InstanceId);
    const kept = instance.alive || reading(this.world, 'consoleOutput', 'kept') === 'kept';
    const text = kept && instance.host ? instance.console.map((line) => `${line}\r\n`).join('') : '';
    return {
      InstanceId: instance.id,
      Timestamp: new Date(this.world.clock.now()),
      Output: text === '' ? undefined : Buffer.from(text).toString('base64'),
    };
  }

  /** As EC2 knows it. */
  private instance(id: string): Instance {
    const found = this.instances.find((each) => each.id === id);
    if (found && this.isDescribed(found)) return found;
    throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  }

  private isDescribed({ state, endedAt }: Instance): boolean {
    if (state !== 'terminated') return true;
    const minutes = (this.world.clock.now() - endedAt!) / 60_000;
    return reading(this.world, 'endedInstance', 'described') === 'described' && minutes < ENDED_VISIBLE_MINUTES;
  }

  private describeInstanceTypes(input: Input): unknown {
    onlyModelled('ec2:DescribeInstanceTypes', input, ['InstanceTypes', 'Filters', 'MaxResults', 'NextToken']);
    const unknown = (input.InstanceTypes ?? []).filter((name: string) => !INSTANCE_TYPES.some((each) => each.name === name));
    if (unknown.length > 0) throw new AwsError('InvalidInstanceType', `The following supplied instance types do not exist: [${unknown.join(', ')}]`);
    const found = INSTANCE_TYPES
      .filter(({ name }) => !input.InstanceTypes || input.InstanceTypes.includes(name))
      .filter((each) => matches(input.Filters, 'ec2:DescribeInstanceTypes', {
        'instance-type': each.name, 'processor-info.supported-architecture': each.architecture,
      }));
    // EC2's own limit for one page is 100
    const { items, NextToken } = page(found, input.MaxResults ?? 100, input.NextToken);
    return { InstanceTypes: items.map(describeType), NextToken };
  }
}

/** The tags that a TagSpecification list has for one type of resource. */
export function tagsFor(specifications: Input[] | undefined, resourceType: string): Record<string, string> {
  const tags = (specifications ?? []).filter(({ ResourceType }) => ResourceType === resourceType).flatMap(({ Tags }) => Tags ?? []);
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

function tagMembers(tags: Record<string, string>): Record<string, string | string[]> {
  return { ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`tag:${key}`, value])), 'tag-key': Object.keys(tags) };
}

/** All filters have to match, each by one of its values. */
function matches(filters: { Name: string; Values: string[] }[] | undefined, where: string, members: Record<string, string | string[]>): boolean {
  return (filters ?? []).every(({ Name, Values }) => {
    if (!(Name in members) && !Name.startsWith('tag:')) throw new NotModelled(`${where} with filter ${Name}`);
    return [members[Name] ?? []].flat().some((member) => Values.some((value) => wildcard(value).test(member)));
  });
}

function describeTemplate({ id, name, createdAt, tags }: LaunchTemplate): unknown {
  return {
    LaunchTemplateId: id,
    LaunchTemplateName: name,
    CreateTime: new Date(createdAt),
    DefaultVersionNumber: 1,
    LatestVersionNumber: 1,
    Tags: tagList(tags),
  };
}

const STATE_CODES = { 'pending': 0, 'running': 16, 'shutting-down': 32, 'terminated': 48 };

function describeInstance({ id, state, spec, launchedAt, endedAt, endReason }: Instance): unknown {
  return {
    InstanceId: id,
    InstanceType: spec.instanceType,
    LaunchTime: new Date(launchedAt),
    State: { Code: STATE_CODES[state], Name: state },
    StateReason: endReason && { Code: endReason, Message: `${endReason}: ${endReason.split('.')[1]}` },
    StateTransitionReason: endReason ? `${endReason.startsWith('Server') ? 'Server' : 'User'} initiated (${new Date(endedAt!).toISOString()})` : '',
    InstanceLifecycle: spec.spot ? 'spot' : undefined,
    SubnetId: spec.subnetId,
    Tags: tagList(spec.tags),
  };
}

function describeType({ name, architecture, vcpus, memoryMiB }: InstanceType): unknown {
  return {
    InstanceType: name,
    CurrentGeneration: true,
    VCpuInfo: { DefaultVCpus: vcpus },
    MemoryInfo: { SizeInMiB: memoryMiB },
    ProcessorInfo: { SupportedArchitectures: [architecture] },
    SupportedUsageClasses: ['on-demand', 'spot'],
  };
}

function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

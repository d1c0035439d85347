import { isDeepStrictEqual } from 'util';
import { CustomResources, isCustom } from './custom-resources';
import { Deployment } from './deployment';
import { LambdaRuntime } from './lambda-runtime';
import { Bucket } from './models/bucket';
import { NotModelled, reading } from './models/checks';
import { EventBridgeModel } from './models/event-bridge';
import { camelCased } from './models/parameters';
import { Template } from './template';
import { AwsError, ResolvedResource, World } from './world';

interface Change {
  readonly before: ResolvedResource;
  readonly after: ResolvedResource;
}

/** Types whose models take over what the template says only once: a change of theirs would go unnoticed. */
const UNCHANGEABLE = ['AWS::Batch::JobQueue', 'AWS::Batch::JobDefinition', 'AWS::DynamoDB::Table'];

/** What CloudFormation does to a stack that exists. */
export class StackChanges {
  /** Logical ids of what the deletion of the stack has deleted. */
  readonly deleted: string[] = [];

  constructor(
    private readonly world: World, private readonly template: Template, private readonly models: Deployment, private readonly events: EventBridgeModel,
    private readonly lambda: LambdaRuntime, private readonly custom: CustomResources,
    private assets: string,
  ) {}

  /** @returns what made it fail; everything is then as it was */
  public async update(source: unknown, assets: string): Promise<string[]> {
    const { source: oldSource, resources: before } = this.template;
    this.template.deploy(source);
    const after = this.template.resources;
    const same = (a: ResolvedResource) => (b: ResolvedResource) => a.type === b.type && a.physicalId === b.physicalId;
    const changes = after.flatMap((each): Change[] => {
      const found = before.find(same(each));
      return found && !isDeepStrictEqual(found.properties, each.properties) ? [{ before: found, after: each }] : [];
    });
    const unchangeable = changes.find((each) => UNCHANGEABLE.includes(each.after.type));
    if (unchangeable) throw new NotModelled(`an update of ${unchangeable.after.logicalId}`);
    const added = after.filter((each) => !before.some(same(each)));
    for (const { type, physicalId } of added) if (type === 'AWS::S3::Bucket') this.models.buckets.add(new Bucket(physicalId, () => this.world.clock.now()));
    for (const model of Object.values(this.models.services)) model.load?.(added);
    this.lambda.deploy(assets, before);
    const failed = await this.change(changes);
    if (failed !== undefined) {
      this.template.deploy(oldSource);
      this.models.ec2.load(changes.map((each) => each.before));
      this.lambda.deploy(this.assets);
      return [failed];
    }
    this.assets = assets;
    this.events.load(after);
    return [];
  }

  /**
   * Custom resources go first, dependents before what they depend on. Where one cannot be deleted, it stays with all that it
   * depends on; the rest of the stack goes, as CloudFormation deletes at once whatever nothing depends on.
   * @returns what failed
   */
  public async delete(): Promise<string[]> {
    const failures: string[] = [];
    const staying = new Set<string>();
    for (const resource of this.custom.inOrderOfDeletion()) {
      if (staying.has(resource.logicalId)) continue;
      const failure = await this.custom.request('Delete', resource);
      if (failure === undefined) continue;
      failures.push(failure);
      for (const each of [resource.logicalId, ...this.custom.closure(resource.logicalId)]) staying.add(each);
    }
    const { resources } = this.template;
    const going = resources.filter(({ logicalId, retained }) => !retained && !staying.has(logicalId));
    this.deleted.push(...going.map(({ logicalId }) => logicalId));
    this.template.resources = resources.filter((each) => !going.includes(each));
    this.lambda.undeploy(going);
    this.events.load(this.template.resources);
    return failures;
  }

  /** @returns what made it fail */
  private async change(changes: readonly Change[]): Promise<string | undefined> {
    try {
      // EC2 before Batch: an environment resolves its launch template when it is updated (D1.5)
      this.models.ec2.load(changes.map(({ after }) => after));
      for (const change of changes) if (change.after.type === 'AWS::Batch::ComputeEnvironment') this.updateEnvironment(change);
    } catch (error) {
      if (error instanceof AwsError) return error.message;
      throw error;
    }
    for (const { before, after } of changes) {
      const failure = isCustom(after) ? await this.custom.request('Update', after, before) : undefined;
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** Nobody says whether CloudFormation sends the whole of ComputeResources, or what has changed of it (switch stackUpdateResetsTemplate). */
  private updateEnvironment(change: Change): void {
    const [before, after] = [change.before, change.after].map(({ properties }) => camelCased(properties));
    const changed = (was: any = {}, is: any = {}) => Object.fromEntries(Object.entries(is).filter(([key, value]) => !isDeepStrictEqual(value, was[key])));
    const { state, updatePolicy } = changed(before, after);
    const resources = changed(before.computeResources, after.computeResources);
    const whole = Object.keys(resources).length > 0 && reading(this.world, 'stackUpdateResetsTemplate', 'yes') === 'yes';
    const { launchTemplate } = after.computeResources;
    const computeResources = { ...resources, ...(whole && launchTemplate ? { launchTemplate } : {}) };
    this.models.batch.environment(change.after.arn).update({
      ...(state === undefined ? {} : { state }),
      ...(updatePolicy === undefined ? {} : { updatePolicy }),
      ...(Object.keys(computeResources).length === 0 ? {} : { computeResources }),
    }, true);
  }
}

import { Permissions } from './iam';
import { LambdaRuntime } from './lambda-runtime';
import { NotModelled } from './models/checks';
import { Template } from './template';
import { ResolvedResource, World } from './world';

type RequestType = 'Create' | 'Update' | 'Delete';

interface Reply {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
}

/** Lambda developer guide, asynchronous invocation: two more attempts after an error, one minute and two minutes later. */
const RETRY_SECONDS = [60, 120];
/** CDK custom-resources.Provider: how often `isComplete` is asked, and for how long. */
const QUERY_SECONDS = 5;
const LONGEST_QUERY_SECONDS = 30 * 60;
/** Functions that CDK brings along for its own custom resources. */
const OF_CDK = '__entrypoint__.handler';

/** Custom resources of the stack: CloudFormation's requests reach the functions that their ServiceToken names. */
export class CustomResources {
  /** Physical ids, by logical id; what has none has not been created. */
  private readonly physicalIds = new Map<string, string>();

  constructor(
    private readonly world: World, private readonly template: Template, private readonly lambda: LambdaRuntime, private readonly permissions: Permissions,
  ) {}

  /** Those of the users, dependents before what they depend on. */
  public inOrderOfDeletion(): ResolvedResource[] {
    const all = this.template.resources.filter((each) => isCustom(each) && !this.isOfCdk(each));
    const needs = new Map(all.map((each) => [each, this.closure(each.logicalId)]));
    return [...all].sort((a, b) => Number(needs.get(b)!.has(a.logicalId)) - Number(needs.get(a)!.has(b.logicalId)));
  }

  /** Logical ids of all that a resource depends on, directly or not. */
  public closure(logicalId: string, found = new Set<string>()): Set<string> {
    for (const each of this.template.dependencies(logicalId)) {
      if (!found.has(each)) this.closure(each, found.add(each));
    }
    return found;
  }

  /** @returns the reason of a failure. The resource is created first if the deployment's own request has not been sent yet. */
  public async request(type: RequestType, resource: ResolvedResource, before?: ResolvedResource): Promise<string | undefined> {
    const { logicalId } = resource;
    if (type !== 'Create' && !this.physicalIds.has(logicalId)) {
      const reason = await this.request('Create', before ?? resource);
      if (reason) return reason;
    }
    const { Status, Reason = '', PhysicalResourceId } = await this.send(type, resource, before);
    if (Status !== 'SUCCESS') return `${logicalId} (${resource.type}): ${Reason}`;
    if (type === 'Delete') this.physicalIds.delete(logicalId); else this.physicalIds.set(logicalId, PhysicalResourceId ?? logicalId);
    return undefined;
  }

  private async send(RequestType: RequestType, { logicalId, type, properties }: ResolvedResource, before?: ResolvedResource): Promise<Reply> {
    const { partition, region, account } = this.world;
    const event = {
      RequestType,
      ResponseURL: `https://cloudformation.local/${logicalId}/${RequestType}`,
      StackId: `arn:${partition}:cloudformation:${region}:${account}:stack/Stack/0`,
      RequestId: `${RequestType}-${logicalId}`,
      ResourceType: type,
      LogicalResourceId: logicalId,
      PhysicalResourceId: this.physicalIds.get(logicalId),
      ResourceProperties: texts(properties),
      OldResourceProperties: before && texts(before.properties),
    };
    const provider = this.functionOf(properties.ServiceToken);
    const { USER_ON_EVENT_FUNCTION_ARN: onEvent, USER_IS_COMPLETE_FUNCTION_ARN: isComplete } = provider.properties.Environment?.Variables ?? {};
    try {
      return onEvent === undefined ? await this.raw(properties.ServiceToken, event) : await this.framework(provider, onEvent, isComplete, event);
    } catch (error: any) {
      return { Status: 'FAILED', Reason: errorMessage(error) };
    }
  }

  /** A function that answers by itself, to the URL that it is given. */
  private async raw(functionArn: string, event: { readonly ResponseURL: string }): Promise<Reply> {
    let reply: Reply | undefined;
    this.lambda.uploads.set(event.ResponseURL, (body) => { reply = JSON.parse(body); });
    let last = 'CloudFormation did not receive a response from your custom resource';
    for (const seconds of [0, ...RETRY_SECONDS]) {
      await new Promise<void>((resolve) => this.world.clock.after(seconds * 1000, resolve));
      try {
        await this.lambda.invoke(functionArn, event);
        break;
      } catch (error) {
        last = `${last}: ${errorMessage(error)}`;
      }
    }
    this.lambda.uploads.delete(event.ResponseURL);
    return reply ?? { Status: 'FAILED', Reason: last };
  }

  /** What the framework of CDK's Provider does with the functions that it was given. */
  private async framework(provider: ResolvedResource, onEvent: string, isComplete: string | undefined, event: object): Promise<Reply> {
    const call = (functionArn: string, payload: object): Promise<any> => {
      const { Role } = provider.properties;
      if (this.permissions.denied(Role, [{ action: 'lambda:InvokeFunction', resource: functionArn }]).length > 0) {
        throw new Error(`${Role} may not invoke ${functionArn}`);
      }
      return this.lambda.invoke(functionArn, payload);
    };
    const answer = await call(onEvent, event);
    for (let waited = 0; isComplete !== undefined; waited += QUERY_SECONDS) {
      if ((await call(isComplete, { ...event, ...answer })).IsComplete) break;
      if (waited >= LONGEST_QUERY_SECONDS) throw new Error('Operation timed out');
      await new Promise<void>((resolve) => this.world.clock.after(QUERY_SECONDS * 1000, resolve));
    }
    return { Status: 'SUCCESS', PhysicalResourceId: answer?.PhysicalResourceId };
  }

  private isOfCdk({ properties }: ResolvedResource): boolean {
    return this.functionOf(properties.ServiceToken).properties.Handler === OF_CDK;
  }

  private functionOf(serviceToken: string): ResolvedResource {
    const found = this.template.ofType('AWS::Lambda::Function').find(({ arn }) => serviceToken === arn || serviceToken.startsWith(`${arn}:`));
    if (!found) throw new NotModelled(`a custom resource of ${serviceToken}`);
    return found;
  }
}

export function isCustom({ type }: ResolvedResource): boolean {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
}

/** CloudFormation hands over every value as text. */
function texts(value: any): any {
  if (Array.isArray(value)) return value.map(texts);
  if (value === null || typeof value !== 'object') return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, texts(each)]));
}

/** Of what a handler threw, as Lambda wraps it. */
function errorMessage({ message }: any): string {
  try {
    return JSON.parse(message).errorMessage;
  } catch {
    return message;
  }
}

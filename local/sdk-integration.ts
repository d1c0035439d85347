import { Api } from './api';
import { convert, isDate, isModelledError, operation, problems } from './api-schema';
import { Origin } from './faults';
import { TaskError } from './task-error';
import { AwsError, World } from './world';

/** Service as it stands in the Resource ARN: name of the SDK's client, and prefix of the errors (E5). */
const SERVICES: Record<string, { readonly client: string; readonly prefix: string }> = {
  fsx: { client: 'fsx', prefix: 'FSx' },
  batch: { client: 'batch', prefix: 'Batch' },
  ec2: { client: 'ec2', prefix: 'Ec2' },
  ecs: { client: 'ecs', prefix: 'Ecs' },
  ecr: { client: 'ecr', prefix: 'Ecr' },
  iam: { client: 'iam', prefix: 'Iam' },
  sfn: { client: 'sfn', prefix: 'Sfn' },
  cloudwatch: { client: 'cloudwatch', prefix: 'CloudWatch' },
  dynamodb: { client: 'dynamodb', prefix: 'DynamoDb' },
  secretsmanager: { client: 'secrets-manager', prefix: 'SecretsManager' },
};

const RESOURCE = /^arn:[\w-]+:states:::aws-sdk:(\w+):(\w+)$/;

/** Step Functions' calls of any API: `arn:<partition>:states:::aws-sdk:<service>:<camelCaseAction>` (E4). */
export class SdkIntegration {
  public static serves(resource: string): boolean {
    return RESOURCE.test(resource);
  }

  constructor(private readonly api: Api, private readonly world: World) {}

  public async call(role: string, resource: string, parameters: any, origin?: Origin): Promise<unknown> {
    const [, name, camelAction] = RESOURCE.exec(resource)!;
    const service = SERVICES[name];
    if (!service) throw new Error(`the engine knows no SDK integration of ${name}`);
    const action = upperFirst(camelAction);
    const { input, output } = operation(service.client, action);

    const request = convert(input, parameters ?? {}, apiName, (type, value) => type === 'timestamp' && typeof value === 'string' ? new Date(value) : value);
    // Step Functions refuses at deployment, or when the state is entered, what the API does not have: no Catch helps
    const wrong = problems(input, request);
    if (wrong.length > 0) throw new TaskError('States.Runtime', `${resource}: ${wrong.join('; ')}`, false);
    try {
      const answer = await this.api.call(role, service.client, action, request, origin);
      const rename = (member: string) => this.world.switches.answerCasing === 'api' ? upperFirst(member) : javaName(member);
      return convert(output, answer, rename, (_, value) => isDate(value) ? value.toISOString() : value);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw new TaskError(this.errorName(service, error.name), `${error.message} (Service: ${service.prefix}, Status Code: 400, Request ID: ${this.world.id(32)})`);
    }
  }

  private errorName({ client, prefix }: { client: string; prefix: string }, name: string): string {
    const suffixed = name.endsWith('Exception') ? name : `${name}Exception`;
    if (isModelledError(client, name)) return `${prefix}.${this.world.switches.modelledErrorName === 'plain' ? name : suffixed}`;
    return `${prefix}.${this.world.switches.unmodelledErrorName === 'own' ? suffixed : `${prefix}Exception`}`;
  }
}

const upperFirst = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

/** The name that AWS SDK for Java v2 gives to a member, capitalized: `DNSName` is `DnsName`, `ResourceARN` stays (E6). */
export function javaName(member: string): string {
  const capitals = /^[A-Z]+(?=[A-Z][a-z])/.exec(member)?.[0] ?? /^[A-Z]+$/.exec(member)?.[0];
  return upperFirst(capitals === undefined ? member : capitals.toLowerCase() + member.slice(capitals.length));
}

/** The API's own name of a member that is written in PascalCase. A name that no member has is left as it is. */
function apiName(pascal: string, members: string[]): string {
  return members.find((member) => javaName(member) === pascal || upperFirst(member) === pascal) ?? pascal;
}

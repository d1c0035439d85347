import { AwsError, ResolvedResource, ServiceModel, World } from '../world';
import { NotModelled, onlyModelled } from './checks';

interface Secret {
  readonly arn: string;
  readonly name: string;
  versionId: string;
  value?: string;
  readonly createdAt: Date;
}

export class SecretsManagerModel implements ServiceModel {
  readonly service = 'secrets-manager';
  private readonly secrets: Secret[] = [];

  constructor(private readonly world: World) {}

  load(resources: ResolvedResource[]): void {
    for (const { type, physicalId, properties } of resources) {
      if (type !== 'AWS::SecretsManager::Secret') continue;
      const name = properties.Name ?? physicalId.split(':secret:')[1].slice(0, -'-XXXXXX'.length);
      this.add(physicalId, name, properties.SecretString ?? (properties.GenerateSecretString && `{"password":"${this.world.id(32)}"}`));
    }
  }

  /** Steering: gives a secret (by name or ARN) a value; one that does not exist yet is made. Gives its ARN. */
  set(id: string, value: string | undefined): string {
    const secret = this.find(id) ?? this.add(id.startsWith('arn:') ? id : this.arnOf(id), id.split(':secret:').pop()!, value);
    secret.value = value;
    secret.versionId = this.world.id(32);
    return secret.arn;
  }

  call(action: string, input: Record<string, any>): unknown {
    if (action !== 'GetSecretValue') throw new NotModelled(`secretsmanager:${action}`);
    onlyModelled('secretsmanager:GetSecretValue', input, ['SecretId']);
    const secret = this.find(input.SecretId);
    if (!secret) throw new AwsError('ResourceNotFoundException', 'Secrets Manager can\'t find the specified secret.');
    if (secret.value === undefined) {
      throw new AwsError('ResourceNotFoundException', 'Secrets Manager can\'t find the specified secret value for staging label: AWSCURRENT');
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: secret.versionId,
      SecretString: secret.value,
      VersionStages: ['AWSCURRENT'],
      CreatedDate: secret.createdAt,
    };
  }

  private add(arn: string, name: string, value?: string): Secret {
    const secret = { arn, name, value, versionId: this.world.id(32), createdAt: new Date(this.world.clock.now()) };
    this.secrets.push(secret);
    return secret;
  }

  /** By name, by ARN, or by an ARN without its six random characters, as CDK writes it for an imported secret. */
  private find(id: string): Secret | undefined {
    return this.secrets.find((each) => each.name === id || each.arn === id || each.arn.slice(0, -'-XXXXXX'.length) === id);
  }

  private arnOf(name: string): string {
    const { partition, region, account } = this.world;
    return `arn:${partition}:secretsmanager:${region}:${account}:secret:${name}-${this.world.id(6)}`;
  }
}

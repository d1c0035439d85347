import { Clock } from './clock';

/** An error as an AWS API answers it: the name is the API's own, e.g. `FileSystemNotFound`. */
export class AwsError extends Error {
  /** @param members what the error carries besides its message */
  constructor(name: string, message: string, readonly members: Record<string, unknown> = {}) {
    super(message);
    this.name = name;
  }
}

/** One API call as it reaches a service, parameters already checked against the official API model and its IAM policy. */
export interface Call {
  /** Name of the SDK client: `fsx`, `batch`, `ec2`, `ecs`, `ecr`, `cloudwatch`, `dynamodb`, `secrets-manager`, `sfn`, `iam`. */
  readonly service: string;
  /** The API's own name: `CreateFileSystem`. */
  readonly action: string;
  /** Parameters in the API's own casing. */
  readonly input: Record<string, any>;
}

/** A resource that the template creates, as the models see it once it is deployed. */
export interface ResolvedResource {
  readonly logicalId: string;
  /** `AWS::Batch::ComputeEnvironment` */
  readonly type: string;
  /** What `Ref` gives. */
  readonly physicalId: string;
  /** What `Fn::GetAtt Arn` gives; undefined where the type has no ARN. */
  readonly arn?: string;
  /** In CloudFormation's casing, every intrinsic resolved. */
  readonly properties: Record<string, any>;
  /** It stays when the stack no longer has it. */
  readonly retained?: boolean;
}

/** A service as a small state machine that follows the fact sheet. An unmodelled call or parameter is an error. */
export interface ServiceModel {
  readonly service: string;
  /** Answers in the API's own casing, times as Date. Throws AwsError for an error of the service. */
  call(action: string, input: Record<string, any>): unknown;
  /** Takes over what the template creates; each model picks its own types. */
  load?(resources: ResolvedResource[]): void;
}

/** The readings of unconfirmed facts that this world has; every one is listed in switches.ts with all its readings. */
export type Switches = Record<string, string>;

/** What all models share. */
export interface World {
  readonly clock: Clock;
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly switches: Switches;
  /** A number in [0, 1) from the world's seed. */
  random(): number;
  /** A new hexadecimal id of n digits. */
  id(digits: number): string;
}

import type { Schedules } from './document';
import type { ParameterName, ParameterValues, RuleSettings } from './parameter-rules';

/** Bundle of the function that reads and validates parameters. */
export const PARAMETERS_BUNDLE = 'parameters';

export interface GetSecretPayload {
  /** ARN or name. */
  readonly secretId: string;
}

/** All that ever leaves the function of the secret's text: values of known keys, and problems without any value. */
export interface SecretAnswer {
  readonly values: { readonly [name in ParameterName]?: unknown };
  readonly problems: string[];
}

export interface ParameterSettings extends RuleSettings {
  readonly bucketName: string;
  /** Prefix of the props, `''` for the whole bucket. */
  readonly prefix: string;
  /** Whether the run id is put behind the prefix of the props or the secret. A prefix of the execution input is taken as it is. */
  readonly prefixPerRun: boolean;
  /** Longest time of each loop, in seconds. */
  readonly deadlines: { readonly [loop in keyof Schedules]: number };
}

/** A check as `PreflightCheck` describes it. */
export interface CheckRequest {
  readonly name: string;
  readonly settings: { readonly [key: string]: string };
}

export interface ExtractParametersPayload {
  /** The execution input as given: any JSON. */
  readonly input: unknown;
  readonly run: { readonly executionArn: string; readonly startedAt: string };
  /** Absent where there is no secret. */
  readonly secret?: SecretAnswer;
  /** Of the construct's props. */
  readonly defaults: Partial<Omit<ParameterValues, 'prefix'>>;
  readonly settings: ParameterSettings;
  readonly checks: readonly CheckRequest[];
}

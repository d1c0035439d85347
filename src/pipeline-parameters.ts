import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, RemovalPolicy, SecretValue, Stack } from 'aws-cdk-lib/core';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { IFailurePath } from './failure-path';
import { PreflightCheck } from './preflight-check';
import { acknowledge, acknowledgeLogWriting } from './private/acknowledge';
import { allow, NO_RESOURCE_TYPE } from './private/allow';
import { deadlineSeconds, defaultsOf, knownValues, seedValues } from './private/parameter-defaults';
import { PARAMETERS_BUNDLE } from './private/parameter-payloads';
import { parameterProblems, ParameterValues, RuleSettings } from './private/parameter-rules';
import { PartFunction } from './private/part-function';
import { check, validate } from './private/validation';
import { RunParameterProps } from './run-parameter-props';

/**
 * Properties of PipelineParameters.
 */
export interface PipelineParametersProps extends RunParameterProps {
  /**
   * Log group of the function that reads and checks the parameters.
   *
   * @default - a new one
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * What PipelineParameters are told when they render their states.
 */
export interface ParametersContext {
  /** Scope to create the states under. */
  readonly scope: Construct;
  /** Put before the name of every state. */
  readonly statePrefix: string;
  /** Name of the bucket that runs export to. */
  readonly bucketName: string;
  /** Key prefix that runs export to or under: empty, or with a slash at the end. */
  readonly prefix: string;
  /** Whether each run exports to a folder of its own under the prefix. */
  readonly prefixPerRun: boolean;
  /** FSx deployment type: decides which storage capacities there are. */
  readonly deploymentType: fsx.LustreDeploymentType;
  /** Longest time of each loop. */
  readonly deadlines: RunDeadlines;
  /** What else has to be true before a run may create anything. */
  readonly checks: PreflightCheck[];
  /** What happens when a state fails: nothing has been created yet. */
  readonly failures: IFailurePath;
}

/**
 * The longest time that each part of a run may take before it ends with an error of its own.
 */
export interface RunDeadlines {
  /** Wait for a batch environment that another run uses. */
  readonly reserve: Duration;
  /** Creation of the file system and its link to S3. */
  readonly fileSystem: Duration;
  /** Update of the batch environment to the run's file system. */
  readonly attach: Duration;
  /** The job, all attempts and waits for an instance included. */
  readonly job: Duration;
  /** End of a job that was told to stop. */
  readonly stop: Duration;
  /** Return of the batch environment, and end of the run's instances. */
  readonly detach: Duration;
  /** Export of everything that is left when the job has ended. */
  readonly drain: Duration;
  /** Deletion of the file system. */
  readonly deletion: Duration;
}

/**
 * What each run is told: defaults from the props, then the secret, then the execution input. Later wins. Everything is
 * validated, and everything that a run needs is looked at, before anything that costs money is created.
 */
export class PipelineParameters extends Construct {
  /** The secret that holds run-time parameters. A JSON object, `{}` for none. */
  public readonly secret: secretsmanager.ISecret;

  private readonly function: PartFunction;
  private readonly defaults: ParameterValues;

  constructor(scope: Construct, id: string, props: PipelineParametersProps = {}) {
    super(scope, id);
    this.defaults = defaultsOf(this, props);
    this.secret = props.secret ?? this.createSecret();
    validate(this, check.impossible(!!props.secret && !!props.fillSecret, 'fillSecret is true with a brought secret; only the secret that this construct creates can be filled'));
    if (props.fillSecret) this.fill();
    this.function = new PartFunction(this, 'Handler', {
      bundle: PARAMETERS_BUNDLE,
      description: 'Reads and checks what a run is told',
      logGroup: props.logGroup,
    });
    this.secret.grantRead(this.function);
  }

  /** The default of every run-time parameter, under the secret's names. */
  public get defaultValues(): { [name: string]: any } {
    return { ...this.defaults };
  }

  /**
   * Renders the states that write the first state document: GetSecret and ExtractParameters.
   *
   * @param context where the states belong, and what is known about the runs when the app is synthesized
   */
  public load(context: ParametersContext): sfn.Chain {
    const { scope, statePrefix, failures } = context;
    const settings = {
      bucketName: context.bucketName,
      prefix: context.prefix,
      prefixPerRun: context.prefixPerRun,
      deploymentType: context.deploymentType as RuleSettings['deploymentType'],
      deadlines: deadlineSeconds(context.deadlines),
    };
    validate(this, ...parameterProblems(knownValues(this.defaults), settings, 'construct props'));
    for (const each of context.checks) each.grantTo(this.function, this);
    // file systems of other runs on an overlapping prefix
    allow(this.function, { actions: ['fsx:DescribeFileSystems'], resources: ['*'], wildcards: NO_RESOURCE_TYPE });
    const getSecret = this.function.invocation(scope, {
      action: 'GetSecret', statePrefix, failures, resultPath: '$.parameters', payload: { secretId: this.secret.secretArn },
    });
    const extract = this.function.invocation(scope, {
      action: 'ExtractParameters',
      statePrefix,
      failures,
      resultPath: '$',
      payload: {
        input: sfn.JsonPath.objectAt('$.input'),
        run: sfn.JsonPath.objectAt('$.run'),
        secret: sfn.JsonPath.objectAt('$.parameters'),
        defaults: this.defaults,
        settings,
        checks: context.checks.map(({ name, settings: checkSettings }) => ({ name, settings: checkSettings })),
      },
    });
    return getSecret.next(extract);
  }

  /**
   * Lets the state machine call what the rendered states call.
   *
   * @param grantee the state machine that the states are in
   */
  public grantTo(grantee: iam.IGrantable): void {
    this.function.grantInvoke(grantee);
  }

  private createSecret(): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, 'Secret', {
      description: 'Run-time parameters of the Lustre auto export pipeline, as a JSON object',
      secretStringValue: SecretValue.unsafePlainText('{}'), // never changes, so that no deploy overwrites what a user wrote
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(secret, 'AwsSolutions-SMG4', 'It holds settings that people write, such as a storage capacity, and no credential that could be rotated.');
    return secret;
  }

  /** Once, when the secret is created: a template that holds the values would write them again whenever one changes. */
  private fill(): void {
    const resource = new AwsCustomResource(this, 'Fill', {
      onCreate: {
        service: 'SecretsManager',
        action: 'putSecretValue',
        parameters: { SecretId: this.secret.secretArn, SecretString: Stack.of(this).toJsonString(seedValues(this.defaults)) },
        physicalResourceId: PhysicalResourceId.of('filled-once'),
        outputPaths: ['VersionId'],
      },
      policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: [this.secret.secretArn] }),
      installLatestAwsSdk: false,
    });
    acknowledgeLogWriting(resource.grantPrincipal);
  }
}

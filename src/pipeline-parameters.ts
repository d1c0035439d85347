import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, RemovalPolicy, SecretValue, Size, Stack } from 'aws-cdk-lib/core';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { ExportVerification } from './export-verification';
import { IFailurePath } from './failure-path';
import { FailurePolicy } from './failure-policy';
import { JobImage } from './job-image';
import { PreflightCheck } from './preflight-check';
import { deadlineSeconds, defaultsOf, knownValues, seedValues } from './private/parameter-defaults';
import { PARAMETERS_BUNDLE } from './private/parameter-payloads';
import { parameterProblems, ParameterValues, RuleSettings } from './private/parameter-rules';
import { PartFunction } from './private/part-function';
import { check, validate } from './private/validation';

/**
 * The run-time parameters: what the props say is the default of each run, what the secret says comes before it, and
 * what the execution input says comes before both. In the secret and in the input the names are those in brackets.
 */
export interface RunParameterProps {
  /**
   * Whether changes on the file system are exported to S3 as they happen (`autoExport`).
   *
   * @default true
   */
  readonly autoExport?: boolean;

  /**
   * Whether the file system is deleted once all of its data is proven to be in S3 (`deleteLustre`).
   *
   * @default true
   */
  readonly deleteLustre?: boolean;

  /**
   * Lustre version (`lustreFileSystemTypeVersion`, "2.12" or "2.15"). 2.10 cannot be linked to S3.
   *
   * @default fsx.FileSystemTypeVersion.V_2_15
   */
  readonly lustreFileSystemTypeVersion?: fsx.FileSystemTypeVersion;

  /**
   * Size of the file system (`lustreStorageCapacity`, in GiB): 1,200 GiB, 2,400 GiB or a multiple of 2,400 GiB
   * (FSx API reference, CreateFileSystem StorageCapacity).
   *
   * @default Size.gibibytes(2400)
   */
  readonly lustreStorageCapacity?: Size;

  /**
   * How an imported file is striped: the most data of it on one disk (`lustreImportedFileChunkSize`, in MiB, 1 to
   * 512,000, FSx API reference, CreateDataRepositoryAssociation).
   *
   * @default Size.mebibytes(1024)
   */
  readonly lustreImportedFileChunkSize?: Size;

  /**
   * Container image of the job (`jobDefinitionContainerImage`, a URI).
   *
   * @default - each run has to be told one by the secret or its input
   */
  readonly jobDefinitionContainerImage?: JobImage;

  /**
   * How often the job is tried in all (`jobDefinitionRetryAttempts`, 1 to 10, AWS Batch API reference, RetryStrategy).
   * A further attempt is made after a SPOT reclaim and after a start that never ran the image, not after a failure of the job.
   *
   * @default 5
   */
  readonly jobDefinitionRetryAttempts?: number;

  /**
   * vCPUs of the job (`jobDefinitionVcpus`), a whole number from 1.
   *
   * @default 32
   */
  readonly jobDefinitionVcpus?: number;

  /**
   * Memory of the job (`jobDefinitionMemory`, in MiB), from 4 MiB.
   *
   * @default Size.mebibytes(30000)
   */
  readonly jobDefinitionMemory?: Size;

  /**
   * Shortest time between two looks at the file system's creation (`waitForLustreCreationSeconds`, in seconds).
   *
   * @default Duration.seconds(30)
   */
  readonly waitForLustreCreation?: Duration;

  /**
   * Shortest time between two looks at the job (`waitForJobCompletionSeconds`, in seconds).
   *
   * @default Duration.seconds(300)
   */
  readonly waitForJobCompletion?: Duration;

  /**
   * Shortest time between two looks at the export queue (`waitForCheckMetricsSeconds`, in seconds).
   *
   * @default Duration.seconds(60)
   */
  readonly waitForCheckMetrics?: Duration;

  /**
   * Lengthens what is looked at of the export queue's metric (`lambdaPeriodSeconds`, in seconds, a multiple of 60): as
   * many periods have to be zero as one-minute points otherwise.
   *
   * @default Duration.seconds(60)
   */
  readonly lambdaPeriod?: Duration;

  /**
   * How long the export queue's metric must have been zero without a gap (`lambdaTimeDiffMinutes`, in minutes).
   *
   * @default Duration.minutes(15)
   */
  readonly lambdaTimeDiff?: Duration;

  /**
   * How it is proven that every byte is in S3 (`exportVerification`, `"BOTH"`, `"METRIC_ONLY"` or `"EXPORT_TASK_ONLY"`).
   *
   * @default ExportVerification.BOTH
   */
  readonly exportVerification?: ExportVerification;

  /**
   * What becomes of the file system of a run that fails (`failurePolicy`, `"EXPORT_AND_DELETE"`, `"KEEP"` or `"KEEP_FOR"`,
   * the last together with `keepHours`, 1 to 8,760).
   *
   * @default FailurePolicy.EXPORT_AND_DELETE
   */
  readonly failurePolicy?: FailurePolicy;

  /**
   * Command of the job's container (`jobCommand`, a list of strings).
   *
   * @default - the image's own command
   */
  readonly jobCommand?: string[];

  /**
   * Environment variables of the job's container (`jobEnvironment`). Names must not start with `AWS_BATCH`.
   *
   * @default - none of the user's; `LUSTRE_PATH` and `LUSTRE_RUN_ID` are always there
   */
  readonly jobEnvironment?: { [name: string]: string };

  /**
   * Secret with a JSON object of run-time parameters.
   *
   * @default - a new one that holds `{}` and is kept when the stack is deleted
   */
  readonly secret?: secretsmanager.ISecret;

  /**
   * Whether the new secret is filled with all run-time parameters when it is created. No later deploy changes it.
   *
   * @default false
   */
  readonly fillSecret?: boolean;
}

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
    this.secret = props.secret ?? new secretsmanager.Secret(this, 'Secret', {
      description: 'Run-time parameters of the Lustre auto export pipeline, as a JSON object',
      secretStringValue: SecretValue.unsafePlainText('{}'), // never changes, so that no deploy overwrites what a user wrote
      removalPolicy: RemovalPolicy.RETAIN,
    });
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
    // file systems of other runs on an overlapping prefix; takes no resource (Service Authorization Reference, Amazon FSx)
    this.function.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['fsx:DescribeFileSystems'], resources: ['*'] }));
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

  /** Lets the state machine call what the rendered states call. */
  public grantTo(grantee: iam.IGrantable): void {
    this.function.grantInvoke(grantee);
  }

  /** Once, when the secret is created: a template that holds the values would write them again whenever one changes. */
  private fill(): void {
    new AwsCustomResource(this, 'Fill', {
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
  }
}

import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Duration, Size } from 'aws-cdk-lib/core';
import { ExportVerification } from './export-verification';
import { FailurePolicy } from './failure-policy';
import { JobImage } from './job-image';

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
   * Shortest time between two looks at the file system's creation (`waitForLustreCreationSeconds`, in
   * seconds, 1 to 86,400).
   *
   * @default Duration.seconds(30)
   */
  readonly waitForLustreCreation?: Duration;

  /**
   * Shortest time between two looks at the job (`waitForJobCompletionSeconds`, in seconds, 1 to 86,400).
   *
   * @default Duration.seconds(300)
   */
  readonly waitForJobCompletion?: Duration;

  /**
   * Shortest time between two looks at the export queue (`waitForCheckMetricsSeconds`, in seconds, 1 to 86,400).
   *
   * @default Duration.seconds(60)
   */
  readonly waitForCheckMetrics?: Duration;

  /**
   * Lengthens what is looked at of the export queue's metric (`lambdaPeriodSeconds`, in seconds, a multiple of 60 up to
   * 86,400): as many periods have to be zero as one-minute points otherwise.
   *
   * @default Duration.seconds(60)
   */
  readonly lambdaPeriod?: Duration;

  /**
   * How long the export queue's metric must have been zero without a gap (`lambdaTimeDiffMinutes`, in minutes, 1 to 1,440).
   *
   * @default Duration.minutes(15)
   */
  readonly lambdaTimeDiff?: Duration;

  /**
   * How it is proven that every byte is in S3 (`exportVerification`, `"BOTH"`, `"METRIC_ONLY"` or `"EXPORT_TASK_ONLY"`).
   * `METRIC_ONLY` is refused without `autoExport`: nothing would be exported.
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
   * Environment variables of the job's container (`jobEnvironment`). A name is not empty, holds no `=`, does not begin with
   * `AWS_BATCH`, and is not one of the two that are always there.
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

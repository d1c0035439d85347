import * as fsx from 'aws-cdk-lib/aws-fsx';
import { Duration, Size } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { AllocationStrategy } from './allocation-strategy';
import { ComputeEnvironmentType } from './compute-environment-type';
import { JobImage } from './job-image';
import { LustreAutoExportPipelineOptions } from './pipeline-options';
import { deployTimeProblems } from './private/deploy-time-rules';
import { validate } from './private/validation';

/**
 * What the `autoExport` section of `cdk.json` says, with the parameter names of the Lustre auto export mode of batch-with-lustre.
 */
export class AutoExportSettings {
  /**
   * Reads the section from the context of the app: that of `cdk.json`, or `App`'s `context`.
   *
   * What the section does not name has that mode's default: among them the repository name `batch-job-with-lustre-auto-export`.
   * `"jobDefinitionContainerImage": ""` is that mode's default, too: the image `latest` of that repository.
   *
   * @param scope any construct of the app
   * @param key name of the section, `autoExport` if it is not given
   * @throws if the section is missing, or with all of its unknown keys and wrong values
   */
  public static fromContext(scope: Construct, key?: string): AutoExportSettings {
    const name = key ?? 'autoExport';
    const section = scope.node.tryGetContext(name);
    validate(scope, ...deployTimeProblems(name, section));
    const given = section as { [parameter: string]: any };
    const seconds = (value?: number) => value === undefined ? undefined : Duration.seconds(value);
    return new AutoExportSettings({
      envName: given.envName ?? 'AutoExport',
      ...(given.jobDefinitionContainerImage
        ? { jobDefinitionContainerImage: JobImage.fromRegistry(given.jobDefinitionContainerImage) }
        : { ecrRepositoryName: given.ecrRepositoryName ?? 'batch-job-with-lustre-auto-export' }),
      computeEnvironmentType: given.computeEnvironmentType as ComputeEnvironmentType | undefined ?? ComputeEnvironmentType.SPOT,
      computeEnvironmentAllocationStrategy: AllocationStrategy.of(given.computeEnvironmentAllocationStrategy ?? 'BEST_FIT_PROGRESSIVE'),
      computeEnvironmentInstanceTypes: given.computeEnvironmentInstanceTypes ?? ['optimal'],
      computeEnvironmentMinvCpus: given.computeEnvironmentMinvCpus ?? 0,
      computeEnvironmentMaxvCpus: given.computeEnvironmentMaxvCpus ?? 256,
      computeEnvironmentDesiredvCpus: given.computeEnvironmentDesiredvCpus ?? 0,
      autoExport: given.autoExport,
      deleteLustre: given.deleteLustre,
      lustreFileSystemTypeVersion: given.lustreFileSystemTypeVersion as fsx.FileSystemTypeVersion | undefined,
      lustreStorageCapacity: given.lustreStorageCapacity === undefined ? undefined : Size.gibibytes(given.lustreStorageCapacity),
      lustreImportedFileChunkSize: given.lustreImportedFileChunkSize === undefined ? undefined : Size.mebibytes(given.lustreImportedFileChunkSize),
      jobDefinitionRetryAttempts: given.jobDefinitionRetryAttempts,
      jobDefinitionVcpus: given.jobDefinitionVcpus,
      jobDefinitionMemory: given.jobDefinitionMemory === undefined ? undefined : Size.mebibytes(given.jobDefinitionMemory),
      waitForLustreCreation: seconds(given.waitForLustreCreationSeconds),
      waitForJobCompletion: seconds(given.waitForJobCompletionSeconds),
      waitForCheckMetrics: seconds(given.waitForCheckMetricsSeconds),
      lambdaPeriod: seconds(given.lambdaPeriodSeconds),
      lambdaTimeDiff: given.lambdaTimeDiffMinutes === undefined ? undefined : Duration.minutes(given.lambdaTimeDiffMinutes),
    });
  }

  private constructor(
    /** The section as props of a LustreAutoExportPipeline. */
    public readonly props: LustreAutoExportPipelineOptions,
  ) {}
}

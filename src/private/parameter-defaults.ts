import { Duration, Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ParameterValues } from './parameter-rules';
import { check, validate } from './validation';
import type { RunDeadlines } from '../pipeline-parameters';
import type { RunParameterProps } from '../run-parameter-props';

// what is no whole number of the secret's unit is left to the rules, which name the parameter
const seconds = (value?: Duration) => value?.toSeconds({ integral: false });
const minutes = (value?: Duration) => value?.toMinutes({ integral: false });
const gibibytes = (value?: Size) => value?.toGibibytes({ rounding: SizeRoundingBehavior.NONE });
const mebibytes = (value?: Size) => value?.toMebibytes({ rounding: SizeRoundingBehavior.NONE });

/** The props as the parameters of a run that was told nothing else: the seed's names, units and defaults. */
export function defaultsOf(scope: Construct, props: RunParameterProps): ParameterValues {
  const durations = {
    waitForLustreCreation: props.waitForLustreCreation,
    waitForJobCompletion: props.waitForJobCompletion,
    waitForCheckMetrics: props.waitForCheckMetrics,
    lambdaPeriod: props.lambdaPeriod,
    lambdaTimeDiff: props.lambdaTimeDiff,
  };
  const sizes = {
    lustreStorageCapacity: props.lustreStorageCapacity,
    lustreImportedFileChunkSize: props.lustreImportedFileChunkSize,
    jobDefinitionMemory: props.jobDefinitionMemory,
  };
  validate(scope,
    ...Object.entries(durations).map(([prop, value]) => check.resolvedDuration(prop, value)),
    ...Object.entries(sizes).map(([prop, value]) => check.resolvedSize(prop, value)),
  );
  return {
    autoExport: props.autoExport ?? true,
    deleteLustre: props.deleteLustre ?? true,
    lustreFileSystemTypeVersion: props.lustreFileSystemTypeVersion ?? '2.15',
    lustreStorageCapacity: gibibytes(props.lustreStorageCapacity) ?? 2400,
    lustreImportedFileChunkSize: mebibytes(props.lustreImportedFileChunkSize) ?? 1024,
    jobDefinitionContainerImage: props.jobDefinitionContainerImage?.bind(scope) ?? '',
    jobDefinitionRetryAttempts: props.jobDefinitionRetryAttempts ?? 5,
    jobDefinitionVcpus: props.jobDefinitionVcpus ?? 32,
    jobDefinitionMemory: mebibytes(props.jobDefinitionMemory) ?? 30000,
    waitForLustreCreationSeconds: seconds(props.waitForLustreCreation) ?? 30,
    waitForJobCompletionSeconds: seconds(props.waitForJobCompletion) ?? 300,
    waitForCheckMetricsSeconds: seconds(props.waitForCheckMetrics) ?? 60,
    lambdaPeriodSeconds: seconds(props.lambdaPeriod) ?? 60,
    lambdaTimeDiffMinutes: minutes(props.lambdaTimeDiff) ?? 15,
    exportVerification: props.exportVerification ?? 'BOTH',
    failurePolicy: (props.failurePolicy?.name ?? 'EXPORT_AND_DELETE') as ParameterValues['failurePolicy'],
    keepHours: props.failurePolicy?.keepHours ?? 24,
    prefix: '', // the construct's own prefix is a setting: a run's own one replaces it whole
    jobCommand: props.jobCommand ?? [],
    // by name: a Map of Java has another order in each process, and the template would change with it
    jobEnvironment: Object.fromEntries(Object.entries(props.jobEnvironment ?? {}).sort(([a], [b]) => a < b ? -1 : 1)),
  };
}

/** Values that are known at synth; tokens are checked when a run starts. An image may be left to the run. */
export function knownValues(values: ParameterValues): Partial<ParameterValues> {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) =>
    !Token.isUnresolved(value) && !(name === 'jobDefinitionContainerImage' && value === '')
    // a list or map with a token in it
    && !(typeof value === 'object' && Object.values(value).some((item) => Token.isUnresolved(item)))));
}

/** What is not in the seed's second table. */
const OURS = ['prefix', 'jobCommand', 'jobEnvironment', 'exportVerification', 'failurePolicy', 'keepHours'];

/** The 14 parameters of the seed's second table; an image that is left to the run is left out. */
export function seedValues(values: ParameterValues): object {
  const seed = Object.fromEntries(Object.entries(values).filter(([name]) => !OURS.includes(name)));
  return { ...seed, jobDefinitionContainerImage: values.jobDefinitionContainerImage || undefined };
}

export function deadlineSeconds(deadlines: RunDeadlines): { [loop in keyof RunDeadlines]: number } {
  return {
    reserve: deadlines.reserve.toSeconds(),
    fileSystem: deadlines.fileSystem.toSeconds(),
    attach: deadlines.attach.toSeconds(),
    job: deadlines.job.toSeconds(),
    stop: deadlines.stop.toSeconds(),
    detach: deadlines.detach.toSeconds(),
    drain: deadlines.drain.toSeconds(),
    deletion: deadlines.deletion.toSeconds(),
  };
}

import { check, Problem } from './validation';
import type { LustreAutoExportPipelineOptions } from '../pipeline-options';
import type { LustreAutoExportPipelineProps } from '../pipeline-props';

/** Props that would be accepted and ignored next to a brought part. */
const OF_ENVIRONMENT = [
  'computeEnvironmentType', 'computeEnvironmentAllocationStrategy', 'computeEnvironmentInstanceTypes', 'computeEnvironmentMinvCpus',
  'computeEnvironmentMaxvCpus', 'computeEnvironmentDesiredvCpus', 'rootVolumeSize', 'instanceRole', 'jobQueue', 'whenInUse',
] as const;
const OF_WORKLOAD = ['containerPath', 'jobRole', 'executionRole'] as const;
const OF_REPOSITORY = ['repository', 'ecrRepositoryName'] as const;

/** The props over those of the settings; an image or a repository of one's own takes the place of the settings' repository. */
export function overSettings({ settings, ...given }: LustreAutoExportPipelineProps): LustreAutoExportPipelineOptions {
  if (!settings) return given;
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as LustreAutoExportPipelineOptions;
  const { ecrRepositoryName, ...others } = settings.props;
  const ownsImage = own.jobDefinitionContainerImage !== undefined || own.repository !== undefined;
  return { ...others, ...(ownsImage ? {} : { ecrRepositoryName }), ...own };
}

/** Props of a SpotBatchEnvironment that have another name here. */
const RENAMED = /\b(allocationStrategy|instanceTypes|minvCpus|maxvCpus|desiredvCpus)\b/g;

/** Runs what creates the environment; its errors name the props as they are called here. */
export function inOurWords<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replace(RENAMED, (name) => `computeEnvironment${name[0].toUpperCase()}${name.slice(1)}`);
    throw error;
  }
}

/** Everything that is wrong with these props together. */
export function pipelineProblems(props: LustreAutoExportPipelineOptions): Problem[] {
  const ignored = (names: readonly (keyof LustreAutoExportPipelineOptions)[], because: keyof LustreAutoExportPipelineOptions) =>
    (props[because] === undefined ? [] : names.filter((name) => props[name] !== undefined))
      .map((name) => `${name} is given together with ${because}, which makes it meaningless; leave one of them out`);
  return [
    ...ignored(OF_ENVIRONMENT, 'batchEnvironment'),
    ...ignored(OF_WORKLOAD, 'workload'),
    ...ignored(OF_REPOSITORY, 'jobDefinitionContainerImage'),
    ...ignored(['ecrRepositoryName'], 'repository'),
    check.impossible(!!props.batchEnvironment && !!props.workload && props.jobStartTimeout !== undefined,
      'jobStartTimeout is given together with batchEnvironment and workload, which make it meaningless; give it to those'),
    check.impossible(!!props.batchEnvironment && !(props.vpc && props.securityGroup),
      'batchEnvironment is given without vpc and securityGroup; the file systems need both: give those that the environment is in'),
    check.pattern('ecrRepositoryName', props.ecrRepositoryName, /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
      'lower-case letters and digits with single . _ - or / between them (ECR API reference, CreateRepository)'),
  ];
}

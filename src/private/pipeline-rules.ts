import { check, Problem } from './validation';
import type { LustreAutoExportPipelineProps } from '../pipeline-props';

/** Props that would be accepted and ignored next to a brought part. */
const OF_ENVIRONMENT = [
  'computeEnvironmentType', 'computeEnvironmentAllocationStrategy', 'computeEnvironmentInstanceTypes', 'computeEnvironmentMinvCpus',
  'computeEnvironmentMaxvCpus', 'computeEnvironmentDesiredvCpus', 'instanceRole', 'jobQueue',
] as const;
const OF_WORKLOAD = ['containerPath', 'jobRole'] as const;
const OF_REPOSITORY = ['repository', 'ecrRepositoryName'] as const;

/** Everything that is wrong with these props together. */
export function pipelineProblems(props: LustreAutoExportPipelineProps): Problem[] {
  const ignored = (names: readonly (keyof LustreAutoExportPipelineProps)[], because: keyof LustreAutoExportPipelineProps) =>
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

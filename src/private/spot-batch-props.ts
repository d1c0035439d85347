import { Annotations, Duration, Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { instanceTypesProblem } from './instance-types';
import { check, validate } from './validation';
import { AllocationStrategy } from '../allocation-strategy';
import { ComputeEnvironmentType } from '../compute-environment-type';
import type { SpotBatchEnvironmentProps } from '../spot-batch-environment-props';

/** GiB of the ECS AL2023 image, and of the largest gp3 volume. */
const SMALLEST_ROOT_VOLUME = 30;
const LARGEST_ROOT_VOLUME = 16384;

/** The props with their defaults. */
export interface SettledProps {
  readonly computeEnvironmentType: ComputeEnvironmentType;
  readonly allocationStrategy: AllocationStrategy;
  readonly instanceTypes: string[];
  readonly minvCpus: number;
  readonly maxvCpus: number;
  readonly desiredvCpus: number;
  readonly rootVolumeSize: Size;
  readonly jobStartTimeout: Duration;
}

/** Defaults filled in, and refused where they cannot work. */
export function settle(scope: Construct, props: SpotBatchEnvironmentProps): SettledProps {
  const settled = {
    computeEnvironmentType: props.computeEnvironmentType ?? ComputeEnvironmentType.SPOT,
    allocationStrategy: props.allocationStrategy ?? AllocationStrategy.BEST_FIT_PROGRESSIVE,
    instanceTypes: props.instanceTypes ?? ['optimal'],
    minvCpus: props.minvCpus ?? 0,
    maxvCpus: props.maxvCpus ?? 256,
    desiredvCpus: props.desiredvCpus ?? 0,
    rootVolumeSize: props.rootVolumeSize ?? Size.gibibytes(100),
    jobStartTimeout: props.jobStartTimeout ?? Duration.hours(2),
  };
  const { computeEnvironmentType: type, allocationStrategy, instanceTypes, minvCpus, maxvCpus, desiredvCpus, rootVolumeSize } = settled;
  const known = (...values: number[]) => values.every((value) => !Token.isUnresolved(value));
  const gibibytes = rootVolumeSize.isUnresolved() ? undefined : rootVolumeSize.toGibibytes({ rounding: SizeRoundingBehavior.NONE });
  const typesProblem = instanceTypesProblem(instanceTypes);
  validate(scope,
    check.impossible(props.vpcSubnets !== undefined && props.vpc === undefined,
      'vpcSubnets is given without vpc; a network that is created has one subnet only, so bring the vpc or leave vpcSubnets out'),
    check.impossible(!allocationStrategy.supports(type),
      `allocationStrategy is ${allocationStrategy.name}, which is not for computeEnvironmentType ${type}; `
      + 'use BEST_FIT_PROGRESSIVE, which is for both, or change computeEnvironmentType'),
    typesProblem && `instanceTypes is [${instanceTypes.join(', ')}]; it ${typesProblem}`,
    check.wholeNumber('minvCpus', minvCpus, 0, 1_000_000),
    check.wholeNumber('maxvCpus', maxvCpus, 1, 1_000_000),
    check.wholeNumber('desiredvCpus', desiredvCpus, 0, 1_000_000),
    check.impossible(known(minvCpus, maxvCpus) && minvCpus > maxvCpus,
      `minvCpus is ${minvCpus} and maxvCpus is ${maxvCpus}; minvCpus must not be above maxvCpus`),
    check.impossible(known(minvCpus, maxvCpus, desiredvCpus) && desiredvCpus !== 0 && (desiredvCpus < minvCpus || desiredvCpus > maxvCpus),
      `desiredvCpus is ${desiredvCpus}; it must be from minvCpus (${minvCpus}) to maxvCpus (${maxvCpus}), or 0`),
    check.resolvedSize('rootVolumeSize', rootVolumeSize),
    check.wholeNumber('rootVolumeSize in GiB', gibibytes, SMALLEST_ROOT_VOLUME, LARGEST_ROOT_VOLUME),
    check.duration('jobStartTimeout', settled.jobStartTimeout, Duration.minutes(10), Duration.days(1)), // D5.6
  );
  if (minvCpus !== 0) {
    Annotations.of(scope).addWarningV2('cdk-lustre-auto-export:minvCpus',
      `minvCpus is ${known(minvCpus) ? minvCpus : 'a token'}: AWS Batch keeps that many vCPUs running, and billed (about 0.02 to 0.05 USD per vCPU and hour), `
      + 'while no run is there. They serve no run: they stay idle, and each run starts its own. Set minvCpus to 0');
  }
  return settled;
}

import { BatchClient, type ComputeEnvironmentDetail, DescribeComputeEnvironmentsCommand } from '@aws-sdk/client-batch';
import { DescribeInstanceTypesCommand, EC2Client, type _InstanceType } from '@aws-sdk/client-ec2';
import { isAccessDenied, permissionFinding } from './aws-errors';
import type { PreflightContext } from './preflight';
import { requireField } from '../shared/answer';

const batch = new BatchClient({});
const ec2 = new EC2Client({});

/** The compute environment can be taken by this run, and the job fits into it. */
export async function checkComputeEnvironment(context: PreflightContext, settings: { readonly [key: string]: string }): Promise<string[]> {
  const { computeEnvironmentArn } = settings;
  const named = `compute environment ${computeEnvironmentArn}`;
  let environment: ComputeEnvironmentDetail | undefined;
  try {
    const answer = await batch.send(new DescribeComputeEnvironmentsCommand({ computeEnvironments: [computeEnvironmentArn] }));
    [environment] = requireField(answer.computeEnvironments, 'computeEnvironments');
  } catch (error) {
    if (isAccessDenied(error)) return [permissionFinding(named, 'batch:DescribeComputeEnvironments')];
    throw error;
  }
  if (!environment) return [`${named} does not exist; deploy the stack again`];
  return [
    ...usable(environment, named, settings),
    ...largeEnough(environment, named, context),
    ...await largeEnoughInstances(environment, named, context),
  ];
}

function usable(environment: ComputeEnvironmentDetail, named: string, { baseLaunchTemplateId, whenInUse }: { readonly [key: string]: string }): string[] {
  const state = requireField(environment.state, 'computeEnvironments[0].state');
  const status = requireField(environment.status, 'computeEnvironments[0].status');
  const findings: string[] = [];
  if (state !== 'ENABLED') findings.push(`${named} is ${state}; enable it`);

  const { launchTemplateId, launchTemplateName } = environment.computeResources?.launchTemplate ?? {};
  const isBase = launchTemplateId === baseLaunchTemplateId;
  // an update is waited for, and a run's launch template is replaced, also one that is deleted
  if (whenInUse === 'WAIT' && (['VALID', 'UPDATING', 'CREATING'].includes(status) || (status === 'INVALID' && !isBase))) return findings;
  if (!isBase && whenInUse !== 'WAIT') {
    // one run at a time: its template is the environment's for everybody (D1.9)
    findings.push(`${named} is in use by another run: its launch template is ${launchTemplateId ?? launchTemplateName ?? 'none'}, not the base one, `
      + `${baseLaunchTemplateId}; wait for the end of that run, or clean it up if it ended without`);
  } else if (status !== 'VALID') {
    const mend = status === 'UPDATING' ? 'wait until it is VALID' : 'mend what its status reason names';
    findings.push(`${named} is ${status}, not VALID${environment.statusReason ? ` (${environment.statusReason})` : ''}; ${mend}`);
  }
  return findings;
}

function largeEnough({ computeResources }: ComputeEnvironmentDetail, named: string, { values, sources }: PreflightContext): string[] {
  const max = requireField(computeResources?.maxvCpus, 'computeEnvironments[0].computeResources.maxvCpus');
  const vcpus = values.jobDefinitionVcpus;
  if (vcpus === undefined || vcpus <= max) return [];
  return [`jobDefinitionVcpus (${sources.jobDefinitionVcpus}) is ${vcpus}, and ${named} has at most ${max}; `
    + 'use fewer, or deploy with a larger computeEnvironmentMaxvCpus'];
}

/** One of the instance types takes the job, where all of them name a size; a family or a bundle of them has large ones. */
async function largeEnoughInstances(
  { computeResources }: ComputeEnvironmentDetail, named: string, { values, sources }: PreflightContext,
): Promise<string[]> {
  const { jobDefinitionVcpus: vcpus, jobDefinitionMemory: memory } = values;
  if (vcpus === undefined || memory === undefined) return [];
  const types = computeResources?.instanceTypes ?? [];
  if (types.length === 0 || types.length > 100 || !types.every((type) => type.includes('.'))) return []; // 100 is the most that one call takes
  const list = `${types.slice(0, 5).join(', ')}${types.length > 5 ? ', ...' : ''}`;
  try {
    const { InstanceTypes: sizes } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: types as _InstanceType[] }));
    const fits = requireField(sizes, 'InstanceTypes').some(({ VCpuInfo, MemoryInfo }) =>
      requireField(VCpuInfo?.DefaultVCpus, 'InstanceTypes[].VCpuInfo.DefaultVCpus') >= vcpus
      // never all of it: the system and the ECS agent keep a part
      && requireField(MemoryInfo?.SizeInMiB, 'InstanceTypes[].MemoryInfo.SizeInMiB') > memory);
    if (fits) return [];
    return [`jobDefinitionVcpus (${sources.jobDefinitionVcpus}) ${vcpus} and jobDefinitionMemory (${sources.jobDefinitionMemory}) ${memory} MiB fit on no `
      + `instance type of ${named} (${list}); a job gets less than the whole memory of an instance, because the system and AWS Batch keep a part; `
      + 'ask for less, or deploy with larger computeEnvironmentInstanceTypes'];
  } catch (error) {
    if ((error as Error).name === 'InvalidInstanceType') return [`an instance type of ${named} does not exist in this region (${list}); deploy with others`];
    if (isAccessDenied(error)) return [permissionFinding(`instance types ${list}`, 'ec2:DescribeInstanceTypes')];
    throw error;
  }
}

import type { RegisterJobDefinitionCommandInput, RetryStrategy, SubmitJobCommandInput } from '@aws-sdk/client-batch';
import type { BatchJobPayload } from '../../src/private/batch-job-payloads';
import type { Run } from '../../src/private/document';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';

const VOLUME = 'lustre';

/** Everything that Batch creates for a run is found again by this name. */
export const jobDefinitionName = (run: Run) => `lustre-${run.id}`;
export const jobName = (run: Run, submission: number) => `lustre-${run.id}-${submission}`;
export const jobNamePattern = (run: Run) => `lustre-${run.id}-*`;

/**
 * What is tried again: a reclaim, and starts that never ran the job. Everything else is the job's own failure; without
 * the last rule Batch would retry it, too (D5.1: at most five rules, no match means retry).
 */
export function retryStrategy(attempts: number): RetryStrategy {
  return {
    attempts,
    evaluateOnExit: [
      { onStatusReason: 'Host EC2*', action: 'RETRY' },
      { onReason: 'CannotStartContainer*', action: 'RETRY' },
      { onReason: 'CannotPullContainer*', action: 'RETRY' },
      { onStatusReason: 'Task failed to start*', action: 'RETRY' },
      { onReason: '*', action: 'EXIT' },
    ],
  };
}

function tags({ run, settings }: BatchJobPayload): { [key: string]: string } {
  return { ...settings.tags, [RunTag.RUN_ID]: run.id, [RunTag.EXECUTION_ARN]: run.executionArn };
}

export function jobDefinitionRequest(payload: BatchJobPayload): RegisterJobDefinitionCommandInput {
  const { run, parameters, compute, settings } = payload;
  return {
    jobDefinitionName: jobDefinitionName(run),
    type: 'container',
    platformCapabilities: ['EC2'],
    retryStrategy: retryStrategy(parameters.jobDefinitionRetryAttempts),
    propagateTags: true,
    tags: tags(payload),
    containerProperties: {
      image: parameters.jobDefinitionContainerImage,
      ...(parameters.jobCommand.length > 0 ? { command: parameters.jobCommand } : {}),
      environment: [
        ...Object.entries(parameters.jobEnvironment).map(([name, value]) => ({ name, value })),
        { name: 'LUSTRE_PATH', value: settings.containerPath },
        { name: 'LUSTRE_RUN_ID', value: run.id },
      ],
      // vcpus and memory of the container itself are deprecated (D5.3)
      resourceRequirements: [
        { type: 'VCPU', value: String(parameters.jobDefinitionVcpus) },
        { type: 'MEMORY', value: String(parameters.jobDefinitionMemory) },
      ],
      volumes: [{ name: VOLUME, host: { sourcePath: requireField(compute.hostPath, 'compute.hostPath') } }],
      mountPoints: [{ sourceVolume: VOLUME, containerPath: settings.containerPath, readOnly: false }],
      jobRoleArn: settings.jobRoleArn,
      executionRoleArn: settings.executionRoleArn,
    },
  };
}

export function submitRequest(payload: BatchJobPayload, submission: number): SubmitJobCommandInput {
  const { run, parameters, compute, job } = payload;
  return {
    jobName: jobName(run, submission),
    jobQueue: requireField(compute.jobQueueArn, 'compute.jobQueueArn'),
    jobDefinition: requireField(job.jobDefinitionArn, 'job.jobDefinitionArn'), // with its revision: no other run's (D5.4)
    retryStrategy: retryStrategy(Math.max(1, parameters.jobDefinitionRetryAttempts - (job.attempts ?? 0))),
    propagateTags: true,
    tags: tags(payload),
  };
}

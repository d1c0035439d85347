import {
  BatchClient, DeregisterJobDefinitionCommand, DescribeJobsCommand, JobDetail, paginateDescribeJobDefinitions, paginateListJobs,
  RegisterJobDefinitionCommand, SubmitJobCommand, TerminateJobCommand,
} from '@aws-sdk/client-batch';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { jobDefinitionName, jobDefinitionRequest, jobName, jobNamePattern, submitRequest } from './batch-job-requests';
import { areJobsForgotten, countAttempts, isTerminal, judge, mayBeReclaim, outcomeOf } from './job-verdict';
import { lastWords } from './last-words';
import { wasReclaimed } from './reclaimed-instance';
import type { BatchJobPayload, BatchJobProgress } from '../../src/private/batch-job-payloads';
import { ErrorName } from '../../src/private/errors';
import { requireField } from '../shared/answer';
import { dispatch } from '../shared/dispatch';
import { raise } from '../shared/raise';

const batch = new BatchClient({});
// the SDK would repeat a call whose answer was lost without looking for what it has made
const batchOnce = new BatchClient({ maxAttempts: 1 });
const ec2 = new EC2Client({});
const ecs = new ECSClient({});

export const handler = dispatch({
  // neither of the two has an idempotency token (E19): what an earlier try with a lost answer made is adopted
  CreateJobDefinition: async (payload: BatchJobPayload): Promise<BatchJobProgress> => {
    const [existing] = await activeDefinitions(payload);
    const jobDefinitionArn = existing ?? (await batchOnce.send(new RegisterJobDefinitionCommand(jobDefinitionRequest(payload)))).jobDefinitionArn;
    return { jobDefinitionArn: requireField(jobDefinitionArn, 'jobDefinitionArn'), submission: 0, attempts: 0, mayHaveWritten: true };
  },

  SubmitJob: async (payload: BatchJobPayload): Promise<BatchJobProgress> => {
    const submission = (payload.job.submission ?? 0) + 1;
    const [existing] = await jobsNamed(payload, jobName(payload.run, submission));
    const jobId = existing ?? (await batchOnce.send(new SubmitJobCommand(submitRequest(payload, submission)))).jobId;
    return { ...payload.job, submission, jobId: requireField(jobId, 'jobId'), status: 'SUBMITTED' };
  },

  CheckJobStatus: async (payload: BatchJobPayload): Promise<BatchJobProgress> => {
    const { job: progress, parameters, settings } = payload;
    const jobs = await describe(await jobsNamed(payload, jobNamePattern(payload.run)));
    const job = requireField(jobs.find((candidate) => candidate.jobId === progress.jobId), `job ${progress.jobId}`);
    // one that a lost answer left behind and that showed too late to be adopted must not write beside it
    for (const stray of jobs.filter((other) => other !== job && !isTerminal(other))) {
      await batch.send(new TerminateJobCommand({ jobId: stray.jobId, reason: 'another job of the run does its work' }));
    }
    const now = new Date();
    const verdict = judge({
      job,
      attemptsBefore: jobs.filter((other) => other !== job).reduce((sum, other) => sum + countAttempts(other), 0),
      attemptsAllowed: parameters.jobDefinitionRetryAttempts,
      jobStartTimeoutSeconds: settings.jobStartTimeoutSeconds,
      lastInstanceReclaimed: job.status === 'FAILED' && mayBeReclaim(job) && await wasReclaimed(ecs, ec2, job.attempts!.at(-1)!),
      now,
    });
    if (verdict.verdict === 'FAILED') {
      const words = verdict.error === ErrorName.JOB_NEVER_STARTED ? await lastWords(ec2, payload.run.id) : '';
      raise(verdict.error, verdict.cause + words);
    }
    return { ...progress, ...outcomeOf(jobs, progress, payload.run, now), verdict: verdict.verdict, status: requireField(job.status, 'status') };
  },

  JobTimedOut: async ({ job }: BatchJobPayload) => raise(ErrorName.JOB_TIMED_OUT,
    `job ${job.jobId} is still ${job.status} at the end of the time that jobTimeout gives it`),

  StopJobs: async (payload: BatchJobPayload): Promise<BatchJobProgress> => {
    const { job: progress, compute, run } = payload;
    // without a queue nothing was ever submitted, however long ago
    if (!compute.jobQueueArn) return { ...progress, ...outcomeOf([], progress, run, new Date()), mayHaveWritten: false, stopped: true };
    const jobs = await describe(await jobsNamed(payload, jobNamePattern(payload.run)));
    const alive = jobs.filter((job) => !isTerminal(job));
    for (const { jobId } of alive) await batch.send(new TerminateJobCommand({ jobId, reason: 'the run has ended' }));
    const outcome = alive.length > 0 ? { ...progress, outcome: 'STOPPED' as const } : progress;
    // a list may not show a job that was submitted a moment ago (unconfirmed): one that lacks the job that is known is not believed, nor is a first one that knows none
    const isKnownListed = jobs.some(({ jobId }) => jobId === progress.jobId);
    const isNoneToBeListed = progress.jobId === undefined || areJobsForgotten(run, new Date());
    const complete = isKnownListed || (isNoneToBeListed && (progress.stopWait?.turn ?? 0) > 0);
    const stopped = complete && alive.length === 0;
    if (stopped) {
      for (const jobDefinition of await activeDefinitions(payload)) await batch.send(new DeregisterJobDefinitionCommand({ jobDefinition }));
    }
    return { ...progress, ...outcomeOf(jobs, outcome, run, new Date()), stopped };
  },

  JobsNotStopped: async ({ job: { jobId, jobIds = [] } }: BatchJobPayload) => {
    const ids = jobId === undefined || jobIds.includes(jobId) ? jobIds : [...jobIds, jobId];
    raise(ErrorName.JOBS_NOT_STOPPED, `jobs ${ids.join(', ')} were terminated, if Batch showed them, but are not seen FAILED or SUCCEEDED: they may still write`);
  },
});

async function jobsNamed({ compute }: BatchJobPayload, name: string): Promise<string[]> {
  const ids: string[] = [];
  const request = { jobQueue: requireField(compute.jobQueueArn, 'compute.jobQueueArn'), filters: [{ name: 'JOB_NAME', values: [name] }] };
  for await (const page of paginateListJobs({ client: batch }, request)) {
    ids.push(...requireField(page.jobSummaryList, 'jobSummaryList').map((job) => requireField(job.jobId, 'jobId')));
  }
  return ids;
}

async function describe(jobIds: string[]): Promise<JobDetail[]> {
  const jobs: JobDetail[] = [];
  for (let i = 0; i < jobIds.length; i += 100) { // DescribeJobs takes up to 100 ids (API reference)
    jobs.push(...requireField((await batch.send(new DescribeJobsCommand({ jobs: jobIds.slice(i, i + 100) }))).jobs, 'jobs'));
  }
  return jobs;
}

async function activeDefinitions({ run }: BatchJobPayload): Promise<string[]> {
  const arns: string[] = [];
  for await (const page of paginateDescribeJobDefinitions({ client: batch }, { jobDefinitionName: jobDefinitionName(run), status: 'ACTIVE' })) {
    arns.push(...requireField(page.jobDefinitions, 'jobDefinitions').map((definition) => requireField(definition.jobDefinitionArn, 'jobDefinitionArn')));
  }
  return arns;
}

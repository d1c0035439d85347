const {
  BatchClient, DeregisterJobDefinitionCommand, paginateDescribeJobDefinitions, paginateListJobs, RegisterJobDefinitionCommand, SubmitJobCommand,
  TerminateJobCommand,
} = require('@aws-sdk/client-batch');

const batch = new BatchClient({});
// the SDK would repeat a call whose answer was lost without looking for what it has made
const batchOnce = new BatchClient({ maxAttempts: 1 });

/** Everything of a run is found again by this name: a clean-up knows no more than the run's id. */
const nameOf = ({ run }, step) => `array-then-merge-${run.id}${step ? `-${step.name}` : ''}`;
const isAlive = ({ status }) => status !== 'SUCCEEDED' && status !== 'FAILED';
/** The servers evict a client that died only after some minutes, and until then its files count as open. */
const lastWritePossibleAt = () => new Date(Date.now() + 10 * 60_000).toISOString();

exports.handler = (event) => ({ WorkOn: workOn, StopAll: stopAll })[event.action](event);

/** One look: submits the step whose turn it is, once, and goes on to the next when it has succeeded. */
async function workOn(event) {
  const { steps, job } = event;
  const { step = 0 } = job;
  if (step === steps.length) return { ...job, done: true, outcome: 'SUCCEEDED', mayHaveWritten: true, lastWritePossibleAt: lastWritePossibleAt() };

  const name = nameOf(event, steps[step]);
  const listed = (await jobsOf(event)).filter(({ jobName }) => jobName === name);
  const jobId = job.jobId ?? listed[0]?.jobId ?? await submit(event, steps[step]);
  // one that a lost answer left behind, and that showed too late to be found, must not write beside it
  for (const other of listed) {
    if (other.jobId !== jobId && isAlive(other)) await batch.send(new TerminateJobCommand({ jobId: other.jobId, reason: 'submitted twice' }));
  }
  const { status, statusReason } = listed.find((each) => each.jobId === jobId) ?? {};
  if (status === 'FAILED') throw Object.assign(new Error(`job ${name} (${jobId}): ${statusReason}`), { name: 'JobFailed' });
  if (status === 'SUCCEEDED') return workOn({ ...event, job: { ...job, step: step + 1, jobId: undefined } });
  return { ...job, step, jobId, done: false };
}

/** One look: ends what lives. Safe where nothing was ever submitted, and where the document is gone. */
async function stopAll(event) {
  const { steps, compute, job } = event;
  // without a queue nothing was ever submitted
  if (!compute.jobQueueArn) return { ...job, done: true, outcome: 'STOPPED', mayHaveWritten: false, lastWritePossibleAt: lastWritePossibleAt() };

  const jobs = await jobsOf(event);
  const alive = jobs.filter(isAlive);
  // of an array job all children end with it
  for (const { jobId } of alive) await batch.send(new TerminateJobCommand({ jobId, reason: 'the run has ended' }));
  // what was submitted a moment ago may be missing in a list: one look is not believed, nor one without the job that is known
  const isComplete = job.wait.turn > 0 && (!job.jobId || jobs.some(({ jobId }) => jobId === job.jobId));
  const done = isComplete && alive.length === 0;
  if (done) {
    for (const jobDefinition of await definitionsOf(event)) await batch.send(new DeregisterJobDefinitionCommand({ jobDefinition }));
  }
  const succeeded = (step) => jobs.some(({ jobName, status }) => jobName === nameOf(event, step) && status === 'SUCCEEDED');
  return {
    ...job,
    done,
    outcome: steps.every(succeeded) ? 'SUCCEEDED' : jobs.some(({ status }) => status === 'FAILED') ? 'FAILED' : 'STOPPED',
    mayHaveWritten: true,
    lastWritePossibleAt: lastWritePossibleAt(),
    jobIds: jobs.map(({ jobId }) => jobId), // the run's output names them
  };
}

async function submit(event, { name, size, command }) {
  const [existing] = await definitionsOf(event);
  const jobDefinition = existing ?? (await batchOnce.send(new RegisterJobDefinitionCommand(definition(event)))).jobDefinitionArn;
  const { jobId } = await batchOnce.send(new SubmitJobCommand({
    jobName: nameOf(event, { name }),
    jobQueue: event.compute.jobQueueArn,
    jobDefinition,
    arrayProperties: size ? { size } : undefined,
    containerOverrides: { command },
    tags: { 'array-then-merge': event.run.id }, // the function may terminate what has it, and nothing else
  }));
  if (!jobId) throw new Error('SubmitJob answers without a jobId'); // the next try finds the job by its name
  return jobId;
}

function definition({ run, parameters, compute }) {
  return {
    jobDefinitionName: nameOf({ run }),
    type: 'container',
    platformCapabilities: ['EC2'],
    retryStrategy: {
      attempts: parameters.jobDefinitionRetryAttempts, // of each child
      // a reclaim, also where it shows as a kill of the container; without the last rule Batch would retry everything
      evaluateOnExit: [
        { onStatusReason: 'Host EC2*', action: 'RETRY' },
        { onStatusReason: 'Task failed to start*', action: 'RETRY' },
        { onExitCode: '137', action: 'RETRY' },
        { onExitCode: '143', action: 'RETRY' },
        { onReason: '*', action: 'EXIT' },
      ],
    },
    containerProperties: {
      image: parameters.jobDefinitionContainerImage,
      environment: [
        ...Object.entries(parameters.jobEnvironment).map(([name, value]) => ({ name, value })),
        { name: 'LUSTRE_PATH', value: '/lustre' },
      ],
      resourceRequirements: [
        { type: 'VCPU', value: String(parameters.jobDefinitionVcpus) },
        { type: 'MEMORY', value: String(parameters.jobDefinitionMemory) },
      ],
      // where the host shows the exported directory of this run's file system
      volumes: [{ name: 'lustre', host: { sourcePath: compute.hostPath } }],
      mountPoints: [{ sourceVolume: 'lustre', containerPath: '/lustre' }],
    },
  };
}

/** The jobs of the run; of an array job the parent only, whose status says how its children are. */
async function jobsOf(event) {
  const jobs = [];
  const request = { jobQueue: event.compute.jobQueueArn, filters: [{ name: 'JOB_NAME', values: [`${nameOf(event)}-*`] }] };
  for await (const page of paginateListJobs({ client: batch }, request)) jobs.push(...page.jobSummaryList);
  return jobs;
}

async function definitionsOf(event) {
  const arns = [];
  const request = { jobDefinitionName: nameOf(event), status: 'ACTIVE' };
  for await (const page of paginateDescribeJobDefinitions({ client: batch }, request)) {
    arns.push(...page.jobDefinitions.map(({ jobDefinitionArn }) => jobDefinitionArn));
  }
  return arns;
}

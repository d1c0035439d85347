import { Construct } from 'constructs';
import { after, before, cleanUpFailures, documentAt, markedWorkload } from './marks';
import { abort, ConformanceOptions, isBoolean, isTime, missingKeys, pipelineWith, Played, rehearse, Situations } from './rehearsal';
import { checkRendering } from './rendering';
import { IWorkload } from '../../src';

/**
 * Tries a workload: its states, and whole runs of a pipeline that has it. Whatever container it starts runs a script of the suite.
 *
 * @param create makes the workload; called several times, each time for another app
 * @returns the broken promises in plain words; empty where it conforms
 */
export async function checkWorkload(create: (scope: Construct) => IWorkload, options: ConformanceOptions = {}): Promise<string[]> {
  const seen = checkRendering((stack) => {
    const workload = create(stack);
    return {
      methods: { run: (context) => workload.run(context), stop: (context) => workload.stop(context) },
      grantTo: (machine) => workload.grantTo(machine),
    };
  });
  if (seen.length > 0) return seen; // nothing is rehearsed on such states
  return rehearse(pipelineWith((stack) => ({ workload: markedWorkload(create(stack)) })), SITUATIONS, options);
}

/** Files that a job writes in the background, one every five minutes: far more than any run should let it. */
const ENDLESS = 1000;

const SITUATIONS: Situations = {
  'work that succeeds': {
    job: async (job) => {
      job.save('one', 1000);
      await job.wait(300);
      job.save('two', 1000);
    },
    judge: (played) => {
      const { engine, run } = played;
      if (engine.models.batch.containers.length === 0) return [`run started no job in the queue at computePath.jobQueueArn: ${run.error}: ${run.cause}`];
      const ended = documentAt(run, after('run'));
      if (!ended) return [`run did not go on though its job succeeded: ${run.error}: ${run.cause}`];
      const { outcome, lastWritePossibleAt } = ended.document.job ?? {};
      const lastWrite = engine.models.fsx.fileSystem().lastWriteAt ?? 0;
      return [
        ...stateOfJob('run', ended.document.job),
        ...outcome === 'SUCCEEDED' ? [] : [`run leaves the outcome ${outcome} after a job that succeeded`],
        ...Date.parse(lastWritePossibleAt) < lastWrite ? [`lastWritePossibleAt is ${lastWritePossibleAt}, but the job wrote at ${new Date(lastWrite).toISOString()}`] : [],
        ...stopped(played),
      ];
    },
  },
  'work that fails': {
    job: (job) => job.exit(3),
    judge: (played) => [
      ...documentAt(played.run, after('run')) ? ['run goes on after its job has failed: work that fails ends in the failure path'] : [],
      ...documentAt(played.run, after('stop'))?.document.job?.outcome === 'SUCCEEDED' ? ['the outcome after stop is SUCCEEDED, but the job failed'] : [],
      ...stopped(played),
    ],
  },
  'a run that fails before its work begins': {
    faults: [{ on: 'ec2:CreateLaunchTemplate', nth: 'always', error: { name: 'InternalError' } }],
    judge: stopped,
  },
  'an execution that is stopped before its work begins, and its clean-up': {
    faults: [{ enter: before('run'), do: 'abort' }],
    executions: ['run', 'cleanUp'],
    judge: stopped,
  },
  'an execution that is stopped while its job writes, and its clean-up': {
    executions: ['run', 'cleanUp'],
    job: async (job, engine) => {
      for (let n = 0; n < ENDLESS; n++) {
        job.save(`file-${n}`, 1000);
        await job.wait(300);
        if (n === 0) abort(engine);
      }
    },
    judge: stopped,
  },
  'a job that never ends': {
    job: async (job) => {
      for (let n = 0; n < ENDLESS; n++) {
        job.save(`file-${n}`, 1000);
        await job.wait(300);
      }
    },
    judge: stopped,
  },
};

/** What has to hold after every stop. */
function stopped({ engine, run }: Played): string[] {
  const { jobs, containers } = engine.models.batch;
  const ended = documentAt(run, after('stop'));
  if (!ended) {
    const { stop: failure } = cleanUpFailures(run);
    const began = containers.length > 0 ? '' : ' where run never began';
    return [`stop fails${began}: ${failure ? `${failure.Error}: ${failure.Cause}` : `${run.error}: ${run.cause}`}`];
  }
  const writers = containers.filter(({ startedAt, endedAt }) => startedAt > ended.at || endedAt === undefined || endedAt > ended.at);
  const queued = jobs.filter(({ isOver, id }) => !isOver && !writers.some(({ jobId }) => jobId === id));
  return [
    ...stateOfJob('stop', ended.document.job),
    ...writers.map(({ jobName }) => `job ${jobName} still writes after stop`),
    ...queued.map(({ name }) => `job ${name} is still in the queue after stop, and may write any time`),
  ];
}

function stateOfJob(method: string, job: unknown): string[] {
  return missingKeys(method, job, {
    outcome: (value) => ['SUCCEEDED', 'FAILED', 'STOPPED'].includes(value), mayHaveWritten: isBoolean, lastWritePossibleAt: isTime,
  });
}

import { Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { after, before, cleanUpFailures, documentAt, markedEnvironment } from './marks';
import { abort, ConformanceOptions, isTime, missingKeys, pipelineWith, Played, rehearse, Situations } from './rehearsal';
import { checkRendering } from './rendering';
import { BatchEnvironmentContext, IBatchEnvironment } from '../../src';
import { Run } from '../engine';

/** The network of the file systems, which the instances of an environment have to be in. */
export interface ConformanceNetwork {
  readonly vpc: ec2.IVpc;
  /** Of the file systems. */
  readonly securityGroup: ec2.ISecurityGroup;
}

/**
 * Tries a batch environment: its states, and whole runs of a pipeline that has it.
 *
 * @param create makes the environment; called several times, each time for another app
 * @returns the broken promises in plain words; empty where it conforms
 */
export async function checkBatchEnvironment(
  create: (scope: Construct, network: ConformanceNetwork) => IBatchEnvironment, options: ConformanceOptions = {},
): Promise<string[]> {
  const seen = checkRendering((stack) => {
    const environment = create(stack, network(stack));
    return {
      methods: {
        reserve: (context) => environment.reserve(context),
        attach: (context) => environment.attach(context),
        detach: (context) => environment.detach(context),
      },
      grantTo: (machine) => environment.grantTo(machine),
    };
  });
  if (seen.length > 0) return seen; // nothing is rehearsed on such states
  const assembly = (render: (part: IBatchEnvironment) => IBatchEnvironment) => pipelineWith((stack) => {
    const { vpc, securityGroup } = network(stack);
    return { vpc, securityGroup, batchEnvironment: markedEnvironment(render(create(stack, { vpc, securityGroup }))), jobStartTimeout: Duration.minutes(10) };
  });
  const { only } = options;
  const once = only?.filter((name) => !(name in TWICE));
  return [
    ...once?.length === 0 ? [] : await rehearse(assembly((part) => part), situations(), { ...options, only: once }),
    ...only && !only.some((name) => name in TWICE) ? [] : await rehearse(assembly(twice), TWICE, { ...options, only: only && Object.keys(TWICE) }),
  ];
}

/** Every reserve and every detach is rendered twice, one behind the other: what has been done already must be no obstacle. */
function twice(part: IBatchEnvironment): IBatchEnvironment {
  const again = (render: (context: BatchEnvironmentContext) => sfn.IChainable) => (context: BatchEnvironmentContext) =>
    sfn.Chain.start(render(context)).next(render({ ...context, scope: new Construct(context.scope, 'Again'), statePrefix: `${context.statePrefix}Again-` }));
  return {
    preflightChecks: () => part.preflightChecks(),
    reserve: again((context) => part.reserve(context)),
    attach: (context) => part.attach(context),
    detach: again((context) => part.detach(context)),
    grantTo: (grantee) => part.grantTo(grantee),
  };
}

function network(stack: Stack): ConformanceNetwork {
  const vpc = new ec2.Vpc(stack, 'Network', { maxAzs: 1, natGateways: 0, subnetConfiguration: [{ name: 'Public', subnetType: ec2.SubnetType.PUBLIC }] });
  return { vpc, securityGroup: new ec2.SecurityGroup(stack, 'FileSystems', { vpc }) };
}

/** Longest time that reserve may take where no other run is. */
const PATIENCE_MINUTES = 10;

const TWICE: Situations = {
  'every reserve and every detach twice': {
    executions: ['run', 'run'],
    job: (job) => job.save(`file of ${job.jobId}`, 1000),
    judge: (played) => played.runs.flatMap((run) => [...reserved(run), ...attached(played, run), ...detached(played, run)]),
  },
};

/** How many states of attach have been entered when an execution is stopped half way. */
const HALF_WAY = 3;

function situations(): Situations {
  let entered: number | undefined; // states since attach began
  return {
    'two runs, one after the other': {
      executions: ['run', 'run'],
      job: async (job) => {
        job.save(`file of ${job.jobId}`, 1000);
        await job.wait(300);
      },
      judge: (played) => [
        ...played.runs.flatMap((run) => [...reserved(run), ...attached(played, run)]),
        ...played.runs.flatMap((run) => detached(played, run)),
      ],
    },
    'an execution that is stopped when reserve has ended, its clean-up, and another run': {
      faults: [{ enter: after('reserve'), do: 'abort' }],
      executions: ['run', 'cleanUp', 'run'],
      judge: (played) => [...reserved(played.run), ...attached(played, played.run), ...detached(played, played.runs[1]), ...detached(played)],
    },
    'a run that fails between reserve and attach, and another run': {
      faults: [{ task: 'CreateLustreFileSystem', nth: 1, error: { name: 'BadRequest' } }],
      executions: ['run', 'run'],
      judge: (played) => [...reserved(played.run), ...attached(played, played.run), ...played.runs.flatMap((run) => detached(played, run))],
    },
    'a run that fails before attach begins': {
      faults: [{ task: 'CreateLustreFileSystem', nth: 'always', error: { name: 'BadRequest' } }],
      judge: (played) => detached(played),
    },
    'an execution that is stopped before attach begins, and its clean-up': {
      faults: [{ enter: before('attach'), do: 'abort' }],
      executions: ['run', 'cleanUp'],
      judge: (played) => detached(played),
    },
    'an execution that is stopped half way through attach, and its clean-up': {
      onState: (state, engine) => {
        entered = state === before('attach') ? 0 : entered === undefined ? undefined : entered + 1;
        if (entered === HALF_WAY) abort(engine);
      },
      executions: ['run', 'cleanUp'],
      judge: (played) => detached(played),
    },
    'an execution that is stopped when attach has ended, and its clean-up': {
      faults: [{ enter: after('attach'), do: 'abort' }],
      executions: ['run', 'cleanUp'],
      judge: (played) => detached(played),
    },
    'an execution that is stopped while a job writes, and its clean-up': {
      switches: { idleInstances: 'keptForMinutes' },
      executions: ['run', 'cleanUp'],
      job: async (job, engine) => {
        job.save('one', 1000);
        await job.wait(60);
        abort(engine);
        await job.wait(86_400);
      },
      judge: (played) => detached(played),
    },
    'a file system that no instance can mount': {
      host: { mountFailures: Infinity },
      job: (job) => job.save('somewhere else', 1000),
      judge: (played) => [
        ...played.engine.models.batch.misplacedWrites.slice(0, 1).map(({ path }) => `a job started where the file system is not mounted, and wrote ${path} to the instance's own disk`),
        ...detached(played),
      ],
    },
  };
}

/** What has to hold after every reserve that nobody else stands in the way of. */
function reserved(run: Run): string[] {
  const began = documentAt(run, before('reserve'));
  const ended = documentAt(run, after('reserve'));
  if (!began || !ended) return [`reserve fails where no other run is: ${run.error}: ${run.cause}`];
  const minutes = Math.round((ended.at - began.at) / 60_000);
  return minutes > PATIENCE_MINUTES ? [`reserve waits for ${minutes} minutes where no other run is: detach has to give back at its end what reserve took`] : [];
}

function attached({ engine }: Played, run: Run): string[] {
  const ended = documentAt(run, after('attach'));
  if (!ended) return [`attach fails: ${run.error}: ${run.cause}`];
  const { batch } = engine.models;
  const jobs = batch.containers.filter(({ startedAt }) => startedAt > ended.at);
  return [
    ...missingKeys('attach', ended.document.compute, {
      jobQueueArn: (value) => typeof value === 'string' && /^arn:.*:job-queue\//.test(value),
      hostPath: (value) => typeof value === 'string' && value.startsWith('/'),
    }),
    ...jobs.length === 0 ? [`no job could start in the queue: ${run.error}: ${run.cause}`] : [],
    ...jobs.flatMap(({ mounts }) => mounts).filter(({ fileSystemId }) => fileSystemId === undefined)
      .slice(0, 1).map(({ hostPath }) => `a job found no file system at hostPath ${hostPath}: what it wrote is lost with its instance`),
  ];
}

/** What has to hold after every detach. */
function detached({ engine, runs, run: last }: Played, run = last): string[] {
  const ended = documentAt(run, after('detach'));
  if (!ended) {
    const { detach: failure } = cleanUpFailures(run);
    const came = (state: string) => runs.some((each) => documentAt(each, state));
    const how = came(after('attach')) ? '' : came(before('attach')) ? ' where attach got half way' : ' where attach never began';
    return [`detach fails${how}: ${failure ? `${failure.Error}: ${failure.Cause}` : `${run.error}: ${run.cause}`}`];
  }
  const { fileSystemId } = ended.document.fileSystem ?? {};
  const connections = fileSystemId === undefined ? [] : engine.models.fsx.fileSystem(fileSystemId).connections;
  const still = connections.filter(({ since }) => since <= ended.at).at(-1)?.count ?? 0;
  const { quietAt } = ended.document.compute ?? {};
  const gone = connections.filter(({ count }) => count === 0).at(-1)?.since ?? 0;
  return [
    ...still > 0 ? [`${still} instances still have the file system mounted after detach`] : [],
    ...connections.some(({ since, count }) => since > ended.at && count > 0) ? ['an instance mounts the file system after detach'] : [],
    ...quietAt !== undefined && !isTime(quietAt) ? [`quietAt is ${JSON.stringify(quietAt)}, which is not a time in ISO 8601`] : [],
    ...quietAt !== undefined && Date.parse(quietAt) < gone ? [`quietAt is ${quietAt}, but the last instance went at ${new Date(gone).toISOString()}`] : [],
  ];
}

import { Construct } from 'constructs';
import { after, before, cleanUpFailures, documentAt, markedMonitor } from './marks';
import { ConformanceOptions, isBoolean, isText, missingKeys, pipelineWith, Played, rehearse, Situations } from './rehearsal';
import { checkRendering } from './rendering';
import { IExportDrainMonitor } from '../../src';

export interface DrainMonitorOptions extends ConformanceOptions {
  /** Whether it ever says that an export is complete. One that leaves it to somebody else does not. @default true */
  readonly proves?: boolean;
}

/** The job that is seen at its end at the next look, and the instances that go then: the drain begins some 6 minutes after a job of 10 minutes. */
const JOB_SECONDS = 600;
const BACKLOG_BEGINS_LATE_MS = 440_000;
/** At 213 files a second (A5.10) they take a quarter of an hour. */
const BACKLOG_FILES = 200_000;
/** Reclaimed just before a look at the job, so that the drain begins before the client is evicted. */
const RECLAIM = { afterSeconds: 430, evictionMs: 590_000 }; // G4 says minutes: the longest that a monitor has to reckon with

/**
 * Tries a drain monitor: its states, and whole runs of a pipeline that has it.
 *
 * @param create makes the monitor; called several times, each time for another app
 * @returns the broken promises in plain words; empty where it conforms
 */
export async function checkDrainMonitor(create: (scope: Construct) => IExportDrainMonitor, options: DrainMonitorOptions = {}): Promise<string[]> {
  const seen = checkRendering((stack) => {
    const monitor = create(stack);
    return { methods: { drain: (context) => monitor.drain(context) }, grantTo: (machine) => monitor.grantTo(machine) };
  });
  if (seen.length > 0) return seen; // nothing is rehearsed on such states
  return rehearse(pipelineWith((stack) => ({ drainMonitor: markedMonitor(create(stack)) })), situations(options), options);
}

function situations({ proves = true }: DrainMonitorOptions): Situations {
  return {
    'a small export': {
      job: async (job) => {
        job.save('one', 1000);
        await job.wait(JOB_SECONDS);
        job.save('two', 1000);
      },
      judge: (played) => [
        ...verdict(played),
        ...proves && documentAt(played.run, after('drain'))?.document.export?.proven !== true ? ['everything is in the bucket, but proven is not true'] : [],
      ],
    },
    'a job that fails and leaves a backlog': {
      job: async (job) => {
        await job.wait(JOB_SECONDS);
        job.saveMany('many', BACKLOG_FILES, 1000);
        job.exit(1);
      },
      judge: verdict,
    },
    'a backlog that begins during the drain': {
      prepare: ({ models }) => models.fsx.setPace({ delayMs: BACKLOG_BEGINS_LATE_MS }),
      job: async (job) => {
        await job.wait(JOB_SECONDS);
        job.saveMany('many', BACKLOG_FILES, 1000);
      },
      judge: verdict,
    },
    'a metric without a single point': {
      prepare: ({ models }) => models.cloudWatch.mislead(() => undefined),
      job: (job) => job.saveMany('many', BACKLOG_FILES, 1000),
      judge: verdict,
    },
    'a link that is broken while the job writes': {
      job: async (job, { models }) => {
        models.fsx.misconfigureAssociation();
        await job.wait(60);
        job.save('never exported', 1000);
      },
      judge: verdict,
    },
    'an instance that is lost with an open file': {
      input: { jobDefinitionRetryAttempts: 1 },
      switches: { spotNotice: 'none' },
      prepare: ({ models }) => {
        models.batch.reclaimAt(RECLAIM.afterSeconds);
        models.fsx.durations.eviction = RECLAIM.evictionMs;
      },
      job: async (job) => {
        job.write('open', 1000);
        await job.wait(86_400);
      },
      judge: verdict,
    },
    'an execution that is stopped during the drain, and its clean-up': {
      faults: [{ enter: after('drain'), do: 'abort' }],
      executions: ['run', 'cleanUp'],
      job: (job) => job.save('one', 1000),
      judge: verdict,
    },
  };
}

/** What has to hold after every drain. */
function verdict({ engine, run }: Played): string[] {
  const began = documentAt(run, before('drain'));
  const ended = documentAt(run, after('drain'));
  const { drain: failure } = cleanUpFailures(run);
  if (!began) return [`the run never came to its drain: ${run.error}: ${run.cause}`];
  if (!ended) return failure ? [] : [`drain neither ends nor fails into the failure path: ${run.error}: ${run.cause}`];
  const { export: result } = ended.document;
  const lost = engine.models.fsx.deletions().flatMap((deletion) => deletion.lost);
  const waiting = lost.reduce((sum, { missing }) => sum + missing, 0);
  return [
    ...missingKeys('drain', result, { proven: isBoolean, reason: isText, evidence: (value) => typeof value === 'object' && value !== null }),
    ...result?.proven === true && waiting > 0 ? [`proven was true while ${waiting} files were missing from the bucket, such as ${lost[0].path}`] : [],
  ];
}

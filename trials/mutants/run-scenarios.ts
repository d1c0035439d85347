import { readFileSync } from 'fs';
import { join } from 'path';
import { Duration } from 'aws-cdk-lib/core';
import { End, Scenario } from './scenario';
import { Run } from '../../local/engine';
import { measuredCurve, MetricFaults } from '../../local/models/metric-faults';
import { BRISK, calls, Rehearsal, work } from '../../test/helpers/pipeline-run';

const MINUTE = 60_000;
const START = Date.parse('2026-11-22T15:00:00Z');
const at = (minute: number) => START + minute * MINUTE;
const long = () => work({ files: 60, seconds: 3600 });
const slow = ({ models }: Rehearsal) => models.fsx.setPace({ objectsPerSecond: 0.004 });

/** Files that a job closed. */
const closed = (count: number) => ({ rehearsal }: End) => rehearsal.closed.size >= count ? [] : [`the job closed ${rehearsal.closed.size} files, not ${count}`];
const once = (...actions: string[]) => ({ run }: End) => actions.filter((action) => calls(run, action).length !== 1)
  .map((action) => `${action} was called ${calls(run, action).length} times`);

/** The link is left as it is while its queue is not empty. */
const proofAfter = (seconds: number) => ({ run }: End) => calls(run, 'UpdateDataRepositoryAssociation')
  .filter(({ at: time }) => Date.parse(time) < START + seconds * 1000).map(({ at: time }) => `automatic export was switched off at ${time}, with a backlog`);

/** Runs that end well, whatever the facts turn out to be. */
export function runScenarios(): Scenario[] {
  return [
    {
      name: 'nothing goes wrong',
      input: BRISK,
      promised: { also: (end) => [...closed(4)(end), ...once('CreateFileSystem', 'SubmitJob', 'CreateLaunchTemplate')(end), ...reported(end)] },
    },
    { name: 'defaults', options: () => ({ job: work() }), promised: { also: closed(13) } },
    ...interruptions(),
    ...misleadingMetrics('metric ', {}),
    ...misleadingMetrics('metric only: ', { exportVerification: 'METRIC_ONLY' }),
    ...switches(),
    {
      name: 'a slow file system',
      options: () => ({ switches: { fileSystemCreation: 'halfAnHour' }, props: { lustreCreationTimeout: Duration.hours(2) } }),
      input: BRISK,
      prepare: ({ models }) => { models.fsx.durations.createAssociation = 40 * MINUTE; },
      promised: {},
    },
    {
      name: 'deleteLustre false',
      input: { ...BRISK, deleteLustre: false },
      promised: { kept: ['deleteLustre is false'], also: ({ rehearsal }) => rehearsal.missing().length ? ['not everything is exported'] : [] },
    },
    {
      name: 'two pipelines under one execution name',
      options: () => ({ others: { Other: {} } }),
      play: async (rehearsal) => {
        const [first, second] = await Promise.all(['Pipeline', 'Other'].map((pipeline) => rehearsal.run(BRISK, { pipeline, name: 'daily-2026-11-22' })));
        return first.status === 'SUCCEEDED' ? second : first;
      },
      promised: { also: ({ rehearsal }) => rehearsal.models.fsx.deletions().length === 2 ? [] : ['the two runs did not have a file system each'] },
    },
  ];
}

/** The run tells what became of its file system. */
function reported({ run }: End): string[] {
  const { fileSystem, export: exported, job } = run.output ?? {};
  return fileSystem?.deleted && exported?.proven && job?.outcome === 'SUCCEEDED' ? [] : [`the output is ${JSON.stringify(run.output)?.slice(0, 300)}`];
}

function interruptions(): Scenario[] {
  const input = { ...BRISK, jobDefinitionRetryAttempts: 3 };
  const interrupted = (count: number, options = {}) => () => ({ job: long(), interruptions: count, ...options });
  return [
    { name: 'two reclaims', options: interrupted(2), input, promised: { also: ({ run }) => run.output?.job.attempts === 3 ? [] : ['not three attempts'] } },
    { name: 'two reclaims that look like kills', options: interrupted(2, { switches: { reclaimShowsAs: 'exit137', endedInstance: 'notFound' } }), input, promised: {} },
    {
      name: 'more reclaims than attempts',
      options: interrupted(3, { switches: { reclaimShowsAs: 'exit143', endedContainerInstance: 'missing' } }),
      input,
      promised: { error: 'JobAttemptsExhausted', says: /everything on it is in s3:/, also: closed(2) },
    },
    {
      name: 'a reclaim without notice',
      options: interrupted(1, { switches: { spotNotice: 'none', openFileOfDeadClient: 'neverExported' } }),
      input,
      promised: { also: closed(61) },
    },
  ];
}

/** A backlog that goes on for half an hour when the job has ended, under a metric that says something else. */
function misleadingMetrics(prefix: string, told: object): Scenario[] {
  const options = (more = {}) => () => ({ job: work({ files: 3, seconds: 60 }), props: { drainTimeout: Duration.hours(6) }, ...more });
  const input = { ...BRISK, lambdaTimeDiffMinutes: 15, ...told };
  const misled = (name: string, fault: Parameters<Rehearsal['models']['cloudWatch']['mislead']>[0], promised = {}): Scenario => ({
    name: `${prefix}${name}`, options: options(), input: { ...BRISK, ...told }, promised, prepare: (rehearsal) => { slow(rehearsal); rehearsal.models.cloudWatch.mislead(fault); },
  });
  const curve = measuredCurve(readFileSync(join(__dirname, '..', '..', 'test', 'fixtures', 'autoexport-age-1M-10KB.csv'), 'utf8'));
  return [
    misled('late', MetricFaults.late(2 * MINUTE)),
    misled('with gaps', MetricFaults.gaps(7)),
    misled('missing for two hours', MetricFaults.missing(0, at(120))),
    misled('that starts in the backlog', MetricFaults.missing(0, at(30))),
    misled('zero once after a gap', (truth, minute) => minute < at(36) ? undefined : truth && minute < at(40) ? { ...truth, value: 0 } : truth),
    misled('that is missing after the job', MetricFaults.missing(at(25), at(50))),
    ...'exportVerification' in told ? [
      misled('never there', MetricFaults.missing(), { error: 'DrainTimedOut', kept: ['drain: DrainTimedOut'] }),
      {
        ...misled('that stopped at zero', (truth, minute) => truth && minute < at(60) ? { ...truth, value: 0 } : undefined, { error: 'DrainTimedOut', kept: ['drain: DrainTimedOut'] }),
        input: { ...BRISK, ...told, waitForCheckMetricsSeconds: 3600 },
      },
      misled('that stops', MetricFaults.missing(at(25)), { error: 'DrainTimedOut', kept: ['drain: DrainTimedOut'] }),
      {
        name: `${prefix}the link was broken while the job wrote`,
        options: () => ({ faults: [{ at: 27 * 60, do: 'associationMisconfigured' }, { at: 28 * 60, do: 'associationMended' }] }),
        input,
        promised: { error: 'ExportNotProven', kept: ['drain: ExportNotProven'] },
      } satisfies Scenario,
    ] : [misled('never there', MetricFaults.missing())],
    {
      name: `${prefix}zero over a short backlog`,
      options: options(),
      input,
      prepare: ({ models }) => { models.fsx.setPace({ objectsPerSecond: 0.01 }); models.cloudWatch.mislead(MetricFaults.zero()); },
      promised: {},
    },
    ...[1, 5, 10].map((delay): Scenario => ({
      name: `${prefix}a backlog ${delay} minutes late`,
      options: options(),
      input,
      prepare: ({ models }) => models.fsx.setPace({ delayMs: delay * MINUTE, objectsPerSecond: 0.01 }),
      promised: {},
    })),
    {
      name: `${prefix}an export of hours`,
      options: () => ({ job: (job) => job.saveMany('many', 100_000, 1000) }),
      input: { ...BRISK, ...told },
      prepare: ({ models }) => models.fsx.setPace({ objectsPerSecond: 10 }),
      promised: { also: proofAfter(9_500) },
    },
    (() => {
      let written = 0;
      return {
        name: `${prefix}the measured curve`,
        input: { ...BRISK, waitForJobCompletionSeconds: 30, ...told },
        options: () => { written = 0; return { job: async (job) => { job.saveMany('many', 1_000_000, 10_240); written = job.clock.now(); } }; },
        prepare: ({ models }) => models.cloudWatch.mislead((truth, minute) => written === 0 ? truth : MetricFaults.curve(curve, written)(truth, minute)),
        promised: { also: ({ rehearsal }) => rehearsal.models.fsx.deletions()[0]?.at > written + 109 * MINUTE ? [] : ['deleted before the curve came to its end'] },
      } satisfies Scenario;
    })(),
  ];
}

/** The facts that nobody has confirmed, each read the other way, several at a time. */
function switches(): Scenario[] {
  const readings = {
    'calls are seen late': { listJobs: 'late', definitionRevisions: 'late', createdFileSystem: 'visibleLate', newLaunchTemplate: 'visibleLate', updateShows: 'late' },
    'other error names': { modelledErrorName: 'plain', unmodelledErrorName: 'own', answerCasing: 'api', deregisterTwice: 'refused', secondDelete: 'refused' },
    'a slow environment': { idleUpdate: 'thirtyMinutes', updateWhileUpdating: 'queued', idleInstances: 'keptForMinutes', jobsDuringUpdate: 'startOnOldTemplate' },
    'another link': { associationDirectory: 'notCreated', dataSourceRole: 'deleted', associationsOfGoneFileSystem: 'notFound', logGroupArn: 'noWildcard' },
    'another metric': { firstPoint: 'tenMinutesLate', publicationLag: 'threeMinutes', backlogShows: 'afterOneMinute', firstPointOfRange: 'shuffled' },
    'another host': { packageAtBoot: 'failsTwice', consoleOutput: 'empty', environmentTags: 'replace', describedTemplateVersion: 'resolved', describedStart: 'secondBefore' },
    'another proof': { emptyExportEvents: 'refused', omittedExportPolicy: 'cleared', queueWhenDisabled: 'dropped', taskWhileAutoExport: 'accepted', queueOnUpdate: 'dropped' },
  };
  return Object.entries(readings).map(([name, each]): Scenario => ({
    name,
    options: () => ({ switches: each }),
    input: { ...BRISK, lambdaTimeDiffMinutes: 5 },
    promised: {},
  }));
}

/** A run and, after it was stopped, its clean-up. */
export async function stoppedAndCleaned(rehearsal: Rehearsal): Promise<Run> {
  const stopped = await rehearsal.run(BRISK);
  return stopped.status === 'ABORTED' ? rehearsal.cleanUp(stopped) : stopped;
}

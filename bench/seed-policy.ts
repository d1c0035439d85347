import { mkdtempSync, readFileSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { App, Stack } from 'aws-cdk-lib/core';
import Table from 'cli-table3';
import { SeedEnvironment, SeedMonitor } from './seed-monitor';
import { audit } from '../local/auditor';
import { LocalEngine } from '../local/engine';
import { measuredCurve, MetricFaults } from '../local/models/metric-faults';
import { JobImage, LustreAutoExportPipeline, LustreAutoExportPipelineProps } from '../src';

const FILES = 1_000_000;
const FILE_SIZE = 10_240;
const MINUTE = 60_000;
const CURVE = join(__dirname, '..', 'test', 'fixtures', 'autoexport-age-1M-10KB.csv');

/** The document's defaults; a job whose end is seen within half a minute, while the metric still reads zero. */
const INPUT = { waitForJobCompletionSeconds: 30, waitForCheckMetricsSeconds: 60, lambdaPeriodSeconds: 60, lambdaTimeDiffMinutes: 15 };

/** What became of a million files. Minutes are counted from the moment at which the job had written them. */
export interface PolicyResult {
  readonly policy: string;
  readonly status: string;
  readonly lost: number;
  /** What the auditor says of it. */
  readonly caught: string[];
  readonly deletedAtMinute?: number;
  /** The newest reading of the metric at that minute, and the highest that came after it. */
  readonly ageThen?: number;
  readonly highestAfterwards?: number;
  /** When automatic export was switched off, because its queue was shown to be empty. */
  readonly queueEmptyAtMinute?: number;
  /** Files that waited for their export, minute by minute until the deletion. */
  readonly waiting: number[];
}

type Props = (stack: Stack) => LustreAutoExportPipelineProps;

/** Each in a world of its own, on the measured curve. */
const POLICIES: { readonly [name: string]: Props } = {
  'the document\'s: all zero for 15 minutes': (stack) => ({ ...seedEnvironment(stack), drainMonitor: new SeedMonitor(stack, 'SeedMonitor') }),
  'ours, in the place of the document\'s': (stack) => seedEnvironment(stack),
  'ours, as it ships': () => ({}),
};

function seedEnvironment(stack: Stack): LustreAutoExportPipelineProps {
  const batchEnvironment = new SeedEnvironment(stack, 'SeedEnvironment');
  return { batchEnvironment, vpc: batchEnvironment.vpc, securityGroup: batchEnvironment.securityGroup };
}

async function runOn(curve: number[], policy: string, props: Props): Promise<PolicyResult> {
  const directory = mkdtempSync(join(tmpdir(), 'seed-policy-'));
  try {
    const app = new App({ outdir: directory });
    const stack = new Stack(app, 'Stack');
    new LustreAutoExportPipeline(stack, 'Pipeline', { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'), ...props(stack) });
    app.synth();
    let written = 0;
    const engine = new LocalEngine({
      template: directory,
      switches: { idleInstances: 'keptForMinutes' }, // as the document: nobody waits for the instances, and Batch keeps idle ones for some minutes
      job: async (job) => {
        job.saveMany('many', FILES, FILE_SIZE);
        written = job.clock.now();
        look();
      },
    });
    const waiting: number[] = [];
    const look = () => {
      if (engine.models.fsx.deletions().length > 0) return;
      waiting.push(engine.models.fsx.progress().waiting);
      engine.clock.after(MINUTE, look);
    };
    engine.models.cloudWatch.mislead((truth, minute) => written === 0 ? truth : MetricFaults.curve(curve, written)(truth, minute));
    const run = await engine.execute(undefined, INPUT);
    const { fsx } = engine.models;
    const [deletion] = fsx.deletions();
    const minuteOf = (time: number | undefined) => time && (time - written) / MINUTE;
    const switchOff = run.history.find(({ type, state }) => type === 'StateEntered' && state === 'SwitchOffAutomaticExport');
    const minute = minuteOf(deletion?.at);
    return {
      policy,
      status: run.error ?? run.status,
      lost: deletion?.lost.reduce((sum, { missing }) => sum + missing, 0) ?? 0,
      caught: audit({ fsx, runs: [run] }).filter(({ invariant }) => invariant === 'I1').map(({ invariant, says }) => `${invariant} ${says}`),
      deletedAtMinute: minute,
      ageThen: minute === undefined ? undefined : curve[Math.min(Math.floor(minute), curve.length - 1)],
      highestAfterwards: minute === undefined ? undefined : Math.max(0, ...curve.slice(Math.floor(minute))),
      queueEmptyAtMinute: minuteOf(switchOff && Date.parse(switchOff.time!)),
      waiting,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The age of the queue as it was measured, minute by minute. */
export const readCurve = (): number[] => measuredCurve(readFileSync(CURVE, 'utf8'));

/** Every policy on the same curve. */
export async function comparePolicies(): Promise<PolicyResult[]> {
  const curve = readCurve();
  const results: PolicyResult[] = [];
  for (const [policy, props] of Object.entries(POLICIES)) results.push(await runOn(curve, policy, props));
  return results;
}

/** The document's is caught losing files, ours loses none and comes to an end. */
export function isAsPromised([theirs, ...ours]: PolicyResult[]): boolean {
  return theirs.lost > 0 && theirs.caught.length > 0
    && ours.every(({ lost, caught, deletedAtMinute, status }) => status === 'SUCCEEDED' && lost === 0 && caught.length === 0 && deletedAtMinute !== undefined);
}

async function main(): Promise<number> {
  const results = await comparePolicies();
  const table = new Table({ head: ['policy', 'files lost', 'deleted at minute', 'metric then', 'highest later'], style: { head: [], border: [] } });
  for (const { policy, lost, deletedAtMinute, ageThen, highestAfterwards } of results) {
    table.push([policy, lost.toLocaleString('en'), deletedAtMinute?.toFixed(1) ?? 'kept', `${ageThen ?? '-'} s`, `${highestAfterwards ?? '-'} s`]);
  }
  process.stdout.write(`${FILES.toLocaleString('en')} files of 10 KB, and the age of their export queue as it was measured (test/fixtures)\n${table}\n`);
  for (const { policy, caught } of results) for (const says of caught) process.stdout.write(`the auditor, of ${policy}:\n  ${says}\n`);
  const good = isAsPromised(results);
  if (!good) process.stdout.write(`not as promised: ${results.map(({ policy, status }) => `${policy}: ${status}`).join('; ')}\n`);
  return good ? 0 : 1;
}

if (require.main === module) {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  main().then((status) => process.exit(status), (error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  });
}

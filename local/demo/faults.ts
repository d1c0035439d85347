import type { AppSettings } from './app';
import type { LocalEngine } from '../engine';
import type { Fault } from '../faults';
import { MetricFaults } from '../models/metric-faults';
import type { Switches } from '../world';

/** Something that happens at a moment of the run. */
export interface Trigger {
  /** A state is entered for the n-th time (1 unless told), or left; or the job has closed that share of its files. */
  readonly when: { readonly enters: string; readonly visit?: number } | { readonly leaves: string } | { readonly written: number };
  /** Shown when it happens. */
  readonly says: string;
  readonly act: (engine: LocalEngine) => void;
}

/** How the run and its file system end. */
export interface PromisedEnd {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  readonly error?: string;
  readonly fileSystem: 'deleted' | 'kept';
  /** The end of the file system is the work of an execution that the cleaner has started. */
  readonly cleanedUpFromOutside?: boolean;
  /** Files that cannot get into S3. @default 0 */
  readonly notExported?: number;
}

/** One thing that goes wrong, and the end that the product promises for it. */
export interface DemoFault {
  readonly name: string;
  /** What happens. */
  readonly says: string;
  /** The end, in words. */
  readonly promise: string;
  readonly expected: PromisedEnd;
  readonly app?: AppSettings;
  readonly input?: Record<string, unknown>;
  /** Options of the job's program; a share stands for so many of its files. */
  readonly job?: readonly (string | { readonly shareOfFiles: number })[];
  readonly switches?: Switches;
  readonly faults?: readonly Fault[];
  readonly triggers?: readonly Trigger[];
  /** How long, in the world's time, the automatic export of all files takes. @default 1800 */
  readonly exportSeconds?: number;
}

const RATE_EXCEEDED = { name: 'ThrottlingException', message: 'Rate exceeded' };
const KEPT = 'the run fails and names it, the file system is kept and tagged';

const each = (calls: readonly string[], fault: object) => calls.map((on) => ({ on, ...fault } as Fault));

export const FAULTS: readonly DemoFault[] = [
  {
    name: 'unexportable-name',
    says: 'The job writes a file whose path is longer than the 1,024 bytes that S3 allows for a key.',
    promise: `Automatic export drops it without a word, the export task finds it: ${KEPT}; the file is named, with the way to mend it.`,
    expected: { status: 'FAILED', error: 'FilesNotExported', fileSystem: 'kept', notExported: 1 },
    job: ['--long-name'],
  },
  {
    name: 'association-breaks',
    says: 'While files wait for their export somebody changes the bucket\'s policy: the link is MISCONFIGURED from then on, for ever.',
    promise: `It is waited for, since most of these mend; then ${KEPT}.`,
    expected: { status: 'FAILED', error: 'AssociationMisconfigured', fileSystem: 'kept' },
    exportSeconds: 3600,
    triggers: [{ when: { enters: 'CheckMetrics', visit: 3 }, says: 'the link to the bucket breaks', act: ({ models }) => models.fsx.misconfigureAssociation() }],
  },
  {
    name: 'association-breaks-unseen',
    says: 'The link breaks and is mended while the job writes and nobody looks: no queue has ever heard of the files of that time.',
    promise: 'The export task finds and exports each of them; the run succeeds.',
    expected: { status: 'SUCCEEDED', fileSystem: 'deleted' },
    triggers: [
      { when: { written: 0.2 }, says: 'the link to the bucket breaks', act: ({ models }) => models.fsx.misconfigureAssociation() },
      { when: { written: 0.6 }, says: 'the link is mended', act: mendAtOnce },
    ],
  },
  {
    name: 'abort-in-drain',
    says: 'Somebody stops the execution (StopExecution) while files wait for their export.',
    promise: 'The cleaner starts a clean-up from outside: it exports what is left, proves it and deletes the file system.',
    expected: { status: 'ABORTED', fileSystem: 'deleted', cleanedUpFromOutside: true },
    faults: [{ enter: 'WaitForExport', nth: 3, do: 'abort' }],
  },
  {
    name: 'job-fails',
    says: 'The job gives up after half of its files, with exit code 3.',
    promise: 'What it has written is exported and proven to be in S3, the file system is deleted; the run fails and says why.',
    expected: { status: 'FAILED', error: 'JobFailed', fileSystem: 'deleted' },
    job: ['--fail-after', { shareOfFiles: 0.5 }],
  },
  {
    name: 'keep-on-failure',
    says: 'The job gives up after half of its files; the run was started with failurePolicy KEEP.',
    promise: 'The file system is kept as it is, still exporting, and tagged; the run says how to mount, export and delete it.',
    expected: { status: 'FAILED', error: 'JobFailed', fileSystem: 'kept' },
    job: ['--fail-after', { shareOfFiles: 0.5 }],
    input: { failurePolicy: 'KEEP' },
  },
  {
    name: 'no-capacity',
    says: 'EC2 has no instance to give; the app lets the job wait for 10 minutes only (jobStartTimeout).',
    promise: 'The run fails and says that nothing came up. Nothing was written: the file system is deleted at once.',
    expected: { status: 'FAILED', error: 'JobNeverStarted', fileSystem: 'deleted' },
    app: { jobStartTimeoutMinutes: 10 },
    faults: [{ at: 1, do: 'noCapacity' }],
  },
  {
    name: 'throttling',
    says: 'AWS throttles: the first three tries of each of ten calls of the workflow end with ThrottlingException.',
    promise: 'They are tried again; the run succeeds.',
    expected: { status: 'SUCCEEDED', fileSystem: 'deleted' },
    faults: each(['fsx:CreateFileSystem', 'fsx:DescribeFileSystems', 'fsx:CreateDataRepositoryTask', 'fsx:DeleteFileSystem', 'batch:SubmitJob',
      'batch:DescribeJobs', 'batch:UpdateComputeEnvironment', 'ec2:CreateLaunchTemplate', 'cloudwatch:GetMetricStatistics', 'dynamodb:PutItem'],
    { nth: [1, 3], error: RATE_EXCEEDED }),
  },
  {
    name: 'lost-answers',
    says: 'Each call that creates or deletes something works, but the answer to its first try is lost on the way.',
    promise: 'What was made is found again, and nothing is made twice; the run succeeds.',
    expected: { status: 'SUCCEEDED', fileSystem: 'deleted' },
    faults: each(['fsx:CreateFileSystem', 'fsx:CreateDataRepositoryAssociation', 'fsx:UpdateDataRepositoryAssociation', 'fsx:CreateDataRepositoryTask',
      'fsx:DeleteFileSystem', 'batch:UpdateComputeEnvironment', 'batch:RegisterJobDefinition', 'batch:SubmitJob', 'ec2:CreateLaunchTemplate',
      'ec2:DeleteLaunchTemplate'], { loseAnswer: true }),
  },
  {
    name: 'metric-missing',
    says: 'CloudWatch never has a data point of the export queue.',
    promise: 'The metric is waited for, then the export task proves every file without it; the run succeeds.',
    expected: { status: 'SUCCEEDED', fileSystem: 'deleted' },
    triggers: [{ when: { enters: 'PrepareRun' }, says: 'the metric has no data points', act: ({ models }) => models.cloudWatch.mislead(MetricFaults.missing()) }],
  },
  {
    name: 'metric-lies',
    says: 'The metric of the export queue says 0 all the time, while thousands of files wait for their export.',
    promise: 'A zero alone deletes nothing: the export task exports what waits and proves it; the run succeeds.',
    expected: { status: 'SUCCEEDED', fileSystem: 'deleted' },
    exportSeconds: 7200,
    triggers: [{ when: { enters: 'PrepareRun' }, says: 'the metric reads 0, whatever waits', act: ({ models }) => models.cloudWatch.mislead(MetricFaults.zero()) }],
  },
  {
    name: 'task-canceled',
    says: 'Somebody cancels the export task that is to prove the export.',
    promise: 'A canceled task proves nothing: another one is started after a pause; the run succeeds.',
    expected: { status: 'SUCCEEDED', fileSystem: 'deleted' },
    triggers: [{ when: { leaves: 'StartExportTask' }, says: 'somebody cancels the export task', act: ({ models }) => models.fsx.cancelTask() }],
  },
  {
    name: 'switch-off-refused',
    says: 'FSx refuses to switch automatic export off, in either form of the request (nobody has confirmed which one it accepts).',
    promise: `An export task cannot prove anything then: ${KEPT}, with the setting that avoids it.`,
    expected: { status: 'FAILED', error: 'AutoExportNotSwitchedOff', fileSystem: 'kept' },
    switches: { emptyExportEvents: 'refused', omittedExportPolicy: 'unchanged' },
  },
];

/** An update makes FSx look again at once. */
function mendAtOnce({ models: { fsx } }: LocalEngine): void {
  fsx.mendAssociation();
  fsx.call('UpdateDataRepositoryAssociation', { AssociationId: fsx.association().settings.id });
}

/** Options of the job's program. */
export function jobOptions({ files, seed, fault }: { files: number; seed: number; fault?: DemoFault }): string[] {
  const more = fault?.job?.map((word) => typeof word === 'string' ? word : String(Math.round(word.shareOfFiles * files))) ?? [];
  return ['--files', String(files), '--seed', String(seed), ...more];
}

/** The known name that somebody may have meant: the one that shares most pairs of letters with it. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const pairs = (text: string) => [...text.toLowerCase()].slice(1).map((letter, i) => text[i].toLowerCase() + letter);
  const likeness = (one: string) => pairs(one).filter((pair) => pairs(name).includes(pair)).length / Math.max(pairs(one).length, pairs(name).length, 1);
  const [best] = [...known].sort((a, b) => likeness(b) - likeness(a));
  return best !== undefined && likeness(best) >= 0.4 ? best : undefined;
}

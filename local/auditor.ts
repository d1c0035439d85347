import type { RecordedCall } from './api';

/**
 * Checks the invariants of DESIGN §8 against what the models know to be true, never against what the workflow says of itself.
 * The models are described by what is needed of them, so that a test can audit a world of its own.
 */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I8' | 'I9';
  readonly says: string;
}

type Tags = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

interface Left {
  readonly name: string;
  readonly tags: Tags;
}

interface Link {
  readonly lifecycle: string;
  /** Whether it exports by itself. */
  readonly exporting: boolean;
}

interface LostFile {
  readonly path: string;
  readonly size: number;
  readonly missing: number;
}

/** One execution, as the engine saw it. */
export interface AuditedRun {
  readonly executionArn: string;
  /** RUNNING, SUCCEEDED, FAILED, ABORTED or TIMED_OUT. */
  readonly status: string;
  readonly error?: string;
  readonly cause?: string;
  /** Outputs and causes of it and of its clean-ups, in the order in which they ended. */
  readonly reports?: readonly unknown[];
  readonly historyEventCount?: number;
  /** When the proof of the export began, in milliseconds since 1970. */
  readonly proofStartedAt?: number;
  /** The user's policy allows that what is not in S3 vanishes. */
  readonly mayLose?: boolean;
}

export interface Audited {
  readonly fsx: {
    living(): { readonly id: string; readonly lifecycle: string; readonly tags: Tags; readonly associations?: Link[] }[];
    deletions(): { readonly fileSystemId: string; readonly tags: Tags; readonly lost: LostFile[]; readonly lastWriteAt?: number }[];
  };
  readonly runs: AuditedRun[];
  /** Launch templates that exist. */
  readonly launchTemplates?: Left[];
  /** Job definitions that are ACTIVE. */
  readonly jobDefinitions?: Left[];
  /** Jobs that have not ended. */
  readonly liveJobs?: Left[];
  /** Items of the tables that runs lock things in. Each names the executions that it is held by. */
  readonly locks?: { readonly table: string; readonly item: unknown }[];
  /** Names of the service-linked roles that exist. */
  readonly serviceLinkedRoles?: string[];
  /** What jobs wrote and where it went; `fileSystemId` is undefined for anything that is no Lustre file system. */
  readonly jobWrites?: { readonly jobId: string; readonly path: string; readonly fileSystemId?: string; readonly ownFileSystemId?: string }[];
}

/** Tags of a run's resources. They are public API, and typed here once more because the engine imports nothing of the product. */
const RUN_TAG = 'cdk-lustre-auto-export:run-id';
const EXECUTION_TAG = 'cdk-lustre-auto-export:execution-arn';
const KEPT_TAG = 'cdk-lustre-auto-export:kept';
const AUTOMATIC_EXPORT_TAG = 'cdk-lustre-auto-export:automatic-export';

const MAX_EVENTS = 15_000;
const DATA_SOURCE_ROLE = 'AWSServiceRoleForFSxS3Access_'; // A4.11

export function audit(world: Audited): Violation[] {
  return [
    ...nothingLost(world),
    ...nothingLeft(world),
    ...runsEndWithCause(world),
    ...historiesAreShort(world),
    ...jobsWriteAtHome(world),
    ...noWriterInProof(world),
  ];
}

function runOf(world: Audited, tags: Tags): AuditedRun | undefined {
  const arn = tag(tags, EXECUTION_TAG);
  return world.runs.find(({ executionArn }) => executionArn === arn);
}

/** I1: no file system is deleted while a file on it is not in S3, unless the run's policy said so. */
function nothingLost(world: Audited): Violation[] {
  return world.fsx.deletions().filter(({ lost, tags }) => lost.length > 0 && !runOf(world, tags)?.mayLose).map(({ fileSystemId, lost }) => {
    const count = lost.reduce((sum, { missing }) => sum + missing, 0);
    const examples = lost.slice(0, 3).map(({ path, size }) => `${path} (${size} bytes)`).join(', ');
    return { invariant: 'I1', says: `${fileSystemId} was deleted with ${count} files that were not in S3: ${examples}` };
  });
}

/** A cause says it in words, an output in its fields. */
const saysKept = (id: string) => new RegExp(`${id} is KEPT|"id":"${id}"[^{}]*"deleted":false[^{}]*"kept":"`);

/** I2: nothing is left of an ended run, but a file system that is tagged as kept and named in the run's report. */
function nothingLeft(world: Audited): Violation[] {
  const living = (run: string | undefined) => world.runs.some(({ executionArn, status }) => executionArn === run && status === 'RUNNING');
  const ended = ({ tags }: { tags: Tags }) => !living(tag(tags, EXECUTION_TAG));
  const fileSystems = world.fsx.living().filter(ended).filter(({ lifecycle }) => lifecycle !== 'DELETING').flatMap((each): string[] => {
    if (tag(each.tags, KEPT_TAG) === undefined) return [`file system ${each.id} is left and not tagged as kept`];
    const last = runOf(world, each.tags)?.reports?.map((report) => JSON.stringify(report) ?? '').filter((report) => report.includes(each.id)).at(-1);
    const link = each.associations?.find(({ lifecycle }) => lifecycle === 'AVAILABLE');
    return [
      ...saysKept(each.id).test(last ?? '') ? [] : [`file system ${each.id} is kept, but the last report of its run does not say so: ${last}`],
      ...tag(each.tags, AUTOMATIC_EXPORT_TAG) === 'ON' && link?.exporting === false ? [`file system ${each.id} is tagged as exporting by itself, but does not`] : [],
    ];
  });
  const ofRun = (kind: string, left: Left[] = []) => left.filter(ended)
    .filter(({ tags }) => tag(tags, RUN_TAG) !== undefined && tag(tags, KEPT_TAG) === undefined).map(({ name }) => `${kind} ${name} is left`);
  const roles = (world.serviceLinkedRoles ?? []).filter((name) => name.startsWith(DATA_SOURCE_ROLE))
    .filter((name) => !world.fsx.living().some(({ id }) => name === `${DATA_SOURCE_ROLE}${id}`)).map((name) => `service-linked role ${name} is left`);
  const held = (item: unknown) => world.runs.some(({ executionArn, status }) => status === 'RUNNING' && JSON.stringify(item).includes(executionArn));
  const locks = (world.locks ?? []).filter(({ item }) => !held(item)).map(({ table, item }) => `lock ${JSON.stringify(item)} is left in ${table}`);
  const all = [
    ...fileSystems,
    ...locks,
    ...ofRun('launch template', world.launchTemplates),
    ...ofRun('job definition', world.jobDefinitions),
    ...ofRun('job', world.liveJobs),
    ...roles,
  ];
  return all.map((says) => ({ invariant: 'I2', says }));
}

/** What an execution, or a function's runtime, calls an error that nobody has named. */
const NO_NAMES = /^(States\.Runtime|(Type|Range|Reference|Syntax)?Error)$/;

/** I3: every run ends. I4: a failed run names its first cause. */
function runsEndWithCause({ runs }: Audited): Violation[] {
  return runs.flatMap(({ executionArn, status, error, cause }): Violation[] => {
    if (status === 'RUNNING') return [{ invariant: 'I3', says: `${executionArn} has not ended` }];
    // a run that was stopped or timed out from outside has its status for a name
    const nameless = status === 'FAILED' && (!error || NO_NAMES.test(error) || !cause);
    return nameless ? [{ invariant: 'I4', says: `${executionArn} ended ${status} without a cause of its own: ${error}: ${cause}` }] : [];
  });
}

/** I5. */
function historiesAreShort({ runs }: Audited): Violation[] {
  return runs.filter(({ historyEventCount = 0 }) => historyEventCount >= MAX_EVENTS)
    .map(({ executionArn, historyEventCount }) => ({ invariant: 'I5', says: `${executionArn} has ${historyEventCount} events` }));
}

/** I8: no job writes to a directory that is not on its own run's file system. */
function jobsWriteAtHome({ jobWrites = [] }: Audited): Violation[] {
  return jobWrites.filter(({ fileSystemId, ownFileSystemId }) => fileSystemId === undefined || fileSystemId !== ownFileSystemId)
    .map(({ jobId, path, fileSystemId }) => ({ invariant: 'I8', says: `job ${jobId} wrote ${path} to ${fileSystemId ?? 'no file system of ours'}` }));
}

/** When the last proof of a file system began: its last export task was created. Nothing that a run says is asked. */
export function proofStart(calls: readonly RecordedCall[], fileSystemId: string): number | undefined {
  const created = calls.filter(({ action, input, error, answerLost }) => action === 'CreateDataRepositoryTask'
    && input.FileSystemId === fileSystemId && input.Type === 'EXPORT_TO_REPOSITORY' && (!error || answerLost));
  return created.length === 0 ? undefined : Date.parse(created[created.length - 1].at);
}

/** I9: between the start of the proof and the delete nobody writes. */
function noWriterInProof(world: Audited): Violation[] {
  return world.fsx.deletions().flatMap(({ fileSystemId, tags, lastWriteAt }): Violation[] => {
    const proof = runOf(world, tags)?.proofStartedAt;
    if (proof === undefined || lastWriteAt === undefined || lastWriteAt <= proof) return [];
    return [{ invariant: 'I9', says: `${fileSystemId} was written to at ${new Date(lastWriteAt).toISOString()}, after its proof began` }];
  });
}

function tag(tags: Tags, key: string): string | undefined {
  return tags instanceof Map ? tags.get(key) : (tags as Record<string, string>)[key];
}

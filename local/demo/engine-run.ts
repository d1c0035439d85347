import { existsSync } from 'fs';
import { join } from 'path';
import { LocalEngine, Run } from '../engine';
import { synthesizeDemo } from './app';
import { Entry, filesIn } from './comparison';
import { DemoListener, DemoOptions, DemoResult, DemoRun, EndedExecution } from './demo-run';
import { jobOptions } from './faults';
import { JOB_PROGRAM, JobAttempt, JobWatcher, processJob } from './job-process';
import { decisionsOf, newest, Observer } from './observer';
import { Triggers } from './triggers';
import { DirectoryFiles } from '../models/directory-files';

/** How many times faster than real time the demo's world goes. */
export const SCALE = 120;
/** Of the world's time: the export goes on when the job has ended. */
const EXPORT_SECONDS = 1800;
/** A file this large takes the job so long that a SIGKILL hits it in the middle. */
const LARGE = 200_000;
/** Where reports of export tasks lie, beside the exported files. */
const REPORTS = '.lustre-auto-export/';
const ENDED = /^Execution(Succeeded|Failed|Aborted|TimedOut)$/;
const SCAN_EVERY_MS = 20_000; // of the world's time
/** So long after the end of an execution, whatever it has set going outside has begun. */
const OUTSIDE_SECONDS = 60;

/** The synthesized app in the local engine, with real processes and files. */
export const engineRun: DemoRun = async (options, listener) => {
  const { files, seed, fault, workDirectory } = options;
  const watcher = new JobWatcher();
  const places = new Places(workDirectory);
  const triggers: Triggers = new Triggers(() => engine, fault?.triggers, files, listener);
  let first: string | undefined;
  const engine: LocalEngine = new LocalEngine({
    template: synthesizeDemo(join(workDirectory, 'cdk.out'), fault?.app).directory,
    clock: { scale: SCALE },
    seed,
    job: processJob(JOB_PROGRAM, watcher),
    fsx: { files: () => new DirectoryFiles(places.newFileSystem()), scanEveryMs: SCAN_EVERY_MS },
    bucketDirectory: (bucket) => places.bucket(bucket),
    switches: fault?.switches,
    faults: fault?.faults,
    events: fault !== undefined,
    onEvent: (event, executionArn) => {
      first ??= executionArn;
      const [isCleanUp, time, end] = [executionArn !== first, Date.parse(event.time), ENDED.exec(event.type)];
      if (event.type === 'StateEntered') listener({ kind: 'state', name: event.state, isCleanUp }, time);
      if (end) listener({ kind: 'ended', isCleanUp, how: [end[1].toUpperCase(), event.error].filter(Boolean).join(' ') }, time);
      triggers.passed(event);
    },
  });
  const { ecr, fsx } = engine.models;
  for (const { physicalId } of engine.template.ofType('AWS::ECR::Repository')) ecr.push(physicalId, 'latest'); // the user's part: an image
  fsx.setPace({ objectsPerSecond: (files + 100) / (fault?.exportSeconds ?? EXPORT_SECONDS) }); // directories and checkpoints are objects, too
  const strike = interruptions(engine, watcher, options, listener);
  watcher.onLine = (attempt) => {
    triggers.written(watcher.closed.size, engine.clock.now());
    strike(attempt);
  };

  const observer = new Observer(engine, watcher, listener);
  try {
    const jobCommand = ['node', 'job.mjs', ...jobOptions(options)];
    const run = await engine.execute(undefined, { jobCommand, ...fault?.input });
    if (fault) await outside(engine);
    observer.look();
    return {
      ...ended(run),
      cleanUps: engine.runs.filter(({ executionArn }) => executionArn !== run.executionArn).map(ended),
      decisions: decisionsOf(engine),
      scale: SCALE,
      closed: watcher.closed,
      kills: watcher.kills,
      ...await whatIsThere(engine, places),
    };
  } finally {
    observer.stop();
  }
};

/** Directories that stand for S3 and Lustre. */
class Places {
  private fileSystems = 0;

  constructor(private readonly root: string) {}

  bucket(name: string): string {
    return join(this.root, 's3', name);
  }

  newFileSystem(): string {
    return join(this.root, 'lustre', String(++this.fileSystems));
  }
}

/** Reclaims the job's instance so many times, each time while a large file is half written. To be asked after each line of the job. */
function interruptions({ models, clock }: LocalEngine, watcher: JobWatcher, options: DemoOptions, listener: DemoListener): (attempt: JobAttempt) => void {
  const { files, interruptions: wanted } = options;
  const reclaimed = new Set<number>();
  watcher.onStart = ({ number, instanceId }) => listener({ kind: 'attempt', attempt: number, instanceId }, clock.now());
  watcher.onEnd = ({ number }, how, note) => {
    const reading = reclaimed.has(number) ? 'SPOT reclaim' : how === 'succeeded' ? 'succeeded' : 'failed';
    listener({ kind: 'attempt ended', attempt: number, how: reading, note }, clock.now());
  };
  const strike = ({ number, instanceId }: JobAttempt) => {
    const { writing, closed } = watcher;
    const due = (files * (reclaimed.size + 1)) / (wanted + 1);
    const large = writing?.begun && (writing.size >= LARGE || closed.size >= due + files * 0.1);
    if (reclaimed.size === wanted || reclaimed.has(number) || closed.size < due || !large) return;
    reclaimed.add(number);
    models.batch.reclaim(instanceId, { notice: false });
  };
  // later, when all lines that have arrived are read: the last one says what is being written now
  return (attempt) => setImmediate(() => strike(attempt));
}

/** Waits for what comes after the end of the execution: the cleaner's look at it, and the clean-ups that it starts. */
async function outside(engine: LocalEngine): Promise<void> {
  const { executions } = engine.models.stepFunctions;
  const running = () => [...executions.values()].filter(({ status }) => status === 'RUNNING');
  do {
    await Promise.all(running().map(({ executionArn }) => engine.end(executionArn)));
    await engine.pass(OUTSIDE_SECONDS);
  } while (running().length > 0);
}

function ended({ executionArn, status, error, cause, history }: Run): EndedExecution {
  const report = history.filter(({ type, state, answer }) => type === 'Task' && state === 'SummarizeRun' && answer).pop()?.answer;
  return { name: executionArn.split(':').pop()!, status, error, cause, report, definition: history[0].definition, history };
}

/** From the directories themselves. */
async function whatIsThere(engine: LocalEngine, places: Places): Promise<Pick<DemoResult, 'inBucket' | 'onFileSystem' | 'fileSystem'>> {
  const fileSystem = newest(engine);
  const association = fileSystem?.associations[0];
  const directory = fileSystem?.files.directory;
  if (!association || !directory) return { inBucket: [], onFileSystem: [], fileSystem: fileSystem && !fileSystem.gone ? 'kept' : 'none' };
  const { dataRepositoryPath, fileSystemPath } = association.settings;
  const [bucket, ...prefix] = dataRepositoryPath.replace('s3://', '').split('/');
  const below = (place: string): Promise<Entry[]> => filesIn(place.replace(/\/+$/, ''));
  return {
    inBucket: (await below(join(places.bucket(bucket), ...prefix))).filter(({ path }) => !path.startsWith(REPORTS)),
    onFileSystem: await below(join(directory, fileSystemPath)),
    fileSystem: fileSystem.gone && !existsSync(directory) ? 'deleted' : 'kept',
  };
}

import { existsSync } from 'fs';
import { join } from 'path';
import { LocalEngine } from '../engine';
import { synthesizeDemo } from './app';
import { Entry, filesIn } from './comparison';
import { DemoListener, DemoOptions, DemoResult, DemoRun } from './demo-run';
import { JOB_PROGRAM, JobAttempt, JobWatcher, processJob } from './job-process';
import { DirectoryFiles } from '../models/directory-files';

/** How many times faster than real time the demo's world goes. */
export const SCALE = 120;
/** Of the world's time: the export goes on when the job has ended. */
const EXPORT_SECONDS = 1800;
/** A file this large takes the job so long that a SIGKILL hits it in the middle. */
const LARGE = 200_000;
const LOOK_EVERY_MS = 200;
const SCAN_EVERY_MS = 20_000; // of the world's time
const MINUTE = 60_000;

/** The synthesized app in the local engine, with real processes and files. */
export const engineRun: DemoRun = async (options, listener) => {
  const { files, seed, workDirectory } = options;
  const watcher = new JobWatcher();
  const places = new Places(workDirectory);
  const engine = new LocalEngine({
    template: synthesizeDemo(join(workDirectory, 'cdk.out')).directory,
    clock: { scale: SCALE },
    seed,
    job: processJob(JOB_PROGRAM, watcher),
    fsx: { files: () => new DirectoryFiles(places.newFileSystem()), scanEveryMs: SCAN_EVERY_MS },
    bucketDirectory: (bucket) => places.bucket(bucket),
    onEvent: (event) => event.type === 'StateEntered' && listener({ kind: 'state', name: event.state }, Date.parse(event.time)),
  });
  const { ecr, fsx } = engine.models;
  for (const { physicalId } of engine.template.ofType('AWS::ECR::Repository')) ecr.push(physicalId, 'latest'); // the user's part: an image
  fsx.setPace({ objectsPerSecond: (files + 100) / EXPORT_SECONDS }); // directories and checkpoints are objects, too
  interrupt(engine, watcher, options, listener);

  const observer = new Observer(engine, watcher, listener);
  try {
    const jobCommand = ['node', 'job.mjs', '--files', String(files), '--seed', String(seed)];
    const run = await engine.execute(undefined, { jobCommand });
    observer.look();
    const { history, status, error, cause, output } = run;
    return {
      status,
      error,
      cause,
      output,
      history,
      definition: history[0].definition,
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

/** Reclaims the job's instance so many times, each time while a large file is half written. */
function interrupt({ models, clock }: LocalEngine, watcher: JobWatcher, { files, interruptions }: DemoOptions, listener: DemoListener): void {
  const reclaimed = new Set<number>();
  watcher.onStart = ({ number, instanceId }) => listener({ kind: 'attempt', attempt: number, instanceId }, clock.now());
  watcher.onEnd = ({ number }, how, note) => {
    const reading = reclaimed.has(number) ? 'SPOT reclaim' : how === 'succeeded' ? 'succeeded' : 'failed';
    listener({ kind: 'attempt ended', attempt: number, how: reading, note }, clock.now());
  };
  const strike = ({ number, instanceId }: JobAttempt) => {
    const { writing, closed } = watcher;
    const due = (files * (reclaimed.size + 1)) / (interruptions + 1);
    const large = writing?.begun && (writing.size >= LARGE || closed.size >= due + files * 0.1);
    if (reclaimed.size === interruptions || reclaimed.has(number) || closed.size < due || !large) return;
    reclaimed.add(number);
    models.batch.reclaim(instanceId, { notice: false });
  };
  // later, when all lines that have arrived are read: the last one says what is being written now
  watcher.onLine = (attempt) => setImmediate(() => strike(attempt));
}

/** Looks again and again at what is really there: the exports, the metric, the file system. */
class Observer {
  private readonly timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  private minute = 0;
  private deleted = false;

  constructor(private readonly engine: LocalEngine, private readonly watcher: JobWatcher, private readonly listener: DemoListener) {}

  look(): void {
    const { clock, models: { fsx, buckets } } = this.engine;
    const now = clock.now();
    const fileSystem = newest(this.engine);
    this.listener({ kind: 'written', files: this.watcher.closed.size }, now);
    const objects = buckets.list().flatMap((bucket) => bucket.list()).filter(({ key }) => !/(\/|checkpoint\.json.*)$/.test(key));
    this.listener({ kind: 'exported', files: objects.length }, now);
    if (!fileSystem) return;
    const minute = Math.floor(now / MINUTE) * MINUTE;
    const age = fsx.exportAgeAt(fileSystem.id, minute);
    if (minute > this.minute && age !== undefined && !fileSystem.deletion) this.listener({ kind: 'age', seconds: age }, minute);
    this.minute = minute;
    if (fileSystem.gone && !this.deleted) {
      this.deleted = true;
      this.listener({ kind: 'deleted' }, (fileSystem.deletion?.at ?? now) + fileSystem.durations.delete);
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

function newest({ models: { fsx } }: LocalEngine) {
  return fsx.living().pop() ?? (fsx.deletions().length > 0 ? fsx.fileSystem() : undefined);
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
    inBucket: await below(join(places.bucket(bucket), ...prefix)),
    onFileSystem: await below(join(directory, fileSystemPath)),
    fileSystem: fileSystem.gone && !existsSync(directory) ? 'deleted' : 'kept',
  };
}

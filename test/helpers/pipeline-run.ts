import { readFileSync } from 'fs';
import { join } from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib/core';
import { brokenPromises, executionOf } from './run-promises';
import { audit, AuditedRun, proofStart } from '../../local/auditor';
import { EngineOptions, LocalEngine, Run } from '../../local/engine';
import { ApiFault } from '../../local/faults';
import { JobScript } from '../../local/models/job-script';
import { JobImage, LustreAutoExportPipeline, LustreAutoExportPipelineProps } from '../../src';

const KEPT = 'cdk-lustre-auto-export:kept';
const STACK = 'Stack';

/** Files that are written anew behind a backlog of an hour: their deletions are queued before the switch-off, and are due after it. */
export const writtenAnew: JobScript = (job) => {
  const files = Array.from({ length: 60 }, (_, i) => `again-${i}`);
  for (const file of files) job.save(file, 1000);
  for (const file of files) {
    job.remove(file);
    job.saveMany(`filler-of-${file}`, 60, 10);
  }
  for (const file of files) job.save(file, 2000);
};

/** What a test says of its world; everything else is as the most likely reading of the facts has it. */
export interface RehearsalOptions extends Partial<Omit<EngineOptions, 'template' | 'assets'>> {
  /** Of the one pipeline in the stack. */
  readonly props?: LustreAutoExportPipelineProps;
  /** More pipelines beside it, by construct id. */
  readonly others?: { readonly [id: string]: LustreAutoExportPipelineProps };
  /** Value of the pipeline's secret. */
  readonly secret?: string;
  /** How often SPOT takes back the instance, each time two minutes after an attempt began. */
  readonly interruptions?: number;
}

/** Input of a run with few looks and a short drain, where these are not what is tested: it costs a third of the time. */
export const BRISK = { waitForLustreCreationSeconds: 180, waitForCheckMetricsSeconds: 240, lambdaTimeDiffMinutes: 3 };

/** Loops that soon give up, so that a fault which lasts until the end of an execution does not last for days. */
export const IMPATIENT = {
  lustreCreationTimeout: Duration.minutes(30), attachTimeout: Duration.hours(1), jobTimeout: Duration.hours(2), drainTimeout: Duration.hours(2),
};

const synthesized = new Map<string, { template: any; assets: string }>();

/** The template of these props, made once. */
function synthesize(pipelines: { readonly [id: string]: LustreAutoExportPipelineProps }) {
  const key = JSON.stringify(pipelines, (_, value) => value === undefined ? 'undefined' : value);
  if (!synthesized.has(key)) {
    const app = new App({ treeMetadata: false });
    const stack = new Stack(app, STACK);
    for (const [id, props] of Object.entries(pipelines)) {
      new LustreAutoExportPipeline(stack, id, { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'), ...props });
    }
    const { directory } = app.synth();
    synthesized.set(key, { template: JSON.parse(readFileSync(join(directory, `${STACK}.template.json`), 'utf8')), assets: directory });
  }
  return synthesized.get(key)!;
}

/** A program that checkpoints: a later attempt goes on behind the last file that an earlier one had closed. */
export function work({ files = 12, seconds = 600, size = 1000 } = {}): JobScript {
  return async (job) => {
    for (let i = Number(job.read('checkpoint') ?? 0); i < files; i++) {
      const path = `part-${i % 3}/file-${i}`;
      job.write(path, size * i);
      await job.wait(seconds / files);
      job.close(path);
      job.save('checkpoint', 0, String(i + 1));
    }
  };
}

/** A deployed pipeline in a world of its own, whose executions are watched and judged. */
export class Rehearsal {
  readonly engine: LocalEngine;
  /** What the jobs have written and closed, by path in the exported directory. */
  readonly closed = new Set<string>();
  private interruptions: number;

  constructor({ props = {}, others = {}, secret, interruptions = 0, job = work(), ...options }: RehearsalOptions = {}) {
    this.engine = new LocalEngine({ ...synthesize({ Pipeline: props, ...others }), job: this.watched(job), ...options });
    this.interruptions = interruptions;
    if (secret !== undefined) this.engine.models.secrets.set(this.engine.template.ofType('AWS::SecretsManager::Secret')[0].physicalId, secret);
  }

  get models() {
    return this.engine.models;
  }

  /** Every execution that has ended, clean-ups from outside among them. */
  get runs(): readonly Run[] {
    return this.engine.runs;
  }

  /** @param pipeline construct id, where there are several */
  async run(input: unknown = {}, { name, pipeline }: { name?: string; pipeline?: string } = {}): Promise<Run> {
    const machine = this.engine.template.ofType('AWS::StepFunctions::StateMachine').find(({ logicalId }) => logicalId.startsWith(`${pipeline}Lifecycle`));
    return this.engine.execute(machine?.logicalId, input, { name });
  }

  cleanUp({ executionArn }: { executionArn: string }): Promise<Run> {
    return this.run({ cleanUp: { executionArn } });
  }

  /** Every file that a job closed and that is in no bucket. */
  missing(): string[] {
    const keys = this.models.buckets.list().flatMap((bucket) => bucket.list().map(({ key }) => key));
    return [...this.closed].filter((path) => !keys.some((key) => key === path || key.endsWith(`/${path}`)));
  }

  /** What the invariants of a finished world say, and what is left of its runs; empty where all is well. */
  async violations(): Promise<string[]> {
    await this.engine.pass(3600); // what ends by itself has ended
    const rests = await this.engine.settle();
    const { fsx, ec2, batch, dynamodb, iam, stepFunctions } = this.models;
    const runs = [...stepFunctions.executions.values()].map((each): AuditedRun => ({
      ...this.reportOf(each.executionArn),
      executionArn: each.executionArn,
      status: each.status,
      historyEventCount: this.runs.find(({ executionArn }) => executionArn === each.executionArn)?.historyEventCount,
      proofStartedAt: this.proofOf(each.executionArn),
    }));
    const found = audit({
      fsx,
      runs,
      launchTemplates: ec2.launchTemplates,
      jobDefinitions: batch.definitions.all.filter(({ status }) => status === 'ACTIVE').map(({ name, given }) => ({ name, tags: given.tags ?? {} })),
      liveJobs: batch.jobs.filter(({ status }) => !['SUCCEEDED', 'FAILED'].includes(status)).map(({ name, given }) => ({ name, tags: given.tags })),
      // the next run takes over by evidence what could not be given back; a role that IAM does not delete costs nothing
      locks: this.mayLeaveLock() && !stepFunctions.isBusy ? [] : dynamodb.items(),
      serviceLinkedRoles: this.hasFailed('DeleteServiceLinkedRole') ? [] : [...iam.serviceLinkedRoles.keys()],
      jobWrites: this.jobWrites(),
    });
    // the tags of what is gone already match no condition: a second delete may be denied, and that is all it needs to be
    const refused = this.engine.calls.filter(({ denied, problems, action }) => problems || (denied && !['DeleteFileSystem', 'DeleteLaunchTemplate'].includes(action)))
      .map(({ service, action, error, denied }) => `${denied ? 'I6' : 'I7'} ${service}:${action}: ${error?.message}`);
    const unheard = this.engine.events.deliveries.filter(({ outcome }) => outcome === 'refused')
      .map(({ rule, target }) => `I6 rule ${rule} may not invoke ${target}`);
    const restless = rests ? [] : ['I3 the world does not come to rest'];
    return [
      ...found.map(({ invariant, says }) => `${invariant} ${says}`), ...brokenPromises(this.engine), ...restless, ...refused, ...unheard, ...this.strayEnvironment(),
    ];
  }

  /** The reasons why file systems were kept, by their tags. */
  kept(): string[] {
    return this.models.fsx.living().map(({ tags }) => tags.get(KEPT) ?? 'no tag');
  }

  /** Whether the last try of one of these Tasks failed, in any execution. */
  private hasFailed(...names: string[]): boolean {
    return this.runs.some((run) => names.some((state) => tries(run, state).at(-1)?.error !== undefined));
  }

  /** Whether its store, or what comes before its release, was not to be relied on. */
  private mayLeaveLock(): boolean {
    const faulty = this.engine.struckFaults.some((fault) => /^dynamodb:/.test((fault as ApiFault).on ?? ''));
    return faulty || this.hasFailed('CheckComputeEnvironmentReturned', 'CheckInstances', 'GiveUpOnInstances', 'ReleaseComputeEnvironment');
  }

  private strayEnvironment(): string[] {
    const instances = this.models.ec2.instances.filter(({ alive }) => alive).map(({ id }) => `instance ${id} is alive`);
    const strayed = this.engine.template.ofType('AWS::Batch::ComputeEnvironment').map(({ arn }) => this.models.batch.environment(arn).describe())
      .filter(({ status, computeResources: { launchTemplate } }) => status !== 'VALID'
        || !this.engine.template.ofType('AWS::EC2::LaunchTemplate').some(({ physicalId }) => physicalId === launchTemplate.launchTemplateId))
      .map(({ status, computeResources: { launchTemplate } }) => `the compute environment is ${status} with ${JSON.stringify(launchTemplate)}`);
    return [...instances, ...strayed];
  }

  /** A run that could not report itself is reported by its clean-up. */
  private reportOf(executionArn: string): Pick<AuditedRun, 'error' | 'cause' | 'reports'> {
    const { error, cause } = this.runs.filter((run) => run.executionArn === executionArn).at(-1) ?? {};
    const telling = this.runs.filter((run) => [run.executionArn, run.history[0].input?.cleanUp?.executionArn].includes(executionArn));
    return { error, cause, reports: telling.map((run) => [run.output, run.cause]) };
  }

  private proofOf(executionArn: string): number | undefined {
    const deletion = this.models.fsx.deletions().find(({ tags }) => executionOf(tags) === executionArn);
    return deletion && proofStart(this.engine.calls, deletion.fileSystemId);
  }

  private jobWrites() {
    const { batch, fsx } = this.models;
    const owned = new Map([
      ...fsx.living().map(({ id, tags }) => [executionOf(tags), id] as const),
      ...fsx.deletions().map(({ fileSystemId, tags }) => [executionOf(tags), fileSystemId] as const),
    ]);
    const ownFileSystem = (jobId: string) => owned.get(executionOf(batch.jobs.find(({ id }) => id === jobId)!.given.tags));
    return [
      ...batch.containers.flatMap(({ jobId, mounts }) => mounts
        .map(({ fileSystemId, containerPath }) => ({ jobId, path: containerPath, fileSystemId, ownFileSystemId: ownFileSystem(jobId) }))),
      ...batch.misplacedWrites.map(({ jobId, path }) => ({ jobId, path })),
    ];
  }

  private reclaimLater(instanceId: string): void {
    const { ec2, batch } = this.models;
    this.engine.clock.after(120_000, () => ec2.instances.find(({ id }) => id === instanceId)!.alive && batch.reclaim(instanceId));
  }

  private watched(script: JobScript): JobScript {
    return (job) => {
      if (this.interruptions-- > 0) this.reclaimLater(job.instanceId);
      return script({
        ...job,
        close: (path) => { job.close(path); this.closed.add(path); },
        save: (path, size, content) => { job.save(path, size, content); this.closed.add(path); },
      });
    };
  }
}

/** Names of the states in the order in which they were entered. */
export const states = (run: Run): string[] => run.history.filter(({ type }) => type === 'StateEntered').map(({ state }) => state);

/** Tries of a Task. */
export const tries = (run: Run, state: string) => run.history.filter((event) => event.type === 'Task' && event.state === state);

/** Calls of an API action, as they reached the service. */
export const calls = (run: Run, action: string) => run.calls.filter((call) => call.action === action);

/** What the run's last state but one put together, also where it failed. */
export const summary = (run: Run) => tries(run, 'SummarizeRun').at(-1)?.answer;

/** Minutes of the world's time from the start to the first visit of a state, or to the end. */
export function minutes(run: Run, state?: string): number {
  const event = state === undefined ? run.history.at(-1)! : run.history.find((each) => each.type === 'StateEntered' && each.state === state)!;
  return (Date.parse(event.time) - Date.parse(run.history[0].startTime)) / 60_000;
}

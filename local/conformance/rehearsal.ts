import { App, Duration, Stack } from 'aws-cdk-lib';
import { unique } from './rendering';
import { brokenInvariants } from './world-audit';
import { JobImage, LustreAutoExportPipeline, LustreAutoExportPipelineProps } from '../../src';
import { EngineOptions, EVENTS, LocalEngine, Run } from '../engine';
import { RunningJob } from '../models/job-script';
import { Switches } from '../world';

/** What a suite may be told. */
export interface ConformanceOptions {
  /** Names of the situations to rehearse. @default - all of them */
  readonly only?: readonly string[];
  /** Readings of unconfirmed facts. Under some of them a success cannot be seen, and is missed: `idleMetric: 'missing'`. @default - the most likely of each */
  readonly switches?: Switches;
}

/** A situation in which a part has to keep its promises. */
export interface Situation extends Partial<Omit<EngineOptions, 'template' | 'assets' | 'job' | 'onEvent'>> {
  /** What a container does in one attempt. @default - nothing */
  readonly job?: (job: RunningJob, engine: LocalEngine) => void | Promise<void>;
  /** Told of each state that is entered. */
  readonly onState?: (state: string, engine: LocalEngine) => void;
  /** Input of the execution. */
  readonly input?: unknown;
  /** Steers the models before anything runs. */
  readonly prepare?: (engine: LocalEngine) => void;
  /** Executions one after the other; `cleanUp` is the second entry, for the one before it. @default ['run'] */
  readonly executions?: readonly ('run' | 'cleanUp')[];
  /** Looks at what has come of it. @returns broken promises */
  readonly judge: (played: Played) => string[];
}

/** Situations, each with a name that says what is different. */
export type Situations = { readonly [name: string]: Situation };

export interface Played {
  readonly engine: LocalEngine;
  /** In the order of the situation's `executions`. */
  readonly runs: readonly Run[];
  /** The last of them. */
  readonly run: Run;
}

/** Longest time of a run's parts as far as the pipeline can be told: what does not end by then does not end. */
const DEADLINES = {
  lustreCreationTimeout: Duration.hours(1), attachTimeout: Duration.hours(2), jobTimeout: Duration.hours(2), drainTimeout: Duration.hours(2),
};
const TOO_LONG_DAYS = 3; // of a pipeline with these deadlines
/** Between executions, and before the last look: what ends by itself has ended. */
const PAUSE_SECONDS = 1800;

/** Props of a pipeline that is quick to rehearse. */
export const QUICK: LustreAutoExportPipelineProps = {
  jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'),
  waitForLustreCreation: Duration.minutes(2),
  waitForJobCompletion: Duration.minutes(5),
  lambdaTimeDiff: Duration.minutes(3),
  ...DEADLINES,
};

/** A cloud assembly with the library's pipeline and one part of it swapped. */
export function pipelineWith(props: (stack: Stack) => LustreAutoExportPipelineProps): string {
  return synthesize((stack) => new LustreAutoExportPipeline(stack, 'Pipeline', { ...QUICK, ...props(stack) }));
}

export function synthesize(build: (stack: Stack) => unknown): string {
  const app = new App({ analyticsReporting: false, treeMetadata: false });
  build(new Stack(app, 'Rehearsal'));
  return app.synth().directory;
}

/** Plays every situation in a world of its own. @returns the broken promises, each with its situation */
export async function rehearse(
  assembly: string, situations: Situations, { only, switches }: ConformanceOptions = {}, tooLongDays = TOO_LONG_DAYS,
): Promise<string[]> {
  const unknown = (only ?? []).filter((name) => !(name in situations));
  if (unknown.length > 0) throw new Error(`no situation is named ${unknown}, only ${Object.keys(situations).join(', ')}`);
  const found: string[] = [];
  for (const [name, situation] of Object.entries(situations).filter(([each]) => only?.includes(each) ?? true)) {
    found.push(...(await play(assembly, { ...situation, switches: { ...switches, ...situation.switches } }, tooLongDays)).map((says) => `${name}: ${says}`));
  }
  return found;
}

async function play(assembly: string, situation: Situation, tooLongDays: number): Promise<string[]> {
  const { input = {}, prepare, executions = ['run'], judge, job, onState, faults = [], ...options } = situation;
  const endless: string[] = [];
  const guard = {
    at: tooLongDays * 86_400,
    do: ({ models }: LocalEngine) => models.stepFunctions.executions.forEach((execution) => {
      if (execution.status !== 'RUNNING') return;
      endless.push(`a run had not ended after ${tooLongDays} days`);
      execution.abort();
    }),
  };
  const engine: LocalEngine = new LocalEngine({
    ...options,
    template: assembly,
    faults: [...faults, guard],
    job: (running) => job?.(running, engine),
    onEvent: ({ type, state }) => { if (type === 'StateEntered') onState?.(state, engine); },
  });
  prepare?.(engine);
  const runs: Run[] = [];
  try {
    for (const each of executions) {
      runs.push(await engine.execute(undefined, each === 'run' ? input : { cleanUp: { executionArn: runs.at(-1)!.executionArn } }));
      await engine.pass(PAUSE_SECONDS);
    }
  } catch (error) {
    return [`the engine could not go on: ${(error as Error).message}`];
  }
  const played = { engine, runs, run: runs.at(-1)! };
  return unique([...endless, ...judge(played), ...brokenInvariants(engine, runs)]);
}

/** Ends the execution that runs, as StopExecution does: without any clean-up. */
export const abort = (engine: LocalEngine) => EVENTS.abort(engine);

/** Keys that a document has to have. */
export function missingKeys(place: string, value: any, keys: { readonly [key: string]: (each: any) => boolean }): string[] {
  return Object.entries(keys).flatMap(([key, isRight]) => {
    if (value?.[key] === undefined) return [`${place} leaves no ${key} at its resultPath`];
    return isRight(value[key]) ? [] : [`${place} leaves ${key}: ${JSON.stringify(value[key])} at its resultPath, which is not what the contract says`];
  });
}

export const isText = (value: unknown) => typeof value === 'string' && value !== '';
export const isBoolean = (value: unknown) => typeof value === 'boolean';
export const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) && !Number.isNaN(Date.parse(value));

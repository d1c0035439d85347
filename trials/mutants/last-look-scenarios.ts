import { End, Scenario } from './scenario';
import { BRISK, Rehearsal, work } from '../../test/helpers/pipeline-run';

const HOLD = 'cdk-lustre-auto-export:hold';
const KEPT_AT = 'cdk-lustre-auto-export:kept-at';

/** What happens while a clean-up is under way, and is seen before it deletes. */
export function lastLookScenarios(): Scenario[] {
  return [
    beside('a run that is redriven beside its clean-up', 'WaitForComputeEnvironment', 'CheckComputeEnvironmentReturned', { error: 'RunStillRunning', also: nothingMissing },
      async (rehearsal, executionArn) => { await rehearsal.engine.redrive(executionArn); }, { autoExport: false }),
    {
      name: 'a run that is redriven beside its clean-up, and stopped again',
      options: () => ({ events: true, faults: [{ enter: 'WaitForComputeEnvironment', do: 'abort', execution: 1 }] }),
      play: async (rehearsal) => {
        const happened = meanwhile(rehearsal, 'CheckComputeEnvironmentReturned', redriveUntilItHasWritten);
        await rehearsal.run({ ...BRISK, autoExport: false });
        await rehearsal.engine.settle();
        await happened();
        return rehearsal.runs.at(-1)!;
      },
      promised: { also: nothingMissing },
    },
    {
      name: 'Batch does not list the job any more, for its run and for its clean-up',
      prepare: ({ models: { batch } }) => {
        const call = batch.call.bind(batch);
        const isOver = () => batch.jobs.length > 0 && batch.jobs.every(({ status }) => ['SUCCEEDED', 'FAILED'].includes(status));
        batch.call = (action, input) => action === 'ListJobs' && isOver() ? { jobSummaryList: [] } : call(action, input);
      },
      play: async (rehearsal) => rehearsal.cleanUp(await rehearsal.run({ ...BRISK, autoExport: false })),
      promised: { error: 'JobsNotStopped', kept: [/^stop: JobsNotStopped/], excused: /^I2 job definition/ }, // a job that may still run has it
    },
    beside('somebody begins to work on what a clean-up proves', 'CheckMetrics', 'CheckMetrics', { error: 'FileSystemHeld', kept: [/^delete: FileSystemHeld/] },
      async (rehearsal) => tag(rehearsal, HOLD, 'yes')),
    beside('another execution keeps what a clean-up proves', 'CheckMetrics', 'CheckMetrics', { error: 'KeptMeanwhile', kept: [/^delete: KeptMeanwhile/] },
      async (rehearsal) => tag(rehearsal, KEPT_AT, '2026-11-22T17:00:00.000Z')),
    {
      name: 'metric only, kept, mended and cleaned up',
      options: () => ({ job: work({ files: 3, seconds: 60 }), faults: [{ at: 12 * 60, do: 'associationMisconfigured' }, { at: 28 * 60, do: 'associationMended' }] }),
      play: async (rehearsal) => {
        const run = await rehearsal.run({ ...BRISK, lambdaTimeDiffMinutes: 15, exportVerification: 'METRIC_ONLY' });
        return run.error === 'ExportNotProven' ? rehearsal.cleanUp(run) : run;
      },
      promised: { also: (end) => [...nothingMissing(end), ...end.rehearsal.runs.length === 2 ? [] : ['it was not kept first']] },
    },
  ];
}

/** A run that is stopped at a state, and something that happens when its clean-up comes to another. */
function beside(
  name: string, stoppedAt: string, when: string, promised: Scenario['promised'], happens: (rehearsal: Rehearsal, executionArn: string) => Promise<void>, input: object = {},
): Scenario {
  return {
    name,
    options: () => ({ faults: [{ enter: stoppedAt, do: 'abort', execution: 1 }] }),
    play: async (rehearsal) => {
      const { executionArn } = await rehearsal.run({ ...BRISK, ...input });
      const happened = meanwhile(rehearsal, when, happens);
      const cleanUp = await rehearsal.cleanUp({ executionArn });
      await happened();
      return cleanUp;
    },
    promised,
  };
}

/** When an execution behind the first one comes to a state. @returns waits for what happens then */
function meanwhile(rehearsal: Rehearsal, when: string, happens: (rehearsal: Rehearsal, executionArn: string) => Promise<void>): () => Promise<void> {
  let happening: Promise<void> | undefined;
  const { options, models: { stepFunctions } } = rehearsal.engine;
  const { onEvent } = options;
  Object.assign(options, {
    onEvent: (event: any, arn: string) => {
      onEvent?.(event, arn);
      const [first] = stepFunctions.executions.keys();
      if (event.type === 'StateEntered' && event.state === when && arn !== first) happening ??= happens(rehearsal, first);
    },
  });
  return async () => happening;
}

async function redriveUntilItHasWritten({ closed, engine, models: { stepFunctions } }: Rehearsal, executionArn: string): Promise<void> {
  const again = engine.redrive(executionArn);
  const stop = () => {
    if (closed.size > 0) stepFunctions.execution(executionArn).abort(); else engine.clock.after(60_000, stop);
  };
  stop();
  await again;
}

function tag({ models: { fsx } }: Rehearsal, key: string, value: string): void {
  fsx.living()[0].tags.set(key, value);
}

const nothingMissing = ({ missing }: End) => missing.map((file) => `${file} is not in the bucket`);

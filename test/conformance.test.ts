import { Duration } from 'aws-cdk-lib';
import { EXHAUSTIVE, sample } from './helpers/sample';
import { BROKEN_ENVIRONMENTS, BROKEN_LIFECYCLES, BROKEN_MONITORS, BROKEN_WORKLOADS, Broken } from './outsiders/broken';
import { OnDemandEnvironment } from './outsiders/on-demand-environment';
import { PlainJobWorkload } from './outsiders/plain-job-workload';
import { QuietQueueMonitor } from './outsiders/quiet-queue-monitor';
import { WatchedLifecycle } from './outsiders/watched-lifecycle';
import {
  checkBatchEnvironment, checkDrainMonitor, checkLifecycle, checkWorkload, ConformanceOptions, keepsItsPromises,
} from '../local/conformance';
import { BatchJobWorkload, ExportDrainMonitor, JobImage, LustreAutoExportPipeline, SpotBatchEnvironment } from '../src';

/** The parts of this library; in the quick suite they stand for those of strangers, too. */
const describeStranger = EXHAUSTIVE ? describe : describe.skip;

/** A part that breaks a promise is found out, in words that say which. */
function areFoundOut<Create>(broken: Broken<Create>[], check: (create: Create, options: ConformanceOptions) => Promise<string[]>): void {
  test.each(sample(broken))('$name', async ({ create, says, situation }) => {
    expect(await check(create, { only: situation })).toContainEqual(expect.stringMatching(says));
  });
}

describe('IExportDrainMonitor', () => {
  describe('ExportDrainMonitor', () => keepsItsPromises(() => checkDrainMonitor((scope) => new ExportDrainMonitor(scope, 'Monitor'))));
  describeStranger('a stranger\'s', () => keepsItsPromises(() => checkDrainMonitor((scope) => new QuietQueueMonitor(scope, 'Monitor'))));
  describe('broken:', () => areFoundOut(BROKEN_MONITORS, checkDrainMonitor));
});

describe('IWorkload', () => {
  describe('BatchJobWorkload', () => keepsItsPromises(() => checkWorkload((scope) => new BatchJobWorkload(scope, 'Workload'))));
  describeStranger('a stranger\'s', () => keepsItsPromises(() => checkWorkload((scope) => new PlainJobWorkload(scope, 'Workload'))));
  describe('broken:', () => areFoundOut(BROKEN_WORKLOADS, checkWorkload));
});

describe('IBatchEnvironment', () => {
  describe('SpotBatchEnvironment', () => keepsItsPromises(() => checkBatchEnvironment((scope, network) => new SpotBatchEnvironment(scope, 'Environment', network))));
  describeStranger('a stranger\'s', () => keepsItsPromises(() => checkBatchEnvironment((scope, network) => new OnDemandEnvironment(scope, 'Environment', network))));
  describe('broken:', () => areFoundOut(BROKEN_ENVIRONMENTS, checkBatchEnvironment));
});

describe('ILustreLifecycle', () => {
  const pipeline = { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1'), lambdaTimeDiff: Duration.minutes(3) };
  describe('LustreLifecycleStateMachine', () => keepsItsPromises(() => checkLifecycle((scope) => new LustreAutoExportPipeline(scope, 'Pipeline', pipeline).lifecycle)));
  describeStranger('a stranger\'s', () => keepsItsPromises(() => checkLifecycle((scope) => new WatchedLifecycle(scope, 'Lifecycle'))));
  describe('broken:', () => areFoundOut(BROKEN_LIFECYCLES, checkLifecycle));
});

test('a situation that does not exist is an error, not a pass', async () => {
  await expect(checkWorkload((scope) => new PlainJobWorkload(scope, 'Workload'), { only: ['no such thing'] })).rejects.toThrow(/no situation is named no such thing, only work that succeeds/);
});

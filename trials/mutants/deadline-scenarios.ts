import { End, Promised, Scenario } from './scenario';
import { AwsError } from '../../local/world';
import { BRISK, IMPATIENT, Rehearsal, RehearsalOptions, work } from '../../test/helpers/pipeline-run';

const nothingDeleted = ({ rehearsal }: End) => rehearsal.models.fsx.deletions().length === 0 ? [] : ['a file system was deleted'];

/** What never comes to an end by itself: every loop gives up by name. */
export function deadlineScenarios(): Scenario[] {
  const scenario = (name: string, promised: Promised, prepare: Scenario['prepare'], options: RehearsalOptions = {}, input: object = {}): Scenario =>
    ({ name, promised, prepare, options: () => ({ props: IMPATIENT, ...options }), input: { ...BRISK, ...input } });
  return [
    scenario('an environment that takes no update', { error: /^ComputeEnvironment/ }, ({ models }) => {
      models.batch.environment().update = () => ({});
    }),
    scenario('an environment that does not come back', { error: /^ComputeEnvironment/, kept: [/^detach/], excused: /^I2|^the compute environment/, also: nothingDeleted }, ({ models, engine }) => {
      later(engine, () => { models.batch.environment().update = () => ({}); });
    }),
    scenario('an instance that does not end', { error: 'InstancesNotGone', kept: [/^detach/], excused: /^I2|^instance/, also: nothingDeleted }, ({ models, engine }) => {
      later(engine, () => models.ec2.instances.forEach((each) => { each.terminate = () => {}; }));
    }),
    scenario('an environment, and then instances, that take their time', {}, ({ models, engine }) => {
      later(engine, () => {
        const environment = models.batch.environment();
        const update = environment.update.bind(environment);
        environment.update = () => ({});
        engine.clock.after(110 * 60_000, () => { environment.update = update; });
        models.ec2.instances.forEach((each) => {
          const terminate = each.terminate.bind(each);
          each.terminate = (...args) => engine.clock.after(230 * 60_000, () => terminate(...args));
        });
      });
    }),
    scenario('a job that cannot be terminated', { error: 'JobTimedOut', kept: [/^stop: JobsNotStopped/], excused: /^I2|^instance|^the compute environment/, also: nothingDeleted }, ({ models }) => {
      const { batch } = models;
      const call = batch.call.bind(batch);
      batch.call = (action: string, ...rest: any[]) => action === 'TerminateJob' ? {} : (call as any)(action, ...rest);
    }, { job: work({ files: 10, seconds: 40 * 3600 }) }),
    scenario('a deletion that takes for ever', { error: 'DeletionTimedOut', kept: [/^delete|no tag/], excused: /^I2/ }, ({ models }) => { models.fsx.durations.delete = 1e9; }),
    scenario('a deletion that is refused for long', {}, undefined, { faults: [{ on: 'fsx:DeleteFileSystem', nth: [1, 10], error: { name: 'BadRequest', message: 'a task is running' } }] }),
    scenario('a deletion that is refused', {}, undefined, { faults: [{ on: 'fsx:DeleteFileSystem', nth: [1, 3], error: { name: 'BadRequest', message: 'a task is running' } }] }),
    scenario('automatic export that cannot be switched on again', {
      error: 'FilesNotExported',
      kept: [/^drain/],
      says: /AutoExportStaysOff|BadRequest/,
      also: (end) => [...nothingDeleted(end), ...end.rehearsal.models.fsx.living().filter(({ tags }) => tags.get('cdk-lustre-auto-export:automatic-export') !== 'OFF').map(() => 'the tag does not say OFF')],
    }, ({ models: { fsx } }) => {
      fsx.failExports(/file-1/, 'PathSizeTooLong');
      const call = fsx.call.bind(fsx);
      fsx.call = (action: string, input: any, ...rest: any[]) => {
        if (action === 'UpdateDataRepositoryAssociation' && input.S3?.AutoExportPolicy?.Events?.length > 0) throw new AwsError('BadRequest', 'not now');
        return (call as any)(action, input, ...rest);
      };
    }),
    scenario('a foreign file system', { error: 'ForeignFileSystem', kept: ['no tag'], excused: /^I2 (file system|lock)/, also: nothingDeleted }, ({ models: { fsx } }) => {
      const call = fsx.call.bind(fsx);
      const foreign = (tags: any[]) => tags.map(({ Key, Value }) => ({ Key, Value: Key.endsWith(':execution-arn') ? `${Value}-of-somebody` : Value }));
      fsx.call = (action: string, input: any, ...rest: any[]) =>
        (call as any)(action, action === 'CreateFileSystem' ? { ...input, Tags: foreign(input.Tags) } : input, ...rest);
    }),
  ];
}

/** When the job runs. */
function later(engine: Rehearsal['engine'], act: () => void): void {
  engine.clock.after(14 * 60_000, act);
}

import { freeze } from './freeze';
import { Rehearsal } from '../../test/helpers/pipeline-run';

/** After the create call of a task. */
const SOON_MS = 5000;

/** What somebody else deletes. */
export type Deleted = 'file system' | 'compute environment';

type Lasts = 'for ten minutes' | 'until the end' | 'for ever';

/** Something of AWS gets into a state, whoever or whatever brings it there. */
export interface Lifecycle {
  readonly of: string;
  readonly state: string;
  readonly lasts: readonly Lasts[];
  /** What it returns brings it back. */
  readonly begin: (rehearsal: Rehearsal) => void | (() => void);
  readonly deletedByOthers?: Deleted;
}

const PASSING: readonly Lasts[] = ['for ten minutes', 'until the end'];
const ANY: readonly Lasts[] = [...PASSING, 'for ever'];
const FOR_EVER: readonly Lasts[] = ['for ever'];

/** Of a resource that need not be there yet: then nothing happens. */
const ofNewest = (rehearsal: Rehearsal) => rehearsal.models.fsx.living().at(-1);

const fileSystem = (state: string, lasts = ANY): Lifecycle => ({
  of: 'file system',
  state,
  lasts,
  begin: (rehearsal) => {
    const found = ofNewest(rehearsal);
    return found && ['AVAILABLE', 'UPDATING'].includes(found.lifecycle) ? freeze(found, 'lifecycle', state) : undefined;
  },
});

const association = (state: string, lasts = ANY): Lifecycle => ({
  of: 'association',
  state,
  lasts,
  begin: (rehearsal) => {
    const found = ofNewest(rehearsal)?.associations[0];
    return found && found.lifecycle === 'AVAILABLE' ? freeze(found, 'lifecycle', state) : undefined;
  },
});

const environment = (state: string, lasts: readonly Lasts[] = ANY): Lifecycle =>
  ({ of: 'compute environment', state, lasts, begin: ({ models }) => freeze(models.batch.environment(), 'status', state) });

/** What becomes of every task that is made from now on. */
const task = (state: string, begin: (made: Task, rehearsal: Rehearsal) => void | (() => void), lasts = ANY): Lifecycle => ({
  of: 'data repository task',
  state,
  lasts,
  begin: (rehearsal) => {
    const { fsx } = rehearsal.models;
    const call = fsx.call.bind(fsx);
    const undo: (() => void)[] = [];
    fsx.call = (action, input) => {
      const answer = call(action, input);
      if (action === 'CreateDataRepositoryTask') undo.push(begin(fsx.task(), rehearsal) ?? (() => undefined));
      return answer;
    };
    return () => {
      fsx.call = call;
      undo.forEach((each) => each());
    };
  },
});

type Task = ReturnType<Rehearsal['models']['fsx']['task']>;

/** It does not come to its next state. */
const hold = (made: Task, step: 'start' | 'end'): () => void => {
  const steps = made as unknown as Record<string, unknown>;
  let late: (() => void) | undefined;
  steps[step] = (...given: unknown[]) => { late = () => (steps[step] as (...all: unknown[]) => void).apply(made, given); };
  return () => {
    delete steps[step];
    late?.();
  };
};

/** Somebody's export of the same directory. */
const foreignTask = ({ models: { fsx } }: Rehearsal, id: string): void => {
  try {
    fsx.call('CreateDataRepositoryTask', { FileSystemId: id, Type: 'EXPORT_TO_REPOSITORY', Paths: ['export'], Report: { Enabled: false } });
  } catch {
    // where no task is possible, nobody makes one
  }
};

export const LIFECYCLES: readonly Lifecycle[] = [
  association('UPDATING', ANY),
  {
    of: 'association',
    state: 'MISCONFIGURED',
    lasts: ANY,
    begin: (rehearsal) => {
      const found = ofNewest(rehearsal)?.associations[0];
      found?.misconfigure('Access to the bucket was denied');
      return () => found?.mend();
    },
  },
  { of: 'association', state: 'FAILED', lasts: FOR_EVER, begin: (rehearsal) => ofNewest(rehearsal)?.associations[0]?.fail('The bucket cannot be accessed') },
  { of: 'association', state: 'DELETING', lasts: FOR_EVER, begin: (rehearsal) => ofNewest(rehearsal)?.associations[0]?.end() },
  {
    of: 'association',
    state: 'export off',
    lasts: FOR_EVER,
    begin: (rehearsal) => {
      const found = ofNewest(rehearsal)?.associations[0];
      if (found) found.exportEvents = undefined;
    },
  },
  fileSystem('UPDATING'),
  fileSystem('MISCONFIGURED'),
  fileSystem('MISCONFIGURED_UNAVAILABLE'),
  { of: 'file system', state: 'FAILED', lasts: FOR_EVER, begin: (rehearsal) => ofNewest(rehearsal)?.fail('An internal error occurred') },
  {
    of: 'file system',
    state: 'DELETING',
    lasts: FOR_EVER,
    deletedByOthers: 'file system',
    begin: (rehearsal) => {
      const found = ofNewest(rehearsal);
      if (found && found.lifecycle !== 'DELETING') rehearsal.models.fsx.call('DeleteFileSystem', { FileSystemId: found.id });
    },
  },
  task('PENDING', (made) => hold(made, 'start')),
  task('EXECUTING', (made) => hold(made, 'end')),
  task('CANCELING', (made, { engine: { clock } }) => {
    clock.after(SOON_MS, () => made.cancel());
    return hold(made, 'end');
  }),
  task('CANCELED', (made, { engine: { clock } }) => clock.after(SOON_MS, () => made.cancel())),
  task('FAILED', (made, { engine: { clock } }) => clock.after(SOON_MS, () => made.fail('An internal error occurred'))),
  {
    of: 'data repository task',
    state: 'somebody else\'s',
    lasts: FOR_EVER,
    begin: (rehearsal) => {
      const found = ofNewest(rehearsal);
      if (found) foreignTask(rehearsal, found.id);
    },
  },
  environment('UPDATING', PASSING),
  environment('INVALID', PASSING),
  { ...environment('DELETING', FOR_EVER), deletedByOthers: 'compute environment' },
  { of: 'compute environment', state: 'DISABLED', lasts: PASSING, begin: ({ models }) => freeze(models.batch.environment(), 'state', 'DISABLED') },
  {
    of: 'job',
    state: 'RUNNABLE',
    lasts: PASSING,
    begin: ({ models }) => {
      models.batch.noCapacity();
      return () => models.batch.noCapacity(0);
    },
  },
  {
    of: 'job',
    state: 'FAILED',
    lasts: FOR_EVER,
    begin: ({ models }) => models.batch.jobs.filter(({ isOver }) => !isOver).forEach((job) => job.terminate('by somebody')),
  },
  { of: 'instance', state: 'terminated', lasts: FOR_EVER, begin: ({ models }) => models.ec2.instances.filter(({ alive }) => alive).forEach((each) => each.terminate()) },
  { of: 'instance', state: 'reclaimed', lasts: FOR_EVER, begin: ({ models }) => models.ec2.instances.filter(({ alive }) => alive).forEach((each) => each.reclaim(true)) },
  { of: 'instance', state: 'gone at once', lasts: FOR_EVER, begin: ({ models }) => models.ec2.instances.filter(({ alive }) => alive).forEach((each) => each.reclaim(false)) },
  {
    of: 'job definition',
    state: 'INACTIVE',
    lasts: FOR_EVER,
    begin: ({ models }) => models.batch.definitions.all.filter(({ status }) => status === 'ACTIVE')
      .forEach(({ arn }) => models.batch.call('DeregisterJobDefinition', { jobDefinition: arn })),
  },
  {
    of: 'export of a file',
    state: 'refused by S3',
    lasts: PASSING,
    begin: ({ models }) => {
      models.fsx.failExports(/./, 'AccessDenied');
      return () => models.fsx.mendExports();
    },
  },
];

/** After these nothing that a run does can bring the data to S3. */
const BREAKS_FOR_GOOD = new Set(['association FAILED', 'association DELETING', 'file system FAILED']);

/** These happen once, and what they did can be done again. */
const HARMLESS = new Set(['export off', 'somebody else\'s']);

/** What lasts for ever may end with the data kept, but only if it stands in its way. */
export const neverLifts = ({ of, state }: Lifecycle, lasts: Lasts) =>
  BREAKS_FOR_GOOD.has(`${of} ${state}`) || (lasts === 'for ever' && /^(association|file system|data repository task)$/.test(of) && !HARMLESS.has(state));

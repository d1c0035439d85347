import { Cell, Happening, Keeping, Way } from './cell';
import { Lifecycle, LIFECYCLES, neverLifts } from './lifecycles';
import { skew } from './skew';
import { Moment, moments, Passage, perceives } from './survey';
import { way } from './ways';
import { MetricFault, MetricFaults } from '../../local/models/metric-faults';
import { SWITCHES } from '../../local/switches';
import { Rehearsal, RehearsalOptions, work } from '../../test/helpers/pipeline-run';

const MINUTE = 60_000;

/** Everything that AWS does by and by × each of its states × each moment. */
export function lifecycleCells(passages: Passage[]): Cell[] {
  const places = moments(passages).filter(perceives);
  return LIFECYCLES.flatMap((lifecycle) => places.flatMap((moment) => lifecycle.lasts.map((lasts): Cell => ({
    class: `${lifecycle.of}: ${lifecycle.state}`,
    name: `${lifecycle.of} ${lifecycle.state} ${lasts} from ${moment.state} on`,
    way: moment.way,
    mayKeep: neverLifts(lifecycle, lasts) ? 'a fault that never lifts' : moment.way.mayKeep,
    deletedByOthers: lifecycle.deletedByOthers,
    plan: () => ({ happenings: [happening(lifecycle, lasts, moment)] }),
  }))));
}

function happening({ begin }: Lifecycle, lasts: string, { state, execution }: Moment): Happening {
  const ends = { 'for ten minutes': 600, 'until the end': 'execution' as const, 'for ever': undefined }[lasts];
  return { enter: state, execution, lasts: ends, do: begin };
}

/** Each reading of each fact that nobody has confirmed, in each kind of run. */
export function switchCells(): Cell[] {
  const kinds = [
    'succeeds', 'job fails', 'metric only', 'no automatic export', 'kept for an hour', 'unexportable file', 'stopped', 'reclaimed', 'fixed prefix',
    'two runs', 'hosts do not mount',
  ];
  // where nothing else is asked, a metric that an idle queue does not publish proves nothing; and refused in one form, while the other changes
  // nothing, automatic export cannot be switched off
  const unprovable = (kind: string, reading: string) => (kind === 'metric only' ? reading === 'idleMetric missing' : reading === 'emptyExportEvents refused');
  return SWITCHES.flatMap(({ name, readings }) => readings.flatMap((reading) => kinds.map((kind): Cell => ({
    class: 'a reading of an unconfirmed fact',
    name: `${name} ${reading}: ${kind}`,
    way: way(kind),
    mayKeep: unprovable(kind, `${name} ${reading}`) ? 'a fault that never lifts' : way(kind).mayKeep,
    plan: () => ({ options: { switches: { [name]: reading } } }),
  }))));
}

/** How the metric misleads; what only a liar could publish is not tried where nothing else is asked. */
const METRICS: readonly [string, () => MetricFault, { readonly lies?: boolean }?][] = [
  ...[1, 3, 10, 60].map((minutes): [string, () => MetricFault] => [`${minutes} minutes late`, () => MetricFaults.late(minutes * MINUTE)]),
  ['missing', () => MetricFaults.missing()],
  ...[7, 20, 23, 26, 30, 40].map((minute): [string, () => MetricFault] => [`missing from minute ${minute} on`, () => from(minute, (at) => MetricFaults.missing(at))]),
  ...[20, 25].map((minute): [string, () => MetricFault] => [`missing for ten minutes from ${minute} on`, () => from(minute, (at) => MetricFaults.missing(at, at + 10 * MINUTE))]),
  ...[2, 3, 5, 7].map((n): [string, () => MetricFault] => [`every ${n}th missing`, () => MetricFaults.gaps(n)]),
  ...[-1, 1].map((minutes): [string, () => MetricFault] => [`stamped ${minutes} minute${minutes > 0 ? ' ahead' : ' behind'}`, () => skewed(minutes)]),
  ...[5, 20, 25].map((minute): [string, () => MetricFault, { lies: boolean }] =>
    [`stale 0 from minute ${minute} on`, () => from(minute, (at) => MetricFaults.zero(at)), { lies: true }]),
  ['a zero whatever waits', () => MetricFaults.zero(), { lies: true }],
  ['stale 600 until the end', () => MetricFaults.frozen(600)],
  ['stale 600 from minute 25 on', () => from(25, (at) => MetricFaults.frozen(600, at))],
];

const START = Date.parse('2026-11-22T15:00:00Z');

function from(minute: number, fault: (at: number) => MetricFault): MetricFault {
  return fault(START + minute * MINUTE);
}

/** CloudWatch's clock and the file system's differ: points are stamped with another minute than theirs. */
const skewed = (minutes: number): MetricFault => (truth) => truth && { ...truth, minute: truth.minute + minutes * MINUTE };

const PACES: readonly [string, Parameters<Rehearsal['models']['fsx']['setPace']>[0]][] = [
  ['at the usual pace', {}],
  ['slowly', { objectsPerSecond: 0.02 }],
  ['with a late backlog', { objectsPerSecond: 0.02, delayMs: 90_000 }],
];

export function metricCells(): Cell[] {
  const modes = ['succeeds', 'metric only', 'export task only', 'stopped'];
  return METRICS.flatMap(([what, fault, { lies = false } = {}]) => PACES.flatMap(([how, pace]) => modes.filter((mode) => !(lies && mode === 'metric only'))
    .flatMap((mode) => [true, false].flatMap((lifts): Cell[] => {
      // alone, a metric that never comes proves nothing, and while it says that something waits nothing is proven
      const mayKeep: Keeping | undefined = !lifts && (mode === 'metric only' || what.startsWith('stale 600')) ? 'a fault that never lifts' : undefined;
      return [{
        class: 'the metric misleads',
        name: `metric ${what}${lifts ? '' : ', for ever'}, export ${how}: ${mode}`,
        way: way(mode),
        mayKeep,
        plan: () => ({
          prepare: ({ models: { cloudWatch, fsx } }) => {
            cloudWatch.mislead(fault());
            fsx.setPace(pace);
            return lifts ? () => cloudWatch.mend() : undefined;
          },
        }),
      }];
    }))));
}

/** A clock that is a minute wrong, of each service that tells or is told the time. */
export function skewCells(): Cell[] {
  const modes = ['succeeds', 'job fails', 'metric only', 'export task only', 'stopped', 'kept for an hour', 'reclaimed', 'two runs'];
  return ['fsx', 'batch', 'ec2', 'cloudwatch', 's3', 'sfn'].flatMap((service) => [-1, 1].flatMap((minutes) => PACES.flatMap(([how, pace]) => modes.map((mode): Cell => ({
    class: 'a clock is a minute wrong',
    name: `the clock of ${service} is a minute ${minutes > 0 ? 'ahead' : 'behind'}, export ${how}: ${mode}`,
    way: way(mode),
    mayKeep: way(mode).mayKeep,
    plan: () => ({
      prepare: (rehearsal) => {
        rehearsal.models.fsx.setPace(pace);
        skew(rehearsal, service, minutes * MINUTE);
      },
    }),
  })))));
}

/** Files that are open for half of the time, and a program that goes on where it was stopped. */
const SPOT_SECONDS = 600;
const spotJob = () => work({ files: 12, seconds: SPOT_SECONDS });

export function reclaimCells(): Cell[] {
  const seconds = Array.from({ length: 41 }, (_, i) => i * 15);
  const during = seconds.flatMap((second) => [true, false].flatMap((notice) => [1, 2].map((times) => spot(
    `reclaimed ${second} s after the start${notice ? '' : ' without a notice'}, ${times === 1 ? 'once' : 'twice'}`,
    { job: spotJob() }, ({ models }) => models.batch.reclaimAt(second, { times, notice })))));
  const after = [0, 1, 2, 5, 10, 20, 30, 60].flatMap((second) => [true, false].flatMap((notice) => PACES.map(([how, pace]) => spot(
    `reclaimed ${second} s after success${notice ? '' : ' without a notice'}, export ${how}`,
    {}, (rehearsal) => {
      rehearsal.models.fsx.setPace(pace);
      reclaimWhenOver(rehearsal, second, notice);
    }))));
  const behind = [30, 120, 300, 590].flatMap((second) => PACES.map(([how, pace]) => spot(
    `reclaimed ${second} s after the start, export ${how}`, { job: spotJob() }, ({ models }) => {
      models.fsx.setPace(pace);
      models.batch.reclaimAt(second, { times: 1 });
    })));
  return [...during, ...after, ...behind];
}

function spot(name: string, options: RehearsalOptions, prepare: (rehearsal: Rehearsal) => void): Cell {
  const base: Way = way('succeeds');
  return { class: 'SPOT takes the instance back', name, way: base, plan: () => ({ options, prepare }) };
}

/** The instance of each attempt that ends by itself goes so long after. */
function reclaimWhenOver({ engine, models }: Rehearsal, seconds: number, notice: boolean): void {
  const look = () => {
    for (const { instanceId } of models.batch.containers.filter(({ endedAt }) => endedAt !== undefined)) {
      const instance = models.ec2.instances.find(({ id }) => id === instanceId)!;
      if (instance.alive) return engine.clock.after(seconds * 1000, () => instance.alive && instance.reclaim(notice));
    }
    engine.clock.after(1000, look);
  };
  engine.clock.after(1000, look);
}

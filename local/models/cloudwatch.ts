import { AwsError, ServiceModel, World } from '../world';
import { NotModelled, onlyModelled, reading } from './checks';
import { MetricFault, MetricPoint } from './metric-faults';

const MINUTE = 60_000; // B2: one point a minute
const MAX_DATAPOINTS = 1440; // of one GetMetricStatistics call (API reference)
const KEPT_MS = 15 * 24 * 3600_000; // B9
const LATE_FIRST_POINT_MS = 10 * MINUTE; // B4: nobody knows when the first one appears

/** What CloudWatch is told by FSx. */
export interface FsxMetrics {
  /** Seconds that the oldest queued message has waited at this full minute; undefined before and after the queue. */
  exportAgeAt(fileSystemId: string, minute: number): number | undefined;
  connectionsAt(fileSystemId: string, minute: number): number | undefined;
  exportBegan(fileSystemId: string): { since?: number; firstMessage?: number };
}

const STATISTICS: Record<string, (values: number[]) => number> = {
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => Math.min(...values),
  Average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

/** Amazon CloudWatch, as far as the metrics of FSx for Lustre go. */
export class CloudWatchModel implements ServiceModel {
  readonly service = 'cloudwatch';
  private readonly faults: MetricFault[] = [];

  constructor(private readonly world: World, private readonly fsx: FsxMetrics) {}

  /** From now on the age metric of every file system is misleading in this way, too. */
  mislead(...faults: MetricFault[]): void {
    this.faults.push(...faults);
  }

  /** Publishes nothing but the truth again. */
  mend(): void {
    this.faults.length = 0;
  }

  call(action: string, input: Record<string, any>): unknown {
    if (action !== 'GetMetricStatistics') throw new NotModelled(`cloudwatch:${action}`);
    onlyModelled('cloudwatch:GetMetricStatistics', input, [
      'Namespace', 'MetricName', 'Dimensions', 'StartTime', 'EndTime', 'Period', 'Statistics', 'Unit',
    ]);
    const { Namespace, MetricName, Period, Statistics = [] } = input;
    if (Namespace !== 'AWS/FSx') throw new NotModelled(`namespace ${Namespace}`);
    for (const name of Statistics) if (!STATISTICS[name]) throw new NotModelled(`statistic ${name} of ${MetricName}`); // B1
    if (Statistics.length === 0) throw new AwsError('MissingRequiredParameterException', 'Statistics or ExtendedStatistics must be given');
    if (!Number.isInteger(Period) || Period < 60 || Period % 60 !== 0) {
      throw new AwsError('InvalidParameterValueException', 'The parameter Period must be a multiple of 60.');
    }
    const start = Math.floor(new Date(input.StartTime).getTime() / MINUTE) * MINUTE; // CloudWatch API reference, GetMetricStatistics: inclusive, rounded down
    const end = new Date(input.EndTime).getTime(); // and exclusive
    if (!(start < end)) {
      throw new AwsError('InvalidParameterCombinationException', 'The parameter StartTime must be less than the parameter EndTime.');
    }
    if ((end - start) / (Period * 1000) > MAX_DATAPOINTS) {
      throw new AwsError('InvalidParameterCombinationException', `You have requested more than the limit of ${MAX_DATAPOINTS} datapoints.`);
    }
    return { Label: MetricName, Datapoints: this.inSomeOrder(this.datapoints(input, start, end)) };
  }

  /** What can be read now, one entry a minute. */
  readable(metric: string, fileSystemId: string, start: number, end: number): MetricPoint[] {
    const now = this.world.clock.now();
    const points: MetricPoint[] = [];
    for (let minute = Math.max(start, Math.floor((now - KEPT_MS) / MINUTE) * MINUTE); minute < Math.min(end, now); minute += MINUTE) {
      const point = metric === 'ClientConnections' ? this.connections(fileSystemId, minute) : this.age(fileSystemId, minute);
      if (point && point.readableAt <= now) points.push(point);
    }
    return points;
  }

  private datapoints(input: Record<string, any>, start: number, end: number): Record<string, unknown>[] {
    const { MetricName, Period, Statistics, Unit } = input;
    const dimensions = Object.fromEntries((input.Dimensions ?? []).map(({ Name, Value }: { Name: string; Value: string }) => [Name, Value]));
    const expected: Record<string, { dimensions: string; unit: string }> = {
      AgeOfOldestQueuedMessage: { dimensions: 'FileSystemId,Publisher', unit: 'Seconds' }, // B1
      ClientConnections: { dimensions: 'FileSystemId', unit: 'Count' }, // A7.5
    };
    const metric = expected[MetricName];
    if (!metric) throw new NotModelled(`metric ${MetricName}`);
    // Other dimensions or another unit are another metric: CloudWatch answers nothing, not an error.
    if (Object.keys(dimensions).sort().join() !== metric.dimensions || (Unit ?? metric.unit) !== metric.unit) return [];
    if (MetricName === 'AgeOfOldestQueuedMessage' && dimensions.Publisher !== 'AutoExport') return [];
    const periods = new Map<number, number[]>();
    for (const { minute, value } of this.readable(MetricName, dimensions.FileSystemId, start, end)) {
      const period = start + Math.floor((minute - start) / (Period * 1000)) * Period * 1000;
      periods.set(period, [...periods.get(period) ?? [], value]);
    }
    return [...periods].map(([period, values]) => ({
      Timestamp: new Date(period),
      Unit: metric.unit,
      ...Object.fromEntries(Statistics.map((name: string) => [name, STATISTICS[name](values)])),
    }));
  }

  private age(fileSystemId: string, minute: number): MetricPoint | undefined {
    const truth = this.trueAge(fileSystemId, minute);
    const point = truth === undefined ? undefined : { minute, value: truth, readableAt: minute + this.lag(minute) };
    return this.faults.reduce<MetricPoint | undefined>((each, fault) => fault(each, minute), point);
  }

  private trueAge(fileSystemId: string, minute: number): number | undefined {
    const { since, firstMessage } = this.fsx.exportBegan(fileSystemId);
    if (since === undefined) return undefined;
    const first = { // B4
      withAssociation: since,
      withFirstMessage: firstMessage ?? Infinity,
      tenMinutesLate: since + LATE_FIRST_POINT_MS,
    }[reading(this.world, 'firstPoint', 'withAssociation')]!;
    if (minute + MINUTE <= first) return undefined;
    // A point says how old the oldest message was at the end of its minute (the measured curve), or at its beginning (B6).
    const sampledAt = reading(this.world, 'backlogShows', 'atOnce') === 'atOnce' ? minute + MINUTE : minute;
    const age = this.fsx.exportAgeAt(fileSystemId, sampledAt);
    return age === 0 && reading(this.world, 'idleMetric', 'zeros') === 'missing' ? undefined : age; // B4
  }

  private connections(fileSystemId: string, minute: number): MetricPoint | undefined {
    const value = this.fsx.connectionsAt(fileSystemId, minute);
    return value === undefined ? undefined : { minute, value, readableAt: minute + this.lag(minute) };
  }

  /** 60-70 s after its minute began (B5), not always the same. */
  private lag(minute: number): number {
    return reading(this.world, 'publicationLag', 'seventySeconds') === 'threeMinutes' ? 3 * MINUTE : MINUTE + (minute / MINUTE * 7 % 11) * 1000;
  }

  /** The API promises no order. */
  private inSomeOrder<T>(points: T[]): T[] {
    if (reading(this.world, 'firstPointOfRange', 'inOrder') === 'inOrder') return points;
    return points.map((point) => ({ point, key: this.world.random() })).sort((a, b) => a.key - b.key).map(({ point }) => point);
  }
}

import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { DataRepositoryAssociation, DescribeDataRepositoryAssociationsCommand, UpdateDataRepositoryAssociationCommand } from '@aws-sdk/client-fsx';
import { requireField } from './answer';
import { dispatch } from './dispatch';
import { decide, lastWords } from './drain-decision';
import { fsx } from './fsx';
import { Association, retriggered } from './link-health';
import { Point, readFrom, zerosNeeded } from './queue-age';
import { quietTime } from './quiet-time';
import { raise } from './raise';
import { ErrorName } from '../src/private/errors';
import type { CheckMetricsPayload, DrainLook, GiveUpDrainPayload } from '../src/private/export-drain-payloads';

const cloudWatch = new CloudWatchClient({});

const PERIOD_SECONDS = 60; // the metric's own (B2): a longer one could hide a gap
const MOST_POINTS = 1_440; // of one GetMetricStatistics call

export const handler = dispatch({
  CheckMetrics: async (payload: CheckMetricsPayload): Promise<DrainLook> => {
    const { run, parameters, fileSystem, job, compute, settings } = payload;
    const memory = requireField(payload.export?.evidence?.memory, 'memory of earlier looks');
    const needed = zerosNeeded(parameters, settings);
    if (!Number.isFinite(needed)) raise(ErrorName.INVALID_PARAMETERS, 'lambdaPeriodSeconds and lambdaTimeDiffMinutes are missing from the parameters');

    const { associationId } = payload.association;
    if (!associationId) raise(ErrorName.ASSOCIATION_FAILED, 'the run has no data repository association: nothing exports its file system');
    const found = await describe(associationId);
    const now = Date.now();
    const points = await readAges(requireField(fileSystem.fileSystemId, 'fileSystemId'), readFrom(now, needed, settings), now);
    const { action, ...look } = decide({
      now,
      points,
      needed,
      settings,
      memory,
      quiet: quietTime(job, compute, settings),
      association: found && judged(found),
      lastReason: payload.export.evidence.reason,
    });
    if (action === 'RETRIGGER') return { ...look, memory: retriggered(now, look.memory, await retrigger(found!, run.token)) };
    return look;
  },

  GiveUpDrain: async (payload: GiveUpDrainPayload) => {
    const { verdict, error, reason, message } = payload.export.evidence;
    if (verdict === 'FAILED') raise(error ?? ErrorName.EXPORT_NOT_PROVEN, `${reason}: ${message}`);
    raise(ErrorName.DRAIN_TIMED_OUT, lastWords(payload.export));
  },
});

async function describe(associationId: string): Promise<DataRepositoryAssociation | undefined> {
  try {
    const { Associations } = await fsx.send(new DescribeDataRepositoryAssociationsCommand({ AssociationIds: [associationId] }));
    return requireField(Associations?.find((candidate) => candidate.AssociationId === associationId), `association ${associationId}`);
  } catch (error) {
    if ((error as Error).name === 'DataRepositoryAssociationNotFound') return undefined;
    throw error;
  }
}

function judged(found: DataRepositoryAssociation): Association {
  return {
    lifecycle: requireField(found.Lifecycle, 'Association.Lifecycle'),
    exportEvents: found.S3?.AutoExportPolicy?.Events ?? [],
    failure: found.FailureDetails?.Message,
  };
}

/** The ages of the oldest message in the queue, one a minute, in any order (B9). */
async function readAges(fileSystemId: string, from: number, until: number): Promise<Point[]> {
  const points: Point[] = [];
  const step = MOST_POINTS * PERIOD_SECONDS * 1000;
  for (let start = from; start < until; start += step) {
    const { Datapoints } = await cloudWatch.send(new GetMetricStatisticsCommand({
      Namespace: 'AWS/FSx', // B1
      MetricName: 'AgeOfOldestQueuedMessage',
      Dimensions: [{ Name: 'FileSystemId', Value: fileSystemId }, { Name: 'Publisher', Value: 'AutoExport' }],
      StartTime: new Date(start),
      EndTime: new Date(Math.min(start + step, until)),
      Period: PERIOD_SECONDS,
      Statistics: ['Maximum'],
    }));
    points.push(...(Datapoints ?? []).map(({ Timestamp, Maximum }) => ({ at: Timestamp?.getTime() ?? NaN, ageSeconds: Maximum ?? NaN })));
  }
  return points;
}

/** Has FSx look again at what made the link MISCONFIGURED, with an update that changes nothing; answers the refusal if there is one. */
async function retrigger({ AssociationId, S3 }: DataRepositoryAssociation, token: string): Promise<string | undefined> {
  try {
    await fsx.send(new UpdateDataRepositoryAssociationCommand({
      AssociationId,
      ClientRequestToken: `retrigger-${token}`,
      // all policies as they are: what an update leaves out may be cleared (A6.2)
      S3: { AutoExportPolicy: S3?.AutoExportPolicy, ...(S3?.AutoImportPolicy ? { AutoImportPolicy: S3.AutoImportPolicy } : {}) },
    }));
    return undefined;
  } catch (error) {
    if (!['BadRequest', 'IncompatibleParameterError'].includes((error as Error).name)) throw error;
    return (error as Error).message;
  }
}

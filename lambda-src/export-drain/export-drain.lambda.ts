import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateDataRepositoryTaskCommand, DataRepositoryAssociation, DescribeDataRepositoryAssociationsCommand, paginateDescribeDataRepositoryTasks,
  S3DataRepositoryConfiguration, UpdateDataRepositoryAssociationCommand,
} from '@aws-sdk/client-fsx';
import { listObjects, readFailures } from './bucket-look';
import { decide, lastWords } from './drain-decision';
import { isListingDue } from './export-progress';
import { ExportTask, isReportDue, reportPath, taskAttempted, taskToken } from './export-task';
import { listed } from './failures-report';
import { Association, retriggered } from './link-health';
import { isMetricAsked, isQueueRead } from './metric-step';
import { Point, readFrom, zerosNeeded } from './queue-age';
import { quietTime } from './quiet-time';
import { attempted, nextForm, switchOffToken } from './switch-off';
import type { Run } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import type { CheckMetricsPayload, DrainLook, DrainMemory, ExportActionPayload, GiveUpDrainPayload } from '../../src/private/export-drain-payloads';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { dispatch } from '../shared/dispatch';
import { fsx } from '../shared/fsx';
import { raise } from '../shared/raise';
import { executionToken } from '../shared/run-identity';

const cloudWatch = new CloudWatchClient({});

const PERIOD_SECONDS = 60; // the metric's own (B2): a longer one could hide a gap
const MOST_POINTS = 1_440; // of one GetMetricStatistics call
const MOST_LISTED_BYTES = 8 * 1024; // of the names in an error's cause

/** What FSx answers where it does not do what it is asked; anything else is tried again by Step Functions. */
const REFUSALS = [
  'BadRequest', 'IncompatibleParameterError', 'UnsupportedOperation', 'ServiceLimitExceeded', 'DataRepositoryAssociationNotFound', 'FileSystemNotFound',
  'DataRepositoryTaskExecuting',
];

export const handler = dispatch({
  CheckMetrics: async (payload: CheckMetricsPayload): Promise<DrainLook> => {
    const { run, execution, parameters, job, compute, settings } = payload;
    const memory = requireField(payload.export?.evidence?.memory, 'memory of earlier looks');
    const needed = zerosNeeded(parameters, settings);
    if (!Number.isFinite(needed)) raise(ErrorName.INVALID_PARAMETERS, 'lambdaPeriodSeconds and lambdaTimeDiffMinutes are missing from the parameters');

    const { associationId, dataRepositoryPath } = payload.association;
    if (!associationId) raise(ErrorName.ASSOCIATION_FAILED, 'the run has no data repository association: nothing exports its file system');
    const fileSystemId = requireField(payload.fileSystem.fileSystemId, 'fileSystemId');
    const found = await describe(associationId);
    const now = Date.now();
    const verification = parameters.exportVerification ?? 'BOTH';
    const autoExport = parameters.autoExport !== false;
    const asks = { verification, autoExport, memory };
    const points = isQueueRead(asks) ? await readAges(fileSystemId, readFrom(now, needed, settings), now).catch((error): Point[] => {
      if (isMetricAsked(asks)) throw error;
      return []; // where it has no say, a metric that cannot be read delays like one that says nothing
    }) : [];
    const tasks = verification === 'METRIC_ONLY' ? [] : await describeTasks(fileSystemId);
    const { action, ...look } = decide({
      now,
      points,
      needed,
      verification,
      autoExport,
      tasks,
      settings,
      memory,
      quiet: quietTime(job, compute, settings),
      association: found && judged(found),
      report: dataRepositoryPath && isReportDue(tasks, memory.task) ? await readFailures(reportPath(dataRepositoryPath, run.id), memory.task!.id!) : undefined,
      listing: dataRepositoryPath && isListingDue(now, memory) ? await listObjects(dataRepositoryPath, memory.progress?.objects?.cursor) : undefined,
      last: payload.export.evidence,
    });
    if (action === 'RETRIGGER') return { ...look, memory: retriggered(now, look.memory, await retrigger(found!, execution)) };
    return look;
  },

  SwitchOffAutomaticExport: async ({ association, export: { evidence }, execution }: ExportActionPayload): Promise<DrainMemory> => {
    const memory = requireField(evidence.memory, 'memory of earlier looks');
    const found = await describe(requireField(association.associationId, 'associationId'));
    if (!found) return memory; // the next look says so
    const refusal = await refusalOf(fsx.send(new UpdateDataRepositoryAssociationCommand({
      AssociationId: found.AssociationId,
      ClientRequestToken: switchOffToken(execution, memory.switchOff),
      S3: { ...(nextForm(memory.switchOff) === 'EMPTY_EVENTS' ? { AutoExportPolicy: { Events: [] } } : {}), ...importPolicy(found) },
    })));
    return { ...memory, switchOff: attempted(Date.now(), memory.switchOff, refusal?.message) };
  },

  StartExportTask: async ({ run, fileSystem, association, export: { evidence }, execution }: ExportActionPayload): Promise<DrainMemory> => {
    const memory = requireField(evidence.memory, 'memory of earlier looks');
    const directory = requireField(association.fileSystemPath, 'fileSystemPath').replace(/^\/+|\/+$/g, ''); // A8.2: without the slash
    const location = requireField(association.dataRepositoryPath, 'dataRepositoryPath');
    const round = memory.task?.round ?? 1;
    let id: string | undefined;
    const refusal = await refusalOf(fsx.send(new CreateDataRepositoryTaskCommand({
      Type: 'EXPORT_TO_REPOSITORY',
      FileSystemId: requireField(fileSystem.fileSystemId, 'fileSystemId'),
      ...(directory ? { Paths: [directory] } : {}), // no path is the whole file system
      Report: { Enabled: true, Path: reportPath(location, run.id), Format: 'REPORT_CSV_20191124', Scope: 'FAILED_FILES_ONLY' }, // A8.3
      ClientRequestToken: taskToken(execution, round),
      Tags: tagsOf(run),
    })).then(({ DataRepositoryTask }) => { id = requireField(DataRepositoryTask?.TaskId, 'DataRepositoryTask.TaskId'); }));
    return { ...memory, task: taskAttempted(Date.now(), { ...memory.task, round }, id, refusal) };
  },

  GiveUpDrain: async (payload: GiveUpDrainPayload) => {
    const { verdict, error, reason, message, failedFiles } = payload.export.evidence;
    const files = failedFiles ? `\n${listed(failedFiles, MOST_LISTED_BYTES)}` : '';
    if (verdict === 'FAILED') raise(error ?? ErrorName.EXPORT_NOT_PROVEN, `${reason}: ${message}${files}`);
    raise(ErrorName.DRAIN_TIMED_OUT, `${lastWords(payload.export)}${files}`);
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

async function describeTasks(fileSystemId: string): Promise<ExportTask[]> {
  const tasks: ExportTask[] = [];
  const filters = { Filters: [{ Name: 'file-system-id' as const, Values: [fileSystemId] }] };
  for await (const { DataRepositoryTasks } of paginateDescribeDataRepositoryTasks({ client: fsx }, filters)) {
    // a task that is missing here is waited for, or stands in the way of a new one
    tasks.push(...(DataRepositoryTasks ?? []).map(({ TaskId, Type, Lifecycle, CreationTime, Status, FailureDetails }) => ({
      id: requireField(TaskId, 'DataRepositoryTask.TaskId'),
      type: Type,
      lifecycle: requireField(Lifecycle, 'DataRepositoryTask.Lifecycle'),
      createdAt: requireField(CreationTime, 'DataRepositoryTask.CreationTime').getTime(),
      total: Status?.TotalCount,
      succeeded: Status?.SucceededCount,
      failed: Status?.FailedCount,
      failure: FailureDetails?.Message,
    })));
  }
  return tasks;
}

/** The ages of the oldest message in the queue, one a minute, in any order. */
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
async function retrigger(found: DataRepositoryAssociation, execution: string): Promise<string | undefined> {
  const policy = found.S3?.AutoExportPolicy;
  const refusal = await refusalOf(fsx.send(new UpdateDataRepositoryAssociationCommand({
    AssociationId: found.AssociationId,
    ClientRequestToken: `retrigger-${executionToken(execution)}`,
    // all policies as they are: what an update leaves out may be cleared (A6.2), and an empty one refused
    S3: { ...(policy?.Events?.length ? { AutoExportPolicy: policy } : {}), ...importPolicy(found) },
  })));
  return refusal?.message;
}

function importPolicy({ S3 }: DataRepositoryAssociation): Pick<S3DataRepositoryConfiguration, 'AutoImportPolicy'> {
  return S3?.AutoImportPolicy?.Events?.length ? { AutoImportPolicy: S3.AutoImportPolicy } : {};
}

async function refusalOf(sent: Promise<unknown>): Promise<Error | undefined> {
  try {
    await sent;
    return undefined;
  } catch (error) {
    if (!REFUSALS.includes((error as Error).name)) throw error;
    return error as Error;
  }
}

function tagsOf({ id, executionArn }: Run) {
  return [{ Key: RunTag.RUN_ID, Value: id }, { Key: RunTag.EXECUTION_ARN, Value: executionArn }];
}

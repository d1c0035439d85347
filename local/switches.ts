import { Switches } from './world';

/** A fact that nobody has confirmed, and everything it may turn out to be. */
export interface Switch {
  readonly name: string;
  /** Number in the fact sheet. */
  readonly fact: string;
  /** All readings; the first one is the most likely and the default. */
  readonly readings: string[];
  readonly says: string;
}

/**
 * Every fact tagged [U], [I] or [S] that the workflow relies on. The workflow has to be right under each reading,
 * so tests draw them at random.
 */
export const SWITCHES: Switch[] = [
  // ---- Step Functions ----
  { name: 'modelledErrorName', fact: 'E5', readings: ['suffixed', 'plain'], says: 'error of an SDK integration: FSx.FileSystemNotFoundException, or FSx.FileSystemNotFound' },
  { name: 'unmodelledErrorName', fact: 'E5a', readings: ['generic', 'own'], says: 'error no API model lists: FSx.FSxException, or its own name, FSx.ThrottlingException' },
  { name: 'answerCasing', fact: 'E6', readings: ['javaV2', 'api'], says: 'members of an SDK integration\'s answer: DnsName, or as in the API, DNSName' },
  // ---- FSx: life cycle ----
  { name: 'logGroupArn', fact: 'A2.1', readings: ['anyForm', 'noWildcard'], says: 'a log group ARN ending in `:*` is accepted, or refused with BadRequest' },
  { name: 'fileSystemCreation', fact: 'A9.1', readings: ['minutes', 'halfAnHour'], says: 'a file system is AVAILABLE after 2-8 minutes, or only after half an hour' },
  { name: 'capacityShortage', fact: 'A9.3', readings: ['lifecycleFailed', 'badRequest'], says: 'no capacity shows as Lifecycle FAILED, or as BadRequest on the create' },
  { name: 'createdFileSystem', fact: 'A7.1', readings: ['visibleAtOnce', 'visibleLate'], says: 'Describe knows a file system at once, or answers FileSystemNotFound for some seconds' },
  { name: 'importTaskBlocksDelete', fact: 'A4.6', readings: ['yes', 'no'], says: 'the import task of a new association makes DeleteFileSystem answer 400, or not' },
  { name: 'dataSourceRole', fact: 'A4.11', readings: ['left', 'deleted'], says: 'the service-linked role of a link stays after the file system is gone, or FSx deletes it' },
  { name: 'deleteWhileCreating', fact: 'A7.1', readings: ['accepted', 'refused'], says: 'a file system can be deleted while CREATING, or is refused with BadRequest' },
  { name: 'secondDelete', fact: 'A7.1', readings: ['accepted', 'refused'], says: 'deleting a file system that is DELETING changes nothing, or is refused with BadRequest' },
  { name: 'associationsOfGoneFileSystem', fact: 'A7.1', readings: ['none', 'notFound'], says: 'a gone file system has no associations, or FileSystemNotFound' },
  // ---- FSx: association and export ----
  { name: 'taskWhileAutoExport', fact: 'A8.6', readings: ['refused', 'accepted'], says: 'an export task while automatic export is on is refused, or runs' },
  { name: 'autoExportDuringTask', fact: 'A8.6', readings: ['accepted', 'refused'], says: 'automatic export can be switched on while an export task runs, or is refused with BadRequest' },
  { name: 'statusCounts', fact: 'A8.4', readings: ['present', 'absent'], says: 'a task\'s Status has a FailedCount of 0, and is there while PENDING, or leaves both out' },
  { name: 'exportReport', fact: 'A8.3', readings: ['onlyFailures', 'always'], says: 'a task without failed files writes no report, or an empty one' },
  { name: 'reportDelivery', fact: 'A8.3', readings: ['withEnd', 'aMinuteLater'], says: 'the report is there when the task has ended, or only a minute later' },
  { name: 'reportPath', fact: 'A8.3', readings: ['once', 'twice'], says: 'the report of task-1 is in `task-1/`, or, with the prefix of the pattern and of the id, in `task-task-1/`' },
  { name: 'reportHeader', fact: 'A8.3', readings: ['no', 'yes'], says: 'the report begins with its first file, as in the guide, or with the names of its columns' },
  { name: 'reportFilePath', fact: 'A8.3', readings: ['relative', 'absolute'], says: 'a path in the report is `export/a`, relative to the mount point, or `/export/a`' },
  { name: 'reportStatus', fact: 'A8.3', readings: ['failed', 'FAILED'], says: 'FileStatus in the report' },
  { name: 'utf8Failure', fact: 'A5.6', readings: ['InternalError', 'PathSizeTooLong', 'S3Error'], says: 'code of a task for a name that is not UTF-8; that it fails such a file at all is taken for granted' },
  { name: 'kmsFailureCode', fact: 'B10', readings: ['S3AccessDenied', 'S3Error', 'N/A'], says: 'code of a task where the key of the bucket cannot be used; the guide has N/A in the column of codes' },
  { name: 'associationDirectory', fact: 'A4.2', readings: ['created', 'notCreated'], says: 'the link makes its directory on the file system, or leaves that to a client' },
  { name: 'omittedExportPolicy', fact: 'A6.2', readings: ['unchanged', 'cleared'], says: 'an update without AutoExportPolicy leaves it as it is, or clears it' },
  { name: 'emptyExportEvents', fact: 'A6.2', readings: ['accepted', 'refused'], says: '`Events: []` switches automatic export off, or is refused with BadRequest' },
  { name: 'queueWhenDisabled', fact: 'A6.2', readings: ['kept', 'dropped'], says: 'messages queued when automatic export is switched off are still exported, or dropped' },
  { name: 'queueOnUpdate', fact: 'A6.2', readings: ['kept', 'dropped'], says: 'any other update of an association leaves its queue alone, or drops it' },
  { name: 'updateOfMisconfigured', fact: 'A3.2a', readings: ['checksAgain', 'refused'], says: 'an update makes a MISCONFIGURED association checked again, or is refused with BadRequest' },
  { name: 'missedWhileMisconfigured', fact: 'G8', readings: ['lost', 'caughtUp'], says: 'changes made while MISCONFIGURED are never exported, or exported once AVAILABLE' },
  { name: 'openFileOfDeadClient', fact: 'G4', readings: ['exportedAfterEviction', 'neverExported'], says: 'a file left open by a killed client is exported when the client is evicted, or never' },
  // ---- CloudWatch ----
  { name: 'idleMetric', fact: 'B4', readings: ['zeros', 'missing'], says: 'an idle queue publishes zeros, or nothing' },
  { name: 'firstPoint', fact: 'B4', readings: ['withAssociation', 'withFirstMessage', 'tenMinutesLate'], says: 'when the first data point of a new association appears' },
  { name: 'publicationLag', fact: 'B5', readings: ['seventySeconds', 'threeMinutes'], says: 'how long after its minute began a data point can be read' },
  { name: 'backlogShows', fact: 'B6', readings: ['atOnce', 'afterOneMinute'], says: 'a backlog shows in the first minute, or the metric reads 0 for a minute more' },
  { name: 'firstPointOfRange', fact: 'B9', readings: ['inOrder', 'shuffled'], says: 'data points come in order of time, or in any order' },
  // ---- Batch ----
  { name: 'updateWhileUpdating', fact: 'D1.10', readings: ['refused', 'queued', 'ignored'], says: 'UpdateComputeEnvironment while UPDATING is a ClientException, takes effect afterwards, or changes nothing' },
  { name: 'idleUpdate', fact: 'D1.3', readings: ['twoMinutes', 'thirtyMinutes'], says: 'how long an update of an environment without instances takes' },
  { name: 'updateShows', fact: 'D1.3', readings: ['atOnce', 'late'], says: 'Describe shows UPDATING with the answer of the update, or still VALID and the old template for some seconds' },
  { name: 'jobsDuringUpdate', fact: 'D1.10', readings: ['wait', 'startOnOldTemplate'], says: 'jobs wait while their environment is UPDATING, or start on instances of the old template' },
  { name: 'idleInstances', fact: 'D1.9', readings: ['scaledDown', 'keptForMinutes'], says: 'an idle instance goes at once, or stays for minutes and takes the next job' },
  { name: 'reclaimShowsAs', fact: 'D5.1', readings: ['hostTerminated', 'exit137', 'exit143'], says: 'an attempt on a reclaimed host ends as `Host EC2 ... terminated`, or first as exit 137 or 143' },
  { name: 'listJobs', fact: 'E19', readings: ['atOnce', 'late'], says: 'ListJobs knows a job at once, or only after some seconds' },
  { name: 'definitionRevisions', fact: 'D5.4', readings: ['atOnce', 'late'], says: 'DescribeJobDefinitions knows a definition at once, or only after some seconds' },
  { name: 'terminateQueuedJob', fact: 'D5.2', readings: ['failed', 'failedLate'], says: 'a job terminated before it started is FAILED at once, or some minutes later' },
  { name: 'deregisterTwice', fact: 'D5.4', readings: ['accepted', 'refused'], says: 'deregistering an INACTIVE job definition changes nothing, or is a ClientException' },
  { name: 'missingLaunchTemplate', fact: 'D1.8', readings: ['refused', 'accepted'], says: 'an update to a launch template that does not exist is refused, or makes the environment INVALID' },
  { name: 'describedTemplateVersion', fact: 'D1.5', readings: ['asGiven', 'resolved'], says: 'Describe shows `$Latest` as it was given, or the version that it stood for' },
  { name: 'environmentTags', fact: 'D1.6', readings: ['merged', 'replace'], says: 'tags of a compute environment join those of the launch template on its instances, or replace them' },
  { name: 'missingHostPath', fact: 'D2.4', readings: ['CannotStartContainerError', 'CannotCreateContainerError', 'DockerTimeoutError'], says: 'what ECS calls the failure of a container whose host path cannot be made' },
  // ---- hosts ----
  // D2.3 has one reading only: agent and init teams call "after cloud-final" intended, and no host script could be safe without it
  { name: 'packageAtBoot', fact: 'D2.7', readings: ['works', 'failsTwice'], says: 'the first dnf install works, or only the third' },
  { name: 'consoleOutput', fact: 'D2.4', readings: ['kept', 'empty'], says: 'the console of an ended instance can be read, or is empty' },
  { name: 'endedInstance', fact: 'D1.9', readings: ['described', 'notFound'], says: 'an ended instance is described as terminated, or InvalidInstanceID.NotFound' },
  { name: 'endedContainerInstance', fact: 'D1.9', readings: ['inactive', 'missing'], says: 'the container instance of an ended host is INACTIVE, or in `failures` as MISSING' },
  { name: 'spotNotice', fact: 'C9', readings: ['twoMinutes', 'none'], says: 'a reclaimed instance gets its two minutes, or goes at once' },
  // ---- Step Functions ----
  { name: 'describedStart', fact: 'E14', readings: ['sameSecond', 'secondBefore'], says: 'startDate of DescribeExecution is in the second of $$.Execution.StartTime, or just before it' },
  { name: 'describedExecution', fact: 'SDK-SFN DescribeExecution', readings: ['atOnce', 'late'], says: 'the end of an execution shows at once, or DescribeExecution and ListExecutions call it RUNNING for some seconds more' },
  { name: 'stackUpdateResetsTemplate', fact: 'CloudFormation, AWS::Batch::ComputeEnvironment', readings: ['yes', 'no'], says: 'a stack update that changes the compute environment sends the launch template of the template along, or leaves the one in use' },
  { name: 'eventDelivery', fact: 'EventBridge reference, Step Functions events', readings: ['atOnce', 'late', 'twice', 'never'], says: 'the event of an execution\'s end comes within seconds, half an hour late, twice, or (best effort) never' },
  // ---- EC2, IAM ----
  { name: 'newLaunchTemplate', fact: 'E19', readings: ['visibleAtOnce', 'visibleLate'], says: 'a launch template can be used at once, or is NotFound for some seconds' },
];

/** The most likely reading of each. */
export function defaults(): Switches {
  return Object.fromEntries(SWITCHES.map(({ name, readings }) => [name, readings[0]]));
}

/** One reading of each at random. */
export function draw(random: () => number): Switches {
  return Object.fromEntries(SWITCHES.map(({ name, readings }) => [name, readings[Math.floor(random() * readings.length)]]));
}

/** The defaults with some chosen; a name or reading that is not listed is an error. */
export function choose(chosen: Switches = {}): Switches {
  for (const [name, reading] of Object.entries(chosen)) {
    const found = SWITCHES.find((each) => each.name === name);
    if (!found) throw new Error(`no switch is named ${name}`);
    if (!found.readings.includes(reading)) throw new Error(`switch ${name} has no reading ${reading}, only ${found.readings.join(', ')}`);
  }
  return { ...defaults(), ...chosen };
}

import type { Problem } from './failure';
import { hourlyCost } from './hourly-cost';
import { nextStep } from './next-step';
import type { FailedFiles, StateDocument } from '../src/private/document';

/** The answers that somebody in front of a failed run needs: what failed, is the data safe, where, what it costs, what to type. */
export function explain(problem: Problem, document: StateDocument, kept: string | undefined): string {
  const { fileSystem, deletion } = document;
  const gone = kept === undefined && fileSystem.fileSystemId !== undefined && deletion?.gone !== true;
  const lines = [
    problem.Cause ?? problem.Error,
    '',
    `DATA: ${whereIsTheData(document, kept, gone)}`,
    ...notExported(document.export.evidence?.failedFiles),
    `COST: ${kept ? costOf(document) : document.failures.find ? 'perhaps of a file system that could not be looked for.' : 'nothing of this run is billed any more.'}`,
    `NEXT: ${nextStep(problem.Error)}`,
    ...(kept ? commands(document) : document.failures.find ? [cleanUpCommand(document)] : []),
  ];
  return lines.join('\n');
}

function whereIsTheData(document: StateDocument, kept: string | undefined, gone: boolean): string {
  const { fileSystem, associations, deletion, failures } = document;
  const target = associations.output?.dataRepositoryPath ?? 'S3';
  if (kept) {
    const proven = document.export.proven === true && !failures.drain;
    return `file system ${fileSystem.fileSystemId} is KEPT (${kept}). `
      + (proven ? `Everything on it is proven to be in ${target}.` : `What the run wrote is on it; not all of it is proven to be in ${target}.`)
      + automaticExport(document);
  }
  if (deletion?.gone) return `file system ${fileSystem.fileSystemId} was deleted; ${whatWasOnIt(document, target)}.`;
  if (gone) return `file system ${fileSystem.fileSystemId} is gone: not this execution deleted it. What was exported is in ${target}.`;
  return failures.find ? 'it could not be found out whether a file system was left behind.' : 'no file system was left behind.';
}

function automaticExport({ kept }: StateDocument): string {
  if (kept.automaticExport === undefined) return '';
  return kept.automaticExport === 'ON' ? ' Its automatic export is ON.' : ` Its automatic export is OFF${kept.reason ? ` (${kept.reason})` : ''}: what is changed on it now stays on it.`;
}

function whatWasOnIt({ export: { proven, reason } }: StateDocument, target: string): string {
  if (!proven) return `it was being deleted already when the clean-up came: whether everything on it is in ${target} was not looked at`;
  return reason === 'NothingWritten' ? 'nothing had been written to it' : `everything on it is in ${target}`;
}

function notExported(failedFiles: FailedFiles | undefined): string[] {
  if (!failedFiles) return [];
  const lines = Object.entries(failedFiles.byReason).map(([reason, { count, files, fix }]) =>
    `  ${reason}: ${count} (${files.join(', ')}${count > files.length ? ', …' : ''}); ${fix}`);
  return [`NOT EXPORTED: ${failedFiles.total} files`, ...lines, ...(failedFiles.report ? [`  full report: ${failedFiles.report}`] : [])];
}

function costOf({ fileSystem, policy }: StateDocument): string {
  const { storageCapacity, deploymentType } = fileSystem;
  const what = `file system ${fileSystem.fileSystemId}${storageCapacity ? ` (${storageCapacity} GiB ${deploymentType})` : ''} is billed until it is deleted`;
  const cost = hourlyCost(fileSystem);
  const until = policy.keep && policy.keepUntil ? `; from ${policy.keepUntil} on it is exported, proven and deleted by itself` : '';
  return `${what}${cost ? `, about US$${cost.toFixed(2)} an hour at the list price of us-east-1` : ''}${until}.`;
}

/** To be copied; the newline and two spaces before each keep them apart in every console. */
function commands(document: StateDocument): string[] {
  const { fileSystem: { fileSystemId, mountName }, associations: { output }, run } = document;
  const { region, suffix } = place(run.executionArn);
  const directory = (output.fileSystemPath ?? '').replace(/^\//, '');
  const report = `Enabled=true,Format=REPORT_CSV_20191124,Scope=FAILED_FILES_ONLY,Path=${output.dataRepositoryPath ?? 's3://BUCKET/PREFIX'}`;
  return [
    `  look at it:       sudo mount -t lustre -o relatime,flock ${fileSystemId}.fsx.${region}.${suffix}@tcp:/${mountName} /mnt`,
    `  export by hand:   aws fsx create-data-repository-task --region ${region} --file-system-id ${fileSystemId} --type EXPORT_TO_REPOSITORY --paths ${directory} --report ${report}`,
    cleanUpCommand(document),
    `  or throw it away: aws fsx delete-file-system --region ${region} --file-system-id ${fileSystemId}   # what is not in S3 is lost`,
  ];
}

function cleanUpCommand({ run: { executionArn } }: StateDocument): string {
  const stateMachineArn = executionArn.replace(':execution:', ':stateMachine:').split(':').slice(0, 7).join(':');
  return `  prove and delete: aws stepfunctions start-execution --region ${place(executionArn).region} --state-machine-arn ${stateMachineArn} `
    + `--input '{"cleanUp":{"executionArn":"${executionArn}","deleteLustre":true}}'`;
}

function place(executionArn: string): { region: string; suffix: string } {
  const [, partition, , region] = executionArn.split(':');
  return { region, suffix: partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com' }; // C7
}

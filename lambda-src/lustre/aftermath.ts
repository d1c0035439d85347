import { isCleanUp } from './clean-up-input';
import { isOnItsWay, isOwnDeletion, message, type Problem } from './failure';
import { hourlyCost } from './hourly-cost';
import { nextStep } from './next-step';
import type { FailedFiles, StateDocument } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import { CLEAN_UP_STEPS, IS_BEING_DELETED, IS_KEPT } from '../../src/private/keep-reasons';
import { RunTag } from '../../src/private/tags';
import { cleanUpCommand, regionOf, startExecutionCommand, stateMachineOf } from '../shared/execution-arn';

/** Why a proof is of before what happened since. */
const OUTDATED: string[] = [ErrorName.RUN_STILL_RUNNING, ErrorName.RUN_REDRIVEN, ErrorName.KEPT_MEANWHILE];

/** Of what a cause quotes: what is to be typed must never be cut off behind it. */
const MAX_QUOTED = 8_000;

/** The answers that somebody in front of a failed run needs: what failed, is the data safe, where, what it costs, what to type. */
export function explain(problem: Problem, document: StateDocument, kept: string | undefined): string {
  const { fileSystem, deletion } = document;
  const gone = kept === undefined && fileSystem.fileSystemId !== undefined && deletion?.gone !== true;
  const lines = [
    quoted(problem.Cause ?? problem.Error),
    '',
    `DATA: ${whereIsTheData(document, kept, gone)}`,
    ...whyKept(problem, document, kept),
    ...notRestored(document, kept),
    ...notExported(document.export.evidence?.failedFiles, problem),
    `COST: ${kept ? costOf(document) : document.failures.find ? 'perhaps of a file system that could not be looked for.' : 'nothing of this run is billed any more.'}`,
    `NEXT: ${[nextStep(problem.Error), kept && whatFollows(document)].filter(Boolean).join(' ')}`,
    ...(kept ? commands(document) : document.failures.find ? [proveAndDelete(document)] : []),
    ...(isOfRun(problem, document) ? [startAgainCommand(document)] : []),
  ];
  return lines.join('\n');
}

/** What somebody needs who has got a file system, be it because of a failure or because it was asked for. */
export function instructions(document: StateDocument): string[] {
  return [costOf(document), ...commands(document).map((command) => command.trim().replace(/: +/, ': '))];
}

/** The step that stood in the way of the deletion, where the run had failed before. */
function whyKept(problem: Problem, { failures }: StateDocument, kept: string | undefined): string[] {
  const step = CLEAN_UP_STEPS.find((each) => failures[each]?.Error !== undefined && failures[each].Error !== problem.Error);
  if (!kept || !step) return [];
  const failure = failures[step];
  return [`KEPT BECAUSE: ${step}: ${failure.Error}: ${quoted(message(failure))} To mend: ${nextStep(failure.Error!)}`];
}

/** It is kept for another reason, and does not export meanwhile. */
function notRestored({ failures: { restore } }: StateDocument, kept: string | undefined): string[] {
  return kept && restore?.Error ? [`AUTOMATIC EXPORT: could not be switched on again: ${restore.Error}: ${quoted(message(restore))}`] : [];
}

const quoted = (text: string) => text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)} ... (cut, ${text.length} characters)`;

/** Whether starting the run again is a thing to do: not where a clean-up is looked at. */
function isOfRun({ Error }: Problem, document: StateDocument): boolean {
  return !isCleanUp(document) && Error !== ErrorName.FOREIGN_FILE_SYSTEM;
}

function whereIsTheData(document: StateDocument, kept: string | undefined, gone: boolean): string {
  const { fileSystem, associations, deletion, failures } = document;
  const target = associations.output?.dataRepositoryPath ?? 'S3';
  if (kept && isOnItsWay(document)) return `file system ${fileSystem.fileSystemId} ${IS_BEING_DELETED}, and FSx has not finished; ${whatWasOnIt(document, target)}.`;
  if (kept) {
    const proven = document.export.proven === true && !failures.drain && !OUTDATED.includes(failures.delete?.Error ?? '');
    return `nothing was deleted: file system ${fileSystem.fileSystemId} ${IS_KEPT} (${kept}). `
      + (proven ? `Everything on it is proven to be in ${target}.` : `What the run wrote is on it; not all of it is proven to be in ${target}.`)
      + automaticExport(document);
  }
  if (deletion?.gone || gone && isOwnDeletion(document)) {
    const safe = document.export.proven ? 'nothing is lost: ' : '';
    return `${safe}file system ${fileSystem.fileSystemId} was deleted; ${whatWasOnIt(document, target)}.`;
  }
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

/** Nothing where the cause lists them already. */
function notExported(failedFiles: FailedFiles | undefined, { Cause = '' }: Problem): string[] {
  if (!failedFiles || Object.keys(failedFiles.byReason).every((reason) => Cause.includes(`\n${reason}: `))) return [];
  const lines = Object.entries(failedFiles.byReason).map(([reason, { count, files, fix }]) =>
    `  ${reason}: ${count} (${files.map((file) => JSON.stringify(file)).join(', ')}${count > files.length ? ', …' : ''}); ${fix}`);
  const total = `${failedFiles.total} file${failedFiles.total === 1 ? '' : 's'}`;
  return [`NOT EXPORTED: ${total}`, ...lines, ...(failedFiles.report ? [`  full report: ${failedFiles.report}`] : [])];
}

/** Whether somebody has to do something about what is kept, or time does it. */
function whatFollows({ failures, policy, parameters }: StateDocument): string {
  const isChosen = !CLEAN_UP_STEPS.some((step) => failures[step]) && (policy.keep || parameters.deleteLustre === false);
  if (!isChosen) return 'What is kept is tried again by itself after an hour, then less and less often, up to once a day; or type "prove and delete" now.';
  return policy.keep && policy.keepUntil ? 'Type "prove and delete" if that is to happen earlier.' : 'The file system stays until somebody types "prove and delete".';
}

function costOf({ fileSystem, policy }: StateDocument): string {
  const { storageCapacity, deploymentType } = fileSystem;
  const what = `file system ${fileSystem.fileSystemId}${storageCapacity ? ` (${storageCapacity} GiB ${deploymentType})` : ''} is billed until it is deleted`;
  const cost = hourlyCost(fileSystem);
  const until = policy.keep && policy.keepUntil ? `; from ${policy.keepUntil} on it is exported, proven and deleted by itself` : '';
  return `${what}${cost ? `, about US$${cost.toFixed(2)} an hour (US$${(cost * 24).toFixed(2)} a day) at the list price of us-east-1` : ''}${until}.`;
}

/** To be copied; the newline and two spaces before each keep them apart in every console. */
function commands(document: StateDocument): string[] {
  const { fileSystem: { fileSystemId, mountName }, associations: { output }, run, kept } = document;
  const { region, suffix, arn } = place(run.executionArn);
  if (isOnItsWay(document)) return [`  is it gone:       aws fsx describe-file-systems --region ${region} --file-system-ids ${fileSystemId}`];
  const directory = (output.fileSystemPath ?? '').replace(/^\//, '');
  const target = output.dataRepositoryPath ?? 's3://BUCKET/PREFIX';
  const report = `Enabled=true,Format=REPORT_CSV_20191124,Scope=FAILED_FILES_ONLY,Path=${target}`;
  const off = kept.automaticExport === 'ON'
    ? [`  switch off first: aws fsx update-data-repository-association --region ${region} --association-id ${output.associationId} --s3 '{"AutoExportPolicy":{"Events":[]}}'`] : [];
  return [
    `  hold it:          aws fsx tag-resource --region ${region} --resource-arn ${arn}:file-system/${fileSystemId} --tags Key=${RunTag.HOLD},Value=yes   # no clean-up deletes it while you work on it; untag it afterwards`,
    `  look at it:       sudo mount -t lustre -o relatime,flock ${fileSystemId}.fsx.${region}.${suffix}@tcp:/${mountName} /mnt`,
    `  copy it yourself: aws s3 sync --region ${region} /mnt/${directory} ${target}   # once it is mounted, whatever its link to S3 does`,
    ...(output.associationId ? [...off, `  export by hand:   aws fsx create-data-repository-task --region ${region} --file-system-id ${fileSystemId} --type EXPORT_TO_REPOSITORY --paths ${directory} --report ${report}`] : []),
    proveAndDelete(document),
    `  or throw it away: aws fsx delete-file-system --region ${region} --file-system-id ${fileSystemId}   # what is not in S3 is lost`,
  ];
}

function proveAndDelete({ run: { executionArn } }: StateDocument): string {
  return `  prove and delete: ${cleanUpCommand(stateMachineOf(executionArn), { executionArn, deleteLustre: true })}`;
}

/** With the input that the run had. */
function startAgainCommand({ run: { executionArn } }: StateDocument): string {
  const input = `aws stepfunctions describe-execution --region ${regionOf(executionArn)} --execution-arn ${executionArn} --query input --output text`;
  return `  start again:      ${startExecutionCommand(stateMachineOf(executionArn))} --input "$(${input})"`;
}

function place(executionArn: string): { region: string; suffix: string; arn: string } {
  const [, partition, , region, account] = executionArn.split(':');
  return { region, arn: `arn:${partition}:fsx:${region}:${account}`, suffix: partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com' }; // C7
}

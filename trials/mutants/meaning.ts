import { Mutant } from './mutant';
import { Patch } from './product';

type Fault = [name: string, file: string, search: string, replace: string, hints?: string[], more?: Patch[]];

/** Each is one sentence of the promise turned round, by one exact change of the sources. */
const FAULTS: Fault[] = [
  // ---- the queue ----
  ['a zero counts from before the quiet time', 'lambda-src/export-drain/queue-age.ts', 'minute >= quietAt && ages.get(minute) === 0', 'ages.get(minute) === 0',
    ['metric only: zero over a short backlog', 'metric only: the measured curve']],
  ['a missing point is taken as zero', 'lambda-src/export-drain/queue-age.ts', 'minute >= quietAt && ages.get(minute) === 0', 'minute >= quietAt && !ages.get(minute)', ['metric only: zero once after a gap']],
  ['no point at all is taken as an empty queue', 'lambda-src/export-drain/queue-age.ts', 'read(DrainReason.METRIC_UNKNOWN,', 'read(DrainReason.QUEUE_EMPTY,', ['metric only: never there']],
  ['a stale metric is believed', 'lambda-src/export-drain/queue-age.ts', 'if (now - newest.at > publicationLagSeconds * 1000 + FRESHNESS)', 'if (false)', ['metric only: that stopped at zero']],
  ['the last of the points decides alone', 'lambda-src/export-drain/queue-age.ts', 'zeros < needed ?', 'zeros < 1 ?', ['metric only: zero over a short backlog']],
  ['lambdaTimeDiffMinutes is ignored', 'lambda-src/export-drain/queue-age.ts', ', Math.ceil(lambdaTimeDiffMinutes))', ')', ['metric only: zero over a short backlog']],
  ['the publication lag is ignored', 'lambda-src/export-drain/quiet-time.ts', 'return writersGoneAt + settings.publicationLagSeconds * 1000;', 'return writersGoneAt - 600_000;', ['metric only: the measured curve']],
  ['the instances\' end is ignored', 'lambda-src/export-drain/quiet-time.ts', 'writersGoneAt = Math.max(lastWrite, instancesGone + eviction)', 'writersGoneAt = lastWrite'],
  // ---- the link ----
  ['a MISCONFIGURED link is healthy', 'lambda-src/export-drain/link-health.ts', 'if (lifecycle === \'AVAILABLE\') {', 'if (settled) {', ['the link is Misconfigured in the drain']],
  ['a FAILED link is waited for', 'lambda-src/export-drain/link-health.ts', 'if (lifecycle === \'FAILED\' || lifecycle === \'DELETING\')', 'if (false)', ['the link is Failed in the drain']],
  ['a link that was broken meanwhile is forgotten', 'lambda-src/export-drain/drain-decision.ts', 'if (!doubt) return', 'if (doubt !== null) return', ['metric only: the link was broken while the job wrote']],
  // ---- the proof ----
  ['the export task is not asked for', 'lambda-src/export-drain/drain-decision.ts', 'const queueIsAll = look.verification === \'METRIC_ONLY\';', 'const queueIsAll = look.verification !== \'EXPORT_TASK_ONLY\';', ['a name that cannot be exported']],
  ['a backlog is not waited for', 'lambda-src/export-drain/metric-step.ts', 'if (reason === DrainReason.QUEUE_NOT_EMPTY) return { memory: noted, finding: { verdict: \'WAIT\', reason, message } };', '', ['metric an export of hours']],
  ['the proof begins before the quiet time', 'lambda-src/export-drain/metric-step.ts', 'if (now >= Number(quiet)) return goOn(', 'if (now > 0) return goOn(', ['export task only, with an open file']],
  ['what was queued before the switch-off is not waited for', 'lambda-src/export-drain/metric-step.ts', 'if (!mayHaveLeftovers({ ...look, memory })) return { memory };', 'if (look.now > 0) return { memory };', ['export task only, written anew behind a backlog']],
  ['a queue that stands still is waited for', 'lambda-src/export-drain/metric-step.ts', '(reason === DrainReason.QUEUE_NOT_EMPTY && standsStill(look, memory))', 'false', ['export task only, behind a queue that stands still']],
  ['automatic export stays on in the proof', 'lambda-src/export-drain/switch-off.ts', 'if (!isOn(association)) return', 'if (association) return', ['nothing goes wrong']],
  ['automatic export is switched off in one form only', 'lambda-src/export-drain/switch-off.ts', 'return switchOff?.form === \'EMPTY_EVENTS\' ? \'NO_POLICY\' : \'EMPTY_EVENTS\';', 'return \'EMPTY_EVENTS\';', ['another proof']],
  ['a task that failed has exported everything', 'lambda-src/export-drain/export-task.ts', 'if (hasFailed(own)) return judgeFailure(', 'if (report?.problem === \'never\') return judgeFailure(', ['a name that cannot be exported']],
  ['a task that was canceled has exported everything', 'lambda-src/export-drain/export-task.ts', 'if (own.lifecycle === \'CANCELED\') return', 'if (own.lifecycle === \'NEVER\') return', ['somebody cancels the task']],
  ['a live task is taken for its end', 'lambda-src/export-drain/export-task.ts', 'if (isLive(own)) return', 'if (own.lifecycle === \'PENDING\') return', ['a stalled task']],
  ['what may pass is an end', 'lambda-src/export-drain/export-task.ts', 'if (!forGood) return nextRound(', 'if (task.round < 0) return nextRound(', ['a task that fails twice']],
  ['what fails for good is tried for ever', 'lambda-src/export-drain/export-task.ts', 'if (round >= ROUNDS) {', 'if (round >= 1e9) {', ['a task that always fails']],
  ['each round has the token of the first', 'lambda-src/export-drain/export-task.ts', 'return `export-${round}-${', 'return `export-1-${round > 1e9}${', ['a task that fails twice']],
  ['another task is not waited for', 'lambda-src/export-drain/export-task.ts', 'if (other) return wait(', 'if (other && now < 0) return wait('],
  ['the report is ignored', 'lambda-src/export-drain/failures-report.ts', 'const rows = report?.text === undefined ? [] : readReport(report.text, report.truncated);', 'const rows: FailedFile[] = [];', ['a name that cannot be exported']],
  ['nothing is ever stalled', 'lambda-src/export-drain/export-progress.ts', 'if (finding.verdict !== \'WAIT\' ||', 'if (now > 0 ||', ['a stalled task']],
  ['the drain has no deadline', 'src/private/poll-loop.ts', 'numberGreaterThanEqualsJsonPath(`${props.counterPath}.turn`, `${props.schedulePath}.count`)', 'stringEquals(`${props.schedulePath}.count`, \'never\')', ['metric only: never there']],
  // ---- what is kept ----
  ['automatic export is not restored', 'lambda-src/lustre/automatic-export.ts', 'return { next: \'UPDATE\' };', 'return { next: \'SETTLED\', automaticExport: \'ON\' };', ['a name that cannot be exported']],
  ['a failed drain deletes', 'src/private/clean-up-states.ts', 'and(isTrue(\'$.export.proven\'), not(isPresent(\'$.failures.drain\')), isTrue(\'$.parameters.deleteLustre\'))', 'isTrue(\'$.parameters.deleteLustre\')', ['the link is Failed in the drain']],
  ['deleteLustre false is ignored', 'src/private/clean-up-states.ts', ', isTrue(\'$.parameters.deleteLustre\')), deletion.start', '), deletion.start', ['deleteLustre false']],
  ['KEEP is ignored', 'lambda-src/lustre/keep-policy.ts', 'if (failurePolicy === \'KEEP\') return { keep: true };', 'if (failurePolicy === \'KEEP\') return { keep: false };', ['policy KEEP']],
  ['keep-until is ignored by the run', 'lambda-src/lustre/keep-policy.ts', 'keep: now < until', 'keep: until < now', ['policy KEEP_FOR']],
  ['keep-until is ignored by the cleaner', 'lambda-src/run-cleaner/sweep-decision.ts', 'if (!byFailure && !isOver) return leave(`kept until ${iso(until!)}: ${reason}`);', '', ['policy KEEP_FOR']],
  ['the end of keep-until is not seen', 'lambda-src/run-cleaner/sweep-decision.ts', 'now.getTime() >= until;', 'now.getTime() < 0;', ['policy KEEP_FOR']],
  ['what is kept is not tagged', 'lambda-src/lustre/lustre.lambda.ts', '[RunTag.KEPT]: tagValue(', '[\'not-kept\']: tagValue(', ['deleteLustre false']],
  // ---- the run ----
  ['the token is made of the execution\'s name', 'lambda-src/shared/run-identity.ts', '.update(`${executionArn} ${second}`)', '.update(executionArn.split(\':\').pop()!)', ['two pipelines under one execution name']],
  ['a foreign file system is accepted', 'lambda-src/lustre/lustre-status.ts', 'if (owner !== executionArn) {', 'if (owner === \'nobody\') {', ['a foreign file system']],
  ['an environment is ready as soon as it is VALID', 'lambda-src/batch-environment/compute-environment-status.ts', 'if (owner === \'thisRun\' && requireField(shown(look).version, \'launchTemplate.version\') === RUN_TEMPLATE_VERSION) return \'DONE\';', 'if (look) return \'DONE\';', ['nothing goes wrong']],
  ['no instance is waited for', 'lambda-src/batch-environment/compute-environment-status.ts', 'if (runId !== undefined && runId !== NO_RUN) return runId === run.id;', 'if (runId !== NO_RUN) return false;', ['an instance that does not end']],
  ['jobs are submitted without a look', 'lambda-src/batch-job/batch-job.lambda.ts', 'const [existing] = await jobsNamed(payload, jobName(payload.run, submission));', 'const existing = undefined;', ['lost answers']],
  ['definitions are registered without a look', 'lambda-src/batch-job/batch-job.lambda.ts', 'const [existing] = await activeDefinitions(payload);', 'const existing = undefined;', ['lost answers']],
  ['attempts of earlier submissions are not counted', 'lambda-src/batch-job/batch-job.lambda.ts', 'attemptsBefore: jobs.filter((other) => other !== job).reduce((sum, other) => sum + countAttempts(other), 0)', 'attemptsBefore: 0', ['more reclaims than attempts']],
  ['a reclaim that looks like a kill is a failure', 'lambda-src/batch-job/job-verdict.ts', 'return last !== undefined && !isReclaim(last)', 'return last === null && !isReclaim(last!)', ['two reclaims that look like kills']],
  ['the job is not stopped before the proof', 'lambda-src/batch-job/batch-job.lambda.ts', 'const stopped = complete && alive.length === 0;', 'const stopped = true;', ['stopped in a long job', 'the job takes too long']],
  ['the job is seen stopped but not terminated', 'lambda-src/batch-job/batch-job.lambda.ts', 'for (const { jobId } of alive) await batch.send(new TerminateJobCommand({ jobId, reason: \'the run has ended\' }));', '', ['the job takes too long']],
  ['what was written is not seen', 'lambda-src/batch-job/job-verdict.ts', 'mayHaveWritten: everHadInstance ||', 'mayHaveWritten: attempts.length < 0 ||', ['the job fails']],
  ['the mount is not verified', 'src/private/host-user-data.ts', '[ "$*" = "lustre $EXPORT_DIRECTORY" ] ||', 'true ||', ['no Lustre', 'no bind']],
  ['the whole file system is shown to the job', 'src/private/host-user-data.ts', 'mount --bind "$DIRECTORY" "$HOST_PATH"', 'mount --bind "$ROOT" "$HOST_PATH"', ['nothing goes wrong']],
  ['an overlapping prefix is accepted', 'lambda-src/shared/overlapping-prefixes.ts', 'return one.startsWith(other) || other.startsWith(one);', 'return one === other;', ['an overlapping prefix']],
  // ---- the lock ----
  ['the lock is taken from the living', 'lambda-src/batch-environment/run-lock.ts', '? \'WAIT\' : \'TAKE_OVER\';', '? \'TAKE_OVER\' : \'TAKE_OVER\';', ['two runs of one pipeline']],
  ['the lock is not taken', 'lambda-src/batch-environment/run-lock-store.ts', 'const found = await put(settings, ours);', 'const found = undefined as Lock | undefined;', ['two runs of one pipeline']],
  ['the lock is not released', 'lambda-src/batch-environment/run-lock-store.ts', 'if (lock?.owner !== claim.owner ||', 'if (lock ||', ['nothing goes wrong']],
  ['the lock of the dead is never taken over', 'lambda-src/batch-environment/run-lock.ts', '? \'WAIT\' : \'TAKE_OVER\';', '? \'WAIT\' : \'WAIT\';', ['a run after one that was stopped']],
  ['a run that lives again is not seen before the deletion', 'lambda-src/lustre/confirm-deletion.ts', 'if (execution?.status && isLiving(execution.status))', 'if (execution?.status === \'PENDING_REDRIVE\')', ['a run that is redriven beside its clean-up']],
  ['who works on a file system is not seen before the deletion', 'lambda-src/lustre/confirm-deletion.ts', 'if (tagOf(found, RunTag.HOLD) !== undefined &&', 'if (tagOf(found, RunTag.HOLD) === \'never\' &&', ['somebody begins to work on what a clean-up proves']],
  ['what another execution has kept is not seen before the deletion', 'lambda-src/lustre/confirm-deletion.ts', 'if (keptAt !== document.fileSystem.keptAt) {', 'if (keptAt === \'never\') {', ['another execution keeps what a clean-up proves']],
  ['what was kept is proven by its queue', 'lambda-src/lustre/find-run.ts', 'return wasKept && chosen === \'METRIC_ONLY\' ? \'BOTH\' : chosen;', 'return wasKept && chosen === \'EXPORT_TASK_ONLY\' ? \'BOTH\' : chosen;', ['metric only, kept, mended and cleaned up']],
  // ---- clean-up from outside ----
  ['a list that lacks the job is believed', 'lambda-src/batch-job/batch-job.lambda.ts', 'const isNoneToBeListed = progress.jobId === undefined ||', 'const isNoneToBeListed = run.id !== \'\' ||',
    ['Batch does not list the job any more, for its run and for its clean-up']],
  ['a clean-up does not know which job there was', 'lambda-src/lustre/find-run.ts', 'return typeof jobId === \'string\' ?', 'return typeof jobId === \'bigint\' ?',
    ['Batch does not list the job any more, for its run and for its clean-up']],
  ['that a run ran once more is not seen', 'lambda-src/lustre/confirm-deletion.ts', 'if (redriveCount !== known) {', 'if (redriveCount > 1e9) {', ['a run that is redriven beside its clean-up, and stopped again']],
  ['a run that still runs is cleaned up', 'lambda-src/lustre/find-run.ts', 'if (status && isLiving(status)) {', 'if (status === \'PENDING_REDRIVE\') {', ['a run that still runs is not cleaned up']],
  ['a file system is not looked for by its tag', 'lambda-src/lustre/find-run.ts', 'const [found] = (await findFileSystemsOfRun(run.executionArn))', 'const [found] = (await findFileSystemsOfRun(\'\'))', ['stopped in minute 12']],
  ['a clean-up does not read what the run was told', 'lambda-src/lustre/find-run.ts', 'deleteLustre: (tag(RunTag.DELETE_LUSTRE) ?? String(defaults.deleteLustre)) === \'true\'', 'deleteLustre: defaults.deleteLustre', ['kept by deleteLustre, and cleaned up']],
  ['the cleaner does not look again', 'lambda-src/run-cleaner/sweep.ts', 'const again = await findFileSystem(seen.FileSystemId!);', 'const again = seen as FileSystem | undefined;'],
  ['the cleaner does not see that a run lives', 'lambda-src/run-cleaner/sweep-decision.ts', 'return execution !== undefined && !ENDED.includes(execution.status ?? \'\');', 'return execution === null;', ['sweeps beside a long run']],
  ['the cleaner calls at once what it does not know an orphan', 'lambda-src/run-cleaner/sweep-decision.ts', 'if (since === undefined) return { decision: \'MARK_ORPHAN\', why: ended };', 'if (since === undefined) return cleanUp(ended);', ['swept up: nobody told the cleaner']],
  ['the cleaner leaves what was stopped', 'lambda-src/run-cleaner/sweep-decision.ts', 'if (execution.status !== \'FAILED\') return cleanUp(`it ended as ${execution.status}, where nothing can be caught`);', '', ['picked up: stopped on SubmitJob']],
  ['the sweep leaves orphans', 'lambda-src/run-cleaner/sweep-decision.ts', 'return seconds >= ONE_SWEEP * sweepSeconds ?', 'return seconds < 0 ?', ['swept up: nobody told the cleaner']],
  ['the cleaner cleans up after clean-ups', 'lambda-src/run-cleaner/sweep-decision.ts', 'return cleanUpTarget(execution?.input) === undefined ? decidePastEnd(execution, found) : leave(\'it is a clean-up itself\');', 'return decidePastEnd(execution, found);', ['picked up: a clean-up that was stopped']],
];

export function meaningMutants(): Mutant[] {
  return FAULTS.map(([says, file, search, replace, hints, more = []]): Mutant => ({
    id: `meaning:${says.replace(/[^a-z]+/gi, '-')}`, kind: 'meaning', says, hints, patches: [{ file, search, replace }, ...more],
  }));
}

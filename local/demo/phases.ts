/** The parts of a run, each with the states that belong to it; the first match counts. */
const PHASES: [string, RegExp][] = [
  ['Parameters', /^(Begin|PrepareRun|PrepareCleanUp|GetSecret|ExtractParameters|CheckPreflight|Preflight)/],
  ['Find the run', /FindRunResources|CanCleanUpGoOn/],
  ['Reserve', /Reserv|FreeComputeEnvironment/],
  ['Detach', /Detach|ComputeEnvironmentReturn|ReturnComputeEnvironment|ReleaseComputeEnvironment|Instances|QuietTime|DeleteLaunchTemplate|IsLaunchTemplateLeft/],
  ['Attach', /LaunchTemplate|ComputeEnvironment|JobQueue/],
  ['Stop the job', /JobsToStop|StopJobs|JobsStopped|JobsNotStopped/],
  ['Run the job', /Job/],
  ['Keep', /KeepFileSystem|AutomaticExport(?!$)|RestoreAutomaticExport|WaitForAutomaticExport/],
  ['Prove', /SwitchOffAutomaticExport|StartExportTask|ExportProven/],
  ['Drain', /Drain|Export|CheckMetrics|NothingWritten/],
  ['Delete', /Delet|FSx|FileSystemGone/],
  ['Create and link', /FileSystem|DataRepositoryAssociation|Associations/],
  ['Summary', /Summar|^Run|HasRunSucceeded/],
];
const BEGINS = /^Begin(?=Wait|Drain)/; // a loop's first state is named after its Wait

/** The part of the run that a state belongs to. */
export const phaseOf = (state: string): string => PHASES.find(([, states]) => states.test(state.replace(BEGINS, '')))?.[0] ?? 'Other';

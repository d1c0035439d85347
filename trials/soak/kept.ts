import { Schedule, TOO_LARGE } from './schedule';
import { Association } from '../../local/models/association';
import { FileSystem } from '../../local/models/fsx-file-system';
import { Rehearsal } from '../../test/helpers/pipeline-run';

const EXECUTION = 'cdk-lustre-auto-export:execution-arn';
const MAX_KEY_BYTES = 1024; // A5.6
const LONGEST_DRAIN = 86_400; // seconds; the drains of all variants end sooner or go on once a day

interface World {
  readonly schedule: Schedule;
  readonly rehearsal: Rehearsal;
}

/** Whether the schedule leaves something broken for good. */
export function staysBroken({ schedule: { forEver, moments, metric }, rehearsal }: World): boolean {
  return forEver && (moments.length > 0 || metric !== undefined || rehearsal.engine.struckFaults.some((each) => 'nth' in each && isLasting(each.nth)));
}

export const isLasting = (nth: unknown) => nth === 'always' || Array.isArray(nth) && nth[1] >= 1000;

/** What allows that this file system is still there; undefined where nothing does. */
export function whyKept(world: World, fileSystem: FileSystem): string | undefined {
  const { schedule, rehearsal } = world;
  const { tags, associations, lifecycle } = fileSystem;
  const execution = rehearsal.models.stepFunctions.executions.get(tags.get(EXECUTION)!);
  const parameters = execution ? JSON.parse(execution.input) : {};
  const { emptyExportEvents, omittedExportPolicy } = schedule.switches;
  // where nothing was ever written it is deleted at once, whatever the policy; where there was an instance, or something did not answer, nobody could tell
  if (rehearsal.models.ec2.instances.length === 0 && rehearsal.engine.struckFaults.length === 0) return undefined;
  if (parameters.deleteLustre === false) return 'deleteLustre is false';
  if (parameters.failurePolicy === 'KEEP' && execution?.status !== 'SUCCEEDED') return 'failure policy KEEP';
  if (lifecycle === 'FAILED') return 'the file system has FAILED';
  if (associations.some((each) => each.lifecycle === 'FAILED')) return 'the link has FAILED';
  if (fileSystem.files.list().some((entry) => isUnexportable(associations[0], entry))) return 'an unexportable file';
  const mayExport = parameters.autoExport !== false || associations.some(({ exporting }) => exporting); // somebody may have switched it on
  if (mayExport && emptyExportEvents === 'refused' && omittedExportPolicy !== 'cleared') return 'automatic export cannot be switched off';
  if (associations.some(({ queue }) => queue.waiting / (schedule.pace.objectsPerSecond ?? Infinity) > LONGEST_DRAIN)) return 'an export that takes longer than any drain';
  return staysBroken(world) ? 'a fault that stays' : undefined;
}

function isUnexportable(association: Association | undefined, entry: Parameters<Association['keyOf']>[0] & { size: number }): boolean {
  if (!association?.covers(entry.path)) return false;
  const key = association.keyOf(entry);
  return Buffer.byteLength(key) > MAX_KEY_BYTES || key.includes('\uFFFD') || entry.size >= TOO_LARGE;
}

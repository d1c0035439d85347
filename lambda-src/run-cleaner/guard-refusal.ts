import { cleanUpCommand } from '../shared/execution-arn';

/** What keeps a stack from being deleted. */
export interface Leftover {
  /** Absent where a run has not got one yet. */
  readonly fileSystemId?: string;
  readonly runId?: string;
  readonly executionArn: string;
  /** LEFT waits for a clean-up; the others end by themselves. */
  readonly state: 'LEFT' | 'RUNNING' | 'DELETING';
  readonly why: string;
}

/** CloudFormation takes 4,096 bytes of answer in all (user guide, custom resource response); and somebody has to read it. */
const MAX_LENGTH = 1000;
const MAX_WHY = 90;
const ORDER = ['LEFT', 'RUNNING', 'DELETING'];

/** The words that a deletion is refused with: what is left, why, and what to type; undefined where nothing is left. */
export function refusal(left: Leftover[], stateMachineArn: string): string | undefined {
  if (left.length === 0) return undefined;
  const sorted = [...left].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const intro = 'The stack is not deleted, because data may be on its file systems that is not in S3. ';
  const next = advice(sorted, stateMachineArn);
  return `${intro}${list(sorted, MAX_LENGTH - intro.length - next.length)}${next}`;
}

function advice(sorted: Leftover[], stateMachineArn: string): string {
  const toDo = sorted.filter(({ state }) => state === 'LEFT');
  const again = sorted.every(({ state }) => state === 'DELETING') ? ' Delete the stack again in ten minutes.' : ' Then delete the stack again.';
  if (toDo.length === 0) {
    return sorted.some(({ state }) => state === 'RUNNING') ? ` Wait for the end of what is running, or stop it: it is cleaned up after.${again}` : again;
  }
  const { executionArn } = toDo[0];
  const others = toDo.length > 1 ? ' (the same for each of the others, with its execution)' : '';
  return ` To export, prove and delete ${toDo[0].fileSystemId}: ${cleanUpCommand(stateMachineArn, { executionArn, deleteLustre: true })}${others}.${again}`;
}

/** As many as there is room for; all of them are in the log. */
function list(sorted: Leftover[], room: number): string {
  const texts = sorted.map(({ fileSystemId, executionArn, why }) => {
    const execution = `execution ${executionArn.split(':').pop()}`;
    return fileSystemId ? `${fileSystemId} of ${execution} (${why.slice(0, MAX_WHY)})` : `${execution} (${why})`;
  });
  for (let shown = texts.length; shown > 0; shown--) {
    const rest = texts.length - shown;
    const text = `${texts.slice(0, shown).join('; ')}${rest > 0 ? `; and ${rest} more, see the log of the cleaner` : ''}.`;
    if (text.length <= room) return text;
  }
  return `${sorted.length} are left, see the log of the cleaner.`.slice(0, Math.max(0, room));
}

import { staysBroken, whyKept } from './kept';
import type { Played } from './play';

const KEPT = 'cdk-lustre-auto-export:kept';

export type Wrong = 'lost' | 'leaked' | 'without end' | 'without a named reason' | 'other';

export interface Violation {
  readonly is: Wrong;
  readonly says: string;
}

export interface Verdict {
  readonly violations: Violation[];
  /** Status or error of each run. */
  readonly endedBy: string[];
  readonly cleanUps: string[];
  /** Why the file systems that are left were kept. */
  readonly kept: string[];
  readonly longestHistory: number;
}

/** Of a schedule that came to no end that could be judged. */
export const unjudged = (is: Wrong, says: string): Verdict => ({ violations: [{ is, says }], endedBy: [], cleanUps: [], kept: [], longestHistory: 0 });

const WRONG: [RegExp, Wrong][] = [
  [/^I1 /, 'lost'], [/^I2 |^instance |^the compute environment /, 'leaked'], [/^I3 /, 'without end'], [/^I4 /, 'without a named reason'],
];
const wrong = (says: string): Wrong => WRONG.find(([pattern]) => pattern.test(says))?.[1] ?? 'other';

export const isLeak = (says: string) => wrong(says) === 'leaked';

/** What is wrong with a played schedule, and what is to be counted of it. */
export function judge(played: Played): Verdict {
  const { rehearsal: { engine, models }, schedule, living } = played;
  const unlawful = living.filter((each) => whyKept(played, each) === undefined)
    .map(({ id, lifecycle, tags }) => `I2 nothing stands against the deletion of ${id}, which is ${lifecycle}, ${tags.get(KEPT) ?? 'not tagged as kept'}`);
  const struck = (on: string, task: string) => engine.struckFaults.some((each) => 'on' in each && each.on === on || 'task' in each && each.task === task);
  const excused: [boolean, RegExp][] = [
    // where what breaks stays broken for ever, something is left: it is told, but it is no leak
    [staysBroken(played), /^I2 |^I3 the world |^instance |^the compute environment /],
    // it costs nothing, and goes when the file system that is kept by choice goes
    [living.some((each) => whyKept(played, each) !== undefined) && struck('ec2:DeleteLaunchTemplate', 'DeleteLaunchTemplate'), /^I2 launch template /],
    // somebody switched it off behind the run
    [schedule.moments.some((each) => each.do === 'automaticExportOff'), /^I2 .* is tagged as exporting by itself/],
  ];
  const found = [...played.said, ...unlawful].filter((says) => !excused.some(([applies, pattern]) => applies && pattern.test(says)));
  const executions = [...models.stepFunctions.executions.values()];
  const isCleanUp = ({ input }: { input: string }) => JSON.parse(input)?.cleanUp !== undefined;
  const end = ({ status, error }: { status: string; error?: string }) => error ?? status;
  return {
    violations: found.map((says) => ({ is: wrong(says), says })),
    endedBy: executions.filter((each) => !isCleanUp(each)).map(end),
    cleanUps: executions.filter(isCleanUp).map(end),
    kept: living.map((each) => whyKept(played, each) ?? 'nothing'),
    longestHistory: Math.max(0, ...engine.runs.map(({ historyEventCount }) => historyEventCount)),
  };
}

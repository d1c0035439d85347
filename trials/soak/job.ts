import { JobPlan, LONG_PATHS, Step } from './schedule';
import { JobScript, RunningJob } from '../../local/models/job-script';

const TURN_SECONDS = 600;

const real = (path: string) => LONG_PATHS[path] ?? path;

/** The program of a plan. Each attempt begins from the start. */
export function script({ steps, ends }: JobPlan): JobScript {
  return async (job) => {
    for (const step of steps) await take(job, step);
    for (let turn = 0; ends === 'never'; turn++) {
      job.save(`turn-${turn % 3}`, turn);
      await job.wait(TURN_SECONDS);
    }
    if (typeof ends === 'number') job.exit(ends);
  };
}

async function take(job: RunningJob, planned: Step): Promise<void> {
  const step = { ...planned, ...'path' in planned && { path: real(planned.path) }, ...'to' in planned && { to: real(planned.to) } } as Step;
  if (step.do === 'wait') return job.wait(step.seconds);
  const found = job.stat(step.path);
  switch (step.do) {
    case 'save': return isFree(job, step.path, 'file') ? job.save(step.path, step.size) : undefined;
    case 'open': return isFree(job, step.path, 'file') ? job.write(step.path, step.size) : undefined;
    case 'append': {
      if (!isFree(job, step.path, 'file')) return;
      job.append(step.path, step.size);
      return job.close(step.path);
    }
    case 'many': return isFree(job, step.path) ? job.saveMany(step.path, step.count, step.size) : undefined;
    case 'close': return job.close(step.path);
    case 'remove': return found ? job.remove(step.path) : undefined;
    case 'chmod': return found ? job.setAttributes(step.path, { mode: 0o600 }) : undefined;
    case 'symlink': return isFree(job, step.path) ? job.makeSymlink(step.path, 'target') : undefined;
    case 'fifo': return isFree(job, step.path) ? job.makeSpecial(step.path) : undefined;
    case 'directory': return isFree(job, step.path, 'directory') ? job.makeDirectory(step.path) : undefined;
    case 'rename': return found && isFree(job, step.to) && !`${step.to}/`.startsWith(`${step.path}/`) ? job.rename(step.path, step.to) : undefined;
  }
}

/** Whether the path can become this: nothing else is there, and what is above it are directories. */
function isFree(job: RunningJob, path: string, kind?: string): boolean {
  const parts = path.split('/');
  const parents = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
  const there = job.stat(path);
  const kindOfParents = parents.map((parent) => job.stat(parent)?.kind ?? 'directory');
  return (there === undefined || (there.kind === kind && there.count === 1)) && kindOfParents.every((each) => each === 'directory');
}

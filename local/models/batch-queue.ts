import { World } from '../world';
import { Job } from './batch-job';
import { camelCased } from './parameters';

type Input = Record<string, any>;

/** A job queue. It watches the job at its head for the limits of RUNNABLE jobs. */
export class JobQueue {
  state: 'ENABLED' | 'DISABLED';
  status = 'VALID';
  private readonly given: Input;
  /** Why the job at the head waits, and since when. */
  private head?: { job: Job; reason: string; since: number };

  constructor(private readonly world: World, readonly arn: string, properties: Input) {
    this.given = camelCased(properties);
    this.state = this.given.state ?? 'ENABLED';
  }

  get name(): string {
    return this.given.jobQueueName ?? this.arn.split('/').pop()!;
  }

  /** ARNs of its environments in the order in which they are tried. */
  get environments(): string[] {
    return this.order.map(({ computeEnvironment }) => computeEnvironment);
  }

  /** D5.6a: only the job at the head counts, and only one of three reasons, which has to hold all the time. */
  watchHead(job: Job | undefined, reason: string | undefined): void {
    if (this.head && this.head.job === job && this.head.reason === reason) return;
    const since = this.world.clock.now();
    const head = job && reason ? { job, reason, since } : undefined;
    this.head = head;
    if (!head) return;
    for (const limit of (this.given.jobStateTimeLimitActions ?? []).filter((each: Input) => head.reason.startsWith(each.reason))) {
      this.world.clock.after(limit.maxTimeSeconds * 1000, () => {
        if (this.head === head && head.job.waits) head.job.cancel(`Canceled by the job queue's state time limit: ${limit.reason}`);
      });
    }
  }

  describe(): Input {
    const { name: jobQueueName, arn: jobQueueArn, state, status } = this;
    const { priority, tags, jobStateTimeLimitActions } = this.given;
    return { jobQueueName, jobQueueArn, state, status, priority, computeEnvironmentOrder: this.order, tags, jobStateTimeLimitActions };
  }

  private get order(): { order: number; computeEnvironment: string }[] {
    return [...this.given.computeEnvironmentOrder].sort((a, b) => a.order - b.order);
  }
}

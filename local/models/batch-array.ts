import { World } from '../world';
import { Job, JobStatus, newJobId } from './batch-job';

type Input = Record<string, any>;

/** Batch user guide, Array jobs and Job states: a pointer to its children, which run like any other job. */
export class ArrayJob {
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly children: readonly Job[];

  /** @param makeChild makes the job with an index of this array */
  constructor(world: World, readonly queueArn: string, private readonly given: Input, makeChild: (parentId: string, index: number) => Job) {
    this.id = newJobId(world);
    this.arn = `arn:${world.partition}:batch:${world.region}:${world.account}:job/${this.id}`;
    this.createdAt = world.clock.now();
    this.children = Array.from({ length: given.arrayProperties.size }, (_, index) => makeChild(this.id, index));
  }

  get name(): string {
    return this.given.jobName;
  }

  /** PENDING from the first child that is RUNNABLE until the last one is over; one that failed fails it then. */
  get status(): JobStatus {
    const are = (status: JobStatus) => ({ status: each }: Job) => each === status;
    if (this.children.every(are('SUBMITTED'))) return 'SUBMITTED';
    if (!this.children.every(({ isOver }) => isOver)) return 'PENDING';
    return this.children.some(are('FAILED')) ? 'FAILED' : 'SUCCEEDED';
  }

  /** TerminateJob: all children are terminated with it. */
  terminate(reason: string): void {
    this.children.forEach((child) => child.terminate(reason));
  }

  summary(): Input {
    const { arn, id, name, createdAt, status, children } = this;
    const isOver = status === 'SUCCEEDED' || status === 'FAILED';
    return {
      jobArn: arn,
      jobId: id,
      jobName: name,
      createdAt,
      status,
      statusReason: status === 'FAILED' ? 'Array Child Job failed' : undefined,
      stoppedAt: isOver ? Math.max(...children.map(({ stoppedAt }) => stoppedAt!)) : undefined,
      arrayProperties: { size: children.length },
      jobDefinition: children[0].summary().jobDefinition,
    };
  }

  describe(): Input {
    const [{ attempts, ...child }] = this.children.map((each) => each.describe());
    const statusSummary: Record<string, number> = {};
    for (const { status } of this.children) statusSummary[status] = (statusSummary[status] ?? 0) + 1;
    return { ...child, startedAt: undefined, ...this.summary(), attempts: [], arrayProperties: { size: this.children.length, statusSummary } };
  }
}

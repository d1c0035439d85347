import { DemoEvent, DemoResult, EndedExecution } from './demo-run';
import { phaseOf } from './phases';
import { Graph, graphOf } from '../pictures/graph';
import { stepsOf } from '../pictures/steps';
import { Mark, Point, Span, TimelineModel } from '../pictures/timeline';

/** Keeps what happened in a run, for the pictures. */
export class Recorder {
  private readonly written: Point[] = [];
  private readonly exported: Point[] = [];
  private readonly age: Point[] = [];
  private readonly attempts: Span[] = [];
  private readonly outside: Span[] = [];
  private readonly marks: Mark[] = [];
  private deletedAt?: number;

  readonly listen = (event: DemoEvent, time: number): void => {
    if (event.kind === 'written' || event.kind === 'exported') add(this[event.kind], { time, value: event.files });
    if (event.kind === 'age') add(this.age, { time, value: event.seconds });
    if (event.kind === 'deleted') this.deletedAt ??= time;
    if (event.kind === 'ended' && event.how === 'ABORTED') this.marks.push({ time, says: 'the execution is stopped' });
    if (event.kind === 'fault') this.marks.push({ time, says: event.says });
    if (event.kind === 'link') this.began('link to S3', event.lifecycle, time);
    if (event.kind === 'task') this.began(`export ${event.id}`, event.phase, time);
    if (event.kind === 'attempt') {
      this.attempts.push({ row: `attempt ${event.attempt} on ${event.instanceId}`, from: time, to: time, kind: 'running' });
    }
    if (event.kind === 'attempt ended') {
      const attempt = this.attempts.pop();
      if (attempt) this.attempts.push({ ...attempt, to: time, kind: event.how });
    }
  };

  timeline(result: DemoResult, title: string, subtitle: string): TimelineModel {
    const start = Date.parse(result.history[0].startTime!);
    const executions: EndedExecution[] = [result, ...result.cleanUps];
    const end = Math.max(...executions.map(({ history }) => Date.parse(history[history.length - 1].time!)));
    const spans = (prefix: string, { definition, history }: EndedExecution) =>
      stepsOf(definition, history).map(({ name, state, from, to }) => ({ row: `${prefix}${name}`, from, to, kind: phaseOf(state) }));
    return {
      title,
      subtitle,
      start,
      end,
      scale: result.scale,
      deletedAt: this.deletedAt,
      attempts: this.attempts,
      states: executions.flatMap((each, i) => spans(i === 0 ? '' : 'clean-up: ', each)),
      outside: this.outside.map((span) => ({ ...span, to: Math.min(span.to, this.deletedAt ?? end, end) })),
      marks: this.marks,
      written: upTo(this.written, start, end),
      exported: upTo(this.exported, start, end),
      age: this.age.filter(({ time }) => time <= end),
    };
  }

  /** Something is in another state than before, for as long as nobody says otherwise. */
  private began(row: string, kind: string, time: number): void {
    const last = this.outside.filter((span) => span.row === row).pop();
    if (last) Object.assign(last, { to: time });
    if (last?.kind !== kind) this.outside.push({ row, kind, from: time, to: /^(SUCCEEDED|FAILED|CANCELED)$/.test(kind) ? time : Infinity });
  }
}

export interface PassedState {
  readonly name: string;
  readonly type: string;
  readonly phase: string;
  readonly visits: number;
  readonly failures: number;
  /** Milliseconds of the world's time since the start of the run. */
  readonly firstAt: number;
  readonly milliseconds: number;
}

/** The states that the run passed, in the order of their first visit. */
export function passedStates({ definition, history }: Pick<EndedExecution, 'definition' | 'history'>): PassedState[] {
  const graph: Graph = graphOf(definition, history);
  const start = Date.parse(history[0].startTime!);
  const firstAt = new Map<string, number>();
  for (const { type, state, time } of history) {
    if (type === 'StateEntered' && !firstAt.has(state!)) firstAt.set(state!, Date.parse(time!) - start);
  }
  return [...firstAt].map(([name, at]) => {
    const { type, visits, failures, milliseconds } = graph.nodes.find((node) => node.name === name)!;
    return { name, type, phase: phaseOf(name), visits, failures, firstAt: at, milliseconds };
  });
}

/** Drops what does not change the line. */
function add(points: Point[], point: Point): void {
  const [last, before] = [points[points.length - 1], points[points.length - 2]];
  if (last?.value === point.value && before?.value === point.value) points.pop();
  points.push(point);
}

/** The line from the start of the axis to its end. */
function upTo(points: Point[], start: number, end: number): Point[] {
  const within = points.filter(({ time }) => time <= end);
  return [{ time: start, value: 0 }, ...within, { time: end, value: within[within.length - 1]?.value ?? 0 }];
}

import { isDate } from '../../local/api-schema';
import { Rehearsal } from '../../test/helpers/pipeline-run';

/** Batch tells times as numbers. */
const TIMES = new Set(['createdAt', 'startedAt', 'stoppedAt']);

/** The clock of one service differs from everybody else's: what it says is so much ahead, and what it is told it takes for its own time. */
export function skew({ models }: Rehearsal, service: string, milliseconds: number): void {
  const model = models.services[service];
  const call = model.call.bind(model);
  model.call = (action, input) => moved(call(action, moved(input, -milliseconds)), milliseconds);
}

function moved(value: any, by: number, key = ''): any {
  if (isDate(value)) return new Date(value.getTime() + by);
  if (typeof value === 'number') return TIMES.has(key) ? value + by : value;
  if (Array.isArray(value)) return value.map((each) => moved(each, by));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value)?.constructor?.name !== 'Object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, moved(each, by, name)]));
}

import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { dialect, LAMBDA_ERRORS, modelledErrors, unmodelledErrors } from './api-errors';
import { Cell, Plan, Way } from './cell';
import { Call, moments, OUTSIDE, Passage } from './survey';
import { Fault, Nth, TaskFault } from '../../local/faults';

const PADDING = 300; // KiB: more than a state may have (E9)
/** So long after the end of the first execution the cleaner's calls go wrong, where they do so for long. */
const CLEANER_HOURS = 5;
const BUNDLES = join(__dirname, '..', '..', 'assets', 'lambda');

type Spoiling = Omit<TaskFault, 'task' | 'nth'>;

/** How often: from the first time on that a place is passed. */
const TIMES: [string, (first: number) => Nth][] = [
  ['once', (first) => first],
  ['three times', (first) => [first, first + 2]],
  ['until the end', (first) => [first, Infinity]],
];

/** An answer that is lost: the call did what it should. */
const LOST: [string, Spoiling] = ['answer lost', { loseAnswer: true }];
const LONG: [string, Spoiling] = [`answer of ${PADDING} KiB`, { padKiB: PADDING }];
const error = (name: string): [string, Spoiling] => [name, { error: { name } }];

/** Each Task, whatever it calls: what the invocation itself can answer. */
export function taskCells(passages: Passage[]): Cell[] {
  const passed = moments(passages);
  return tasksOf(passages[0]).flatMap((task) => {
    const moment = passed.find(({ state }) => state === task);
    if (!moment) return [unreached(task)];
    const isDirect = /:aws-sdk:/.test(passages[0].definition.States[task].Resource);
    const spoilings: [string, Spoiling][] = [
      ...isDirect ? [] : [...LAMBDA_ERRORS.map(error), LOST],
      ['States.Timeout', { hang: true }],
    ];
    return spoilings.flatMap(([what, spoiling]) => TIMES.map(([times, nth]) =>
      cell('a Task fails', `${task}: ${what}, ${times}`, moment.way, { faults: [{ task, nth: nth(1), ...spoiling } as Fault], liftsWith: moment.execution })));
  });
}

/** Each call that is made in a Task, or by the cleaner: every error of its API, and what the model does not list. */
export function callCells(passages: Passage[]): Cell[] {
  const handlers = readdirSync(BUNDLES).map((part) => readFileSync(join(BUNDLES, part, 'index.js'), 'utf8')).join();
  const isRead = (field: string) => new RegExp(`\\b${field}\\b`).test(handlers);
  const seen = new Set<string>();
  return passages.flatMap(({ way, calls }) => calls.flatMap((call) => {
    const key = `${call.task} ${call.service}:${call.action}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return cellsOf(way, call, call.fields.filter((field) => !call.direct && isRead(field)));
  }));
}

function cellsOf(way: Way, { task, execution, service, action, nth: first }: Call, fields: string[]): Cell[] {
  const on = `${service}:${action}`;
  const liftsWith = task === OUTSIDE ? { hours: CLEANER_HOURS } : execution;
  const where = task === OUTSIDE ? 'a call of the cleaner' : 'a call in a Task';
  const classes: [string, [string, Spoiling][]][] = [
    [`${where}: an error of its API`, [...new Set([...modelledErrors(service, action), ...unmodelledErrors(service)])].map(error)],
    [`${where}: the answer is lost`, [LOST]],
    [`${where}: the answer is incomplete or too long`, [...fields.map((field): [string, Spoiling] => [`no ${field}`, { dropField: field }]), LONG]],
  ];
  const { denied } = dialect(service);
  const forEver: Cell = {
    ...cell('a call in a Task: refused for ever', `${task} ${on}: ${denied}, for ever`, way, { options: { faults: [{ on, nth: [first, Infinity], error: { name: denied } }] } }),
    mayKeep: way.mayKeep ?? 'a fault that never lifts',
    mayLeave: true,
  };
  const lifting = classes.flatMap(([name, spoilings]) => spoilings.flatMap(([what, spoiling]) => TIMES.map(([times, nth]) =>
    cell(name, `${task} ${on}: ${what}, ${times}`, way, { faults: [{ on, nth: nth(first), ...spoiling } as Fault], liftsWith }))));
  return task === OUTSIDE ? lifting : [...lifting, forEver];
}

function cell(name: string, what: string, way: Way, plan: Plan): Cell {
  return { class: name, name: what, way, mayKeep: way.mayKeep, plan: () => plan };
}

function unreached(task: string): Cell {
  return {
    class: 'a Task fails',
    name: `${task}: no way leads there`,
    way: { name: 'none' },
    plan: () => {
      throw new Error(`no way passes ${task}: the matrix would have an empty cell`);
    },
  };
}

export function tasksOf({ definition }: Passage): string[] {
  return Object.entries(definition.States).filter(([, { Type }]) => Type === 'Task').map(([name]) => name);
}

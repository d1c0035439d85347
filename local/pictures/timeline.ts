import { duration } from './text';
import { vegaSvg } from './vega';

/** A value at a time in milliseconds. */
export interface Point {
  readonly time: number;
  readonly value: number;
}

export interface Span {
  readonly row: string;
  readonly from: number;
  readonly to: number;
  /** The part of the run, by colour; or how a job attempt ended. */
  readonly kind: string;
}

/** Something that happened from outside. */
export interface Mark {
  readonly time: number;
  readonly says: string;
}

export interface TimelineModel {
  readonly title: string;
  readonly subtitle?: string;
  /** Milliseconds, as all times of the model. */
  readonly start: number;
  readonly end: number;
  /** How many times faster than real time the run was: adds an axis in real seconds. */
  readonly scale?: number;
  /** What the workflow did, one row each, in order. */
  readonly states: readonly Span[];
  /** The attempts of the job; kinds: see ATTEMPT_COLOURS. */
  readonly attempts: readonly Span[];
  /** What the link to S3 and the export tasks did; kinds: their states, by colour. */
  readonly outside?: readonly Span[];
  readonly marks?: readonly Mark[];
  readonly written: readonly Point[];
  readonly exported: readonly Point[];
  /** Age of the oldest file that waits for its export, in seconds. */
  readonly age: readonly Point[];
  readonly deletedAt?: number;
}

const RECLAIM = 'SPOT reclaim';
export const ATTEMPT_COLOURS = { succeeded: '#1b7837', [RECLAIM]: '#e08214', failed: '#c62828', running: '#9aa0a6' };
const PHASE_COLOURS = [
  '#4878a8', '#6a9f58', '#a87ba5', '#d19c4c', '#5fa2ce', '#c8524a', '#85796f', '#2f7f7b', '#b8a13c', '#7b68ae', '#3f6b3c', '#d07f94', '#9c5b2e',
];
const OUTSIDE_COLOURS: Record<string, string> = {
  CREATING: '#9aa0a6',
  AVAILABLE: '#1b7837',
  UPDATING: '#5fa2ce',
  MISCONFIGURED: '#c62828',
  PENDING: '#9aa0a6',
  EXECUTING: '#5fa2ce',
  CANCELING: '#e08214',
  SUCCEEDED: '#1b7837',
  CANCELED: '#e08214',
  FAILED: '#c62828',
};
const MARK = '#e08214';
const FILE_COLOURS = { written: '#3c4043', exported: '#2166ac' };
/** Together with names and legends as wide as a page of documentation. */
const WIDTH = 530;
const LETTER = 5.4;
/** Seconds for each millisecond of the whole: a bar is never thinner than can be seen. */
const THINNEST = 1.5e-6;

/** One picture of one run over one time axis. */
export const timelineSvg = (model: TimelineModel): Promise<string> => vegaSvg(spec(model));

function spec(model: TimelineModel): object {
  const span = model.end - model.start;
  const x = { field: 'at', type: 'quantitative', scale: { domain: [0, span / 1000], nice: false } };
  const bottom = { title: 'time of the run (h:mm:ss)', values: ticks(span / 1000), labelExpr: CLOCK, grid: true };
  const quiet = { title: null, values: ticks(span / 1000), labels: false, ticks: false, domain: false, grid: true };
  const at = (time: number) => (time - model.start) / 1000;
  const points = (series: readonly Point[], kind: string) => series.map(({ time, value }) => ({ at: at(time), value, kind }));
  const spans = (list: readonly Span[]) => list.map((one) => ({ ...one, at: at(one.from), until: Math.max(at(one.to), at(one.from) + span * THINNEST), text: `${one.kind === RECLAIM ? '✖ ' : ''}${duration(one.to - one.from)}` }));
  const deletion = model.deletedAt === undefined ? [] : [{ at: at(model.deletedAt) }];
  const rule = (values: object[], color: string) => ({ data: { values }, mark: { type: 'rule', color, strokeDash: [5, 3], strokeWidth: 1.5 }, encoding: { x } });
  const marks = model.marks ?? [];
  const rules = [rule(deletion, '#c62828'), rule(marks.map(({ time }) => ({ at: at(time) })), MARK)];
  const clock = (time: number) => duration(time - model.start);
  const legend = [
    deletion.length ? `dashed red line: the file system is gone, at ${clock(model.deletedAt!)}` : 'the file system was not deleted',
    ...marks.map(({ time, says }) => `dashed orange line: ${says}, at ${clock(time)}`),
  ];

  const bars = (title: string, list: readonly Span[], color: object, rowHeight: number, texts = true) => ({
    title: heading(title),
    width: WIDTH,
    height: { step: rowHeight },
    layer: [
      { data: { values: spans(list) }, mark: { type: 'bar', height: { band: 0.72 }, cornerRadius: 2 }, encoding: { ...rows(list), x: { ...x, axis: quiet }, x2: { field: 'until' }, color } },
      ...texts ? textsOf(spans(list), span / 1000, list, x) : [], // where bars follow one another there is no room
      ...rules,
    ],
  });

  const line = (title: string, values: object[], color: object, axis: object) => ({
    title: heading(title),
    width: WIDTH,
    height: 150,
    layer: [
      { data: { values }, mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2 }, encoding: { x: { ...x, axis }, y: { field: 'value', type: 'quantitative', title: null, axis: { format: ',d', tickCount: 5 } }, color } },
      ...rules,
    ],
  });

  const names = 10 + LETTER * Math.max(...[...model.states, ...model.attempts, ...model.outside ?? []].map(({ row }) => row.length));
  const phases = [...new Set(model.states.map(({ kind }) => kind))];
  return {
    title: { text: model.title, subtitle: [model.subtitle ?? '', ...legend].filter(Boolean), anchor: 'start', fontSize: 18, subtitleFontSize: 12, subtitleColor: '#5f6368', offset: 14 },
    background: 'white',
    padding: 16,
    spacing: 22,
    vconcat: [
      ...model.scale ? [realAxis(span / 1000, model.scale)] : [],
      bars('States of the workflow', model.states, colour('Part of the run', phases, PHASE_COLOURS), 17),
      ...model.attempts.length ? [bars('Attempts of the job', model.attempts, colour('Attempt ended by', ...colours(model.attempts, ATTEMPT_COLOURS)), 22)] : [],
      ...model.outside?.length ? [bars('Link to S3 and export tasks', model.outside, colour('In the state', ...colours(model.outside, OUTSIDE_COLOURS)), 22, false)] : [],
      line('Number of files', [...points(model.written, 'written by the job'), ...points(model.exported, 'exported to S3')],
        colour('Files', ['written by the job', 'exported to S3'], [FILE_COLOURS.written, FILE_COLOURS.exported]), quiet),
      line('AgeOfOldestQueuedMessage, in seconds', points(model.age, 'age'), { value: '#8e44ad' }, bottom),
    ],
    resolve: { scale: { color: 'independent' } },
    config: {
      font: 'Helvetica,Arial,sans-serif',
      view: { stroke: '#dadce0' },
      axis: { gridColor: '#eceff1', labelColor: '#3c4043', titleColor: '#3c4043', labelLimit: 480, minExtent: names, maxExtent: names, titleFontWeight: 'normal' },
      axisX: { minExtent: 0 },
      legend: { titleFontSize: 11, labelFontSize: 11, orient: 'right', titleLimit: 200, labelLimit: 200 },
    },
  };
}

const CLOCK = "floor(datum.value / 3600) + ':' + format(floor(datum.value / 60) % 60, '02d') + ':' + format(floor(datum.value) % 60, '02d')";
/** The kinds that occur, and the colour of each. */
function colours(list: readonly Span[], known: Record<string, string>): [string[], string[]] {
  const kinds = Object.keys(known).filter((kind) => list.some((one) => one.kind === kind));
  return [kinds, kinds.map((kind) => known[kind])];
}

const heading = (text: string) => ({ text, anchor: 'start', frame: 'group', fontSize: 13, color: '#3c4043', offset: 6 });
const rows = (list: readonly Span[]) => ({ y: { field: 'row', type: 'nominal', sort: [...new Set(list.map(({ row }) => row))], title: null, axis: { grid: false, ticks: false, domain: false } } });
const colour = (title: string, domain: string[], range: string[]) => ({ field: 'kind', type: 'nominal', scale: { domain, range }, legend: { title } });

/** How long it took, beside each bar: to its left where there is no room at its right. */
function textsOf(values: { at: number; until: number }[], total: number, list: readonly Span[], x: object): object[] {
  const text = (some: object[], field: string, align: string, dx: number) => ({
    data: { values: some },
    mark: { type: 'text', align, dx, fontSize: 9.5 },
    encoding: { ...rows(list), x: { ...x, field }, text: { field: 'text' }, color: { condition: { test: `datum.kind === '${RECLAIM}'`, value: '#c62828' }, value: '#5f6368' } },
  });
  const isLate = ({ until }: { until: number }) => until > total * 0.94;
  return [text(values.filter((one) => !isLate(one)), 'until', 'left', 4), text(values.filter(isLate), 'at', 'right', -4)];
}

/** Nothing but an axis in real seconds, above everything. */
function realAxis(seconds: number, scale: number): object {
  const real = seconds / scale;
  return {
    width: WIDTH,
    height: 1,
    view: { stroke: null },
    data: { values: [{ at: 0 }] },
    mark: { type: 'point', opacity: 0 },
    encoding: {
      x: { field: 'at', type: 'quantitative', scale: { domain: [0, real], nice: false }, axis: { orient: 'top', title: `real seconds (${scale} times faster)`, values: ticks(real), grid: false } },
    },
  };
}

/** About ten round numbers of seconds. */
function ticks(seconds: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800];
  const step = steps.find((one) => seconds / one <= 12) ?? 2592000;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => i * step);
}

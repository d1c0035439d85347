import { vegaSvg } from './vega';

/** A rule that decides on the deletion, and what it does on the curve. Minutes are counted from the job's last write. */
export interface DeletionRule {
  readonly name: string;
  readonly deletesAt: number;
  /** What the metric says then, in seconds. */
  readonly ageThen: number;
  readonly lost: number;
  /** When it takes the queue for empty, and lets an export task look for the rest. */
  readonly emptyAt?: number;
}

export interface ExportCurveModel {
  readonly rules: readonly DeletionRule[];
  /** Seconds, minute by minute. */
  readonly age: readonly number[];
  /** Files, minute by minute. */
  readonly waiting: readonly number[];
  /** Where the numbers come from, line by line. */
  readonly sources: readonly string[];
}

const COLOURS = { bad: '#c62828', good: '#1b7837', step: '#2166ac', age: '#8e44ad', files: '#3c4043', quiet: '#5f6368' };
const WIDTH = 650;
const count = (value: number) => value.toLocaleString('en-US');
const minutes = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} min`;

/** What each rule sees of the metric, beside what really waits, over one axis. */
export function exportCurveSvg({ rules, age, waiting, sources }: ExportCurveModel): Promise<string> {
  const end = Math.ceil(Math.max(...rules.map(({ deletesAt }) => deletesAt), age.length) / 10) * 10;
  const x = { field: 'minute', type: 'quantitative', scale: { domain: [0, end], nice: false } };
  const events = rules.flatMap(eventsOf);
  const color = { field: 'colour', type: 'nominal', scale: null };
  const verticals = { data: { values: events }, mark: { type: 'rule', strokeDash: [5, 3], strokeWidth: 1.5 }, encoding: { x, color } };
  const y = (title: string) => ({ field: 'value', type: 'quantitative', axis: { title, format: ',d', tickCount: 5 } });
  const line = (title: string, values: readonly number[], unit: string, colour: string, axis: object) => ({
    title: heading(title),
    width: WIDTH,
    height: 150,
    layer: [
      {
        data: { values: values.map((value, minute) => ({ minute, value })) },
        mark: { type: 'line', color: colour, strokeWidth: 2 },
        encoding: { x: { ...x, axis }, y: y(unit) },
      },
      verticals,
    ],
  });
  const quiet = { title: null, labels: false, ticks: false, domain: false };
  const isLate = `datum.minute > ${end / 2}`;
  const said = (align: string, test: string, dx: number) => ({
    data: { values: events },
    transform: [{ filter: test }],
    mark: { type: 'text', align, dx, fontSize: 12 },
    encoding: { x, y: { field: 'row', type: 'nominal', sort: null }, text: { field: 'says' }, color },
  });
  return vegaSvg({
    title: {
      text: 'When may the file system be deleted? A million files, and two rules',
      subtitle: ['Both rules look at the same measured metric. A zero that is seen too early proves nothing; a zero seen later is followed by an export task.'],
      anchor: 'start',
      fontSize: 17,
      subtitleFontSize: 12,
      subtitleColor: COLOURS.quiet,
      offset: 12,
    },
    background: 'white',
    padding: 16,
    spacing: 16,
    vconcat: [
      {
        title: heading('What each rule does'),
        width: WIDTH,
        height: { step: 24 },
        layer: [
          {
            data: { values: events },
            mark: { type: 'point', filled: true, size: 70, opacity: 1 },
            encoding: {
              x: { ...x, axis: quiet },
              y: { field: 'row', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false, grid: false } },
              color,
            },
          },
          said('left', `!(${isLate})`, 9),
          said('right', isLate, -9),
        ],
      },
      line('AgeOfOldestQueuedMessage, as measured: all that a rule can see of the queue', age, 'seconds', COLOURS.age, quiet),
      line('Files that wait for their export, in the local engine', waiting, 'files', COLOURS.files, { title: 'minutes since the job\'s last write' }),
      {
        width: WIDTH,
        height: 16 * sources.length,
        view: { stroke: null },
        data: { values: sources.map((text, i) => ({ text, i })) },
        mark: { type: 'text', align: 'left', fontSize: 11, color: COLOURS.quiet },
        encoding: { x: { value: 0 }, y: { field: 'i', type: 'ordinal', axis: null }, text: { field: 'text' } },
      },
    ],
    config: {
      font: 'Helvetica,Arial,sans-serif',
      view: { stroke: '#dadce0' },
      axis: {
        gridColor: '#eceff1',
        labelColor: COLOURS.files,
        titleColor: COLOURS.files,
        titleFontWeight: 'normal',
        labelFontSize: 11,
        titleFontSize: 12,
        labelLimit: 400,
      },
    },
  });
}

const heading = (text: string) => ({ text, anchor: 'start', frame: 'group', fontSize: 13, color: COLOURS.files, offset: 6 });

interface Event {
  readonly row: string;
  readonly minute: number;
  readonly says: string;
  readonly colour: string;
}

function eventsOf({ name, deletesAt, ageThen, lost, emptyAt }: DeletionRule): Event[] {
  const [outcome, colour] = lost > 0 ? [`${count(lost)} files are lost`, COLOURS.bad] : ['no file is lost', COLOURS.good];
  const deletion = { row: `${name}: deletes`, minute: deletesAt, says: `${minutes(deletesAt)}: the metric says ${ageThen}, ${outcome}`, colour };
  if (emptyAt === undefined) return [deletion];
  return [{ row: `${name}: the queue is empty`, minute: emptyAt, says: `${minutes(emptyAt)}: an export task begins`, colour: COLOURS.step }, deletion];
}

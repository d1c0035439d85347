import { Graph, graphOf, StateNode, Transition } from './graph';
import { cyclesOf } from './steps';

// by require, because the package's types declare it an ES module, and jest loads it as CommonJS
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { instance } = require('@viz-js/viz') as { instance(): Promise<{ renderString(dot: string, options: object): string }> };

export interface OverviewOptions {
  readonly title: string;
  /** The part of the run that a state belongs to: a box. */
  readonly partOf: (state: string) => string;
}

const FONT = 'Helvetica,Arial,sans-serif';
/** Laid out larger than drawn: a reader's machine may have wider fonts than graphviz assumes. */
const [LAID_OUT, DRAWN] = [14, 13];
const HEADER = { width: 820, height: 110 };
const MARGIN = 20;
const BOX_WIDTH = 275;
const COLOURS = { run: ['#e3eefa', '#4878a8'], cleanUp: ['#e6f3e1', '#4d8b3f'], text: '#202124', quiet: '#5f6368', path: '#3c4043', caught: '#c62828' };

/** A part of the run, with its states in the order in which they are passed. */
interface Part {
  readonly name: string;
  readonly states: StateNode[];
  readonly isCleanUp: boolean;
}

interface Way {
  readonly from: string;
  readonly to: string;
  readonly isCaught: boolean;
}

/**
 * The state machine for a reader of two minutes, by rule from its definition: a box for each part of the run, the ways between them.
 * Left out are Pass states, which only shape data, and the states that raise the error of a loop whose time is up: a Task before a Fail.
 */
export async function overviewSvg(definition: Record<string, any>, options: OverviewOptions): Promise<string> {
  const graph = withoutDetails(graphOf(definition, []));
  const parts = partsOf(graph, options);
  const drawn = (await instance()).renderString(dot(graph, parts, waysOf(graph, parts)), { format: 'svg', engine: 'dot' });
  return framed(drawn, options.title);
}

function withoutDetails({ startAt, nodes, transitions }: Graph): Graph {
  const typeOf = new Map(nodes.map(({ name, type }) => [name, type]));
  const next = (name: string) => transitions.filter(({ from, kind }) => from === name && kind !== 'catch');
  const raises = (name: string) => typeOf.get(name) === 'Task' && next(name).every(({ to }) => typeOf.get(to) === 'Fail');
  const reached = (name: string) => transitions.some(({ from, to }) => to === name && !raises(from));
  const isLeftOut = ({ name, type }: StateNode) => raises(name) || (type === 'Fail' && !reached(name));
  const kept = nodes.filter((node) => node.type !== 'Pass' && !isLeftOut(node));
  const names = new Set(kept.map(({ name }) => name));
  const beyond = (way: Transition): Transition[] => {
    if (typeOf.get(way.to) !== 'Pass') return names.has(way.to) ? [way] : [];
    return next(way.to).flatMap(({ to }) => beyond({ ...way, to }));
  };
  return { startAt, nodes: kept, transitions: transitions.filter(({ from }) => names.has(from)).flatMap(beyond) };
}

/** Parts in the order of their first state; the clean-up is whatever can be reached from where most errors are caught. */
function partsOf(graph: Graph, { partOf }: OverviewOptions): Part[] {
  const caught = graph.transitions.filter(({ kind }) => kind === 'catch').map(({ to }) => to);
  const often = (name: string) => caught.filter((to) => to === name).length;
  const [entry] = [...new Set(caught)].sort((a, b) => often(b) - often(a));
  const cleanUp = new Set(passed(graph, entry));
  const order = passed(graph, graph.startAt);
  const cycles = loopsOf(graph);
  const parts = new Map<string, Part>();
  for (const name of [...order.filter((state) => !cleanUp.has(state)), ...passed(graph, entry)]) {
    const first = cycles.get(name) ?? name; // parts that share a loop are one
    const part = parts.get(partOf(first)) ?? { name: partOf(first), states: [], isCleanUp: cleanUp.has(name) };
    parts.set(part.name, part);
    part.states.push(graph.nodes.find((node) => node.name === name)!);
  }
  return [...parts.values()];
}

const loopsOf = ({ nodes, transitions }: Pick<Graph, 'nodes' | 'transitions'>) => cyclesOf(nodes, transitions.filter(({ kind }) => kind !== 'catch'));

/** States in the order of the way: each before those that it leads to, a loop before what comes after it. */
function passed({ nodes, transitions }: Graph, start: string): string[] {
  const cycles = loopsOf({ nodes, transitions });
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const [stays, leaves] = [true, false].map((within) => transitions
      .filter(({ from, to }) => from === name && within === (cycles.get(to) !== undefined && cycles.get(to) === cycles.get(name))));
    [...leaves.reverse(), ...stays.reverse()].forEach(({ to }) => visit(to));
    order.unshift(name);
  };
  visit(start);
  return order;
}

/** One way for all that lead from one part to another in the same manner. */
function waysOf(graph: Graph, parts: Part[]): Way[] {
  const partOf = new Map(parts.flatMap(({ name, states }) => states.map((state) => [state.name, name])));
  const ways = new Map<string, Way>();
  for (const { from, to, kind } of graph.transitions) {
    const way = { from: partOf.get(from)!, to: partOf.get(to)!, isCaught: kind === 'catch' };
    if (way.from !== way.to) ways.set(JSON.stringify(way), way);
  }
  return [...ways.values()];
}

function dot(graph: Graph, parts: Part[], ways: Way[]): string {
  const cycles = loopsOf(graph);
  const columns = [false, true].map((isCleanUp) => parts.filter((part) => part.isCleanUp === isCleanUp));
  const below = (list: Part[]) => list.slice(1).map(({ name }, i) => `${quote(list[i].name)} -> ${quote(name)} [style=invis weight=50]`);
  return `digraph overview {
    graph [rankdir=TB splines=ortho nodesep=0.3 ranksep=0.35 pad=0 bgcolor=white]
    node [shape=plain fontname="Helvetica" fontsize=${LAID_OUT}]
    edge [arrowsize=0.8 penwidth=1.4]
    ${parts.map((part) => box(part, cycles)).join('\n')}
    ${columns.flatMap(below).join('\n')}
    { rank=same; ${columns.map(([first]) => quote(first.name)).join('; ')} }
    ${ways.map(wayLine).join('\n')}
  }`;
}

function box({ name, states, isCleanUp }: Part, cycles: Map<string, string>): string {
  const [fill, line] = isCleanUp ? COLOURS.cleanUp : COLOURS.run;
  const rows = [`<B>${name}</B>`, ...states.map((state) => look(state, cycles.has(state.name)))]
    .map((text) => `<TR><TD ALIGN="LEFT">&#160;${text}&#160;</TD></TR>`);
  const table = `<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" WIDTH="${BOX_WIDTH}" STYLE="ROUNDED" COLOR="${line}" BGCOLOR="${fill}">`;
  return `${quote(name)} [label=<${table}${rows.join('')}</TABLE>>]`;
}

function look({ name, type }: StateNode, turns: boolean): string {
  const colour = { Wait: COLOURS.quiet, Succeed: COLOURS.cleanUp[1], Fail: COLOURS.caught }[type] ?? COLOURS.text;
  return `<FONT COLOR="${colour}">${name}${type === 'Choice' ? '?' : ''}${turns ? ' ↻' : ''}</FONT>`;
}

function wayLine({ from, to, isCaught }: Way): string {
  return `${quote(from)} -> ${quote(to)} [color="${isCaught ? COLOURS.caught : COLOURS.path}" constraint=false${isCaught ? ' style=dashed' : ''}]`;
}

/** The drawing of graphviz below a header of our own. */
function framed(drawing: string, title: string): string {
  const [, width, height] = /<svg width="(\d+)pt" height="(\d+)pt"/.exec(drawing)!.map(Number);
  const right = Math.max(width, HEADER.width) + 2 * MARGIN;
  const bottom = height + HEADER.height + MARGIN;
  const inner = drawing.slice(drawing.indexOf('<svg'))
    .replace(/<svg width="\d+pt" height="\d+pt"/, `<svg x="${(right - width) / 2}" y="${HEADER.height}" width="${width}" height="${height}"`)
    .replace(/ font-family="[^"]*"/g, '').replace(new RegExp(`font-size="${LAID_OUT}.00"`, 'g'), `font-size="${DRAWN}"`);
  const text = (x: number, y: number, content: string, style = '') => `<text x="${x}" y="${y}"${style}>${content}</text>`;
  const colour = (x: number, [fill, line]: string[], label: string) =>
    `<rect x="${x}" y="50" width="24" height="15" rx="4" fill="${fill}" stroke="${line}"/>${text(x + 31, 62, label)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${right}" height="${bottom}" viewBox="0 0 ${right} ${bottom}">
<rect width="100%" height="100%" fill="white"/>
<g font-family="${FONT}" font-size="${DRAWN}" fill="${COLOURS.text}">
${text(MARGIN, 30, title, ' font-size="20" font-weight="bold"')}
${colour(MARGIN, COLOURS.run, 'a run')}${colour(MARGIN + 100, COLOURS.cleanUp, 'its clean-up, the same after success and failure')}
<line x1="${MARGIN + 450}" x2="${MARGIN + 490}" y1="58" y2="58" stroke="${COLOURS.caught}" stroke-width="1.4" stroke-dasharray="5 2"/>
${text(MARGIN + 498, 62, 'an error, after its retries')}
${text(MARGIN, 86, 'Name?: a choice · ↻: in a loop, which ends with what it waits for or by a deadline · grey: waiting · arrows lead from part to part')}
${inner}</g></svg>
`;
}

const quote = (text: string) => `"${text}"`;

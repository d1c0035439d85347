import { Graph, graphOf, HistoryLine, StateNode, Transition } from './graph';
import { duration } from './text';

// by require, because the package's types declare it an ES module, and jest loads it as CommonJS
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { instance } = require('@viz-js/viz') as { instance(): Promise<{ renderString(dot: string, options: object): string }> };

export interface StateMachinePictureOptions {
  readonly title?: string;
  /** The part of the run that a state belongs to; written beside the first state of it. */
  readonly phaseOf?: (state: string) => string | undefined;
}

const FONT = 'Helvetica,Arial,sans-serif';
/** Laid out larger than drawn: a reader's machine may have wider fonts than graphviz assumes. */
const [LAID_OUT, DRAWN] = [13, 11];
/** Opens a line that is drawn smaller. */
const SMALL = '\u200a';
const PATH = '#1b7837';
const FAILED = '#c62828';
const QUIET = '#9aa0a6';
/** Fill, line and text. */
const COLOURS = { passed: ['#d9f0d3', PATH, '#0b3d16'], failed: ['#fde0dc', FAILED, '#7f0000'], quiet: ['#f1f3f4', QUIET, '#5f6368'] };
/** A state that so many others catch into gets no edge from each: a mark on the state says it. */
const MANY_CATCHES = 3;

const SHAPES: Record<string, string> = {
  Task: 'shape=box style="rounded,filled"',
  Pass: 'shape=box style="filled" height=0.25 margin="0.1,0.03"',
  Choice: 'shape=hexagon style="filled" margin="0.02,0.02"',
  Wait: 'shape=ellipse style="filled" margin="0.02,0.02"',
  Succeed: 'shape=box style="rounded,filled" peripheries=2',
  Fail: 'shape=octagon style="filled" peripheries=2',
  Parallel: 'shape=box3d style="filled"',
  Map: 'shape=box3d style="filled"',
};

/** The state machine as a graph, with the path that one execution took. */
export async function stateMachineSvg(
  definition: Record<string, any>, history: readonly HistoryLine[], options: StateMachinePictureOptions = {},
): Promise<string> {
  const graph = graphOf(definition, history);
  const shared = sharedCatchTargets(graph);
  const drawn = (await instance()).renderString(dot(graph, shared), { format: 'svg', engine: 'dot' });
  return framed(withOwnFonts(drawn), header([...shared], history, options), phases(graph, drawn, options));
}

function dot(graph: Graph, shared: Set<string>): string {
  const marked = new Map(graph.transitions.filter((one) => one.kind === 'catch' && shared.has(one.to)).map(({ from, to }) => [from, to]));
  const nodes = inOrder(graph).map((node) => nodeLine(node, marked.get(node.name)));
  const edges = graph.transitions.filter((one) => one.kind !== 'catch' || one.count > 0 || !shared.has(one.to)).map(edgeLine);
  return `digraph machine {
    graph [rankdir=TB nodesep=0.3 ranksep=0.32 fontname="Helvetica" pad=0.2 bgcolor=white]
    node [fontname="Helvetica" fontsize=${LAID_OUT} height=0.3]
    edge [fontname="Helvetica" fontsize=${LAID_OUT} arrowsize=0.7]
    "(start)" [shape=circle style=filled fillcolor="#3c4043" label="" width=0.18 height=0.18]
    ${nodes.join('\n')}
    "(start)" -> ${quote(graph.startAt)} [penwidth=2.2 color="${PATH}" weight=20]
    ${edges.join('\n')}
  }`;
}

/** Path first, in the order it was taken: graphviz ranks by it, so that loops point upwards and the path downwards. */
function inOrder(graph: Graph): StateNode[] {
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const next = graph.transitions.filter(({ from }) => from === name).sort((a, b) => b.count - a.count);
    next.forEach(({ to }) => visit(to));
  };
  visit(graph.startAt);
  const order = [...seen];
  return [...graph.nodes].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

function sharedCatchTargets(graph: Graph): Set<string> {
  const catches = graph.transitions.filter(({ kind }) => kind === 'catch');
  return new Set(catches.map(({ to }) => to).filter((to) => catches.filter((one) => one.to === to).length > MANY_CATCHES));
}

function nodeLine(node: StateNode, catchesInto: string | undefined): string {
  const [fill, line, text] = node.failures > 0 ? COLOURS.failed : node.visits > 0 ? COLOURS.passed : COLOURS.quiet;
  const small = [
    node.calls?.startsWith('λ') ? undefined : node.calls,
    node.visits > 1 ? `${node.visits} ×` : undefined,
    node.milliseconds >= 1000 ? duration(node.milliseconds) : undefined,
    node.retries > 0 ? `${node.retries} retried` : undefined,
  ].filter((part) => part !== undefined).join(' · ');
  const label = quote([`${node.name}${catchesInto ? ' ⚑' : ''}`, small && `${SMALL}${small}`].filter(Boolean).join('\n')).replace(/\n/g, '\\n');
  const style = `fillcolor="${fill}" color="${line}" fontcolor="${text}" penwidth=${node.visits > 0 ? 1.8 : 0.8}`;
  const tooltip = quote([node.name, node.type, node.calls ?? '', `passed ${node.visits} ×`, catchesInto ? `catches into ${catchesInto}` : ''].filter(Boolean).join(' · '));
  return `${quote(node.name)} [${SHAPES[node.type] ?? SHAPES.Task} label=${label} tooltip=${tooltip} ${style}]`;
}

function edgeLine(edge: Transition): string {
  const taken = edge.count > 0;
  const color = edge.kind === 'catch' ? FAILED : taken ? PATH : QUIET;
  const label = [
    edge.kind === 'choice' && edge.when && edge.when.length <= 34 ? edge.when : undefined,
    edge.kind === 'otherwise' ? 'else' : undefined,
    edge.count > 1 ? `${edge.count} ×` : undefined,
  ].filter(Boolean).join('  ');
  const look = [
    `color="${color}"`, `fontcolor="${color === QUIET ? '#5f6368' : color}"`, `penwidth=${taken ? 2.2 : edge.kind === 'catch' ? 0.6 : 0.9}`,
    edge.kind === 'catch' ? 'style=dashed constraint=false' : '', `weight=${taken && edge.kind !== 'catch' ? 12 : 1}`,
    `tooltip=${quote([edge.kind, edge.when, `taken ${edge.count} ×`].filter(Boolean).join(': '))}`,
    label && `label=${quote(`${SMALL}${label} `)}`,
  ];
  return `${quote(edge.from)} -> ${quote(edge.to)} [${look.filter(Boolean).join(' ')}]`;
}

function withOwnFonts(svg: string): string {
  return svg
    .replace(/font-family="[^"]*"/g, `font-family="${FONT}"`)
    .replace(new RegExp(`font-size="${LAID_OUT}.00"([^>]*>)(${SMALL})?`, 'g'), (_, rest, small) => `font-size="${small ? DRAWN - 2 : DRAWN}"${rest}`)
    .replace(/ ⚑/g, ` <tspan fill="${FAILED}">⚑</tspan>`);
}

const HEADER = { width: 800, height: 150 };
/** Room for the names of the phases at the left. */
const MARGIN = 130;

/** Where each phase begins, from the top: the highest state of it that was passed. */
function phases(graph: Graph, drawing: string, options: StateMachinePictureOptions): [string, number][] {
  const offset = Number(/translate\([\d.-]+ ([\d.-]+)\)/.exec(drawing)![1]) - Number(/viewBox="[\d.-]+ ([\d.-]+)/.exec(drawing)![1]);
  const begins = new Map<string, number>();
  for (const node of graph.nodes) {
    const phase = options.phaseOf?.(node.name);
    if (phase === undefined || node.visits === 0) continue;
    const [, y] = new RegExp(`<title>${escape(node.name)}</title>[^]*?<text[^>]* y="([\\d.-]+)"`).exec(drawing)!;
    begins.set(phase, Math.min(begins.get(phase) ?? Infinity, Number(y) + offset));
  }
  return [...begins];
}

/** The drawing of graphviz below a header of our own, the phases beside it. */
function framed(drawing: string, head: string, begins: [string, number][]): string {
  const [, width, height] = /<svg width="(\d+)pt" height="(\d+)pt"/.exec(drawing)!.map(Number);
  const [left, size] = [begins.length ? MARGIN : 0, `width="${width}" height="${height}"`];
  const right = Math.max(HEADER.width, width + left);
  const inner = drawing.slice(drawing.indexOf('<svg')).replace(/<svg width="\d+pt" height="\d+pt"/, `<svg x="${left}" y="${HEADER.height}" ${size}`);
  const lines = begins.map(([phase, y]) => `<g transform="translate(20 ${HEADER.height + y})"><line x2="${right - 40}" y1="-22" y2="-22" stroke="#dadce0" stroke-dasharray="2 3"/>
<text y="-4" font-family="${FONT}" font-size="13" font-weight="bold" fill="#5f6368">${escape(phase)}</text></g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${right}" height="${height + HEADER.height}" viewBox="0 0 ${right} ${height + HEADER.height}">
<rect width="100%" height="100%" fill="white"/>\n${head}\n${lines.join('\n')}\n${inner.replace('fill="white"', 'fill="none"')}</svg>\n`;
}

function header(shared: string[], history: readonly HistoryLine[], options: StateMachinePictureOptions): string {
  const last = history[history.length - 1];
  const ended = /^Execution(Succeeded|Failed|Aborted|TimedOut)$/.exec(last?.type ?? '')?.[1] ?? 'running';
  const error = typeof last?.error === 'string' ? `: ${last.error}` : '';
  const text = (x: number, y: number, content: string, style = 'font-size="11"') => `<text x="${x}" y="${y}" ${style}>${escape(content)}</text>`;
  const colour = (x: number, [fill, line]: string[], label: string) =>
    `<rect x="${x}" y="66" width="26" height="15" rx="4" fill="${fill}" stroke="${line}" stroke-width="1.5"/>${text(x + 33, 78, label)}`;
  const outline = 'fill="white" stroke="#3c4043"';
  const shapes: [string, string][] = [
    ['<rect x="0" y="-11" width="26" height="15" rx="4"/>', 'Task'],
    ['<rect x="0" y="-11" width="26" height="15"/>', 'Pass'],
    ['<ellipse cx="13" cy="-4" rx="14" ry="8"/>', 'Wait'],
    ['<polygon points="-1,-4 5,-11 21,-11 27,-4 21,4 5,4"/>', 'Choice'],
    ['<rect x="0" y="-11" width="26" height="15" rx="4"/><rect x="3" y="-8" width="20" height="9" rx="3"/>', 'the end'],
  ];
  const shapeRow = shapes.map(([shape, label], i) => `<g transform="translate(${360 + i * 76} 78)"><g ${outline}>${shape}</g>${text(32, 0, label)}</g>`);
  return `<g font-family="${FONT}" fill="#202124">
${text(20, 32, options.title ?? 'State machine', 'font-size="20" font-weight="bold"')}
${text(20, 52, `execution ${ended.toLowerCase()}${error}`, `font-size="13" fill="${ended === 'Succeeded' ? PATH : FAILED}"`)}
${colour(20, COLOURS.passed, 'passed')}${colour(118, COLOURS.failed, 'failed')}${colour(210, COLOURS.quiet, 'not reached')}
${shapeRow.join('\n')}
${text(20, 103, 'In a state: the AWS call (none: a Lambda of the part) · how many times it was passed · the time spent there, all passes together')}
${text(20, 122, `Dashed red: a Catch.${shared.length ? ` ⚑ : this state catches into ${shared.join(' or ')}, drawn only if taken (hover to see which).` : ''}`, `font-size="11" fill="${FAILED}"`)}
<line x1="20" x2="${HEADER.width - 20}" y1="136" y2="136" stroke="#dadce0"/></g>`;
}

const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
const quote = (text: string) => `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;

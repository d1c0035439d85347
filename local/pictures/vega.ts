// the bundled builds, by require: the packages' own entries load ES modules, which jest and early releases of Node 20 cannot
/* eslint-disable @typescript-eslint/no-require-imports */
const vega = require('vega/build/vega.js') as {
  View: new(flow: object, options: object) => { toSVG(): Promise<string> };
  textMetrics: { width(item: { fontSize?: number }, text: unknown): number };
  parse(spec: object): object;
};
const vegaLite = require('vega-lite/build/vega-lite.js') as { compile(spec: object, options?: object): { spec: object } };
/* eslint-enable */

/** Of its height. Without a canvas vega takes letters for half as wide again, and leaves room for it. */
const LETTER_WIDTH = 0.55;
vega.textMetrics.width = ({ fontSize = 11 }, text) => String(text ?? '').length * fontSize * LETTER_WIDTH;

/** A vega-lite picture that needs neither scripts nor fonts of its own. */
export async function vegaSvg(spec: object): Promise<string> {
  const compiled = vegaLite.compile({ $schema: 'https://vega.github.io/schema/vega-lite/v5.json', ...spec });
  return new vega.View(vega.parse(compiled.spec), { renderer: 'none' }).toSVG();
}

import type { ParameterName, ParameterSource } from '../../src/private/parameter-rules';

/** The values of one source, by name; not yet known to be of the right type. */
export interface Layer {
  readonly source: ParameterSource;
  readonly values: { readonly [name in ParameterName]?: unknown };
}

export interface Merged {
  readonly values: { readonly [name in ParameterName]?: unknown };
  /** Where each value came from. */
  readonly sources: { readonly [name in ParameterName]?: ParameterSource };
}

/** Later layers win, value by value: a list or object is replaced as a whole. */
export function mergeParameters(layers: readonly Layer[]): Merged {
  const values: { [name in ParameterName]?: unknown } = {};
  const sources: { [name in ParameterName]?: ParameterSource } = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer.values)) {
      values[name as ParameterName] = value;
      sources[name as ParameterName] = layer.source;
    }
  }
  return { values, sources };
}

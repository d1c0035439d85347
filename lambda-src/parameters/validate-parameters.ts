import { mergeParameters, type Layer } from './merge-parameters';
import type { ExtractParametersPayload } from '../../src/private/parameter-payloads';
import {
  combinationProblems, isParameterName, normalizePrefix, PARAMETER_NAMES, parameterProblem, unknownKeyProblems,
  type ParameterSource, type ParameterValues,
} from '../../src/private/parameter-rules';
import { runIdentity } from '../shared/run-identity';

export interface Validated {
  /** The good values; complete where there is no problem. The prefix is the one that the run exports to. */
  readonly values: Partial<ParameterValues>;
  readonly sources: { readonly [name in keyof ParameterValues]?: ParameterSource };
  /** All that is wrong, in words. */
  readonly problems: string[];
}

/** A value that is wrong in one source is a problem even where a later source overrides it: the next run would meet it. */
export function validateParameters(payload: ExtractParametersPayload): Validated {
  const { secret, defaults, settings, input } = payload;
  const given = readInput(input);
  const layers: Layer[] = [
    {
      source: 'construct props',
      values: {
        jobCommand: [],
        jobEnvironment: {},
        ...defaults,
        jobDefinitionContainerImage: defaults.jobDefinitionContainerImage || undefined, // '' leaves the image to each run
        prefix: settings.prefix,
      },
    },
    { source: 'secret', values: secret?.values ?? {} },
    { source: 'execution input', values: given.values },
  ];
  const wrong = layers.flatMap(({ source, values }) => PARAMETER_NAMES
    .filter((name) => values[name] !== undefined)
    .map((name) => ({ name, source, problem: parameterProblem(name, values[name], settings, source) }))
    .filter(({ problem }) => problem !== undefined));

  const merged = mergeParameters(layers);
  const isWrong = (name: string) => wrong.some((found) => found.name === name && found.source === merged.sources[found.name]);
  const good = Object.fromEntries(Object.entries(merged.values).filter(([name]) => !isWrong(name))) as Partial<ParameterValues>;
  const values = good.prefix === undefined ? good : { ...good, prefix: finalPrefix(good.prefix, merged.sources.prefix!, payload) };

  return {
    values,
    sources: merged.sources,
    problems: [
      ...(secret?.problems ?? []),
      ...given.problems,
      ...wrong.map(({ problem }) => problem!),
      ...PARAMETER_NAMES.filter((name) => merged.values[name] === undefined)
        .map((name) => `${name} is given nowhere; give it in the construct props, the secret or the execution input`),
      ...combinationProblems(good, payload.settings),
      ...executionNameProblems(payload.run.executionArn),
    ],
  };
}

function readInput(input: unknown): Pick<Layer, 'values'> & { problems: string[] } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const got = input === null ? 'null' : Array.isArray(input) ? 'a list' : `a ${typeof input}`;
    return { values: {}, problems: [`the execution input is ${got}; it must be a JSON object, such as {} or {"lustreStorageCapacity": 2400}`] };
  }
  const unknown = Object.keys(input).filter((key) => !isParameterName(key));
  return {
    values: Object.fromEntries(Object.entries(input).filter(([key]) => isParameterName(key))),
    problems: [
      // a well-formed one never comes here: the first Choice takes it into the clean-up of another run
      ...unknown.includes('cleanUp')
        ? ['cleanUp (execution input) must be {"executionArn": "<ARN of the run to clean up>"}; remove it to start a run'] : [],
      ...unknownKeyProblems(unknown.filter((key) => key !== 'cleanUp'), 'execution input'),
    ],
  };
}

/** Each run has a prefix of its own, unless it was told one: two runs on one prefix overwrite each other's objects (A5.6a). */
function finalPrefix(prefix: string, source: ParameterSource, { run, settings }: ExtractParametersPayload): string {
  const perRun = settings.prefixPerRun && source !== 'execution input';
  return normalizePrefix(prefix) + (perRun ? `${runIdentity(run.executionArn, run.startedAt).id}/` : '');
}

/** Everything that a run creates carries the ARN in a tag, and a tag does not take all that an execution name may hold. */
function executionNameProblems(executionArn: string): string[] {
  if (/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u.test(executionArn)) return [];
  return ['the name of the execution holds characters that tags do not take; start it again with a name of letters, digits and _.=+-@'];
}

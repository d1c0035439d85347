import { createRequire } from 'module';
import { recall, remember } from './memory';
import { SdkIntegration } from './sdk-integration';

export interface TaskDefinition {
  readonly resource: string;
}

export interface Prepared {
  /** The definition as the interpreter needs it to behave like AWS. */
  readonly runnable: any;
  readonly tasks: Record<string, TaskDefinition>;
  readonly fails: Record<string, any>;
}

/** 32-bit timers: the interpreter would time out at once beyond it (24.8 days). */
const LONGEST_SECONDS = 2_147_483;

const LAMBDA = /^arn:[\w-]+:lambda:[\w-]+:\d+:function:/;
export const LAMBDA_INVOKE = /^arn:[\w-]+:states:::lambda:invoke$/;

/** Fields that the interpreter passes by in silence, wherever they stand. */
const UNKNOWN_FIELDS = [
  'Assign', 'Arguments', 'Output', 'ItemReader', 'ItemBatcher', 'ResultWriter', 'ToleratedFailureCount', 'ToleratedFailurePercentage',
  'HeartbeatSeconds', 'HeartbeatSecondsPath', 'Credentials',
];

/** Expressions that the interpreter evaluates wrongly or not at all, with what is wrong. */
const WRONG_EXPRESSIONS: [RegExp, string][] = [
  [/States\.Hash\(/, 'States.Hash is wrong from 56 bytes on'],
  [/\$\$\.State\./, '$$.State is not in the context object'],
  [/\$\$\.Task\./, '$$.Task is not in the context object'],
  [/\[\*\]|\.\*/, 'a wildcard on an empty list fails'],
  [/\.\.|\[\?|\[-?\d*:-?\d*\]/, 'a path that may give several values is unwrapped when it gives one'],
  [/States\.StringSplit\([^,]+,\s*'[^']{2,}'/, 'States.StringSplit splits on the whole string'],
];

/** Checks a definition by the rules of the States Language, once, and refuses what the interpreter would get wrong. */
export function prepare(definition: any): Prepared {
  validate(definition);
  const found: string[] = [];
  const tasks: Record<string, TaskDefinition> = {};
  const fails: Record<string, any> = {};

  const machine = (given: any, at: string, nested: boolean): any => {
    if (given.QueryLanguage === 'JSONata') found.push(`${at} is in JSONata`);
    if (given.TimeoutSeconds !== undefined) found.push(`${at} has TimeoutSeconds, which nothing can catch`);
    if (given.ProcessorConfig?.Mode === 'DISTRIBUTED') found.push(`${at} is a DISTRIBUTED map`);
    return { ...given, States: Object.fromEntries(Object.entries<any>(given.States).map(([name, each]) => [name, state(name, each, nested)])) };
  };

  const state = (name: string, given: any, nested: boolean): any => {
    found.push(...faultsOf(name, given, nested));
    const runnable = { ...given };
    // the interpreter takes `$` for a member of that name
    if (runnable.ResultPath === '$') delete runnable.ResultPath;
    if (runnable.Catch) {
      runnable.Catch = runnable.Catch.map(({ ResultPath, ...rest }: any) => ResultPath === '$' || ResultPath === undefined ? rest : { ...rest, ResultPath });
    }
    if (given.Type === 'Task') {
      tasks[name] = { resource: given.Resource };
      // the interpreter's own default is 60 seconds, AWS's is years
      if (given.TimeoutSeconds === undefined && given.TimeoutSecondsPath === undefined) runnable.TimeoutSeconds = LONGEST_SECONDS;
    }
    // jitter comes from outside the world's seed; without it each delay is the longest that it may be
    if (runnable.Retry) runnable.Retry = runnable.Retry.map(({ JitterStrategy, ...rest }: any) => rest);
    if (given.Type === 'Fail') fails[name] = given;
    if (given.Type === 'Parallel') runnable.Branches = given.Branches.map((branch: any, index: number) => machine(branch, `branch ${index} of ${name}`, true));
    for (const iterator of ['ItemProcessor', 'Iterator']) {
      if (given[iterator]) runnable[iterator] = machine(given[iterator], `${iterator} of ${name}`, true);
    }
    return runnable;
  };

  const runnable = machine(definition, 'the state machine', false);
  if (found.length > 0) throw new Error(`the local interpreter cannot run this definition as AWS does:\n- ${found.join('\n- ')}`);
  return { runnable, tasks, fails };
}

function faultsOf(name: string, state: any, nested: boolean): string[] {
  const found: string[] = [];
  if (state.QueryLanguage === 'JSONata') found.push('it is in JSONata');
  for (const field of UNKNOWN_FIELDS) if (field in state) found.push(`${field} is ignored`);
  for (const [field, expression] of expressions(state)) {
    for (const [wrong, why] of WRONG_EXPRESSIONS) if (wrong.test(expression)) found.push(`${field} ${expression}: ${why}`);
    if (nested && /\$\$\.Execution\.(Input|StartTime)/.test(expression)) found.push(`${field} ${expression}: is that of the iteration`);
  }
  if (state.TimeoutSeconds > LONGEST_SECONDS || state.Seconds > LONGEST_SECONDS) found.push(`more than ${LONGEST_SECONDS} seconds end at once`);
  for (const field of ['ErrorPath', 'CausePath']) if (state[field]?.startsWith('States.')) found.push(`${field} with an intrinsic fails`);
  if (state.Type === 'Pass' && 'Result' in state && !state.Result) found.push(`Result ${JSON.stringify(state.Result)} is ignored`);
  if (['Map', 'Parallel'].includes(state.Type) && [...state.Retry ?? [], ...state.Catch ?? []].some((each: any) => each.ErrorEquals.includes('States.TaskFailed'))) {
    found.push('States.TaskFailed matches nothing here');
  }
  if (state.Type === 'Task' && !(LAMBDA.test(state.Resource) || LAMBDA_INVOKE.test(state.Resource) || SdkIntegration.serves(state.Resource))) {
    found.push(`nothing serves ${state.Resource}`);
  }
  return found.map((each) => `${name}: ${each}`);
}

/** Every path and intrinsic of a state, with the field it stands in. */
function expressions(value: any, field = ''): [string, string][] {
  if (typeof value === 'string') {
    const isExpression = field.endsWith('.$') || (/(^Variable|Path)$/.test(field) && value.startsWith('$'));
    return isExpression ? [[field, value]] : [];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value)
    .filter(([key]) => !['Branches', 'ItemProcessor', 'Iterator', 'Result'].includes(key))
    .flatMap(([key, each]) => expressions(each, Array.isArray(value) ? field : key));
}

function validate(definition: any): void {
  const question = `valid? ${JSON.stringify(definition)}`;
  if (recall(question) !== undefined) return;
  const check = createRequire(__filename)('asl-validator');
  const { isValid, errorsText } = (check.default ?? check)(definition, { checkArn: true, checkPaths: true });
  if (!isValid) throw new Error(`not a valid definition:\n${errorsText('\n')}`);
  remember(question, 'yes');
}

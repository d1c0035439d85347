import type { RunParameters } from './document';
import { nearMiss } from './near-miss';

/** Everything that a run can be told, as it is after merging. */
export type ParameterValues = Omit<RunParameters, 'schedules'>;
export type ParameterName = keyof ParameterValues;

/** Where a value came from, as a message names it. */
export type ParameterSource = 'construct props' | 'autoExport section' | 'secret' | 'execution input';

/** What is fixed at deploy time and decides what a parameter may be. */
export interface RuleSettings {
  readonly deploymentType: 'SCRATCH_2' | 'PERSISTENT_1' | 'PERSISTENT_2';
  /** In seconds, where they are known. */
  readonly deadlines?: { readonly drain: number };
}

type Kind = 'boolean' | 'number' | 'string' | 'list of strings' | 'map of strings';

interface Rule {
  /** The one JSON type that is taken. */
  readonly kind: Kind;
  /** What is allowed, in words. */
  readonly allowed: string | ((settings: RuleSettings) => string);
  /** Whether a value of the right type is in range; true by default. */
  readonly accepts?: (value: any, settings: RuleSettings) => boolean;
  /** How to mend it. */
  readonly fix: string | ((value: any, settings: RuleSettings) => string);
}

const DAY = 86_400;

/** Tag values have at most 256 characters (FSx API, TagValue); a run id and its slash have 30. */
export const MAX_PREFIX_BYTES = 226;

/** RegisterJobDefinition takes 24 KiB (D3); image, volumes, tags and the retry rules need less than 4 of them. */
export const MAX_JOB_TEXT_BYTES = 20 * 1024;

/** A year: what is kept longer is kept for ever. */
export const MAX_KEEP_HOURS = 8_760;

/** Of the unknown keys of one source, as many are named. */
const MAX_UNKNOWN_KEYS = 10;

const wholeNumber = (min: number, max: number | undefined, unit: string, fix: string): Rule => ({
  kind: 'number',
  allowed: max === undefined ? `a whole number of ${unit}, ${min} or more` : `a whole number of ${unit} from ${min} to ${max}`,
  accepts: (value) => Number.isSafeInteger(value) && value >= min && (max === undefined || value <= max),
  fix,
});

const oneOf = (values: string[], fix: string): Rule => ({
  kind: 'string',
  allowed: `one of ${values.map((value) => `"${value}"`).join(', ')}`,
  accepts: (value) => values.includes(value),
  fix,
});

/** GiB of SSD storage: the two smallest sizes, then multiples of the larger (A1.4). */
const SMALLEST_CAPACITY = 1200;
const CAPACITY_STEP = 2400;

function nearestCapacities(value: number): string {
  const below = Math.floor(value / CAPACITY_STEP) * CAPACITY_STEP;
  const near = [SMALLEST_CAPACITY, below, below + CAPACITY_STEP].filter((capacity) => capacity > 0 && Number.isSafeInteger(capacity));
  return `use ${[...new Set(near)].sort((x, y) => Math.abs(x - value) - Math.abs(y - value)).slice(0, 2).sort((x, y) => x - y).join(' or ')}`;
}

/** Variables that every job gets from us. */
const OWN_VARIABLES = ['LUSTRE_PATH', 'LUSTRE_RUN_ID'];

/** The seed's names; one rule each. Units stand in the words. */
export const PARAMETER_RULES: Record<ParameterName, Rule> = {
  autoExport: { kind: 'boolean', allowed: 'true or false', fix: 'write true or false without quotes' },
  deleteLustre: { kind: 'boolean', allowed: 'true or false', fix: 'write true or false without quotes' },
  lustreFileSystemTypeVersion: {
    kind: 'string',
    allowed: '"2.12" or "2.15"',
    accepts: (value) => value === '2.12' || value === '2.15', // 2.10 cannot be linked to S3 (A1.2)
    fix: 'use "2.15", in quotes',
  },
  lustreStorageCapacity: {
    kind: 'number',
    allowed: ({ deploymentType }) => `${SMALLEST_CAPACITY} or a multiple of ${CAPACITY_STEP} GiB for ${deploymentType}`,
    accepts: (value) => Number.isSafeInteger(value) && (value === SMALLEST_CAPACITY || (value > 0 && value % CAPACITY_STEP === 0)),
    fix: nearestCapacities,
  },
  lustreImportedFileChunkSize: wholeNumber(1, 512_000, 'MiB', 'use 1024 if in doubt'), // A4.7
  jobDefinitionContainerImage: {
    kind: 'string',
    allowed: 'an image as docker pull takes it, of at most 512 letters, digits and -_:./#@',
    accepts: (value) => /^[A-Za-z0-9][-\w:./#@]{0,511}$/.test(value) && !value.includes('://'),
    fix: 'use repository:tag or repository@digest, without https:// and spaces',
  },
  jobDefinitionRetryAttempts: wholeNumber(1, 10, 'attempts', 'use 1 for a job that must not be tried again'), // D5.1
  jobDefinitionVcpus: wholeNumber(1, undefined, 'vCPUs', 'round up to a whole vCPU: an EC2 host gives no fractions'),
  jobDefinitionMemory: wholeNumber(4, undefined, 'MiB', 'use MiB: 30000 is about 29 GiB'), // D5.3
  waitForLustreCreationSeconds: wholeNumber(1, DAY, 'seconds', 'use 30 if in doubt'),
  waitForJobCompletionSeconds: wholeNumber(1, DAY, 'seconds', 'use 300 if in doubt'),
  waitForCheckMetricsSeconds: wholeNumber(1, DAY, 'seconds', 'use 60 if in doubt'),
  lambdaPeriodSeconds: {
    kind: 'number',
    allowed: `a multiple of 60 seconds, from 60 to ${DAY}`,
    accepts: (value) => Number.isSafeInteger(value) && value >= 60 && value <= DAY && value % 60 === 0,
    fix: 'use 60 if in doubt: the metric has one point a minute',
  },
  // GetMetricStatistics refuses to answer with more than 1,440 points, and has one a minute
  lambdaTimeDiffMinutes: wholeNumber(1, 1440, 'minutes', 'use 15 if in doubt; the wait for the drain itself is not limited by it'),
  exportVerification: oneOf(['BOTH', 'METRIC_ONLY', 'EXPORT_TASK_ONLY'], 'use "BOTH" if in doubt'),
  failurePolicy: oneOf(['EXPORT_AND_DELETE', 'KEEP', 'KEEP_FOR'], 'use "EXPORT_AND_DELETE" if in doubt; "KEEP_FOR" keeps for keepHours'),
  keepHours: wholeNumber(1, MAX_KEEP_HOURS, 'hours', 'use 24 if in doubt'),
  prefix: {
    kind: 'string',
    // the prefix is kept in a tag of the file system, and tags take only these characters
    allowed: `at most ${MAX_PREFIX_BYTES} bytes of letters, digits, spaces and _.:/=+-@, or "" for the whole bucket; no leading slash, no empty, . or .. part`,
    accepts: (value: string) => value === '' || (
      /^[\p{L}\p{N} _.:/=+\-@]+$/u.test(value)
      && Buffer.byteLength(normalizePrefix(value)) <= MAX_PREFIX_BYTES
      && normalizePrefix(value).slice(0, -1).split('/').every((part) => part.trim() !== '' && part !== '.' && part !== '..')
    ),
    fix: 'write it like results/2026/',
  },
  jobCommand: { kind: 'list of strings', allowed: 'a list of strings, [] for the command of the image', fix: 'write it like ["sh", "-c", "echo hello"]' },
  jobEnvironment: {
    kind: 'map of strings',
    allowed: 'an object with string values; no name is empty, holds =, begins with AWS_BATCH, or is LUSTRE_PATH or LUSTRE_RUN_ID',
    accepts: (value) => Object.keys(value).every((name) => name !== '' && !/[=\0]/.test(name) && !name.startsWith('AWS_BATCH') && !OWN_VARIABLES.includes(name)),
    fix: (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
      ? `rename or quote ${wrongVariables(value)}`
      : 'write it like {"THREADS": "32"}',
  },
};

export const PARAMETER_NAMES = Object.keys(PARAMETER_RULES) as ParameterName[];

export const isParameterName = (key: string): key is ParameterName => Object.hasOwn(PARAMETER_RULES, key);

/** A prefix as a key begins with it: empty, or with one slash at the end. */
export function normalizePrefix(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

/** What is wrong with one value; undefined if nothing is. The text tells the field, its source, the value, what is allowed, and a fix. */
export function parameterProblem(name: ParameterName, value: unknown, settings: RuleSettings, source: ParameterSource): string | undefined {
  const rule = PARAMETER_RULES[name];
  const typed = isOfKind(value, rule.kind);
  if (typed && (rule.accepts?.(value, settings) ?? true)) return undefined;
  const allowed = typeof rule.allowed === 'string' ? rule.allowed : rule.allowed(settings);
  // a prop has no unit in its name: its type has
  const named = source === 'construct props' ? name.replace(/(Seconds|Minutes)$/, '') : name;
  return `${named} (${source}) is ${describe(name, value)}; it must be ${allowed}; ${fixFor(rule, value, settings)}`;
}

/** All problems of the values of one source, unknown names included. */
export function parameterProblems(values: { readonly [key: string]: unknown }, settings: RuleSettings, source: ParameterSource): string[] {
  return [
    ...unknownKeyProblems(Object.keys(values).filter((key) => !isParameterName(key)), source),
    ...PARAMETER_NAMES.filter((name) => Object.hasOwn(values, name) && values[name] !== undefined)
      .map((name) => parameterProblem(name, values[name], settings, source)).filter((problem) => problem !== undefined),
    ...combinationProblems(values as Partial<ParameterValues>, settings),
  ];
}

/** Keys that nobody knows: named, but never with their values, which may be secret. */
export function unknownKeyProblems(keys: string[], source: ParameterSource): string[] {
  const shown = keys.slice(0, MAX_UNKNOWN_KEYS).map((key) => {
    const meant = nearMiss(key, PARAMETER_NAMES);
    return `${shorten(JSON.stringify(key))} (${source}) is not a parameter; ${meant ? `did you mean ${meant}?` : 'remove it'}`;
  });
  if (keys.length > shown.length) shown.push(`${keys.length - shown.length} more keys (${source}) are not parameters; remove them`);
  return keys.length === 0 ? [] : [...shown.slice(0, -1), `${shown[shown.length - 1]}; parameters are ${PARAMETER_NAMES.join(', ')}`];
}

/** What is wrong with values that are right each on its own. */
export function combinationProblems(values: Partial<ParameterValues>, { deadlines }: RuleSettings): string[] {
  return [...jobTextProblems(values), ...verificationProblems(values), ...drainProblems(values, deadlines?.drain ?? Infinity)];
}

/** Of a drain, beside its wait for zeros: open files of dead clients (10 minutes), a metric that says nothing (20), its delay, an export task. */
const REST_OF_DRAIN_SECONDS = 3600;

/** Three periods of the metric at least have to be zero, or all of the look-back. */
function drainProblems(
  { lambdaPeriodSeconds = 0, lambdaTimeDiffMinutes = 0, exportVerification, autoExport }: Partial<ParameterValues>, drainSeconds: number,
): string[] {
  if (exportVerification === 'EXPORT_TASK_ONLY' || autoExport === false) return []; // no such zeros are asked for
  const zeros = Math.max(3 * lambdaPeriodSeconds, 60 * lambdaTimeDiffMinutes);
  if (zeros + REST_OF_DRAIN_SECONDS <= drainSeconds) return [];
  return [`lambdaPeriodSeconds is ${lambdaPeriodSeconds} and lambdaTimeDiffMinutes is ${lambdaTimeDiffMinutes}; the queue would have to be empty for ${zeros / 60} minutes, `
    + `and drainTimeout is ${drainSeconds / 60} minutes, of which ${REST_OF_DRAIN_SECONDS / 60} are needed beside; use smaller ones, or deploy with a longer drainTimeout`];
}

function verificationProblems({ autoExport, exportVerification }: Partial<ParameterValues>): string[] {
  if (autoExport !== false || exportVerification !== 'METRIC_ONLY') return [];
  return ['autoExport is false and exportVerification is "METRIC_ONLY"; without automatic export the metric proves nothing; '
    + 'use exportVerification "BOTH" or "EXPORT_TASK_ONLY": then an export task is the export'];
}

function jobTextProblems({ jobCommand, jobEnvironment }: Partial<ParameterValues>): string[] {
  if (!isOfKind(jobCommand ?? [], 'list of strings') || !isOfKind(jobEnvironment ?? {}, 'map of strings')) return [];
  const environment = Object.entries(jobEnvironment ?? {}).map(([name, value]) => ({ name, value }));
  const bytes = Buffer.byteLength(JSON.stringify({ command: jobCommand, environment }));
  if (bytes <= MAX_JOB_TEXT_BYTES) return [];
  return [`jobCommand and jobEnvironment together have ${bytes} bytes as JSON; they must have at most ${MAX_JOB_TEXT_BYTES}, `
    + 'because AWS Batch takes job definitions of 24 KiB; put long text into a file in the image or the bucket'];
}

const isObject = (value: unknown): value is { [key: string]: unknown } => typeof value === 'object' && value !== null && !Array.isArray(value);

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === 'list of strings') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (kind === 'map of strings') return isObject(value) && Object.values(value).every((item) => typeof item === 'string');
  return typeof value === kind;
}

/** Right but for its JSON type: a number or boolean in quotes, or a text without them. */
function fixFor(rule: Rule, value: unknown, settings: RuleSettings): string {
  if (rule.kind === 'number' && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) {
    return `it is a text: write ${Number(value)} without quotes`;
  }
  if (rule.kind === 'boolean' && (value === 'true' || value === 'false')) return `it is a text: write ${value} without quotes`;
  if (value === null) return 'remove the key to use the default';
  if (typeof rule.fix === 'string') return rule.fix;
  return rule.kind === 'map of strings' || isOfKind(value, rule.kind) ? rule.fix(value, settings) : 'write a value of that type';
}

/** The value in a message. What is given to the job may be confidential: it is described, not shown. */
function describe(name: ParameterName, value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? `a list of ${value.length}` : `an object of ${Object.keys(value).length}`;
  if (name === 'jobCommand' || name === 'jobEnvironment') return value === null ? 'null' : `a ${typeof value}`;
  return shorten(JSON.stringify(value) ?? String(value));
}

function wrongVariables(environment: { [name: string]: unknown }): string {
  const rule = PARAMETER_RULES.jobEnvironment;
  const wrong = Object.entries(environment).filter(([name, value]) => typeof value !== 'string' || !rule.accepts!({ [name]: value }, { deploymentType: 'SCRATCH_2' }));
  return shorten(wrong.map(([name]) => JSON.stringify(name)).join(', '));
}

function shorten(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

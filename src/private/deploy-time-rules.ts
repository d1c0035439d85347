import { nearMiss } from './near-miss';
import { parameterProblems, PARAMETER_NAMES, ParameterName } from './parameter-rules';
import { check, Problem } from './validation';

const NOT_OF_THE_SEED: string[] = ['prefix', 'jobCommand', 'jobEnvironment', 'exportVerification', 'failurePolicy', 'keepHours'] satisfies ParameterName[];

/** The seed's 14 parameters that the secret can change. */
const RUN_TIME_NAMES: string[] = PARAMETER_NAMES.filter((name) => !NOT_OF_THE_SEED.includes(name));

/** How the section says "the image `latest` of ecrRepositoryName", which has no URI before the repository is there. */
const isImageOfRepository = (name: string, value: unknown) => name === 'jobDefinitionContainerImage' && value === '';

const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** The seed's 8 parameters that only a deploy changes. */
const DEPLOY_TIME: { [name: string]: { accepts: (value: unknown) => boolean; allowed: string } } = {
  envName: { accepts: isText, allowed: 'a text' },
  ecrRepositoryName: { accepts: isText, allowed: 'a text' },
  computeEnvironmentType: { accepts: (value) => value === 'SPOT' || value === 'EC2', allowed: '"SPOT" or "EC2"' },
  computeEnvironmentAllocationStrategy: {
    accepts: (value) => isText(value) && value !== 'BEST_FIT',
    allowed: 'the name of an allocation strategy, such as "BEST_FIT_PROGRESSIVE"; BEST_FIT cannot be given another launch template',
  },
  computeEnvironmentInstanceTypes: {
    accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
    allowed: 'a list of instance types, such as ["optimal"]',
  },
  computeEnvironmentMinvCpus: { accepts: isCount, allowed: 'a whole number, 0 or more' },
  computeEnvironmentMaxvCpus: { accepts: isCount, allowed: 'a whole number, 0 or more' },
  computeEnvironmentDesiredvCpus: { accepts: isCount, allowed: 'a whole number, 0 or more' },
};

/** Everything that is wrong with the section; ranges that depend on each other are left to the constructs. */
export function deployTimeProblems(key: string, section: unknown): Problem[] {
  if (typeof section !== 'object' || section === null || Array.isArray(section)) {
    return [`context has no object '${key}' (got ${section === undefined ? 'nothing' : JSON.stringify(section)}); add "${key}": {} to the "context" of cdk.json`];
  }
  const given = section as { [name: string]: unknown };
  const runTime = Object.fromEntries(Object.entries(given)
    .filter(([name, value]) => RUN_TIME_NAMES.includes(name) && !isImageOfRepository(name, value)));
  const known = [...Object.keys(DEPLOY_TIME), ...RUN_TIME_NAMES];
  return [
    ...Object.entries(given).map(([name, value]): Problem => {
      const rule = DEPLOY_TIME[name];
      if (rule) return check.impossible(!rule.accepts(value), `${key}.${name} is ${JSON.stringify(value)}; it must be ${rule.allowed}`);
      if (known.includes(name)) return undefined;
      if (NOT_OF_THE_SEED.includes(name)) {
        const prop = name === 'keepHours' ? 'failurePolicy' : name;
        return `${key}.${name} is not of this section; give the prop ${prop} of LustreAutoExportPipeline, beside settings`;
      }
      const meant = nearMiss(name, known);
      return `${key}.${name} is not a parameter; ${meant ? `did you mean ${meant}?` : `known are ${known.join(', ')}`}`;
    }),
    ...parameterProblems(runTime, { deploymentType: 'PERSISTENT_2' }, 'autoExport section'),
    check.impossible('ecrRepositoryName' in given && !!given.jobDefinitionContainerImage,
      `${key} has both ecrRepositoryName and jobDefinitionContainerImage; an image from elsewhere needs no repository: leave one of them out, `
      + 'or write "jobDefinitionContainerImage": "" for the image of the repository'),
  ];
}

import * as fsx from 'aws-cdk-lib/aws-fsx';
import { Duration, Stack, Token } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { parameterProblem } from './parameter-rules';
import { check, Problem } from './validation';
import { DataRepositoryEvent } from '../data-repository-event';
import type { LustreFileSystemProps } from '../lustre-file-system-props';
import { LustreLogLevel } from '../lustre-log-level';

const { SCRATCH_2, PERSISTENT_1, PERSISTENT_2 } = fsx.LustreDeploymentType;

/** MB/s per TiB of SSD storage; required for PERSISTENT types and not allowed for others (A1.6). */
const THROUGHPUTS: { [type: string]: number[] } = {
  [SCRATCH_2]: [],
  [PERSISTENT_1]: [50, 100, 200],
  [PERSISTENT_2]: [125, 250, 500, 1000],
};

/** Regions that lack a type (A1.13; the user guide of China names persistent types only). */
const MISSING: { [type: string]: string[] } = {
  [PERSISTENT_2]: [
    'af-south-1', 'ap-southeast-3', 'ap-southeast-4', 'ap-northeast-3', 'ap-south-2', 'eu-south-1', 'eu-south-2', 'eu-west-3',
    'eu-central-2', 'me-south-1', 'me-central-1', 'sa-east-1', 'us-gov-east-1', 'us-gov-west-1',
  ],
  [SCRATCH_2]: ['ap-southeast-5', 'ap-east-2', 'ap-southeast-7', 'ca-west-1', 'mx-central-1', 'cn-north-1', 'cn-northwest-1'],
};

const REQUIRED_EVENTS = [DataRepositoryEvent.NEW, DataRepositoryEvent.CHANGED];

export function throughputOf(type: fsx.LustreDeploymentType): number | undefined {
  return THROUGHPUTS[type][0];
}

/** Everything that is wrong with these props together; nothing is created before they are right. */
export function lustreProblems(scope: Construct, props: LustreFileSystemProps): Problem[] {
  const type = props.lustreDeploymentType ?? PERSISTENT_2;
  const throughputs = THROUGHPUTS[type];
  if (!throughputs) {
    return [`lustreDeploymentType is ${type}; it must be one of ${Object.keys(THROUGHPUTS).join(', ')}; SCRATCH_1 cannot be linked to S3`];
  }
  const month = Duration.days(30);
  return [
    regionProblem(scope, type),
    throughputs.length > 0
      ? check.oneOf('lustrePerUnitStorageThroughput', props.lustrePerUnitStorageThroughput, throughputs, `these are the tiers of ${type}`)
      : check.impossible(props.lustrePerUnitStorageThroughput !== undefined,
        `lustrePerUnitStorageThroughput is ${props.lustrePerUnitStorageThroughput}; it must be absent for ${type}, whose throughput is fixed`),
    check.impossible(type === SCRATCH_2 && props.lustreEncryptionKey !== undefined,
      'lustreEncryptionKey is given; it must be absent for SCRATCH_2, which FSx encrypts with a key of its own'),
    ...logProblems(props),
    check.pattern('exportDirectory', props.exportDirectory, /^\/[A-Za-z0-9_-]{1,64}$/, 'one directory name of letters, digits, - and _ behind a slash, such as /export; the root cannot be exported'),
    eventsProblem('exportEvents', props.exportEvents),
    eventsProblem('importEvents', props.importEvents),
    // a change that is not exported is not in the queue either: it would be deleted as proven
    check.impossible(props.exportEvents !== undefined && !REQUIRED_EVENTS.every((event) => props.exportEvents!.includes(event)),
      `exportEvents is [${props.exportEvents?.join(', ')}]; it must hold NEW and CHANGED, without which data would be lost with the file system; DELETED may be left out`),
    check.impossible((props.prefixPerRun ?? true) && ((props.importEvents ?? []).length > 0 || props.importExistingObjects === true),
      'importEvents or importExistingObjects is given while each run has a prefix of its own, under which there is nothing to import; set prefixPerRun: false'),
    check.impossible(props.bucket !== undefined && props.prefix === undefined,
      "prefix is not given for a brought bucket; say where runs may write: prefix: 'some/folder/', or prefix: '' for the whole bucket"),
    props.prefix === undefined || Token.isUnresolved(props.prefix) ? undefined
      : parameterProblem('prefix', props.prefix, { deploymentType: type as 'PERSISTENT_2' }, 'construct props'),
    check.pattern('envName', props.envName, /^[A-Za-z0-9_-]{1,32}$/, '1 to 32 letters, digits, - and _'),
    check.resolvedDuration('reserveTimeout', props.reserveTimeout),
    check.duration('reserveTimeout', props.reserveTimeout, Duration.minutes(10), Duration.days(7)),
    check.resolvedDuration('lustreCreationTimeout', props.lustreCreationTimeout),
    check.duration('lustreCreationTimeout', props.lustreCreationTimeout, Duration.minutes(10), Duration.days(1)),
    check.resolvedDuration('attachTimeout', props.attachTimeout),
    check.duration('attachTimeout', props.attachTimeout, Duration.minutes(10), Duration.days(7)),
    check.resolvedDuration('jobTimeout', props.jobTimeout),
    check.duration('jobTimeout', props.jobTimeout, Duration.minutes(10), month),
    check.resolvedDuration('drainTimeout', props.drainTimeout),
    check.duration('drainTimeout', props.drainTimeout, Duration.hours(2), month),
  ];
}

/** FSx takes 50 tags (A2.10), and a run and its clean-up need about half of them. */
const MAX_TAGS = 25;

/** What is wrong with the tags that the app gives to the file systems of runs. */
export function tagProblems(tags: { [key: string]: string }): string[] {
  const count = Object.keys(tags).length;
  if (count <= MAX_TAGS) return [];
  return [`${count} tags are given to the file systems of runs by Tags.of() or the stack; there may be ${MAX_TAGS}, because FSx takes 50 and a run needs the others; `
    + 'exclude some: Tags.of(scope).add(key, value, { excludeResourceTypes: ["cdk-lustre-auto-export::Run"] })'];
}

function regionProblem(scope: Construct, type: string): Problem {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(region) || !(MISSING[type] ?? []).includes(region)) return undefined;
  const others = Object.keys(THROUGHPUTS).filter((other) => !(MISSING[other] ?? []).includes(region));
  return `lustreDeploymentType is ${type}, which FSx does not offer in ${region}; use ${others.join(' or ')}`;
}

function logProblems({ lustreLogLevel, lustreLogGroup }: LustreFileSystemProps): Problem[] {
  if (!lustreLogGroup) return [];
  return [
    check.impossible(lustreLogLevel === LustreLogLevel.DISABLED, 'lustreLogGroup is given with lustreLogLevel DISABLED; leave one of them out'),
    check.pattern('lustreLogGroup', lustreLogGroup.logGroupName, /^\/aws\/fsx\//, 'a log group whose name begins with /aws/fsx/: FSx writes to no other'),
  ];
}

function eventsProblem(prop: string, events: string[] | undefined): Problem {
  return check.impossible(new Set(events).size !== (events ?? []).length, `${prop} is ${events?.join(', ')}; each event may be named once`);
}

import { AwsError, ResolvedResource, World } from '../world';
import { NotModelled, onlyModelled, page, reading } from './checks';
import { camelCased } from './parameters';

export interface JobDefinition {
  readonly arn: string;
  readonly name: string;
  readonly revision: number;
  readonly registeredAt: number;
  status: 'ACTIVE' | 'INACTIVE';
  /** As registered, in the API's casing. */
  readonly given: Record<string, any>;
}

/** D3 */
const MAX_KIB = 24;
/** Switch definitionRevisions. */
const VISIBLE_LATE_SECONDS = 10;
/** The API's own limit for one page. */
const PAGE = 100;
const NAME = /^[A-Za-z0-9_-]{1,128}$/;
const MEMBERS = ['jobDefinitionName', 'type', 'containerProperties', 'retryStrategy', 'timeout', 'tags', 'propagateTags', 'platformCapabilities',
  'parameters'];
const CONTAINER_MEMBERS = ['image', 'command', 'environment', 'volumes', 'mountPoints', 'resourceRequirements', 'jobRoleArn', 'executionRoleArn',
  'user', 'privileged', 'readonlyRootFilesystem', 'ulimits', 'linuxParameters', 'logConfiguration', 'secrets', 'runtimePlatform'];

type Input = Record<string, any>;

/** Job definitions and their revisions. */
export class JobDefinitions {
  /** Ground truth. */
  readonly all: JobDefinition[] = [];

  constructor(private readonly world: World) {}

  load({ properties }: ResolvedResource, arn: string): void {
    const [, name, revision] = /job-definition\/([^:]+):(\d+)$/.exec(arn) ?? [];
    this.all.push({ arn, name, revision: Number(revision), registeredAt: -Infinity, status: 'ACTIVE', given: camelCased(properties) });
  }

  /** Every call makes another revision, also a repeated one: there is no token (E19). */
  register(input: Input): unknown {
    onlyModelled('batch:RegisterJobDefinition', input, MEMBERS);
    onlyModelled('batch:RegisterJobDefinition.containerProperties', input.containerProperties ?? {}, CONTAINER_MEMBERS);
    const { jobDefinitionName: name } = input;
    refuseIf(!NAME.test(name ?? ''), `jobDefinitionName ${name} is not valid`);
    refuseIf(input.type !== 'container' || !input.containerProperties, 'type has to be container, with containerProperties');
    refuseIf(Buffer.byteLength(JSON.stringify(input)) > MAX_KIB * 1024, `a job definition is limited to ${MAX_KIB} KiB`);
    checkContainer(input.containerProperties);
    checkRetryStrategy(input.retryStrategy);
    checkTimeout(input.timeout);
    const revision = Math.max(0, ...this.all.filter((each) => each.name === name).map((each) => each.revision)) + 1;
    const { partition, region, account, clock } = this.world;
    const arn = `arn:${partition}:batch:${region}:${account}:job-definition/${name}:${revision}`;
    this.all.push({ arn, name, revision, registeredAt: clock.now(), status: 'ACTIVE', given: input });
    return { jobDefinitionName: name, jobDefinitionArn: arn, revision };
  }

  describe(input: Input): unknown {
    onlyModelled('batch:DescribeJobDefinitions', input, ['jobDefinitions', 'jobDefinitionName', 'status', 'maxResults', 'nextToken']);
    const { jobDefinitions, jobDefinitionName, status } = input;
    const visible = this.all.filter((each) => reading(this.world, 'definitionRevisions', 'atOnce') === 'atOnce' ||
      this.world.clock.now() - each.registeredAt >= VISIBLE_LATE_SECONDS * 1000);
    const found = visible.filter((each) => jobDefinitions ? jobDefinitions.some((id: string) => isCalled(each, id))
      : (!jobDefinitionName || each.name === jobDefinitionName) && (!status || each.status === status));
    const { items, NextToken } = page(found, input.maxResults ?? PAGE, input.nextToken);
    return {
      jobDefinitions: items.map(({ arn, revision, status: current, given }) =>
        ({ ...given, jobDefinitionArn: arn, revision, status: current, containerOrchestrationType: 'ECS' })),
      nextToken: NextToken,
    };
  }

  deregister(input: Input): unknown {
    onlyModelled('batch:DeregisterJobDefinition', input, ['jobDefinition']);
    const found = this.all.find((each) => isCalled(each, input.jobDefinition));
    const gone = !found || (found.status === 'INACTIVE' && reading(this.world, 'deregisterTwice', 'accepted') === 'refused');
    refuseIf(gone, `job definition ${input.jobDefinition} not found`);
    found!.status = 'INACTIVE';
    return {};
  }

  /** What SubmitJob means by a name or ARN; without a revision the latest ACTIVE one (D5.4). */
  active(id: string): JobDefinition {
    const named = this.all.filter((each) => isCalled(each, id) || id.split('/').pop() === each.name);
    const found = named.filter(({ status }) => status === 'ACTIVE').sort((a, b) => b.revision - a.revision)[0];
    refuseIf(!found, `JobDefinition ${id} not found or not ACTIVE`);
    return found;
  }
}

function isCalled({ arn, name, revision }: JobDefinition, id: string): boolean {
  return id === arn || id === `${name}:${revision}`;
}

/** D1.8: whatever the caller did wrong is a ClientException. */
export function refuseIf(wrong: boolean, message: string): void {
  if (wrong) throw new AwsError('ClientException', `Error executing request, Exception : ${message}`);
}

function checkContainer({ image, volumes = [], mountPoints = [], resourceRequirements = [], environment = [] }: Input): void {
  refuseIf(!image, 'container image is missing');
  checkEnvironment(environment);
  const amount = (type: string) => Number(resourceRequirements.find((each: Input) => each.type === type)?.value);
  refuseIf(!(amount('VCPU') >= 1), 'resourceRequirements need a VCPU of at least 1');
  refuseIf(!(amount('MEMORY') >= 4), 'resourceRequirements need a MEMORY of at least 4 MiB'); // D5.3
  for (const { host, name, ...others } of volumes as Input[]) {
    if (Object.keys(others).length > 0) throw new NotModelled(`volume ${name} with ${Object.keys(others)}`);
  }
  for (const { sourceVolume } of mountPoints as Input[]) {
    refuseIf(!volumes.some(({ name }: Input) => name === sourceVolume), `mount point names volume ${sourceVolume}, which is not there`);
  }
}

export function checkEnvironment(environment: Input[] = []): void {
  const reserved = environment.find(({ name }) => name.startsWith('AWS_BATCH'));
  refuseIf(reserved !== undefined, `environment variable ${reserved?.name} may not start with AWS_BATCH`); // D5.2
}

/** D5.1 */
export function checkRetryStrategy(strategy?: Input): void {
  if (!strategy) return;
  const { attempts, evaluateOnExit = [] } = strategy;
  refuseIf(attempts !== undefined && !(attempts >= 1 && attempts <= 10), 'attempts has to be 1 to 10');
  refuseIf(evaluateOnExit.length > 5, 'evaluateOnExit takes at most 5 entries');
  refuseIf(evaluateOnExit.length > 0 && attempts === undefined, 'evaluateOnExit needs attempts');
  for (const { action, ...patterns } of evaluateOnExit as Input[]) {
    refuseIf(!['RETRY', 'EXIT'].includes(String(action).toUpperCase()), `action ${action} is neither RETRY nor EXIT`);
    for (const pattern of Object.values(patterns)) {
      refuseIf(pattern.length > 512 || pattern.slice(0, -1).includes('*'), `pattern ${pattern} may have one * at its end and 512 characters`);
    }
  }
}

/** D5.2 */
export function checkTimeout(timeout?: Input): void {
  refuseIf(timeout !== undefined && !(timeout.attemptDurationSeconds >= 60), 'attemptDurationSeconds has to be at least 60');
}

/** D5.5 */
export function checkArray(array?: Input): void {
  if (!array) return;
  const { size, ...others } = array;
  if (Object.keys(others).length > 0) throw new NotModelled(`arrayProperties with ${Object.keys(others)}`);
  refuseIf(!(size >= 2 && size <= 10_000), 'the size of an array job has to be 2 to 10000');
}

import { RequiredAction } from './required-actions';
import { Template } from './template';
import { ResolvedResource, World } from './world';

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | string[];
  readonly NotAction?: string | string[];
  readonly Resource?: string | string[];
  readonly NotResource?: string | string[];
  readonly Principal?: any;
  readonly Condition?: Record<string, Record<string, string | string[]>>;
}

type Context = Record<string, string | string[]>;

/** Keys that the engine knows how to fill; a condition on any other fails closed. */
const KNOWN_KEYS = [
  /^aws:(requesttag|resourcetag)\//, /^aws:(tagkeys|requestedregion|principalarn|principalaccount|resourceaccount|securetransport|sourcearn|sourceaccount)$/,
  /^iam:(passedtoservice|awsservicename)$/, /^ecs:cluster$/, /^kms:(viaservice|calleraccount|grantisforawsresource)$/, /^ec2:createaction$/,
  /^secretsmanager:secretid$/, /^s3:prefix$/,
];

/** AWS managed policies that grant what the workflow's own roles use; all others grant nothing here. */
const MANAGED: Record<string, Statement[]> = {
  'service-role/AWSLambdaBasicExecutionRole': [{
    Effect: 'Allow', Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], Resource: '*',
  }],
};

/** The policies that the template gives its roles, evaluated as IAM does. */
export class Permissions {
  private readonly byRole = new Map<ResolvedResource, Statement[]>();

  /** Roles that the template has or had: one that is gone allows nothing. */
  private readonly known: Set<string | undefined>;

  constructor(private readonly template: Template, private readonly world: World) {
    this.known = new Set(template.ofType('AWS::IAM::Role').map(({ arn }) => arn));
  }

  /** Those of the required actions that the role may not do. */
  public denied(roleArn: string, required: RequiredAction[]): RequiredAction[] {
    const role = this.template.resources.find((each) => each.type === 'AWS::IAM::Role' && each.arn === roleArn);
    if (!role && this.known.has(roleArn)) return required;
    if (!role) throw new Error(`the template creates no role ${roleArn}`);
    this.known.add(roleArn);
    return required.filter((each) => !this.allows(role, each));
  }

  private allows(role: ResolvedResource, { action, resource, context }: RequiredAction): boolean {
    const request: Context = {
      'aws:RequestedRegion': this.world.region,
      'aws:PrincipalArn': role.arn!,
      'aws:PrincipalAccount': this.world.account,
      'aws:ResourceAccount': this.world.account,
      'aws:SecureTransport': 'true',
      ...context,
    };
    if (!this.byRole.has(role)) this.byRole.set(role, this.statements(role));
    const identity = this.byRole.get(role)!;
    const boundary = this.boundary(role);
    const ofResource = this.resourcePolicy(resource).filter((statement) => isFor(statement.Principal, role.arn!));
    const hit = (effect: string) => (statement: Statement) => statement.Effect === effect && matches(statement, action, resource, request);
    if ([...identity, ...ofResource, ...(boundary ?? [])].some(hit('Deny'))) return false;
    if (boundary && !boundary.some(hit('Allow'))) return false;
    return [...identity, ...ofResource].some(hit('Allow'));
  }

  private statements(role: ResolvedResource): Statement[] {
    const attached = this.template.resources.filter(({ type, properties, physicalId }) =>
      (type === 'AWS::IAM::Policy' || type === 'AWS::IAM::ManagedPolicy')
      && ((properties.Roles ?? []).includes(role.physicalId) || (role.properties.ManagedPolicyArns ?? []).includes(physicalId)));
    return [
      ...attached.flatMap(({ properties }) => list(properties.PolicyDocument.Statement)),
      ...(role.properties.Policies ?? []).flatMap((policy: any) => list(policy.PolicyDocument.Statement)),
      ...(role.properties.ManagedPolicyArns ?? []).flatMap((arn: string) => MANAGED[arn.slice(arn.indexOf(':policy/') + 8)] ?? []),
    ];
  }

  private boundary(role: ResolvedResource): Statement[] | undefined {
    const arn = role.properties.PermissionsBoundary;
    const policy = arn && this.template.resources.find((each) => each.physicalId === arn);
    return policy && list(policy.properties.PolicyDocument.Statement); // one from outside the template cannot be read
  }

  /** Only keys: no other resource policy of the template is asked for the calls that are made. */
  private resourcePolicy(arn: string): Statement[] {
    const key = this.template.resources.find((each) => each.type === 'AWS::KMS::Key' && each.arn === arn);
    return key ? list(key.properties.KeyPolicy.Statement).map((each) => ({ ...each, Resource: '*' })) : [];
  }
}

function matches(statement: Statement, action: string, resource: string, context: Context): boolean {
  const acts = statement.NotAction
    ? !list(statement.NotAction).some((each) => like(each, action, true))
    : list(statement.Action).some((each) => like(each, action, true));
  const on = statement.NotResource
    ? !list(statement.NotResource).some((each) => like(each, resource))
    : list(statement.Resource).some((each) => like(each, resource));
  return acts && on && Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => holds(operator, key, list(wanted), context, statement.Effect === 'Deny')));
}

function holds(operator: string, key: string, wanted: string[], context: Context, deny: boolean): boolean {
  const [, quantifier, name, ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator)!;
  const test = OPERATORS[name];
  // fails closed: an unreadable condition never allows, and always denies
  const readable = KNOWN_KEYS.some((known) => known.test(key.toLowerCase())) && !wanted.some((value) => value.includes('${'));
  if (!readable || !test) return deny;
  const found = Object.entries(context).find(([each]) => each.toLowerCase() === key.toLowerCase())?.[1];
  if (name === 'Null') return (found === undefined) === (String(wanted[0]) === 'true');
  const negated = name.includes('Not');
  if (quantifier === 'ForAllValues') return list(found).every((value) => test(value, wanted)); // true without any value
  if (quantifier === 'ForAnyValue') return list(found).some((value) => test(value, wanted));
  if (found === undefined) return ifExists !== undefined || negated;
  return list(found).every((value) => test(value, wanted));
}

const equals = (value: string, wanted: string[]) => wanted.some((each) => String(each) === value);
const equalsAnyCase = (value: string, wanted: string[]) => wanted.some((each) => each.toLowerCase() === value.toLowerCase());
const isLike = (value: string, wanted: string[]) => wanted.some((each) => like(each, value));
const not = (test: (value: string, wanted: string[]) => boolean) => (value: string, wanted: string[]) => !test(value, wanted);

const OPERATORS: Record<string, ((value: string, wanted: string[]) => boolean) | undefined> = {
  StringEquals: equals,
  StringNotEquals: not(equals),
  StringEqualsIgnoreCase: equalsAnyCase,
  StringNotEqualsIgnoreCase: not(equalsAnyCase),
  StringLike: isLike,
  StringNotLike: not(isLike),
  ArnEquals: isLike,
  ArnNotEquals: not(isLike),
  ArnLike: isLike,
  ArnNotLike: not(isLike),
  Bool: equals,
  Null: () => true,
};

/** `*` and `?` as in policies. */
function like(pattern: string, text: string, anyCase = false): boolean {
  if (pattern === '*') return true;
  if (!/[*?]/.test(pattern)) return anyCase ? pattern.toLowerCase() === text.toLowerCase() : pattern === text;
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^]*').replace(/\?/g, '[^]');
  return new RegExp(`^${source}$`, anyCase ? 'i' : '').test(text);
}

function isFor(principal: any, roleArn: string): boolean {
  if (principal === '*') return true;
  return list<string>(principal?.AWS).some((each) => each === '*' || each === roleArn);
}

function list<T = any>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

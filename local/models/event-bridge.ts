import { ResolvedResource, World } from '../world';
import { NotModelled, reading } from './checks';
import { matchesPattern } from './event-pattern';

interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly pattern?: any;
  readonly schedule?: string;
  readonly targets: { readonly Arn: string; readonly Input?: string }[];
}

interface Permission {
  readonly function: string;
  readonly source?: string;
}

/** One event on its way to a target. */
export interface Delivery {
  readonly rule: string;
  readonly target: string;
  readonly event: any;
  /** Times that the function was invoked with it. */
  attempts: number;
  /** Undefined until it has been delivered; `refused` where no permission of the function allows it. */
  outcome?: 'delivered' | 'failed' | 'refused';
}

/** From an event to its rules' targets (EventBridge user guide: "typically less than half a second"). */
const DELIVERY_SECONDS = 1;
/** Switch eventDelivery. */
const LATE_SECONDS = 30 * 60;
const AGAIN_SECONDS = 90;
/** Lambda developer guide, asynchronous invocation: two more attempts after an error, one minute and two minutes later. */
const RETRY_SECONDS = [60, 120];
const UNIT_SECONDS: Record<string, number> = { minute: 60, hour: 3600, day: 86_400 };

/** The default bus and its rules: what matches a pattern or is due by a schedule invokes the targets, which must be functions. */
export class EventBridgeModel {
  /** Ground truth, in the order of their events. */
  readonly deliveries: Delivery[] = [];
  private rules: Rule[] = [];
  private permissions: Permission[] = [];
  /** How often each schedule has fired, by rule. */
  private readonly fired = new Map<string, number>();
  private readonly running = new Set<string>();
  private alive = false;

  /** @param invoke invokes a function; what it throws is retried as of an asynchronous invocation */
  constructor(private readonly world: World, private readonly invoke: (functionArn: string, event: unknown) => Promise<unknown>) {}

  /** The rules are those of these resources from now on. */
  load(resources: readonly ResolvedResource[]): void {
    this.rules = resources.filter(({ type, properties }) => type === 'AWS::Events::Rule' && properties.State !== 'DISABLED')
      .map(({ physicalId, arn, properties: { EventPattern: pattern, ScheduleExpression: schedule, Targets: targets = [], EventBusName } }) => {
        if (EventBusName !== undefined && EventBusName !== 'default') throw new NotModelled(`event bus ${EventBusName}`);
        return { name: physicalId, arn: arn!, pattern, schedule, targets };
      });
    this.permissions = resources
      .filter(({ type, properties }) => type === 'AWS::Lambda::Permission' && properties.Principal === 'events.amazonaws.com')
      .map(({ properties }) => ({ function: properties.FunctionName, source: properties.SourceArn }));
    if (this.alive) this.start();
  }

  /** Schedules begin when their rules are made: with the first execution of the world. */
  start(): void {
    this.alive = true;
    for (const { arn, schedule } of this.rules) if (schedule !== undefined) this.keepTime(arn, schedule);
  }

  /** Whether an event is under way that has not been delivered for good. */
  get isBusy(): boolean {
    return this.deliveries.some(({ outcome }) => outcome === undefined);
  }

  /** How often each schedule has fired so far. */
  get schedules(): ReadonlyMap<string, number> {
    return new Map(this.rules.filter(({ schedule }) => schedule !== undefined).map(({ arn }) => [arn, this.fired.get(arn) ?? 0]));
  }

  /** Puts an event of an AWS service on the bus. */
  publish(source: string, detailType: string, resources: string[], detail: unknown): void {
    const event = this.envelope(source, detailType, resources, detail);
    const matching = this.rules.filter(({ pattern }) => pattern !== undefined && matchesPattern(pattern, event));
    if (matching.length === 0) return;
    const how = reading(this.world, 'eventDelivery', 'atOnce');
    if (how === 'never') return;
    const first = how === 'late' ? LATE_SECONDS : DELIVERY_SECONDS;
    for (const rule of matching) {
      this.send(rule, event, first);
      if (how === 'twice') this.send(rule, event, AGAIN_SECONDS);
    }
  }

  private envelope(source: string, detailType: string, resources: string[], detail: unknown): any {
    const { clock, account, region } = this.world;
    const time = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
    // the ids of events are taken from no seed: a world draws the same numbers with and without events
    const id = `00000000-0000-0000-0000-${`${this.deliveries.length}`.padStart(12, '0')}`;
    return { 'version': '0', id, 'detail-type': detailType, source, account, time, region, resources, detail };
  }

  private keepTime(arn: string, schedule: string): void {
    const key = `${arn} ${schedule}`;
    if (this.running.has(key)) return;
    this.running.add(key);
    const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
    if (!unit) throw new NotModelled(`the schedule ${schedule}`);
    const due = () => {
      const rule = this.rules.find((each) => each.arn === arn && each.schedule === schedule);
      if (!rule) return this.running.delete(key);
      this.fired.set(arn, (this.fired.get(arn) ?? 0) + 1);
      this.send(rule, this.envelope('aws.events', 'Scheduled Event', [arn], {}), 0);
      return this.world.clock.after(Number(value) * UNIT_SECONDS[unit] * 1000, due);
    };
    this.world.clock.after(Number(value) * UNIT_SECONDS[unit] * 1000, due);
  }

  private send(rule: Rule, event: any, seconds: number): void {
    for (const { Arn, Input, ...more } of rule.targets as Record<string, any>[]) {
      if (more.InputPath !== undefined || more.InputTransformer !== undefined) throw new NotModelled(`the input of a target of ${rule.name}`);
      const delivery: Delivery = { rule: rule.name, target: Arn, event: Input === undefined ? event : JSON.parse(Input), attempts: 0 };
      this.deliveries.push(delivery);
      this.world.clock.after(seconds * 1000, () => {
        if (this.mayInvoke(rule, Arn)) void this.attempt(delivery); else delivery.outcome = 'refused';
      });
    }
  }

  private mayInvoke(rule: Rule, target: string): boolean {
    return this.permissions.some((each) => (target === each.function || target.endsWith(`:function:${each.function}`))
      && (each.source === undefined || each.source === rule.arn));
  }

  private async attempt(delivery: Delivery): Promise<void> {
    const wait = RETRY_SECONDS[delivery.attempts++];
    try {
      await this.invoke(delivery.target, delivery.event);
      delivery.outcome = 'delivered';
    } catch {
      if (wait === undefined) delivery.outcome = 'failed'; else this.world.clock.after(wait * 1000, () => { void this.attempt(delivery); });
    }
  }
}

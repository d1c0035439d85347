import { Clock } from './clock';
import { Place } from './resource-ids';
import { choose } from './switches';
import { Switches, World } from './world';

export interface WorldOptions extends Partial<Place> {
  /** @default 1 */
  readonly seed?: number;
  /** Readings of unconfirmed facts. @default - the most likely of each */
  readonly switches?: Switches;
}

/** One account in one region, the same for the same seed. */
export class LocalWorld implements World {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly switches: Switches;
  private state: number;

  constructor(readonly clock: Clock, { partition = 'aws', region = 'us-east-1', account = '123456789012', seed = 1, switches }: WorldOptions) {
    this.partition = partition;
    this.region = region;
    this.account = account;
    this.switches = choose(switches);
    this.state = seed;
  }

  public get place(): Place {
    return { partition: this.partition, region: this.region, account: this.account };
  }

  /** mulberry32 */
  public random(): number {
    /* eslint-disable no-bitwise */
    this.state = (this.state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    /* eslint-enable no-bitwise */
  }

  public id(digits: number): string {
    return Array.from({ length: digits }, () => Math.floor(this.random() * 16).toString(16)).join('');
  }
}

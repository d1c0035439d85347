import { ComputeEnvironmentType } from './compute-environment-type';

/**
 * How AWS Batch chooses among instance types.
 *
 * `BEST_FIT` is missing on purpose: Batch cannot give a compute environment with it another launch template, and every
 * run needs its own.
 */
export class AllocationStrategy {
  /** The types with the cheapest vCPUs that fit, then others. For SPOT and on-demand. */
  public static readonly BEST_FIT_PROGRESSIVE = new AllocationStrategy('BEST_FIT_PROGRESSIVE');

  /** The types in the order of `instanceTypes`. Only for on-demand. */
  public static readonly BEST_FIT_PROGRESSIVE_ORDERED = new AllocationStrategy('BEST_FIT_PROGRESSIVE_ORDERED', ComputeEnvironmentType.ON_DEMAND);

  /** The types that are least likely to be interrupted. Only for SPOT. */
  public static readonly SPOT_CAPACITY_OPTIMIZED = new AllocationStrategy('SPOT_CAPACITY_OPTIMIZED', ComputeEnvironmentType.SPOT);

  /** The cheapest of the types that are least likely to be interrupted. Only for SPOT. */
  public static readonly SPOT_PRICE_CAPACITY_OPTIMIZED = new AllocationStrategy('SPOT_PRICE_CAPACITY_OPTIMIZED', ComputeEnvironmentType.SPOT);

  /** The types that are least likely to be interrupted, in the order of `instanceTypes` where they are equal. Only for SPOT. */
  public static readonly SPOT_CAPACITY_OPTIMIZED_PRIORITIZED =
    new AllocationStrategy('SPOT_CAPACITY_OPTIMIZED_PRIORITIZED', ComputeEnvironmentType.SPOT);

  /**
   * A strategy by the name that the AWS Batch API knows it by, for one that has no constant here.
   *
   * @param name as in `allocationStrategy` of a compute environment, for example `BEST_FIT_PROGRESSIVE`
   * @throws for `BEST_FIT`
   */
  public static of(name: string): AllocationStrategy {
    if (name === 'BEST_FIT') {
      // D1.2: it is also the API's default, so that the strategy is never left out
      throw new Error('allocationStrategy BEST_FIT cannot be used: AWS Batch cannot update a compute environment that has it, '
        + 'and each run updates it with a launch template of its own; use BEST_FIT_PROGRESSIVE, which chooses by price, too');
    }
    return AllocationStrategy.ALL.find((known) => known.name === name) ?? new AllocationStrategy(name);
  }

  private static readonly ALL = [
    AllocationStrategy.BEST_FIT_PROGRESSIVE,
    AllocationStrategy.BEST_FIT_PROGRESSIVE_ORDERED,
    AllocationStrategy.SPOT_CAPACITY_OPTIMIZED,
    AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
    AllocationStrategy.SPOT_CAPACITY_OPTIMIZED_PRIORITIZED,
  ];

  private constructor(
    /** Name in the AWS Batch API. */
    public readonly name: string,
    private readonly onlyFor?: ComputeEnvironmentType,
  ) {}

  /**
   * Whether a compute environment of this type can have the strategy.
   *
   * @param computeEnvironmentType what the instances are bought as
   */
  public supports(computeEnvironmentType: ComputeEnvironmentType): boolean {
    return this.onlyFor === undefined || this.onlyFor === computeEnvironmentType;
  }
}

/**
 * How the instances of a compute environment are paid for.
 */
export enum ComputeEnvironmentType {
  /** Spare capacity at a discount. AWS may take an instance back with two minutes' notice. */
  SPOT = 'SPOT',

  /** Capacity at the full price that is not taken back. */
  ON_DEMAND = 'EC2',
}

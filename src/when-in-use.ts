/**
 * What a run does when the batch environment is in use by another run.
 */
export enum WhenInUse {
  /** It waits until the environment is free, as long as it may; nothing that costs money is there yet. */
  WAIT = 'WAIT',

  /** It ends at once with the error `ComputeEnvironmentBusy`. */
  FAIL = 'FAIL',
}

import type { FileSystemState } from '../../src/private/document';

/** US$ a GB-month in us-east-1 (F1, F2); the other tiers' prices are not confirmed. */
const PRICES: { [type: string]: number } = { 'SCRATCH_2': 0.140, 'PERSISTENT_2 125': 0.145 };

const HOURS_A_MONTH = 730; // F4

/** What a file system costs an hour, in US$; undefined where no price is known. */
export function hourlyCost({ storageCapacity, deploymentType, perUnitStorageThroughput }: Partial<FileSystemState>): number | undefined {
  const price = PRICES[[deploymentType, perUnitStorageThroughput].filter((each) => each !== undefined).join(' ')];
  return price === undefined || storageCapacity === undefined ? undefined : storageCapacity * price / HOURS_A_MONTH;
}

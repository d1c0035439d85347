import { CleanerVariable } from '../../src/private/run-cleaner-payloads';

export interface CleanerSettings {
  readonly stateMachineArn: string;
  readonly pipeline: string;
  readonly sweepSeconds: number;
  readonly dryRun: boolean;
}

export function cleanerSettings(): CleanerSettings {
  const variable = (name: string) => {
    const value = process.env[name];
    if (!value) throw new Error(`the environment variable ${name} is not set`);
    return value;
  };
  return {
    stateMachineArn: variable(CleanerVariable.STATE_MACHINE_ARN),
    pipeline: variable(CleanerVariable.PIPELINE),
    sweepSeconds: Number(variable(CleanerVariable.SWEEP_SECONDS)),
    dryRun: variable(CleanerVariable.DRY_RUN) === 'true',
  };
}

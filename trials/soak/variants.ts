import { Duration } from 'aws-cdk-lib/core';
import { LustreAutoExportPipelineProps } from '../../src';

/** Loops that soon give up: so that a job that never ends and an export that never comes cost a few hundred looks. */
const IMPATIENT: LustreAutoExportPipelineProps = {
  lustreCreationTimeout: Duration.minutes(50),
  attachTimeout: Duration.hours(2),
  jobStartTimeout: Duration.hours(1),
  jobTimeout: Duration.hours(5),
  drainTimeout: Duration.hours(6),
};

/** The pipelines that are tried, each synthesized once a process. */
export const VARIANTS: Record<string, LustreAutoExportPipelineProps> = {
  impatient: IMPATIENT,
  patient: {},
  fixedPrefix: { ...IMPATIENT, prefix: 'data/in', prefixPerRun: false },
};

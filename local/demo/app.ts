import { App, Duration, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline } from '../../src';

export interface AppSettings {
  readonly jobStartTimeoutMinutes?: number;
}

/** The whole app of a user: one construct. */
export function synthesizeDemo(directory: string, { jobStartTimeoutMinutes }: AppSettings = {}) {
  const app = new App({ outdir: directory });
  const stack = new Stack(app, 'Demo');
  new LustreAutoExportPipeline(stack, 'Pipeline', jobStartTimeoutMinutes === undefined ? {} : { jobStartTimeout: Duration.minutes(jobStartTimeoutMinutes) });
  return app.synth();
}

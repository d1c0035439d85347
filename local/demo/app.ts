import { App, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline } from '../../src';

/** The whole app of a user: one construct. */
export function synthesizeDemo(directory: string) {
  const app = new App({ outdir: directory });
  const stack = new Stack(app, 'Demo');
  new LustreAutoExportPipeline(stack, 'Pipeline');
  return app.synth();
}

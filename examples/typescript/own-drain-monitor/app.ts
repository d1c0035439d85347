import { App, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline } from 'cdk-lustre-auto-export';
import { KeepForReview } from './keep-for-review';

const app = new App();
const stack = new Stack(app, 'OwnDrainMonitor');

new LustreAutoExportPipeline(stack, 'Pipeline', { drainMonitor: new KeepForReview() });

app.synth();

import { App, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline } from 'cdk-lustre-auto-export';

const app = new App();
const stack = new Stack(app, 'LustreAutoExport');

new LustreAutoExportPipeline(stack, 'Pipeline');

app.synth();

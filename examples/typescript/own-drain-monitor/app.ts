import { App, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline } from 'cdk-lustre-auto-export';
import { KeepForReview } from './keep-for-review';

const app = new App();
const stack = new Stack(app, 'OwnDrainMonitor');

const pipeline = new LustreAutoExportPipeline(stack, 'Pipeline', { drainMonitor: new KeepForReview() });
// for who checks the app with cdk-nag: the monitor adds to what the state machine may do
pipeline.stateMachine.node.addMetadata('aws:cdk:acknowledged-rules', {
  'AwsSolutions-IAM5[Resource::*]': 'DescribeDataRepositoryAssociations takes no resource, and neither does the delivery of logs',
});

app.synth();

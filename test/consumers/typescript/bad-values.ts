import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { LustreAutoExportPipeline } from 'cdk-lustre-auto-export';

const app = new App();
new LustreAutoExportPipeline(new Stack(app, 'BadValues'), 'Pipeline', {
  lustreStorageCapacity: Size.gibibytes(1000),
  jobDefinitionVcpus: 0,
  lambdaPeriod: Duration.seconds(90),
  jobEnvironment: { AWS_BATCH_JOB_ID: 'mine' },
});
app.synth();

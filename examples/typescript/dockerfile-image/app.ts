import * as path from 'path';
import { App, Size, Stack } from 'aws-cdk-lib';
import { JobImage, LustreAutoExportPipeline } from 'cdk-lustre-auto-export';

const app = new App();
const stack = new Stack(app, 'DockerfileImage');

new LustreAutoExportPipeline(stack, 'Pipeline', {
  jobDefinitionContainerImage: JobImage.fromAsset(path.join(__dirname, 'image')),
  jobEnvironment: { PARTS: '100' },
  jobDefinitionVcpus: 1,
  jobDefinitionMemory: Size.gibibytes(1),
  jobDefinitionRetryAttempts: 10,
});

app.synth();

import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Stack } from 'aws-cdk-lib/core';
import {
  AutoExportSettings, BatchJobWorkload, ExportDrainMonitor, JobImage, LustreAutoExportPipeline, LustreLifecycleStateMachine, PipelineParameters,
  RunCleaner, SpotBatchEnvironment,
} from '../../src';

/** Ways to use the library that together create each resource it can create. */
export const GUARDED_STACKS: Record<string, (stack: Stack) => void> = {
  pipeline: (stack) => {
    new LustreAutoExportPipeline(stack, 'Pipeline');
  },
  settings: (stack) => {
    stack.node.setContext('autoExport', {});
    new LustreAutoExportPipeline(stack, 'Pipeline', { settings: AutoExportSettings.fromContext(stack), fillSecret: true, prefix: '', prefixPerRun: false });
  },
  parts: (stack) => {
    const batchEnvironment = new SpotBatchEnvironment(stack, 'Environment');
    const lifecycle = new LustreLifecycleStateMachine(stack, 'Lifecycle', {
      parameters: new PipelineParameters(stack, 'Parameters', { jobDefinitionContainerImage: JobImage.fromRegistry('busybox:1') }),
      batchEnvironment,
      workload: new BatchJobWorkload(stack, 'Workload'),
      drainMonitor: new ExportDrainMonitor(stack, 'Monitor'),
      fileSystemSubnet: batchEnvironment.fileSystemSubnet,
      fileSystemSecurityGroups: [batchEnvironment.securityGroup],
    });
    new RunCleaner(stack, 'Cleaner', lifecycle);
  },
};

/** The bucket and its key are in another stack of the app. */
export function pipelineOnOtherStack(stack: Stack, other: Stack): void {
  const encryptionKey = new kms.Key(other, 'Key', { enableKeyRotation: true });
  const serverAccessLogsBucket = s3.Bucket.fromBucketName(other, 'AccessLogs', 'access-logs');
  const bucket = new s3.Bucket(other, 'Bucket', { encryptionKey, enforceSSL: true, serverAccessLogsBucket });
  new LustreAutoExportPipeline(stack, 'Pipeline', { bucket, prefix: 'runs/', lustreEncryptionKey: encryptionKey });
}

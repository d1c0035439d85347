import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { AutoExportSettings, DataRepositoryEvent, LustreAutoExportPipeline } from 'cdk-lustre-auto-export';

const COMMAND = 'npx cdk deploy -c type=autoExport';

/** Modes of batch-with-lustre that are not here, and what comes near them. */
const OTHER_MODES: { [type: string]: string } = {
  taskExport: `set "autoExport": false in the "autoExport" section of cdk.json, which makes an export task the export, and use ${COMMAND}`,
  onlyEBS: `this app always has a Lustre file system: ${COMMAND}`,
};

/** Adds the stack that `-c type=...` asks for. */
export function addStack(app: App): AutoExportStack {
  const type = app.node.tryGetContext('type');
  if (type === undefined) throw new Error(`no type is given; write it behind the command: ${COMMAND}`);
  if (Object.hasOwn(OTHER_MODES, type)) throw new Error(`type ${type} is a mode of batch-with-lustre that this app does not have; ${OTHER_MODES[type]}`);
  if (type !== 'autoExport') throw new Error(`type is '${type}'; it must be autoExport: ${COMMAND}`);
  return new AutoExportStack(app);
}

/** The Lustre auto export mode of batch-with-lustre, as the section `autoExport` of cdk.json describes it. */
export class AutoExportStack extends Stack {
  constructor(app: App) {
    const settings = AutoExportSettings.fromContext(app);
    super(app, `${settings.props.envName}Stack`, { description: `FSx for Lustre with automatic export, and AWS Batch (${settings.props.envName})` });

    const pipeline = new LustreAutoExportPipeline(this, 'Pipeline', {
      settings,
      // the whole bucket is linked, in both directions
      prefix: '',
      prefixPerRun: false,
      importExistingObjects: true,
      importEvents: [DataRepositoryEvent.NEW, DataRepositoryEvent.CHANGED, DataRepositoryEvent.DELETED],
      // the secret holds the 14 values from the start, to be edited there
      fillSecret: true,
    });

    new CfnOutput(this, 'StateMachineArn', { value: pipeline.stateMachine.stateMachineArn });
    new CfnOutput(this, 'BucketName', { value: pipeline.bucket.bucketName });
    new CfnOutput(this, 'SecretArn', { value: pipeline.secret.secretArn });
    // there is none where jobDefinitionContainerImage names an image from elsewhere
    if (pipeline.repository) new CfnOutput(this, 'RepositoryUri', { value: pipeline.repository.repositoryUri });
  }
}

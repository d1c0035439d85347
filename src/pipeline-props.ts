import { AutoExportSettings } from './auto-export-settings';
import { LustreAutoExportPipelineOptions } from './pipeline-options';

/**
 * Properties of a LustreAutoExportPipeline.
 */
export interface LustreAutoExportPipelineProps extends LustreAutoExportPipelineOptions {
  /**
   * What the `autoExport` section of `cdk.json` says. Props that are given beside it come before it.
   *
   * @default - none
   */
  readonly settings?: AutoExportSettings;
}

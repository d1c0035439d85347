import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { ExportDrainContext, IExportDrainMonitor } from 'cdk-lustre-auto-export';

/** Lets the export run for an hour, notes how the link to S3 is, and proves nothing: a person decides what is deleted. */
export class KeepForReview implements IExportDrainMonitor {
  public drain({ scope, statePrefix, associationPath, resultPath, failures }: ExportDrainContext): sfn.IChainable {
    const wait = new sfn.Wait(scope, `${statePrefix}LetExportRun`, { time: sfn.WaitTime.duration(Duration.hours(1)) });
    const look = new tasks.CallAwsService(scope, `${statePrefix}LookAtLink`, {
      service: 'fsx',
      action: 'describeDataRepositoryAssociations',
      parameters: { AssociationIds: sfn.JsonPath.array(sfn.JsonPath.stringAt(`${associationPath}.associationId`)) },
      iamResources: ['*'], // the action takes no resource
      resultPath: `${resultPath}.link`,
    });
    look.addRetry({ errors: ['States.ALL'], maxAttempts: 6, maxDelay: Duration.minutes(1) });
    failures.protect(look);
    const verdict = new sfn.Pass(scope, `${statePrefix}LeaveToReview`, {
      parameters: { evidence: sfn.JsonPath.objectAt(`${resultPath}.link`), proven: false, reason: 'LeftToReview' },
      resultPath,
    });
    return wait.next(look).next(verdict);
  }

  public grantTo(): void {
    // CallAwsService brings its own permission
  }
}

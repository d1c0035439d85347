import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { allow, NO_RESOURCE_TYPE } from './allow';
import { EnvironmentSettings } from './batch-environment-payloads';
import { PartFunction } from './part-function';
import { RunTag } from './tags';

export interface SpotBatchGrantsProps {
  readonly handler: PartFunction;
  readonly settings: EnvironmentSettings;
  readonly lockTable: dynamodb.ITable;
  readonly instanceRole: iam.IRole;
}

/** What an environment's function and a state machine may do, by the Service Authorization Reference. */
export class SpotBatchGrants {
  constructor(private readonly scope: Construct, private readonly props: SpotBatchGrantsProps) {
    allow(props.handler, {
      actions: ['batch:DescribeComputeEnvironments', 'ec2:DescribeInstances', 'ec2:DescribeLaunchTemplates'],
      resources: ['*'],
      wildcards: NO_RESOURCE_TYPE,
    });
    allow(props.handler, { actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'], resources: [props.lockTable.tableArn] });
    allow(props.handler, {
      actions: ['states:DescribeExecution'],
      resources: [Stack.of(scope).formatArn({ service: 'states', resource: 'execution', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      wildcards: 'any state machine of this account may share the environment, also one that is made later; this only reads',
    });
  }

  /** What the rendered states call. */
  public grantTo(grantee: iam.IGrantable): void {
    const { handler, settings, instanceRole } = this.props;
    const { environmentTag } = settings;
    const stack = Stack.of(this.scope);
    const launchTemplates = [stack.formatArn({ service: 'ec2', resource: 'launch-template', resourceName: '*' })];
    const wildcards = 'EC2 chooses the id of a template; a condition on its tags admits those of this environment alone';
    handler.grantInvoke(grantee);
    allow(grantee, { actions: ['batch:UpdateComputeEnvironment'], resources: [settings.computeEnvironmentArn] });
    // listed for UpdateComputeEnvironment; whether an update that names no role needs them is not said
    allow(grantee, {
      actions: ['iam:PassRole'],
      resources: [instanceRole.roleArn],
      conditions: passedTo('ec2.amazonaws.com'),
    });
    allow(grantee, {
      actions: ['iam:PassRole'],
      resources: [stack.formatArn({
        service: 'iam',
        region: '',
        resource: 'role',
        resourceName: 'aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch', // the same in every partition
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      })],
      conditions: passedTo('batch.amazonaws.com'),
    });
    allow(grantee, {
      actions: ['ec2:CreateLaunchTemplate'],
      resources: launchTemplates,
      conditions: { StringEquals: { [`aws:RequestTag/${RunTag.ENVIRONMENT}`]: environmentTag } },
      wildcards,
    });
    allow(grantee, {
      actions: ['ec2:CreateTags'],
      resources: launchTemplates,
      conditions: { StringEquals: { 'ec2:CreateAction': 'CreateLaunchTemplate', [`aws:RequestTag/${RunTag.ENVIRONMENT}`]: environmentTag } },
      wildcards,
    });
    allow(grantee, {
      actions: ['ec2:DeleteLaunchTemplate'],
      resources: launchTemplates,
      conditions: {
        StringEquals: { [`aws:ResourceTag/${RunTag.ENVIRONMENT}`]: environmentTag },
        Null: { [`aws:ResourceTag/${RunTag.RUN_ID}`]: 'false' }, // never the base launch template
      },
      wildcards,
    });
  }
}

function passedTo(service: string) {
  return { StringEquals: { 'iam:PassedToService': iam.ServicePrincipal.servicePrincipalName(service) } };
}

import * as iam from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib/core';
import { IConstruct } from 'constructs';
import { allow, NO_RESOURCE_TYPE, Permission } from './private/allow';
import { WhenInUse } from './when-in-use';

/**
 * Something that is looked at before a run creates anything that costs money. All findings of all checks come in one error.
 */
export class PreflightCheck {
  /**
   * The compute environment is ENABLED and not broken, can be taken by this run, and is large enough for the job.
   *
   * @param computeEnvironmentArn ARN of the compute environment
   * @param baseLaunchTemplateId launch template that the environment has while no run uses it
   * @param whenInUse whether an environment that is updated, or has another launch template, is a finding: with `WAIT` a state waits for it
   */
  public static computeEnvironment(computeEnvironmentArn: string, baseLaunchTemplateId: string, whenInUse: WhenInUse = WhenInUse.FAIL): PreflightCheck {
    return new PreflightCheck('computeEnvironment', { computeEnvironmentArn, baseLaunchTemplateId, whenInUse }, () => ({
      actions: ['batch:DescribeComputeEnvironments', 'ec2:DescribeInstanceTypes'], resources: ['*'], wildcards: NO_RESOURCE_TYPE,
    }));
  }

  /**
   * The tag or digest of `jobDefinitionContainerImage` exists, where the image is in an ECR repository of this account
   * and region. Images from elsewhere are not looked at.
   */
  public static containerImage(): PreflightCheck {
    return new PreflightCheck('containerImage', {}, (scope) => ({
      actions: ['ecr:DescribeImages'],
      resources: [Stack.of(scope).formatArn({ service: 'ecr', resource: 'repository', resourceName: '*' })],
      wildcards: 'the image is a run-time parameter: it may be in any repository of this account and region; this only reads',
    }));
  }

  private constructor(
    /** Name of the check, as the handler knows it. */
    public readonly name: string,
    /** What the check needs to know. */
    public readonly settings: { [key: string]: string },
    private readonly permission: (scope: IConstruct) => Permission,
  ) {}

  /**
   * Grants what the check calls to the function that carries it out.
   *
   * @param grantee the function that carries out the check
   * @param scope a construct of the stack whose account and region are looked at
   */
  public grantTo(grantee: iam.IGrantable, scope: IConstruct): void {
    allow(grantee, this.permission(scope));
  }
}

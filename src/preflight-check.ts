import * as iam from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib/core';
import { IConstruct } from 'constructs';
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
    return new PreflightCheck('computeEnvironment', { computeEnvironmentArn, baseLaunchTemplateId, whenInUse }, () => [
      // neither takes a resource or a condition key (Service Authorization Reference, AWS Batch and Amazon EC2)
      new iam.PolicyStatement({ actions: ['batch:DescribeComputeEnvironments', 'ec2:DescribeInstanceTypes'], resources: ['*'] }),
    ]);
  }

  /**
   * The tag or digest of `jobDefinitionContainerImage` exists, where the image is in an ECR repository of this account
   * and region. Images from elsewhere are not looked at.
   */
  public static containerImage(): PreflightCheck {
    return new PreflightCheck('containerImage', {}, (scope) => [
      // the image is a run-time parameter: any repository of this account and region
      new iam.PolicyStatement({
        actions: ['ecr:DescribeImages'],
        resources: [Stack.of(scope).formatArn({ service: 'ecr', resource: 'repository', resourceName: '*' })],
      }),
    ]);
  }

  private constructor(
    /** Name of the check, as the handler knows it. */
    public readonly name: string,
    /** What the check needs to know. */
    public readonly settings: { [key: string]: string },
    private readonly statements: (scope: IConstruct) => iam.PolicyStatement[],
  ) {}

  /** Grants what the check calls to the function that carries it out. */
  public grantTo(grantee: iam.IGrantable, scope: IConstruct): void {
    this.statements(scope).forEach((statement) => grantee.grantPrincipal.addToPrincipalPolicy(statement));
  }
}

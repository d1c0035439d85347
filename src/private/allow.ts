import * as iam from 'aws-cdk-lib/aws-iam';
import { acknowledgeWildcards } from './acknowledge';

export interface Permission extends iam.PolicyStatementProps {
  readonly actions: string[];
  readonly resources: string[];
  /** Why there is a star in the resources, for who reviews the policy. @default - there is none */
  readonly wildcards?: string;
}

/** Why an action of a Describe or List is on everything: the Service Authorization Reference has no resource type for it. */
export const NO_RESOURCE_TYPE = 'takes no resource and no condition on one (Service Authorization Reference)';

export function allow(grantee: iam.IGrantable, { wildcards, ...props }: Permission): void {
  const statement = new iam.PolicyStatement(props);
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
  if (wildcards) acknowledgeWildcards(grantee.grantPrincipal, [statement], wildcards);
}

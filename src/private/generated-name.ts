import { Aws, Fn, Names } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

/**
 * Beginning for log groups of state machines: others share one resource policy of limited size (Step Functions guide,
 * "Avoiding Amazon CloudWatch Logs resource policy size restrictions").
 */
export const VENDED_LOGS = '/aws/vendedlogs/states/';

/**
 * A log group's name where the service that writes to it asks for a beginning. The end of the stack's id lets a stack of
 * the same name be made again beside what was kept of the one before.
 */
export function logGroupName(scope: Construct, beginning: string): string {
  return `${beginning}${Names.uniqueResourceName(scope, { maxLength: 128 })}-${Fn.select(2, Fn.split('/', Aws.STACK_ID))}`;
}

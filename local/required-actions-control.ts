import { RequiredAction } from './required-actions';
import { World } from './world';

type Rule = (input: any, arn: (service: string, resource: string) => string, look: unknown, world: World) => RequiredAction[];

/** An action on a table, which is given by name or ARN. Conditions ask for nothing more (SAR). */
const onTable = (action: string): Rule => (input, arn) => [{
  action: `dynamodb:${action}`,
  resource: input.TableName.startsWith('arn:') ? input.TableName : arn('dynamodb', `table/${input.TableName}`),
}];

/** What the calls that control runs ask of their callers: state machines and the lock's store (SAR). */
export const CONTROL_RULES: Record<string, Rule> = {
  'dynamodb:GetItem': onTable('GetItem'),
  'dynamodb:PutItem': onTable('PutItem'),
  'dynamodb:UpdateItem': onTable('UpdateItem'),
  'dynamodb:DeleteItem': onTable('DeleteItem'),
  'sfn:StartExecution': (input) => [{ action: 'states:StartExecution', resource: input.stateMachineArn }],
  'sfn:ListExecutions': (input) => [{ action: 'states:ListExecutions', resource: input.stateMachineArn }],
  'sfn:DescribeExecution': (input) => [{ action: 'states:DescribeExecution', resource: input.executionArn }],
  'sfn:GetExecutionHistory': (input) => [{ action: 'states:GetExecutionHistory', resource: input.executionArn }],
  'sfn:StopExecution': (input) => [{ action: 'states:StopExecution', resource: input.executionArn }],
};

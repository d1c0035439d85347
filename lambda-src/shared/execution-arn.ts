/** arn:aws:states:us-east-1:1234:execution:machine:name */
export function stateMachineOf(executionArn: string): string {
  return executionArn.replace(':execution:', ':stateMachine:').split(':').slice(0, 7).join(':');
}

/** ARN of one of a machine's executions, or the beginning of all of them. */
export function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

export const regionOf = (arn: string) => arn.split(':')[3];

/** What a person types to start an execution of this machine; the input comes behind it. */
export function startExecutionCommand(stateMachineArn: string): string {
  return `aws stepfunctions start-execution --region ${regionOf(stateMachineArn)} --state-machine-arn ${stateMachineArn}`;
}

/** What a person types to have a run cleaned up. */
export function cleanUpCommand(stateMachineArn: string, cleanUp: { readonly executionArn: string; readonly deleteLustre?: true }): string {
  return `${startExecutionCommand(stateMachineArn)} --input '${JSON.stringify({ cleanUp })}'`;
}

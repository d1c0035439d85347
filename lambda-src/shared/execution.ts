import { DescribeExecutionCommand, type DescribeExecutionCommandOutput, SFNClient } from '@aws-sdk/client-sfn';

const stepFunctions = new SFNClient({});

/** An execution, or undefined where Step Functions has forgotten it (90 days, E9) or never had it. */
export async function findExecution(executionArn: string): Promise<DescribeExecutionCommandOutput | undefined> {
  try {
    return await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if ((error as Error).name === 'ExecutionDoesNotExist') return undefined;
    throw error;
  }
}

export async function wasRedriven(executionArn: string): Promise<boolean> {
  return ((await findExecution(executionArn))?.redriveCount ?? 0) > 0;
}

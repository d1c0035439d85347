/** The run that an execution was told to clean up after; undefined where it is a run itself. @param input of the execution, as Step Functions has it */
export function cleanUpTarget(input: string | undefined): string | undefined {
  try {
    const run = JSON.parse(input ?? '{}')?.cleanUp?.executionArn;
    return typeof run === 'string' ? run : undefined;
  } catch {
    return undefined;
  }
}

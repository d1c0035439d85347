import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { StateDocument } from '../../src/private/document';

const stepFunctions = new SFNClient({});

/** Events of one page, from the newest on: the document is in every other of them. */
const LOOKED_AT = 30;

/**
 * The last document of an execution that has ended, from its history: all that still knows the names of a run, and its file
 * system, when that, and its tags with it, is gone. Undefined where nothing is to be found.
 */
export async function lastDocument(executionArn: string): Promise<Partial<StateDocument> | undefined> {
  try {
    const { events = [] } = await stepFunctions.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: LOOKED_AT }));
    for (const { stateEnteredEventDetails, stateExitedEventDetails } of events) {
      const document = parse(stateEnteredEventDetails?.input ?? stateExitedEventDetails?.output);
      if (document?.run?.id) return document;
    }
    return undefined;
  } catch (error) {
    if ((error as Error).name === 'ExecutionDoesNotExist') return undefined;
    throw error;
  }
}

/** Step Functions cuts what is too long for a page of the history. */
function parse(text: string | undefined): Partial<StateDocument> | undefined {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

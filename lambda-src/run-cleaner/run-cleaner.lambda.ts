import { cleanUpAfter } from './clean-up-after';
import { cleanerSettings } from './cleaner-settings';
import { answerStack } from './stack-guard';
import { sweep } from './sweep';
import type { CleanerEvent } from '../../src/private/run-cleaner-payloads';

/** Called at the end of executions, on a schedule, and by CloudFormation, each with an event of its own shape. */
export async function handler(event: CleanerEvent): Promise<void> {
  const settings = cleanerSettings();
  if ('RequestType' in event) return answerStack(event, settings);
  if (event.source === 'aws.states') return cleanUpAfter(event.detail.executionArn, settings);
  if (event.source === 'aws.events') return sweep(settings);
  throw new Error(`an event of an unknown kind: ${Object.keys(event).join(', ')}`);
}

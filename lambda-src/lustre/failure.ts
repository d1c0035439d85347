import type { StateDocument } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';

/** An error as a Catch writes it into the document. */
export interface Problem {
  readonly Error: string;
  readonly Cause?: string;
}

/** Whether this execution itself has asked FSx to delete the file system, and nothing speaks against it: the wait for the end begins behind that call. */
export function isOwnDeletion({ export: { proven }, deletion = {} }: StateDocument): boolean {
  const { wait, lifecycle, refusal } = deletion;
  return proven === true && (wait?.turn ?? 0) > 0 && (lifecycle === 'DELETING' || (lifecycle === undefined && refusal === undefined));
}

/** Whether its deletion has begun, as far as this execution knows, and its end was not seen. */
export const isOnItsWay = (document: StateDocument) => document.deletion?.lifecycle === 'DELETING' || isOwnDeletion(document);

/** A Lambda's cause is JSON with the handler's message in it; other causes are plain text. */
export function message(failure: { Error?: string; Cause?: string }): string {
  try {
    const parsed = JSON.parse(failure.Cause ?? '');
    return typeof parsed.errorMessage === 'string' ? parsed.errorMessage : failure.Cause!;
  } catch {
    return failure.Cause ?? failure.Error ?? 'no cause given';
  }
}

/** The error of an execution that goes on when its clean-up has been there (E14). */
export function alreadyCleanedUp({ fileSystem, run, error }: StateDocument): Problem {
  return {
    Error: ErrorName.RUN_ALREADY_CLEANED_UP,
    Cause: `execution ${run.executionArn} was redriven, but its clean-up has deleted file system ${fileSystem.fileSystemId} meanwhile; start a new run`
      + (error.Error ? `. What it met: ${error.Error}` : ''),
  };
}

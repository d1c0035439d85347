import type { RunParameters, StateDocument } from '../../src/private/document';

type Verification = RunParameters['exportVerification'];

/** A clean-up may be told to prove in another way, but not in a weaker one. */
const VERIFICATIONS: Verification[] = ['BOTH', 'EXPORT_TASK_ONLY'];

interface CleanUpInput {
  readonly deleteLustre?: unknown;
  readonly exportVerification?: unknown;
}

/** Whether an execution was started to clean up after another. */
export const isCleanUp = (document: StateDocument) => cleanUpOf(document) !== undefined;

/** By somebody who knows what is on it. */
export const wasToldToDelete = (document: StateDocument) => cleanUpOf(document)?.deleteLustre === true;

/** How the clean-up was told to prove the export, if it was told. */
export function toldVerification(document: StateDocument): Verification | undefined {
  return VERIFICATIONS.find((each) => each === cleanUpOf(document)?.exportVerification);
}

function cleanUpOf({ input }: StateDocument): CleanUpInput | undefined {
  return (input as { cleanUp?: CleanUpInput } | undefined)?.cleanUp;
}

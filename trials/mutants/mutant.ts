import { Patch } from './product';

/** The kinds of mutants, in the order of the table. */
export const CLASSES = {
  catch: 'a Catch removed',
  retry: 'a Retry removed',
  choice: 'a Choice branch removed',
  resultPath: 'a ResultPath removed or discarded',
  token: 'a token removed or made random',
  iam: 'an IAM statement removed',
  userData: 'a line of user data removed',
  meaning: 'a fault of meaning',
} as const;

export type MutantClass = keyof typeof CLASSES;

/** One deliberate defect. */
export interface Mutant {
  /** Stable as long as what is mutated keeps its name. */
  readonly id: string;
  readonly kind: MutantClass;
  readonly says: string;
  /** Changes a synthesized template in place. */
  readonly mutate?: (template: any) => void;
  /** Changes the sources. */
  readonly patches?: readonly Patch[];
  /** Only runs that pass this state can tell the difference. */
  readonly state?: string;
  /** Where the removed branch or Catch leads: scenarios that go there are tried first. */
  readonly towards?: string;
  /** API actions that are no longer allowed: scenarios that make such a call are tried first. */
  readonly actions?: readonly string[];
  /** Names of scenarios to try first. */
  readonly hints?: readonly string[];
}

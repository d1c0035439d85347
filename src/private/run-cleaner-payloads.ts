/** Bundle of the cleaner's function. */
export const RUN_CLEANER_BUNDLE = 'run-cleaner';

/** CloudFormation's type of the resource that guards the stack against deletion. */
export const GUARD_RESOURCE_TYPE = 'Custom::LustreFileSystemGuard';

/** The statuses of an execution that may have left something behind. */
export const ENDED_BADLY = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** Environment variables of the function: rules and CloudFormation call it with events of their own shape. */
export const CleanerVariable = {
  STATE_MACHINE_ARN: 'STATE_MACHINE_ARN',
  /** Value of the tag `RunTag.PIPELINE`. */
  PIPELINE: 'PIPELINE',
  SWEEP_SECONDS: 'SWEEP_SECONDS',
  /** `true` where nothing may be changed. */
  DRY_RUN: 'DRY_RUN',
} as const;

/** What Step Functions tells EventBridge of an execution; of its detail only what names it is relied on. */
export interface ExecutionEndedEvent {
  readonly source: 'aws.states';
  readonly detail: { readonly executionArn: string };
}

export interface SweepEvent {
  readonly source: 'aws.events';
}

/** A request of CloudFormation to a custom resource. */
export interface StackRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Presigned: whoever has it can answer. It is never logged. */
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
}

export type CleanerEvent = ExecutionEndedEvent | SweepEvent | StackRequest;

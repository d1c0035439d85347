import { checkComputeEnvironment } from './check-compute-environment';
import { checkContainerImage } from './check-container-image';
import { checkOverlappingPrefix } from './check-overlapping-prefix';
import type { CheckRequest } from '../../src/private/parameter-payloads';
import type { ParameterSource, ParameterValues } from '../../src/private/parameter-rules';

/** What a check knows of the run: only values that are right, so that it can look in spite of wrong ones. */
export interface PreflightContext {
  readonly run: { readonly id: string; readonly executionArn: string };
  readonly values: Partial<ParameterValues>;
  readonly sources: { readonly [name in keyof ParameterValues]?: ParameterSource };
  readonly bucketName: string;
}

/** Answers what stands in the way of the run; an error that may pass is thrown on, and the Task is tried again. */
type Check = (context: PreflightContext, settings: { readonly [key: string]: string }) => Promise<string[]>;

const CHECKS: { [name: string]: Check } = {
  computeEnvironment: checkComputeEnvironment,
  containerImage: checkContainerImage,
  overlappingPrefix: checkOverlappingPrefix,
};

/** All findings of all checks. */
export async function preflight(context: PreflightContext, requests: readonly CheckRequest[]): Promise<string[]> {
  const findings = await Promise.all([...requests, { name: 'overlappingPrefix', settings: {} }].map(async ({ name, settings }) => {
    if (!Object.hasOwn(CHECKS, name)) throw new Error(`unknown preflight check '${name}'; known: ${Object.keys(CHECKS).join(', ')}`);
    return CHECKS[name](context, settings);
  }));
  return findings.flat();
}

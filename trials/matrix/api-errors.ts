import { readFileSync } from 'fs';
import { createRequire } from 'module';
import { dirname, join } from 'path';

const THROWS = /@throws \{@link (\w+)\} \((?:client|server) fault\)/g;
const resolve = createRequire(__filename).resolve;
const read = new Map<string, string[]>();

/** Errors that the official API model lists for an operation: the SDK's runtime schemas leave them out, its declarations have them. */
export function modelledErrors(service: string, action: string): string[] {
  const key = `${service}:${action}`;
  if (!read.has(key)) {
    const client = dirname(resolve(`@aws-sdk/client-${service}`));
    const text = readFileSync(join(client, '..', 'dist-types', 'commands', `${action}Command.d.ts`), 'utf8');
    read.set(key, [...text.matchAll(THROWS)].map(([, name]) => name));
  }
  return read.get(key)!;
}

/** What no model lists: how each service says "slow down" and "you may not" (E5a), and that it is broken. */
const DIALECTS: Record<string, { throttled: string; denied: string }> = {
  ec2: { throttled: 'RequestLimitExceeded', denied: 'UnauthorizedOperation' },
  iam: { throttled: 'Throttling', denied: 'AccessDenied' },
  cloudwatch: { throttled: 'Throttling', denied: 'AccessDenied' },
  s3: { throttled: 'SlowDown', denied: 'AccessDenied' },
};

export function dialect(service: string): { throttled: string; denied: string } {
  return DIALECTS[service] ?? { throttled: 'ThrottlingException', denied: 'AccessDeniedException' };
}

export function unmodelledErrors(service: string): string[] {
  const { throttled, denied } = dialect(service);
  return [throttled, denied, 'ServiceUnavailable', 'InternalFailure', 'TimeoutError'];
}

/** What invoking a function can answer (the Step Functions guide, "Handle errors", and the Lambda runtime). */
export const LAMBDA_ERRORS = [
  'Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException', 'Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError',
];

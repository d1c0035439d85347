import { preflight } from './preflight';
import { validateParameters } from './validate-parameters';
import { EMPTY_DOCUMENT, type Run, type StateDocument } from '../../src/private/document';
import { ErrorName } from '../../src/private/errors';
import type { ExtractParametersPayload } from '../../src/private/parameter-payloads';
import type { ParameterValues } from '../../src/private/parameter-rules';
import { raise } from '../shared/raise';
import { runIdentity } from '../shared/run-identity';
import { schedulesFor } from '../shared/schedules';

/** A cause has at most 32,768 characters, and a Lambda error holds the message twice (once in its stack). */
const MESSAGE_CHARACTERS = 12_000;

/** The document that all later states work on, or one error with everything that is wrong: nothing has been created yet. */
export async function extractParameters(payload: ExtractParametersPayload): Promise<StateDocument> {
  const { executionArn } = payload.run;
  const startedAt = `${new Date(payload.run.startedAt).toISOString().slice(0, 19)}Z`;
  const run: Run = { ...runIdentity(executionArn, startedAt), executionArn, startedAt };

  const { values, sources, problems } = validateParameters(payload);
  const findings = await preflight({ run, values, sources, bucketName: payload.settings.bucketName }, payload.checks);
  if (problems.length > 0) raise(ErrorName.INVALID_PARAMETERS, listing([...problems, ...findings]));
  if (findings.length > 0) raise(ErrorName.PREFLIGHT_FAILED, listing(findings));

  const parameters = values as ParameterValues; // complete, because nothing is wrong
  return {
    ...EMPTY_DOCUMENT,
    input: payload.input,
    run,
    parameters: { ...parameters, schedules: schedulesFor(parameters, payload.settings.deadlines) },
  };
}

function listing(problems: string[]): string {
  let message = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}; nothing was created`;
  for (const [index, problem] of problems.entries()) {
    if (message.length + problem.length > MESSAGE_CHARACTERS) return `${message}\n- and ${problems.length - index} more`;
    message += `\n- ${problem}`;
  }
  return message;
}

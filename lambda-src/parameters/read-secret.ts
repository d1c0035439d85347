import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { isAccessDenied, permissionFinding } from './aws-errors';
import type { SecretAnswer } from '../../src/private/parameter-payloads';
import { isParameterName, unknownKeyProblems } from '../../src/private/parameter-rules';

const secretsManager = new SecretsManagerClient({});

/** Errors that the next call would give, too, and what to do about each. */
const LASTING: { [name: string]: string } = {
  ResourceNotFoundException: 'does not exist or has no value yet; create it, or put {} into it',
  InvalidRequestException: 'cannot be read in its present state; if it is scheduled for deletion, restore it',
  DecryptionFailure: 'cannot be decrypted; allow kms:Decrypt with its key to the role of the parameters function',
};

/** The known part of the secret. An empty object is the normal case: everything then comes from the props. */
export async function readSecret(secretId: string): Promise<SecretAnswer> {
  try {
    const { SecretString: text } = await secretsManager.send(new GetSecretValueCommand({ SecretId: secretId }));
    return parseSecret(text);
  } catch (error) {
    const { name } = error as Error;
    if (isAccessDenied(error)) return { values: {}, problems: [permissionFinding(`secret ${secretId}`, 'secretsmanager:GetSecretValue, and kms:Decrypt if the secret has a key of its own,')] };
    if (Object.hasOwn(LASTING, name)) return { values: {}, problems: [`secret ${secretId} ${LASTING[name]}`] };
    throw error;
  }
}

export function parseSecret(text: string | undefined): SecretAnswer {
  if (text === undefined) return refuse('is binary');
  let secret: unknown;
  try {
    secret = JSON.parse(text);
  } catch {
    return refuse('is not JSON'); // the parser's own message quotes the text
  }
  if (typeof secret !== 'object' || secret === null || Array.isArray(secret)) return refuse('is JSON, but not an object');

  const entries = Object.entries(secret);
  return {
    values: Object.fromEntries(entries.filter(([key]) => isParameterName(key))),
    problems: unknownKeyProblems(entries.map(([key]) => key).filter((key) => !isParameterName(key)), 'secret'),
  };
}

function refuse(what: string): SecretAnswer {
  return { values: {}, problems: [`the secret's value ${what}; it must be a JSON object, such as {} or {"lustreStorageCapacity": 2400}`] };
}

import { extractParameters } from './extract-parameters';
import { readSecret } from './read-secret';
import type { ExtractParametersPayload, GetSecretPayload } from '../../src/private/parameter-payloads';
import { dispatch } from '../shared/dispatch';

export const handler = dispatch({
  GetSecret: async ({ secretId }: GetSecretPayload) => readSecret(secretId),
  ExtractParameters: async (payload: ExtractParametersPayload) => extractParameters(payload),
});

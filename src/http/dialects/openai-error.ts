/**
 * Errors as OpenAI's SDKs read them, with the members of RFC 9457 beside them for everybody else. Both in one
 * application/json object: the SDKs show the full message only for this form.
 */
import type { DeciError } from '../../kernel/errors.ts';
import { renderProblem } from './problem.ts';

/** Types of OpenAI's API; what the model server refused keeps the three that Ollama itself tells. */
function errorType({ status, fault }: DeciError): string {
  const types: Readonly<Record<number, string>> = fault === 'ollama' ? typesOfOllama : typesOfOpenAi;
  return types[status] ?? 'api_error';
}

const typesOfOllama = { 400: 'invalid_request_error', 404: 'not_found_error' };
const typesOfOpenAi = {
  ...typesOfOllama,
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** The `error` object alone, as it also travels inside a stream. What Ollama itself refused has no code of ours. */
function openAiErrorObject(error: DeciError, requestId: string): object {
  return {
    message: error.message,
    type: errorType(error),
    param: error.param ?? null,
    code: error.code === 'upstream_refused' ? null : error.code,
    request_id: requestId,
  };
}

export function renderOpenAiError(error: DeciError, requestId: string): object {
  return {
    error: openAiErrorObject(error, requestId),
    ...renderProblem(error, requestId),
  };
}

/** The last event of a stream that failed. The SDKs throw on it; `[DONE]` must not follow. */
export function renderOpenAiStreamError(error: DeciError, requestId: string): string {
  return `data: ${JSON.stringify({ error: openAiErrorObject(error, requestId) })}\n\n`;
}

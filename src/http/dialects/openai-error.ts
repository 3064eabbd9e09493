/**
 * Errors as OpenAI's SDKs read them, with the members of RFC 9457 beside them for everybody else. Both in one
 * application/json object: the SDKs show the full message only for this form.
 */
import type { DeciError } from '../../kernel/errors.ts';
import { renderProblem } from './problem.ts';

function errorType(status: number): string {
  if (status === 400) {
    return 'invalid_request_error';
  }
  return status === 404 ? 'not_found_error' : 'api_error';
}

/** The `error` object alone, as it also travels inside a stream. What Ollama itself refused has no code of ours. */
function openAiErrorObject(error: DeciError, requestId: string): object {
  return {
    message: error.message,
    type: errorType(error.status),
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

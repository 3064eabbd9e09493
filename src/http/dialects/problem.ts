/** Errors of our own routes: RFC 9457 with the members that say what to do next. */
import { STATUS_CODES } from 'node:http';
import { errorCatalogue } from '../../kernel/error-catalogue.ts';
import type { DeciError } from '../../kernel/errors.ts';

export function renderProblem(error: DeciError, requestId: string): object {
  return {
    type: `/docs/errors#${error.code}`,
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    retryable: error.retryable,
    hint: errorCatalogue[error.code].fix,
  };
}

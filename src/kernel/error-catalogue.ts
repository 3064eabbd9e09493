/**
 * The error catalogue: every way a request can fail, with its status, whose fault it is, and whether trying again can help.
 * The code is also the reason in logs and, later, the label of a metric, so that no two places can disagree.
 * docs/reference/errors.md lists the same codes; a test compares the two in both directions.
 */

import { queueErrors } from './queue-errors.ts';
import { shortageErrors } from './shortage-errors.ts';
import { supervisionErrors } from './supervision-errors.ts';

/** `client`: the request is wrong; `deci`: we are the cause; `ollama`: the model server is. */
export type Fault = 'client' | 'deci' | 'ollama';

interface CatalogueEntry {
  readonly status: number;
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly message: string;
  /** What the reader can do about it. */
  readonly fix: string;
}

const catalogue = {
  missing_body: {
    status: 400,
    fault: 'client',
    retryable: false,
    message: 'missing request body',
    fix: 'Send a JSON body.',
  },
  malformed_json: {
    status: 400,
    fault: 'client',
    retryable: false,
    message: 'the request body is not valid JSON',
    fix: 'Send one JSON object; the text says where it stops being one.',
  },
  invalid_request: {
    status: 400,
    fault: 'client',
    retryable: false,
    message: 'the request is not valid',
    fix: 'Correct the field that the text names.',
  },
  body_too_large: {
    status: 413,
    fault: 'client',
    retryable: false,
    message: 'the request body is too large',
    fix: 'Send less, or raise `BODY_LIMIT` or `INFERENCE_BODY_LIMIT`.',
  },
  bad_target: {
    status: 400,
    fault: 'client',
    retryable: false,
    message: 'the request target is not valid',
    fix: 'Use a path that begins with a slash.',
  },
  bad_host: {
    status: 400,
    fault: 'client',
    retryable: false,
    message: 'the Host header is missing or not valid',
    fix: 'Send exactly one valid Host header.',
  },
  host_not_allowed: {
    status: 403,
    fault: 'client',
    retryable: false,
    message: 'this Host is not allowed here',
    fix: 'Call by a local name, or add the name to `ALLOWED_HOSTS`.',
  },
  origin_not_allowed: {
    status: 403,
    fault: 'client',
    retryable: false,
    message: 'this Origin is not allowed here',
    fix: 'Add the origin to `OLLAMA_ORIGINS`.',
  },
  unknown_transfer_encoding: {
    status: 501,
    fault: 'client',
    retryable: false,
    message: 'this Transfer-Encoding is not supported',
    fix: 'Send the body plain or chunked.',
  },
  route_not_found: {
    status: 404,
    fault: 'client',
    retryable: false,
    message: '404 page not found',
    fix: 'Check the path.',
  },
  method_not_allowed: {
    status: 405,
    fault: 'client',
    retryable: false,
    message: '405 method not allowed',
    fix: 'Check the method; `OPTIONS` on the path tells which there are.',
  },
  authentication_required: {
    status: 401,
    fault: 'client',
    retryable: false,
    message: 'this server asks for a key',
    fix: 'Send a key as `Authorization: Bearer KEY` or `x-api-key: KEY`; the first one is in `data/admin-key`.',
  },
  key_not_valid: {
    status: 401,
    fault: 'client',
    retryable: false,
    message: 'this key is not valid',
    fix: 'Check the key; it may have been replaced. The first one is in `data/admin-key`.',
  },
  role_too_low: {
    status: 403,
    fault: 'client',
    retryable: false,
    message: 'this needs another role',
    fix: 'Use a key of the role that the text names; without a key, `DECI_LOCAL_ROLE` decides.',
  },
  already_exists: {
    status: 409,
    fault: 'client',
    retryable: false,
    message: 'there is one of this name already',
    fix: 'Take another name, or write it anew with PUT.',
  },
  not_found: {
    status: 404,
    fault: 'client',
    retryable: false,
    message: 'there is no such thing',
    fix: 'Check the name; the list beside it tells which there are.',
  },
  model_not_found: {
    status: 404,
    fault: 'client',
    retryable: false,
    message: 'model not found',
    fix: 'Pull the model, or use a name from `/api/tags`.',
  },
  request_timeout: {
    status: 408,
    fault: 'client',
    retryable: true,
    message: 'the request body did not arrive in time',
    fix: 'Send the body faster, or raise `REQUEST_TIMEOUT`.',
  },
  client_closed: {
    status: 499,
    fault: 'client',
    retryable: false,
    message: 'request canceled',
    fix: 'Nothing: the client left, and its generation was ended.',
  },
  loop_detected: {
    status: 508,
    fault: 'deci',
    retryable: false,
    message: 'this server is its own Ollama server',
    fix: 'Set `OLLAMA_URLS` to the Ollama server; it points at Deci itself.',
  },
  starting: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'this worker is starting',
    fix: 'Wait a moment; another worker may answer already.',
  },
  ...queueErrors,
  ...supervisionErrors,
  ...shortageErrors,
  hosts_draining: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'every model server is kept free of new requests',
    fix: 'Let one take requests again: `npm run deci -- hosts undrain NAME`.',
  },
  store_unavailable: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'the store cannot be used',
    fix: 'See the error log and `npm run doctor`: its file is damaged, locked, or cannot be opened.',
  },
  store_full: {
    status: 507,
    fault: 'deci',
    retryable: false,
    message: 'the store cannot take more: the disk is full',
    fix: 'Free space where `DATA_DIR` is.',
  },
  store_read_only: {
    status: 503,
    fault: 'deci',
    retryable: false,
    message: 'the store cannot be written',
    fix: 'Give the user that runs Deci the right to write in `DATA_DIR`.',
  },
  shared_answer_lagged: {
    status: 503,
    fault: 'deci',
    retryable: true,
    message: 'this answer was shared with others and read too slowly',
    fix: 'Read faster, or send `X-Deci-Cache: no-store` to have an answer of its own.',
  },
  internal: {
    status: 500,
    fault: 'deci',
    retryable: true,
    message: 'internal server error',
    fix: 'A fault of ours: look for the request id in the error log.',
  },
  upstream_refused: {
    status: 500,
    fault: 'ollama',
    retryable: false,
    message: 'the model server refused the request',
    fix: 'As the text says; it is the words of Ollama.',
  },
  upstream_unreachable: {
    status: 503,
    fault: 'ollama',
    retryable: true,
    message: 'no model server can be reached',
    fix: 'Start Ollama, or correct `OLLAMA_URLS`.',
  },
  upstream_resting: {
    status: 503,
    fault: 'ollama',
    retryable: true,
    message: 'the model servers failed too often and are left alone for a moment',
    fix: 'Wait a moment. `npm run deci -- breakers list` tells which and why, `breakers reset NAME` ends it at once.',
  },
  upstream_broken: {
    status: 502,
    fault: 'ollama',
    retryable: true,
    message: 'the model server broke the connection',
    fix: 'Try again; if it repeats, look at the log of Ollama.',
  },
  upstream_invalid: {
    status: 502,
    fault: 'ollama',
    retryable: true,
    message: 'the model server sent an answer that cannot be understood',
    fix: 'Check that `OLLAMA_URLS` points at Ollama and not at something else.',
  },
  upstream_truncated: {
    status: 502,
    fault: 'ollama',
    retryable: true,
    message: 'the model server ended the answer before it was complete',
    fix: 'Try again; what came is not the whole answer.',
  },
  upstream_failed: {
    status: 500,
    fault: 'ollama',
    retryable: true,
    message: 'the model server failed while answering',
    fix: 'As the text says; if it repeats, look at the log of Ollama.',
  },
  first_token_timeout: {
    status: 504,
    fault: 'ollama',
    retryable: true,
    message: 'the model server did not begin to answer in time',
    fix: 'Try again, or raise `FIRST_TOKEN_TIMEOUT` or `LOAD_TIMEOUT`.',
  },
  stall_timeout: {
    status: 504,
    fault: 'ollama',
    retryable: true,
    message: 'the model server stopped in the middle of the answer',
    fix: 'Try again; if it repeats, Ollama hangs: restart it.',
  },
  total_timeout: {
    status: 504,
    fault: 'ollama',
    retryable: true,
    message: 'the answer took longer than allowed',
    fix: 'Ask for less, or raise `INFERENCE_TIMEOUT`.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

export const errorCatalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = catalogue;

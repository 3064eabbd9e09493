/**
 * What kinds of failures there are, how bad each is, and what is done about it: one table for everything that goes on after a
 * failure, so that a retry, a healer and a background loop do not each decide in passing.
 */
import type { ErrorCode } from './error-catalogue.ts';
import { DeciError } from './errors.ts';
import { isOwnShortage } from './own-shortage.ts';

export type Severity = 'low' | 'medium' | 'high' | 'critical';

/**
 * `retry`: the same again, after a pause. `fallback`: something else instead, at once. `skip`: not again with the same input.
 * `human`: somebody has to do something first. `abort_and_shed`: stop what can be stopped, and take less.
 */
export type Strategy = 'retry' | 'fallback' | 'skip' | 'human' | 'abort_and_shed';

interface KindRow {
  readonly severity: Severity;
  readonly strategy: Strategy;
  readonly means: string;
}

const kinds = {
  connection: {
    severity: 'medium',
    strategy: 'retry',
    means: 'The other side could not be reached, or the connection broke.',
  },
  upstream: {
    severity: 'medium',
    strategy: 'retry',
    means: 'A model server answered, and not as it should: 5xx, an answer that is cut off or cannot be read.',
  },
  overload: { severity: 'medium', strategy: 'retry', means: 'Well, and too busy: the other side, or our own line.' },
  timeout: {
    severity: 'medium',
    strategy: 'fallback',
    means: 'Silent for too long: another host, or an older answer.',
  },
  store: {
    severity: 'high',
    strategy: 'fallback',
    means: 'A store is damaged, locked or gone: what can be done without it is done without it.',
  },
  request: { severity: 'low', strategy: 'skip', means: 'A mistake of the caller, who is told it with a 4xx.' },
  cancelled: { severity: 'low', strategy: 'skip', means: 'Nobody waits for it any more.' },
  validation: { severity: 'high', strategy: 'skip', means: 'A mistake of ours: the same would fail again.' },
  authentication: {
    severity: 'high',
    strategy: 'human',
    means: 'A model server, a registry or the system does not let us: a key or a right has to be given.',
  },
  resource: {
    severity: 'critical',
    strategy: 'abort_and_shed',
    means: 'No memory, time, disk, file or port left.',
  },
  unknown: { severity: 'medium', strategy: 'retry', means: 'Whatever nobody foresaw.' },
} as const satisfies Record<string, KindRow>;

export type FailureKind = keyof typeof kinds;
export const failureKinds: Readonly<Record<FailureKind, KindRow>> = kinds;

/** Of `upstream_refused` and `internal` it is the usual kind: what the server or the cause says decides. */
export const kindsByCode: Readonly<Record<ErrorCode, FailureKind>> = {
  missing_body: 'request',
  malformed_json: 'request',
  invalid_request: 'request',
  body_too_large: 'request',
  bad_target: 'request',
  bad_host: 'request',
  host_not_allowed: 'request',
  origin_not_allowed: 'request',
  unknown_transfer_encoding: 'request',
  route_not_found: 'request',
  method_not_allowed: 'request',
  authentication_required: 'request',
  key_not_valid: 'request',
  role_too_low: 'request',
  already_exists: 'request',
  not_now: 'request',
  not_found: 'request',
  model_not_found: 'request',
  request_timeout: 'request',
  client_closed: 'cancelled',
  loop_detected: 'validation',
  starting: 'overload',
  draining: 'overload',
  control_unavailable: 'overload',
  queue_full: 'overload',
  queue_share: 'overload',
  queue_too_slow: 'overload',
  queue_timeout: 'overload',
  hosts_draining: 'overload',
  shared_answer_lagged: 'overload',
  memory_low: 'resource',
  load_shed: 'resource',
  store_full: 'resource',
  store_unavailable: 'store',
  store_read_only: 'authentication',
  internal: 'unknown',
  upstream_refused: 'upstream',
  upstream_unreachable: 'connection',
  upstream_broken: 'connection',
  upstream_resting: 'overload',
  upstream_invalid: 'upstream',
  upstream_truncated: 'upstream',
  upstream_failed: 'upstream',
  first_token_timeout: 'timeout',
  stall_timeout: 'timeout',
  total_timeout: 'cancelled',
};

/** Codes of the system, and of Node. */
export const kindsBySystemCode: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: 'connection',
  ECONNRESET: 'connection',
  EPIPE: 'connection',
  EHOSTUNREACH: 'connection',
  ENETUNREACH: 'connection',
  ENOTFOUND: 'connection',
  EAI_AGAIN: 'connection',
  ETIMEDOUT: 'timeout',
  EAGAIN: 'overload',
  EBUSY: 'overload',
  EACCES: 'authentication',
  EPERM: 'authentication',
  EROFS: 'authentication',
  EMFILE: 'resource',
  ENFILE: 'resource',
  ENOBUFS: 'resource',
  ENOMEM: 'resource',
  EADDRNOTAVAIL: 'resource',
  ENOSPC: 'resource',
  EDQUOT: 'resource',
  EIO: 'store',
  ERR_ASSERTION: 'validation',
};

const kindsByName: Readonly<Record<string, FailureKind>> = {
  AbortError: 'cancelled',
  TimeoutError: 'timeout',
  TypeError: 'validation',
  RangeError: 'validation',
  ReferenceError: 'validation',
  SyntaxError: 'validation',
};

const maxDepth = 4;

/** The kind of anything that was thrown, through what wraps it. */
export function failureKindOf(thrown: unknown, depth = 0): FailureKind {
  if (!(thrown instanceof Error) || depth > maxDepth) return 'unknown';
  if (isOwnShortage(thrown)) return 'resource';
  if ('toDeciError' in thrown && typeof thrown.toDeciError === 'function') {
    return failureKindOf((thrown as { toDeciError(): unknown }).toDeciError(), depth + 1);
  }
  return thrown instanceof DeciError ? kindOfDeciError(thrown, depth) : kindOfOther(thrown, depth);
}

export function isTriedAgain(kind: FailureKind): boolean {
  const { strategy } = failureKinds[kind];
  return strategy === 'retry' || strategy === 'fallback';
}

/** Of a loop that failed: how many times its usual pause it waits before it goes on. */
const pauses: Readonly<Record<Strategy, number>> = { retry: 1, fallback: 1, abort_and_shed: 2, skip: 4, human: 4 };
const maxPauseMs = 10 * 60_000;

/** @returns how long a loop waits behind a failure; its own interval where the same may work the next time */
export function pauseBehind(error: unknown, intervalMs: number): number {
  const times = pauses[failureKinds[failureKindOf(error)].strategy];
  return Math.max(intervalMs, Math.min(times * intervalMs, maxPauseMs));
}

type Tell = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Tells a failure as loudly as its kind is bad: what heals by itself is a warning, what needs somebody an error. */
export function tellFailure(
  log: { warn: Tell; error: Tell },
  message: string,
  error: unknown,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const kind = failureKindOf(error);
  const { severity, strategy } = failureKinds[kind];
  const level = severity === 'high' || severity === 'critical' ? 'error' : 'warn';
  log[level](message, { ...fields, cause: String(error), kind, strategy });
}

function kindOfOther(error: Error, depth: number): FailureKind {
  const code = 'code' in error ? kindsBySystemCode[String(error.code)] : undefined;
  if (code !== undefined) return code;
  const inner = failureKindOf(error.cause, depth + 1);
  return inner === 'unknown' ? (kindsByName[error.name] ?? 'unknown') : inner;
}

function kindOfDeciError({ code, status, cause }: DeciError, depth: number): FailureKind {
  if (code === 'internal') return cause === undefined ? 'unknown' : failureKindOf(cause, depth + 1);
  if (code !== 'upstream_refused') return kindsByCode[code];
  if (status === 401 || status === 403) return 'authentication';
  if (status === 429 || status === 503) return 'overload';
  return status >= 500 ? 'upstream' : 'request';
}

/** Errors on a request's way: everything thrown there is a `DeciError` with a code of the catalogue, or becomes `internal`. */
import { type ErrorCode, errorCatalogue, type Fault } from './error-catalogue.ts';

export interface DeciErrorDetails {
  /** Replaces the catalogue's text, for example with Ollama's own sentence. */
  readonly message?: string | undefined;
  /** Replaces the catalogue's status where the model server's own status is passed on. */
  readonly status?: number | undefined;
  readonly cause?: unknown;
  /** The field of the request that is wrong, for dialects that can name it. */
  readonly param?: string | undefined;
  /** The methods that a path does answer, for the `Allow` of a 405. */
  readonly allow?: readonly string[] | undefined;
  /** How long the model server asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** More members for the body of a native error, for example Ollama's `signin_url`. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** When trying again may help, where that is known. */
  readonly retryAfterSeconds?: number | undefined;
}

/** A failure with a code of the catalogue. Everything thrown on a request's way is one of these, or becomes `internal`. */
export class DeciError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly param: string | undefined;
  readonly allow: readonly string[] | undefined;
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, details: DeciErrorDetails = {}) {
    const entry = errorCatalogue[code];
    super(details.message ?? entry.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DeciError';
    this.code = code;
    this.status = details.status ?? entry.status;
    this.fault = entry.fault;
    // Ollama says 503 when it is busy and 429 when it limits: then its own words are worth another try.
    this.retryable = entry.retryable || this.status === 503 || this.status === 429;
    this.param = details.param;
    this.allow = details.allow;
    this.extra = details.extra;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Errors of other layers that know what a client is told of them. */
function tellsItself(thrown: unknown): thrown is { toDeciError(): DeciError } {
  return thrown instanceof Error && 'toDeciError' in thrown && typeof thrown.toDeciError === 'function';
}

/** Any thrown value as a `DeciError`; what nobody foresaw is `internal`, with the original as its cause. */
export function toDeciError(thrown: unknown): DeciError {
  if (thrown instanceof DeciError) return thrown;
  if (tellsItself(thrown)) return thrown.toDeciError();
  // Nothing of ours recurses as deep as the input does; only writing JSON back does.
  if (thrown instanceof RangeError && thrown.message.startsWith('Maximum call stack')) {
    return new DeciError('invalid_request', { message: 'the request is nested too deeply', cause: thrown });
  }
  return new DeciError('internal', { cause: thrown });
}

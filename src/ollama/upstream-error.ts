/** What undici and the operating system throw, as errors of our catalogue. */
import { DeciError } from '../kernel/errors.ts';

const dialCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** @param begun whether a response had begun: a connection that breaks later is another failure than one never made */
export function toUpstreamError(error: unknown, begun: boolean): DeciError {
  if (error instanceof DeciError) return error;
  const code = errorCode(error);
  if (!begun && dialCodes.has(code)) return new DeciError('upstream_unreachable', { cause: error });
  const unreadable = error instanceof Error && error.name === 'HTTPParserError';
  if (unreadable || code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new DeciError('upstream_invalid', { cause: error });
  }
  return new DeciError('upstream_broken', { cause: error });
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** fetch wraps what really happened as the cause of a TypeError. */
export function unwrapFetch(thrown: unknown): unknown {
  return thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown;
}

/**
 * @param tried names of hosts
 * @param cause why the last of them could not
 */
export function unreachable(tried: readonly string[], cause?: unknown): DeciError {
  return new DeciError('upstream_unreachable', {
    message: `no Ollama server can be reached (tried ${tried.join(', ')})`,
    cause,
  });
}

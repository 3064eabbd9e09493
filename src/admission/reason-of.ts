import { DeciError } from '../kernel/errors.ts';

/** Why a signal fired, in words of the catalogue: where it does not say, the client has left. */
export function reasonOf(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return reason instanceof DeciError ? reason : new DeciError('client_closed', { cause: reason });
}

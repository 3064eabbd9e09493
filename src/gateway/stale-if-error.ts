/** Whether an old answer is better than what went wrong. */
import { DeciError } from '../kernel/errors.ts';

/** A refusal of the request itself is an answer; and who has left, or is being sent away, takes none. */
export function isWorthStale(thrown: unknown, signal: AbortSignal): boolean {
  return thrown instanceof DeciError && thrown.fault !== 'client' && thrown.status >= 500 && !signal.aborted;
}

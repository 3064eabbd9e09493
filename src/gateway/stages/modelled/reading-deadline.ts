/** The end of one request's reading, beside the signal that it has anyway. Owner: one attempt to answer with another model. */
import { DeciError } from '../../../kernel/errors.ts';

export class ReadingDeadline {
  /** Fires with `total_timeout` when the time is over, or with the reason of the request's own signal. */
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(leftMs: number, signal: AbortSignal) {
    const late = new AbortController();
    // The connection of the client keeps the process alive, and where there is none any more nobody waits.
    this.#timer = setTimeout(() => late.abort(new DeciError('total_timeout')), leftMs).unref();
    this.signal = AbortSignal.any([signal, late.signal]);
  }

  /** Idempotent. */
  readonly over = (): void => clearTimeout(this.#timer);
}

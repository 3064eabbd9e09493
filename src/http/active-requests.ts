/**
 * The requests this worker is answering. While draining, every new answer says `Connection: close`, and what is still
 * under way at the deadline is ended from here, in protocol.
 */
import { DeciError } from '../kernel/errors.ts';
import { SwapList } from '../kernel/swap-list.ts';
import type { RequestContext } from './request-context.ts';

export class ActiveRequests implements Iterable<RequestContext> {
  readonly #contexts = new SwapList<RequestContext>();
  #draining = false;
  #isKeepAliveOff = false;

  get size(): number {
    return this.#contexts.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  add(context: RequestContext): void {
    this.#contexts.add(context);
    if (this.#draining || this.#isKeepAliveOff) context.headers.push('Connection', 'close');
  }

  delete(context: RequestContext): void {
    this.#contexts.delete(context);
  }

  beginDrain(): void {
    this.#draining = true;
    // Answers that have not sent their headers yet can still tell their client not to come back on this connection.
    for (const context of this.#contexts) {
      if (!context.res.headersSent) context.headers.push('Connection', 'close');
    }
  }

  /** Every new answer is the last of its connection: idle ones hold memory. */
  setKeepAlive(isOn: boolean): void {
    this.#isKeepAliveOff = !isOn;
  }

  /** Of those that are under way at this moment. */
  [Symbol.iterator](): Iterator<RequestContext> {
    return this.#contexts[Symbol.iterator]();
  }

  /** Back to taking requests: a worker on standby serves again. */
  endDrain(): void {
    this.#draining = false;
  }

  /** Ends what is left: each stream gets its dialect's error frame, everything else its error answer. */
  endAll(): void {
    for (const context of this.#contexts) context.abort(new DeciError('draining'));
  }
}

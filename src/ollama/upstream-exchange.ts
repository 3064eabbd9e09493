/**
 * One request to one Ollama host: sent through undici's dispatcher, read as an async iterable of byte chunks.
 *
 * States: `waiting` (no response yet) -> `open` (status known, bytes flow) -> `ended` | `failed`; `waiting` -> `failed`.
 * Invariants: at most `highWaterBytes` plus one chunk wait in memory (the socket is paused above that); a watchdog is
 * armed in every state that waits for Ollama and never while it is us who paused; leaving the iteration early aborts
 * the request at once, which is how Ollama learns that nobody listens any more.
 */
import type { Dispatcher } from 'undici';
import { DeciError } from '../kernel/errors.ts';
import { toUpstreamError } from './upstream-error.ts';

const highWaterBytes = 256 * 1024;
/** What may still come behind the end of an answer before the connection is given up instead of being kept. */
const discardMs = 1000;

export interface ExchangeLimits {
  /** From sending to the first byte of the response. */
  readonly firstMs: number;
  /** Between two chunks. */
  readonly stallMs: number;
  /** For everything; `undefined` on transfers, which may take hours while they move. */
  readonly totalMs: number | undefined;
  /** Grows while the request itself is still being sent; time in which it grew does not count as waiting. */
  readonly sentBytes?: () => number;
  /** Asked once when `firstMs` is over: ms to wait for the first byte after all, 0 for none. Never rejects, and is bounded. */
  readonly firstAgain?: () => Promise<number>;
}

type State = 'waiting' | 'open' | 'ended' | 'failed';

export class UpstreamExchange implements Dispatcher.DispatchHandler, AsyncIterableIterator<Buffer> {
  status = 0;
  headers: Readonly<Record<string, string | string[] | undefined>> = {};
  /** Whether any byte of a response has arrived; before that, another attempt is invisible to the client. */
  get begun(): boolean {
    return this.status !== 0;
  }

  readonly #limits: ExchangeLimits;
  readonly #signal: AbortSignal;
  readonly #onEnd: (error: DeciError | undefined) => void;
  readonly #opened = Promise.withResolvers<void>();
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #state: State = 'waiting';
  #error: DeciError | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #paused = false;
  #sentBytes = 0;
  #discarding = false;
  #hasAskedAgain = false;
  #reader: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #totalTimer: NodeJS.Timeout | undefined;
  readonly #pulse: { count: number };
  #overListener: ((error: DeciError | undefined) => void) | undefined;

  /**
   * @param onEnd called exactly once, when the exchange is over in whatever way
   * @param pulse counted up by a success and by every piece of an answer
   */
  constructor(
    limits: ExchangeLimits,
    signal: AbortSignal,
    onEnd: (error: DeciError | undefined) => void,
    pulse: { count: number } = { count: 0 },
  ) {
    this.#pulse = pulse;
    this.#limits = limits;
    this.#signal = signal;
    this.#onEnd = onEnd;
    this.#watchdog = setTimeout(this.#onFirstTimeout, limits.firstMs);
    if (limits.totalMs !== undefined) this.#totalTimer = setTimeout(this.#onTotalTimeout, limits.totalMs);
    signal.addEventListener('abort', this.#onAbort);
  }

  /** Ends when the status and the headers are known. @throws DeciError of fault `ollama`, or the signal's reason */
  opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Told once, when it is over in whatever way, at once when it is already. One listener. */
  whenOver(listener: (error: DeciError | undefined) => void): void {
    if (this.#state === 'ended' || this.#state === 'failed') listener(this.#error);
    else this.#overListener = listener;
  }

  // --- what undici tells us ---

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#onAbort();
    if (this.#state === 'failed') controller.abort(this.#error ?? new Error('aborted'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: typeof this.headers): void {
    if (status < 200) return;
    this.status = status;
    if (status < 300) this.#pulse.count++;
    this.headers = headers;
    this.#state = 'open';
    this.#opened.resolve();
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(this.#onStall, this.#limits.stallMs);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#discarding) return;
    if (this.status < 300) this.#pulse.count++;
    this.#watchdog?.refresh();
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes < highWaterBytes || this.#paused) return;
    this.#paused = true;
    clearTimeout(this.#watchdog);
    controller.pause();
  }

  onResponseEnd(): void {
    this.#settle('ended', undefined);
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settle('failed', toUpstreamError(error, this.begun));
  }

  // --- what the reader asks ---

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer>> {
    const value = this.#queue.shift();
    if (value !== undefined) {
      this.#queuedBytes -= value.length;
      if (this.#paused && this.#queuedBytes === 0) this.#resume();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state === 'failed') return Promise.reject(this.#error ?? new DeciError('internal'));
    if (this.#state === 'ended') return Promise.resolve({ done: true, value: undefined });
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  /** Leaving a `for await` early ends here: nobody wants the rest. */
  return(): Promise<IteratorResult<Buffer>> {
    this.abort(new DeciError('client_closed'));
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The answer is complete: let the response run out so that its connection can be used again. */
  discard(): void {
    if (this.#state !== 'open') return;
    this.#discarding = true;
    this.#queue.length = 0;
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(this.#onStall, discardMs);
    if (this.#paused) this.#controller?.resume();
  }

  abort(reason: DeciError): void {
    if (this.#state === 'ended' || this.#state === 'failed') return;
    this.#settle('failed', reason);
    this.#controller?.abort(reason);
  }

  #resume(): void {
    this.#paused = false;
    if (this.#state !== 'open') return;
    this.#watchdog = setTimeout(this.#onStall, this.#limits.stallMs);
    this.#controller?.resume();
  }

  #settle(state: 'ended' | 'failed', error: DeciError | undefined): void {
    if (this.#state === 'ended' || this.#state === 'failed') return;
    this.#state = state;
    this.#error = error;
    clearTimeout(this.#watchdog);
    clearTimeout(this.#totalTimer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#onEnd(error);
    this.#overListener?.(error);
    // A rejection that nobody waits for is the normal case here (the client left), not a fault of the process.
    if (error !== undefined && !this.begun) this.#opened.promise.catch(() => undefined);
    if (error !== undefined) this.#opened.reject(error);
    const reader = this.#reader;
    this.#reader = undefined;
    if (error === undefined) reader?.resolve({ done: true, value: undefined });
    else reader?.reject(error);
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal.reason;
    this.abort(reason instanceof DeciError ? reason : new DeciError('client_closed', { cause: reason }));
  };
  readonly #onFirstTimeout = (): void => {
    const sentBytes = this.#limits.sentBytes?.() ?? 0;
    if (sentBytes === this.#sentBytes) {
      this.#isFirstLate();
      return;
    }
    this.#sentBytes = sentBytes;
    this.#watchdog?.refresh();
  };
  #isFirstLate(): void {
    const { firstAgain } = this.#limits;
    if (firstAgain === undefined || this.#hasAskedAgain) {
      this.abort(new DeciError('first_token_timeout'));
      return;
    }
    this.#hasAskedAgain = true;
    void this.#waitAgain(firstAgain);
  }

  async #waitAgain(firstAgain: () => Promise<number>): Promise<void> {
    const ms = await firstAgain();
    if (this.#state === 'waiting') this.#watchdog = setTimeout(this.#onFirstTimeout, ms);
  }

  readonly #onStall = (): void => this.abort(new DeciError('stall_timeout'));
  readonly #onTotalTimeout = (): void => this.abort(new DeciError('total_timeout'));
}

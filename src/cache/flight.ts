/**
 * One answer under way that several callers read: a backlog for those who come late, then live. Owner: `SingleFlight`.
 *
 * Invariants: the source is asked for its next block when a reader wants one, so it goes at the pace of the fastest; when all
 * of them stall it is read on without them, up to half of `maxBytes`. What was not read to its end by then, or is larger than
 * the backlog, is nobody's any more but that of its readers: it is over for everybody else, and others may lead. The backlog
 * holds at most `maxBytes`, beyond which the oldest blocks are dropped and a reader that is still further behind is cut off; the
 * source lives as long as one reader does.
 */
import { DeciError, toDeciError } from '../kernel/errors.ts';

/** What a flight carries. */
export interface FlightSource extends AsyncIterable<Buffer> {
  /** Set once the last block has passed. */
  readonly final: unknown;
}

export interface FlightOptions<Source extends FlightSource> {
  /** The signal fires when nobody reads any more. */
  readonly open: (signal: AbortSignal) => Promise<Source>;
  readonly maxBytes: number;
  /** Told once, when nobody can join any more; with all blocks when the answer is complete and was kept whole. */
  readonly onOver: (blocks: readonly Buffer[] | undefined) => void;
}

export class Flight<Source extends FlightSource> {
  readonly opened: Promise<Source>;
  source: Source | undefined;
  failure: DeciError | undefined;
  ended = false;
  readonly #options: FlightOptions<Source>;
  readonly #abort = new AbortController();
  readonly #readers = new Set<FlightReader<Source>>();
  #iterator: AsyncIterator<Buffer> | undefined;
  #blocks: Buffer[] = [];
  #bytes = 0;
  /** How many blocks were dropped from the front. */
  #dropped = 0;
  #pulling: Promise<void> | undefined;
  /** How far it had come when it was looked at last. */
  #seen = -1;
  #isPrivate = false;
  /** Up to where it is read on by itself. */
  #readOnBytes = 0;

  constructor(options: FlightOptions<Source>) {
    this.#options = options;
    this.opened = this.#open();
    // Readers may all have left by the time it fails.
    this.opened.catch(() => undefined);
  }

  get joinable(): boolean {
    return !this.#isOver && !this.#isPrivate && !this.#abort.signal.aborted;
  }

  /** That the backlog takes, or may take by itself. */
  get bytes(): number {
    return Math.max(this.#bytes, this.#readOnBytes);
  }

  /** A reader counts from here on, and must end by reading to the end, `return`, or its signal. */
  join(signal: AbortSignal): FlightReader<Source> {
    const reader = new FlightReader(this, signal);
    this.#readers.add(reader);
    return reader;
  }

  /** How far the answer has come. */
  get length(): number {
    return this.#dropped + this.#blocks.length;
  }

  block(at: number): Buffer | undefined {
    return this.#blocks[at - this.#dropped];
  }

  /** Never rejects: what goes wrong is in `failure`. */
  pull(): Promise<void> {
    this.#pulling ??= this.#pull();
    return this.#pulling;
  }

  /**
   * For a schedule: when nobody has asked for more since the last time, the rest is read for those who wait for all of it.
   * @param maxBytes what may be kept for the sake of that
   */
  look(maxBytes: number): void {
    const isStalled = this.source !== undefined && this.#pulling === undefined && this.length === this.#seen;
    this.#seen = this.length;
    if (!isStalled || !this.joinable) return;
    this.#readOnBytes = Math.min(maxBytes, this.#options.maxBytes / 2);
    void this.#readOn();
  }

  leave(reader: FlightReader<Source>): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0 || this.#isOver) return;
    if (this.source?.final !== undefined) {
      // Everything is there but the word that it is the end.
      void this.pull();
      return;
    }
    this.#abort.abort(new DeciError('client_closed'));
    this.#over(new DeciError('client_closed'));
    void this.#iterator?.return?.().catch(() => undefined);
  }

  get #isOver(): boolean {
    return this.ended || this.failure !== undefined;
  }

  async #open(): Promise<Source> {
    try {
      const source = await this.#options.open(this.#abort.signal);
      this.source = source;
      this.#iterator = source[Symbol.asyncIterator]();
      if (this.#isOver) await this.#iterator.return?.();
      return source;
    } catch (thrown) {
      const failure = toDeciError(thrown);
      this.#over(failure);
      throw failure;
    }
  }

  async #pull(): Promise<void> {
    try {
      const read = await this.#iterator?.next();
      if (read === undefined || read.done === true) this.#over(undefined);
      else this.#push(read.value);
    } catch (thrown) {
      this.#over(toDeciError(thrown));
    } finally {
      this.#pulling = undefined;
    }
  }

  async #readOn(): Promise<void> {
    while (this.joinable && this.#bytes < this.#readOnBytes) await this.pull();
    this.#keepToReaders();
  }

  #push(block: Buffer): void {
    this.#blocks.push(block);
    this.#bytes += block.length;
    if (this.#bytes <= this.#options.maxBytes) return;
    this.#keepToReaders();
    while (this.#bytes > this.#options.maxBytes && this.#blocks.length > 1) {
      this.#bytes -= this.#blocks.shift()?.length ?? 0;
      this.#dropped++;
    }
  }

  #over(failure: DeciError | undefined): void {
    if (this.#isOver) return;
    this.failure = failure;
    this.ended = failure === undefined;
    if (!this.#isPrivate) this.#options.onOver(this.ended ? this.#blocks : undefined);
  }

  #keepToReaders(): void {
    if (this.#isOver || this.#isPrivate) return;
    this.#isPrivate = true;
    this.#options.onOver(undefined);
  }
}

/** One caller's way through a flight. */
export class FlightReader<Source extends FlightSource> implements AsyncIterableIterator<Buffer> {
  readonly #flight: Flight<Source>;
  readonly #signal: AbortSignal;
  #at = 0;

  constructor(flight: Flight<Source>, signal: AbortSignal) {
    this.#flight = flight;
    this.#signal = signal;
    // For its whole life: who leaves between two blocks, or before the first, must not keep the generation going.
    signal.addEventListener('abort', this.#onAbort);
  }

  /** Whether this reader has read all there will be. */
  get atEnd(): boolean {
    const { source, length } = this.#flight;
    return source?.final !== undefined && this.#at === length;
  }

  /** @throws DeciError why it did not open, or the signal's reason */
  async opened(): Promise<Source> {
    if (this.#signal.aborted) this.#onAbort();
    return await this.#orAbort(this.#flight.opened);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer>> {
    for (;;) {
      const value = this.#flight.block(this.#at);
      if (value !== undefined) {
        this.#at++;
        return { done: false, value };
      }
      // Its place in the backlog is gone: it has read too slowly for too long.
      if (this.#at < this.#flight.length) throw this.#left(new DeciError('shared_answer_lagged'));
      if (this.#flight.failure !== undefined) throw this.#left(this.#flight.failure);
      if (this.#flight.ended) {
        this.#leave();
        return { done: true, value: undefined };
      }
      await this.#orAbort(this.#flight.pull());
    }
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.#leave();
    return { done: true, value: undefined };
  }

  #left(error: DeciError): DeciError {
    this.#leave();
    return error;
  }

  #leave(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#flight.leave(this);
  }

  readonly #onAbort = (): void => this.#leave();

  async #orAbort<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => {
      const { reason } = this.#signal as { reason: unknown };
      reject(this.#left(reason instanceof DeciError ? reason : new DeciError('client_closed', { cause: reason })));
    };
    if (this.#signal.aborted) onAbort();
    this.#signal.addEventListener('abort', onAbort);
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }
}

/**
 * The one shape of a background loop: never overlapping, jittered, cancelled by its owner; a failed tick is reported and
 * the loop goes on. The next tick is planned only after the current one has ended.
 */
export interface TickerOptions {
  readonly name: string;
  /** One round of work. Returns how long to wait before the next, in ms, when that differs from `intervalMs`. */
  readonly tick: (signal: AbortSignal) => Promise<number | undefined>;
  readonly intervalMs: number;
  /** Told of the first of several failures in a row: a loop that fails four times a second must not fill the log. */
  readonly onFailure: (error: unknown) => void;
  /** How long to wait behind a round that failed, in ms; `intervalMs` where it is absent. */
  readonly afterFailureMs?: (error: unknown) => number;
  /** A number in [0, 1); spreads loops that started together. */
  readonly random: () => number;
}

export class Ticker {
  readonly name: string;
  readonly #options: TickerOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isFailing = false;
  #isWoken = false;

  constructor(options: TickerOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Runs the first tick at once; the returned promise ends with it, whatever its result. */
  start(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** The next tick is due now, or as soon as the one that runs is over. Nothing where the loop was not started. */
  wake(): void {
    this.#isWoken = true;
    if (this.#timer === undefined || this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { tick, intervalMs, onFailure, afterFailureMs, random } = this.#options;
    let waitMs = intervalMs;
    this.#timer = undefined;
    this.#isWoken = false;
    try {
      waitMs = (await tick(this.#abort.signal)) ?? intervalMs;
      this.#isFailing = false;
    } catch (error) {
      if (!this.#abort.signal.aborted && !this.#isFailing) onFailure(error);
      this.#isFailing = true;
      waitMs = afterFailureMs?.(error) ?? intervalMs;
    }
    if (this.#abort.signal.aborted) return;
    const jitteredMs = this.#isWoken ? 0 : waitMs * (0.9 + 0.2 * random());
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, jitteredMs).unref();
  }
}

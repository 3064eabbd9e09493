/**
 * How many retries there may be: a share of the requests, so that a fault does not multiply the load that caused it, and a
 * trickle beside it, so that a quiet service can retry at all. A bucket of tokens; owner: one worker.
 */
export interface RetryBudgetOptions {
  /** Retries per request. 0 leaves the trickle. */
  readonly ratio: number;
  readonly nowMs: () => number;
}

const burst = 10;
const trickleMs = 10_000;

export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  #tokens = burst;
  #trickledAtMs: number;

  constructor(options: RetryBudgetOptions) {
    this.#options = options;
    this.#trickledAtMs = options.nowMs();
  }

  /** A request has come. */
  earn(): void {
    this.#tokens = Math.min(burst, this.#tokens + this.#options.ratio);
  }

  /** @returns false when there is nothing left */
  spend(): boolean {
    this.#trickle();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #trickle(): void {
    const steps = Math.floor((this.#options.nowMs() - this.#trickledAtMs) / trickleMs);
    if (steps <= 0) return;
    this.#trickledAtMs += steps * trickleMs;
    this.#tokens = Math.min(burst, this.#tokens + steps);
  }
}

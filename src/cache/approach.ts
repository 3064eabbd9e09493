/**
 * One who waits for another worker's answer asks, beside that, whether he may read along. Owner: one call of `elect`.
 *
 * Invariant: at most one question is under way; whatever is not given out by `wait` is ended by `giveUp`.
 */
export interface ApproachOptions<Joined> {
  /** Resolves with nothing, or rejects, when the answer cannot be read along, or not yet. */
  readonly ask: (signal: AbortSignal) => Promise<Joined | undefined>;
  readonly signal: AbortSignal;
  /** Monotonic, in ms. */
  readonly clock: () => number;
}

const askAgainMs = 500;

export class Approach<Joined> {
  readonly #options: ApproachOptions<Joined>;
  readonly #givenUp = new AbortController();
  readonly #joined = Promise.withResolvers<Joined>();
  #isAsking = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ApproachOptions<Joined>) {
    this.#options = options;
  }

  /** Asks, unless that is under way or was done a moment ago. */
  begin(): void {
    if (this.#isAsking || this.#options.clock() - this.#askedAtMs < askAgainMs) return;
    this.#askedAtMs = this.#options.clock();
    this.#isAsking = true;
    void this.#ask();
  }

  /** @returns what may be read along; undefined when `pause` is over first. Rejects as `pause` does. */
  async wait(pause: Promise<void>): Promise<Joined | undefined> {
    return (await Promise.race([this.#joined.promise, pause])) ?? undefined;
  }

  giveUp(): void {
    this.#givenUp.abort();
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const { ask, signal } = this.#options;
    try {
      const joined = await ask(AbortSignal.any([signal, this.#givenUp.signal]));
      if (joined !== undefined) this.#joined.resolve(joined);
      this.#isAsking = joined !== undefined;
    } catch {
      // Then he waits for what is recorded, or leads himself.
      this.#isAsking = false;
    }
  }
}

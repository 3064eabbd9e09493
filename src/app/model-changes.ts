/**
 * That somebody made, pulled, copied or removed a model through one worker, told to the others: a number in the shared state
 * that each of them looks at before it relies on what it knows of models. Owner: the composition root of a worker.
 */
export interface ModelChangesOptions {
  readonly counters: { get(key: string): number; add(key: string, by: number): number };
  readonly now: () => number;
  /** What is known of models is old. */
  readonly onChange: () => void;
}

const key = 'model changes';
const lookEveryMs = 100;

export class ModelChanges {
  readonly #options: ModelChangesOptions;
  #seen: number | undefined;
  #count = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ModelChangesOptions) {
    this.#options = options;
  }

  /** By this worker. */
  tell(): void {
    this.#changed();
    try {
      const count = this.#options.counters.add(key, 1);
      // One's own change is no news; with one of somebody else before it there is some.
      if (count - 1 === this.#seen) this.#seen = count;
    } catch {
      // The others see it with their next look at the host.
    }
  }

  /** Cheap: the number is read now and then. */
  look(): void {
    if (Math.abs(this.#options.now() - this.#lookedAtMs) >= lookEveryMs) this.#look();
  }

  /** Another number after any change up to this moment, by whichever worker; without the shared state, by this one. */
  count(): number {
    this.#look();
    return this.#count;
  }

  #look(): void {
    this.#lookedAtMs = this.#options.now();
    try {
      const count = this.#options.counters.get(key);
      if (this.#seen !== undefined && count !== this.#seen) this.#changed();
      this.#seen = count;
    } catch {
      // As above.
    }
  }

  #changed(): void {
    this.#count++;
    this.#options.onChange();
  }
}

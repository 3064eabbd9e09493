/** The trials that attempts of this worker hold: of all workers one attempt tries what is half open. Owner: the board of breakers. */

/** A trial that takes longer is another's turn: an attempt may wait for minutes. */
export const trialMs = 30_000;

export interface TrialStore {
  /** @returns what gives the trial back; undefined while another attempt has it */
  takeTrial(name: string): (() => void) | undefined;
}

/** Gives back, by the name of the breaker. */
export type HeldTrials = ReadonlyMap<string, () => void>;

export class Trials {
  readonly #store: TrialStore;
  readonly #nowMs: () => number;
  /** Since when, for when the store cannot be asked: then there is one of each worker. */
  readonly #held = new Map<string, number>();

  constructor(store: TrialStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** All of them or none. */
  take(names: readonly string[]): HeldTrials | undefined {
    const taken = new Map<string, () => void>();
    for (const name of new Set(names)) {
      const release = this.#isHeld(name) ? undefined : this.#store.takeTrial(name);
      if (release === undefined) {
        for (const give of taken.values()) give();
        return undefined;
      }
      const sinceMs = this.#nowMs();
      this.#held.set(name, sinceMs);
      taken.set(name, () => {
        if (this.#held.get(name) === sinceMs) this.#held.delete(name);
        release();
      });
    }
    return taken;
  }

  #isHeld(name: string): boolean {
    const sinceMs = this.#held.get(name);
    return sinceMs !== undefined && this.#nowMs() - sinceMs < trialMs;
  }
}

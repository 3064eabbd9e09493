/** Which healers are on, as the store says; looked up at most twice a second, and remembered while the store is away. */
import type { HealerMode } from './healer.ts';

export interface HealerModesOptions {
  readonly settings: { all(): Promise<ReadonlyMap<string, HealerMode>> };
  /** Monotonic, in ms. */
  readonly now: () => number;
}

const rememberMs = 500;

export class HealerModes {
  readonly #options: HealerModesOptions;
  #known: ReadonlyMap<string, HealerMode> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: HealerModesOptions) {
    this.#options = options;
  }

  /** A healer that nobody set is on. */
  async of(name: string): Promise<HealerMode> {
    const { settings, now } = this.#options;
    if (now() - this.#readAtMs > rememberMs) {
      this.#readAtMs = now();
      try {
        this.#known = await settings.all();
      } catch {
        // What was decided stays in force.
      }
    }
    return this.#known.get(name) ?? 'on';
  }
}

/**
 * Looks at a setting that is kept in the store, often enough that every worker follows within a second what another one wrote.
 * Owner: whoever knows what the setting means. When the store cannot be asked, which is told once, what was known last stays in
 * force.
 */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';

export interface FollowedSettingOptions {
  readonly name: string;
  /** @throws when the store cannot be asked */
  readonly read: () => void;
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const lookEveryMs = 250;

export class FollowedSetting implements Resource {
  readonly name: string;
  readonly #options: FollowedSettingOptions;
  readonly #ticker: Ticker;
  #failed = false;

  constructor(options: FollowedSettingOptions) {
    this.name = options.name;
    this.#options = options;
    this.#ticker = new Ticker({
      name: options.name,
      intervalMs: lookEveryMs,
      tick: async () => {
        this.look();
        return undefined;
      },
      random: options.random,
      onFailure: options.onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }

  /** For who wrote it, and who must see what another worker wrote a moment ago. */
  look(): void {
    try {
      this.#options.read();
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#options.onFailure(error);
      this.#failed = true;
    }
  }
}

/** Brings a store back that could not be opened, or that was lost: it is tried again and again, and proved each time. */
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';

export interface StoreKeeperOptions {
  readonly store: { readonly state: { readonly is: string }; reopen(): Promise<unknown> };
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
}

const tryEveryMs = 5000;

export class StoreKeeper implements Resource {
  readonly name = 'store-keeper';
  readonly #ticker: Ticker;

  constructor({ store, random, onFailure }: StoreKeeperOptions) {
    this.#ticker = new Ticker({
      name: this.name,
      intervalMs: tryEveryMs,
      tick: async () => {
        if (store.state.is === 'unavailable') await store.reopen();
        return undefined;
      },
      random,
      onFailure,
    });
  }

  async start(): Promise<void> {
    await this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
  }
}

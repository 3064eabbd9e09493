/** The requests for models that one host works on for this worker, and the signs of life it gives on them. Owner: its host. */
import { type Listed, SwapList } from '../kernel/swap-list.ts';
import type { UpstreamExchange } from './upstream-exchange.ts';

export interface Work {
  readonly inFlight: number;
  /** Whose answers are awaited; without repetition, and without those that only embed: these say nothing until all is done. */
  readonly models: readonly string[];
  /** Of the longest request that has no first token yet: the host may still be reading it. */
  readonly unreadBytes: number;
  /** The model that it is for; undefined when there is none. */
  readonly unreadModel?: string;
}

interface Generation extends Listed {
  readonly exchange: UpstreamExchange;
  readonly model: string;
  readonly bytes: number;
  /** Whether it asks for embeddings. */
  readonly embeds: boolean;
}

export class Generations {
  /** Counted up by every piece of an answer. */
  readonly pulse = { count: 0 };
  readonly #open = new SwapList<Generation>();

  /** @returns to be called when it is over */
  add(about: Omit<Generation, 'place'>): () => void {
    const generation = { ...about, place: -1 };
    this.#open.add(generation);
    return () => this.#open.delete(generation);
  }

  work(): Work {
    let unreadBytes = 0;
    let unreadModel: string | undefined;
    const models = new Set<string>();
    for (const { exchange, model, bytes, embeds } of this.#open) {
      if (embeds) continue;
      models.add(model);
      if (exchange.begun || bytes <= unreadBytes) continue;
      unreadBytes = bytes;
      unreadModel = model;
    }
    const unread = unreadModel === undefined ? { unreadBytes } : { unreadBytes, unreadModel };
    return { inFlight: this.#open.size, models: [...models], ...unread };
  }
}

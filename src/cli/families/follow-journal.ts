/**
 * Follows the journal: first its newest records, then each new one, in the order in which they were written, no record twice
 * and none left out, also over restarts of the server. Ends with its signal only.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../kernel/json.ts';
import { ApiFailure } from '../api-failure.ts';
import { idOf, type JournalPages } from './journal-pages.ts';

export interface Following {
  readonly pages: JournalPages;
  /** How many records to begin with. */
  readonly first: number;
  readonly onRecords: (records: readonly JsonObject[]) => void;
  /** Called once per outage. */
  readonly onOutage: (failure: ApiFailure) => void;
}

const pollMs = 1000;
/** Far more than a page: a server that repeats itself is not believed. */
const remembered = 10_000;

/** @throws ApiFailure when the server refuses, or cannot be reached at the very beginning */
export async function followJournal(following: Following, signal: AbortSignal): Promise<void> {
  const reader = new NewRecords(following);
  try {
    await reader.begin(signal);
    let isOut = false;
    for (;;) {
      await pause(pollMs, undefined, { signal });
      try {
        await reader.next(signal);
        isOut = false;
      } catch (error) {
        if (!(error instanceof ApiFailure && error.transient)) throw error;
        if (!isOut) following.onOutage(error);
        isOut = true;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Knows the last record told, and a bounded number before it. */
class NewRecords {
  readonly #following: Following;
  readonly #known = new Set<string>();
  #last: string | undefined;

  constructor(following: Following) {
    this.#following = following;
  }

  async begin(signal: AbortSignal): Promise<void> {
    const { pages, first } = this.#following;
    const { records } = await pages.newest(first, signal);
    this.#tell(records.toReversed());
  }

  async next(signal: AbortSignal): Promise<void> {
    // Nothing was there yet, so that everything there is now is new.
    if (this.#last === undefined) {
      const { records } = await this.#following.pages.newest(remembered, signal);
      this.#tell(records.toReversed());
      return;
    }
    for (;;) {
      const { records, hasMore } = await this.#following.pages.after(this.#last, signal);
      const told = this.#tell(records);
      if (!hasMore || told === 0) return;
    }
  }

  #tell(records: readonly JsonObject[]): number {
    const fresh = records.filter(record => !this.#known.has(idOf(record)));
    for (const record of fresh) {
      this.#last = idOf(record);
      this.#known.add(this.#last);
    }
    for (const id of this.#known) {
      if (this.#known.size <= remembered) break;
      this.#known.delete(id);
    }
    if (fresh.length > 0) this.#following.onRecords(fresh);
    return fresh.length;
  }
}

/** What all processes know of breakers: one row for each that ever opened. Failures are not in it; they are counters. */
import type { HotStore } from './hot-store.ts';

/** As the board of breakers has it; that a row is one of them is for whoever wrote it. */
export interface BreakerRow {
  readonly name: string;
  readonly state: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly opens: number;
  readonly cause: string;
}

const put = `
INSERT INTO breaker (name, state, since, until, opens, cause) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
  state = excluded.state, since = excluded.since, until = excluded.until, opens = excluded.opens, cause = excluded.cause
WHERE state <> excluded.state AND since <= excluded.since
RETURNING name`;

const maxRows = 2000;

export class BreakerRepository {
  readonly #store: HotStore;

  constructor(store: HotStore) {
    this.#store = store;
  }

  /** @throws StoreError */
  all(): readonly BreakerRow[] {
    return this.#store.all(`SELECT * FROM breaker LIMIT ${maxRows}`).map(row => ({
      name: String(row['name']),
      state: String(row['state']),
      sinceMs: Number(row['since']),
      untilMs: Number(row['until']),
      opens: Number(row['opens']),
      cause: String(row['cause']),
    }));
  }

  /** @returns false when it was in that state already, or is in a later one @throws StoreError */
  put({ name, state, sinceMs, untilMs, opens, cause }: BreakerRow): boolean {
    return this.#store.all(put, [name, state, sinceMs, untilMs, opens, cause]).length > 0;
  }

  /** Those that have been closed for so long that nobody asks any more. @throws StoreError */
  forget(closedBeforeMs: number): number {
    const sql = "DELETE FROM breaker WHERE state = 'closed' AND since < ? RETURNING 1";
    return this.#store.all(sql, [closedBeforeMs]).length;
  }
}

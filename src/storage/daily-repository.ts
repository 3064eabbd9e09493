/** For which day something that is done once a day was done last. */
import type { MainStore } from './main-store.ts';

export class DailyRepository {
  readonly #store: MainStore;
  readonly #now: () => Date;

  constructor(store: MainStore, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** @returns `2026-03-29`; undefined when it never was @throws StoreError when the store cannot be asked */
  lastDay(name: string): string | undefined {
    const row = this.#store.get('SELECT day FROM daily_run WHERE name = ?', [name]);
    return row === undefined ? undefined : String(row['day']);
  }

  /** Resolves when it is on the disk. */
  async remember(name: string, day: string): Promise<void> {
    await this.#store.write(
      `INSERT INTO daily_run (name, day, run_at) VALUES (?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET day = excluded.day, run_at = excluded.run_at`,
      [name, day, this.#now().toISOString()],
    );
  }
}

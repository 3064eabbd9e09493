/** Which hosts are to get nothing new; who decided that, and when. */
import type { MainStore } from './main-store.ts';

const maxHosts = 1000;

export class HostSettingsRepository {
  readonly #store: MainStore;
  readonly #now: () => Date;

  constructor(store: MainStore, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** @throws StoreError when the store cannot be asked */
  draining(): ReadonlySet<string> {
    const rows = this.#store.all('SELECT host FROM host_settings WHERE draining = 1 ORDER BY host LIMIT ?', [maxHosts]);
    return new Set(rows.map(row => String(row['host'])));
  }

  /** Resolves when it is on the disk. */
  async setDraining(host: string, draining: boolean, by: string): Promise<void> {
    await this.#store.write(
      `INSERT INTO host_settings (host, draining, set_by, set_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (host) DO UPDATE SET draining = excluded.draining, set_by = excluded.set_by, set_at = excluded.set_at`,
      [host, draining ? 1 : 0, by, this.#now().toISOString()],
    );
  }
}

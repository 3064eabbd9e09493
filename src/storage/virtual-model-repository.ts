/** The virtual models, each as the JSON that was accepted; who wrote it, and when. */
import { randomUUID } from 'node:crypto';
import type { MainStore } from './main-store.ts';

/** A row more than may be written, so that a list is never cut in silence. */
const maxRows = 1001;

export class VirtualModelRepository {
  readonly #store: MainStore;
  readonly #now: () => Date;

  constructor(store: MainStore, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** Another text after every change. @throws StoreError when the store cannot be asked */
  version(): string {
    const row = this.#store.get(
      "SELECT group_concat(stamp, ' ') AS stamps FROM (SELECT stamp FROM virtual_models ORDER BY key LIMIT ?)",
      [maxRows],
    );
    return String(row?.['stamps'] ?? '');
  }

  all(): readonly string[] {
    const rows = this.#store.all('SELECT record FROM virtual_models ORDER BY key LIMIT ?', [maxRows]);
    return rows.map(row => String(row['record']));
  }

  /** Resolves when it is on the disk. */
  async put({ key, json, by }: { readonly key: string; readonly json: string; readonly by: string }): Promise<void> {
    await this.#store.write(
      `INSERT INTO virtual_models (key, stamp, set_by, set_at, record) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET stamp = excluded.stamp, set_by = excluded.set_by, set_at = excluded.set_at,
        record = excluded.record`,
      [key, randomUUID(), by, this.#now().toISOString(), json],
    );
  }

  /** Durable when it resolves. False when there is one already, which stays. */
  async add({ key, json, by }: { readonly key: string; readonly json: string; readonly by: string }): Promise<boolean> {
    const { changes } = await this.#store.write(
      `INSERT INTO virtual_models (key, stamp, set_by, set_at, record) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (key) DO NOTHING`,
      [key, randomUUID(), by, this.#now().toISOString(), json],
    );
    return changes > 0;
  }

  /** False when there was none. */
  async remove(key: string): Promise<boolean> {
    const { changes } = await this.#store.write('DELETE FROM virtual_models WHERE key = ?', [key]);
    return changes > 0;
  }
}

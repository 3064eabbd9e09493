/** Which healers act, only say what they would do, or do nothing; who decided that, and when. */
import type { MainStore } from './main-store.ts';

export type HealerMode = 'on' | 'dry_run' | 'off';

const maxHealers = 1000;

export class HealerSettingsRepository {
  readonly #store: MainStore;

  constructor(store: MainStore) {
    this.#store = store;
  }

  /** By the name of the healer. One that nobody has set is not in it. */
  async all(): Promise<ReadonlyMap<string, HealerMode>> {
    const rows = this.#store.all('SELECT healer, mode FROM healer_settings ORDER BY healer LIMIT ?', [maxHealers]);
    return new Map(rows.map(row => [String(row['healer']), row['mode'] as HealerMode]));
  }

  /** Resolves when it is on the disk. @param timeIso RFC 3339, UTC */
  async set(healer: string, mode: HealerMode, by: string, timeIso: string): Promise<void> {
    await this.#store.write(
      `INSERT INTO healer_settings (healer, mode, set_by, set_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (healer) DO UPDATE SET mode = excluded.mode, set_by = excluded.set_by, set_at = excluded.set_at`,
      [healer, mode, by, timeIso],
    );
  }
}

/** Counters that all processes add to, exact: each addition is one statement that returns the new total. */
import type { HotStore } from './hot-store.ts';

export interface CounterRepositoryOptions {
  readonly store: HotStore;
  readonly now: () => number;
}

const add = `
INSERT INTO counter (key, total, expires_at) VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE SET
  total = excluded.total + CASE WHEN expires_at <= ?4 THEN 0 ELSE total END,
  expires_at = CASE WHEN expires_at <= ?4 THEN excluded.expires_at ELSE expires_at END
RETURNING total`;

const maxKeys = 2000;

export class CounterRepository {
  readonly #options: CounterRepositoryOptions;

  constructor(options: CounterRepositoryOptions) {
    this.#options = options;
  }

  /**
   * @param windowMs from the first addition on; then the counter begins again at zero. Without it, it stays.
   * @returns the new total
   */
  add(key: string, amount: number, windowMs?: number): number {
    const { store, now } = this.#options;
    const atMs = now();
    const row = store.get(add, [key, amount, windowMs === undefined ? null : atMs + windowMs, atMs]);
    return Number(row?.['total']);
  }

  get(key: string): number {
    const { store, now } = this.#options;
    const row = store.get('SELECT total FROM counter WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)', [
      key,
      now(),
    ]);
    return Number(row?.['total'] ?? 0);
  }

  /** Of those that begin so and whose window is not over; at most `maxKeys`. */
  keys(prefix: string): string[] {
    const { store, now } = this.#options;
    const sql = `SELECT key FROM counter WHERE key >= ?1 AND key < ?2 AND (expires_at IS NULL OR expires_at > ?3) LIMIT ${maxKeys}`;
    return store.all(sql, [prefix, `${prefix}\u{10FFFF}`, now()]).map(row => String(row['key']));
  }

  /** As `keys`, with their totals. */
  list(prefix: string): { readonly key: string; readonly total: number }[] {
    const { store, now } = this.#options;
    const sql = `SELECT key, total FROM counter WHERE key >= ?1 AND key < ?2 AND (expires_at IS NULL OR expires_at > ?3) LIMIT ${maxKeys}`;
    const rows = store.all(sql, [prefix, `${prefix}\u{10FFFF}`, now()]);
    return rows.map(row => ({ key: String(row['key']), total: Number(row['total']) }));
  }

  /** All that begin so. */
  resetAll(prefix: string): void {
    this.#options.store.all('DELETE FROM counter WHERE key >= ? AND key < ?', [prefix, `${prefix}\u{10FFFF}`]);
  }

  reset(key: string): void {
    this.#options.store.all('DELETE FROM counter WHERE key = ?', [key]);
  }

  /** Removes those whose window is over. @returns how many */
  reapExpired(): number {
    const { store, now } = this.#options;
    return store.all('DELETE FROM counter WHERE expires_at <= ? RETURNING 1', [now()]).length;
  }
}

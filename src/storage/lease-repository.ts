/**
 * Leases: who of all processes holds which of a limited number of places. Exact without any coordinator: a place is a row,
 * the key of the table forbids a second one, and what a dead process held is taken away by whoever needs it first.
 *
 * The methods answer at once, since a lease is taken on the way of every request. Whoever wants to be able to change to a
 * store over the network declares them as `T | Promise<T>` on its side and awaits them.
 */
import type { ProcessIdentity } from '../kernel/process-identity.ts';
import type { HotStore } from './hot-store.ts';
import type { Row } from './statements.ts';
import { StoreError } from './store-error.ts';

export interface Lease {
  readonly kind: string;
  readonly key: string;
  /** From 0 to one less than the capacity. */
  readonly slot: number;
  readonly token: number;
  readonly holder: ProcessIdentity;
  readonly expiresAtMs: number;
  readonly data: string | undefined;
}

export interface LeaseRequest {
  readonly kind: string;
  readonly key: string;
  /** At most 4,096. It may differ from one call to the next. */
  readonly capacity: number;
  readonly ttlMs: number;
  readonly data?: string | undefined;
  /** How many of the places may carry the same data; as many as there are when absent. */
  readonly sameDataMax?: number | undefined;
}

export interface LeaseRepositoryOptions {
  readonly store: HotStore;
  readonly self: ProcessIdentity;
  readonly now: () => number;
  readonly random: () => number;
  readonly isAlive: (holder: ProcessIdentity) => boolean;
  /** Leases that were found to be nobody's while a place was looked for. */
  readonly onReaped: (leases: readonly Lease[]) => void;
}

const maxCapacity = 4096;
/** A holder that was alive a moment ago is not asked for again: a full key is asked for often. */
const aliveForMs = 100;
const maxListed = 10_000;
const maxOwed = 1000;

const hasRoomForData = `
(?9 IS NULL OR (SELECT count(*) FROM lease WHERE kind = ?1 AND key = ?2 AND data = ?8) < ?9)`;

const takeNext = `
INSERT INTO lease (kind, key, slot, token, holder_pid, holder_start, expires_at, data)
SELECT ?1, ?2, next, ?4, ?5, ?6, ?7, ?8
FROM (SELECT coalesce(max(slot) + 1, 0) AS next FROM lease WHERE kind = ?1 AND key = ?2)
WHERE next < ?3 AND ${hasRoomForData}
RETURNING slot`;

const takeGap = `
INSERT INTO lease (kind, key, slot, token, holder_pid, holder_start, expires_at, data)
SELECT ?1, ?2, min(free), ?4, ?5, ?6, ?7, ?8
FROM (
  SELECT 0 AS free WHERE NOT EXISTS (SELECT 1 FROM lease WHERE kind = ?1 AND key = ?2 AND slot = 0)
  UNION ALL
  SELECT slot + 1 FROM lease AS below WHERE kind = ?1 AND key = ?2 AND NOT EXISTS (
    SELECT 1 FROM lease AS above WHERE above.kind = ?1 AND above.key = ?2 AND above.slot = below.slot + 1)
)
WHERE (SELECT count(*) FROM lease WHERE kind = ?1 AND key = ?2) < ?3 AND ${hasRoomForData}
HAVING min(free) IS NOT NULL
RETURNING slot`;

const isThis = 'kind = ? AND key = ? AND slot = ? AND token = ?';
const isOfHolder = 'holder_pid = ? AND holder_start = ?';

export class LeaseRepository {
  readonly #options: LeaseRepositoryOptions;
  readonly #aliveAtMs = new Map<string, number>();
  readonly #owed: Lease[] = [];

  constructor(options: LeaseRepositoryOptions) {
    this.#options = options;
  }

  /** @returns undefined when all places are held by the living @throws StoreError when the store cannot be asked */
  take(request: LeaseRequest): Lease | undefined {
    const taken = this.#insert(request);
    if (taken !== undefined || this.#reapOf(request.kind, request.key) === 0) return taken;
    return this.#insert(request);
  }

  /** @returns undefined when it is not held any more: it had expired, or the store was lost */
  renew(lease: Lease, ttlMs: number): Lease | undefined {
    const { store, now } = this.#options;
    const expiresAtMs = now() + ttlMs;
    const { kind, key, slot, token } = lease;
    const sql = `UPDATE lease SET expires_at = ? WHERE ${isThis} RETURNING slot`;
    const rows = store.all(sql, [expiresAtMs, kind, key, slot, token]);
    return rows.length === 0 ? undefined : { ...lease, expiresAtMs };
  }

  /**
   * A lock that comes too late does not leave the place taken: it is given back later, by `settle` at the latest.
   * @returns false when it was not held any more
   */
  release(lease: Lease): boolean {
    try {
      return this.#remove(lease);
    } catch (error) {
      if (!isLate(error) || this.#owed.length >= maxOwed) throw error;
      this.#owed.push(lease);
      return true;
    }
  }

  /** For a schedule in every process: gives back what could not be given back in its time. @returns how many are left */
  settle(): number {
    for (let lease = this.#owed.at(-1); lease !== undefined; lease = this.#owed.at(-1)) {
      try {
        this.#remove(lease);
      } catch (error) {
        if (isLate(error)) break;
        throw error;
      }
      this.#owed.pop();
    }
    return this.#owed.length;
  }

  list({ kind, key }: { readonly kind?: string; readonly key?: string } = {}): readonly Lease[] {
    const wanted = [...(kind === undefined ? [] : ['kind = ?']), ...(key === undefined ? [] : ['key = ?'])];
    const where = wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`;
    const params = [kind, key].filter(value => value !== undefined);
    return this.#options.store.all(`SELECT * FROM lease ${where} LIMIT ${maxListed}`, params).map(toLease);
  }

  holders(): readonly ProcessIdentity[] {
    return this.#options.store.all('SELECT DISTINCT holder_pid, holder_start FROM lease').map(toHolder);
  }

  reapExpired(): readonly Lease[] {
    const { store, now } = this.#options;
    return store.all('DELETE FROM lease WHERE expires_at <= ? RETURNING *', [now()]).map(toLease);
  }

  releaseAll({ pid, start }: ProcessIdentity): readonly Lease[] {
    return this.#options.store.all(`DELETE FROM lease WHERE ${isOfHolder} RETURNING *`, [pid, start]).map(toLease);
  }

  #remove({ kind, key, slot, token }: Lease): boolean {
    const sql = `DELETE FROM lease WHERE ${isThis} RETURNING slot`;
    return this.#options.store.all(sql, [kind, key, slot, token]).length > 0;
  }

  /** Whether another process holds something under this key, with data that begin like this. */
  isHeldByOthers(kind: string, key: string, dataStart = ''): boolean {
    const { store, self } = this.#options;
    const ofOthers = `kind = ? AND key = ? AND NOT (${isOfHolder})`;
    const sql = `SELECT 1 FROM lease WHERE ${ofOthers} AND substr(coalesce(data, ''), 1, ?) = ? LIMIT 1`;
    return store.get(sql, [kind, key, self.pid, self.start, dataStart.length, dataStart]) !== undefined;
  }

  /** Another number after any change of another process. */
  version(): number {
    return this.#options.store.version();
  }

  /** How many are held, by whomever; of those that carry these data, if they are given. */
  count(kind: string, key: string, data?: string): number {
    const sql = 'SELECT count(*) AS held FROM lease WHERE kind = ?1 AND key = ?2 AND (?3 IS NULL OR data = ?3)';
    return Number(this.#options.store.get(sql, [kind, key, data ?? null])?.['held'] ?? 0);
  }

  /**
   * Takes the place of another lease, whoever holds it, in one step.
   * @returns undefined when nobody holds it any more
   */
  replace({ kind, key, slot, token }: Lease, { ttlMs, data }: Pick<LeaseRequest, 'ttlMs' | 'data'>): Lease | undefined {
    const { store, self, now, random } = this.#options;
    const mine = Math.floor(random() * Number.MAX_SAFE_INTEGER);
    const expiresAtMs = now() + ttlMs;
    const sql = `UPDATE lease SET token = ?, holder_pid = ?, holder_start = ?, expires_at = ?, data = ? WHERE ${isThis} RETURNING slot`;
    const params = [mine, self.pid, self.start, expiresAtMs, data ?? null, kind, key, slot, token];
    return store.get(sql, params) === undefined
      ? undefined
      : { kind, key, slot, token: mine, holder: self, expiresAtMs, data };
  }

  #insert({ kind, key, capacity, ttlMs, data, sameDataMax }: LeaseRequest): Lease | undefined {
    const { store, self, now, random } = this.#options;
    const token = Math.floor(random() * Number.MAX_SAFE_INTEGER);
    const expiresAtMs = now() + ttlMs;
    const bounded = Math.min(capacity, maxCapacity);
    const params = [kind, key, bounded, token, self.pid, self.start, expiresAtMs, data ?? null, sameDataMax ?? null];
    // Behind the highest place is nearly always room, and finding it costs one look; only then are gaps worth a search.
    const row = store.get(takeNext, params) ?? (bounded > 1 ? store.get(takeGap, params) : undefined);
    if (row === undefined) return undefined;
    return { kind, key, slot: Number(row['slot']), token, holder: self, expiresAtMs, data };
  }

  /** @returns how many places became free */
  #reapOf(kind: string, key: string): number {
    const owed = this.#owed.length;
    const given = owed === 0 ? 0 : owed - this.settle();
    const { store, now, onReaped } = this.#options;
    const ofKey = 'kind = ? AND key = ?';
    const rows = store.all(
      `SELECT holder_pid, holder_start, min(expires_at) AS first FROM lease WHERE ${ofKey} GROUP BY 1, 2`,
      [kind, key],
    );
    const dead = rows.map(toHolder).filter(holder => !this.#seemsAlive(holder));
    const reaped = dead.flatMap(({ pid, start }) =>
      store.all(`DELETE FROM lease WHERE ${ofKey} AND ${isOfHolder} RETURNING *`, [kind, key, pid, start]),
    );
    if (rows.some(row => Number(row['first']) <= now())) {
      reaped.push(...store.all(`DELETE FROM lease WHERE ${ofKey} AND expires_at <= ? RETURNING *`, [kind, key, now()]));
    }
    if (reaped.length > 0) onReaped(reaped.map(toLease));
    return given + reaped.length;
  }

  #seemsAlive(holder: ProcessIdentity): boolean {
    const { self, now, isAlive } = this.#options;
    if (holder.pid === self.pid && holder.start === self.start) return true;
    const name = `${holder.pid} ${holder.start}`;
    const atMs = now();
    if (Math.abs(atMs - (this.#aliveAtMs.get(name) ?? Number.NEGATIVE_INFINITY)) < aliveForMs) return true;
    this.#aliveAtMs.delete(name);
    if (!isAlive(holder)) return false;
    if (this.#aliveAtMs.size > 1000) this.#aliveAtMs.clear();
    this.#aliveAtMs.set(name, atMs);
    return true;
  }
}

function isLate(error: unknown): boolean {
  return error instanceof StoreError && error.reason === 'locked';
}

function toHolder(row: Row): ProcessIdentity {
  return { pid: Number(row['holder_pid']), start: String(row['holder_start']) };
}

function toLease(row: Row): Lease {
  return {
    kind: String(row['kind']),
    key: String(row['key']),
    slot: Number(row['slot']),
    token: Number(row['token']),
    holder: toHolder(row),
    expiresAtMs: Number(row['expires_at']),
    data: row['data'] === null ? undefined : String(row['data']),
  };
}

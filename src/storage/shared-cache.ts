/**
 * A cache that all processes share and that may be lost, on the disk: it is meant to be larger than memory allows. It lies in
 * a hot store of its own, in the run folder, which no backup takes along. Owner: the composition root.
 *
 * Bounded in bytes of values; what was not used for the longest time goes first, to within a minute. Where the disk has little left,
 * the file does not grow any more: what is new takes the place of what is old, and the journal keeps room to write. An entry's tags are
 * written with it, in one transaction, and fall with it, so that an entry never outlives a purge of its tag because somebody was
 * killed.
 */
import { setImmediate as pause } from 'node:timers/promises';
import type { Change, HotStore } from './hot-store.ts';
import { StoreError } from './store-error.ts';

export interface SharedCacheOptions {
  readonly store: HotStore;
  readonly maxBytes: number;
  readonly now: () => number;
  /** Larger values are not kept: reading one would hold the event loop. */
  readonly maxValueBytes?: number;
  /** What holds when the file, or its disk, is full; without it, room is made and nobody is told. */
  readonly whenFull?: WhenFull | undefined;
  /** Of what is left on its disk, in bytes, and what of that is not to be used up; without it, all may be. */
  readonly disk?: { readonly freeBytes: () => number; readonly reserveBytes: number } | undefined;
}

export interface CacheEntry {
  readonly key: string;
  readonly value: Buffer;
  readonly ttlMs: number;
  readonly tags?: readonly string[];
}

export interface WhenFull {
  /** Whether older entries may go, before they would. */
  mayEvict(cause: StoreError): boolean;
  evicted(cause: StoreError, entries: number): void;
}

const defaultMaxValueBytes = 4 * 1024 * 1024;
const touchAfterMs = 60_000;
const evictAtOnce = 32;
/** What one call may evict; the rest is left to the next. */
const maxEvictRounds = 16;
const purgeAtOnce = 100;
/** What a value takes beside itself: its key, its tags, the rest of its last page. */
const perEntryBytes = 16_384;
/** For pages of the trees that are split meanwhile. */
const spareBytes = 65_536;

export const cacheSchema = `
CREATE TABLE entry (
  key TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  value BLOB NOT NULL
) STRICT;
CREATE INDEX entry_by_use ON entry (used_at);
CREATE INDEX entry_by_expiry ON entry (expires_at);
CREATE TABLE tag (tag TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (tag, key)) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_key ON tag (key);
CREATE TABLE size (id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
INSERT INTO size VALUES (0, 0);
CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
  UPDATE size SET bytes = bytes + new.bytes;
END;
CREATE TRIGGER entry_changed AFTER UPDATE OF bytes ON entry BEGIN
  UPDATE size SET bytes = bytes + new.bytes - old.bytes;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
  UPDATE size SET bytes = bytes - old.bytes;
  DELETE FROM tag WHERE key = old.key;
END`;

export class SharedCache {
  readonly #options: SharedCacheOptions;
  readonly #maxValueBytes: number;

  constructor(options: SharedCacheOptions) {
    this.#options = options;
    this.#maxValueBytes = Math.min(options.maxValueBytes ?? defaultMaxValueBytes, options.maxBytes);
  }

  get(key: string): Buffer | undefined {
    const { store, now } = this.#options;
    const atMs = now();
    const row = store.get('SELECT value, used_at FROM entry WHERE key = ? AND expires_at > ?', [key, atMs]);
    if (row === undefined) return undefined;
    if (atMs - Number(row['used_at']) > touchAfterMs) this.#touch(key, atMs);
    const value = row['value'] as Uint8Array;
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }

  /** @returns false when it was not kept: too large, or no room */
  set(key: string, value: Buffer, { ttlMs, tags = [] }: { ttlMs: number; tags?: readonly string[] }): boolean {
    return this.setAll([{ key, value, ttlMs, tags }]) === 1;
  }

  /**
   * In one transaction.
   * @returns how many were kept: what is too large is not, and when there is no room nothing is
   */
  setAll(entries: readonly CacheEntry[]): number {
    const { store, now } = this.#options;
    const kept = entries.filter(({ value }) => value.length <= this.#maxValueBytes);
    const atMs = now();
    if (!this.#hasRoomFor(kept)) return 0;
    try {
      store.batch(kept.flatMap(entry => changesFor(entry, atMs)));
      this.#evict();
      return kept.length;
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'full') throw error;
      this.#makeRoom(error);
      return 0;
    }
  }

  delete(key: string): boolean {
    return this.#options.store.all('DELETE FROM entry WHERE key = ? RETURNING 1', [key]).length > 0;
  }

  /** Everything, or what carries a tag; in portions between which others get their turn. @returns how many entries */
  async purge({ tag }: { readonly tag?: string } = {}, signal?: AbortSignal): Promise<number> {
    if (tag === undefined) return await this.#removeAll('SELECT key FROM entry', [], signal);
    return await this.#removeAll('SELECT key FROM tag WHERE tag = ?', [tag], signal);
  }

  /** For a schedule. @returns how many entries */
  async reapExpired(signal?: AbortSignal): Promise<number> {
    return await this.#removeAll('SELECT key FROM entry WHERE expires_at <= ?', [this.#options.now()], signal);
  }

  usage(): { readonly bytes: number; readonly entries: number } {
    const row = this.#options.store.get('SELECT bytes, (SELECT count(*) FROM entry) AS entries FROM size');
    return { bytes: Number(row?.['bytes'] ?? 0), entries: Number(row?.['entries'] ?? 0) };
  }

  async #removeAll(keys: string, params: ReadonlyArray<string | number>, signal?: AbortSignal): Promise<number> {
    const sql = `DELETE FROM entry WHERE key IN (${keys} LIMIT ${purgeAtOnce}) RETURNING 1`;
    let removed = 0;
    for (;;) {
      signal?.throwIfAborted();
      const portion = this.#options.store.all(sql, params).length;
      removed += portion;
      if (portion === 0) return removed;
      await pause();
    }
  }

  #evict(): void {
    for (let round = 0; round < maxEvictRounds; round++) {
      const bytes = Number(this.#options.store.get('SELECT bytes FROM size')?.['bytes'] ?? 0);
      if (bytes <= this.#options.maxBytes || this.#evictOnce() === 0) return;
    }
  }

  /** Whether they find room, by letting older ones go if need be. */
  #hasRoomFor(entries: readonly CacheEntry[]): boolean {
    const { disk, store, whenFull } = this.#options;
    if (disk === undefined || disk.freeBytes() >= disk.reserveBytes) return true;
    const wanted = entries.reduce((sum, { value }) => sum + value.length + perEntryBytes, spareBytes);
    if (this.#freeInFile() >= wanted) return true;
    const detail = `less than ${Math.round(disk.reserveBytes / 1024 ** 2)} MB are left`;
    const cause = new StoreError('full', { path: store.dir, detail });
    if (whenFull?.mayEvict(cause) === false) return false;
    let evicted = 0;
    for (let round = 0; round < maxEvictRounds && this.#freeInFile() < wanted; round++) {
      const gone = this.#evictOnce();
      if (gone === 0) break;
      evicted += gone;
    }
    whenFull?.evicted(cause, evicted);
    return this.#freeInFile() >= wanted;
  }

  /** Pages that hold nothing any more, in bytes. */
  #freeInFile(): number {
    const { store } = this.#options;
    const pages = Number(store.get('PRAGMA freelist_count')?.['freelist_count'] ?? 0);
    return pages * Number(store.get('PRAGMA page_size')?.['page_size'] ?? 0);
  }

  /** @throws StoreError where not even that is possible: the disk is full, not the file */
  #makeRoom(cause: StoreError): void {
    const { whenFull } = this.#options;
    if (whenFull?.mayEvict(cause) === false) return;
    const entries = this.#evictOnce();
    whenFull?.evicted(cause, entries);
  }

  #evictOnce(): number {
    const oldest = `SELECT key FROM entry ORDER BY used_at LIMIT ${evictAtOnce}`;
    return this.#options.store.all(`DELETE FROM entry WHERE key IN (${oldest}) RETURNING 1`).length;
  }

  /** That it was used is worth a write, not a failure. */
  #touch(key: string, atMs: number): void {
    try {
      this.#options.store.all('UPDATE entry SET used_at = ? WHERE key = ?', [atMs, key]);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

const insertTags = 'INSERT INTO tag (tag, key) SELECT value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING';
const insertEntry = `
INSERT INTO entry (key, bytes, expires_at, used_at, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes, expires_at = excluded.expires_at,
  used_at = excluded.used_at, value = excluded.value`;

function changesFor({ key, value, ttlMs, tags = [] }: CacheEntry, atMs: number): readonly Change[] {
  const insert: Change = [insertEntry, [key, value.length, atMs + ttlMs, atMs, value]];
  if (tags.length === 0) return [insert];
  return [['DELETE FROM entry WHERE key = ?', [key]], [insertTags, [key, JSON.stringify(tags)]], insert];
}

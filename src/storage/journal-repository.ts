/**
 * The journal of healing: one record an episode, on the disk before the action starts, completed after it. The methods are
 * asynchronous although reading is not, so that a database server could stand here.
 *
 * Records are told in the order in which they were committed, which is also what a reader that follows them needs: of two
 * processes, the one that made its id first may write it last.
 */
import type { ProcessIdentity } from '../kernel/process-identity.ts';
import { type JournalQuery, lastLookedAt, pageOf } from './journal-query.ts';
import type { MainStore } from './main-store.ts';
import type { Row } from './statements.ts';

export interface JournalRecord {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly healer: string;
  readonly trigger: {
    readonly signal: string;
    readonly value: number | string | null;
    readonly threshold: number | string | null;
  };
  readonly decision: string;
  readonly action: string;
  readonly target: string;
  /** null while it is under way. */
  readonly result: JournalResult | null;
  readonly duration_ms: number | null;
  readonly requests_affected: number | null;
  /** Of the requests, traces and alerts it belongs to. */
  readonly ids: readonly string[];
}

export type JournalResult = 'healed' | 'no_effect' | 'worse' | 'suppressed' | 'dry_run';

export interface JournalPage {
  readonly records: readonly JournalRecord[];
  readonly hasMore: boolean;
  /** Where the next page begins, when it is not behind the last record: so far was looked, and found no more. */
  readonly lookedTo?: string;
}

const maxLimit = 500;
const maxIds = 100;
const pruneBatch = 1000;
/** A prune that finds more than this leaves the rest to the next one. */
const maxPruneBatches = 100;

export class JournalRepository {
  readonly #store: MainStore;
  readonly #self: ProcessIdentity;

  /** @param self whose records these are, until they are completed */
  constructor(store: MainStore, self: ProcessIdentity) {
    this.#store = store;
    this.#self = self;
  }

  /**
   * Resolves when the record is on the disk; the action starts after that. May be repeated when nobody can tell whether it
   * was written: what is there already is at most completed.
   */
  async open(record: JournalRecord): Promise<void> {
    const { signal, value, threshold } = record.trigger;
    const { id, time, healer, decision, action, target, result, duration_ms, requests_affected } = record;
    const outcome = [result, duration_ms, requests_affected, JSON.stringify(record.ids.slice(0, maxIds))];
    await this.#store.write(
      `INSERT INTO journal (id, time, healer, signal, value, threshold, decision, action, target,
        result, duration_ms, requests_affected, ids, holder_pid, holder_start)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET result = excluded.result, duration_ms = excluded.duration_ms,
        requests_affected = excluded.requests_affected WHERE journal.result IS NULL`,
      [
        id,
        time,
        healer,
        signal,
        value,
        threshold,
        decision,
        action,
        target,
        ...outcome,
        this.#self.pid,
        this.#self.start,
      ],
    );
  }

  /** @returns false when there is no such record, or when it is complete already */
  async complete(
    id: string,
    outcome: { result: JournalResult; duration_ms: number | null; requests_affected: number | null },
  ): Promise<boolean> {
    const { changes } = await this.#store.write(
      'UPDATE journal SET result = ?, duration_ms = ?, requests_affected = ? WHERE id = ? AND result IS NULL',
      [outcome.result, outcome.duration_ms, outcome.requests_affected, id],
    );
    return changes > 0;
  }

  async list(query: JournalQuery): Promise<JournalPage> {
    const bounded = Math.max(1, Math.min(maxLimit, Math.floor(query.limit)));
    const { sql, params } = pageOf(query, bounded + 1);
    const rows = this.#store.all(sql, params);
    const records = rows.slice(0, bounded).map(toRecord);
    if (rows.length > bounded) return { records, hasMore: true };
    const end = lastLookedAt(query);
    const row = end === undefined ? undefined : this.#store.get(end.sql, end.params);
    return row === undefined ? { records, hasMore: false } : { records, hasMore: true, lookedTo: String(row['id']) };
  }

  /** Under way, opened by a process that is not alive any more: nobody will complete them. */
  async leftOpen(isAlive: (holder: ProcessIdentity) => boolean): Promise<readonly JournalRecord[]> {
    const rows = this.#store.all('SELECT * FROM journal WHERE result IS NULL ORDER BY seq LIMIT ?', [maxLimit]);
    return rows
      .filter(row => !isAlive({ pid: Number(row['holder_pid']), start: String(row['holder_start']) }))
      .map(toRecord);
  }

  /** How often a healer has acted; what was suppressed or only a dry run is not an action. */
  async countSince(healer: string, sinceIso: string): Promise<number> {
    const row = this.#store.get(
      `SELECT count(*) AS acted FROM journal
      WHERE healer = ? AND time >= ? AND (result IS NULL OR result NOT IN ('suppressed', 'dry_run'))`,
      [healer, sinceIso],
    );
    return Number(row?.['acted'] ?? 0);
  }

  /** How many actions there were since then, and who acts right now. */
  async summary(sinceIso: string): Promise<{ readonly actions: number; readonly active: readonly string[] }> {
    const row = this.#store.get(
      `SELECT count(*) AS acted FROM journal
      WHERE time >= ? AND (result IS NULL OR result NOT IN ('suppressed', 'dry_run'))`,
      [sinceIso],
    );
    const active = this.#store.all('SELECT DISTINCT healer FROM journal WHERE result IS NULL LIMIT 100');
    return { actions: Number(row?.['acted'] ?? 0), active: active.map(({ healer }) => String(healer)) };
  }

  /** Removes complete records from before that time. @returns how many */
  async prune(beforeIso: string, signal?: AbortSignal): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < maxPruneBatches; batch++) {
      const { changes } = await this.#store.write(
        `DELETE FROM journal WHERE seq IN (
          SELECT seq FROM journal WHERE time < ? AND result IS NOT NULL LIMIT ${pruneBatch})`,
        [beforeIso],
        signal,
      );
      removed += changes;
      if (changes < pruneBatch) break;
    }
    return removed;
  }
}

function toRecord(row: Row): JournalRecord {
  return {
    id: String(row['id']),
    time: String(row['time']),
    healer: String(row['healer']),
    trigger: {
      signal: String(row['signal']),
      value: row['value'] as number | string | null,
      threshold: row['threshold'] as number | string | null,
    },
    decision: String(row['decision']),
    action: String(row['action']),
    target: String(row['target']),
    result: row['result'] as JournalResult | null,
    duration_ms: row['duration_ms'] as number | null,
    requests_affected: row['requests_affected'] as number | null,
    ids: JSON.parse(String(row['ids'])) as string[],
  };
}

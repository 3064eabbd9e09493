/**
 * State that all processes of an installation share and that may be lost: SQLite without fsync, in memory where there is a
 * memory file system. Owner: the composition root of each process; every process has the same file open.
 *
 * - Every statement, or batch of them, is one transaction of a few microseconds, or waits for the lock for at most `budgetMs`, in naps that
 *   are shorter than SQLite's own. It never holds the event loop longer.
 * - A file is never written over. Each has a number in its name; the highest is the current one. Whoever finds it damaged
 *   makes the next and removes the old; the others see before their next statement that theirs is gone and follow. A
 *   file that cannot be used for another reason is only opened again: it may be well for everybody else.
 * - A rebuild loses the rows, not the exactness afterwards: for as long as their holders keep what they took before it,
 *   there may be twice as many holders as there should be. Their renewals fail, which tells them.
 * - The index of the write-ahead log is mapped into memory: touching it after somebody has cut it would kill the process.
 *   It is looked at before every statement. Only who may write in the folder, which is us, can cut it in between.
 */
import { truncateSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type FileSeries, indexBytes, openCurrent } from './hot/file-series.ts';
import { statOf } from './stat-of.ts';
import { type Row, Statements } from './statements.ts';
import { StoreError, toStoreError } from './store-error.ts';

export interface HotStoreOptions {
  readonly dir: string;
  /** Of the file; its schema and the version of that are in the name, so that releases that differ do not share one. */
  readonly name: string;
  readonly schema: string;
  readonly maxBytes: number;
  readonly now: () => number;
  /** The store was lost and made anew. */
  readonly onRebuilt: (cause: StoreError) => void;
  /** Asked before a file is given up that is damaged; without it, always. */
  readonly mayRebuild?: (cause: StoreError) => boolean;
  readonly budgetMs?: number;
  /** Pages of the file that each process keeps at hand. */
  readonly pageCacheKb?: number;
}

/** A statement that changes something, with its parameters. */
export type Change = readonly [sql: string, params: readonly SQLInputValue[]];

interface Connection {
  readonly db: DatabaseSync;
  readonly statements: Statements;
  readonly path: string;
  readonly indexPath: string;
  readonly indexInode: number;
}

const defaultBudgetMs = 50;
const defaultPageCacheKb = 512;
/** Damage that comes back at once is not repaired by making the file again and again. */
const repairPauseMs = 1000;
const napMs = 0.05;
const maxWalBytes = 8 * 1024 * 1024;

export class HotStore {
  readonly dir: string;
  readonly #options: HotStoreOptions;
  readonly #series: FileSeries;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #connection: Connection | undefined;
  #repairedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: HotStoreOptions) {
    this.dir = options.dir;
    this.#options = options;
    const { dir, name, schema, maxBytes, now, pageCacheKb = defaultPageCacheKb } = options;
    this.#series = { dir, name, schema, maxBytes, maxWalBytes, pageCacheKb, now };
  }

  /**
   * One statement, to its end.
   * @throws StoreError `locked` when the lock was not to be had within the budget, `full`, `read_only`, or `unavailable`
   */
  all(sql: string, params: readonly SQLInputValue[] = []): Row[] {
    return this.#run(sql, params);
  }

  /** Several statements in one transaction: all of them, or none. @throws StoreError as `all` */
  batch(changes: readonly Change[]): void {
    if (changes.length > 0) this.#run(changes, []);
  }

  #run(work: string | readonly Change[], params: readonly SQLInputValue[]): Row[] {
    const deadline = performance.now() + (this.#options.budgetMs ?? defaultBudgetMs);
    let repaired = false;
    for (;;) {
      try {
        const { statements } = this.#current();
        return typeof work === 'string' ? statements.all(work, params) : inOne(statements, work);
      } catch (thrown) {
        const error = toStoreError(thrown, this.#connection?.path ?? this.dir);
        if (error instanceof StoreError && error.reason === 'locked' && performance.now() < deadline) {
          Atomics.wait(this.#sleeper, 0, 0, napMs);
        } else if (!repaired && this.#mayRepair(error)) {
          repaired = true;
          this.#repair(error);
        } else {
          throw error;
        }
      }
    }
  }

  get(sql: string, params: readonly SQLInputValue[] = []): Row | undefined {
    return this.all(sql, params)[0];
  }

  /** Another number after any change of another process; what this one changes does not count. Costs next to nothing. */
  version(): number {
    return Number(this.get('PRAGMA data_version')?.['data_version']);
  }

  /** Opens again with the next statement. */
  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    // Closing touches the index too.
    const index = statOf(connection.indexPath);
    if (index !== undefined && index.size < indexBytes) truncateSync(connection.indexPath, indexBytes);
    try {
      connection.db.close();
    } catch {
      // A file that is given up owes us nothing.
    }
  }

  #current(): Connection {
    const connection = this.#connection;
    if (connection === undefined) return this.#open(undefined, undefined);
    const index = statOf(connection.indexPath);
    if (index === undefined || index.ino !== connection.indexInode) {
      this.close();
      return this.#open(undefined, new StoreError('unavailable', { path: connection.path, detail: 'it was removed' }));
    }
    if (index.size >= indexBytes) return connection;
    throw new StoreError('damaged', { path: connection.path, detail: 'its index was cut' });
  }

  /** @param lost why there may be a new file, when that is not simply the first one */
  #open(broken: string | undefined, lost: StoreError | undefined): Connection {
    const { db, path, isNew } = openCurrent(this.#series, broken);
    const indexPath = `${path}-shm`;
    this.#connection = {
      db,
      path,
      indexPath,
      indexInode: statOf(indexPath)?.ino ?? 0,
      statements: new Statements(db, { slowMs: Number.POSITIVE_INFINITY, onSlow: () => undefined }),
    };
    if (isNew && lost !== undefined) this.#options.onRebuilt(lost);
    return this.#connection;
  }

  /** What cannot be used may be so for this process alone, by a limit of its own: that takes the file from nobody. */
  #mayRepair(error: unknown): error is StoreError {
    if (!(error instanceof StoreError)) return false;
    if (error.reason !== 'damaged' && error.reason !== 'unavailable') return false;
    if (this.#options.now() - this.#repairedAtMs < repairPauseMs) return false;
    return error.reason !== 'damaged' || this.#options.mayRebuild?.(error) !== false;
  }

  #repair(error: StoreError): void {
    const broken = error.reason === 'damaged' ? this.#connection?.path : undefined;
    this.#repairedAtMs = this.#options.now();
    this.close();
    this.#open(broken, error);
  }
}

function inOne(statements: Statements, changes: readonly Change[]): Row[] {
  statements.all('BEGIN IMMEDIATE');
  try {
    for (const [sql, params] of changes) statements.all(sql, params);
    return statements.all('COMMIT');
  } catch (error) {
    rollBack(statements);
    throw error;
  }
}

function rollBack(statements: Statements): void {
  try {
    statements.all('ROLLBACK');
  } catch {
    // Some failures have done so already.
  }
}

/**
 * The main store: what must be kept, in one SQLite file for all processes. Owner: the composition root of each process.
 *
 * - Reads run here, on the main thread: prepared, by index, bounded by a LIMIT. This connection cannot write.
 * - Every write runs in the store's thread and is acknowledged when it is committed and on the disk (`synchronous=FULL`).
 *   No fsync and no wait for a lock holds the event loop.
 * - States: `closed` -> `open` | `unavailable`; `open` -> `unavailable` when the file turns out damaged, or was moved away
 *   or replaced; `unavailable` -> `open` by `reopen` alone, which proves the file again. A store that is not available
 *   refuses by the reason's name and never touches the file.
 */
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Resource } from '../kernel/lifecycle.ts';
import { prepareDatabase } from './main/open-database.ts';
import { ThreadClient } from './main/thread-client.ts';
import type { BatchStatement } from './main/thread-messages.ts';
import { statOf } from './stat-of.ts';
import { type Row, type SlowStatement, type StatementResult, Statements } from './statements.ts';
import { StoreError, toStoreError } from './store-error.ts';

export type MainStoreState =
  | { readonly is: 'closed' }
  | { readonly is: 'open' }
  | { readonly is: 'unavailable'; readonly error: StoreError };

export interface MainStoreOptions {
  readonly dataDir: string;
  readonly onStateChange: (state: MainStoreState) => void;
  readonly onSlow: (statement: SlowStatement) => void;
  readonly slowMs?: number;
  /** For each write, from the call to the answer. */
  readonly writeTimeoutMs?: number;
  /** How long opening waits for somebody else's lock. */
  readonly openTimeoutMs?: number;
  readonly idleMs?: number;
  readonly maxWaiting?: number;
  readonly maxWalBytes?: number;
  /** A larger file is read through by `check` alone, not at every start. */
  readonly checkMaxBytes?: number;
}

const mebibyte = 1024 * 1024;
const defaults = {
  slowMs: 50,
  writeTimeoutMs: 10_000,
  openTimeoutMs: 3000,
  idleMs: 5000,
  maxWaiting: 1000,
  maxWalBytes: 16 * mebibyte,
  checkMaxBytes: 256 * mebibyte,
};
/** Reading through a large file takes its time. */
const maintenanceTimeoutMs = 120_000;
const busyMs = 50;

export class MainStore implements Resource {
  readonly name = 'main-store';
  readonly path: string;
  readonly #options: MainStoreOptions & typeof defaults;
  readonly #thread: ThreadClient;
  /** Of its own, so that no write queues behind a check. */
  readonly #checker: ThreadClient;
  readonly #stopping = new AbortController();
  #state: MainStoreState = { is: 'closed' };
  #reading: { readonly db: DatabaseSync; readonly statements: Statements; readonly inode: number } | undefined;
  #opening: Promise<MainStoreState> | undefined;
  #hasBeenOpen = false;
  /** It was found damaged: only reading all of it proves otherwise. */
  #isInDoubt = false;

  constructor(options: MainStoreOptions) {
    this.path = join(options.dataDir, 'deci.sqlite');
    this.#options = { ...defaults, ...options };
    this.#thread = new ThreadClient({ ...this.#options, path: this.path });
    this.#checker = new ThreadClient({ ...this.#options, path: this.path, idleMs: 0 });
  }

  get state(): MainStoreState {
    return this.#state;
  }

  /**
   * Never fails: a worker whose store cannot be opened serves what can be served without it. The file is prepared on this
   * thread, since nobody is served yet, and a process that never writes then never pays for another one.
   */
  async start(): Promise<void> {
    const { openTimeoutMs, checkMaxBytes } = this.#options;
    await this.#open(() => {
      prepareDatabase({ path: this.path, mayCreate: true, timeoutMs: openTimeoutMs, checkMaxBytes });
    });
  }

  /** Lets the writes that wait be written. */
  async stop(): Promise<void> {
    this.#stopping.abort(new StoreError('unavailable', { path: this.path, detail: 'it is being closed' }));
    await Promise.all([this.#thread.close(), this.#checker.close()]);
    this.#stopReading();
    this.#state = { is: 'closed' };
  }

  /** Tries again what made the store unavailable. Called twice at a time it tries once. */
  reopen(): Promise<MainStoreState> {
    if (this.#state.is === 'open') return Promise.resolve(this.#state);
    const timeoutMs = this.#isInDoubt ? maintenanceTimeoutMs : this.#options.openTimeoutMs;
    const task = { is: 'prepare', mayCreate: !this.#hasBeenOpen, whole: this.#isInDoubt } as const;
    this.#opening ??= this.#open(() => this.#thread.ask(task, timeoutMs)).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** @throws StoreError when the store cannot be read */
  all(sql: string, params: readonly SQLInputValue[] = []): Row[] {
    const { statements, inode } = this.#mustRead();
    try {
      if (statOf(this.path)?.ino !== inode) throw this.#moved();
      return statements.all(sql, params);
    } catch (thrown) {
      throw this.#noted(thrown);
    }
  }

  get(sql: string, params: readonly SQLInputValue[] = []): Row | undefined {
    return this.all(sql, params)[0];
  }

  /** @throws StoreError; its `outcome` says whether the write may be repeated */
  async write(sql: string, params: readonly SQLInputValue[] = [], signal?: AbortSignal): Promise<StatementResult> {
    const [result] = await this.run([{ sql, params }], signal);
    return result ?? { rows: [], changes: 0 };
  }

  /** All of the statements or none, in one transaction. Resolves when they are on the disk. */
  async run(statements: readonly BatchStatement[], signal?: AbortSignal): Promise<readonly StatementResult[]> {
    this.#mustRead();
    try {
      return await this.#thread.ask({ is: 'batch', statements }, this.#options.writeTimeoutMs, signal);
    } catch (thrown) {
      throw this.#noted(thrown);
    }
  }

  /** For a schedule: brings the planner's figures up to date, and cuts the write-ahead log when it has grown. */
  async optimize(): Promise<void> {
    this.#mustRead();
    try {
      await this.#thread.ask({ is: 'optimize' }, maintenanceTimeoutMs);
    } catch (thrown) {
      throw this.#noted(thrown);
    }
  }

  /**
   * For a schedule: reads the whole file, however large, while writes go on. What is damaged makes the store unavailable.
   * @throws StoreError `damaged`; the signal's reason when it fires before the file was read
   */
  async check(signal?: AbortSignal): Promise<void> {
    this.#mustRead();
    const leaving = signal === undefined ? [] : [signal];
    try {
      const either = AbortSignal.any([this.#stopping.signal, ...leaving]);
      await this.#checker.ask({ is: 'check' }, maintenanceTimeoutMs, either);
    } catch (thrown) {
      throw this.#noted(thrown);
    }
  }

  async #open(prepare: () => unknown): Promise<MainStoreState> {
    this.#stopReading();
    try {
      await prepare();
      this.#startReading();
      this.#hasBeenOpen = true;
      this.#isInDoubt = false;
      this.#become({ is: 'open' });
    } catch (thrown) {
      this.#stopReading();
      this.#become({ is: 'unavailable', error: this.#asStoreError(thrown) });
    }
    return this.#state;
  }

  #startReading(): void {
    const db = new DatabaseSync(this.path, { timeout: busyMs, enableForeignKeyConstraints: true });
    this.#reading = { db, statements: new Statements(db, this.#options), inode: statOf(this.path)?.ino ?? 0 };
    db.exec('PRAGMA query_only = ON');
  }

  #stopReading(): void {
    this.#reading?.db.close();
    this.#reading = undefined;
  }

  #mustRead(): { statements: Statements; inode: number } {
    if (this.#reading !== undefined) return this.#reading;
    if (this.#state.is === 'unavailable') throw this.#state.error;
    throw new StoreError('unavailable', { path: this.path, detail: 'it is not open' });
  }

  /** Returns what went wrong; what means that this file cannot be trusted any more closes it. */
  #noted(thrown: unknown): unknown {
    const error = toStoreError(thrown, this.path);
    if (!(error instanceof StoreError) || this.#reading === undefined) return error;
    const isElsewhere = statOf(this.path)?.ino !== this.#reading.inode;
    if (error.reason !== 'damaged' && !isElsewhere) return error;
    this.#isInDoubt = !isElsewhere;
    this.#stopReading();
    this.#become({ is: 'unavailable', error: isElsewhere ? this.#moved() : error });
    return error;
  }

  #moved(): StoreError {
    return new StoreError('unavailable', {
      path: this.path,
      detail: 'the file was moved or removed while it was open',
    });
  }

  #asStoreError(thrown: unknown): StoreError {
    const error = toStoreError(thrown, this.path);
    if (error instanceof StoreError) return error;
    const detail = error instanceof Error ? error.message : String(error);
    return new StoreError('unavailable', { path: this.path, detail, cause: error });
  }

  #become(state: MainStoreState): void {
    this.#state = state;
    this.#options.onStateChange(state);
  }
}

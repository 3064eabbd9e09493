/**
 * The thread that writes the main store: one task at a time, answered only when it is on the disk. It may wait and block as
 * long as a task may take; that is what it is for. Owner: ThreadClient, which starts and ends it.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { statOf } from '../stat-of.ts';
import { type StatementResult, Statements } from '../statements.ts';
import { StoreError, toStoreError, type WriteOutcome } from '../store-error.ts';
import { connect, prepareDatabase, quickCheck } from './open-database.ts';
import type { BatchStatement, ThreadReply, ThreadRequest, ThreadSettings, ThreadTask } from './thread-messages.ts';

const briefMs = 50;

class StoreThread {
  readonly #settings: ThreadSettings;
  readonly #send: (reply: ThreadReply) => void;
  #db: DatabaseSync | undefined;
  #statements: Statements | undefined;
  #inode = 0;

  constructor(settings: ThreadSettings, send: (reply: ThreadReply) => void) {
    this.#settings = settings;
    this.#send = send;
  }

  answer({ task, timeoutMs }: ThreadRequest): void {
    try {
      this.#send({ is: 'done', results: this.#perform(task, timeoutMs) });
    } catch (thrown) {
      this.#send(this.#failure(thrown));
    }
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
  }

  #perform(task: ThreadTask, timeoutMs: number): readonly StatementResult[] {
    if (task.is === 'batch') return this.#commit(task.statements, timeoutMs);
    if (task.is === 'prepare') this.#prepare(task, timeoutMs);
    else if (task.is === 'check') this.#check(timeoutMs);
    else this.#optimize(timeoutMs);
    return [];
  }

  #prepare({ mayCreate, whole = false }: Extract<ThreadTask, { is: 'prepare' }>, timeoutMs: number): void {
    const { path, checkMaxBytes } = this.#settings;
    this.close();
    prepareDatabase({ path, checkMaxBytes: whole ? Number.POSITIVE_INFINITY : checkMaxBytes, mayCreate, timeoutMs });
  }

  /** The file, not what a connection remembers of it. */
  #check(timeoutMs: number): void {
    this.close();
    quickCheck(this.#open(timeoutMs), this.#settings.path);
  }

  #commit(batch: readonly BatchStatement[], timeoutMs: number): readonly StatementResult[] {
    const db = this.#open(timeoutMs);
    let committing = false;
    try {
      db.exec('BEGIN IMMEDIATE');
      const results = batch.map(({ sql, params }) => this.#prepared(db).execute(sql, params));
      committing = true;
      db.exec('COMMIT');
      // What went into a file that has lost its name is kept by nobody.
      this.#mustBeInPlace('unknown');
      return results;
    } catch (thrown) {
      throw this.#rolledBack(db, thrown, committing);
    }
  }

  /** A commit that failed while it was being made safe may come back when the log is read again after a crash. */
  #rolledBack(db: DatabaseSync, thrown: unknown, committing: boolean): unknown {
    const { path } = this.#settings;
    if (db.isTransaction) db.exec('ROLLBACK');
    const error = toStoreError(thrown, path);
    const isCertain = !(error instanceof StoreError) || error.reason === 'full' || error.reason === 'locked';
    if (!committing || isCertain || error.outcome === 'unknown') return error;
    return new StoreError(error.reason, { path, outcome: 'unknown', detail: error.detail ?? '', cause: thrown });
  }

  #optimize(timeoutMs: number): void {
    const { path, maxWalBytes } = this.#settings;
    const db = this.#open(timeoutMs);
    db.exec('PRAGMA optimize');
    if ((statOf(`${path}-wal`)?.size ?? 0) <= maxWalBytes) return;
    // Whoever reads for long, as a check does, must not keep writes waiting here: the next round cuts the log.
    db.exec(`PRAGMA busy_timeout = ${briefMs}`);
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  #open(timeoutMs: number): DatabaseSync {
    const { path } = this.#settings;
    if (this.#db !== undefined) this.#mustBeInPlace('not_written');
    else {
      this.#db = connect(path);
      this.#inode = statOf(path)?.ino ?? 0;
      this.#statements = undefined;
    }
    this.#db.exec(`PRAGMA busy_timeout = ${Math.floor(timeoutMs)}`);
    return this.#db;
  }

  #prepared(db: DatabaseSync): Statements {
    this.#statements ??= new Statements(db, {
      slowMs: this.#settings.slowMs,
      onSlow: statement => this.#send({ is: 'slow', statement }),
    });
    return this.#statements;
  }

  #mustBeInPlace(outcome: WriteOutcome): void {
    const { path } = this.#settings;
    if (statOf(path)?.ino === this.#inode) return;
    throw new StoreError('unavailable', { path, outcome, detail: 'the file was moved or removed while it was open' });
  }

  #failure(thrown: unknown): ThreadReply {
    const error = toStoreError(thrown, this.#settings.path);
    if (error instanceof StoreError) {
      const { reason, outcome, detail } = error;
      return { is: 'store_error', reason, outcome, detail };
    }
    const message = error instanceof Error ? error.message : String(error);
    return { is: 'failed', message, errcode: (error as { errcode?: number }).errcode };
  }
}

function serve(port: MessagePort): void {
  const thread = new StoreThread(workerData as ThreadSettings, reply => port.postMessage(reply));
  port.on('message', (request: ThreadRequest | 'close') => {
    if (request !== 'close') return thread.answer(request);
    thread.close();
    port.close();
  });
}

if (parentPort !== null) serve(parentPort);

/**
 * Opens the main store's file, or says by name why not. A file that is in any doubt is only read, never changed: it may be
 * all that is left of what somebody wants back. Owner: the store's thread.
 *
 * SQLite's locks belong to the process and fall when any descriptor of the file is closed: nothing here opens the file
 * itself once it exists.
 */
import { accessSync, chmodSync, closeSync, constants, linkSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { statOf } from '../stat-of.ts';
import { StoreError, toStoreError } from '../store-error.ts';
import { applicationId, migrate, pragma } from './migrate.ts';
import { type Migration, migrations as ours } from './migrations.ts';

export interface OpenOptions {
  readonly path: string;
  /** Larger files are not read through here: that would keep a start waiting. */
  readonly checkMaxBytes: number;
  readonly timeoutMs: number;
  /** Not where the file has been seen before: that it is gone is a loss, not a beginning. */
  readonly mayCreate: boolean;
  readonly migrations?: readonly Migration[];
}

const pauseMs = 20;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Makes the file when there is none, proves that it is whole and ours, brings it to the newest version.
 * Blocks its thread for as long as it takes, at most `timeoutMs` for a lock.
 * @throws StoreError
 */
export function prepareDatabase(options: OpenOptions): void {
  const { path, timeoutMs } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      attempt(options);
      return;
    } catch (thrown) {
      const error = toStoreError(thrown, path);
      const mayPass = error instanceof StoreError && error.reason === 'locked' && performance.now() < deadline;
      if (!mayPass) throw error;
      Atomics.wait(sleeper, 0, 0, pauseMs);
    }
  }
}

function attempt({ path, checkMaxBytes, mayCreate, migrations = ours }: OpenOptions): void {
  if (mayCreate) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Asked of the system first: SQLite says the same of a missing right in several ways.
  accessSync(dirname(path), constants.W_OK);
  if (mayCreate && statOf(path) === undefined) create(path, migrations);
  accessSync(path, constants.R_OK | constants.W_OK);
  verify(path, { checkMaxBytes, newest: migrations.at(-1)?.version ?? 0 });
  closeToOthers(path);
  usingDatabase(connect(path), db => migrate(db, migrations));
}

/** A connection that acknowledges only what is on the disk. */
export function connect(path: string): DatabaseSync {
  if (statOf(path) === undefined) throw new StoreError('unavailable', { path, detail: 'the file is gone' });
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 50 });
  try {
    db.exec('PRAGMA synchronous = FULL');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Appears under its name complete, so that an empty file is never a beginning but always a damage. */
function create(path: string, migrations: readonly Migration[]): void {
  if (statOf(`${path}-wal`) !== undefined) {
    throw new StoreError('damaged', { path, detail: 'the file is gone, but its write-ahead log is still there' });
  }
  const temporary = `${path}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  closeSync(openSync(temporary, 'wx', 0o600));
  try {
    usingDatabase(connect(temporary), db => {
      db.exec('PRAGMA journal_mode = WAL');
      migrate(db, migrations);
    });
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    for (const ending of ['', '-wal', '-shm']) rmSync(`${temporary}${ending}`, { force: true });
  }
}

function verify(path: string, { checkMaxBytes, newest }: { checkMaxBytes: number; newest: number }): void {
  const size = statOf(path)?.size ?? 0;
  if (size === 0) throw new StoreError('damaged', { path, detail: 'the file is empty' });
  // Read-only, so that closing it does not write the log of a file that may be damaged or somebody else's.
  usingDatabase(new DatabaseSync(path, { readOnly: true, timeout: 50 }), db => {
    if (pragma(db, 'application_id') !== applicationId) throw new StoreError('foreign', { path });
    const version = pragma(db, 'user_version');
    if (version > newest) {
      throw new StoreError('newer', { path, detail: `its version is ${version}, ours ${newest}` });
    }
    if (size <= checkMaxBytes) quickCheck(db, path);
  });
}

export function quickCheck(db: DatabaseSync, path: string): void {
  const found = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found !== 'ok') throw new StoreError('damaged', { path, detail: String(found) });
}

function closeToOthers(path: string): void {
  for (const ending of ['', '-wal', '-shm']) {
    const mode = statOf(`${path}${ending}`)?.mode;
    if (mode !== undefined && (mode & 0o077) !== 0) chmodSync(`${path}${ending}`, 0o600);
  }
}

function usingDatabase(db: DatabaseSync, work: (db: DatabaseSync) => void): void {
  try {
    work(db);
  } finally {
    db.close();
  }
}

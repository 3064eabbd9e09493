/**
 * The files of a hot store: `name-schema-number.sqlite`, of which the highest number is the current one. They are opened,
 * made and removed under one lock, which SQLite takes in a file of its own and the kernel frees when its holder dies. No
 * name is ever used twice, so that a process that lets go of an old file cannot touch a new one.
 */
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, lstatSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../make-folder.ts';
import { statOf } from '../stat-of.ts';
import { reasonOf, StoreError, toStoreError } from '../store-error.ts';

export interface FileSeries {
  readonly dir: string;
  readonly name: string;
  readonly schema: string;
  readonly maxBytes: number;
  readonly maxWalBytes: number;
  readonly pageCacheKb: number;
  readonly now: () => number;
}

interface CurrentFile {
  readonly db: DatabaseSync;
  readonly path: string;
  /** It was made just now: there was none, or none that could be used. */
  readonly isNew: boolean;
}

/** Of the shared index, at least; less means that somebody has cut it. */
export const indexBytes = 32 * 1024;
const pageBytes = 4096;
const busyMs = 20;
/** Small enough to be read through while it is opened. */
const checkMaxBytes = 1024 * 1024;
const endings = ['', '-wal', '-shm'] as const;

/** @param broken the file that must not be used any more @throws StoreError */
export function openCurrent(series: FileSeries, broken: string | undefined): CurrentFile {
  try {
    prepareFolder(series.dir);
    return underLock(join(series.dir, `${series.name}.lock`), () => openOrMake(series, broken));
  } catch (thrown) {
    throw toStoreError(thrown, series.dir);
  }
}

function openOrMake(series: FileSeries, broken: string | undefined): CurrentFile {
  const prefix = `${series.name}-${createHash('sha256').update(series.schema).digest('hex').slice(0, 8)}-`;
  const numbers = readdirSync(series.dir)
    .filter(name => name.startsWith(prefix) && name.endsWith('.sqlite'))
    .map(name => Number(name.slice(prefix.length, -'.sqlite'.length)))
    .filter(number => Number.isSafeInteger(number))
    .toSorted((a, b) => b - a);
  const pathOf = (number: number): string => join(series.dir, `${prefix}${number}.sqlite`);
  const [highest] = numbers;
  if (highest !== undefined && pathOf(highest) !== broken) {
    const db = openUnlessDamaged(series, pathOf(highest));
    if (db !== undefined) return { db, path: pathOf(highest), isNew: false };
  }
  // Room first: what made the file unusable may be a full disk.
  for (const number of numbers) remove(pathOf(number));
  const path = pathOf(Math.max(series.now(), (highest ?? 0) + 1));
  return { db: make(series, path), path, isNew: true };
}

function openUnlessDamaged(series: FileSeries, path: string): DatabaseSync | undefined {
  const size = sizeOf(path) ?? 0;
  if (size === 0 || isCut(`${path}-shm`)) return undefined;
  const db = new DatabaseSync(path, { timeout: busyMs });
  try {
    configure(db, series);
    if (isComplete(db) && (size > checkMaxBytes || isWhole(db, path))) return db;
    db.close();
    return undefined;
  } catch (thrown) {
    db.close();
    const error = toStoreError(thrown, path);
    if (error instanceof StoreError && error.reason === 'damaged') return undefined;
    throw error;
  }
}

function sizeOf(path: string): number | undefined {
  return statOf(path)?.size;
}

function isCut(indexPath: string): boolean {
  return (sizeOf(indexPath) ?? indexBytes) < indexBytes;
}

/** Set in the transaction that makes the tables. */
function isComplete(db: DatabaseSync): boolean {
  return db.prepare('PRAGMA user_version').get()?.['user_version'] === 1;
}

/** @throws StoreError when a page could not be read for a reason that may be this process's own */
function isWhole(db: DatabaseSync, path: string): boolean {
  const found = String(db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']);
  const [, code] = /error code=(\d+)/.exec(found) ?? [];
  const reason = code === undefined ? undefined : reasonOf(Number(code));
  if (reason !== undefined && reason !== 'damaged') throw new StoreError(reason, { path, detail: found });
  return found === 'ok';
}

function make(series: FileSeries, path: string): DatabaseSync {
  closeSync(openSync(path, 'wx', 0o600));
  const db = new DatabaseSync(path, { timeout: busyMs });
  try {
    db.exec('PRAGMA journal_mode = WAL');
    configure(db, series);
    db.exec(`BEGIN IMMEDIATE; ${series.schema}; PRAGMA user_version = 1; COMMIT`);
    return db;
  } catch (error) {
    db.close();
    remove(path);
    throw error;
  }
}

function configure(db: DatabaseSync, { maxBytes, maxWalBytes, pageCacheKb }: FileSeries): void {
  db.exec(`
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -${pageCacheKb};
    PRAGMA journal_size_limit = ${maxWalBytes};
    PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / pageBytes))};
    PRAGMA busy_timeout = 0`);
}

function underLock<T>(path: string, work: () => T): T {
  const lock = takeLock(path) ?? takeLock(path);
  if (lock === undefined) throw new StoreError('unavailable', { path, detail: 'its lock file cannot be used' });
  try {
    return work();
  } finally {
    lock.close();
  }
}

/** @returns undefined when the file held something else, which is removed */
function takeLock(path: string): DatabaseSync | undefined {
  if (statOf(path) === undefined) closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { timeout: busyMs });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (thrown) {
    db.close();
    const error = toStoreError(thrown, path);
    if (!(error instanceof StoreError) || error.reason !== 'damaged') throw error;
    rmSync(path, { force: true });
    return undefined;
  }
}

/** Also when somebody has removed it under us. */
function prepareFolder(dir: string): void {
  if (statOf(dir) === undefined) makeFolder(dir);
  // Where everybody may make folders, somebody else may have been faster after ours was removed.
  const { uid, mode } = lstatSync(dir);
  const isOurs = lstatSync(dir).isDirectory() && uid === (process.getuid?.() ?? uid);
  if (!isOurs) throw new StoreError('unavailable', { path: dir, detail: 'it is not a folder of this user' });
  if ((mode & 0o077) !== 0) chmodSync(dir, 0o700);
}

function remove(path: string): void {
  for (const ending of endings) rmSync(`${path}${ending}`, { force: true });
}

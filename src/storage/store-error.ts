/** Why a store cannot be used, in one small set of reasons that a log line, a health check and an answer share. */
import type { ErrorCode } from '../kernel/error-catalogue.ts';
import { DeciError } from '../kernel/errors.ts';

export type StoreReason = 'damaged' | 'locked' | 'full' | 'read_only' | 'foreign' | 'newer' | 'unavailable';

/**
 * `not_written`: nothing of it is in the store, it may be tried again. `unknown`: nobody can tell; whoever repeats it
 * without looking may do it twice.
 */
export type WriteOutcome = 'not_written' | 'unknown';

export interface StoreErrorDetails {
  readonly path: string;
  readonly outcome?: WriteOutcome;
  /** What was seen, put before what to do. */
  readonly detail?: string;
  readonly cause?: unknown;
}

const sentences: Readonly<Record<StoreReason, (path: string) => string>> = {
  damaged: path =>
    `${path} is damaged and is left as it is: restore a backup, or move it away to begin with an empty one`,
  locked: path => `${path} is locked by another program: close that program`,
  full: path => `the disk under ${path} is full: free space there`,
  read_only: path => `${path} cannot be written: give the user that runs Deci the right to write it and its folder`,
  foreign: path => `${path} belongs to another program: move it away, or use another folder`,
  newer: path => `${path} was written by a newer version of Deci: run that version, or restore an older backup`,
  unavailable: path => `${path} cannot be used: check that its folder exists and that its disk works`,
};

const codes: Readonly<Record<StoreReason, ErrorCode>> = {
  damaged: 'store_unavailable',
  locked: 'store_unavailable',
  full: 'store_full',
  read_only: 'store_read_only',
  foreign: 'store_unavailable',
  newer: 'store_unavailable',
  unavailable: 'store_unavailable',
};

export class StoreError extends Error {
  readonly reason: StoreReason;
  readonly outcome: WriteOutcome;
  readonly detail: string | undefined;

  constructor(reason: StoreReason, { path, outcome = 'not_written', detail, cause }: StoreErrorDetails) {
    const what = detail === undefined ? '' : ` (${detail})`;
    const doubt = outcome === 'unknown' ? '; the write may have been committed: look before it is repeated' : '';
    super(`${sentences[reason](path)}${what}${doubt}`, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.reason = reason;
    this.outcome = outcome;
    this.detail = detail;
  }

  /** What a client is told. The path and the cause stay with us. */
  toDeciError(): DeciError {
    return new DeciError(codes[this.reason], { cause: this });
  }
}

/** Extended result codes of SQLite that say more than their primary code. */
const extendedReasons: ReadonlyMap<number, StoreReason> = new Map([
  [522, 'damaged'], // IOERR_SHORT_READ: the file ends too early
  [8202, 'damaged'], // IOERR_DATA
  [8458, 'damaged'], // IOERR_CORRUPTFS
  [4874, 'full'], // IOERR_SHMSIZE: the shared index could not grow
  [1032, 'unavailable'], // READONLY_DBMOVED: the file was moved away while it was open
]);

const primaryReasons: ReadonlyMap<number, StoreReason> = new Map([
  [3, 'read_only'], // PERM
  [5, 'locked'], // BUSY
  [6, 'locked'], // LOCKED
  [8, 'read_only'], // READONLY
  [10, 'unavailable'], // IOERR
  [11, 'damaged'], // CORRUPT
  [13, 'full'], // FULL
  [14, 'unavailable'], // CANTOPEN
  [23, 'read_only'], // AUTH
  [26, 'damaged'], // NOTADB
]);

const systemReasons: ReadonlyMap<string, StoreReason> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EROFS', 'read_only'],
  ['EACCES', 'read_only'],
  ['EPERM', 'read_only'],
]);

/** @returns undefined when the code tells of a wrong statement, not of a store in trouble */
export function reasonOf(errcode: number): StoreReason | undefined {
  return extendedReasons.get(errcode) ?? primaryReasons.get(errcode & 0xff);
}

/** What SQLite or the file system threw, named. What is a mistake of ours in a statement comes back as it is. */
export function toStoreError(thrown: unknown, path: string): unknown {
  if (thrown instanceof StoreError || !(thrown instanceof Error)) return thrown;
  const { errcode, code, syscall } = thrown as Error & { errcode?: number; code?: string; syscall?: string };
  const detail = thrown.message;
  if (typeof errcode === 'number') {
    const reason = reasonOf(errcode);
    return reason === undefined ? thrown : new StoreError(reason, { path, detail, cause: thrown });
  }
  if (syscall === undefined || code === undefined) return thrown;
  return new StoreError(systemReasons.get(code) ?? 'unavailable', { path, detail, cause: thrown });
}

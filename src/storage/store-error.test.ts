import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonOf, StoreError, type StoreReason, toStoreError } from './store-error.ts';

const codes: ReadonlyArray<readonly [number, StoreReason | undefined]> = [
  [5, 'locked'],
  [517, 'locked'], // BUSY_SNAPSHOT
  [6, 'locked'],
  [8, 'read_only'],
  [1032, 'unavailable'], // READONLY_DBMOVED
  [3, 'read_only'],
  [10, 'unavailable'],
  [522, 'damaged'], // IOERR_SHORT_READ
  [4874, 'full'], // IOERR_SHMSIZE
  [11, 'damaged'],
  [267, 'damaged'], // CORRUPT_VTAB
  [26, 'damaged'],
  [13, 'full'],
  [14, 'unavailable'],
  [1, undefined],
  [19, undefined],
  [1555, undefined], // CONSTRAINT_PRIMARYKEY
];

test('each result code of SQLite has its reason; a wrong statement has none', () => {
  for (const [code, reason] of codes) assert.equal(reasonOf(code), reason, String(code));
});

test('an error of SQLite becomes a named one that keeps its cause; a wrong statement stays what it is', () => {
  const busy = Object.assign(new Error('database is locked'), { errcode: 5 });
  const error = toStoreError(busy, '/data/deci.sqlite');
  assert.ok(error instanceof StoreError);
  assert.equal(error.reason, 'locked');
  assert.equal(error.outcome, 'not_written');
  assert.equal(error.cause, busy);
  assert.match(error.message, /^\/data\/deci\.sqlite is locked by another program: close that program \(database/);
  const wrong = Object.assign(new Error('syntax error'), { errcode: 1 });
  assert.equal(toStoreError(wrong, '/x'), wrong);
  assert.equal(toStoreError(error, '/x'), error);
  assert.equal(toStoreError('text', '/x'), 'text');
});

test('errors of the file system are named too, other errors are not', () => {
  const reasonFor = (code: string): unknown => {
    const error = toStoreError(Object.assign(new Error(code), { code, syscall: 'open' }), '/x');
    return error instanceof StoreError ? error.reason : undefined;
  };
  assert.equal(reasonFor('ENOSPC'), 'full');
  assert.equal(reasonFor('EROFS'), 'read_only');
  assert.equal(reasonFor('EACCES'), 'read_only');
  assert.equal(reasonFor('ENOENT'), 'unavailable');
  const other = Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(toStoreError(other, '/x'), other);
});

test('a client is told which kind of trouble it is, without the path', () => {
  const told = (reason: StoreReason): unknown => new StoreError(reason, { path: '/secret/place' }).toDeciError();
  for (const [reason, code] of [
    ['full', 'store_full'],
    ['read_only', 'store_read_only'],
    ['locked', 'store_unavailable'],
    ['damaged', 'store_unavailable'],
    ['unavailable', 'store_unavailable'],
  ] as const) {
    const error = told(reason) as { code: string; message: string; cause: unknown };
    assert.equal(error.code, code);
    assert.doesNotMatch(error.message, /secret/);
    assert.ok(error.cause instanceof StoreError);
  }
});

test('an unknown outcome says that repeating it may do it twice', () => {
  const error = new StoreError('unavailable', { path: '/x', outcome: 'unknown', detail: 'no answer in time' });
  assert.match(error.message, /no answer in time\); the write may have been committed: look before it is repeated/);
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { holdLock } from '../../test/faults/hold-lock.ts';
import {
  countOf,
  filledStore,
  folder,
  mainStoreModule,
  openStore,
  reasonIn,
  setting,
  storeIn,
} from '../../test/support/main-store-folder.ts';
import { StoreError } from './store-error.ts';

test('a first start makes the file and its folder, for the owner alone, and marks it as ours', async t => {
  const dataDir = folder(t);
  const store = await openStore(t, dataDir);
  await store.write(setting, ['a', 'on', 'test', '2026']);
  assert.equal(statSync(dataDir).mode & 0o777, 0o700);
  for (const ending of ['', '-wal', '-shm']) assert.equal(statSync(`${store.path}${ending}`).mode & 0o777, 0o600);
  assert.deepEqual({ ...store.get('PRAGMA journal_mode') }, { journal_mode: 'wal' });
  assert.deepEqual({ ...store.get('PRAGMA application_id') }, { application_id: 0x44454349 });
  assert.equal(countOf(store), 1);
});

test('a batch is written whole or not at all', async t => {
  const store = await openStore(t, folder(t));
  await store.run([
    { sql: setting, params: ['a', 'on', 'test', '2026'] },
    { sql: setting, params: ['b', 'on', 'test', '2026'] },
  ]);
  const twice = store.run([
    { sql: setting, params: ['c', 'on', 'test', '2026'] },
    { sql: setting, params: ['a', 'on', 'test', '2026'] },
  ]);
  await assert.rejects(twice, /UNIQUE/);
  assert.equal(countOf(store), 2);
});

test('a write tells what it changed and what it returns', async t => {
  const store = await openStore(t, folder(t));
  await store.write(setting, ['a', 'on', 'test', '2026']);
  const { rows } = await store.write(`UPDATE healer_settings SET mode = 'off' RETURNING healer`);
  assert.deepEqual(
    rows.map(row => row['healer']),
    ['a'],
  );
  assert.equal((await store.write('DELETE FROM healer_settings')).changes, 1);
});

test('the main thread can only read', async t => {
  const store = await openStore(t, folder(t));
  assert.throws(() => store.all(setting, ['a', 'on', 'test', '2026']), StoreError);
});

test('a file that another program holds is refused as locked, and opened once it lets go', async t => {
  const { dataDir, path } = await filledStore(t);
  const lock = await holdLock(path, 'exclusive');
  t.after(lock.release);
  const states: string[] = [];
  const store = storeIn(t, dataDir, { onStateChange: state => states.push(reasonIn(state)) });
  await store.start();
  assert.deepEqual(states, ['locked']);
  await lock.release();
  assert.equal((await store.reopen()).is, 'open');
  assert.deepEqual(states, ['locked', 'open']);
  assert.equal(countOf(store), 50);
});

test('optimizing cuts a write-ahead log that has grown, and checking reads the whole file', async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir, { maxWalBytes: 1000 });
  await store.write(setting, ['x', 'on', 'test', '2026']);
  assert.ok(statSync(`${path}-wal`).size > 1000);
  await store.optimize();
  assert.equal(statSync(`${path}-wal`).size, 0);
  await store.check();
});

test('optimizing does not wait for somebody who reads for long', { timeout: 30_000 }, async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir, { maxWalBytes: 1000 });
  const reader = new DatabaseSync(path);
  t.after(() => reader.close());
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM healer_settings').get();
  await store.write(setting, ['x', 'on', 'test', '2026']);
  await store.optimize();
  assert.ok(statSync(`${path}-wal`).size > 1000);
  reader.exec('COMMIT');
  await store.optimize();
  assert.equal(statSync(`${path}-wal`).size, 0);
});

test('a check that nobody waits for any more is given up, by its caller and by a stop', async t => {
  const { dataDir } = await filledStore(t);
  const store = await openStore(t, dataDir);
  const leaving = new AbortController();
  const left = store.check(leaving.signal);
  leaving.abort(new Error('leaving'));
  await assert.rejects(left, /leaving/);
  assert.equal(store.state.is, 'open');
  const stopped = store.check();
  await Promise.all([assert.rejects(stopped, /it is being closed/), store.stop()]);
});

test('a slow statement is told by its text, never by its values', async t => {
  const slow: string[] = [];
  const store = await openStore(t, folder(t), { slowMs: -1, onSlow: ({ sql }) => slow.push(sql) });
  await store.write(setting, ['secret', 'on', 'test', '2026']);
  store.all('SELECT mode FROM healer_settings WHERE healer = ?', ['secret']);
  assert.deepEqual(slow, [setting, 'SELECT mode FROM healer_settings WHERE healer = ?']);
});

test('processes that start together migrate once', async t => {
  const dataDir = folder(t);
  const code = `
    const { MainStore } = await import(${mainStoreModule});
    const quiet = { onStateChange: () => {}, onSlow: () => {} };
    const store = new MainStore({ dataDir: process.argv[1], ...quiet, openTimeoutMs: 5000 });
    await store.start();
    if (store.state.is !== 'open') throw store.state.error;
    await store.write(${JSON.stringify(setting)}, [String(process.pid), 'on', 'test', '2026']);
    await store.stop();`;
  const run = promisify(execFile);
  await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, ['--input-type=module', '-e', code, dataDir])));
  const store = await openStore(t, dataDir);
  assert.equal(countOf(store), 4);
});

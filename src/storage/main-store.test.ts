import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import * as damage from '../../test/faults/damage-file.ts';
import { holdLock } from '../../test/faults/hold-lock.ts';
import { runOnStrangeDisk, strangeDiskObstacle } from '../../test/faults/strange-disk.ts';
import { until } from '../../test/support/until.ts';
import { MainStore, type MainStoreOptions, type MainStoreState } from './main-store.ts';
import { StoreError } from './store-error.ts';

const setting = 'INSERT INTO healer_settings (healer, mode, set_by, set_at) VALUES (?, ?, ?, ?)';
const module = JSON.stringify(new URL('main-store.ts', import.meta.url).href);

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'data');
}

function storeIn(t: TestContext, dataDir: string, over: Partial<MainStoreOptions> = {}): MainStore {
  const quiet = { onStateChange: () => undefined, onSlow: () => undefined };
  const store = new MainStore({ dataDir, ...quiet, openTimeoutMs: 2000, ...over });
  t.after(() => store.stop());
  return store;
}

async function openStore(t: TestContext, dataDir: string, over: Partial<MainStoreOptions> = {}): Promise<MainStore> {
  const store = storeIn(t, dataDir, over);
  await store.start();
  assert.equal(store.state.is, 'open');
  return store;
}

/** A store that is closed and has something in it. */
async function filledStore(t: TestContext): Promise<{ dataDir: string; path: string }> {
  const dataDir = folder(t);
  const store = await openStore(t, dataDir);
  for (let i = 0; i < 50; i++) await store.write(setting, [`healer-${i}`, 'on', 'somebody'.repeat(50), '2026']);
  await store.stop();
  return { dataDir, path: store.path };
}

function reasonIn(state: MainStoreState): string {
  return state.is === 'unavailable' ? state.error.reason : state.is;
}

const countOf = (store: MainStore): unknown => store.get('SELECT count(*) AS n FROM healer_settings')?.['n'];

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

const damages: ReadonlyArray<readonly [string, (path: string) => void]> = [
  ['garbage over its header', damage.overwriteHeader],
  ['garbage over a page in its middle', damage.overwriteMiddlePage],
  ['half of it', damage.cutInHalf],
  ['nothing in it', damage.empty],
];

for (const [what, inflict] of damages) {
  test(`a file with ${what} is refused as damaged and left as it is`, async t => {
    const { dataDir, path } = await filledStore(t);
    inflict(path);
    const before = readFileSync(path);
    const store = storeIn(t, dataDir);
    await store.start();
    assert.equal(reasonIn(store.state), 'damaged');
    assert.throws(() => countOf(store), { reason: 'damaged' });
    await assert.rejects(store.write(setting, ['x', 'on', 'test', '2026']), {
      reason: 'damaged',
      outcome: 'not_written',
    });
    assert.equal(reasonIn(await store.reopen()), 'damaged');
    assert.ok(readFileSync(path).equals(before));
  });
}

test('a log whose file is gone is refused as damaged: a new file would take it for its own', async t => {
  const { dataDir, path } = await filledStore(t);
  renameSync(path, `${path}-wal`);
  const store = storeIn(t, dataDir);
  await store.start();
  assert.equal(reasonIn(store.state), 'damaged');
  assert.equal(existsSync(path), false);
});

test('the database of another program is refused as foreign and left as it is', async t => {
  const dataDir = folder(t);
  mkdirSync(dataDir);
  const path = join(dataDir, 'deci.sqlite');
  const foreign = new DatabaseSync(path);
  foreign.exec('CREATE TABLE theirs (x)');
  foreign.close();
  const before = readFileSync(path);
  const store = storeIn(t, dataDir);
  await store.start();
  assert.equal(reasonIn(store.state), 'foreign');
  assert.ok(readFileSync(path).equals(before));
});

test('a store that a newer version wrote is refused, with both versions', async t => {
  const { dataDir, path } = await filledStore(t);
  const newer = new DatabaseSync(path);
  newer.exec('PRAGMA user_version = 1000');
  newer.close();
  const store = storeIn(t, dataDir);
  await store.start();
  assert.equal(reasonIn(store.state), 'newer');
  assert.match(store.state.is === 'unavailable' ? store.state.error.message : '', /version is 1000, ours \d+/);
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

test('a write waits for another writer, and is refused as locked and not written when that takes too long', async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir, { writeTimeoutMs: 2000 });
  const lock = await holdLock(path, 'write');
  t.after(lock.release);
  await assert.rejects(store.write(setting, ['x', 'on', 'test', '2026']), { reason: 'locked', outcome: 'not_written' });
  assert.equal(countOf(store), 50);
  await lock.release();
  await store.write(setting, ['x', 'on', 'test', '2026']);
  assert.equal(countOf(store), 51);
});

test('damage that shows only later closes the store, and reopening it finds it again', async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir);
  // Every page but the first, so that whatever is read next is hit. SQLite has the first one at hand.
  damage.overwrite(path, { from: 4096, bytes: statSync(path).size - 4096 });
  assert.throws(() => countOf(store), { reason: 'damaged' });
  assert.equal(reasonIn(store.state), 'damaged');
  await assert.rejects(store.write(setting, ['x', 'on', 'test', '2026']), { reason: 'damaged' });
  assert.equal(reasonIn(await store.reopen()), 'damaged');
});

test('a file that was moved away under us is not written any more, and no empty one takes its place', async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir);
  await store.write(setting, ['x', 'on', 'test', '2026']);
  for (const ending of ['', '-wal', '-shm']) renameSync(`${path}${ending}`, `${path}${ending}.away`);
  await assert.rejects(store.write(setting, ['y', 'on', 'test', '2026']), { reason: 'unavailable' });
  assert.equal(reasonIn(store.state), 'unavailable');
  assert.equal(reasonIn(await store.reopen()), 'unavailable');
  assert.equal(existsSync(path), false);
  for (const ending of ['', '-wal', '-shm']) renameSync(`${path}${ending}.away`, `${path}${ending}`);
  assert.equal((await store.reopen()).is, 'open');
  assert.equal(countOf(store), 51);
});

test('a statement that hangs is answered as unknown in time, and the next writes are written', async t => {
  const store = await openStore(t, folder(t), { writeTimeoutMs: 300 });
  const long = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 8000000)
    INSERT INTO healer_settings SELECT 'long', 'on', 'test', max(x) FROM c`;
  const startedAt = performance.now();
  await assert.rejects(store.write(long), { name: 'StoreError', outcome: 'unknown', reason: 'unavailable' });
  assert.ok(performance.now() - startedAt < 2000);
  assert.equal(store.state.is, 'open');
  await until(
    'the hanging statement lets go',
    async () => {
      try {
        await store.write(setting, ['next', 'on', 'test', '2026']);
        return true;
      } catch {
        return false;
      }
      // It computes, for as long as the machine leaves it.
    },
    60_000,
  );
});

test('an event loop is not held while a write waits for the lock', async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir, { writeTimeoutMs: 400 });
  const lock = await holdLock(path, 'write');
  t.after(lock.release);
  let turns = 0;
  const written = store.write(setting, ['x', 'on', 'test', '2026']).catch(() => undefined);
  const counting = setInterval(() => turns++, 1);
  await written;
  clearInterval(counting);
  assert.ok(turns > 50, `${turns} turns`);
});

test('stop lets the writes that wait be written', async t => {
  const { dataDir } = await filledStore(t);
  const store = await openStore(t, dataDir);
  const writes = Array.from({ length: 20 }, (_, i) => store.write(setting, [`late-${i}`, 'on', 'test', '2026']));
  await store.stop();
  await Promise.all(writes);
  await assert.rejects(store.write(setting, ['after', 'on', 'test', '2026']), { reason: 'unavailable' });
  const again = await openStore(t, dataDir);
  assert.equal(countOf(again), 70);
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

test('a file too large to be read at its opening is read by a check, and what that finds closes the store for good', async t => {
  const { dataDir, path } = await filledStore(t);
  const states: string[] = [];
  const onStateChange = (state: MainStoreState): void => void states.push(reasonIn(state));
  const store = await openStore(t, dataDir, { checkMaxBytes: 1, onStateChange });
  await store.check();
  damage.overwrite(path, { from: 4096, bytes: statSync(path).size - 4096 });
  await assert.rejects(store.check(), { reason: 'damaged' });
  assert.deepEqual(states, ['open', 'damaged']);
  assert.equal(reasonIn(await store.reopen()), 'damaged');
  await assert.rejects(store.write(setting, ['x', 'on', 'test', '2026']), { reason: 'damaged' });
  await assert.rejects(store.check(), { reason: 'damaged' });
});

test('a check and a write do not wait for each other', async t => {
  const { dataDir, path } = await filledStore(t);
  const store = await openStore(t, dataDir, { writeTimeoutMs: 2000 });
  const lock = await holdLock(path, 'write');
  t.after(lock.release);
  const written = store.write(setting, ['x', 'on', 'test', '2026']);
  await store.check();
  await lock.release();
  await written;
  assert.equal(countOf(store), 51);
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
    const { MainStore } = await import(${module});
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

const obstacle = strangeDiskObstacle();
const strange = obstacle === undefined ? {} : { skip: obstacle };

test('a full disk is told as such, what was written before stays, and room makes it work again', strange, async t => {
  const dataDir = folder(t);
  mkdirSync(dataDir);
  const code = `
    import { rmSync, writeFileSync } from 'node:fs';
    const { MainStore } = await import(${module});
    const [, dataDir] = process.argv;
    const quiet = { onStateChange: () => {}, onSlow: () => {} };
    const store = new MainStore({ dataDir, ...quiet });
    await store.start();
    const write = name => store.write(${JSON.stringify(setting)}, [name, 'on', 'x'.repeat(4000), '2026']);
    writeFileSync(dataDir + '/ballast', Buffer.alloc(300_000));
    let written = 0;
    let refused;
    try { for (;; written++) await write('healer-' + written); } catch (error) { refused = error; }
    const whole = store.get('SELECT count(*) AS n FROM healer_settings').n === written;
    const state = store.state.is;
    rmSync(dataDir + '/ballast');
    const again = await write('room').then(() => true, () => false);
    const full = { reason: refused.reason, outcome: refused.outcome, code: refused.toDeciError().code };
    process.stdout.write(JSON.stringify({ ...full, whole, state, again, some: written > 10 }));
    await store.stop();`;
  assert.deepEqual(JSON.parse(await runOnStrangeDisk('tiny', dataDir, code)), {
    reason: 'full',
    outcome: 'not_written',
    code: 'store_full',
    whole: true,
    state: 'open',
    again: true,
    some: true,
  });
});

test('a store that cannot be written is refused as read-only', strange, async t => {
  const { dataDir } = await filledStore(t);
  const code = `
    const { MainStore } = await import(${module});
    const store = new MainStore({ dataDir: process.argv[1], onStateChange: () => {}, onSlow: () => {} });
    await store.start();
    process.stdout.write(store.state.error.reason + ' ' + store.state.error.toDeciError().code);
    await store.stop();`;
  assert.equal(await runOnStrangeDisk('read_only', dataDir, code), 'read_only store_read_only');
});

test('a text file under the name of the store is damaged, not taken', async t => {
  const dataDir = folder(t);
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'deci.sqlite'), 'hello\n'.repeat(1000));
  const store = storeIn(t, dataDir);
  await store.start();
  assert.equal(reasonIn(store.state), 'damaged');
});

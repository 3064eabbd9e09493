/** Writes that wait, hang, or find no room. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { holdLock } from '../../test/faults/hold-lock.ts';
import { runOnStrangeDisk, strangeDiskObstacle } from '../../test/faults/strange-disk.ts';
import {
  countOf,
  filledStore,
  folder,
  mainStoreModule,
  openStore,
  setting,
} from '../../test/support/main-store-folder.ts';
import { until } from '../../test/support/until.ts';
import { StoreError } from './store-error.ts';

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

test('a statement that hangs is answered as unknown in time, and the next writes are written', async t => {
  const store = await openStore(t, folder(t), { writeTimeoutMs: 100 });
  const long = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 8000000)
    INSERT INTO healer_settings SELECT 'long', 'on', 'test', max(x) FROM c`;
  await assert.rejects(store.write(long), { name: 'StoreError', outcome: 'unknown', reason: 'unavailable' });
  assert.equal(store.state.is, 'open');
  // It hangs still: the answer has not waited for it.
  await assert.rejects(store.write(setting, ['too soon', 'on', 'test', '2026']), StoreError);
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
  assert.ok(turns > 5, `${turns} turns`);
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

const obstacle = strangeDiskObstacle();
const strange = obstacle === undefined ? {} : { skip: obstacle };

test('a full disk is told as such, what was written before stays, and room makes it work again', strange, async t => {
  const dataDir = folder(t);
  mkdirSync(dataDir);
  const code = `
    import { rmSync, writeFileSync } from 'node:fs';
    const { MainStore } = await import(${mainStoreModule});
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
    const { MainStore } = await import(${mainStoreModule});
    const store = new MainStore({ dataDir: process.argv[1], onStateChange: () => {}, onSlow: () => {} });
    await store.start();
    process.stdout.write(store.state.error.reason + ' ' + store.state.error.toDeciError().code);
    await store.stop();`;
  assert.equal(await runOnStrangeDisk('read_only', dataDir, code), 'read_only store_read_only');
});

/** Files that are not a store of ours, or not one any more: told as what they are, and left as they are. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as damage from '../../test/faults/damage-file.ts';
import {
  countOf,
  filledStore,
  folder,
  openStore,
  reasonIn,
  setting,
  storeIn,
} from '../../test/support/main-store-folder.ts';
import type { MainStoreState } from './main-store.ts';

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

test('a text file under the name of the store is damaged, not taken', async t => {
  const dataDir = folder(t);
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'deci.sqlite'), 'hello\n'.repeat(1000));
  const store = storeIn(t, dataDir);
  await store.start();
  assert.equal(reasonIn(store.state), 'damaged');
});

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

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import * as damage from '../../test/faults/damage-file.ts';
import { holdLock } from '../../test/faults/hold-lock.ts';
import { runOnStrangeDisk, strangeDiskObstacle } from '../../test/faults/strange-disk.ts';
import { hotPeers } from '../../test/support/hot-peer.ts';
import { quickestMs } from '../../test/support/quickest.ts';
import { CounterRepository } from './counter-repository.ts';
import { hotSchema } from './hot-schema.ts';
import { HotStore, type HotStoreOptions } from './hot-store.ts';
import type { StoreError } from './store-error.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'deci-hot-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'hot');
}

function openStore(t: TestContext, dir: string, over: Partial<HotStoreOptions> = {}) {
  const rebuilt: StoreError[] = [];
  const store = new HotStore({
    dir,
    name: 'hot',
    schema: hotSchema,
    maxBytes: 1024 * 1024,
    now: Date.now,
    onRebuilt: cause => rebuilt.push(cause),
    ...over,
  });
  t.after(() => store.close());
  return { store, counters: new CounterRepository({ store, now: Date.now }), rebuilt };
}

/** Of the current database, without the endings of its companions. */
function currentFile(dir: string): string {
  const [path = ''] = readdirSync(dir)
    .filter(name => name.endsWith('.sqlite'))
    .toSorted()
    .toReversed();
  return join(dir, path);
}

function garbageEverywhere(path: string): void {
  for (const ending of ['', '-wal', '-shm']) {
    damage.overwrite(`${path}${ending}`, { from: 0, bytes: statSync(`${path}${ending}`).size });
  }
}

test('the store is made for its owner alone, and only when it is needed', t => {
  const dir = folder(t);
  const { store, rebuilt } = openStore(t, dir);
  assert.equal(statSync(dir, { throwIfNoEntry: false }), undefined);
  assert.deepEqual(store.all('SELECT * FROM lease'), []);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
  assert.deepEqual(rebuilt, []);
});

test('processes see the same rows', async t => {
  const { dir, start } = hotPeers(t);
  const { counters } = openStore(t, dir);
  const peer = await start();
  assert.equal((await peer.ask({ do: 'add', key: 'n' })).value, 1);
  assert.equal(counters.add('n', 1), 2);
  assert.equal((await peer.ask({ do: 'get', key: 'n' })).value, 2);
});

/** Of util-linux. */
const limiter = 'prlimit';

test('a process that may not write files loses nothing of the others, and goes on once it may again', async t => {
  const { start } = hotPeers(t);
  const [holder, limited] = [await start(), await start()];
  const request = { kind: 'slot', key: 'k', capacity: 1, ttlMs: 600_000 };
  const limit = (bytes: string) => spawnSync(limiter, ['--pid', String(limited.child.pid), `--fsize=${bytes}:`]);
  assert.notEqual((await holder.ask({ do: 'take', request })).value, undefined);
  assert.equal((await limited.ask({ do: 'take', request })).value, undefined);
  if (limit('4096').error !== undefined) return t.skip(`${limiter} is not installed`);
  assert.equal((await limited.ask({ do: 'add', key: 'n' })).reason, 'unavailable');
  assert.equal((await limited.ask({ do: 'take', request: { ...request, key: 'other' } })).reason, 'unavailable');
  limit('unlimited');
  assert.deepEqual(await limited.ask({ do: 'take', request }), { rebuilds: 0 });
  assert.deepEqual(await holder.ask({ do: 'take', request }), { rebuilds: 0 });
  assert.equal((await limited.ask({ do: 'add', key: 'n' })).value, 1);
});

/** Of strace: makes reads of a file fail that would not fail here. */
const tracer = 'strace';

test('a process whose reads fail takes the file from nobody, whichever read it is', async t => {
  const { dir, start } = hotPeers(t);
  const holder = await start();
  const request = { kind: 'slot', key: 'k', capacity: 1, ttlMs: 600_000 };
  await holder.ask({ do: 'take', request });
  for (let i = 0; i < 300; i++) await holder.ask({ do: 'add', key: `${i}`.repeat(100) });
  // Into the file itself, out of its log.
  const log = new DatabaseSync(currentFile(dir));
  log.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  log.close();
  const code = `${prelude} process.stdout.write(String(tried(() => open().get('n'))));`;
  const said = new Set<string>();
  for (let read = 1; read <= 12; read++) {
    const tracing = ['-f', '-qqq', '-o', '/dev/null', '-P', currentFile(dir), '-e'];
    const running = [process.execPath, '--input-type=module', '-e', code, join(dir, '..')];
    const failing = `inject=pread64:error=ENOMEM:when=${read}+`;
    const { error, stdout } = spawnSync(tracer, [...tracing, failing, ...running], { encoding: 'utf8' });
    if (error !== undefined) return t.skip(`${tracer} is not installed`);
    said.add(stdout);
    assert.deepEqual(await holder.ask({ do: 'take', request }), { rebuilds: 0 }, `read ${read}: ${stdout}`);
  }
  assert.ok(said.has('unavailable'), [...said].join());
});

const losses: ReadonlyArray<readonly [string, (dir: string) => void]> = [
  ['garbage all over it', dir => garbageEverywhere(currentFile(dir))],
  ['its index cut', dir => truncateSync(`${currentFile(dir)}-shm`, 0)],
  ['its folder removed', dir => rmSync(dir, { recursive: true })],
];

for (const [what, inflict] of losses) {
  test(`a store with ${what} is made anew by one of two processes, and both go on with the same one`, async t => {
    const { dir, start } = hotPeers(t);
    const peers = [await start(), await start()] as const;
    for (const peer of peers) await peer.ask({ do: 'add', key: 'n' });
    inflict(dir);
    const replies = [];
    for (const peer of [...peers, ...peers]) replies.push(await peer.ask({ do: 'add', key: 'n' }));
    assert.deepEqual(
      replies.map(reply => reply.value ?? reply.reason),
      [1, 2, 3, 4],
    );
    assert.equal(replies[2]!.rebuilds + replies[3]!.rebuilds, 1);
    // Letting go of the lost file does the new one no harm.
    await peers[0].ask({ do: 'close' });
    assert.equal((await peers[1].ask({ do: 'add', key: 'n' })).value, 5);
    assert.equal((await peers[0].ask({ do: 'add', key: 'n' })).value, 6);
    assert.equal(readdirSync(dir).filter(name => name.endsWith('.sqlite')).length, 1);
  });
}

test('a damaged file is left as it is while nobody may make it anew', t => {
  const dir = folder(t);
  const may = { rebuild: false };
  const { counters, rebuilt } = openStore(t, dir, { mayRebuild: () => may.rebuild });
  counters.add('n', 1);
  garbageEverywhere(currentFile(dir));
  assert.throws(() => counters.add('n', 1), { reason: 'damaged' });
  assert.equal(rebuilt.length, 0);
  may.rebuild = true;
  assert.equal(counters.add('n', 1), 1);
  assert.equal(rebuilt.length, 1);
});

test('a damaged file that nobody had open is made anew', t => {
  for (const inflict of [damage.overwriteHeader, damage.overwriteMiddlePage, damage.cutInHalf, damage.empty]) {
    const dir = folder(t);
    const before = openStore(t, dir);
    before.counters.add('n', 1);
    before.store.close();
    inflict(currentFile(dir));
    const { counters } = openStore(t, dir);
    assert.equal(counters.add('n', 1), 1, inflict.name);
  }
});

test('a file whose maker was killed before it was complete is not used', t => {
  const dir = folder(t);
  const first = openStore(t, dir);
  first.counters.add('n', 1);
  first.store.close();
  const half = new DatabaseSync(currentFile(dir).replace(/\d+(?=\.sqlite)/, number => String(Number(number) + 1)));
  half.exec('PRAGMA journal_mode = WAL; CREATE TABLE lease (x)');
  half.close();
  const { counters } = openStore(t, dir);
  assert.equal(counters.add('n', 1), 1);
  assert.equal(readdirSync(dir).filter(name => name.endsWith('.sqlite')).length, 1);
});

test('a link in the place of the folder is not followed', t => {
  const dir = folder(t);
  symlinkSync(join(dir, '..'), dir);
  assert.throws(() => openStore(t, dir).counters.add('n', 1), { reason: 'unavailable' });
  assert.deepEqual(readdirSync(join(dir, '..')), ['hot']);
});

test('a lock file that holds something else is replaced', t => {
  const dir = folder(t);
  const first = openStore(t, dir);
  first.counters.add('n', 1);
  first.store.close();
  writeFileSync(join(dir, 'hot.lock'), 'nonsense'.repeat(1000));
  assert.equal(openStore(t, dir).counters.add('n', 1), 2);
});

test('damage that comes back at once is told instead of repaired again and again', t => {
  const dir = folder(t);
  let now = Date.now();
  const { counters, rebuilt } = openStore(t, dir, { now: () => now });
  counters.add('n', 1);
  garbageEverywhere(currentFile(dir));
  counters.add('n', 1);
  garbageEverywhere(currentFile(dir));
  assert.throws(() => counters.add('n', 1), { name: 'StoreError', reason: 'damaged' });
  assert.equal(rebuilt.length, 1);
  now += 1000;
  assert.equal(counters.add('n', 1), 1);
  assert.equal(rebuilt.length, 2);
});

test('who does not get the lock within the budget is told so, and the event loop is not held longer', async t => {
  const dir = folder(t);
  const { counters } = openStore(t, dir);
  counters.add('n', 1);
  const lock = await holdLock(currentFile(dir), 'write');
  t.after(lock.release);
  const tookMs = await quickestMs(3, async () => {
    assert.throws(() => counters.add('n', 1), { name: 'StoreError', reason: 'locked' });
  });
  assert.ok(tookMs >= 50 && tookMs < 500, `${tookMs} ms`);
  // Reading needs no lock.
  assert.equal(counters.get('n'), 1);
  await lock.release();
  assert.equal(counters.add('n', 1), 2);
});

test('a store that has reached its bound says so, loses nothing and takes more once there is room', t => {
  const { store, counters, rebuilt } = openStore(t, folder(t), { maxBytes: 200_000 });
  const long = 'x'.repeat(2000);
  let taken = 0;
  assert.throws(
    () => {
      for (; taken < 1000; taken++) counters.add(`${long}${taken}`, 1);
    },
    { reason: 'full' },
  );
  assert.ok(taken > 10);
  assert.equal(store.get('SELECT count(*) AS n FROM counter')?.['n'], taken);
  for (let i = 0; i < taken; i++) counters.reset(`${long}${i}`);
  assert.equal(counters.add('n', 1), 1);
  assert.deepEqual(rebuilt, []);
});

const obstacle = strangeDiskObstacle();
const strange = obstacle === undefined ? {} : { skip: obstacle };
const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
const prelude = `
  import { rmSync, writeFileSync } from 'node:fs';
  const { HotStore } = await import(${url('hot-store.ts')});
  const { hotSchema } = await import(${url('hot-schema.ts')});
  const { CounterRepository } = await import(${url('counter-repository.ts')});
  const [, base] = process.argv;
  const open = () => {
    const options = { dir: base + '/hot', name: 'hot', schema: hotSchema, maxBytes: 2 ** 24, now: Date.now };
    const store = new HotStore({ ...options, onRebuilt: () => {} });
    return new CounterRepository({ store, now: Date.now });
  };
  const tried = work => { try { return work(); } catch (error) { return error.reason ?? String(error); } };`;

test('a full disk is told as such and kills nobody, and room makes the store work again', strange, async t => {
  const dir = join(folder(t), '..');
  const code = `${prelude}
    writeFileSync(base + '/ballast', Buffer.alloc(300_000));
    const counters = open();
    counters.add('n', 1);
    let last = 0;
    for (let i = 0; typeof last === 'number' && i < 100_000; i++) last = tried(() => counters.add('x'.repeat(1000) + i, 1));
    const other = tried(() => open().add('m', 1));
    rmSync(base + '/ballast');
    process.stdout.write(JSON.stringify([last, other, tried(() => counters.add('n', 1))]));`;
  const [last, other, again] = JSON.parse(await runOnStrangeDisk('tiny', dir, code)) as unknown[];
  assert.equal(last, 'full');
  assert.ok(other === 'full' || other === 1, String(other));
  assert.equal(again, 2);
});

test('a folder that cannot be written is told as such', strange, async t => {
  const dir = join(folder(t), '..');
  const code = `${prelude} process.stdout.write(tried(() => open().add('n', 1)));`;
  assert.equal(await runOnStrangeDisk('read_only', dir, code), 'read_only');
});

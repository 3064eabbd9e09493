import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTier } from './memory-tier.ts';
import { decodeRecording, encodeRecording, Recording } from './recording.ts';
import { ResponseCache } from './response-cache.ts';
import { SharedTier } from './shared-tier.ts';

const about = { model: 'm', tenant: 't' };
const recording = (text = 'x', recordedAtMs = 0): Recording =>
  new Recording(Buffer.from(`${text}\n{"done":true}\n`), { ...about, recordedAtMs });

test('a record is read as it was written, and not at all when a bit of it has changed', () => {
  const written = encodeRecording(recording('a line', 5));
  const read = decodeRecording(Buffer.from(written));
  assert.deepEqual([read?.facts, read?.final], [{ ...about, digest: undefined, recordedAtMs: 5 }, { done: true }]);
  assert.equal(read?.lines.toString(), 'a line\n{"done":true}\n');
  for (let at = 0; at < written.length; at++) {
    const broken = Buffer.from(written);
    broken[at]! ^= 1;
    assert.equal(decodeRecording(broken), undefined, `byte ${at}`);
  }
  for (const short of [0, 3, 4, written.length - 1])
    assert.equal(decodeRecording(written.subarray(0, short)), undefined);
});

test('memory that is allowed less gives up what was not used for longest, and takes as much as ever when it may again', () => {
  const one = recording().bytes;
  const memory = new MemoryTier({ maxEntries: 10, maxBytes: 8 * one, onEvicted: () => undefined });
  for (const key of ['a', 'b', 'c', 'd']) memory.set(key, recording());
  memory.allow(0.25);
  assert.deepEqual([memory.get('b'), memory.get('c')?.bytes, memory.usage.entries], [undefined, one, 2]);
  memory.set('e', recording());
  assert.deepEqual([memory.usage.entries, memory.get('e')?.bytes], [2, one]);
  memory.allow(1);
  for (const key of ['f', 'g']) memory.set(key, recording());
  assert.equal(memory.usage.entries, 4);
});

test('memory holds no more entries and no more bytes than allowed, and lets go of what was not used', () => {
  let evicted = 0;
  const one = recording().bytes;
  const memory = new MemoryTier({ maxEntries: 3, maxBytes: 10 * one, onEvicted: () => evicted++ });
  for (const key of ['a', 'b', 'c']) memory.set(key, recording());
  memory.get('a');
  memory.set('d', recording());
  assert.equal(memory.get('b'), undefined);
  assert.ok(memory.get('a') && memory.get('c') && memory.get('d'));
  assert.deepEqual([memory.usage, evicted], [{ entries: 3, bytes: 3 * one }, 1]);
  memory.set('a', recording('y'.repeat(4 * one)));
  assert.ok(memory.usage.bytes <= 10 * one);
  memory.set('huge', recording('z'.repeat(10 * one)));
  assert.equal(memory.get('huge'), undefined);
  memory.clear();
  assert.deepEqual(memory.usage, { entries: 0, bytes: 0 });
});

/** A store in a Map, with a switch for every way in which it can be of no use. */
class FakeStore {
  readonly entries: Map<string, Buffer>;
  readonly shared: { purges: number };
  failing: Error | undefined;
  tookMs = 0;
  clockMs = 0;
  calls = 0;
  trouble = 0;
  recovered = 0;

  constructor(shared = { purges: 0 }, entries = new Map<string, Buffer>()) {
    this.shared = shared;
    this.entries = entries;
  }

  readonly tier = new SharedTier({
    store: {
      get: key => this.#do(() => this.entries.get(key)),
      setAll: entries =>
        this.#do(() => {
          for (const { key, value } of entries) this.entries.set(key, value);
          return entries.length;
        }),
      delete: key => this.#do(() => this.entries.delete(key)),
      purge: async () => {
        const { size } = this.entries;
        this.#do(() => this.entries.clear());
        return size;
      },
      usage: () => ({ entries: this.entries.size, bytes: 0 }),
    },
    keepMs: 1000,
    clock: () => this.clockMs,
    onTrouble: () => this.trouble++,
    onRecovered: () => this.recovered++,
    purges: { count: () => this.shared.purges },
  });

  #do<T>(work: () => T): T {
    this.calls++;
    this.clockMs += this.tookMs;
    if (this.failing !== undefined) throw this.failing;
    return work();
  }
}

test('a shared store that fails is told once, left alone for a while, and used again', () => {
  const store = new FakeStore();
  store.tier.write('a', recording(), 0);
  store.failing = new Error('the disk is full');
  store.tier.write('b', recording(), 0);
  assert.equal(store.tier.get('a'), undefined);
  assert.deepEqual([store.calls, store.trouble], [2, 1]);
  store.clockMs += 1000;
  assert.equal(store.tier.get('a'), undefined);
  store.clockMs += 1000;
  assert.equal(store.tier.get('a'), undefined, 'the next pause is longer');
  assert.deepEqual([store.calls, store.trouble, store.recovered], [3, 1, 0]);
  store.failing = undefined;
  store.clockMs += 1000;
  assert.ok(store.tier.get('a'));
  assert.equal(store.recovered, 1);
});

test('a shared store that takes long is left alone for a while', () => {
  const store = new FakeStore();
  store.tier.write('a', recording(), 0);
  store.tookMs = 500;
  store.tier.get('a');
  assert.equal(store.trouble, 1);
  assert.equal(store.tier.get('a'), undefined);
});

test('a damaged entry is no answer and is thrown away', () => {
  const store = new FakeStore();
  store.entries.set('a', Buffer.from('nonsense'));
  assert.equal(store.tier.get('a'), undefined);
  assert.equal(store.entries.size, 0);
});

test('what is written later can be read at once, and is there after a flush', () => {
  const store = new FakeStore();
  store.tier.writeSoon('a', recording('first'), 0);
  store.tier.writeSoon('a', recording('second'), 0);
  assert.match(store.tier.get('a')?.lines.toString() ?? '', /^second/);
  for (let i = 0; i < 1000; i++) store.tier.writeSoon(`k${i}`, recording(), 0);
  assert.equal(store.calls, 0);
  store.tier.flush();
  assert.equal(store.entries.size, 256, 'no more wait than allowed');
  assert.equal(store.calls, 256 / 8, 'eight in each transaction');
  assert.ok(store.entries.has('a'));
});

test('large answers are written in smaller batches, so that none holds the event loop for long', () => {
  const store = new FakeStore();
  for (const key of ['a', 'b', 'c']) store.tier.writeSoon(key, recording('x'.repeat(600_000)), 0);
  store.tier.flush();
  assert.deepEqual([store.entries.size, store.calls], [3, 3]);
});

interface SharedState {
  purges: number;
  nowMs: number;
  digest?: string;
  changes?: number;
}

function cacheOver(store: FakeStore, shared: SharedState): ResponseCache {
  return new ResponseCache({
    memory: new MemoryTier({ maxEntries: 10, maxBytes: 1e6, onEvicted: () => undefined }),
    shared: store.tier,
    purges: { count: () => shared.purges, add: () => shared.purges++ },
    nameOf: model => model.toLowerCase(),
    weights: { digestOf: () => shared.digest, changes: () => shared.changes ?? 0 },
    now: () => shared.nowMs,
    writesBehind: true,
    ttlMs: 1000,
    staleMs: 10_000,
  });
}

test('an answer is fresh, then stale, then gone', () => {
  const shared = { purges: 0, nowMs: 50_000 };
  const cache = cacheOver(new FakeStore(), shared);
  cache.record('k', recording().lines, cache.begin('m', 't', []), 'now');
  assert.ok(cache.fresh('k') && cache.stale('k'));
  shared.nowMs += 1000;
  assert.equal(cache.fresh('k'), undefined);
  assert.equal(cache.freshShared('k'), undefined);
  assert.ok(cache.stale('k'));
  shared.nowMs += 9000;
  assert.equal(cache.stale('k'), undefined);
});

test('what other weights said is no fresh answer any more, and still one for bad times', () => {
  const shared = { purges: 0, nowMs: 50_000, digest: 'old' };
  const store = new FakeStore();
  const cache = cacheOver(store, shared);
  const begun = cache.begin('M', 't', []);
  cache.record('k', recording().lines, begun, 'now');
  assert.ok(cache.fresh('k') && cache.hasRecent('k'));
  shared.digest = 'new';
  for (const one of [cache, cacheOver(store, shared)]) {
    assert.deepEqual([one.fresh('k'), one.freshShared('k'), one.hasRecent('k')], [undefined, undefined, false]);
    assert.equal(one.stale('k')?.facts.digest, 'old');
  }
  cache.record('k', recording().lines, begun, 'now');
  assert.equal(cache.fresh('k'), undefined, 'it was begun with the old ones');
  cache.record('k', recording().lines, cache.begin('M', 't', []), 'now');
  assert.deepEqual(cache.fresh('k')?.facts, { model: 'm', tenant: 't', digest: 'new', recordedAtMs: 50_000 });
});

test('weights that nobody knew are those that are known at the end, unless models were changed meanwhile', () => {
  const shared: SharedState = { purges: 0, nowMs: 50_000, changes: 1 };
  const cache = cacheOver(new FakeStore(), shared);
  const begun = cache.begin('m', 't', []);
  shared.digest = 'new';
  cache.record('k', recording().lines, begun, 'now');
  assert.equal(cache.fresh('k')?.facts.digest, 'new');
  shared.changes = 2;
  cache.record('k', recording().lines, begun, 'now');
  assert.equal(cache.fresh('k'), undefined);
  assert.ok(cache.stale('k'));
});

test('a purge empties the memory of the other workers, and what was begun before it is not recorded', async () => {
  const shared = { purges: 0, nowMs: 50_000 };
  const store = new FakeStore(shared);
  const [one, other] = [cacheOver(store, shared), cacheOver(store, shared)];
  const begun = one.begin('m', 't', []);
  one.record('k', recording().lines, begun, 'now');
  assert.ok(other.fresh('k'));
  assert.equal(await one.purge({}), 1);
  shared.nowMs += 100;
  assert.equal(other.fresh('k'), undefined);
  assert.equal(one.fresh('k'), undefined);
  one.record('k', recording().lines, begun, 'now');
  assert.equal(one.stale('k'), undefined);
});

test('what a worker still has to write is not written behind a purge by another one', async () => {
  const shared = { purges: 0, nowMs: 50_000 };
  const stores = [new FakeStore(shared)];
  stores.push(new FakeStore(shared, stores[0]?.entries));
  const [one, other] = stores.map(store => cacheOver(store, shared));
  assert.ok(one && other);
  const begun = other.begin('m', 't', []);
  for (const key of ['a', 'b']) other.record(key, recording().lines, begun, 'soon');
  assert.ok(other.stale('a'));
  const purged = one.purge({});
  other.close();
  await purged;
  assert.equal(stores[0]?.entries.size, 0);
  // Begun before, and ended before this worker has looked again.
  other.record('c', recording().lines, begun, 'now');
  assert.equal(stores[0]?.entries.size, 0);
  other.record('d', recording().lines, begun, 'soon');
  shared.nowMs += 100;
  for (const key of ['a', 'b', 'c', 'd']) assert.equal(other.stale(key), undefined, key);
});

test('what is written while a purge goes by is taken away again', () => {
  const shared = { purges: 0 };
  const store = new FakeStore(shared);
  const { entries } = store;
  const set = entries.set.bind(entries);
  entries.set = (key, value) => {
    shared.purges++;
    return set(key, value);
  };
  store.tier.write('a', recording(), 0);
  assert.equal(entries.size, 0);
});

test('what is being recorded is bounded in all, and what is given back can be held again', () => {
  const cache = cacheOver(new FakeStore(), { purges: 0, nowMs: 0 });
  const part = 8 * 1024 * 1024;
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => cache.hold(part)),
    [true, true, true, true, false],
  );
  cache.letGo(part);
  assert.equal(cache.hold(part), true);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HotStore } from './hot-store.ts';
import { cacheSchema, SharedCache, type SharedCacheOptions } from './shared-cache.ts';
import type { StoreError } from './store-error.ts';

const mebibyte = 1024 * 1024;

function sharedCache(
  t: TestContext,
  over: Partial<SharedCacheOptions> = {},
  maxFileBytes = 16 * mebibyte,
): SharedCache & { wal(): string } {
  const dir = mkdtempSync(join(tmpdir(), 'deci-cache-'));
  const store = new HotStore({
    dir,
    name: 'cache',
    schema: cacheSchema,
    maxBytes: maxFileBytes,
    now: Date.now,
    onRebuilt: error => assert.fail(error),
  });
  t.after(() => {
    store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const wal = (): string => {
    store.all('SELECT 1');
    return join(dir, readdirSync(dir).find(name => name.endsWith('-wal')) ?? '');
  };
  return Object.assign(new SharedCache({ store, maxBytes: 8 * mebibyte, now: Date.now, ...over }), { wal });
}

const ttl = { ttlMs: 60_000 };

test('a value comes back as it was put in, and the last one put in wins', t => {
  const cache = sharedCache(t);
  assert.equal(cache.get('k'), undefined);
  const bytes = Buffer.from([0, 255, 1, 254]);
  assert.equal(cache.set('k', bytes, ttl), true);
  assert.deepEqual(cache.get('k'), bytes);
  cache.set('k', Buffer.from('second'), ttl);
  assert.equal(cache.get('k')?.toString(), 'second');
  assert.deepEqual(cache.usage(), { bytes: 6, entries: 1 });
  assert.equal(cache.delete('k'), true);
  assert.equal(cache.delete('k'), false);
  assert.deepEqual(cache.usage(), { bytes: 0, entries: 0 });
});

test('a value is not told any more once its time is over', async t => {
  let now = 1000;
  const cache = sharedCache(t, { now: () => now });
  cache.set('short', Buffer.from('x'), { ttlMs: 10 });
  cache.set('long', Buffer.from('x'), { ttlMs: 1000 });
  now += 10;
  assert.equal(cache.get('short'), undefined);
  assert.equal(cache.usage().entries, 2);
  assert.equal(await cache.reapExpired(), 1);
  assert.equal(cache.usage().entries, 1);
});

test('what carries a tag is purged, the rest stays; then everything is', async t => {
  const cache = sharedCache(t);
  for (let i = 0; i < 250; i++) cache.set(`a${i}`, Buffer.from('x'), { ...ttl, tags: ['model:a', 'all'] });
  cache.set('b', Buffer.from('x'), { ...ttl, tags: ['model:b', 'all'] });
  cache.set('none', Buffer.from('x'), ttl);
  assert.equal(await cache.purge({ tag: 'model:a' }), 250);
  assert.equal(cache.get('a7'), undefined);
  assert.notEqual(cache.get('b'), undefined);
  assert.equal(await cache.purge({ tag: 'model:a' }), 0);
  assert.equal(await cache.purge(), 2);
});

test('new tags of a key replace its old ones', async t => {
  const cache = sharedCache(t);
  cache.set('k', Buffer.from('x'), { ...ttl, tags: ['old'] });
  cache.set('k', Buffer.from('y'), { ...ttl, tags: ['new'] });
  assert.equal(await cache.purge({ tag: 'old' }), 0);
  assert.equal(await cache.purge({ tag: 'new' }), 1);
});

test('over its bound, what was not used for the longest time goes first', t => {
  let now = 1_000_000;
  const cache = sharedCache(t, { maxBytes: 100_000, now: () => now });
  const value = Buffer.alloc(1000);
  const day = { ttlMs: 86_400_000 };
  for (let i = 0; i < 100; i++, now += 1000) cache.set(`k${i}`, value, day);
  assert.equal(cache.usage().entries, 100);
  now += 100_000;
  assert.notEqual(cache.get('k0'), undefined);
  cache.set('one more', value, day);
  assert.ok(cache.usage().bytes <= 100_000);
  assert.notEqual(cache.get('k0'), undefined);
  assert.notEqual(cache.get('one more'), undefined);
  assert.equal(cache.get('k1'), undefined);
});

/** Transactions in the write-ahead log: frames that say how large the database is behind them (SQLite file format, 4.1). */
function commits(wal: Buffer): number {
  const [headerBytes, frameHeaderBytes, pageBytes] = [32, 24, wal.readUInt32BE(8)];
  let count = 0;
  for (let at = headerBytes; at + frameHeaderBytes <= wal.length; at += frameHeaderBytes + pageBytes) {
    if (wal.readUInt32BE(at + 4) > 0) count++;
  }
  return count;
}

test('a batch is one transaction, with its tags', async t => {
  const cache = sharedCache(t);
  const before = commits(readFileSync(cache.wal()));
  const entries = Array.from({ length: 8 }, (_, i) => ({
    key: `k${i}`,
    value: Buffer.from(`v${i}`),
    ttlMs: 60_000,
    tags: ['all', `tag-${i % 2}`],
  }));
  assert.equal(cache.setAll(entries), 8);
  assert.equal(commits(readFileSync(cache.wal())) - before, 1);
  assert.equal(cache.get('k7')?.toString(), 'v7');
  assert.equal(await cache.purge({ tag: 'tag-1' }), 4);
  assert.equal(cache.usage().entries, 4);
});

test('a batch for which there is no room leaves nothing behind', t => {
  const cache = sharedCache(
    t,
    { maxBytes: 8 * mebibyte, whenFull: { mayEvict: () => false, evicted: () => undefined } },
    mebibyte,
  );
  const large = Array.from({ length: 8 }, (_, i) => ({
    key: `k${i}`,
    value: Buffer.alloc(400_000),
    ...ttl,
    tags: ['all'],
  }));
  assert.equal(cache.setAll(large), 0);
  assert.deepEqual(cache.usage(), { bytes: 0, entries: 0 });
  assert.equal(cache.set('small', Buffer.from('x'), ttl), true);
});

test('a value that is too large is not kept', t => {
  const cache = sharedCache(t, { maxValueBytes: 100 });
  assert.equal(cache.set('k', Buffer.alloc(101), ttl), false);
  assert.equal(cache.set('k', Buffer.alloc(100), ttl), true);
});

test('a file that has reached its bound first makes room and goes on', t => {
  const cache = sharedCache(t, { maxBytes: 8 * mebibyte }, mebibyte);
  const kept = Array.from({ length: 100 }, (_, i) => cache.set(`k${i}`, Buffer.alloc(20_000), ttl));
  assert.ok(kept.includes(false));
  assert.ok(kept.slice(50).filter(Boolean).length > 25);
});

test('where the disk has little left the file does not grow, and the latest values take the place of the oldest', t => {
  let free = mebibyte;
  const told: number[] = [];
  const whenFull = { mayEvict: () => true, evicted: (_: StoreError, entries: number) => void told.push(entries) };
  const disk = { freeBytes: () => free, reserveBytes: mebibyte };
  const cache = sharedCache(t, { maxBytes: 64 * mebibyte, whenFull, disk }, 64 * mebibyte);
  const put = (key: string): boolean => cache.set(key, Buffer.alloc(100_000), ttl);
  for (let i = 0; i < 64; i++) assert.equal(put(`k${i}`), true);
  free = mebibyte - 1;
  assert.equal(put('latest'), true);
  assert.deepEqual(told, [32]);
  assert.ok(cache.get('latest'));
  assert.equal(cache.get('k0'), undefined);
  const { bytes } = cache.usage();
  for (let i = 0; i < 200; i++) assert.equal(put(`more${i}`), true);
  assert.ok(cache.usage().bytes <= bytes + 32 * 100_000);
});

test('that a file is full is told with what went; where nothing may go, nothing does', t => {
  const told: Array<[string, number]> = [];
  let mayEvict = true;
  const whenFull = {
    mayEvict: () => mayEvict,
    evicted: ({ reason }: StoreError, entries: number) => void told.push([reason, entries]),
  };
  const cache = sharedCache(t, { maxBytes: 8 * mebibyte, whenFull }, mebibyte);
  const fill = () => Array.from({ length: 100 }, (_, i) => cache.set(`k${i}`, Buffer.alloc(20_000), ttl));
  const refused = fill().filter(isKept => !isKept).length;
  assert.equal(told.length, refused);
  assert.ok(refused > 0);
  for (const one of told) assert.deepEqual(one, ['full', 32]);
  mayEvict = false;
  fill();
  assert.equal(told.length, refused);
  assert.equal(cache.set('another', Buffer.alloc(20_000), ttl), false);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { holdLock } from '../../test/faults/hold-lock.ts';
import { type ProcessIdentity, thisProcess } from '../kernel/process-identity.ts';
import { hotSchema } from './hot-schema.ts';
import { HotStore } from './hot-store.ts';
import { type Lease, LeaseRepository, type LeaseRepositoryOptions } from './lease-repository.ts';

const self = thisProcess();
const dead = { pid: 99_999_999, start: '1' };

function hotStore(t: TestContext): HotStore {
  const dir = mkdtempSync(join(tmpdir(), 'deci-leases-'));
  const onRebuilt = (error: Error): void => assert.fail(error);
  const store = new HotStore({ dir, name: 'hot', schema: hotSchema, maxBytes: 1024 * 1024, now: Date.now, onRebuilt });
  t.after(() => {
    store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return store;
}

function repository(t: TestContext, over: Partial<LeaseRepositoryOptions> = {}): LeaseRepository {
  return new LeaseRepository({ ...options, store: hotStore(t), ...over });
}

const options = {
  self,
  now: Date.now,
  random: Math.random,
  isAlive: () => true,
  onReaped: (leases: readonly Lease[]) => assert.fail(`reaped ${leases.length}`),
};

const slot = { kind: 'slot', key: 'host/model', ttlMs: 10_000 };

test('as many leases of a key are given as it has places, each a place of its own', t => {
  const leases = repository(t);
  const taken = [1, 2, 3, 4].map(() => leases.take({ ...slot, capacity: 3 }));
  assert.deepEqual(
    taken.map(lease => lease?.slot),
    [0, 1, 2, undefined],
  );
  assert.equal(leases.take({ ...slot, key: 'other', capacity: 3 })?.slot, 0);
});

test('of the places of a key only so many carry the same data, in gaps too', t => {
  const leases = repository(t);
  const take = (data: string): Lease | undefined => leases.take({ ...slot, capacity: 4, data, sameDataMax: 2 });
  const first = take('a');
  assert.ok(first !== undefined && take('a') !== undefined);
  assert.equal(take('a'), undefined);
  assert.ok(take('b') !== undefined && take('b') !== undefined);
  assert.equal(take('c'), undefined);
  leases.release(first);
  assert.equal(take('b'), undefined);
  assert.equal(take('a')?.slot, first.slot);
});

test('whether others hold a key is told, and what one holds oneself does not count', t => {
  const store = hotStore(t);
  const leases = repository(t, { store });
  const other = repository(t, { store, self: { pid: self.pid, start: 'another' } });
  assert.ok(leases.take({ ...slot, capacity: 3 }) !== undefined);
  assert.deepEqual(
    [leases, other].map(one => one.isHeldByOthers('slot', 'host/model')),
    [false, true],
  );
});

test('a place that is given back is given to the next, in the middle too', t => {
  const leases = repository(t);
  const [, second] = [1, 2, 3].map(() => leases.take({ ...slot, capacity: 3 }));
  assert.equal(leases.release(second!), true);
  assert.equal(leases.take({ ...slot, capacity: 3 })?.slot, 1);
  assert.equal(leases.take({ ...slot, capacity: 3 }), undefined);
});

test('a capacity that has shrunk counts what is held in high places', t => {
  const leases = repository(t);
  const taken = [1, 2, 3, 4].map(() => leases.take({ ...slot, capacity: 4 }));
  leases.release(taken[0]!);
  assert.equal(leases.take({ ...slot, capacity: 3 }), undefined);
  leases.release(taken[1]!);
  assert.equal(leases.take({ ...slot, capacity: 3 })?.slot, 0);
  assert.equal(leases.take({ ...slot, capacity: 1 }), undefined);
});

test('no capacity, no lease', t => {
  const leases = repository(t);
  assert.equal(leases.take({ ...slot, capacity: 0 }), undefined);
  assert.equal(leases.take({ ...slot, capacity: -1 }), undefined);
});

test('a lease that is given back twice is not taken from the one who has the place now', t => {
  const leases = repository(t);
  const first = leases.take({ ...slot, capacity: 1 })!;
  assert.equal(leases.release(first), true);
  const second = leases.take({ ...slot, capacity: 1 })!;
  assert.equal(leases.release(first), false);
  assert.equal(leases.renew(first, 1000), undefined);
  assert.equal(leases.list().length, 1);
  assert.equal(leases.release(second), true);
});

test('an expired lease is in nobody’s way, and its holder learns it when it renews', t => {
  let now = 1000;
  const reaped: Lease[] = [];
  const leases = repository(t, { now: () => now, onReaped: gone => reaped.push(...gone) });
  const first = leases.take({ ...slot, capacity: 1 })!;
  now += 9999;
  assert.equal(leases.take({ ...slot, capacity: 1 }), undefined);
  now += 1;
  assert.equal(leases.take({ ...slot, capacity: 1 })?.slot, 0);
  assert.deepEqual(reaped, [first]);
  assert.equal(leases.renew(first, 10_000), undefined);
});

test('a renewed lease lives on', t => {
  let now = 1000;
  const leases = repository(t, { now: () => now });
  const first = leases.take({ ...slot, capacity: 1 })!;
  now += 9000;
  assert.equal(leases.renew(first, 10_000)?.expiresAtMs, 20_000);
  now += 9000;
  assert.equal(leases.take({ ...slot, capacity: 1 }), undefined);
  now += 1000;
  assert.deepEqual(
    leases.reapExpired().map(lease => lease.slot),
    [0],
  );
});

test('what a dead process holds is taken away by whoever needs it, of that key alone', t => {
  const reaped: Lease[] = [];
  const shared = {
    ...options,
    store: hotStore(t),
    isAlive: (holder: ProcessIdentity) => holder.pid !== dead.pid,
    onReaped: (gone: readonly Lease[]) => reaped.push(...gone),
  };
  const departed = new LeaseRepository({ ...shared, self: dead });
  departed.take({ ...slot, capacity: 2 });
  departed.take({ ...slot, capacity: 2, data: 'mine' });
  departed.take({ ...slot, key: 'other', capacity: 2 });
  const living = new LeaseRepository(shared);
  assert.equal(living.take({ ...slot, capacity: 2 })?.slot, 0);
  assert.deepEqual(
    reaped.map(lease => [lease.holder, lease.data]),
    [
      [dead, undefined],
      [dead, 'mine'],
    ],
  );
  assert.equal(living.holders().length, 2);
  assert.deepEqual(
    living.releaseAll(dead).map(lease => lease.key),
    ['other'],
  );
  assert.deepEqual(living.holders(), [self]);
});

test('a holder that was alive a moment ago is not asked for again at every turn', t => {
  const other = { pid: 1, start: '' };
  const store = hotStore(t);
  let now = 1000;
  let asked = 0;
  new LeaseRepository({ ...options, store, self: other, now: () => now }).take({ ...slot, capacity: 1 });
  const leases = new LeaseRepository({ ...options, store, now: () => now, isAlive: () => ++asked > 0 });
  for (let i = 0; i < 10; i++) assert.equal(leases.take({ ...slot, capacity: 1 }), undefined);
  assert.equal(asked, 1);
  now += 100;
  leases.take({ ...slot, capacity: 1 });
  assert.equal(asked, 2);
});

test('a lease that cannot be given back because the lock comes too late is given back later', async t => {
  const store = hotStore(t);
  const leases = new LeaseRepository({ ...options, store });
  const lease = leases.take({ ...slot, capacity: 1 })!;
  const [file = ''] = readdirSync(store.dir).filter(name => name.endsWith('.sqlite'));
  const lock = await holdLock(join(store.dir, file), 'write');
  t.after(lock.release);
  assert.equal(leases.release(lease), true);
  assert.equal(leases.settle(), 1);
  assert.equal(leases.list().length, 1);
  await lock.release();
  assert.equal(leases.take({ ...slot, capacity: 1 })?.slot, 0);
  assert.equal(leases.settle(), 0);
});

test('leases are listed by kind and key', t => {
  const leases = repository(t);
  leases.take({ ...slot, capacity: 2, data: '{"a":1}' });
  leases.take({ ...slot, kind: 'queue', capacity: 2 });
  assert.equal(leases.list().length, 2);
  assert.deepEqual(
    leases.list({ kind: 'slot', key: slot.key }).map(lease => lease.data),
    ['{"a":1}'],
  );
  assert.deepEqual(leases.list({ key: 'nobody' }), []);
});

test('a change of another process gives another version, one of our own does not', t => {
  const store = hotStore(t);
  const peer = new HotStore({
    dir: store.dir,
    name: 'hot',
    schema: hotSchema,
    maxBytes: 1024 * 1024,
    now: Date.now,
    onRebuilt: assert.fail,
  });
  t.after(() => peer.close());
  const [ours, theirs] = [store, peer].map(of => new LeaseRepository({ ...options, store: of }));
  assert.ok(ours !== undefined && theirs !== undefined);
  theirs.list();
  const [before, beforeOfTheirs] = [ours.version(), theirs.version()];
  ours.take({ ...slot, capacity: 1 });
  assert.equal(ours.version(), before);
  assert.notEqual(theirs.version(), beforeOfTheirs);
});

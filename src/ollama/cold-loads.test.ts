import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColdLoads } from './cold-loads.ts';

interface Held {
  readonly kind: string;
  readonly key: string;
  readonly data: string;
}

/** Leases of one machine, and workers that share them. */
function setUp() {
  const held: Held[] = [];
  let nowMs = 0;
  let isAway = false;
  const fail = (): void => {
    if (isAway) throw new Error('the store is away');
  };
  const leases = {
    take({ kind, key, capacity, data }: Held & { readonly capacity: number; readonly ttlMs: number }) {
      fail();
      if (held.filter(one => one.kind === kind && one.key === key).length >= capacity) return undefined;
      const lease = { kind, key, data };
      held.push(lease);
      return lease;
    },
    release(lease: Held) {
      fail();
      held.splice(held.indexOf(lease), 1);
      return true;
    },
    list: ({ kind, key }: { readonly kind: string; readonly key: string }) => {
      fail();
      return held.filter(one => one.kind === kind && one.key === key);
    },
  };
  const worker = () => new ColdLoads<Held>({ leases, loadMs: 60_000, knownMs: 30_000, nowMs: () => nowMs });
  return {
    worker,
    held,
    pass: (ms: number) => void (nowMs += ms),
    away: () => void (isAway = true),
  };
}

test('the first who wants a model says where it is loaded, for all workers, until it is', () => {
  const { worker, held } = setUp();
  const [one, other] = [worker(), worker()];
  assert.equal(one.hostFor('m', 'a'), 'a');
  const done = one.begun('m', 'a');
  assert.deepEqual([one.hostFor('m', 'b'), other.hostFor('m', 'b'), other.hostFor('n', 'b')], ['a', 'a', 'b']);
  assert.equal(other.loadedAt('m').size, 0);
  done(true);
  assert.deepEqual([...other.loadedAt('m')], ['a']);
  assert.equal(held.filter(({ kind, key }) => kind === 'load' && key === 'm').length, 0);
});

test('a load that failed leaves the choice to the next, when nobody else waits for it there', () => {
  const { worker } = setUp();
  const [one, other] = [worker(), worker()];
  one.hostFor('m', 'a');
  const [first, second] = [one.begun('m', 'a'), one.begun('m', 'a')];
  first(false);
  assert.equal(other.hostFor('m', 'b'), 'a');
  second(false);
  assert.deepEqual([other.hostFor('m', 'b'), [...one.loadedAt('m')]], ['b', []]);
});

test('a claim that nobody uses does not last', () => {
  const { worker, pass } = setUp();
  const one = worker();
  one.hostFor('m', 'a');
  pass(1999);
  assert.equal(one.hostFor('m', 'b'), 'a');
  pass(1);
  assert.equal(one.hostFor('m', 'b'), 'b');
});

test('without the store each worker has one host load it', () => {
  const { worker, away } = setUp();
  const one = worker();
  away();
  assert.equal(one.hostFor('m', 'a'), 'a');
  assert.equal(one.hostFor('m', 'b'), 'a');
  one.begun('m', 'a')(true);
  assert.equal(one.loadedAt('m').size, 0);
});

test('every worker sees what is being loaded, whoever sent it and without a choice between hosts, until it is decided', () => {
  const { worker, away } = setUp();
  const [one, other] = [worker(), worker()];
  const [done, failed] = [one.begun('m', 'a'), one.begun('n', 'a')];
  assert.deepEqual(
    [other.isLoading('m', 'a'), other.isLoading('m', 'b'), other.isLoading('o', 'a')],
    [true, false, false],
  );
  done(true);
  failed(false);
  assert.deepEqual([other.isLoading('m', 'a'), other.isLoading('n', 'a')], [false, false]);
  assert.deepEqual([[...other.loadedAt('m')], [...other.loadedAt('n')]], [['a'], []]);
  away();
  assert.equal(other.isLoading('m', 'a'), false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Slot, SlotTable, type SlotTableOptions } from './slot-table.ts';

interface TestLease {
  readonly host: string;
  readonly model: string;
  readonly expiresAtMs: number;
}

/** The places of all workers, in memory. */
class Leases {
  readonly held = new Set<TestLease>();
  statements = 0;
  isAway = false;

  take({ key: host, data: model, capacity, sameDataMax, ttlMs }: Parameters<LeasesOf['take']>[0]) {
    this.statements++;
    if (this.isAway) throw new Error('away');
    const ofHost = [...this.held].filter(lease => lease.host === host);
    const ofModel = ofHost.filter(lease => lease.model === model);
    if (ofHost.length >= capacity || ofModel.length >= sameDataMax) return undefined;
    const lease = { host, model, expiresAtMs: ttlMs };
    this.held.add(lease);
    return lease;
  }

  release(lease: TestLease): boolean {
    this.statements++;
    return this.held.delete(lease);
  }

  count(_kind: string, key: string, data?: string): number {
    return [...this.held].filter(({ host, model }) => host === key && (data === undefined || model === data)).length;
  }
}

type LeasesOf = SlotTableOptions<TestLease>['leases'];

function setUp(over: Partial<SlotTableOptions<TestLease>> = {}) {
  const clock = { ms: 0 };
  const leases = new Leases();
  const failures: unknown[] = [];
  const counts: number[] = [];
  const table = new SlotTable<TestLease>({
    leases,
    hostMax: 5,
    limitOf: () => 2,
    sharers: 2,
    useMs: 100_000,
    othersWait: () => false,
    now: () => clock.ms,
    onStore: failure => failures.push(failure),
    onChange: (_, count) => counts.push(count),
    ...over,
  });
  const take = (model = 'm', host = 'h'): Slot<TestLease> => {
    const slot = table.take(host, model, false);
    assert.ok(slot !== undefined, `no slot for ${model}`);
    return slot;
  };
  return { clock, leases, failures, counts, table, take };
}

test('a model has its limit, and all models of a host together theirs', () => {
  const { table, take } = setUp();
  take('a');
  take('a');
  assert.equal(table.take('h', 'a', false), undefined);
  take('b');
  take('b');
  take('c');
  assert.equal(table.take('h', 'c', false), undefined);
  take('c', 'other');
  assert.deepEqual([table.inUse('h'), table.inUse('h', 'a'), table.inUse('other')], [5, 2, 1]);
});

test('slots that are used in quick succession stay leased between, and are given back when nobody comes', () => {
  const { clock, leases, table, take } = setUp();
  for (let round = 0; round < 10; round++, clock.ms++) table.give(take());
  assert.deepEqual([leases.statements, leases.held.size, table.inUse('h')], [1, 1, 0]);
  clock.ms += 50;
  table.sweep();
  assert.deepEqual([leases.held.size, table.keeps], [0, false]);
});

test('what is kept is given back at the next sweep when somebody of another worker waits', () => {
  const others = { wait: false };
  const { leases, table, take } = setUp({ othersWait: () => others.wait });
  table.give(take());
  table.sweep();
  assert.equal(leases.held.size, 1);
  others.wait = true;
  table.sweep();
  assert.deepEqual([leases.held.size, table.keeps], [0, false]);
});

test('what is kept for one model does not keep another out', () => {
  const { leases, table, take } = setUp({ hostMax: 1 });
  table.give(take('a'));
  take('b');
  assert.deepEqual(
    [...leases.held].map(({ model }) => model),
    ['b'],
  );
});

test('a slot is handed on within the worker while no other waits, and given back when one does', () => {
  const others = { wait: false };
  const { clock, leases, table, take } = setUp({ limitOf: () => 1, othersWait: () => others.wait });
  const first = take();
  clock.ms += 1000;
  table.give(first);
  const second = take();
  assert.equal(leases.statements, 1);
  others.wait = true;
  clock.ms += 1000;
  table.give(second);
  assert.equal(leases.held.size, 0);
});

test('who comes just now takes no new slot while others wait for the model; whose turn it is does', () => {
  const { table } = setUp({ othersWait: model => model === 'm' });
  assert.equal(table.take('h', 'm', false), undefined);
  assert.ok(table.take('h', 'other', false) !== undefined);
  assert.ok(table.take('h', 'm', true) !== undefined);
});

test('whether there is room is told without taking it', () => {
  const { leases, table, take } = setUp({ limitOf: () => 1 });
  assert.deepEqual([table.hasRoom('h', 'm'), leases.held.size], [true, 0]);
  take();
  assert.deepEqual([table.hasRoom('h', 'm'), table.hasRoom('h', 'other')], [false, true]);
});

test('a slot above a limit that has fallen is not kept', () => {
  const limit = { of: 2 };
  const { leases, table, take } = setUp({ limitOf: () => limit.of });
  const slot = take();
  limit.of = 1;
  table.give(slot);
  assert.equal(leases.held.size, 0);
});

test('without the store a worker has its share, tells it, and shares again when the store is back', () => {
  const { leases, failures, table, take } = setUp({ limitOf: () => 4 });
  leases.isAway = true;
  const slots = [take(), take()];
  assert.equal(table.take('h', 'm', false), undefined);
  assert.ok(failures.every(failure => failure instanceof Error) && failures.length > 0);
  for (const slot of slots) table.give(slot);
  leases.isAway = false;
  for (let count = 0; count < 4; count++) take();
  assert.equal(failures.at(-1), undefined);
  assert.equal(table.take('h', 'm', false), undefined);
});

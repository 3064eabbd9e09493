import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { type Entry, type Place, SlotGate, type SlotGateOptions } from './slot-gate.ts';

interface TestSlot {
  readonly host: string;
  readonly model: string;
}

type Options = SlotGateOptions<TestSlot, object>;

const never = new AbortController().signal;
const entry: Entry = { model: 'm', group: 'm', hosts: () => ['h'] };

/** A gate in front of so many slots, and of a line of so many places. */
function setUp(t: TestContext, { slots = 1, places = 10 }, over: Partial<Options> = {}) {
  const free = { slots };
  const tickets = new Set<object>();
  const depths: number[] = [];
  const refused: string[] = [];
  const gate = new SlotGate<TestSlot, object>({
    slots: {
      keeps: false,
      inUse: () => slots - free.slots,
      take: (host, model) => (free.slots-- > 0 ? { host, model } : void free.slots++),
      give: () => void free.slots++,
      sweep: () => undefined,
    },
    limits: { of: () => slots, observe: () => undefined, overloaded: () => undefined },
    queue: {
      take: () => {
        if (tickets.size >= places) return undefined;
        const ticket = {};
        tickets.add(ticket);
        return ticket;
      },
      release: ticket => void tickets.delete(ticket),
    },
    maxWaitMs: 10_000,
    untilFree: async () => undefined,
    now: () => performance.now(),
    random: () => 0,
    onWaiting: count => depths.push(count),
    onWaited: () => undefined,
    onRefused: code => refused.push(code),
    ...over,
  });
  t.after(() => gate.stop());
  return { gate, free, tickets, depths, refused };
}

test('who finds a slot does not wait; who finds none waits until one is left, in order', async t => {
  const { gate, tickets, depths } = setUp(t, { slots: 1 });
  const first = await gate.enter(entry, never);
  assert.deepEqual([first.host, first.waitedMs], ['h', 0]);
  const order: string[] = [];
  const waiting = ['second', 'third'].map(async name => {
    const place = await gate.enter(entry, never);
    order.push(name);
    place.leave();
    return place;
  });
  assert.equal(tickets.size, 2);
  first.leave();
  first.leave();
  const places = await Promise.all(waiting);
  assert.deepEqual(order, ['second', 'third']);
  assert.ok(places.every(place => place.waitedMs > 0));
  assert.deepEqual([tickets.size, gate.waiting, depths.at(-1)], [0, 0, 0]);
});

test('nobody is overtaken by one who comes later for the same', async t => {
  const { gate, free } = setUp(t, { slots: 0 });
  const waits = gate.enter(entry, never);
  free.slots = 1;
  const comesLater = gate.enter(entry, never);
  const place: Place = await waits;
  place.leave();
  (await comesLater).leave();
});

test('a slot that another process gave back is found', async t => {
  const { gate, free } = setUp(t, { slots: 0 });
  const waits = gate.enter(entry, never);
  free.slots = 1;
  (await waits).leave();
});

test('a full line refuses at once, with a time to come back of at most 30 s', async t => {
  const { gate, refused } = setUp(t, { slots: 0, places: 1 });
  const leaving = new AbortController();
  const waits = gate.enter(entry, leaving.signal);
  await assert.rejects(gate.enter(entry, never), (error: DeciError) => {
    assert.deepEqual([error.code, error.status], ['queue_full', 503]);
    assert.ok(error.retryAfterSeconds !== undefined && error.retryAfterSeconds >= 1 && error.retryAfterSeconds <= 30);
    return true;
  });
  assert.deepEqual(refused, ['queue_full']);
  leaving.abort(new DeciError('client_closed'));
  await assert.rejects(waits, { code: 'client_closed' });
});

test('who hangs up leaves the line at once, and takes no slot with him', async t => {
  const { gate, free, tickets } = setUp(t, { slots: 0 });
  const leaving = new AbortController();
  const waits = gate.enter(entry, leaving.signal);
  leaving.abort(new DeciError('draining'));
  await assert.rejects(waits, { code: 'draining' });
  assert.deepEqual([gate.waiting, tickets.size], [0, 0]);
  free.slots = 1;
  (await gate.enter(entry, never)).leave();
  await assert.rejects(gate.enter(entry, leaving.signal), { code: 'draining' });
  assert.equal(free.slots, 1);
});

test('a wait has an end', async t => {
  const { gate, tickets } = setUp(t, { slots: 0 }, { maxWaitMs: 20 });
  await assert.rejects(gate.enter(entry, never), { code: 'queue_timeout', status: 503 });
  assert.equal(tickets.size, 0);
});

test('when no host is left those who wait hear of it', async t => {
  const { gate, tickets } = setUp(t, { slots: 0 });
  let isLeft = true;
  const hosts = (): string[] => {
    if (isLeft) return ['h'];
    throw new DeciError('hosts_draining');
  };
  const waits = gate.enter({ ...entry, hosts }, never);
  isLeft = false;
  await assert.rejects(waits, { code: 'hosts_draining' });
  await assert.rejects(gate.enter({ ...entry, hosts }, never), { code: 'hosts_draining' });
  assert.equal(tickets.size, 0);
});

test('the slot of what was aborted is not free before its host is', async t => {
  const free = Promise.withResolvers<void>();
  const { gate, free: count } = setUp(t, { slots: 1 }, { untilFree: () => free.promise });
  const place = await gate.enter(entry, never);
  place.leave('aborted');
  assert.equal(count.slots, 0);
  const waits = gate.enter(entry, never);
  free.resolve();
  (await waits).leave();
  assert.equal(count.slots, 1);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { DeciError } from '../kernel/errors.ts';
import type { Entry } from './line-entry.ts';
import type { Ticket } from './queue-order.ts';
import { type Place, SlotGate, type SlotGateOptions } from './slot-gate.ts';

interface TestSlot {
  readonly host: string;
  readonly model: string;
}

type Options = SlotGateOptions<TestSlot>;

const never = new AbortController().signal;
const caller = { owner: 'somebody', priority: 'interactive', tokens: 100 } as const;
const entry: Entry = { model: 'm', group: 'm', hosts: () => ['h'], caller };

/** A gate in front of so many slots, and of a line of so many places. */
function setUp(t: TestContext, { slots = 1, places = 10 }, over: Partial<Options> = {}) {
  const free = { slots };
  const tickets = new Set<Ticket>();
  const depths: number[] = [];
  const refused: string[] = [];
  const gate = new SlotGate<TestSlot>({
    slots: {
      keeps: false,
      inUseLike: () => slots - free.slots,
      take: (host, model) => (free.slots-- > 0 ? { host, model } : void free.slots++),
      hasRoom: () => free.slots > 0,
      give: () => void free.slots++,
      sweep: () => undefined,
    },
    limits: { of: () => slots, observe: () => undefined, overloaded: () => undefined },
    queue: {
      capacity: places,
      hasChanged: () => true,
      list: () => [...tickets],
      join: (ticket, victim) => {
        if (victim !== undefined) tickets.delete(victim);
        if (tickets.size >= places) return false;
        tickets.add(ticket);
        return true;
      },
      change: ticket => {
        for (const other of tickets) if (other.id === ticket.id) tickets.delete(other);
        tickets.add(ticket);
      },
      leave: ({ id }) => {
        for (const ticket of tickets) if (ticket.id === id) tickets.delete(ticket);
      },
    },
    isLoaded: () => true,
    slotsOf: () => slots,
    maxWaitMs: 10_000,
    untilFree: async () => undefined,
    now: Date.now,
    random: Math.random,
    onWaiting: count => depths.push(count),
    onWaited: () => undefined,
    onRefused: code => refused.push(code),
    ...over,
  });
  t.after(() => gate.stop());
  return { gate, free, tickets, depths, refused };
}

async function entering<S extends { host: string; model: string }>(
  gate: SlotGate<S>,
  ...asked: [Entry, AbortSignal]
): Promise<Place> {
  return await gate.enter(...asked);
}

test('who finds a slot does not wait; who finds none waits until one is left, in order', async t => {
  const { gate, tickets, depths } = setUp(t, { slots: 1 });
  const first = await entering(gate, entry, never);
  assert.deepEqual([first.host, first.waitedMs], ['h', 0]);
  const order: string[] = [];
  const waiting = ['second', 'third'].map(async name => {
    const place = await entering(gate, entry, never);
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
  const waits = entering(gate, entry, never);
  free.slots = 1;
  const comesLater = entering(gate, entry, never);
  const place: Place = await waits;
  place.leave();
  (await comesLater).leave();
});

test('a slot that another process gave back is found', async t => {
  const { gate, free } = setUp(t, { slots: 0 });
  const waits = entering(gate, entry, never);
  free.slots = 1;
  (await waits).leave();
});

test('a full line refuses at once, with a time to come back of at most 30 s', async t => {
  const { gate, refused } = setUp(t, { slots: 0, places: 1 });
  const leaving = new AbortController();
  const waits = entering(gate, entry, leaving.signal);
  await assert.rejects(entering(gate, entry, never), (error: DeciError) => {
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
  const waits = entering(gate, entry, leaving.signal);
  leaving.abort(new DeciError('draining'));
  await assert.rejects(waits, { code: 'draining' });
  assert.deepEqual([gate.waiting, tickets.size], [0, 0]);
  free.slots = 1;
  (await entering(gate, entry, never)).leave();
  await assert.rejects(entering(gate, entry, leaving.signal), { code: 'draining' });
  assert.equal(free.slots, 1);
});

test('a wait has an end', async t => {
  const { gate, tickets } = setUp(t, { slots: 0 }, { maxWaitMs: 20 });
  await assert.rejects(entering(gate, entry, never), { code: 'queue_timeout', status: 503 });
  assert.equal(tickets.size, 0);
});

test('when no host is left those who wait hear of it', async t => {
  const { gate, tickets } = setUp(t, { slots: 0 });
  let isLeft = true;
  const hosts = (): string[] => {
    if (isLeft) return ['h'];
    throw new DeciError('hosts_draining');
  };
  const waits = entering(gate, { ...entry, hosts }, never);
  isLeft = false;
  await assert.rejects(waits, { code: 'hosts_draining' });
  await assert.rejects(entering(gate, { ...entry, hosts }, never), { code: 'hosts_draining' });
  assert.equal(tickets.size, 0);
});

test('the slot of what was aborted is not free before its host is', async t => {
  const free = Promise.withResolvers<void>();
  const { gate, free: count } = setUp(t, { slots: 1 }, { untilFree: () => free.promise });
  const place = await entering(gate, entry, never);
  place.leave('aborted');
  assert.equal(count.slots, 0);
  const waits = entering(gate, entry, never);
  free.resolve();
  (await waits).leave();
  assert.equal(count.slots, 1);
});

test('whose place was given to another hears of it at once', async t => {
  const { gate, free, tickets } = setUp(t, { slots: 0, places: 2 });
  const greedy = [1, 2].map(() => entering(gate, entry, never));
  const [, last] = greedy;
  assert.ok(last !== undefined);
  const evicted = assert.rejects(last, { code: 'queue_share', status: 429 });
  const leaving = new AbortController();
  const other = entering(gate, { ...entry, caller: { ...caller, owner: 'other' } }, leaving.signal);
  await evicted;
  assert.deepEqual(
    gate
      .line()
      .map(({ owner }) => owner)
      .toSorted(),
    ['other', 'somebody'],
  );
  assert.equal(tickets.size, 2);
  leaving.abort(new DeciError('draining'));
  await assert.rejects(other, { code: 'draining' });
  free.slots = 1;
  (await greedy[0])?.leave();
});

test('what another worker lets wait in front of one is served there first', async t => {
  const { gate, free, tickets } = setUp(t, { slots: 0 });
  const waits = entering(gate, entry, never);
  const [own] = tickets;
  assert.ok(own !== undefined);
  const foreign = { ...own, id: 'foreign', start: own.start - 1 };
  tickets.add(foreign);
  const seen: number[] = [];
  const places = entering(gate, { ...entry, onLine: ({ position }) => seen.push(position) }, never);
  free.slots = 2;
  assert.deepEqual(
    gate.line().map(({ id }) => id === 'foreign'),
    [true, false, false],
  );
  tickets.delete(foreign);
  (await waits).leave();
  (await places).leave();
  assert.ok(seen.every(position => position <= 3));
});

test('while no other worker changes anything the line is looked at now and then, and at once when one does', async t => {
  const seen = { changes: 0, asked: 0, lists: 0 };
  const tickets: Ticket[] = [];
  const { gate, free } = setUp(
    t,
    { slots: 0 },
    {
      queue: {
        capacity: 5,
        hasChanged: () => {
          seen.asked++;
          return seen.changes-- > 0;
        },
        list: () => {
          seen.lists++;
          return tickets;
        },
        join: ticket => tickets.push(ticket) > 0,
        change: () => undefined,
        leave: () => tickets.splice(0),
      },
    },
  );
  const waits = entering(gate, entry, never);
  await until('it was asked often', () => seen.asked >= 40);
  // Every 50 ms at the latest, of asking every 5 to 15.
  assert.ok(seen.lists >= 2 && seen.lists <= seen.asked / 2, `${seen.lists} of ${seen.asked}`);
  free.slots = 1;
  seen.changes = 1;
  (await waits).leave();
});

test('nobody passes those who wait for the same model elsewhere, nor waits for what only they wait for', async t => {
  const { gate, free } = setUp(t, { slots: 0 });
  const order: string[] = [];
  const enter = async (name: string, over: Partial<Entry>): Promise<void> => {
    const place = await entering(gate, { ...entry, ...over }, never);
    order.push(name);
    place.leave();
  };
  const first = enter('first', {});
  const retry = enter('retry', { group: 'm not b' });
  free.slots = 1;
  const newcomer = enter('newcomer', { group: 'm not c' });
  await Promise.all([first, retry, newcomer]);
  assert.deepEqual(order, ['first', 'retry', 'newcomer']);
});

test('whose ticket was lost joins again, and hears of it when there is no place any more', async t => {
  const { gate, tickets } = setUp(t, { slots: 0, places: 1 });
  const leaving = new AbortController();
  const waits = entering(gate, entry, leaving.signal);
  tickets.clear();
  assert.equal(gate.line().length, 1);
  assert.equal(tickets.size, 1);
  const [lost] = tickets;
  assert.ok(lost !== undefined);
  tickets.clear();
  tickets.add({ ...lost, id: 'of another worker' });
  const refused = assert.rejects(waits, { code: 'queue_share' });
  gate.line();
  await refused;
});

test('in a line in which nobody is served any more, who waits interactively hears of it in the end', async t => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const { gate } = setUp(t, { slots: 0, places: 2 }, { now: Date.now, maxWaitMs: 10_000_000 });
  const waits = entering(gate, entry, never);
  const batch = entering(gate, { ...entry, caller: { ...caller, priority: 'batch' } }, never);
  const refused = assert.rejects(waits, { code: 'queue_timeout' });
  for (let seconds = 0; seconds < 150; seconds++) {
    t.mock.timers.tick(1000);
    await Promise.resolve();
  }
  await refused;
  assert.equal(gate.waiting, 1);
  batch.catch(() => undefined);
});

test('one who could not be served in his time is refused at the door', async t => {
  const { gate, free } = setUp(t, { slots: 1 }, { now: Date.now });
  for (let held = 0; held < 5; held++) (await entering(gate, entry, never)).leave();
  free.slots = 0;
  await assert.rejects(entering(gate, { ...entry, maxWaitMs: 1 }, never), { code: 'queue_too_slow', status: 503 });
});

test('at the door only those count who would be served before', async t => {
  const { gate, free } = setUp(t, { slots: 1, places: 50 });
  // A slot is held for some 330 ms then, as far as the gate has learnt.
  for (let held = 0; held < 5; held++) (await entering(gate, entry, never)).leave();
  free.slots = 0;
  const background = { ...caller, priority: 'background' } as const;
  const many = Array.from({ length: 20 }, () => entering(gate, { ...entry, caller: background }, never));
  const impatient = { ...entry, maxWaitMs: 2000 };
  const may = [
    entering(gate, impatient, never),
    entering(gate, { ...impatient, caller: { ...background, owner: 'another' } }, never),
  ];
  await assert.rejects(entering(gate, { ...impatient, caller: background }, never), {
    code: 'queue_share',
    status: 429,
  });
  free.slots = 30;
  for (const place of await Promise.all([...may, ...many])) place.leave();
});

test('what is expected goes by the slots of the hosts that may answer', async t => {
  const asked: unknown[] = [];
  const slotsOf = (_: string, hosts: readonly string[] | undefined): number => {
    asked.push(hosts);
    return 1;
  };
  const { gate, free } = setUp(t, { slots: 1 }, { slotsOf });
  for (let held = 0; held < 5; held++) (await entering(gate, entry, never)).leave();
  free.slots = 0;
  const waits = entering(gate, { ...entry, hosts: () => ['b'] }, never);
  assert.deepEqual(asked, [['b']]);
  assert.equal(gate.line()[0]?.position, 1);
  free.slots = 1;
  (await waits).leave();
});

test('who becomes more urgent while he waits is served as one of his new class, in every worker', async t => {
  const { gate, free, tickets } = setUp(t, { slots: 0 });
  const order: string[] = [];
  const enter = async (name: string, over: Partial<Entry>): Promise<void> => {
    const place = await entering(gate, { ...entry, ...over }, never);
    order.push(name);
    place.leave();
  };
  const urgency = { priority: 'interactive' as const, onRaised: undefined as (() => void) | undefined };
  const background = { ...caller, priority: 'background' } as const;
  const first = enter('first', { caller: background });
  const batch = enter('batch', { caller: { ...caller, owner: 'other', priority: 'batch' } });
  const raised = enter('raised', { caller: { ...background, owner: 'third' }, urgency });
  urgency.onRaised?.();
  assert.equal([...tickets].find(({ owner }) => owner === 'third')?.priority, 'interactive');
  free.slots = 1;
  await Promise.all([first, batch, raised]);
  assert.deepEqual(order, ['raised', 'batch', 'first']);
  assert.equal(urgency.onRaised, undefined, 'nobody listens any more');
  assert.equal(tickets.size, 0);
});

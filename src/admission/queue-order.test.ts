import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderTickets, positionOf, priorities, type Ticket } from './queue-order.ts';

let count = 0;
const ticket = (over: Partial<Ticket>): Ticket => ({
  id: String(++count).padStart(4, '0'),
  model: 'm',
  group: 'm',
  owner: 'a',
  priority: 'interactive',
  start: 0,
  finish: 1,
  clock: 0,
  sinceMs: 0,
  ...over,
});

function order(tickets: readonly Ticket[], nowMs = 0, loaded = ['m']): string[] {
  return orderTickets(tickets, { nowMs, isLoaded: model => loaded.includes(model) }).map(({ id }) => id);
}

test('interactive before batch before background, and by virtual time inside a class', () => {
  const background = ticket({ priority: 'background' });
  const batch = ticket({ priority: 'batch' });
  const late = ticket({ start: 20 });
  const early = ticket({ start: 10 });
  assert.deepEqual(order([background, batch, late, early]), [early.id, late.id, batch.id, background.id]);
});

test('nobody starves: a ticket rises by one class every 30 s, and keeps its virtual time', () => {
  const background = ticket({ priority: 'background', start: 5 });
  const interactive = ticket({ start: 10, sinceMs: 60_000 });
  assert.deepEqual(order([interactive, background], 59_000), [interactive.id, background.id]);
  assert.deepEqual(order([interactive, background], 60_000), [background.id, interactive.id]);
});

test('who came first is first among equals, in every worker', () => {
  const [one, two] = [ticket({ sinceMs: 1 }), ticket({ sinceMs: 1 })];
  const later = ticket({ sinceMs: 2 });
  assert.deepEqual(order([later, two, one]), [one.id, two.id, later.id]);
});

test('models are not swapped to and fro: what is not in memory stands behind its class, for 10 s', () => {
  const cold = ticket({ model: 'cold', start: 0 });
  const warm = ticket({ start: 50, sinceMs: 9000 });
  const batch = ticket({ priority: 'batch' });
  assert.deepEqual(order([cold, warm, batch], 9999), [warm.id, cold.id, batch.id]);
  assert.deepEqual(order([cold, warm, batch], 10_000), [cold.id, warm.id, batch.id]);
});

test('a position is what the whole order would say, for any line', () => {
  // A fixed sequence instead of dice: the same lines every time.
  let seed = 7;
  const dice = (sides: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % sides;
  };
  for (let round = 0; round < 300; round++) {
    const line = Array.from({ length: 1 + dice(30) }, () =>
      ticket({
        model: ['m', 'cold'][dice(2)] ?? 'm',
        priority: priorities[dice(3)] ?? 'batch',
        start: dice(5),
        sinceMs: dice(70_000),
      }),
    );
    const [newcomer, ...waiting] = line as [Ticket, ...Ticket[]];
    const facts = { nowMs: 70_000, isLoaded: (model: string) => model === 'm' };
    const ordered = orderTickets(line, facts).filter(({ model }) => model === newcomer.model);
    assert.equal(positionOf(newcomer, waiting, facts), ordered.indexOf(newcomer) + 1);
  }
});

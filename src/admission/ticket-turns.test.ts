import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ticket } from './queue-order.ts';
import { TicketTurns } from './ticket-turns.ts';

const ticket = (id: string, model = 'm'): Ticket => ({
  id,
  model,
  group: model,
  owner: 'o',
  priority: 'interactive',
  start: 0,
  finish: 1,
  clock: 0,
  sinceMs: 0,
});

function setUp() {
  const clock = { ms: 0 };
  const turns = new TicketTurns(() => clock.ms);
  /** A round in which `front` of another worker stands in front of ours. @returns whether ours may pass */
  const round = (front: string | undefined, hasRoom: boolean): boolean => {
    if (front !== undefined) turns.foreign(ticket(front));
    const may = !turns.isHeldUp('m') || turns.mayPass('m', () => hasRoom);
    turns.endRound();
    return may;
  };
  return { clock, turns, round };
}

test('nobody passes one of another worker while he may take the slot himself', () => {
  const { clock, round } = setUp();
  assert.deepEqual([round(undefined, true), round('a', true)], [true, false]);
  clock.ms = 99;
  assert.equal(round('a', true), false);
});

test('one who leaves a free slot alone for 100 ms is passed: his worker may be stopped', () => {
  const { clock, round } = setUp();
  round('a', true);
  clock.ms = 100;
  assert.equal(round('a', true), true);
  assert.equal(round('b', true), false);
});

test('as long as no slot is free he has left nothing alone', () => {
  const { clock, round } = setUp();
  round('a', true);
  clock.ms = 100;
  assert.equal(round('a', false), false);
  assert.equal(round('a', true), false);
  clock.ms = 199;
  assert.equal(round('a', true), false);
  clock.ms = 200;
  assert.equal(round('a', true), true);
});

test('who waits for another model is in nobody’s way', () => {
  const { turns } = setUp();
  turns.foreign(ticket('a', 'other'));
  assert.equal(turns.isHeldUp('m'), false);
});

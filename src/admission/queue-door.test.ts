import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DoorFacts, decideDoor } from './queue-door.ts';
import type { Ticket } from './queue-order.ts';

/** `aab`: the owners of those who wait, each with a ticket that ends later than the one before. */
function waiting(owners: string): Ticket[] {
  return [...owners].map((owner, index) => ({
    id: String(index),
    model: 'm',
    group: 'm',
    owner,
    priority: 'interactive',
    start: index,
    finish: index + 1,
    clock: 0,
    sinceMs: 0,
  }));
}

const decide = (owners: string, owner: string, over: Partial<DoorFacts> = {}) =>
  decideDoor({
    waiting: waiting(owners),
    capacity: 4,
    owner,
    priority: 'interactive',
    expectedWaitMs: undefined,
    patienceMs: 1000,
    ...over,
  });

test('there is room', () => {
  assert.deepEqual(decide('aab', 'a'), { may: 'join' });
});

test('who is alone has the whole line, and is told that it is full, which is nobody else’s fault', () => {
  assert.deepEqual(decide('aaaa', 'a'), { may: 'not', because: 'queue_full' });
});

test('who has his part of a full line is told so', () => {
  assert.deepEqual(decide('aaab', 'a'), { may: 'not', because: 'queue_share' });
  assert.deepEqual(decide('aabb', 'b'), { may: 'not', because: 'queue_share' });
});

test('who has less than his part takes the last place of whoever has most', () => {
  const decision = decide('aaab', 'b');
  assert.deepEqual([decision.may, decision.may === 'replace' && decision.victim.id], ['replace', '2']);
  const newcomer = decide('aaaa', 'b');
  assert.deepEqual([newcomer.may, newcomer.may === 'replace' && newcomer.victim.id], ['replace', '3']);
});

test('more callers than places: the line is full for those who come then', () => {
  assert.deepEqual(decide('abcd', 'e'), { may: 'not', because: 'queue_full' });
});

test('who could not be served in time is told at once, and whether it is his own doing', () => {
  const slow = { expectedWaitMs: 1001 };
  assert.deepEqual(decide('a', 'b', slow), { may: 'not', because: 'queue_too_slow' });
  assert.deepEqual(decide('aab', 'a', slow), { may: 'not', because: 'queue_share' });
  assert.deepEqual(decide('aa', 'a', slow), { may: 'not', because: 'queue_too_slow' });
  assert.deepEqual(decide('a', 'b', { expectedWaitMs: 1000 }), { may: 'join' });
});

test('an owner has no more places than he may while others wait, and all while nobody does', () => {
  const bounded = { capacity: 10, maxPerOwner: 2 };
  assert.deepEqual(decide('aa', 'a', bounded), { may: 'join' });
  assert.deepEqual(decide('aab', 'a', bounded), { may: 'not', because: 'queue_share' });
  assert.deepEqual(decide('aab', 'b', bounded), { may: 'join' });
  assert.deepEqual(decide('aaa', 'b', bounded), { may: 'join' });
});

test('in a full line what is urgent takes the place of what is less so, of the same owner, and the last of it', () => {
  const line = waiting('aaaa').map((ticket, index) => ({
    ...ticket,
    priority: (['batch', 'background', 'background', 'interactive'] as const)[index] ?? 'interactive',
  }));
  const urgent = decide('', 'a', { waiting: line });
  assert.deepEqual([urgent.may, urgent.may === 'replace' && urgent.victim.id], ['replace', '2']);
  assert.deepEqual(decide('', 'a', { waiting: line, priority: 'background' }), { may: 'not', because: 'queue_full' });
  const other = decide('', 'b', { waiting: line, priority: 'background' });
  assert.deepEqual([other.may, other.may === 'replace' && other.victim.id], ['replace', '2']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cachedLength, type Slot, Slots } from './slots.ts';

const never = new AbortController().signal;

test('those who find no free slot get one in the order they came', async () => {
  const slots = new Slots(1);
  const held = slots.tryTake('a') as Slot;
  const order: number[] = [];
  const first = slots.take('b', never).then(slot => (order.push(1), slot));
  const second = slots.take('c', never).then(slot => (order.push(2), slot));
  assert.equal(slots.waiting, 2);
  slots.give(held);
  slots.give(await first);
  await second;
  assert.deepEqual(order, [1, 2]);
});

test('whoever leaves the line is passed over', async () => {
  const slots = new Slots(1);
  const held = slots.tryTake('a') as Slot;
  const client = new AbortController();
  const left = slots.take('b', client.signal);
  const stays = slots.take('c', never);
  client.abort();
  await assert.rejects(left, { status: 499 });
  slots.give(held);
  assert.equal(await stays, held);
});

test('of several free slots the one that knows the longest prefix of the prompt is taken', () => {
  const slots = new Slots(2);
  const one = slots.tryTake('') as Slot;
  const other = slots.tryTake('') as Slot;
  one.cachedPrompt = 'user: hello';
  other.cachedPrompt = 'user: hello there, how are you';
  slots.give(one);
  slots.give(other);
  const taken = slots.tryTake('user: hello there, friend') as Slot;
  assert.equal(taken, other);
  assert.equal(cachedLength(taken, 'user: hello there, friend'), 'user: hello there, '.length);
});

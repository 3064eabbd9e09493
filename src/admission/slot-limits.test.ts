import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlotLimits } from './slot-limits.ts';

class Counters {
  readonly totals = new Map<string, number>();
  isAway = false;

  get(key: string): number {
    if (this.isAway) throw new Error('away');
    return this.totals.get(key) ?? 0;
  }

  add(key: string, amount: number): number {
    const total = this.get(key) + amount;
    this.totals.set(key, total);
    return total;
  }
}

function workers(counters: Counters) {
  const clock = { ms: 0 };
  const options = { hosts: new Map([['h', { initial: 10, max: 10 }]]), counters, now: () => clock.ms };
  return { clock, one: new SlotLimits(options), other: new SlotLimits(options) };
}

test('what one worker learns holds for the others within half a second', () => {
  const { clock, one, other } = workers(new Counters());
  assert.deepEqual([one.of('h', 'm'), other.of('h', 'm')], [10, 10]);
  one.overloaded('h', 'm');
  assert.equal(one.of('h', 'm'), 7);
  clock.ms += 500;
  assert.deepEqual([one.of('h', 'm'), other.of('h', 'm')], [7, 7]);
  assert.equal(other.of('h', 'another'), 10);
});

test('of too many the one that nobody used for the longest time is forgotten, not the one made first', () => {
  const { clock, one } = workers(new Counters());
  const keys: string[] = [];
  const counted = new SlotLimits({
    hosts: new Map([['h', { initial: 10, max: 10 }]]),
    counters: { get: key => (keys.push(key), 0), add: () => 0 },
    now: () => clock.ms,
  });
  assert.equal(one.of('h', 'm'), 10);
  counted.of('h', 'busy');
  for (let number = 1; number < 1000; number++) counted.of('h', `m${number}`);
  clock.ms += 500;
  counted.of('h', 'busy');
  counted.of('h', 'new');
  keys.length = 0;
  counted.of('h', 'busy');
  assert.deepEqual(keys, [], 'it is known still, and was read a moment ago');
});

test('two workers that learn the same at the same moment do not count it twice', () => {
  const { clock, one, other } = workers(new Counters());
  one.of('h', 'm');
  other.of('h', 'm');
  one.overloaded('h', 'm');
  other.overloaded('h', 'm');
  clock.ms += 500;
  assert.deepEqual([one.of('h', 'm'), other.of('h', 'm')], [7, 7]);
});

test('without the counters each goes by what it has learnt, and an unknown host has one slot', () => {
  const counters = new Counters();
  const { clock, one } = workers(counters);
  counters.isAway = true;
  one.overloaded('h', 'm');
  clock.ms += 1000;
  assert.equal(one.of('h', 'm'), 7);
  assert.equal(one.of('elsewhere', 'm'), 1);
});

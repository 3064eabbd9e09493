import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SortableIds } from './sortable-id.ts';

test('an id has the form of a ULID and tells its time', () => {
  const ids = new SortableIds({ now: () => 1_469_918_176_385, random: () => 0 });
  assert.equal(ids.next(), '01ARYZ6S410000000000000000');
});

test('ids of one maker grow: within a millisecond, over all digits, and when the clock is set back', () => {
  let now = 1000;
  const ids = new SortableIds({ now: () => now, random: () => 0.999 });
  const made = [ids.next(), ids.next(), ids.next()];
  now = 500;
  made.push(ids.next());
  now = 2000;
  made.push(ids.next());
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, made.length);
});

test('two makers at the same time do not make the same id', () => {
  const options = { now: () => 1000, random: Math.random };
  assert.notEqual(new SortableIds(options).next(), new SortableIds(options).next());
});

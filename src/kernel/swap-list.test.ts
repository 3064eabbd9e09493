import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SwapList } from './swap-list.ts';

const named = (name: string) => ({ name, place: -1 });

test('what is added is there until it is deleted, whatever the order', () => {
  const list = new SwapList<ReturnType<typeof named>>();
  const [a, b, c] = [named('a'), named('b'), named('c')];
  for (const item of [a, b, c]) list.add(item);
  list.delete(a);
  list.delete(a);
  assert.deepEqual([...list].map(({ name }) => name).toSorted(), ['b', 'c']);
  assert.equal(a.place, -1);
  list.delete(c);
  list.delete(named('never added'));
  assert.deepEqual([[...list], list.size], [[b], 1]);
  list.add(a);
  list.delete(b);
  assert.deepEqual([...list], [a]);
});

test('an item of another list at the same place is left alone', () => {
  const [one, other] = [new SwapList<ReturnType<typeof named>>(), new SwapList<ReturnType<typeof named>>()];
  const [a, b] = [named('a'), named('b')];
  one.add(a);
  other.add(b);
  one.delete(b);
  assert.deepEqual([...one], [a]);
});

test('items may be deleted while they are gone through', () => {
  const list = new SwapList<ReturnType<typeof named>>();
  for (const name of 'abcd') list.add(named(name));
  const seen: string[] = [];
  for (const item of list) {
    seen.push(item.name);
    list.delete(item);
  }
  assert.deepEqual([seen.join(''), list.size], ['abcd', 0]);
});

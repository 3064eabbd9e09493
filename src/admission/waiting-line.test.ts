import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingLine } from './waiting-line.ts';

const waiter = (id: string) => ({
  ticket: {
    id,
    group: id.slice(0, 1),
    model: `model ${id.slice(0, 1)}`,
    priority: id.startsWith('a') ? 'batch' : 'interactive',
  } as const,
});

test('who waits is found by his ticket and by his group, in order of arrival', () => {
  const line = new WaitingLine<ReturnType<typeof waiter>>();
  const all = ['a1', 'b1', 'a2'].map(waiter);
  for (const one of all) line.add(one);
  assert.deepEqual([line.length, line.byId('b1'), line.byId('c1')], [3, all[1], undefined]);
  assert.deepEqual(line.waiters(), all);
  assert.deepEqual([line.hasGroup('a'), line.hasGroup('c')], [true, false]);
  assert.deepEqual([line.hasModel('model a'), line.hasModel('model c')], [true, false]);
  assert.deepEqual(Object.fromEntries(line.perPriority), { interactive: 1, batch: 2, background: 0 });
});

test('who leaves does so once, and his group is gone with the last of it', () => {
  const line = new WaitingLine<ReturnType<typeof waiter>>();
  const [first, second] = ['a1', 'a2'].map(waiter) as [ReturnType<typeof waiter>, ReturnType<typeof waiter>];
  line.add(first);
  line.add(second);
  assert.deepEqual([line.remove(first), line.remove(first), line.hasGroup('a')], [true, false, true]);
  assert.deepEqual([line.remove(second), line.hasGroup('a'), line.length], [true, false, 0]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelChanges } from './model-changes.ts';

test('what one worker changes all know: when they rely on it within 100 ms, when they count at once', () => {
  const shared = { count: 0, nowMs: 1000 };
  const counters = { get: () => shared.count, add: (_: string, by: number) => (shared.count += by) };
  const heard = [0, 0];
  const [one, other] = [0, 1].map(
    index => new ModelChanges({ counters, now: () => shared.nowMs, onChange: () => heard[index]!++ }),
  ) as [ModelChanges, ModelChanges];
  for (const changes of [one, other]) changes.look();
  const before = other.count();
  one.tell();
  other.look();
  assert.deepEqual(heard, [1, 0]);
  shared.nowMs += 100;
  other.look();
  assert.deepEqual(heard, [1, 1]);
  assert.equal(other.count(), before + 1);
  one.look();
  assert.deepEqual(heard, [1, 1], 'its own change is no news to it');
  one.tell();
  assert.equal(other.count(), before + 2, 'without waiting');
  const mixed = one.count();
  other.tell();
  one.tell();
  assert.notEqual(one.count(), mixed, 'that of the other is seen beside its own');
  assert.equal(heard[0], 4);
});

test('without the shared state a worker knows of its own changes', () => {
  let heard = 0;
  const fail = (): never => {
    throw new Error('away');
  };
  const changes = new ModelChanges({ counters: { get: fail, add: fail }, now: () => 0, onChange: () => heard++ });
  const before = changes.count();
  changes.tell();
  assert.deepEqual([changes.count(), heard], [before + 1, 1]);
});

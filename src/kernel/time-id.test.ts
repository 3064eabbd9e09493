import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimeIds } from './time-id.ts';

test('later ids are greater, within a millisecond and when the clock is set back too', () => {
  const clock = { ms: 1_000_000 };
  const newId = createTimeIds('heal_', () => clock.ms);
  const ids = [newId(), newId(), newId()];
  clock.ms -= 5000;
  ids.push(newId(), newId());
  clock.ms += 6000;
  ids.push(newId());
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^heal_[0-9a-f]{28}$/);
});

test('two processes that make ids in the same moment make different ones', () => {
  const now = () => 5;
  assert.notEqual(createTimeIds('', now)(), createTimeIds('', now)());
});

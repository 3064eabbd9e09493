import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartFinder } from './restart-finder.ts';
import type { FoundWay } from './restart-way.ts';

test('it is looked for once a minute however often it is asked, by one search at a time, and only news is told', async () => {
  let nowMs = 0;
  let searches = 0;
  const told: FoundWay[] = [];
  const none = { none: 'nothing is known' };
  const way = { words: 'svc restart', command: { file: 'svc', args: [] } };
  let next: FoundWay = none;
  const finder = new RestartFinder({
    search: async () => {
      searches++;
      return { ...next };
    },
    nowMs: () => nowMs,
    onFound: found => void told.push(found),
  });
  assert.equal(finder.found, undefined);
  await Promise.all([finder.look(), finder.look()]);
  nowMs += 59_999;
  next = way;
  await finder.look();
  assert.deepEqual([searches, finder.found, finder.way], [1, none, undefined]);
  nowMs += 1;
  await finder.look();
  assert.deepEqual(finder.way, way);
  nowMs += 60_000;
  await finder.look();
  assert.deepEqual([searches, told], [3, [none, way]]);
});

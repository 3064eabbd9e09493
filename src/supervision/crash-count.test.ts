/** Counting restarts: what came since the last look, within the window. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CrashCount, countCrashes } from './crash-count.ts';

const windowMs = 600_000;
const at = (nowMs: number) => ({ nowMs, windowMs });

test('what PM2 had counted before the first look is nobody’s fault; what it counts since is', () => {
  const first = countCrashes(
    undefined,
    [
      { id: 0, restarts: 7 },
      { id: 1, restarts: 0 },
    ],
    at(1000),
  );
  assert.deepEqual(first, { known: { 0: 7, 1: 0 }, times: [] });
  const second = countCrashes(
    first,
    [
      { id: 0, restarts: 9 },
      { id: 1, restarts: 1 },
    ],
    at(2000),
  );
  assert.deepEqual(second.times, [2000, 2000, 2000]);
  assert.deepEqual(countCrashes(second, [{ id: 0, restarts: 9 }], at(3000)).times, [2000, 2000, 2000]);
});

test('a new place counts from its beginning, and a counter that went down has begun anew', () => {
  const before: CrashCount = { known: { 0: 5 }, times: [] };
  assert.equal(
    countCrashes(
      before,
      [
        { id: 0, restarts: 2 },
        { id: 8, restarts: 3 },
      ],
      at(1),
    ).times.length,
    5,
  );
});

test('what lies outside the window is forgotten, also when the clock was set back', () => {
  const before: CrashCount = { known: { 0: 0 }, times: [0, 500_000, 5_000_000] };
  assert.deepEqual(countCrashes(before, [{ id: 0, restarts: 0 }], at(600_001)).times, [500_000]);
});

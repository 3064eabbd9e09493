/** What grows is found to, a saw-tooth and noise are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grows, type Point, trendOf } from './trend.ts';

/** A generator of numbers from 0 to 1 that is the same each time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const series = (count: number, valueAt: (index: number) => number): Point[] =>
  Array.from({ length: count }, (_, index) => ({ atMs: index * 10_000, value: valueAt(index) }));

test('a slope is found in spite of noise and of single peaks', () => {
  const random = dice(1);
  const trend = trendOf(series(180, index => 80 + index * 0.1 + random() * 6 + (index % 30 === 0 ? 60 : 0)));
  assert.ok(Math.abs(trend.slopePerHour - 36) < 4, String(trend.slopePerHour));
  assert.equal(grows(trend, 8), true);
});

test('a saw-tooth, noise and what stays as it is do not grow', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = dice(seed);
    assert.equal(grows(trendOf(series(180, index => 80 + (index % 20) * 3)), 8), false);
    assert.equal(grows(trendOf(series(180, () => 80 + random() * 40)), 8), false);
  }
  assert.equal(trendOf(series(20, () => 80)).z, 0);
});

test('what shrinks does not grow, nor does what grows by next to nothing', () => {
  assert.equal(grows(trendOf(series(100, index => 200 - index)), 8), false);
  assert.equal(grows(trendOf(series(100, index => 80 + index * 0.01)), 8), false);
});

test('too few points tell nothing', () => {
  assert.throws(() => trendOf(series(9, index => index)), RangeError);
});

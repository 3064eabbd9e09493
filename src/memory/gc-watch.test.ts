import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCollect, GcTime, GcWatch } from './gc-watch.ts';

test('the share of collecting is that of the last half minute', () => {
  const time = new GcTime();
  for (let second = 0; second < 30; second++) time.add(second * 1000, 400);
  assert.ok(Math.abs(time.share(29_999) - 0.4) < 1e-9);
  assert.ok(Math.abs(time.share(44_000) - 0.2) < 0.02);
  assert.equal(time.share(100_000), 0);
  time.add(100_500, 300);
  assert.equal(time.share(100_900), 0.01);
});

test('a collection of ours is made at once, and told as a major one', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const watch = new GcWatch(({ isMajor, durationMs }) => {
    if (isMajor) resolve(durationMs);
  });
  watch.start();
  const collect = createCollect();
  let garbage: unknown = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
  collect();
  const before = process.memoryUsage().heapUsed;
  garbage = undefined;
  collect();
  assert.ok(before - process.memoryUsage().heapUsed > 10_000_000, String(garbage));
  assert.ok((await promise) > 0);
  watch.stop();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from './breaker.ts';

const limits = { failures: 5, resetMs: 60_000 };

test('five failures in a row open it, a success between them begins anew', () => {
  const breaker = new Breaker();
  for (let at = 0; at < 20; at++) breaker.succeeded(0);
  for (let at = 0; at < 4; at++) assert.equal(breaker.failed(0, limits), undefined);
  breaker.succeeded(0);
  for (let at = 0; at < 4; at++) assert.equal(breaker.failed(0, limits), undefined);
  assert.deepEqual(breaker.failed(0, limits), { signal: 'consecutive_failures', value: 5, threshold: 5 });
});

test('half of at least five within a minute open it; what is older does not count', () => {
  const breaker = new Breaker();
  breaker.succeeded(0);
  breaker.succeeded(0);
  const failed = (of: Breaker, atMs: number): unknown => of.failed(atMs, limits) ?? of.rate(limits);
  assert.equal(failed(breaker, 0), undefined);
  breaker.succeeded(0);
  assert.equal(failed(breaker, 0), undefined);
  assert.deepEqual(failed(breaker, 0), { signal: 'failure_rate', value: 0.5, threshold: 0.5 });
  const later = new Breaker();
  for (let at = 0; at < 4; at++) later.failed(at * 1000, limits);
  later.succeeded(5000);
  assert.equal(failed(later, 70_000), undefined);
});

test('it stays open longer each time, up to the limit, and a bit less than that at random', () => {
  const breaker = new Breaker();
  const openMs = (random: number): number => {
    breaker.open(0, 'x', limits, () => random);
    return breaker.state.is === 'closed' ? 0 : breaker.state.untilMs;
  };
  assert.equal(openMs(1), 5000);
  assert.equal(openMs(1), 10_000);
  assert.equal(openMs(0), 10_000);
  for (let times = 0; times < 20; times++) openMs(1);
  assert.equal(openMs(1), 60_000);
});

test('closed for ten minutes it has forgotten how often it opened', () => {
  const breaker = new Breaker();
  for (let times = 0; times < 4; times++) breaker.open(0, 'x', limits, () => 1);
  breaker.close(0);
  breaker.open(601_000, 'x', limits, () => 1);
  assert.deepEqual([breaker.state.is === 'open' && breaker.state.untilMs - 601_000, breaker.state.opens], [5000, 1]);
});

test('closed again it gets its share back within ten seconds; one that never opened has all of it', () => {
  const breaker = new Breaker();
  assert.equal(breaker.share(0), 1);
  breaker.open(0, 'x', limits, () => 1);
  assert.equal(breaker.halfOpen(0), true);
  assert.equal(breaker.halfOpen(0), false);
  breaker.close(1000);
  assert.deepEqual(
    [1000, 6000, 11_000, 99_000].map(at => breaker.share(at)),
    [0, 0.5, 1, 1],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, quantile, spreadOf } from './statistics.ts';

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('quantiles do not depend on the order of the values', () => {
  assert.equal(quantile([5, 1, 4, 2, 3], 0.25), 2);
  assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { min: 1, q1: 2, median: 3, q3: 4, max: 5 });
});

test('there is no quantile of nothing', () => {
  assert.ok(Number.isNaN(median([])));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from './retry-budget.ts';

function spendAll(budget: RetryBudget): number {
  let spent = 0;
  while (budget.spend()) spent++;
  return spent;
}

test('after a first ten, retries are a tenth of the requests', () => {
  const budget = new RetryBudget({ ratio: 0.1, nowMs: () => 0 });
  assert.equal(spendAll(budget), 10);
  for (let request = 0; request < 51; request++) budget.earn();
  assert.equal(spendAll(budget), 5);
});

test('one every ten seconds is always there, and no more are saved than ten', () => {
  let nowMs = 0;
  const budget = new RetryBudget({ ratio: 0, nowMs: () => nowMs });
  spendAll(budget);
  nowMs = 9999;
  assert.equal(spendAll(budget), 0);
  nowMs = 10_000;
  assert.equal(spendAll(budget), 1);
  nowMs = 10_000_000;
  assert.equal(spendAll(budget), 10);
});

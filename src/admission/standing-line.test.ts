import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StandingLine } from './standing-line.ts';

const heldMs = 1000;

test('a line that is long for a moment limits nobody', () => {
  const line = new StandingLine();
  line.served(50_000, heldMs, 0);
  line.served(50_000, heldMs, 99_000);
  assert.equal(line.limitMs(heldMs), Number.POSITIVE_INFINITY);
});

test('a line in which nobody is served soon for ten times the target stands, until somebody is', () => {
  const line = new StandingLine();
  for (const atMs of [0, 50_000, 100_000]) line.served(20_000, heldMs, atMs);
  assert.equal(line.limitMs(heldMs), 20_000);
  line.served(5000, heldMs, 101_000);
  assert.equal(line.limitMs(heldMs), Number.POSITIVE_INFINITY);
});

test('slow models make the target longer', () => {
  const line = new StandingLine();
  for (const atMs of [0, 1_300_000]) line.served(200_000, 30_000, atMs);
  assert.equal(line.limitMs(30_000), 240_000);
});

test('an empty line stands no more', () => {
  const line = new StandingLine();
  for (const atMs of [0, 100_000]) line.served(20_000, heldMs, atMs);
  line.idle();
  assert.equal(line.limitMs(heldMs), Number.POSITIVE_INFINITY);
});

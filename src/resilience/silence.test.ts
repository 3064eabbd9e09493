import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeSilence } from './silence.ts';

const quiet = { inFlight: 1, quietMs: 7000, unreadBytes: 200, isLoading: false };

test('a host without work, and one that speaks, are fine', () => {
  assert.equal(judgeSilence({ ...quiet, inFlight: 0 }), 'fine');
  assert.equal(judgeSilence({ ...quiet, quietMs: 2999 }), 'fine');
});

test('one that is silent is looked at, and then made to generate', () => {
  assert.equal(judgeSilence({ ...quiet, quietMs: 3000 }), 'look');
  assert.equal(judgeSilence({ ...quiet, quietMs: 6999 }), 'look');
  assert.equal(judgeSilence(quiet), 'try');
});

test('one that loads, or reads a long prompt, is only looked at; reading has an end', () => {
  assert.equal(judgeSilence({ ...quiet, quietMs: 600_000, isLoading: true }), 'look');
  for (const unreadBytes of [4000, 100_000, 30_000_000]) {
    assert.equal(judgeSilence({ ...quiet, quietMs: 11_999, unreadBytes }), 'look');
    assert.equal(judgeSilence({ ...quiet, quietMs: 12_000, unreadBytes }), 'try');
  }
});

test('where it is known how long a host reads, that holds', () => {
  const long = { ...quiet, unreadBytes: 100_000 };
  assert.equal(judgeSilence({ ...long, quietMs: 6500, expectedMs: 500 }), 'try');
  assert.equal(judgeSilence({ ...long, quietMs: 35_000, expectedMs: 30_000 }), 'look');
  assert.equal(judgeSilence({ ...long, quietMs: 66_000, expectedMs: 900_000 }), 'try');
});

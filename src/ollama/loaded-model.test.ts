import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadedModels } from './loaded-model.ts';

const expires_at = '2026-01-02T03:04:05.5+01:00';
const expiresAtMs = Date.UTC(2026, 0, 2, 2, 4, 5, 500);

test('what remains is told by the clock of the host', () => {
  const rows = [{ name: 'a:latest', context_length: 4096, expires_at, digest: 'x' }];
  assert.deepEqual(loadedModels({ models: rows }, expiresAtMs - 60_000), [
    { name: 'a:latest', contextLength: 4096, expiresAtMs, remainingMs: 60_000 },
  ]);
});

test('a server that tells no context has none here, and what is no list is none', () => {
  assert.equal(loadedModels({ models: [{ name: 'a', expires_at }] }, 0)[0]?.contextLength, undefined);
  for (const answer of [
    undefined,
    [],
    { models: 3 },
    { models: [3, { name: 4 }, { name: 'a', expires_at: 'soon' }] },
  ]) {
    assert.deepEqual(loadedModels(answer, 0), []);
  }
});

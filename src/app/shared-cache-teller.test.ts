import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { SharedCacheTeller } from './shared-cache-teller.ts';

function setUp() {
  const state = { atMs: 0, may: 'on' as 'on' | 'off' | 'dry_run' | 'suppressed', told: [] as unknown[], warned: 0 };
  const info = healerCatalogue['shared-cache'];
  const teller = new SharedCacheTeller({
    info,
    licence: { may: () => state.may, used: () => undefined },
    journal: {
      open: async record => {
        const { action, trigger } = record;
        return { ...record, ...open, decision: `${action} ${trigger.signal}` };
      },
      complete: async ({ decision }, { result }) => void state.told.push([decision, result]),
    },
    events: { sharedCacheState: () => undefined, healed: () => undefined },
    log: { warn: () => state.warned++, info: () => undefined },
    path: '/cache',
    clock: () => state.atMs,
  });
  return { state, teller };
}

const open = { id: '1', time: '2026-01-01T00:00:00Z', result: null, duration_ms: null, requests_affected: null };
const full = new Error('full');
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('a full cache is told once, however often room is made, and again when it was well for long', async () => {
  const { state, teller } = setUp();
  for (let time = 0; time < 100; time++, state.atMs += 60_000) {
    assert.equal(teller.mayEvict(full), true);
    teller.evicted(full, 32);
  }
  await settled();
  assert.deepEqual([state.told, state.warned], [[['evict cache_full', 'healed']], 1]);
  state.atMs += 600_000;
  teller.mayEvict(full);
  teller.evicted(full, 0);
  await settled();
  assert.deepEqual(state.told.slice(1), [['evict cache_full', 'no_effect']]);
});

test('a full cache stays as it is when room may not be made: a dry run is told once, off is not told', async () => {
  for (const [may, told] of [
    ['dry_run', [['evict cache_full', 'dry_run']]],
    ['suppressed', [['evict cache_full', 'suppressed']]],
    ['off', []],
  ] as const) {
    const { state, teller } = setUp();
    state.may = may;
    for (let time = 0; time < 3; time++) assert.equal(teller.mayEvict(full), false);
    await settled();
    assert.deepEqual(state.told, told, may);
  }
});

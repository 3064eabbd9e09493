import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { IdleCanary } from './idle-canary.ts';

test('an idle host is not asked while the worker has no time for it', async () => {
  let turns = 0;
  let isAllowed = false;
  let looks = 0;
  const canary = new IdleCanary({
    board: { condemn: () => undefined, standing: () => 'closed' },
    hosts: [
      {
        name: 'a',
        pulse: () => 0,
        inFlight: () => 0,
        loaded: async () => [],
        takeSlot: () => undefined,
        generate: async () => undefined,
        keep: async () => undefined,
      },
    ],
    takeTurn: () => {
      turns++;
      return false;
    },
    signs: { get: () => 0 },
    isAllowed: () => {
      looks++;
      return isAllowed;
    },
    intervalMs: 20,
    onCanary: () => undefined,
    nowMs: () => performance.now(),
    random: Math.random,
    onFailure: assert.ifError,
  });
  await canary.start();
  try {
    await until('it would have asked', () => looks >= 2);
    assert.equal(turns, 0);
    isAllowed = true;
    await until('it asks', () => turns >= 1);
  } finally {
    await canary.stop();
  }
});

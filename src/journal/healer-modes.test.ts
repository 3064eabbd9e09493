import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealerMode } from './healer.ts';
import { HealerModes } from './healer-modes.ts';

test('while the store has never been read no healer acts, for it may have been switched off', async () => {
  const store = { away: true };
  const modes = new HealerModes({
    all: async () => {
      if (store.away) throw new Error('disk full');
      return new Map<string, HealerMode>([['dead-leases', 'off']]);
    },
  });
  assert.equal(await modes.of('dead-leases'), 'dry_run');
  assert.equal(await modes.of('breaker', 'on'), 'on', 'but for one that protects, and undoes it by itself');
  store.away = false;
  assert.equal(await modes.of('dead-leases'), 'off');
  assert.equal(await modes.of('another'), 'on');
});

test('a healer is on until somebody sets it, and what was set stays in force while the store is away', async () => {
  const store = { modes: new Map<string, HealerMode>(), away: false };
  const modes = new HealerModes({
    all: async () => {
      if (store.away) throw new Error('disk full');
      return store.modes;
    },
  });
  assert.equal(await modes.of('dead-leases'), 'on');
  store.modes.set('dead-leases', 'off');
  assert.equal(await modes.of('dead-leases'), 'off');
  store.away = true;
  assert.equal(await modes.of('dead-leases'), 'off');
  assert.equal(await modes.of('another'), 'on');
});

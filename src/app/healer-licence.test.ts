import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealerMode } from '../journal/healer.ts';
import { HealerLicence } from './healer-licence.ts';

const info = { name: 'h', repairs: '', risk: '', budget: { actions: 2, windowMs: 1000 } };

function setUp() {
  const state = { mode: 'on' as HealerMode, used: 0 as number | undefined, nowMs: 10_000, looks: 0 };
  const licence = new HealerLicence({
    info,
    journal: { countSince: async () => state.used, flush: async () => undefined },
    modeOf: async () => {
      state.looks++;
      return state.mode;
    },
    nowMs: () => state.nowMs,
  });
  return { state, licence };
}

test('a healer may act until it is switched off or to a dry run', async () => {
  const { state, licence } = setUp();
  assert.equal(licence.may(), 'on');
  for (const mode of ['off', 'dry_run', 'on'] as const) {
    state.mode = mode;
    state.nowMs += 2000;
    await licence.refresh();
    assert.equal(licence.may(), mode);
  }
});

test('above its budget it is held back, what it did since the last look included', async () => {
  const { state, licence } = setUp();
  licence.used();
  licence.used();
  assert.equal(licence.may(), 'suppressed');
  await licence.refresh();
  assert.equal(licence.may(), 'on');
  state.used = 2;
  state.nowMs += 2000;
  await licence.refresh();
  assert.equal(licence.may(), 'suppressed');
});

test('it looks every 2 s at most, and keeps what it knew when the journal cannot be asked', async () => {
  const { state, licence } = setUp();
  licence.used();
  licence.used();
  state.used = undefined;
  await licence.refresh();
  await licence.refresh();
  assert.deepEqual([state.looks, licence.may()], [1, 'suppressed']);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DailyRepository } from './daily-repository.ts';
import { MainStore } from './main-store.ts';

test('the day is known over a restart, for each thing by itself', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-daily-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const open = async (): Promise<MainStore> => {
    const store = new MainStore({ dataDir: dir, onStateChange: () => undefined, onSlow: () => undefined });
    t.after(() => store.stop());
    await store.start();
    return store;
  };
  const first = await open();
  const daily = new DailyRepository(first, () => new Date(0));
  assert.equal(daily.lastDay('recycle'), undefined);
  await daily.remember('recycle', '2026-05-06');
  await daily.remember('recycle', '2026-05-07');
  await daily.remember('other', '2026-01-01');
  await first.stop();
  assert.equal(new DailyRepository(await open(), () => new Date(0)).lastDay('recycle'), '2026-05-07');
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DrainedHosts } from '../ollama/drained-hosts.ts';
import { HostSettingsRepository } from './host-settings-repository.ts';
import { MainStore } from './main-store.ts';

test('drained hosts hold for every worker and over a restart; without the store what was known stays', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-hosts-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const open = async (): Promise<MainStore> => {
    const store = new MainStore({ dataDir: dir, onStateChange: () => undefined, onSlow: () => undefined });
    t.after(() => store.stop());
    await store.start();
    return store;
  };
  const failures: unknown[] = [];
  const workerOn = (store: MainStore): DrainedHosts => {
    const settings = new HostSettingsRepository(store, () => new Date(0));
    const worker = new DrainedHosts({ settings, random: () => 0, onFailure: error => failures.push(error) });
    t.after(() => worker.stop());
    return worker;
  };
  const [first, second] = [await open(), await open()];
  const [one, other] = [workerOn(first), workerOn(second)];
  await one.start();
  await one.set('gpu:1', true, 'me');
  assert.deepEqual([one.has('gpu:1'), one.has('gpu:2')], [true, false]);
  await other.start();
  assert.equal(other.has('gpu:1'), true);
  await other.set('gpu:1', false, 'me');
  assert.equal(other.has('gpu:1'), false);
  await other.set('gpu:2', true, 'me');
  await second.stop();
  await assert.rejects(other.set('gpu:2', false, 'me'));
  assert.equal(other.has('gpu:2'), true);
  const after = workerOn(first);
  await after.start();
  assert.deepEqual([after.has('gpu:1'), after.has('gpu:2'), failures], [false, true, []]);
});

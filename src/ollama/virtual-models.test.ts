import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { virtualModel } from '../../test/support/model-policy.ts';
import { until } from '../../test/support/until.ts';
import { MainStore } from '../storage/main-store.ts';
import { VirtualModelRepository } from '../storage/virtual-model-repository.ts';
import { VirtualModels } from './virtual-models.ts';

test('virtual models hold for every worker and over a restart; without the store what was known stays', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'deci-names-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const open = async (): Promise<MainStore> => {
    const store = new MainStore({ dataDir: dir, onStateChange: () => undefined, onSlow: () => undefined });
    t.after(() => store.stop());
    await store.start();
    return store;
  };
  const workerOn = (store: MainStore): VirtualModels => {
    const records = new VirtualModelRepository(store, () => new Date(0));
    const worker = new VirtualModels({ records, random: () => 0, onFailure: () => undefined });
    t.after(() => worker.stop());
    return worker;
  };
  const [first, second] = [await open(), await open()];
  const [one, other] = [workerOn(first), workerOn(second)];
  await one.start();
  await other.start();
  await one.put(virtualModel('Fast', 'm'), 'me');
  assert.equal(one.find('fast:latest')?.base, 'm');
  await until('the other follows', () => other.find('fast') !== undefined, 1000);
  await other.put(virtualModel('fast', 'n'), 'me');
  await until('and back', () => one.find('fast')?.base === 'n', 1000);
  assert.equal(await one.remove('FAST'), true);
  assert.equal(await one.remove('fast'), false);
  await one.put(virtualModel('fast', 'o'), 'me');
  await until('deleted and written again is seen', () => other.find('fast')?.base === 'o', 1000);
  assert.equal(await other.add(virtualModel('FAST', 'p'), 'me'), false);
  assert.equal(await other.add(virtualModel('new', 'p'), 'me'), true);
  await until('a new one is seen', () => one.find('new')?.base === 'p', 1000);
  assert.equal(await one.remove('new'), true);
  await until('and gone', () => other.find('new') === undefined, 1000);
  await second.stop();
  await assert.rejects(other.put(virtualModel('x', 'm'), 'me'));
  assert.equal(other.find('fast')?.base, 'o');
  const later = workerOn(first);
  await later.start();
  assert.deepEqual(
    later.list().map(({ name }) => name),
    ['fast'],
  );
});

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
import { readVirtualRecord } from './virtual-record.ts';

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

test('a record of an older release has what it lacks by default; of a newer one what is not known here', () => {
  const plain = virtualModel('v', 'b');
  assert.deepEqual(readVirtualRecord('{"name":"v","base":"b"}'), plain);
  const newer = {
    ...plain,
    system_policy: 'sometimes',
    hosts: [1, 'h'],
    cache: { policy: 'odd' },
    retry: null,
    more: 1,
  };
  assert.deepEqual(readVirtualRecord(JSON.stringify(newer)), { ...plain, hosts: ['h'] });
  const full = virtualModel('v', 'b', {
    options: { num_ctx: 4096 },
    runner_options: 'fix',
    system: 's',
    system_policy: 'always',
    fallbacks: ['f'],
    fallback_text: 't',
    cache: { policy: 'always', ttl: '1m', scope: 'key' },
    retry: { attempts: 2, also: ['busy'], never: ['broken'] },
    keep_alive: 300,
  });
  assert.deepEqual(readVirtualRecord(JSON.stringify(full)), full);
});

test('a record that cannot be read is left out and told of once', async t => {
  const state = { version: '1', all: ['[]', 'not json', '{"name":"v"}', '{"name":"v","base":"b"}'] };
  const told: string[] = [];
  const models = new VirtualModels({
    records: {
      version: () => state.version,
      all: () => state.all,
      put: async () => undefined,
      add: async () => true,
      remove: async () => false,
    },
    random: () => 0,
    onFailure: error => told.push(String(error)),
  });
  t.after(() => models.stop());
  models.refresh();
  state.version = '2';
  models.refresh();
  assert.deepEqual([models.find('V')?.base, models.list().length, told.length], ['b', 1, 3]);
});

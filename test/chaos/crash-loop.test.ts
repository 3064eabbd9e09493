/** A release that cannot start any more: its worker is tried again a bounded number of times, the other one serves on, and all is as before when it can. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { liveControl } from '../../src/config/live-workers.ts';
import { isRunning } from '../../src/kernel/process-identity.ts';
import { ask, chat, type Json, json } from '../integration/wire.ts';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const budget = 5;

async function records(cluster: TestCluster, healer: string): Promise<Json[]> {
  return json(await ask(cluster, `/api/journal?healer=${healer}`))['data'] as Json[];
}

async function restarts(cluster: TestCluster): Promise<number> {
  const { stdout } = await cluster.pm2(['jlist']);
  const line = stdout.split('\n').findLast(text => text.startsWith('[{')) ?? '[]';
  const list = JSON.parse(line) as ReadonlyArray<{ name: string; pm2_env: { restart_time: number } }>;
  return list.filter(({ name }) => name === 'deci-blue').reduce((sum, { pm2_env }) => sum + pm2_env.restart_time, 0);
}

test('a worker that cannot start again is stopped after its budget, tried now and then, and back when it can', async t => {
  await using cluster = await startCluster({ env: { CRASH_BUDGET: String(budget), CRASH_PROBE_INTERVAL: '3s' } });
  const [victim, other] = await cluster.workers();
  assert.ok(victim !== undefined && other !== undefined);
  // No worker can start with it; control does not need it.
  const key = join(cluster.home, 'data', 'admin-key');
  writeFileSync(key, 'no key');
  process.kill(victim.pid, 'SIGKILL');
  // Until then connections may still be handed to the dead one (nodejs/node#21746).
  await until('its death is known to PM2', async () => (await restarts(cluster)) > 0);
  const load = startLoad(at(cluster, '/api/chat'), 5, chat('echo:served by the other', { stream: false }));
  t.after(() => load.stop());
  await until('it is stopped', async () => (await records(cluster, 'crash-budget')).length === 1, 60_000);
  const [record] = await records(cluster, 'crash-budget');
  assert.deepEqual([record?.['action'], record?.['result']], ['quarantine', null]);
  assert.match(String(record?.['decision']), /Somebody must look/);
  assert.match((await ask(cluster, '/metrics')).text, /^deci_quarantine 1$/m);

  const atFirst = await restarts(cluster);
  assert.ok(atFirst <= budget + 3, `${atFirst} restarts before it was stopped`);
  const tries = (): number => cluster.logs().split('a worker that was stopped has crashed again').length - 1;
  await until('it is tried twice', () => tries() >= 2, 60_000);
  const { pid: control } = liveControl(cluster.runDir) ?? {};
  assert.ok(control !== undefined);
  process.kill(control, 'SIGKILL');
  await until(
    'another control is there',
    () => ![undefined, control].includes(liveControl(cluster.runDir)?.pid),
    20_000,
  );
  const before = tries();
  await until('and goes on trying', () => tries() > before, 60_000);

  writeFileSync(key, `${cluster.key}\n`);
  await until(
    'two serve again',
    async () => (await cluster.workers()).filter(({ state }) => state === 'ready').length === 2,
    60_000,
  );
  await until('it is over', async () => (await records(cluster, 'crash-budget'))[0]?.['result'] === 'healed', 60_000);
  assert.equal((await records(cluster, 'crash-budget')).length, 1, 'one record for all of it');
  assert.match((await ask(cluster, '/metrics')).text, /^deci_quarantine 0$/m);
  const { failures, requests } = await load.stop();
  t.diagnostic(`${atFirst} restarts before it was stopped; ${requests} requests, ${failures.length} failed`);
  assert.deepEqual(failures, [], 'the other one has served all the while');
  assert.ok(isRunning(other.pid));
});

test('a worker that PM2 does not list is ended when it has finished, and no other', async () => {
  await using cluster = await startCluster({ fakeOptions: { tokens: 60, tokenMs: 50 } });
  const listed = (await cluster.workers()).map(({ pid }) => pid);
  const orphan = cluster.spawn(['src/main.ts']);
  await until(
    'it serves',
    async () => (await cluster.workers()).some(({ pid, state }) => pid === orphan.pid && state === 'ready'),
    20_000,
  );
  await until('it is gone', () => orphan.exitCode !== null, 30_000);
  assert.equal(orphan.exitCode, 0, 'it has left by itself');
  const [record, ...others] = await records(cluster, 'orphans');
  assert.deepEqual([record?.['action'], record?.['target'], others.length], ['end_orphan', `worker ${orphan.pid}`, 0]);
  await until('that is healed', async () => (await records(cluster, 'orphans'))[0]?.['result'] === 'healed');
  assert.deepEqual((await cluster.workers()).map(({ pid }) => pid).toSorted(), listed.toSorted());
});

/** What the journal says was healed is what was injected, one to one: none missing, none extra. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JournalRecord } from '../../src/journal/record.ts';
import { freezeProcess } from '../faults/freeze-process.ts';
import { strangeDiskObstacle } from '../faults/strange-disk.ts';
import { ask, type Json, json } from '../integration/wire.ts';
import { startHost } from '../support/host-process.ts';
import { complaintsOf, type InjectedFault, matchJournal } from '../support/journal-match.ts';
import { at } from '../support/keep-alive-load.ts';
import { openStream } from '../support/open-stream.ts';
import { fillDisk, seenBy } from '../support/small-disk.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

/** Within this, a record has begun: what is silent is found within 20 s. */
const foundMs = 20_000;

function faultNow(healer: string, target: string, action: string): InjectedFault {
  const nowMs = Date.now();
  return { healer, target, action, from: new Date(nowMs), to: new Date(nowMs + foundMs) };
}

async function recordsOf(cluster: TestCluster, since: Date): Promise<JournalRecord[]> {
  const page = json(await ask(cluster, `/api/journal?limit=500&since=${since.toISOString()}`));
  return page['data'] as JournalRecord[];
}

async function breakerOf(cluster: TestCluster, name: string): Promise<unknown> {
  const { data } = json(await ask(cluster, '/api/admin/breakers'));
  return (data as Json[]).find(breaker => breaker['name'] === name)?.['state'];
}

test('a killed worker and a frozen host are two episodes in the journal, and there is nothing besides', async () => {
  await using host = await startHost({ tokens: 2000, tokenMs: 20 });
  const env = {
    CACHE: 'off',
    OLLAMA_URLS: `${host.url}#slots=4`,
    HEARTBEAT_INTERVAL: 'off',
    OLLAMA_RESTART_COMMAND: 'off',
    RETRY_MAX: '1',
  };
  await using cluster = await startCluster({ env });
  const name = new URL(host.url).host;
  const beganAt = new Date();
  const faults: InjectedFault[] = [];

  const [victim] = await cluster.workers();
  assert.ok(victim !== undefined);
  faults.push(faultNow('dead-leases', `process ${victim.pid}`, 'release_leases'));
  process.kill(victim.pid, 'SIGKILL');
  await until('another serves', async () => {
    const workers = await cluster.workers();
    return workers.length === 2 && workers.every(({ pid, state }) => pid !== victim.pid && state === 'ready');
  });

  const story = { model: 'llama3.2', messages: [{ role: 'user', content: 'A story' }] };
  const stream = await openStream(at(cluster, '/api/chat'), story);
  await stream.first;
  faults.push(faultNow('breaker', name, 'open'));
  const frozen = freezeProcess(host.pid);
  try {
    await until('its breaker opens', async () => (await breakerOf(cluster, name)) === 'open', foundMs);
  } finally {
    frozen.thaw();
  }
  faults.push(faultNow('breaker', name, 'close'));
  await until('its breaker closes', async () => (await breakerOf(cluster, name)) === 'closed', foundMs);
  await until('all records are complete', async () =>
    (await recordsOf(cluster, beganAt)).every(({ result }) => result !== null),
  );
  const match = matchJournal(faults, await recordsOf(cluster, beganAt));
  assert.deepEqual(complaintsOf(match), []);
  assert.equal(match.matched.length, 3);
  assert.deepEqual(new Set(match.matched.map(({ record }) => record.result)), new Set(['healed']));
});

test('faults of processes and disks, one after the other, have one record each, and there is nothing besides', {
  skip: strangeDiskObstacle() ?? false,
}, async () => {
  const disk = { folder: 'logs', megabytes: 8 };
  await using cluster = await startCluster({ disk, env: { CACHE: 'off' } });
  const beganAt = new Date();
  const faults: InjectedFault[] = [];
  const twoServe = (without: number): Promise<void> =>
    until(
      'two serve',
      async () => {
        const workers = await cluster.workers();
        return workers.length === 2 && workers.every(({ pid, state }) => pid !== without && state === 'ready');
      },
      20_000,
    );
  const told = (healer: string): Promise<void> =>
    until(
      `${healer} has a record that is complete`,
      async () => (await recordsOf(cluster, beganAt)).some(one => one.healer === healer && one.result !== null),
      40_000,
    );
  const [stopped, other] = await cluster.workers();
  assert.ok(stopped !== undefined && other !== undefined);
  const heard = (pid: number) => cluster.logs().includes(`"message":"worker changed","worker":${pid},`);
  await until('control has heard it', () => heard(stopped.pid));

  faults.push(
    faultNow('hung-worker', `worker ${stopped.pid}`, 'kill_worker'),
    faultNow('dead-leases', `process ${stopped.pid}`, 'release_leases'),
  );
  process.kill(stopped.pid, 'SIGSTOP');
  await twoServe(stopped.pid);

  const logs = join(cluster.home, disk.folder);
  faults.push(faultNow('log-fallback', logs, 'log_elsewhere'));
  const free = fillDisk(seenBy(other.pid, logs));
  const state = async (): Promise<string> => (await ask(cluster, '/metrics')).text;
  await until('lines go elsewhere', async () => (await state()).includes('\ndeci_log_state 1\n'), foundMs);
  free();
  await told('log-fallback');

  const orphan = cluster.spawn(['src/main.ts']);
  faults.push(faultNow('orphans', `worker ${orphan.pid}`, 'end_orphan'));
  await told('orphans');
  await until('it is gone', () => orphan.exitCode !== null);

  const listed = (await cluster.workers()).map(({ pid }) => pid);
  const recycled = await cluster.script(['src/cli.ts', 'recycle', '--wait']);
  assert.equal(recycled.code, 0, recycled.stderr);
  const now = Date.now();
  // Control may not have seen yet that the orphan is gone.
  faults.push({ healer: 'recycle', target: /^workers (?:\d+, )+\d+$/, from: beganAt, to: new Date(now) });
  assert.ok((await cluster.workers()).every(({ pid }) => !listed.includes(pid)));

  await until('all records are complete', async () =>
    (await recordsOf(cluster, beganAt)).every(({ result }) => result !== null),
  );
  const match = matchJournal(faults, await recordsOf(cluster, beganAt));
  assert.deepEqual(complaintsOf(match), []);
  assert.equal(match.matched.length, faults.length);
});

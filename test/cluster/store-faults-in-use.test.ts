/**
 * A store that cannot be used while it is in use: requests are served all the same, every place that needs it says by name what is wrong, the file
 * is left as it is, and a store that is whole again is used without a restart.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { askSocket } from '../../src/kernel/socket-request.ts';
import { overwriteHeader, overwriteMiddlePage } from '../faults/damage-file.ts';
import { holdLock } from '../faults/hold-lock.ts';
import { leasesOf } from '../support/cluster-leases.ts';
import { get, serves, storeIn } from '../support/served-cluster.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

describe('while it is in use', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.stop());

  /** Of every worker: each finds out for itself. */
  const journalIs = (status: number): Promise<void> =>
    until(
      `the journal answers ${status}`,
      async () => {
        const pids = (await cluster.workers()).map(({ pid }) => pid);
        const answers = await Promise.all(pids.map(pid => askWorker(pid, '/api/journal')));
        return answers.every(answer => answer.status === status);
      },
      20_000,
    );

  const askWorker = (pid: number, path: string) =>
    askSocket({ socketPath: join(cluster.runDir, `blue-${pid}.sock`), method: 'GET', path, timeoutMs: 5000 });

  test('another program holds its lock: what is written waits or is refused in time, what is read and served goes on', async () => {
    await journalIs(200);
    const lock = await holdLock(storeIn(cluster.home), 'write');
    try {
      const startedAt = performance.now();
      const writing = get(cluster, '/api/admin/healers/dead-leases', 'PUT', { mode: 'on' }).then(
        ({ status }) => status,
      );
      await serves(cluster);
      assert.ok(performance.now() - startedAt < 3000, 'the event loop was not held');
      assert.equal((await get(cluster, '/api/journal')).status, 200);
      assert.equal(await Promise.race([writing, serves(cluster).then(() => 'served')]), 'served');
      // It is let go before the deadline of the write: nothing was lost, it only took longer.
      await lock.release();
      assert.equal(await writing, 200);
    } finally {
      await lock.release();
    }
  });

  test('healing does not wait for a lock: what a dead worker held is free within a second, and the record follows', async () => {
    const lock = await holdLock(storeIn(cluster.home), 'write');
    const leases = leasesOf(cluster.runDir);
    try {
      const [pid = 0] = (await cluster.workers()).map(worker => worker.pid);
      assert.equal(leases.presenceOf(pid).length, 1);
      const killedAt = performance.now();
      process.kill(pid, 'SIGKILL');
      await until('its lease is free', () => leases.of(pid).length === 0, 5000);
      assert.ok(performance.now() - killedAt < 1500, `${performance.now() - killedAt} ms`);
      await lock.release();
      await until(
        'the record is there',
        async () => {
          const answer = await get(cluster, '/api/journal').catch(() => undefined);
          if (answer?.status !== 200) return false;
          const { data } = (await answer.json()) as { data: Array<{ target: string; result: string | null }> };
          return data.some(({ target, result }) => target === `process ${pid}` && result === 'healed');
        },
        20_000,
      );
    } finally {
      await lock.release();
      leases[Symbol.dispose]();
    }
  });

  test('it is damaged under us: told by name, served without it, and healed by putting a whole one back', async () => {
    await journalIs(200);
    const path = storeIn(cluster.home);
    const whole = new DatabaseSync(path, { readOnly: true });
    whole.exec(`VACUUM INTO '${path}.copy'`);
    whole.close();
    const bad = `${path}.bad`;
    copyFileSync(path, bad);
    overwriteHeader(bad);
    overwriteMiddlePage(bad);
    renameSync(bad, path);
    await journalIs(503);
    await serves(cluster);
    for (const part of ['', '-wal', '-shm']) rmSync(`${path}${part}`, { force: true });
    renameSync(`${path}.copy`, path);
    await journalIs(200);
    const put = await get(cluster, '/api/admin/healers/dead-leases', 'PUT', { mode: 'on' });
    assert.equal(put.status, 200);
    assert.equal(statSync(path).mode & 0o77, 0);
  });

  test('it is removed under us: no empty one is made in its place, and the old one back is used again', async () => {
    const path = storeIn(cluster.home);
    renameSync(path, `${path}.gone`);
    await journalIs(503);
    await serves(cluster);
    assert.equal(existsSync(path), false);
    renameSync(`${path}.gone`, path);
    await journalIs(200);
  });
});

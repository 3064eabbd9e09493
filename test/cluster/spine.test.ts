/** What the processes share, through the deaths of those that share it: leases, journal, metrics; with and without control. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { askControl } from '../../scripts/lib/worker-sockets.ts';
import type { JournalRecord } from '../../src/journal/record.ts';
import { askSocket } from '../../src/kernel/socket-request.ts';
import { hotFolder } from '../../src/storage/hot-folder.ts';
import { freezeProcess } from '../faults/freeze-process.ts';
import { leasesOf } from '../support/cluster-leases.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

/** On a connection of its own: one that a dead worker was just given may never be answered, and must not keep the test. */
const answerMs = 10_000;

function get(
  cluster: TestCluster,
  path: string,
  { body, limitMs = answerMs }: { readonly body?: unknown; readonly limitMs?: number } = {},
): Promise<Response> {
  return fetch(`${cluster.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-api-key': cluster.key, connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(limitMs),
  });
}

async function journalOf(cluster: TestCluster, limitMs = answerMs): Promise<readonly JournalRecord[]> {
  const answer = await get(cluster, '/api/journal', { limitMs });
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { data: JournalRecord[] }).data;
}

/**
 * Asked while workers die: an attempt that meets a dead one says nothing, and Node leaves a connection hanging that was handed
 * to a worker in the moment of its end (nodejs/node#21746).
 */
function told(
  cluster: TestCluster,
  what: string,
  holds: (newest: JournalRecord | undefined) => boolean,
): Promise<void> {
  return until(what, async () => {
    const records = await journalOf(cluster, 500).catch(() => []);
    return holds(records[0]);
  });
}

async function firstWorker(cluster: TestCluster): Promise<number> {
  const [worker] = await cluster.workers();
  assert.ok(worker !== undefined);
  return worker.pid;
}

const bothReady = (cluster: TestCluster, count = 2): Promise<void> =>
  until(
    'all workers are ready',
    async () => (await cluster.workers()).filter(w => w.state === 'ready').length === count,
  );

describe('leases and the journal', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.stop());

  async function switchHealer(mode: string): Promise<void> {
    const { code } = await cluster.script(['src/cli.ts', 'healers', 'set', 'dead-leases', mode]);
    assert.equal(code, 0);
  }

  test('what a worker held is free within a second of its kill -9, and the journal says so on the other worker', async () => {
    using leases = leasesOf(cluster.runDir);
    const pid = await firstWorker(cluster);
    assert.equal(leases.presenceOf(pid).length, 1, 'each worker holds a lease of its own');
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await until('its leases are free', () => leases.of(pid).length === 0, 5000);
    const ms = performance.now() - killedAt;
    assert.ok(ms < 1000, `${ms.toFixed(0)} ms`);
    await told(cluster, 'the record is complete', newest => newest?.result === 'healed');
    await bothReady(cluster);
    const [record] = await journalOf(cluster);
    assert.equal(record?.healer, 'dead-leases');
    assert.equal(record?.target, `process ${pid}`);
  });

  test('a dry run only tells, off does neither, and on heals what is left', async () => {
    using leases = leasesOf(cluster.runDir);
    await switchHealer('dry_run');
    const first = await firstWorker(cluster);
    process.kill(first, 'SIGKILL');
    await told(cluster, 'it is told', newest => newest?.target === `process ${first}`);
    await bothReady(cluster);
    assert.equal((await journalOf(cluster))[0]?.result, 'dry_run');
    assert.equal(leases.presenceOf(first).length, 1);

    await switchHealer('off');
    const second = await firstWorker(cluster);
    process.kill(second, 'SIGKILL');
    await bothReady(cluster);
    assert.equal((await journalOf(cluster))[0]?.target, `process ${first}`, 'nothing more was told');

    await switchHealer('on');
    await until('all is free', () => leases.of(first).length + leases.of(second).length === 0);
    const healed = (await journalOf(cluster)).filter(({ result }) => result === 'healed').map(({ target }) => target);
    for (const pid of [first, second]) assert.ok(healed.includes(`process ${pid}`));
  });

  test('without control a place that a dead worker holds is taken by whoever needs it, and everything else answers', async () => {
    const { pid: control = 0 } = (await askControl(cluster.runDir)) ?? {};
    using leases = leasesOf(cluster.runDir);
    const pid = await firstWorker(cluster);
    using _frozen = freezeProcess(control);
    process.kill(pid, 'SIGKILL');
    const key = leases.presenceOf(pid)[0]?.key ?? '';
    await until('the place can be taken', () => {
      const lease = leases.repository.take({ kind: 'process', key, capacity: 1, ttlMs: 1000 });
      if (lease !== undefined) leases.repository.release(lease);
      return lease !== undefined;
    });
    await bothReady(cluster);
    assert.ok(Array.isArray(await journalOf(cluster)));
    assert.equal((await get(cluster, '/metrics')).status, 200);
    assert.equal((await cluster.script(['src/cli.ts', 'healers', 'list', '--json'])).code, 0);
  });

  test('an action that control was killed in is closed by the next control, as one of which nothing is known', async () => {
    const db = new DatabaseSync(join(cluster.home, 'data', 'deci.sqlite'), { timeout: 5000 });
    // What is left behind by one that wrote its record and never came to the action.
    db.exec(`INSERT INTO journal (id, time, healer, signal, value, threshold, decision, action, target,
        result, duration_ms, requests_affected, ids, holder_pid, holder_start)
      VALUES ('00000000000000000000000001', '${new Date().toISOString()}', 'dead-leases', 'holder_gone', 1, 0, 'it is gone',
        'release_leases', 'process 7', NULL, NULL, NULL, '[]', 99999999, '1')`);
    db.close();
    const left = async () => (await journalOf(cluster)).find(({ target }) => target === 'process 7');
    assert.equal((await left())?.result, null);
    const { pid = 0 } = (await askControl(cluster.runDir)) ?? {};
    process.kill(pid, 'SIGKILL');
    await until('it is closed', async () => (await left().catch(() => undefined))?.result === 'no_effect', 30_000);
  });

  test('the shared folder is swept away: requests are served, and what is shared is made anew', async () => {
    const dir = hotFolder({ hotDir: undefined, runDir: cluster.runDir });
    rmSync(dir, { recursive: true, force: true });
    const messages = [{ role: 'user', content: 'echo:hi' }];
    const chat = await get(cluster, '/api/chat', { body: { model: 'llama3.2', messages, stream: false } });
    assert.equal(chat.status, 200);
    await until(
      'every process has told of itself again',
      async () => {
        using leases = leasesOf(cluster.runDir);
        const workers = await cluster.workers();
        return workers.every(({ pid }) => leases.presenceOf(pid).length === 1);
      },
      30_000,
    );
    const text = await (await get(cluster, '/metrics')).text();
    assert.match(text, /^deci_store_up 1$/m);
  });
});

describe('metrics of four workers', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({ workers: 4 });
  });
  after(() => cluster?.stop());

  const route = '/api/show';
  let asked = 0;

  async function ask(times: number): Promise<void> {
    // Each on a connection of its own, so that all workers get some.
    await Promise.all(
      Array.from({ length: times }, async () => {
        const answer = await get(cluster, route, { body: { model: 'llama3.2' } });
        assert.equal(answer.status, 200);
        await answer.text();
      }),
    );
    asked += times;
  }

  async function counted(): Promise<number> {
    const answer = await get(cluster, '/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    return totalIn(text);
  }

  /** Asked of one worker on its own socket: on the shared port the dead, too, are given connections for a moment. */
  async function countedBy(pid: number): Promise<number> {
    const socketPath = join(cluster.runDir, `blue-${pid}.sock`);
    const { text } = await askSocket({ socketPath, method: 'GET', path: '/api/v2/metrics', timeoutMs: 2000 });
    return totalIn(text);
  }

  function totalIn(text: string): number {
    const line = /^http_server_requests_total\{route="\/api\/show",method="POST",status="200"\} (\d+)$/m.exec(text);
    return Number(line?.[1] ?? 0);
  }

  test('the total is the sum over all workers, whichever answers', async () => {
    await ask(200);
    for (let i = 0; i < 8; i++) assert.equal(await counted(), asked);
  });

  test('a worker that is killed takes nothing along, right after and later, while others are killed too', async () => {
    for (let round = 0; round < 3; round++) {
      await ask(60);
      const [pid = 0, ...others] = (await cluster.workers()).map(worker => worker.pid);
      // Nothing that was told runs backwards, not even when the teller dies at once.
      assert.equal(await counted(), asked);
      process.kill(pid, 'SIGKILL');
      for (const survivor of others) assert.equal(await countedBy(survivor), asked);
      await until('another came', async () => (await cluster.workers()).length === 4);
      assert.equal(await counted(), asked);
    }
  });

  test('a frozen worker delays nobody, and what it counted stays in the sum', async () => {
    await ask(40);
    const before_ = await counted();
    const [pid = 0, ...others] = (await cluster.workers()).map(worker => worker.pid);
    using _frozen = freezeProcess(pid);
    for (const other of others) {
      const startedAt = performance.now();
      assert.equal(await countedBy(other), before_);
      assert.ok(performance.now() - startedAt < 1000);
    }
  });

  test('a client in any role may look, and the names are those of the reference', async () => {
    const answer = await get(cluster, '/api/v2/metrics');
    const names = new Set([...(await answer.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    for (const name of ['http_server_requests_total', 'process_resident_memory_bytes', 'deci_up', 'streams_active']) {
      assert.ok(names.has(name), name);
    }
  });
});

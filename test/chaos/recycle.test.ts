/** All workers are replaced, by hand and once a day, with callers and streams on them: nobody notices. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { askControl } from '../../scripts/lib/worker-sockets.ts';
import type { JournalRecord } from '../../src/journal/record.ts';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { doneContent, openStream } from '../support/open-stream.ts';
import { get, storeIn } from '../support/served-cluster.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const messages = [{ role: 'user', content: 'A story' }];
const story = { model: 'llama3.2', messages, options: { num_predict: 100 } };
const chat = { model: 'llama3.2', messages: [{ role: 'user', content: 'echo:hi' }], stream: false };
const path = '/api/admin/recycle';

let cluster: TestCluster;
before(async () => {
  // Any time within the last hour will do: it is made up for.
  const now = new Date();
  const minutes = Math.max(0, now.getHours() * 60 + now.getMinutes() - 5);
  const clock = [Math.floor(minutes / 60), minutes % 60].map(part => String(part).padStart(2, '0')).join(':');
  cluster = await startCluster({
    env: { DRAIN_TIMEOUT: '20s', BOOT_TIMEOUT: '8s', RECYCLE_AT: clock },
    fakeOptions: { tokenMs: 50, numParallel: 64 },
  });
});
after(() => cluster?.stop());

async function records(): Promise<readonly JournalRecord[]> {
  const response = await get(cluster, '/api/journal?limit=500');
  return ((await response.json()) as { data: JournalRecord[] }).data.filter(({ healer }) => healer !== 'dead-leases');
}

const readyPids = async (): Promise<number[]> =>
  (await cluster.workers()).filter(({ state }) => state === 'ready').map(({ pid }) => pid);

const isOver = (id: string) => async (): Promise<boolean> =>
  (await records()).some(record => record.id === id && record.result !== null);

const openStreams = async (count: number): ReturnType<typeof Promise.all<ReturnType<typeof openStream>[]>> => {
  const streams = await Promise.all(Array.from({ length: count }, () => openStream(at(cluster, '/api/chat'), story)));
  await Promise.all(streams.map(stream => stream.first));
  return streams;
};

test('deci recycle --wait under 20 callers and 20 streams: all are new, no request fails, no stream is cut', async t => {
  const old = await readyPids();
  const streams = await openStreams(20);
  const load = startLoad(at(cluster, '/api/chat'), 20, chat);
  const watched = { least: Number.POSITIVE_INFINITY, isOver: false };
  const watching = (async () => {
    while (!watched.isOver) watched.least = Math.min(watched.least, (await readyPids()).length);
  })();
  const { code, stdout, stderr } = await cluster.script(['src/cli.ts', 'recycle', '--wait', '--json']);
  watched.isOver = true;
  await watching;
  const { requests, failures } = await load.stop();
  assert.equal(code, 0, stderr);
  assert.deepEqual(failures, []);
  for (const { ended } of streams) assert.notEqual(doneContent(await ended), undefined);
  const record = JSON.parse(stdout) as JournalRecord;
  assert.deepEqual([record.healer, record.action, record.result], ['recycle', 'recycle_workers', 'healed']);
  assert.deepEqual(
    (await records()).map(({ id }) => id),
    [record.id],
  );
  const pids = await readyPids();
  assert.equal(pids.length, 2);
  assert.ok(!pids.some(pid => old.includes(pid)), `${old.join(' ')} -> ${pids.join(' ')}`);
  assert.ok(watched.least >= 2, `${watched.least} were ready`);
  t.diagnostic(
    `${requests} requests in ${Math.round(record.duration_ms ?? 0)} ms, never fewer than ${watched.least} ready`,
  );
});

test('asked twice it is one recycle; control is killed in the middle: the next one finishes it, under the same record', async () => {
  const old = await readyPids();
  const streams = await openStreams(10);
  const first = await get(cluster, path, 'POST');
  assert.equal(first.status, 202);
  const { journal_id: id } = (await first.json()) as { journal_id: string };
  const second = (await (await get(cluster, path, 'POST')).json()) as { journal_id: string };
  assert.equal(second.journal_id, id);
  await until('the new one is there', async () => (await cluster.workers()).length === 3, 20_000);
  const { under_way: isUnderWay, last } = (await (await get(cluster, path)).json()) as {
    under_way: boolean;
    last: JournalRecord;
  };
  assert.deepEqual([isUnderWay, last.id], [true, id]);
  const { pid } = (await askControl(cluster.runDir)) ?? {};
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGKILL');
  await until('it is over', isOver(id), 30_000);
  for (const { ended } of streams) assert.notEqual(doneContent(await ended), undefined);
  await until('two serve', async () => (await cluster.workers()).length === 2);
  const [record] = await records();
  assert.deepEqual([record?.id, record?.result], [id, 'healed']);
  const pids = await readyPids();
  assert.ok(!pids.some(one => old.includes(one)), `${old.join(' ')} -> ${pids.join(' ')}`);
  assert.equal(existsSync(join(cluster.runDir, 'recycle.json')), false);
});

test('once a day: it is made up for, told once, and not done again', async () => {
  const earlier = (await records()).length;
  const database = new DatabaseSync(storeIn(cluster.home));
  const today = database.prepare("SELECT day FROM daily_run WHERE name = 'recycle'").get()?.['day'];
  // A new installation has nothing to make up for.
  assert.equal(earlier, 2);
  assert.match(String(today), /^\d{4}-\d\d-\d\d$/);
  const old = await readyPids();
  database.prepare("UPDATE daily_run SET day = '2020-01-01' WHERE name = 'recycle'").run();
  await until('it begins', async () => (await records()).length > earlier);
  const [record] = await records();
  assert.equal(record?.trigger.signal, 'recycle_daily');
  await until('it is over', isOver(record?.id ?? ''), 30_000);
  assert.equal(database.prepare("SELECT day FROM daily_run WHERE name = 'recycle'").get()?.['day'], today);
  database.close();
  const pids = await readyPids();
  assert.ok(pids.length === 2 && !pids.some(pid => old.includes(pid)));
  assert.equal((await records()).length, earlier + 1);
});

test('switched off it is refused, and in a dry run only told', async () => {
  const old = await readyPids();
  await get(cluster, '/api/admin/healers/recycle', 'PUT', { mode: 'off' });
  const refused = await get(cluster, path, 'POST');
  assert.equal(refused.status, 409);
  assert.deepEqual(((await refused.json()) as { code: string }).code, 'not_now');
  await get(cluster, '/api/admin/healers/recycle', 'PUT', { mode: 'dry_run' });
  const { code, stderr } = await cluster.script(['src/cli.ts', 'recycle', '--wait']);
  assert.equal(code, 1);
  assert.match(stderr, /dry run/);
  assert.deepEqual(await readyPids(), old);
});

test('a new worker that never comes up leaves the old ones as they are, and nothing behind', async () => {
  const old = await readyPids();
  await get(cluster, '/api/admin/healers/recycle', 'PUT', { mode: 'on' });
  const keyFile = join(cluster.home, 'data', 'admin-key');
  const key = readFileSync(keyFile, 'utf8');
  // A worker that starts now finds no key, and dies of it.
  writeFileSync(keyFile, 'no key');
  const load = startLoad(at(cluster, '/api/chat'), 5, chat);
  const { journal_id: id } = (await (await get(cluster, path, 'POST')).json()) as { journal_id: string };
  await until('it is over', isOver(id), 40_000);
  writeFileSync(keyFile, key);
  const { failures } = await load.stop();
  assert.deepEqual([failures, (await records())[0]?.result, await readyPids()], [[], 'no_effect', old]);
  const { output } = await cluster.pm2(['jlist']);
  const listed = JSON.parse(output.split('\n').findLast(line => line.startsWith('[{')) ?? '[]') as Array<{
    name: string;
  }>;
  assert.equal(listed.filter(({ name }) => name === 'deci-blue').length, 2);
});

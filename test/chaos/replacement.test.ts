/** Workers that ask to be replaced, with callers and streams on them: nobody notices. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askControl } from '../../scripts/lib/worker-sockets.ts';
import type { JournalRecord } from '../../src/journal/record.ts';
import { evaluateIn } from '../faults/evaluate-in.ts';
import { at, startLoad } from '../support/keep-alive-load.ts';
import { doneContent, openStream } from '../support/open-stream.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';

const messages = [{ role: 'user', content: 'A story' }];
const story = { model: 'llama3.2', messages, options: { num_predict: 120 } };
const chat = { model: 'llama3.2', messages: [{ role: 'user', content: 'echo:hi' }], stream: false };

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ env: { DRAIN_TIMEOUT: '20s' }, fakeOptions: { tokenMs: 50, numParallel: 64 } });
});
after(() => cluster?.stop());

async function records(): Promise<readonly JournalRecord[]> {
  const { code, stdout } = await cluster.script(['src/cli.ts', 'journal', '--healer', 'replace-worker', '--json']);
  assert.equal(code, 0);
  return (JSON.parse(stdout) as { data: JournalRecord[] }).data;
}

const readyPids = async (): Promise<number[]> =>
  (await cluster.workers()).filter(({ state }) => state === 'ready').map(({ pid }) => pid);

const hasLeft = (pid: number): Promise<void> =>
  until('it has left', async () => !(await cluster.workers()).some(worker => worker.pid === pid), 40_000);

/** 20 MB a second of what nobody asks for any more. */
function leakIn(pid: number): Promise<void> {
  const fill = 'for (let n = 0; n < 20000; n++) held.push({ n: n + 0.5, list: [n] });';
  return evaluateIn(pid, `globalThis.held = []; void setInterval(() => { ${fill} }, 100)`);
}

/** What a control process leaves behind that was killed when it had just begun. */
async function begin(pid: number): Promise<void> {
  const plan = join(cluster.runDir, 'replacement');
  await until('the one before is over', () => !existsSync(plan));
  writeFileSync(plan, `${pid}\n`, { mode: 0o600 });
}

test('a replacement with callers and streams on the old worker: no request fails, no stream is cut', async t => {
  const [old = 0, other = 0] = await readyPids();
  const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(at(cluster, '/api/chat'), story)));
  await Promise.all(streams.map(stream => stream.first));
  const load = startLoad(at(cluster, '/api/chat'), 20, chat);
  const sinceMs = performance.now();
  await begin(old);
  await hasLeft(old);
  t.diagnostic(`replaced in ${((performance.now() - sinceMs) / 1000).toFixed(1)} s`);
  for (const { ended } of streams) assert.notEqual(doneContent(await ended), undefined);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  const pids = await readyPids();
  assert.ok(pids.length === 2 && pids.includes(other) && !pids.includes(old), pids.join(' '));
});

test('control is killed in the middle: the next one goes on where it was', async () => {
  const [old = 0] = await readyPids();
  const { pid } = (await askControl(cluster.runDir)) ?? {};
  assert.ok(pid !== undefined);
  // So that the old one has something to finish.
  const streams = await Promise.all(Array.from({ length: 10 }, () => openStream(at(cluster, '/api/chat'), story)));
  await begin(old);
  await until('the new one is there', async () => (await cluster.workers()).length === 3, 20_000);
  process.kill(pid, 'SIGKILL');
  await hasLeft(old);
  for (const { ended } of streams) assert.notEqual(doneContent(await ended), undefined);
  const plan = join(cluster.runDir, 'replacement');
  await until(
    'two serve, and nothing is left to do',
    async () => (await readyPids()).length === 2 && !existsSync(plan),
  );
});

test('a worker that leaks is replaced before it dies, with one record', async t => {
  const [leaking = 0, other = 0] = await readyPids();
  const earlier = (await records()).length;
  await leakIn(leaking);
  const sinceMs = performance.now();
  await hasLeft(leaking);
  t.diagnostic(`replaced ${((performance.now() - sinceMs) / 1000).toFixed(1)} s after it began to leak`);
  await until('the record is complete', async () => (await records())[0]?.result === 'healed');
  const all = await records();
  assert.deepEqual([all.length - earlier, all[0]?.target], [1, `worker ${leaking}`]);
  assert.match(all[0]?.decision ?? '', /memory_held|leak/);
  // What the worker did itself is another healer's record, of which this one tells.
  const { stdout } = await cluster.script(['src/cli.ts', 'journal', '--healer', 'memory-guard', '--json']);
  const own = (JSON.parse(stdout) as { data: JournalRecord[] }).data.filter(
    ({ target }) => target === `worker ${leaking}`,
  );
  assert.deepEqual(
    all[0]?.ids.filter(id => !own.some(record => record.id === id)),
    [],
  );
  t.diagnostic(`${own.length} records of the worker itself, ${all[0]?.ids.length} of them named`);
  const pids = await readyPids();
  assert.ok(pids.length === 2 && pids.includes(other), pids.join(' '));
  assert.ok(!cluster.logs().includes('heap out of memory'));
});

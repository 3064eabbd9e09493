/** What is found out about hosts by itself: who died, who lets in and generates nothing, and who is well again. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { ask, chat, type Json, json } from './wire.ts';

let first: FakeOllama;
let second: FakeOllama;
let cluster: TestCluster;

before(async () => {
  first = await startFakeOllama({ numParallel: 8 });
  second = await startFakeOllama({ numParallel: 8 });
  cluster = await startCluster({
    // Health is asked for as seldom as it is by default, so that nothing here is found by the steady probes.
    env: {
      CACHE: 'off',
      OLLAMA_URLS: `${first.url}#slots=8,${second.url}#slots=8`,
      OLLAMA_MAX_CONNECTIONS: '8',
      HEARTBEAT_INTERVAL: 'off',
    },
  });
});
after(async () => {
  await cluster?.stop();
  await first?.stop();
  await second?.stop();
});
beforeEach(async () => {
  for (const fake of [first, second]) await fake.control.reset();
  await until('both are well', async () => (await states()).every(state => state === 'up'));
  await ask(cluster, '/api/admin/breakers/all/reset', undefined, { method: 'POST' });
});

const nameOf = (fake: FakeOllama): string => new URL(fake.url).host;

/** Of each host, as each worker knows it by its probes. */
async function states(): Promise<string[]> {
  return (await cluster.workers()).flatMap(({ upstreams }) => upstreams.map(({ state }) => state.is));
}

async function stateOf(fake: FakeOllama): Promise<Json | undefined> {
  const { data } = json(await ask(cluster, '/api/admin/hosts'));
  return (data as Json[]).find(({ name }) => name === nameOf(fake));
}

test('a server that dies is known to all workers within 2 s, without any request; one that is back, too', async () => {
  await first.control.refuse({ cut: true });
  let atMs = performance.now();
  await until('both workers know', async () => (await states()).filter(state => state === 'down').length === 2, 2000);
  assert.ok(performance.now() - atMs < 2000);
  assert.equal((await stateOf(first))?.['state'], 'down');
  await first.control.accept();
  atMs = performance.now();
  await until('both know that it is back', async () => (await states()).every(state => state === 'up'), 3000);
  assert.ok(performance.now() - atMs < 3000);
});

test('a host that lets in and generates nothing is wedged within 20 s under traffic, and well again soon after it is', async t => {
  const model = 'llama3.2';
  await ask(first, '/api/generate', { model, keep_alive: -1 });
  await ask(second, '/api/generate', { model, keep_alive: -1 });
  // Both workers see once that it is loaded on both.
  for (const fake of [second, first]) {
    const other = fake === first ? second : first;
    await ask(cluster, `/api/admin/hosts/${nameOf(other)}/drain`, undefined, { method: 'POST' });
    await until('the other is drained', async () => (await stateOf(other))?.['state'] === 'draining');
    for (let time = 0; time < 4; time++)
      assert.equal((await ask(cluster, '/api/chat', chat('x', { model }))).status, 200);
    await ask(cluster, `/api/admin/hosts/${nameOf(other)}/undrain`, undefined, { method: 'POST' });
    await until('it is not drained', async () => (await stateOf(other))?.['state'] !== 'draining');
  }
  for (const path of ['/api/chat', '/api/generate']) await first.control.fault({ fault: 'hang', path });
  const atMs = performance.now();
  const leave = new AbortController();
  const stuck = Array.from({ length: 8 }, () =>
    fetch(`${cluster.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify(chat('x', { model })),
      signal: leave.signal,
    })
      .then(answer => answer.text())
      .catch(() => undefined),
  );
  await until('it is wedged', async () => (await stateOf(first))?.['state'] === 'wedged', 20_000);
  const foundMs = performance.now() - atMs;
  assert.ok(foundMs < 20_000, `${foundMs} ms`);
  const gauge = `deci_host_state{upstream="${nameOf(first)}",state="wedged"} 1`;
  await until('the gauge says so', async () => (await ask(cluster, '/metrics')).text.includes(gauge));
  const list = await cluster.script(['src/cli.ts', 'hosts', 'list']);
  assert.match(list.stdout, /wedged/);
  await until('the status says so', async () => /wedged/.test((await cluster.script(['scripts/status.ts'])).stdout));
  await until('the health of the service says so', async () => {
    const { status, checks } = json(await ask(cluster, '/api/health')) as {
      status: string;
      checks: Record<string, Json[]>;
    };
    const [check] = checks[`ollama:${nameOf(first)}`] ?? [];
    return status === 'warn' && check?.['status'] === 'warn' && String(check['output']).startsWith('wedged: ');
  });
  for (let time = 0; time < 6; time++) {
    const answer = await ask(cluster, '/api/chat', chat('x', { model }));
    assert.deepEqual([answer.status, answer.headers.get('x-deci-upstream')], [200, nameOf(second)]);
  }
  leave.abort();
  await Promise.all(stuck);
  await first.control.clearFaults();
  const clearedMs = performance.now();
  await until('it is ready', async () => (await stateOf(first))?.['state'] === 'ready', 20_000);
  t.diagnostic(
    `wedged after ${Math.round(foundMs)} ms, ready ${Math.round(performance.now() - clearedMs)} ms after it was`,
  );
});

test('nor does it help a host that hangs that nobody here knew its model to be in memory', async () => {
  // The last probe was before it was loaded, by somebody else.
  const model = 'qwen3:latest';
  await ask(first, '/api/generate', { model, keep_alive: -1 });
  await ask(cluster, `/api/admin/hosts/${nameOf(second)}/drain`, undefined, { method: 'POST' });
  await until('the other is drained', async () => (await stateOf(second))?.['state'] === 'draining');
  for (const path of ['/api/chat', '/api/generate']) await first.control.fault({ fault: 'hang', path });
  const leave = new AbortController();
  const stuck = Array.from({ length: 4 }, () =>
    fetch(`${cluster.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify(chat('x', { model })),
      signal: leave.signal,
    })
      .then(answer => answer.text())
      .catch(() => undefined),
  );
  try {
    await until('it is wedged', async () => (await stateOf(first))?.['state'] === 'wedged', 20_000);
  } finally {
    leave.abort();
    await Promise.all(stuck);
    await ask(cluster, `/api/admin/hosts/${nameOf(second)}/undrain`, undefined, { method: 'POST' });
  }
});

/** Two hosts that differ: who gets which request, who is kept free, and how many slots are learnt. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { type Answer, ask, chat, type Json, json, lines } from './wire.ts';

const models = ['shared', 'other'];

let first: FakeOllama;
let second: FakeOllama;
let cluster: TestCluster;

before(async () => {
  first = await startFakeOllama({ models: [...models, 'only-first'], numParallel: 4 });
  second = await startFakeOllama({ models, numParallel: 4 });
  cluster = await startCluster({
    env: {
      CACHE: 'off',
      OLLAMA_URLS: `${first.url}#slots=4,${second.url}#slots=4`,
      OLLAMA_HEALTH_INTERVAL: '200ms',
      OLLAMA_MAX_CONNECTIONS: '5',
    },
  });
});
after(async () => {
  await cluster?.stop();
  await first?.stop();
  await second?.stop();
});
beforeEach(async () => {
  for (const fake of [first, second]) {
    await ask(cluster, `/api/admin/hosts/${nameOf(fake)}/undrain`, undefined, { method: 'POST' });
    await fake.control.reset();
    await probed(fake);
  }
  await drainingWorkers(0);
});

const nameOf = (fake: FakeOllama): string => new URL(fake.url).host;
const upstreamOf = ({ headers }: Answer): string | null => headers.get('x-deci-upstream');
const asked = (fake: FakeOllama): number =>
  fake.control.state().requests.filter(({ path }) => path === '/api/chat').length;

/** Both workers have looked at it since. */
async function probed({ control }: FakeOllama): Promise<void> {
  const looks = (): number => control.state().requests.filter(({ path }) => path === '/api/ps').length;
  const seen = looks();
  await until('all workers have looked at the host', () => looks() >= seen + 5);
}

async function drainingWorkers(count: number): Promise<void> {
  const counted = async (): Promise<number> =>
    (await cluster.workers()).filter(({ upstreams }) => upstreams.some(host => host.draining === true)).length;
  await until(`${count} workers know of a drained host`, async () => (await counted()) === count, 1000);
}

async function hostsOf(): Promise<Json[]> {
  return json(await ask(cluster, '/api/admin/hosts'))['data'] as Json[];
}

function ofModel(host: Json | undefined, name: string): Json | undefined {
  return (host?.['models'] as Json[] | undefined)?.find(model => model['name'] === name);
}

test('requests go where the model is loaded', async () => {
  await ask(second, '/api/generate', { model: 'shared' });
  await probed(second);
  for (let count = 0; count < 8; count++) {
    assert.equal(upstreamOf(await ask(cluster, '/api/chat', chat('x', { model: 'shared' }))), nameOf(second));
  }
  assert.equal(asked(first), 0);
});

test('a host that is known not to have a model is not asked for it', async () => {
  for (let count = 0; count < 4; count++) {
    const answer = await ask(cluster, '/api/chat', chat('x', { model: 'only-first' }));
    assert.equal(upstreamOf(answer), nameOf(first));
  }
  assert.equal(asked(second), 0);
});

test('a model that was pulled without us is found nevertheless', async () => {
  second.control.addModel('brand-new');
  const answer = await ask(cluster, '/api/chat', chat('echo:x', { model: 'brand-new' }));
  assert.deepEqual([answer.status, upstreamOf(answer)], [200, nameOf(second)]);
});

test('a drained host finishes what it has and gets nothing new, on all workers within a second', async () => {
  first.control.setOptions({ tokens: 100, tokenMs: 20 });
  await ask(first, '/api/generate', { model: 'shared', keep_alive: -1 });
  await probed(first);
  const running = ask(cluster, '/api/chat', chat('x', { model: 'shared' }));
  await first.control.waitFor(state => state.active === 1, AbortSignal.timeout(5000));
  const answer = await ask(cluster, `/api/admin/hosts/${nameOf(first)}/drain`, undefined, { method: 'POST' });
  assert.deepEqual([json(answer)['state'], json(answer)['draining']], ['draining', true]);
  await drainingWorkers(2);
  const seen = asked(first);
  for (let count = 0; count < 8; count++) {
    assert.equal(upstreamOf(await ask(cluster, '/api/chat', chat('y', { model: 'shared' }))), nameOf(second));
  }
  assert.equal(asked(first), seen);
  assert.equal(lines((await running).text).at(-1)?.['done'], true);
  const nowhere = await ask(cluster, '/api/chat', chat('y', { model: 'only-first' }));
  assert.equal(nowhere.status, 404);
});

test('when all are drained requests are refused, and say why', async () => {
  for (const fake of [first, second]) {
    await ask(cluster, `/api/admin/hosts/${nameOf(fake)}/drain`, undefined, { method: 'POST' });
  }
  const allDrained = async (): Promise<boolean> =>
    (await cluster.workers()).every(({ upstreams }) => upstreams.every(host => host.draining === true));
  await until('all workers know', allDrained, 1000);
  for (const [path, body] of [
    ['/api/chat', chat('x', { model: 'shared' })],
    ['/v1/embeddings', { model: 'shared', input: 'x' }],
  ] as const) {
    const answer = await ask(cluster, path, body);
    assert.equal(answer.status, 503, path);
    assert.match(answer.text, /kept free of new requests/);
  }
  assert.equal((await ask(cluster, '/api/tags')).status, 200);
});

test('the list tells what each host has, where they differ, and what is loaded', async () => {
  await ask(cluster, '/api/chat', chat('x', { model: 'only-first' }));
  await until(
    'every worker knows',
    async () => ofModel((await hostsOf())[0], 'only-first:latest')?.['loaded'] === true,
  );
  const [one, two] = await hostsOf();
  assert.deepEqual([one?.['name'], two?.['name']], [nameOf(first), nameOf(second)]);
  assert.deepEqual(ofModel(one, 'only-first:latest')?.['hosts'], [nameOf(first)]);
  assert.equal(ofModel(two, 'only-first:latest'), undefined);
  assert.deepEqual(ofModel(two, 'shared:latest')?.['hosts'], [nameOf(first), nameOf(second)]);
  assert.equal(ofModel(two, 'shared:latest')?.['differs'], false);
  // A slot is kept for a moment, for the next request of its worker.
  const slots = async (): Promise<string> => JSON.stringify((await hostsOf())[0]?.['slots']);
  await until('no slot is in use', async () => (await slots()) === '{"in_use":0,"max":5}');
});

test('a host that does not exist cannot be drained', async () => {
  const answer = await ask(cluster, '/api/admin/hosts/nowhere/drain', undefined, { method: 'POST' });
  assert.deepEqual([answer.status, json(answer)['code']], [404, 'not_found']);
});

// The last: for a while afterwards requests keep away from that host.
test('a host that fails fast does not attract the requests', async () => {
  await first.control.fault({ fault: 'status', status: 500, path: '/api/chat', message: 'broken' });
  second.control.setOptions({ tokens: 5, tokenMs: 10 });
  const statuses: number[] = [];
  const callers = Array.from({ length: 3 }, async () => {
    for (let count = 0; count < 10; count++) {
      statuses.push((await ask(cluster, '/api/chat', chat('x', { model: 'shared' }))).status);
    }
  });
  await Promise.all(callers);
  // Each of two workers needs two failures, and a third may have been on its way.
  assert.ok(asked(first) <= 8, `${asked(first)} of 30 went to the host that fails`);
  assert.ok(statuses.filter(status => status === 200).length >= 22);
});

/** Two Ollama servers told as one: a model that only one of them has, and one of them down. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { ask, chat, type Json, json, lines } from './wire.ts';

let first: FakeOllama;
let second: FakeOllama;
let cluster: TestCluster;

before(async () => {
  first = await startFakeOllama({ models: ['shared', 'only-first'], version: '0.9.0' });
  second = await startFakeOllama({ models: ['shared', 'only-second', 'nomic-embed-text'], version: '0.10.0' });
  cluster = await startCluster({
    env: { OLLAMA_URLS: `${first.url},${second.url}`, OLLAMA_HEALTH_INTERVAL: '200ms' },
  });
});
after(async () => {
  await cluster?.stop();
  await first?.stop();
  await second?.stop();
});
beforeEach(async () => {
  await first.control.reset();
  await second.control.reset();
  await healthy(2);
});

/** Both workers have seen how many hosts are up. */
async function healthy(up: number): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  for (;;) {
    const workers = await cluster.workers();
    const counts = workers.map(({ upstreams }) => upstreams.filter(host => host.state.is === 'up').length);
    if (workers.length === 2 && counts.every(count => count === up)) return;
    deadline.throwIfAborted();
  }
}

const nameOf = (fake: FakeOllama): string => new URL(fake.url).host;

test('a model that only the second has is served, in every dialect', async () => {
  const model = 'only-second';
  const messages = [{ role: 'user', content: 'echo:here' }];
  for (const [path, body] of [
    ['/api/chat', { model, messages }],
    ['/api/generate', { model, prompt: 'echo:here', stream: false }],
    ['/api/show', { model }],
    ['/v1/chat/completions', { model, messages }],
    ['/v1/messages', { model, messages, max_tokens: 10 }],
    ['/v1/embeddings', { model: 'nomic-embed-text', input: 'x' }],
    ['/api/embed', { model: 'nomic-embed-text', input: 'y' }],
  ] as const) {
    const answer = await ask(cluster, path, body);
    assert.equal(answer.status, 200, `${path} ${answer.text}`);
    assert.equal(answer.headers.get('x-deci-upstream'), nameOf(second));
  }
  assert.equal(json(await ask(cluster, '/v1/models/only-second'))['id'], model);
});

test('a model that neither has is not found, in the words of Ollama', async () => {
  const answer = await ask(cluster, '/api/chat', { ...chat('x'), model: 'nope' });
  assert.deepEqual([answer.status, answer.text], [404, '{"error":"model \'nope\' not found"}']);
});

test('lists hold what both have, each name once; the version is the lower one', async () => {
  const tags = json(await ask(cluster, '/api/tags'))['models'] as Json[];
  assert.deepEqual(tags.map(tag => tag['name']).toSorted(), [
    'nomic-embed-text:latest',
    'only-first:latest',
    'only-second:latest',
    'shared:latest',
  ]);
  assert.deepEqual(json(await ask(cluster, '/api/version')), { version: '0.9.0' });
  await ask(first, '/api/generate', { model: 'only-first' });
  await ask(second, '/api/generate', { model: 'only-second' });
  const running = json(await ask(cluster, '/api/ps'))['models'] as Json[];
  assert.deepEqual(running.map(({ name }) => name).toSorted(), ['only-first:latest', 'only-second:latest']);
});

test('a name under which the two have something else is marked in the lists', async () => {
  for (const [server, from] of [
    [first, 'shared'],
    [second, 'only-second'],
  ] as const) {
    const made = await ask(server, '/api/create', { model: 'mixed', from, system: from, stream: false });
    assert.equal(made.status, 200, made.text);
  }
  const digestAt = async (server: FakeOllama): Promise<unknown> =>
    (json(await ask(server, '/api/tags'))['models'] as Json[]).find(({ name }) => name === 'mixed:latest')?.['digest'];
  const digests = { [nameOf(first)]: await digestAt(first), [nameOf(second)]: await digestAt(second) };
  const rows = json(await ask(cluster, '/api/tags'))['models'] as Json[];
  const marked = rows.filter(({ deci }) => deci !== undefined);
  assert.deepEqual(
    marked.map(({ name, deci }) => [name, deci]),
    [['mixed:latest', { differs: true, digests }]],
  );
  const models = json(await ask(cluster, '/v1/models'))['data'] as Json[];
  assert.deepEqual(models.find(({ id }) => id === 'mixed:latest')?.['deci'], { differs: true, digests });
  for (const server of [first, second]) await ask(server, '/api/delete', { model: 'mixed' }, { method: 'DELETE' });
});

test('requests spread over both while they are busy', async () => {
  for (const { control } of [first, second]) control.setOptions({ tokenMs: 20, numParallel: 4 });
  const asked = Array.from({ length: 8 }, () => ask(cluster, '/api/chat', { ...chat('x'), model: 'shared' }));
  assert.ok((await Promise.all(asked)).every(({ status }) => status === 200));
  assert.ok(first.control.state().generations > 0 && second.control.state().generations > 0);
});

test('the first goes down: the second answers at once, and everything after it', async () => {
  await first.control.refuse({ cut: true });
  for (const stream of [true, false]) {
    const answer = await ask(cluster, '/api/chat', { ...chat('echo:x'), model: 'shared', stream });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(lines(answer.text).at(-1)?.['done'], true);
  }
  await healthy(1);
  assert.equal(json(await ask(cluster, '/api/health'))['status'], 'warn');
  assert.equal((await ask(cluster, '/api/tags')).status, 200);
  assert.equal((await ask(cluster, '/api/pull', { model: 'shared', stream: false })).status, 200);
  await first.control.accept();
  // It answers probes again before a generation has shown that it is well.
  await until('all is well', async () => json(await ask(cluster, '/api/health'))['status'] === 'pass', 10_000);
});

test('the first hangs on its lists: the merged list comes from the second in time', async () => {
  await first.control.fault({ fault: 'hang', path: '/api/tags' });
  const startedAt = performance.now();
  const answer = await ask(cluster, '/api/tags');
  assert.ok(performance.now() - startedAt < 4000);
  assert.equal(answer.status, 200);
  assert.ok(answer.text.includes('only-second'));
});

test('a generation that began on the first and broke is not started again on the second', async () => {
  for (const { control } of [first, second]) await control.fault({ fault: 'die-mid-stream', path: '/api/chat' });
  const answer = await ask(cluster, '/api/chat', { ...chat('x'), model: 'shared' });
  assert.equal(typeof lines(answer.text).at(-1)?.['error'], 'string');
  assert.equal(first.control.state().generations + second.control.state().generations, 1);
});

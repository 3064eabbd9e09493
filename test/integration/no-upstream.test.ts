/** No Ollama anywhere: the service starts, says so, and answers at once in every dialect. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { ask, type Json, json } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  // Port 1 is never listened on, so that every dial is refused at once.
  cluster = await startCluster({ env: { OLLAMA_URLS: 'http://127.0.0.1:1', CONNECT_TIMEOUT: '500ms' } });
});
after(() => cluster?.stop());

const user = [{ role: 'user', content: 'x' }];
const model = 'llama3.2';

test('health warns with 200, the probes of the worker pass', async () => {
  for (const path of ['/api/health', '/health', '/api/v2/health']) {
    const health = await ask(cluster, path);
    assert.deepEqual([health.status, json(health)['status']], [200, 'warn']);
    assert.match(health.text, /not reachable/);
  }
  for (const path of ['/api/health/live', '/api/health/ready', '/api/health/startup']) {
    assert.equal((await ask(cluster, path)).status, 200, path);
  }
  assert.equal((await ask(cluster, '/')).text, 'Ollama is running');
});

const text = /no Ollama server can be reached|no model server can be reached/;

for (const [method, path, body] of [
  ['POST', '/api/chat', { model, messages: user }],
  ['POST', '/api/chat', { model, messages: user, stream: false }],
  ['POST', '/api/generate', { model, prompt: 'x' }],
  ['POST', '/api/embed', { model, input: 'x' }],
  ['POST', '/api/embeddings', { model, prompt: 'x' }],
  ['POST', '/api/show', { model }],
  ['POST', '/api/pull', { model }],
  ['POST', '/api/create', { model, from: 'x', stream: false }],
  ['POST', '/api/copy', { source: 'a', destination: 'b' }],
  ['DELETE', '/api/delete', { model }],
  ['GET', '/api/tags', undefined],
  ['GET', '/api/ps', undefined],
  ['GET', '/api/version', undefined],
] as const) {
  test(`${method} ${path} ${JSON.stringify(body ?? '').slice(0, 60)}: 503 at once, as Ollama tells errors`, async () => {
    const startedAt = performance.now();
    const answer = await ask(cluster, path, body, { method });
    assert.ok(performance.now() - startedAt < 1000);
    assert.equal(answer.status, 503);
    assert.match(json(answer)['error'] as string, text);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
  });
}

test('a blob is refused, uploaded or asked for', async () => {
  const path = `/api/blobs/sha256:${'0'.repeat(64)}`;
  assert.equal((await ask(cluster, path, 'abc')).status, 503);
  assert.equal((await ask(cluster, path, undefined, { method: 'HEAD' })).status, 503);
});

for (const [path, body] of [
  ['/v1/chat/completions', { model, messages: user }],
  ['/v1/chat/completions', { model, messages: user, n: 2 }],
  ['/v1/completions', { model, prompt: 'x' }],
  ['/v1/responses', { model, input: 'x' }],
  ['/v1/embeddings', { model, input: 'x' }],
  ['/v1/models', undefined],
  ['/v1/models/llama3.2', undefined],
] as const) {
  test(`${path} ${JSON.stringify(body ?? '')}: 503 at once, as OpenAI tells errors, and another try is invited`, async () => {
    for (const more of body === undefined ? [undefined] : [{}, { stream: true }]) {
      const answer = await ask(cluster, path, more === undefined ? undefined : { ...body, ...more });
      assert.equal(answer.status, 503);
      const error = json(answer)['error'] as Json;
      assert.match(error['message'] as string, text);
      assert.deepEqual([error['type'], error['code']], ['api_error', 'upstream_unreachable']);
      assert.equal(answer.headers.get('x-should-retry'), 'true');
    }
  });
}

test('/v1/messages: 503 at once, as Anthropic tells errors', async () => {
  for (const stream of [false, true]) {
    const answer = await ask(cluster, '/v1/messages', { model, messages: user, max_tokens: 5, stream });
    assert.equal(answer.status, 503);
    const body = json(answer);
    assert.deepEqual([body['type'], (body['error'] as Json)['type']], ['error', 'overloaded_error']);
    assert.match((body['error'] as Json)['message'] as string, text);
  }
});

test('what needs no Ollama is answered', async () => {
  const count = await ask(cluster, '/v1/messages/count_tokens', { model, messages: user });
  assert.equal(count.status, 200);
});

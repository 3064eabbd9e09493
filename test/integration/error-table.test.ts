/**
 * Every way in which Ollama refuses, asked of Ollama and of us: status, text and content type must be the same, since
 * clients match on them. Then the same refusals in the words of the other dialects.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { FaultName } from '../fake-ollama/faults.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { errorRows } from './error-rows.ts';
import { ask, type Json, json } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  // Refusals are asked for here so often that their host would be left alone.
  cluster = await startCluster({ env: { RETRY_MAX: '1', BREAKER_FAILURES: 'off' } });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const hi = [{ role: 'user', content: 'hi' }];

for (const row of errorRows) {
  const title = `${row.method ?? 'POST'} ${row.path.slice(0, 30)}: ${row.name} is refused as Ollama refuses it`;
  test(title, async () => {
    const options = { method: row.method ?? 'POST' };
    if (row.fault !== undefined) await cluster.control.fault(row.fault);
    const theirs = await ask(cluster.fake, row.path, row.body, options);
    const ours = await ask(cluster, row.path, row.body, options);
    assert.deepEqual(
      [ours.status, ours.text, ours.headers.get('content-type')],
      [theirs.status, theirs.text, theirs.headers.get('content-type')],
    );
    assert.equal(ours.status, row.status);
    if (row.text !== undefined) assert.equal(json(ours)['error'], row.text);
  });
}

test('an option of another type is a mistake of the request, in the words of Ollama', async () => {
  const body = { model: 'llama3.2', messages: hi, options: { num_ctx: 'x' } };
  const answer = await ask(cluster, '/api/chat', body);
  assert.equal(answer.status, 400);
  assert.equal(json(answer)['error'], 'option "num_ctx" must be of type integer');
});

test('unknown paths and methods get the two texts of Ollama', async () => {
  for (const [method, path] of [
    ['GET', '/api/nothing'],
    ['GET', '/api/chat'],
    ['POST', '/api/tags'],
    ['PUT', '/api/version'],
    ['GET', '/api/blobs/x/y'],
    ['POST', '/debug/pprof/'],
  ] as const) {
    const theirs = await ask(cluster.fake, path, undefined, { method });
    const ours = await ask(cluster, path, undefined, { method });
    assert.deepEqual([ours.status, ours.text], [theirs.status, theirs.text], `${method} ${path}`);
    assert.match(ours.headers.get('content-type') ?? '', /^text\/plain/);
  }
});

test('a 401 carries where to sign in', async () => {
  const answer = json(await ask(cluster, '/api/chat', { model: 'big:cloud', messages: hi }));
  assert.deepEqual(Object.keys(answer), ['error', 'signin_url']);
});

interface Refusal {
  readonly name: string;
  readonly model: string;
  readonly fault?: FaultName;
  readonly status: number;
  readonly openai: string;
  readonly anthropic: string;
}

const refusals: readonly Refusal[] = [
  { name: 'unknown model', model: 'x', status: 404, openai: 'not_found_error', anthropic: 'not_found_error' },
  {
    name: 'no chat',
    model: 'nomic-embed-text',
    status: 400,
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
  },
  { name: 'bad name', model: 'a b', status: 400, openai: 'invalid_request_error', anthropic: 'invalid_request_error' },
  { name: 'cloud', model: 'big:cloud', status: 401, openai: 'api_error', anthropic: 'authentication_error' },
  {
    name: 'load failure',
    model: 'llama3.2',
    fault: 'load-failure',
    status: 500,
    openai: 'api_error',
    anthropic: 'api_error',
  },
  {
    name: 'full queue',
    model: 'llama3.2',
    fault: 'busy-503',
    status: 503,
    openai: 'api_error',
    anthropic: 'overloaded_error',
  },
];

const dialects: ReadonlyArray<{ path: string; body: (model: string) => Json; kind: 'openai' | 'anthropic' }> = [
  { path: '/v1/chat/completions', body: model => ({ model, messages: hi }), kind: 'openai' },
  { path: '/v1/responses', body: model => ({ model, input: 'hi' }), kind: 'openai' },
  { path: '/v1/messages', body: model => ({ model, messages: hi, max_tokens: 5 }), kind: 'anthropic' },
];

for (const refusal of refusals) {
  for (const { path, body, kind } of dialects) {
    test(`${path}: ${refusal.name} keeps status and words in the form of the dialect, streamed or not`, async () => {
      if (refusal.fault !== undefined) await cluster.control.fault(refusal.fault);
      const native = json(await ask(cluster.fake, '/api/chat', { model: refusal.model, messages: hi }));
      for (const stream of [false, true]) {
        const answer = await ask(cluster, path, { ...body(refusal.model), stream });
        assert.equal(answer.status, refusal.status);
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
        const { error } = json(answer) as { error: Json };
        assert.deepEqual([error['message'], error['type']], [native['error'], refusal[kind]]);
        if (kind === 'openai') assert.equal(error['param'], null);
        assert.ok(answer.text.includes(answer.headers.get('x-request-id') ?? 'none'), 'the request id is in the body');
      }
    });
  }
}

test('/v1/embeddings and /v1/completions keep the words of Ollama too', async () => {
  const embeddings = await ask(cluster, '/v1/embeddings', { model: 'x', input: 'hi' });
  assert.equal(embeddings.status, 404);
  assert.equal((json(embeddings)['error'] as Json)['message'], 'model "x" not found, try pulling it first');
  const completions = await ask(cluster, '/v1/completions', { model: 'x', prompt: 'hi' });
  assert.equal((json(completions)['error'] as Json)['message'], "model 'x' not found");
  const nameless = await ask(cluster, '/v1/completions', { prompt: 'hi' });
  assert.deepEqual([nameless.status, (json(nameless)['error'] as Json)['message']], [404, "model '' not found"]);
});

test('a full queue invites another try', async () => {
  await cluster.control.fault('busy-503');
  const { headers } = await ask(cluster, '/v1/chat/completions', { model: 'llama3.2', messages: hi });
  assert.ok(Number(headers.get('retry-after')) > 0);
  assert.notEqual(headers.get('x-should-retry'), 'false');
});

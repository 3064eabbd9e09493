/** An Ollama that breaks, hangs, lies or floods: the client always hears of it, in its own dialect, and never of a false end. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import type { Fault, FaultName } from '../fake-ollama/faults.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, ask, chat, events, type Json, json, lines, open, rawPost } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({
    // How a failure is told is seen only where nothing hides it.
    env: {
      HEARTBEAT_INTERVAL: 'off',
      FIRST_TOKEN_TIMEOUT: '800ms',
      LOAD_TIMEOUT: '800ms',
      STALL_TIMEOUT: '1s',
      RETRY_MAX: '1',
      BREAKER_FAILURES: 'off',
      CACHE: 'off',
    },
    fakeOptions: { numParallel: 16 },
  });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const question = chat('tell me');
const anthropic = { ...question, max_tokens: 50 };

/** The last thing a client of each dialect reads of an answer that failed on the way. */
const dialects = [
  { path: '/api/chat', body: question },
  { path: '/api/generate', body: { model: 'llama3.2', prompt: 'tell me' } },
  { path: '/v1/chat/completions', body: question },
  { path: '/v1/completions', body: { model: 'llama3.2', prompt: 'tell me' } },
  { path: '/v1/responses', body: { model: 'llama3.2', input: 'tell me' } },
  { path: '/v1/messages', body: anthropic },
] as const;

function failureIn(path: string, text: string): string {
  if (path.startsWith('/api/')) {
    const all = lines(text);
    assert.ok(!all.some(line => line['done'] === true), 'no line says done');
    return all.at(-1)?.['error'] as string;
  }
  assert.ok(!/\[DONE\]|message_stop|response\.completed/.test(text), 'nothing says that it is complete');
  const last = events(text).at(-1);
  if (path === '/v1/messages' || path === '/v1/responses') assert.equal(last?.event, 'error');
  const { error } = JSON.parse(last?.data ?? '{}') as { error: Json };
  return error['message'] as string;
}

interface Breaking {
  readonly name: string;
  readonly fault: Fault;
  readonly text: RegExp;
  readonly status: number;
}

const truncated = /ended the answer before it was complete/;
const onTheWay: readonly Breaking[] = [
  { name: 'ends without done', fault: { fault: 'end-silently' }, text: truncated, status: 502 },
  { name: 'says done:false and ends', fault: { fault: 'done-false' }, text: truncated, status: 502 },
  { name: 'repeats a token and gives up', fault: { fault: 'repeat-token' }, text: truncated, status: 502 },
  { name: 'ends in the middle of a line', fault: { fault: 'half-line' }, text: truncated, status: 502 },
  { name: 'dies', fault: { fault: 'die-mid-stream' }, text: /broke the connection/, status: 502 },
  { name: 'is reset', fault: { fault: 'die-mid-stream', variant: 'rst' }, text: /broke the connection/, status: 502 },
  { name: 'hangs', fault: { fault: 'hang-mid-stream' }, text: /stopped in the middle/, status: 504 },
  {
    name: 'sends a line that is not JSON',
    fault: { fault: 'malformed-line', after: 2 },
    text: /not a JSON object/,
    status: 502,
  },
  {
    name: 'sends HTML for a line',
    fault: { fault: 'malformed-line', after: 2, body: '<html>' },
    text: /not a JSON object/,
    status: 502,
  },
  { name: 'says an error', fault: { fault: 'error-line', message: 'CUDA error' }, text: /^CUDA error$/, status: 500 },
];

for (const { name, fault, text, status } of onTheWay) {
  for (const { path, body } of dialects) {
    test(`${path}: Ollama ${name} on the way: a streaming client hears of it`, async () => {
      await cluster.control.fault({ ...fault, path: '/api/*' });
      const answer = await ask(cluster, path, { ...body, stream: true });
      assert.equal(answer.status, 200);
      assert.match(failureIn(path, answer.text), text);
    });
  }
  test(`Ollama ${name} on the way: a client without a stream gets ${status}, in every dialect`, async () => {
    await cluster.control.fault({ ...fault, path: '/api/*' });
    const answers = await Promise.all(dialects.map(({ path, body }) => ask(cluster, path, { ...body, stream: false })));
    for (const answer of answers) {
      assert.equal(answer.status, status);
      const { error } = json(answer) as { error: string | Json };
      assert.match(typeof error === 'string' ? error : (error['message'] as string), text);
    }
  });
}

const beforeTheFirstToken: ReadonlyArray<{ name: string; fault: Fault; status: number }> = [
  { name: 'resets the connection', fault: { fault: 'reset' }, status: 502 },
  { name: 'never answers', fault: { fault: 'hang' }, status: 504 },
  { name: 'answers with HTML and 200', fault: { fault: 'html-200' }, status: 502 },
  { name: 'answers with HTML and 502', fault: { fault: 'status', status: 502, kind: 'html' }, status: 502 },
  { name: 'answers with text and 500', fault: { fault: 'status', status: 500, kind: 'plain' }, status: 502 },
  { name: 'breaks a header', fault: { fault: 'header-linebreak' }, status: 502 },
  { name: 'floods the headers', fault: { fault: 'header-bomb' }, status: 502 },
  { name: 'begins with half a line', fault: { fault: 'half-line', after: 0 }, status: 502 },
];

for (const { name, fault, status } of beforeTheFirstToken) {
  test(`Ollama ${name} before the first token: status ${status} in every dialect, without its words`, async () => {
    await cluster.control.fault({ ...fault, path: '/api/*' });
    const streams = fault.fault === 'half-line' ? [false] : [false, true];
    const asked = dialects.flatMap(({ path, body }) => streams.map(stream => ({ path, body: { ...body, stream } })));
    const answers = await Promise.all(asked.map(({ path, body }) => ask(cluster, path, body)));
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.status, status, asked[index]?.path ?? '');
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
      assert.ok(!/It works|fault 500|<html|HPE_|X-Filling|undici|\.ts:/.test(answer.text), answer.text);
      assert.ok(answer.text.includes(answer.headers.get('x-request-id') ?? 'none'), 'the request id is in the body');
    }
  });
}

test('a smuggled header of Ollama does not reach the client', async () => {
  await cluster.control.fault({ fault: 'header-linebreak', variant: 'legal', path: '/api/show', body: '{}' });
  const answer = await ask(cluster, '/api/show', { model: 'llama3.2' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-injected'), null);
  assert.equal(answer.headers.get('x-note'), null);
});

test('blank lines are never passed on', async () => {
  await cluster.control.fault({ fault: 'blank-lines', path: '/api/chat' });
  const { text } = await ask(cluster, '/api/chat', question);
  assert.ok(!/\n\n|^\n/.test(text));
});

test('bytes that are no UTF-8 end nothing, and SSE stays UTF-8', async () => {
  await cluster.control.fault({ fault: 'invalid-utf8', path: '/api/chat', after: 2 });
  assert.equal(lines((await ask(cluster, '/api/chat', question)).text).at(-1)?.['done'], true);
  const sse = await open(cluster, '/v1/chat/completions', { ...question, stream: true });
  const text = new TextDecoder('utf-8', { fatal: true }).decode(await sse.arrayBuffer());
  assert.ok(text.endsWith('data: [DONE]\n\n'));
});

for (const fault of ['huge-line', 'never-newline'] satisfies FaultName[]) {
  test(`${fault} is cut off, as an error, and Ollama's connection is given up`, async () => {
    await cluster.control.fault({ fault, path: '/api/*', after: 2 });
    for (const { path, body } of dialects) {
      const { aborted } = cluster.control.state();
      const answer = await ask(cluster, path, { ...body, stream: true });
      assert.match(failureIn(path, answer.text), /line longer than 8 MB/);
      assert.ok(answer.text.length < 100_000);
      await abortSeen(cluster.control, aborted);
    }
    assert.equal((await ask(cluster, '/api/chat', { ...question, stream: false })).status, 502);
  });
}

test('the openai client throws on a stream that broke, with the reason', async () => {
  const openai = new OpenAI({ baseURL: `${cluster.url}/v1`, apiKey: cluster.key, maxRetries: 0, fetch: checkedFetch });
  await cluster.control.fault({ fault: 'end-silently', path: '/api/chat' });
  const messages = [{ role: 'user' as const, content: 'tell me' }];
  const stream = await openai.chat.completions.create({ model: 'llama3.2', messages, stream: true });
  await assert.rejects(Array.fromAsync(stream), truncated);
  const completion = await openai.completions.create({ model: 'llama3.2', prompt: 'x', stream: true });
  await cluster.control.clearFaults();
  assert.ok((await Array.fromAsync(completion)).length > 1);
});

test('one of n answers that breaks ends the others at Ollama', async () => {
  cluster.control.setOptions({ tokenMs: 20, tokens: 200, numParallel: 3 });
  await cluster.control.fault({ fault: 'die-mid-stream', path: '/api/chat', times: 1 });
  const answer = await ask(cluster, '/v1/chat/completions', { ...question, n: 3, stream: true });
  assert.match(failureIn('/v1/chat/completions', answer.text), /broke the connection/);
  await abortSeen(cluster.control, 0, 2);
});

test('embeddings that break are told in the form of their dialect', async () => {
  await cluster.control.fault({ fault: 'reset', path: '/api/*' });
  const body = { model: 'nomic-embed-text', input: 'x', prompt: 'x' };
  assert.equal(typeof json(await ask(cluster, '/api/embed', body))['error'], 'string');
  assert.equal(typeof json(await ask(cluster, '/api/embeddings', body))['error'], 'string');
  const openai = await ask(cluster, '/v1/embeddings', body);
  assert.ok(openai.status >= 500);
  assert.equal(typeof (json(openai)['error'] as Json)['message'], 'string');
});

test('a client that is gone ends the generation within a second: closed, reset, before and behind the first token', async () => {
  cluster.control.setOptions({ tokenMs: 20, tokens: 5000, numParallel: 4 });
  let gone = 0;
  for (const end of ['destroy', 'resetAndDestroy'] as const) {
    for (const path of ['/api/chat', '/v1/chat/completions', '/v1/messages']) {
      const streaming = rawPost(cluster.port, path, { ...anthropic, max_tokens: 5000, stream: true });
      await new Promise(resolve => streaming.once('data', resolve));
      streaming[end]();
      await abortSeen(cluster.control, gone++);
      await cluster.control.waitFor(state => state.active === 0);
      const waiting = rawPost(cluster.port, path, { ...anthropic, max_tokens: 5000, stream: false });
      await cluster.control.waitFor(state => state.active === 1);
      waiting[end]();
      await abortSeen(cluster.control, gone++);
      await cluster.control.waitFor(state => state.active === 0);
    }
  }
});

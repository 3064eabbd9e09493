/** Time: heartbeats while Ollama is silent, and bodies that do not arrive. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { ask, bearer, chat, events, type Json, json, lines, raw, statusOf } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ env: { HEARTBEAT_INTERVAL: '200ms', REQUEST_TIMEOUT: '1s' } });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const slow = (path: string) => cluster.control.fault({ fault: 'slow', ms: 900, path });
const messages = [{ role: 'user' as const, content: 'echo:at last' }];

test('chat: silence is filled with chunks that say nothing', async () => {
  await slow('/api/chat');
  const answer = await ask(cluster, '/api/chat', chat('echo:at last'));
  const all = lines(answer.text);
  const beats = all.findIndex(line => (line['message'] as Json)['content'] !== '');
  assert.ok(beats >= 3, `${beats} heartbeats`);
  for (const { created_at: createdAt, ...beat } of all.slice(0, beats)) {
    assert.deepEqual(beat, { model: 'llama3.2', message: { role: 'assistant', content: '' }, done: false });
    assert.ok(!Number.isNaN(Date.parse(String(createdAt))));
  }
  assert.equal(all.at(-1)?.['done'], true);
  assert.equal(all.map(line => (line['message'] as Json)['content']).join(''), 'at last');
});

test('generate: the same with an empty response', async () => {
  await slow('/api/generate');
  const all = lines((await ask(cluster, '/api/generate', { model: 'llama3.2', prompt: 'echo:at last' })).text);
  assert.deepEqual([all[0]?.['response'], all[0]?.['done']], ['', false]);
  assert.equal(all.map(line => line['response']).join(''), 'at last');
});

test('SSE: silence is filled with comments, which no client takes for an event', async () => {
  await slow('/api/*');
  for (const [path, body] of [
    ['/v1/chat/completions', { model: 'llama3.2', messages }],
    ['/v1/completions', { model: 'llama3.2', prompt: 'echo:at last' }],
    ['/v1/responses', { model: 'llama3.2', input: 'echo:at last' }],
    ['/v1/messages', { model: 'llama3.2', messages, max_tokens: 50 }],
  ] as const) {
    const { text } = await ask(cluster, path, { ...body, stream: true });
    assert.match(text, /^(: ping\n\n){3,}/, path);
    assert.ok(events(text).every(({ data }) => data === '[DONE]' || JSON.parse(data)));
  }
});

test('between two tokens too: comments for OpenAI, ping events for Anthropic', async () => {
  cluster.control.setOptions({ tokenMs: 500 });
  const openai = await ask(cluster, '/v1/chat/completions', { model: 'llama3.2', messages, stream: true });
  assert.match(openai.text, /finish_reason":null\}\]\}\n\n: ping\n\n/);
  const anthropic = await ask(cluster, '/v1/messages', {
    model: 'llama3.2',
    messages,
    max_tokens: 50,
    stream: true,
  });
  assert.ok(events(anthropic.text).some(({ event }) => event === 'ping'));
});

test('the clients read on over heartbeats', async () => {
  await slow('/api/chat');
  const ollama = new Ollama({ host: cluster.url, headers: bearer(cluster.key) });
  let text = '';
  for await (const part of await ollama.chat({ model: 'llama3.2', messages, stream: true }))
    text += part.message.content;
  assert.equal(text, 'at last');
  const openai = new OpenAI({ baseURL: `${cluster.url}/v1`, apiKey: cluster.key, maxRetries: 0 });
  const stream = openai.chat.completions.stream({ model: 'llama3.2', messages });
  assert.equal((await stream.finalMessage()).content, 'at last');
  const anthropic = new Anthropic({ baseURL: cluster.url, apiKey: cluster.key, maxRetries: 0 });
  const final = await anthropic.messages.stream({ model: 'llama3.2', messages, max_tokens: 50 }).finalMessage();
  assert.deepEqual(final.content, [{ type: 'text', text: 'at last' }]);
});

test('a cold load longer than many heartbeats ends in a whole answer', async () => {
  await cluster.control.fault({ fault: 'cold-load', ms: 1500, path: '/api/chat' });
  const all = lines((await ask(cluster, '/api/chat', chat('echo:warm'))).text);
  assert.ok(all.length > 8);
  assert.equal(all.map(line => (line['message'] as Json)['content']).join(''), 'warm');
});

test('to load a model is answered with one object, however long it takes', async () => {
  await cluster.control.fault({ fault: 'cold-load', ms: 700, path: '/api/generate' });
  const answer = await ask(cluster, '/api/generate', { model: 'llama3.2' });
  assert.equal(json(answer)['done_reason'], 'load');
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
});

test('what fails behind a heartbeat is told inside the stream', async () => {
  await slow('/api/*');
  const native = await ask(cluster, '/api/chat', { ...chat('x'), model: 'nope' });
  assert.equal(native.status, 200);
  const last = lines(native.text).at(-1);
  assert.match(String(last?.['error']), /^model 'nope' not found/);
  const openai = await ask(cluster, '/v1/chat/completions', { model: 'nope', messages, stream: true });
  const error = JSON.parse(events(openai.text).at(-1)?.data ?? '{}') as { error: Json };
  assert.equal(error.error['message'], "model 'nope' not found");
});

test('a slow answer without a stream is one object, with its own status', async () => {
  await slow('/api/chat');
  const answer = await ask(cluster, '/api/chat', chat('echo:at last', { stream: false }));
  assert.equal((json(answer)['message'] as Json)['content'], 'at last');
  assert.equal((await ask(cluster, '/api/chat', { ...chat('x', { stream: false }), model: 'nope' })).status, 404);
});

for (const [path, shape] of [
  ['/api/chat', /\{"error":"the request body did not arrive in time/],
  ['/api/show', /\{"error":"the request body did not arrive in time/],
  ['/v1/chat/completions', /\{"error":\{"message":"the request body did not arrive in time.*"request_id":/],
  ['/v1/messages', /\{"type":"error","error":\{"type":"\w+","message":"the request body did not arrive in time/],
] as const) {
  test(`${path}: a body that stops arriving gets 408 in its dialect, and the connection is closed`, async () => {
    const answer = await raw(
      cluster.port,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"mo`,
    );
    assert.equal(statusOf(answer), 408);
    assert.ok(answer.closed);
    assert.match(answer.text, shape);
    assert.match(answer.text, /^connection: close\r$/im);
  });
}

test('a body that drips in within the time is read', async () => {
  const body = JSON.stringify(chat('echo:drop', { stream: false }));
  const head = `POST /api/chat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  const pieces = [head.slice(0, 20), head.slice(20), ...(body.match(/.{1,10}/g) ?? [])];
  const answer = await raw(cluster.port, pieces);
  assert.equal(statusOf(answer), 200);
  assert.match(answer.text, /"content":"drop"/);
});

test('a short route does not wait longer than its limit for Ollama', async () => {
  await cluster.control.fault({ fault: 'hang', path: '/api/show' });
  const answer = await ask(cluster, '/api/show', { model: 'llama3.2' });
  assert.equal(answer.status, 504);
});

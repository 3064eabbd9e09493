/** What no client should send: always an answer in the right dialect, nothing of our insides in it, and no worker harmed. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { type Answer, ask, type Json, json, raw, statusOf } from './wire.ts';

let cluster: TestCluster;
let workers: number[];

before(async () => {
  cluster = await startCluster({ env: { BODY_LIMIT: '256kb', INFERENCE_BODY_LIMIT: '512kb' } });
  workers = await pids();
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const pids = async (): Promise<number[]> => (await cluster.workers()).map(({ pid }) => pid).toSorted();

type Dialect = 'ollama' | 'openai' | 'anthropic';
interface Target {
  readonly path: string;
  readonly method: 'POST' | 'DELETE';
  readonly dialect: Dialect;
  readonly limitBytes: number;
}

const target = (dialect: Dialect, path: string, limitKb: number, method: Target['method'] = 'POST'): Target => ({
  dialect,
  path,
  method,
  limitBytes: limitKb * 1024,
});
const targets: readonly Target[] = [
  ...['/api/generate', '/api/chat', '/api/embed', '/api/embeddings', '/api/create'].map(path =>
    target('ollama', path, 512),
  ),
  ...['/api/show', '/api/pull', '/api/push', '/api/copy'].map(path => target('ollama', path, 256)),
  target('ollama', '/api/delete', 256, 'DELETE'),
  ...['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses'].map(path =>
    target('openai', path, 512),
  ),
  ...['/v1/messages', '/v1/messages/count_tokens'].map(path => target('anthropic', path, 512)),
];

/** The error of an answer, told as its dialect tells it; anything else fails. */
function errorOf(answer: Answer, dialect: Dialect): string {
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.ok(!/\.ts\b|\.js\b|node:|\n {4}at |\/src\/|node_modules/.test(answer.text), answer.text);
  assert.ok(answer.text.length < 4000, 'the error does not repeat what was sent');
  const body = json(answer);
  if (dialect === 'ollama') return body['error'] as string;
  const id = answer.headers.get('x-request-id');
  const error = body['error'] as Json;
  if (dialect === 'anthropic') assert.deepEqual([body['type'], body['request_id']], ['error', id]);
  else assert.deepEqual([error['request_id'], typeof error['type']], [id, 'string']);
  return error['message'] as string;
}

const bodies: ReadonlyArray<{ name: string; body: string | Buffer; status: number }> = [
  { name: 'empty', body: '', status: 400 },
  { name: 'blanks', body: ' \r\n\t ', status: 400 },
  { name: 'cut off', body: '{"model":"llama3.2","messages":[{"role":"us', status: 400 },
  { name: 'no JSON', body: 'model=llama3.2&prompt=x', status: 400 },
  { name: 'single quotes', body: "{'model':'llama3.2'}", status: 400 },
  { name: 'a list', body: '[1,2]', status: 400 },
  { name: 'a text', body: '"llama3.2"', status: 400 },
  { name: 'a number', body: '7', status: 400 },
  { name: 'no UTF-8', body: Buffer.from([0xff, 0xfe, 0x00, 0x7b]), status: 400 },
  { name: 'NUL bytes', body: Buffer.alloc(100), status: 400 },
  { name: 'opened 100 000 times', body: '['.repeat(100_000), status: 400 },
  {
    name: 'a model that is a number',
    body: '{"model":7,"name":7,"source":7,"destination":7,"messages":7,"input":7,"prompt":7,"max_tokens":5}',
    status: 400,
  },
  {
    name: 'a model that is an object',
    body: '{"model":{},"name":{},"source":{},"destination":{},"max_tokens":5,"messages":[{"role":"user","content":"x"}],"input":"x"}',
    status: 400,
  },
];

for (const { path, method, dialect, limitBytes } of targets) {
  test(`${method} ${path}: every kind of broken body is refused in the ${dialect} dialect`, async () => {
    for (const { name, body, status } of bodies) {
      const answer = await ask(cluster, path, body, { method });
      assert.equal(answer.status, status, `${name}: ${answer.status} ${answer.text.slice(0, 200)}`);
      const message = errorOf(answer, dialect);
      assert.ok(typeof message === 'string' && message.length > 5, name);
    }
  });

  test(`${method} ${path}: a body that is too large gets 413, announced or not`, async () => {
    const body = `{"model":"${'x'.repeat(limitBytes)}"}`;
    const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${cluster.key}\r\n`;
    const announced = await raw(cluster.port, `${head}Content-Length: ${body.length}\r\n\r\n`);
    assert.deepEqual([statusOf(announced), announced.closed], [413, true]);
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
    const chunked = await raw(cluster.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`);
    assert.deepEqual([statusOf(chunked), chunked.closed], [413, true]);
    assert.match(chunked.text, /larger than \d+ bytes/);
  });
}

const wrong = (dialect: Dialect, path: string, body: Json, text: RegExp) => ({ dialect, path, body, text });
const user = [{ role: 'user', content: 'x' }];
const model = 'llama3.2';
const wrongFields = [
  wrong('openai', '/v1/chat/completions', { model, messages: 'x' }, /messages/),
  wrong('openai', '/v1/chat/completions', { model, messages: [7] }, /messages\[0\]/),
  wrong('openai', '/v1/chat/completions', { model, messages: [{ role: 'user', content: 7 }] }, /content/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, stream: 'yes' }, /stream/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, temperature: 'hot' }, /temperature/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, n: 0 }, /n must be/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, n: 1e9 }, /n must be/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, tools: [{}] }, /tools\[0\]/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, tool_choice: 'required' }, /tool_choice/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, reasoning_effort: 'wild' }, /reasoning/),
  wrong('openai', '/v1/chat/completions', { model, messages: user, keep_alive: {} }, /keep_alive/),
  wrong('openai', '/v1/chat/completions', { messages: user }, /model is required/),
  wrong('openai', '/v1/embeddings', { model, input: null }, /invalid input/),
  wrong('openai', '/v1/embeddings', { model, input: [[1, 2]] }, /invalid input/),
  wrong('openai', '/v1/embeddings', { model, input: 'x', encoding_format: 'hex' }, /encoding_format/),
  wrong('openai', '/v1/responses', { model, input: 7 }, /input/),
  wrong('openai', '/v1/responses', { model, input: [] }, /input/),
  wrong('openai', '/v1/responses', { model, input: 'x', text: { format: { type: 'xml' } } }, /text\.format/),
  wrong('anthropic', '/v1/messages', { model, messages: user }, /max_tokens/),
  wrong('anthropic', '/v1/messages', { model, messages: user, max_tokens: -1 }, /max_tokens/),
  wrong('anthropic', '/v1/messages', { model, messages: [{ role: 'robot', content: 'x' }], max_tokens: 5 }, /role/),
  wrong('anthropic', '/v1/messages', { model, messages: [], max_tokens: 5 }, /messages/),
  wrong(
    'anthropic',
    '/v1/messages',
    { model, messages: user, max_tokens: 5, tools: [{ type: 'web_search_20250305', name: 'w' }] },
    /web_search/,
  ),
  wrong('anthropic', '/v1/messages', { messages: user, max_tokens: 5 }, /model is required/),
];

for (const { dialect, path, body, text } of wrongFields) {
  test(`${path} ${JSON.stringify(body).slice(0, 90)}: the field is named`, async () => {
    const answer = await ask(cluster, path, body);
    assert.equal(answer.status, 400);
    assert.match(errorOf(answer, dialect), text);
  });
}

const deep = '['.repeat(100_000) + ']'.repeat(100_000);
const schema = `{"type":"object","properties":{"a":{"enum":${deep}}}}`;
const say = '"messages":[{"role":"user","content":"echo:x"}]';
const nested: ReadonlyArray<{ path: string; dialect: Dialect; body: string }> = [
  { path: '/api/chat', dialect: 'ollama', body: `{"model":"llama3.2",${say},"stream":false,"format":${schema}}` },
  {
    path: '/api/generate',
    dialect: 'ollama',
    body: `{"model":"llama3.2","prompt":"echo:x","stream":false,"format":${schema}}`,
  },
  { path: '/api/pull', dialect: 'ollama', body: `{"model":"x","stream":false,"a":${deep}}` },
  { path: '/api/create', dialect: 'ollama', body: `{"model":"x","stream":false,"info":{"a":${deep}}}` },
  {
    path: '/v1/chat/completions',
    dialect: 'openai',
    body: `{"model":"llama3.2",${say},"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]}`,
  },
  {
    path: '/v1/chat/completions',
    dialect: 'openai',
    body: `{"model":"llama3.2",${say},"tool_choice":"required","tools":[{"type":"function","function":{"name":"f","parameters":${schema}}},{"type":"function","function":{"name":"g","parameters":${schema}}}]}`,
  },
  {
    path: '/v1/messages',
    dialect: 'anthropic',
    body: `{"model":"llama3.2","max_tokens":5,${say},"tools":[{"name":"f","input_schema":${schema}}]}`,
  },
  {
    path: '/v1/messages',
    dialect: 'anthropic',
    body: `{"model":"llama3.2","max_tokens":5,"stream":true,${say},"tools":[{"name":"f","input_schema":${schema}}]}`,
  },
  {
    path: '/v1/messages/count_tokens',
    dialect: 'anthropic',
    body: `{"model":"llama3.2",${say},"tools":[{"name":"f","input_schema":${schema}}]}`,
  },
];

for (const [index, { path, dialect, body }] of nested.entries()) {
  test(`${path} (${index}): valid JSON, nested 100 000 times, is answered or refused, and no surprise`, async () => {
    const answer = await ask(cluster, path, body);
    assert.ok(answer.status === 200 || answer.status === 400, answer.text.slice(0, 300));
    if (answer.status === 400) errorOf(answer, dialect);
  });
}

test('names that mean something to JavaScript are only names', async () => {
  const body =
    '{"model":"llama3.2","__proto__":{"stream":false},"constructor":1,"messages":[{"role":"user","content":"echo:x","__proto__":{"role":"system"}}]}';
  for (const path of ['/api/chat', '/v1/chat/completions']) {
    assert.equal((await ask(cluster, path, body)).status, 200);
  }
  assert.equal((await ask(cluster, '/api/chat', '{"model":"__proto__","messages":[{}]}')).status, 404);
  assert.equal((await ask(cluster, '/v1/models/__proto__')).status, 404);
});

test('paths that climb, break or lie are no way in', async () => {
  for (const path of [
    '/api/../etc/passwd',
    '/api/%2e%2e/tags',
    '//api/tags',
    '/api/tags/',
    '/API/TAGS',
    '/v1/models/%ff',
    '/api/blobs/%00',
  ]) {
    const answer = await raw(cluster.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.ok([400, 404, 405].includes(statusOf(answer)), `${path}: ${answer.text}`);
    assert.ok(!/\.ts\b|node:|\/src\//.test(answer.text));
  }
});

test('methods nobody knows are refused', async () => {
  for (const method of ['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
    const answer = await raw(
      cluster.port,
      `${method} /api/tags HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 405, method);
  }
  const unknown = await raw(cluster.port, 'FROBNICATE / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.deepEqual([statusOf(unknown), unknown.closed], [400, true]);
});

test('headers without end, without number and without sense are refused', async () => {
  const many = Array.from({ length: 2000 }, (_, i) => `X-${i}: 1\r\n`).join('');
  const bomb = await raw(cluster.port, `GET / HTTP/1.1\r\nHost: localhost\r\n${many}\r\n`);
  assert.deepEqual([statusOf(bomb), bomb.closed], [431, true]);
  const long = await raw(cluster.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
  assert.deepEqual([statusOf(long), long.closed], [431, true]);
  const target_ = await raw(cluster.port, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  assert.deepEqual([statusOf(target_), target_.closed], [431, true]);
  const binary = await raw(cluster.port, Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03]));
  assert.deepEqual([statusOf(binary), binary.closed], [400, true]);
  for (const { text } of [bomb, long, target_, binary]) {
    const id = /^x-request-id: (\S+)\r$/im.exec(text)?.[1];
    assert.ok(id !== undefined, text);
    await until('its line is in the log', () => cluster.logs().includes(`"id":"${id}"`));
  }
});

test('all of it left the workers alive, and nothing unforeseen in the log', async () => {
  assert.deepEqual(await pids(), workers);
  assert.ok(!cluster.logs().includes('unexpected failure'));
});

test('/v1/responses: metadata, nested 100 000 times, is answered or refused, and no surprise', async () => {
  for (const stream of [false, true]) {
    const body = `{"model":"llama3.2","input":"echo:x","stream":${stream},"metadata":{"a":${deep}}}`;
    const answer = await ask(cluster, '/v1/responses', body);
    assert.ok(answer.status === 200 || answer.status === 400, answer.text.slice(0, 300));
    assert.ok(!answer.text.includes('internal server error'));
  }
});

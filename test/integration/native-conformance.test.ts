/** The native API on the wire: what clients of Ollama rely on without thinking of it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { ask, chat, json, lastBody, lines, open } from './wire.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const ndjson = 'application/x-ndjson';
const jsonType = 'application/json; charset=utf-8';
const typeOf = (answer: { headers: Headers }): string | null => answer.headers.get('content-type');

/** What two answers to one question may differ in. */
const timeless = (text: string): string =>
  text.replace(/"created_at":"[^"]+"/g, '"created_at":""').replace(/"\w+_duration":\d+/g, '"duration":0');

test('a stream passes byte for byte, as NDJSON, by default', async () => {
  for (const [path, body] of [
    ['/api/chat', chat('tell me')],
    ['/api/generate', { model: 'llama3.2', prompt: 'tell me' }],
    ['/api/chat', chat('think', { model: 'qwen3', stream: null })],
    ['/api/generate', { model: 'llama3.2', prompt: 'tell me', raw: true, logprobs: true }],
  ] as const) {
    const theirs = await ask(cluster.fake, path, body);
    const ours = await ask(cluster, path, body);
    assert.deepEqual([ours.status, typeOf(ours)], [200, ndjson]);
    assert.equal(timeless(ours.text), timeless(theirs.text));
  }
});

test('an answer without a stream is the one object that Ollama would have sent', async () => {
  for (const [path, body] of [
    ['/api/chat', chat('tell me', { stream: false })],
    ['/api/chat', chat('think', { model: 'qwen3', stream: false })],
    ['/api/generate', { model: 'llama3.2', prompt: 'tell me', stream: false }],
    ['/api/generate', { model: 'qwen3', prompt: 'tell me', stream: false, logprobs: true, top_logprobs: 1 }],
  ] as const) {
    const theirs = json(await ask(cluster.fake, path, body));
    const ours = await ask(cluster, path, body);
    assert.deepEqual([ours.status, typeOf(ours)], [200, jsonType]);
    assert.deepEqual(Object.keys(json(ours)).toSorted(), Object.keys(theirs).toSorted());
    assert.deepEqual(JSON.parse(timeless(ours.text)), JSON.parse(timeless(JSON.stringify(theirs))));
  }
});

test('an empty prompt or no messages loads and unloads the model, as one JSON object even with a stream', async () => {
  for (const [path, empty] of [
    ['/api/generate', {}],
    ['/api/generate', { prompt: '', stream: true }],
    ['/api/generate', { prompt: '', stream: false }],
    ['/api/chat', {}],
    ['/api/chat', { messages: [] }],
    ['/api/chat', { messages: [], stream: false }],
  ] as const) {
    const loaded = await ask(cluster, path, { model: 'llama3.2', ...empty });
    assert.deepEqual([loaded.status, typeOf(loaded)], [200, jsonType]);
    assert.deepEqual([json(loaded)['done'], json(loaded)['done_reason']], [true, 'load']);
    assert.equal(cluster.control.state().models['llama3.2:latest']?.loaded, true);
    const unloaded = await ask(cluster, path, { model: 'llama3.2', keep_alive: 0, ...empty });
    assert.deepEqual([typeOf(unloaded), json(unloaded)['done_reason']], [jsonType, 'unload']);
    assert.equal(cluster.control.state().models['llama3.2:latest']?.loaded, false);
  }
});

test('keys in any case, unknown keys, nulls and trailing data are taken as Go takes them', async () => {
  for (const body of [
    '{"Model":"llama3.2","MESSAGES":[{"role":"user","content":"echo:ok"}],"Stream":false}',
    '{"model":"llama3.2","messages":[{"Role":"user","Content":"echo:ok"}],"stream":false,"unknown":{"a":[1]}}',
    '{"model":"llama3.2","messages":[{"role":"user","content":"echo:ok"}],"stream":false,"keep_alive":null,"think":null,"options":null,"format":null,"tools":null}',
    '{"model":"llama3.2","messages":[{"role":"user","content":"echo:ok"}],"stream":false} trailing',
    '\n\t {"model":"llama3.2","messages":[{"role":"user","content":"echo:ok"}],"stream":false}{"model":"x"}',
  ]) {
    const answer = await ask(cluster, '/api/chat', body);
    assert.equal(answer.status, 200, body);
    assert.equal((json(answer)['message'] as { content: string }).content, 'ok');
  }
  const streamed = await ask(cluster, '/api/generate', '{"Model":"llama3.2","Prompt":"echo:ok"}');
  assert.equal(typeOf(streamed), ndjson);
  assert.equal(lines(streamed.text).at(-1)?.['done'], true);
});

test('a stream whose body has trailing data still passes', async () => {
  const answer = await ask(cluster, '/api/chat', `${JSON.stringify(chat('echo:ok'))} trailing`);
  assert.equal(lines(answer.text).at(-1)?.['done'], true);
});

test('every form of keep_alive reaches Ollama as it was', async () => {
  for (const keepAlive of [0, -1, 30, 1.5, '10m', '1h30m', '-1s', '0']) {
    const body = { model: 'llama3.2', prompt: 'echo:x', keep_alive: keepAlive };
    assert.equal((await ask(cluster, '/api/generate', body)).status, 200);
    assert.deepEqual(lastBody(cluster.control, '/api/generate')['keep_alive'], keepAlive);
    assert.equal((await ask(cluster, '/api/generate', { ...body, stream: false })).status, 200);
    assert.deepEqual(lastBody(cluster.control, '/api/generate')['keep_alive'], keepAlive);
  }
});

test('numbers keep their spelling and keys their order on the way', async () => {
  const body =
    '{"model":"llama3.2","prompt":"echo:x","options":{"seed":12345678901234567890,"temperature":1e-7},"stream":true}';
  await ask(cluster, '/api/generate', body);
  const request = cluster.control.state().requests.findLast(({ path }) => path === '/api/generate');
  assert.equal(request?.bodyBytes, Buffer.byteLength(body), 'the body was passed on as it came');
});

test('GET and HEAD of / and /api/version', async () => {
  for (const path of ['/', '/api/version', '/api/tags']) {
    const get = await ask(cluster, path);
    const head = await ask(cluster, path, undefined, { method: 'HEAD' });
    assert.deepEqual([get.status, head.status, head.text], [200, 200, '']);
    assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(get.text)));
    assert.equal(typeOf(head), typeOf(get));
  }
  const root = await ask(cluster, '/');
  assert.equal(root.text, 'Ollama is running');
  assert.match(typeOf(root) ?? '', /^text\/plain/);
  assert.deepEqual(json(await ask(cluster, '/api/version')), { version: '0.33.0' });
});

test('the query of a path does not change its route', async () => {
  assert.equal((await ask(cluster, '/api/tags?ts=1')).status, 200);
  const body = { model: 'llama3.2', prompt: 'echo:x', stream: false };
  assert.equal((await ask(cluster, '/api/generate?ts=1', body)).status, 200);
});

test('any content type, and none, is taken for JSON', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', '']) {
    const headers = { 'content-type': type };
    for (const [path, body] of [
      ['/api/generate', { model: 'llama3.2', prompt: 'echo:x', stream: false }],
      ['/v1/chat/completions', chat('echo:x')],
      ['/v1/messages', chat('echo:x', { max_tokens: 9 })],
    ] as const) {
      assert.equal((await ask(cluster, path, body, { headers })).status, 200, `${path} ${type}`);
    }
  }
});

test('a request id is made, or taken over when it is a plain one', async () => {
  const own = await ask(cluster, '/api/version');
  const other = await ask(cluster, '/api/version');
  assert.match(own.headers.get('x-request-id') ?? '', /^req_[0-9a-z]+$/);
  assert.notEqual(own.headers.get('x-request-id'), other.headers.get('x-request-id'));
  const given = await ask(cluster, '/api/version', undefined, { headers: { 'x-request-id': 'trace-1.2:3' } });
  assert.equal(given.headers.get('x-request-id'), 'trace-1.2:3');
  for (const bad of ['a b', 'x'.repeat(129), 'a"b']) {
    const answer = await ask(cluster, '/api/version', undefined, { headers: { 'x-request-id': bad } });
    assert.notEqual(answer.headers.get('x-request-id'), bad);
  }
  const streamed = await open(cluster, '/api/chat', chat('echo:x'), { headers: { 'x-request-id': 'trace-2' } });
  assert.equal(streamed.headers.get('x-request-id'), 'trace-2');
  assert.equal(streamed.headers.get('x-deci-upstream'), new URL(cluster.fake.url).host);
  await streamed.body?.cancel();
});

test('characters split between packets arrive whole', async () => {
  const text = 'a 😀 b 東京 c é d 👩‍👩‍👧 ';
  await cluster.control.fault({ fault: 'split-utf8', ms: 1 });
  const streamed = await ask(cluster, '/api/chat', chat(`echo:${text}`));
  const words = lines(streamed.text).map(line => (line['message'] as { content: string }).content);
  assert.equal(words.join(''), text);
  const whole = await ask(cluster, '/api/chat', chat(`echo:${text}`, { stream: false }));
  assert.equal((json(whole)['message'] as { content: string }).content, text);
  const openai = await ask(cluster, '/v1/chat/completions', chat(`echo:${text}`));
  assert.equal((json(openai)['choices'] as { message: { content: string } }[])[0]?.message.content, text);
});

test('an answer that drips in byte by byte is put together', async () => {
  await cluster.control.fault({ fault: 'drip', path: '/api/chat' });
  const streamed = lines((await ask(cluster, '/api/chat', chat('echo:drop by drop'))).text);
  assert.equal(streamed.at(-1)?.['done'], true);
  const whole = json(await ask(cluster, '/api/chat', chat('echo:drop by drop', { stream: false })));
  assert.equal((whole['message'] as { content: string }).content, 'drop by drop');
});

test('the prompt of a debug request is shown, streamed or not', async () => {
  for (const stream of [false, true]) {
    const body = chat('hello', { _debug_render_only: true, stream });
    const theirs = json(await ask(cluster.fake, '/api/chat', body));
    const ours = await ask(cluster, '/api/chat', body);
    assert.deepEqual([ours.status, typeOf(ours)], [200, jsonType]);
    assert.deepEqual(json(ours)['_debug_info'], theirs['_debug_info']);
  }
});

test('many requests at once each get their own answer', async () => {
  cluster.control.setOptions({ numParallel: 8 });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const body = { model: 'llama3.2', prompt: `echo:number ${i}`, stream: false };
      return json(await ask(cluster, '/api/generate', body))['response'];
    }),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 100 }, (_, i) => `number ${i}`),
  );
});

test('both workers answer', async () => {
  const workers = await cluster.workers();
  assert.equal(workers.length, 2);
  assert.equal(new Set(workers.map(({ pid }) => pid)).size, 2);
});

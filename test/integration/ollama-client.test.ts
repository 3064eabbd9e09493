/** The npm client `ollama`, as a program that knows nothing of us. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Ollama, type Tool } from 'ollama';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, bearer, lastBody, lastRequest } from './wire.ts';

let cluster: TestCluster;
let ollama: Ollama;

before(async () => {
  cluster = await startCluster();
  ollama = new Ollama({ host: cluster.url, headers: bearer(cluster.key), fetch: checkedFetch });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const hello = [{ role: 'user', content: 'hello there' }];
const echo = (content: string) => [{ role: 'user', content: `echo:${content}` }];

const weather: Tool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
  },
};

test('chat gives the whole answer with its metrics', async () => {
  const answer = await ollama.chat({ model: 'llama3.2', messages: hello });
  assert.equal(answer.model, 'llama3.2');
  assert.equal(answer.message.role, 'assistant');
  assert.ok(answer.message.content.length > 20);
  assert.deepEqual([answer.done, answer.done_reason, answer.eval_count], [true, 'stop', 20]);
  assert.ok(answer.total_duration > 0 && answer.prompt_eval_count > 0);
});

test('chat streams the same words in pieces', async () => {
  const whole = await ollama.chat({ model: 'llama3.2', messages: hello });
  const pieces: string[] = [];
  for await (const part of await ollama.chat({ model: 'llama3.2', messages: hello, stream: true })) {
    pieces.push(part.message.content);
  }
  assert.ok(pieces.length > 10);
  assert.equal(pieces.join(''), whole.message.content);
});

test('a long conversation in many scripts comes back unchanged', async () => {
  const text = 'Grüße 😀 an\n"alle" in 東京 \\ \u2028 – 👩‍👩‍👧 ἀρχή '.repeat(50);
  const answer = await ollama.chat({ model: 'llama3.2', messages: echo(text) });
  assert.equal(answer.message.content, text);
});

test('generate works whole, streamed and with raw, system and suffix', async () => {
  const whole = await ollama.generate({ model: 'llama3.2', prompt: 'echo:hi', system: 'Be short.' });
  assert.equal(whole.response, 'hi');
  assert.ok(Array.isArray(whole.context));
  const raw = await ollama.generate({ model: 'llama3.2', prompt: 'echo:hi', raw: true });
  assert.equal(raw.context, undefined);
  let text = '';
  const request = { model: 'codellama', prompt: 'echo:def f(', suffix: 'return', stream: true } as const;
  for await (const part of await ollama.generate(request)) text += part.response;
  assert.equal(text, 'def f(');
});

test('options and stop sequences reach Ollama as they are', async () => {
  const options = { num_predict: 5, temperature: 0.1, seed: 7, stop: ['zzz'], num_ctx: 2048 };
  const answer = await ollama.chat({ model: 'llama3.2', messages: hello, options, keep_alive: '10m' });
  assert.deepEqual([answer.done_reason, answer.eval_count], ['length', 5]);
  const sent = lastBody(cluster.control, '/api/chat');
  assert.deepEqual([sent['options'], sent['keep_alive']], [options, '10m']);
});

test('a tool is called with an object as its arguments, and its result is answered', async () => {
  const question = { role: 'user', content: 'use get_weather for Bern' };
  const first = await ollama.chat({ model: 'llama3.2', messages: [question], tools: [weather] });
  const call = first.message.tool_calls?.[0]?.function;
  assert.equal(call?.name, 'get_weather');
  assert.equal(typeof call.arguments['city'], 'string');
  const messages = [question, first.message, { role: 'tool', content: '11 °C', tool_name: 'get_weather' }];
  const second = await ollama.chat({ model: 'llama3.2', messages, tools: [weather] });
  assert.equal(second.message.tool_calls, undefined);
  assert.ok(second.message.content.length > 0);
});

test('a tool call is streamed too', async () => {
  const question = { role: 'user', content: 'use get_weather for Bern' };
  const names: string[] = [];
  const request = { model: 'llama3.2', messages: [question], tools: [weather] };
  for await (const part of await ollama.chat({ ...request, stream: true })) {
    names.push(...(part.message.tool_calls ?? []).map(call => call.function.name));
  }
  assert.deepEqual(names, ['get_weather']);
});

test('a JSON schema and the json mode constrain the answer', async () => {
  const format = {
    type: 'object',
    required: ['name', 'age'],
    properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 1, maximum: 9 } },
  };
  const shaped = await ollama.chat({ model: 'llama3.2', messages: hello, format });
  const value = JSON.parse(shaped.message.content) as { name: string; age: number };
  assert.equal(typeof value.name, 'string');
  assert.ok(value.age >= 1 && value.age <= 9);
  const free = await ollama.chat({ model: 'llama3.2', messages: hello, format: 'json' });
  assert.equal(typeof JSON.parse(free.message.content), 'object');
});

test('images arrive byte for byte, also 20 MB of them', async () => {
  const small = await ollama.chat({
    model: 'llava',
    messages: [{ role: 'user', content: 'what is this', images: [Buffer.alloc(300, 7)] }],
  });
  assert.equal(small.message.content, '1 image: 300 bytes');
  const bytes = 20 * 1024 * 1024;
  const large = await ollama.generate({ model: 'llava', prompt: 'what is this', images: [Buffer.alloc(bytes, 7)] });
  assert.equal(large.response, `1 image: ${bytes} bytes`);
});

test('thinking is kept apart from the answer, whole and streamed', async () => {
  const request = { model: 'qwen3', messages: echo('the answer'), think: 'high' } as const;
  const whole = await ollama.chat(request);
  assert.equal(whole.message.content, 'the answer');
  assert.ok((whole.message.thinking ?? '').length > 10);
  let thinking = '';
  for await (const part of await ollama.chat({ ...request, stream: true })) thinking += part.message.thinking ?? '';
  assert.equal(thinking, whole.message.thinking);
  const silent = await ollama.chat({ ...request, think: false });
  assert.equal(silent.message.thinking, undefined);
});

test('logprobs come whole and streamed', async () => {
  const request = { model: 'llama3.2', messages: echo('one two'), logprobs: true, top_logprobs: 2 };
  const whole = await ollama.chat(request);
  let streamed = 0;
  for await (const part of await ollama.chat({ ...request, stream: true })) streamed += part.logprobs?.length ?? 0;
  assert.equal(whole.logprobs?.length, streamed);
  assert.ok(streamed > 0);
  assert.equal(whole.logprobs?.[0]?.top_logprobs?.length, 2);
});

test('embeddings: one, several, none, and the old endpoint', async () => {
  const model = 'nomic-embed-text';
  const one = await ollama.embed({ model, input: 'hello' });
  assert.equal(one.embeddings.length, 1);
  assert.ok(Math.abs(Math.hypot(...(one.embeddings[0] ?? [])) - 1) < 1e-3);
  const two = await ollama.embed({ model, input: ['hello', 'world'], dimensions: 8 });
  assert.deepEqual(
    two.embeddings.map(vector => vector.length),
    [8, 8],
  );
  assert.deepEqual((await ollama.embed({ model, input: [] })).embeddings, []);
  const old = await ollama.embeddings({ model, prompt: 'hello' });
  assert.ok(Math.abs(Math.hypot(...old.embedding) - 1) > 1e-3, 'the old endpoint does not normalise');
});

test('an abort reaches Ollama within a second, at the first token and before it', async () => {
  cluster.control.setOptions({ tokenMs: 50, tokens: 1000 });
  const client = new Ollama({ host: cluster.url, headers: bearer(cluster.key) });
  const stream = await client.chat({ model: 'llama3.2', messages: hello, stream: true });
  await stream[Symbol.asyncIterator]().next();
  const { aborted } = cluster.control.state();
  client.abort();
  await abortSeen(cluster.control, aborted);

  await cluster.control.fault({ fault: 'hang', path: '/api/generate' });
  const leave = new AbortController();
  const waiting = new Ollama({
    host: cluster.url,
    headers: bearer(cluster.key),
    fetch: (url, init) => fetch(url, { ...init, signal: leave.signal }),
  });
  const generating = waiting.generate({ model: 'llama3.2', prompt: 'hi', stream: true });
  await cluster.control.waitFor(state => state.requests.some(request => request.path === '/api/generate'));
  leave.abort();
  await assert.rejects(generating, { name: 'AbortError' });
  await abortSeen(cluster.control, aborted + 1);
});

test('an abort of an answer that is not streamed reaches Ollama too', async () => {
  cluster.control.setOptions({ tokenMs: 50, tokens: 1000 });
  const leave = new AbortController();
  const client = new Ollama({
    host: cluster.url,
    headers: bearer(cluster.key),
    fetch: (url, init) => fetch(url, { ...init, signal: leave.signal }),
  });
  const answer = client.chat({ model: 'llama3.2', messages: hello });
  await cluster.control.waitFor(state => state.active === 1);
  leave.abort();
  await assert.rejects(answer);
  await abortSeen(cluster.control, 0);
});

test('list, ps, show and version tell what Ollama has', async () => {
  const names = (await ollama.list()).models.map(model => model.name);
  assert.ok(names.includes('llama3.2:latest') && names.includes('hf.co/bartowski/tiny:q4'));
  assert.deepEqual((await ollama.ps()).models, []);
  await ollama.chat({ model: 'llama3.2', messages: [] });
  assert.equal((await ollama.ps()).models[0]?.name, 'llama3.2:latest');
  const shown = await ollama.show({ model: 'hf.co/bartowski/tiny:q4' });
  assert.ok(shown.capabilities.includes('completion'));
  assert.deepEqual(await ollama.version(), { version: '0.33.0' });
});

test('a model is pulled with progress, copied, pushed and deleted', async () => {
  const statuses: string[] = [];
  for await (const progress of await ollama.pull({ model: 'brand-new', stream: true })) statuses.push(progress.status);
  assert.equal(statuses[0], 'pulling manifest');
  assert.equal(statuses.at(-1), 'success');
  assert.equal((await ollama.pull({ model: 'another-one' })).status, 'success');
  assert.equal((await ollama.copy({ source: 'brand-new', destination: 'me/copy' })).status, 'success');
  assert.equal((await ollama.push({ model: 'me/copy' })).status, 'success');
  assert.equal((await ollama.delete({ model: 'me/copy' })).status, 'success');
  const names = (await ollama.list()).models.map(model => model.name);
  assert.ok(names.includes('brand-new:latest') && !names.includes('me/copy:latest'));
});

test('a model is created from another one', async () => {
  const created = await ollama.create({ model: 'mario', from: 'llama3.2', system: 'You are Mario.' });
  assert.equal(created.status, 'success');
  assert.equal((await ollama.show({ model: 'mario' })).system, 'You are Mario.');
  const statuses: string[] = [];
  const request = { model: 'luigi', from: 'llama3.2', stream: true } as const;
  for await (const progress of await ollama.create(request)) statuses.push(progress.status);
  assert.equal(statuses.at(-1), 'success');
});

test('errors keep their status and text', async () => {
  const missing = { name: 'ResponseError', status_code: 404, message: "model 'nope' not found" };
  await assert.rejects(ollama.chat({ model: 'nope', messages: hello }), missing);
  await assert.rejects(ollama.chat({ model: 'nope', messages: hello, stream: true }), missing);
  await assert.rejects(ollama.show({ model: 'nope' }), { status_code: 404 });
  await assert.rejects(ollama.delete({ model: 'nope' }), missing);
  await assert.rejects(ollama.embed({ model: 'nope', input: 'x' }), {
    status_code: 404,
    message: 'model "nope" not found, try pulling it first',
  });
});

test('a pull that fails on the way is told as an error, not as an end', async () => {
  const pulling = async (): Promise<void> => {
    for await (const _ of await ollama.pull({ model: 'missing-model', stream: true }));
  };
  await assert.rejects(pulling, { message: 'pull model manifest: file does not exist' });
  await assert.rejects(ollama.pull({ model: 'missing-model' }), {
    message: 'pull model manifest: file does not exist',
  });
});

test('an abort of a pull reaches Ollama', async () => {
  cluster.control.setOptions({ progressMs: 200 });
  const client = new Ollama({ host: cluster.url, headers: bearer(cluster.key) });
  const progress = await client.pull({ model: 'brand-new', stream: true });
  await progress[Symbol.asyncIterator]().next();
  const { aborted } = cluster.control.state();
  client.abort();
  await abortSeen(cluster.control, aborted);
});

test('what only we and the client need does not reach Ollama', async () => {
  const client = new Ollama({ host: cluster.url, headers: { Authorization: 'Bearer secret', 'X-Custom': '1' } });
  await client.chat({ model: 'llama3.2', messages: hello });
  const { headers } = lastRequest(cluster.control, '/api/chat');
  assert.equal(headers.authorization, undefined);
  assert.equal(headers['x-custom'], undefined);
});

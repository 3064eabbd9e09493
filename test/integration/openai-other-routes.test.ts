/** The npm client `openai`: everything but chat. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import OpenAI, { toFile } from 'openai';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, ask, bearer, events, json, lastBody, open } from './wire.ts';

let cluster: TestCluster;
let openai: OpenAI;

before(async () => {
  cluster = await startCluster();
  openai = new OpenAI({ baseURL: `${cluster.url}/v1`, apiKey: cluster.key, maxRetries: 0, fetch: checkedFetch });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const model = 'llama3.2';
const weather = {
  type: 'function' as const,
  name: 'get_weather',
  strict: false,
  parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
};

test('a response comes whole', async () => {
  const response = await openai.responses.create({ model, input: 'echo:hello', instructions: 'Be short.' });
  assert.deepEqual([response.object, response.status, response.output_text], ['response', 'completed', 'hello']);
  assert.equal(
    response.usage?.total_tokens,
    (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
  );
  const messages = lastBody(cluster.control, '/api/chat')['messages'];
  assert.deepEqual(messages, [
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: 'echo:hello' },
  ]);
});

test('a response streams in order, and the client puts it together', async () => {
  const types: string[] = [];
  let text = '';
  let expected = 0;
  for await (const event of await openai.responses.create({ model, input: 'echo:hello you', stream: true })) {
    assert.equal(event.sequence_number, expected++);
    if (types.at(-1) !== event.type) types.push(event.type);
    if (event.type === 'response.output_text.delta') text += event.delta;
  }
  assert.equal(text, 'hello you');
  assert.deepEqual(types, [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const final = await openai.responses.stream({ model, input: 'echo:hello you' }).finalResponse();
  assert.equal(final.output_text, 'hello you');
});

test('thinking is a reasoning item before the message', async () => {
  const response = await openai.responses.create({ model: 'qwen3', input: 'echo:done', reasoning: { effort: 'low' } });
  assert.deepEqual(
    response.output.map(item => item.type),
    ['reasoning', 'message'],
  );
  const streamed = await openai.responses
    .stream({ model: 'qwen3', input: 'echo:done', reasoning: { effort: 'low' } })
    .finalResponse();
  assert.deepEqual(
    streamed.output.map(item => item.type),
    ['reasoning', 'message'],
  );
});

test('a function is called, and its output goes back', async () => {
  const first = await openai.responses.create({ model, input: 'use get_weather', tools: [weather] });
  const call = first.output.find(item => item.type === 'function_call');
  assert.equal(call?.name, 'get_weather');
  assert.equal(typeof JSON.parse(call.arguments).city, 'string');
  const streamed = await openai.responses.stream({ model, input: 'use get_weather', tools: [weather] }).finalResponse();
  assert.equal(streamed.output.find(item => item.type === 'function_call')?.arguments, call.arguments);
  const second = await openai.responses.create({
    model,
    tools: [weather],
    input: [
      { role: 'user', content: 'use get_weather' },
      call,
      { type: 'function_call_output', call_id: call.call_id, output: '11 °C' },
    ],
  });
  assert.equal(second.output[0]?.type, 'message');
  const messages = lastBody(cluster.control, '/api/chat')['messages'] as Record<string, unknown>[];
  assert.deepEqual([messages.at(-1)?.['role'], messages.at(-1)?.['content']], ['tool', '11 °C']);
});

test('tool_choice none, required and named hold', async () => {
  const request = { model, input: 'just talk', tools: [weather] };
  const types = async (choice: OpenAI.Responses.ResponseCreateParamsNonStreaming['tool_choice']) => {
    const response = await openai.responses.create({ ...request, ...(choice ? { tool_choice: choice } : {}) });
    return response.output.map(item => item.type);
  };
  assert.deepEqual(await types('none'), ['message']);
  assert.deepEqual(await types('required'), ['function_call']);
  assert.deepEqual(await types({ type: 'function', name: 'get_weather' }), ['function_call']);
});

test('a JSON schema constrains the text, a limit makes the response incomplete', async () => {
  const schema = { type: 'object', required: ['colour'], properties: { colour: { enum: ['red', 'blue'] } } };
  const shaped = await openai.responses.create({
    model,
    input: 'tell me',
    text: { format: { type: 'json_schema', name: 'c', schema } },
  });
  assert.match(shaped.output_text, /^\{"colour":"(red|blue)"\}$/);
  const short = await openai.responses.create({ model, input: 'tell me', max_output_tokens: 3 });
  assert.deepEqual([short.status, short.incomplete_details?.reason], ['incomplete', 'max_output_tokens']);
});

test('images in the input are seen', async () => {
  const image_url = `data:image/png;base64,${Buffer.alloc(77, 1).toString('base64')}`;
  const response = await openai.responses.create({
    model: 'llava',
    input: [{ role: 'user', content: [{ type: 'input_image', image_url, detail: 'auto' }] }],
  });
  assert.equal(response.output_text, '1 image: 77 bytes');
});

test('a body compressed with zstd is read', async () => {
  const body = await promisify(zstdCompress)(JSON.stringify({ model, input: 'echo:small' }));
  const answer = await ask(cluster, '/v1/responses', body, { headers: { 'content-encoding': 'zstd' } });
  assert.equal(answer.status, 200);
  assert.match(answer.text, /"text":"small"/);
});

test('stored state is refused with the name of the field', async () => {
  const asked = openai.responses.create({ model, input: 'x', previous_response_id: 'resp_1' });
  await assert.rejects(asked, { status: 400, param: 'previous_response_id' });
});

test('a stream that fails after it began says so, and the client throws', async () => {
  await cluster.control.fault({ fault: 'error-line', path: '/api/chat', message: 'CUDA error: out of memory' });
  const stream = await openai.responses.create({ model, input: 'tell me', stream: true });
  await assert.rejects(Array.fromAsync(stream), /CUDA error: out of memory/);
  const { text } = await ask(cluster, '/v1/responses', { model, input: 'tell me', stream: true });
  const names = events(text).map(({ event }) => event);
  assert.deepEqual(names.slice(-2), ['response.failed', 'error']);
  assert.ok(!names.includes('response.completed'));
});

test('an abort of a streamed response reaches Ollama within a second', async () => {
  cluster.control.setOptions({ tokenMs: 50, tokens: 1000 });
  const leave = new AbortController();
  const stream = await openai.responses.create({ model, input: 'tell me', stream: true }, { signal: leave.signal });
  await stream[Symbol.asyncIterator]().next();
  leave.abort();
  await abortSeen(cluster.control, 0);
});

test('completions: whole, streamed and with a suffix', async () => {
  const whole = await openai.completions.create({ model, prompt: 'echo:hello' });
  assert.deepEqual(
    [whole.object, whole.choices[0]?.text, whole.choices[0]?.finish_reason],
    ['text_completion', 'hello', 'stop'],
  );
  let text = '';
  const stream = await openai.completions.create({
    model: 'codellama',
    prompt: 'echo:def f(',
    suffix: 'x',
    stream: true,
  });
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
  assert.equal(text, 'def f(');
});

test('embeddings: as numbers, as base64 (which the client asks for by itself), in order', async () => {
  const asked = { model: 'nomic-embed-text', input: ['one', 'two'] };
  const decoded = await openai.embeddings.create(asked);
  const plain = await openai.embeddings.create({ ...asked, encoding_format: 'float' });
  assert.deepEqual(
    decoded.data.map(row => row.index),
    [0, 1],
  );
  const rounded = plain.data.map(row => row.embedding.map(Math.fround));
  assert.deepEqual(
    decoded.data.map(row => [...row.embedding]),
    rounded,
  );
  const text = await ask(cluster, '/v1/embeddings', { ...asked, encoding_format: 'base64' });
  const [row] = json(text)['data'] as { embedding: string }[];
  assert.equal(Buffer.from(row?.embedding ?? '', 'base64').length, 16 * 4);
  assert.equal((await openai.embeddings.create({ ...asked, dimensions: 4 })).data[0]?.embedding.length, 4);
});

test('models: listed, and found by name, also with slashes in it', async () => {
  const ids = (await Array.fromAsync(await openai.models.list())).map(({ id }) => id);
  assert.ok(ids.includes('llama3.2:latest') && ids.includes('hf.co/bartowski/tiny:q4'));
  const plain = await ask(cluster, '/v1/models/hf.co/bartowski/tiny:q4');
  assert.equal(json(plain)['id'], 'hf.co/bartowski/tiny:q4');
  const found = await openai.models.retrieve('hf.co/bartowski/tiny:q4');
  assert.deepEqual([found.id, found.object, found.owned_by], ['hf.co/bartowski/tiny:q4', 'model', 'bartowski']);
  assert.ok(found.created > 1_700_000_000);
  await assert.rejects(openai.models.retrieve('nope'), { status: 404 });
});

test('models: an Ollama without any gives an empty list, not null', async () => {
  for (const name of (await Array.fromAsync(await openai.models.list())).map(({ id }) => id)) {
    cluster.control.removeModel(name);
  }
  assert.deepEqual(json(await ask(cluster, '/v1/models')), { object: 'list', data: [] });
});

test('a recording is transcribed by a model that hears', async () => {
  const file = await toFile(Buffer.alloc(1000, 3), 'speech.wav');
  const answer = await openai.audio.transcriptions.create({ file, model: 'llava', language: 'de', prompt: 'names' });
  assert.equal(answer.text, '1 image: 1000 bytes');
  const text = await openai.audio.transcriptions.create({ file, model: 'llava', response_format: 'text' });
  assert.equal(text, '1 image: 1000 bytes');
});

test('a form that is none, lacks its parts or is too large is refused in the dialect', async () => {
  const plain = await ask(cluster, '/v1/audio/transcriptions', { model });
  assert.equal(plain.status, 400);
  assert.match(plain.text, /multipart/);
  const headers = bearer(cluster.key);
  const form = new FormData();
  form.set('model', 'llava');
  const lacking = await checkedFetch(`${cluster.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form });
  assert.deepEqual(
    [lacking.status, ((await lacking.json()) as { error: { param: string } }).error.param],
    [400, 'file'],
  );
  form.set('file', new Blob([Buffer.alloc(26 * 1024 * 1024)]), 'long.wav');
  const large = await checkedFetch(`${cluster.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers,
    body: form,
  }).catch(() => undefined);
  // The refusal comes before the body has been read; some clients see only the closed connection.
  if (large !== undefined) assert.equal(large.status, 413);
});

test('the whole answer of a response is JSON with our request id', async () => {
  const response = await open(cluster, '/v1/responses', { model, input: 'echo:x' });
  const id = response.headers.get('x-request-id') ?? 'none';
  assert.equal(json({ status: 200, headers: response.headers, text: await response.text() })['id'], `resp_${id}`);
});

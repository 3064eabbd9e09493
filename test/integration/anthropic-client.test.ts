/** The npm client `@anthropic-ai/sdk`. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, ask, events, json, lastBody } from './wire.ts';

let cluster: TestCluster;
let anthropic: Anthropic;

before(async () => {
  cluster = await startCluster();
  anthropic = new Anthropic({ baseURL: cluster.url, apiKey: cluster.key, maxRetries: 0, fetch: checkedFetch });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const user = (content: string) => [{ role: 'user' as const, content }];
const basics = { model: 'llama3.2', max_tokens: 100 };
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'Weather of a city',
  input_schema: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
};

test('a message comes whole', async () => {
  const message = await anthropic.messages.create({ ...basics, messages: user('echo:hello'), system: 'Be short.' });
  assert.deepEqual([message.type, message.role, message.stop_reason], ['message', 'assistant', 'end_turn']);
  assert.deepEqual(message.content, [{ type: 'text', text: 'hello' }]);
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  assert.match(message.id, /^msg_/);
  assert.deepEqual(lastBody(cluster.control, '/api/chat')['messages'], [
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: 'echo:hello' },
  ]);
});

test('a message streams, and the client puts it together', async () => {
  const whole = await anthropic.messages.create({ ...basics, messages: user('tell me') });
  const types: string[] = [];
  const stream = await anthropic.messages.create({ ...basics, messages: user('tell me'), stream: true });
  for await (const event of stream) if (types.at(-1) !== event.type) types.push(event.type);
  assert.deepEqual(types, [
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
  const final = await anthropic.messages.stream({ ...basics, messages: user('tell me') }).finalMessage();
  assert.deepEqual(final.content, whole.content);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
});

test('parameters become native options; the limit of tokens is told', async () => {
  // The types of this version leave the sampling out; programs written for older ones still send it.
  const sampling = { temperature: 0.25, top_p: 0.5, top_k: 9 };
  const message = await anthropic.messages.create({
    ...basics,
    ...sampling,
    max_tokens: 4,
    stop_sequences: ['zzz'],
    messages: user('tell me'),
  });
  assert.deepEqual([message.stop_reason, message.usage.output_tokens], ['max_tokens', 4]);
  const options = { num_predict: 4, temperature: 0.25, top_p: 0.5, top_k: 9, stop: ['zzz'] };
  assert.deepEqual(lastBody(cluster.control, '/api/chat')['options'], options);
});

test('a tool is used and its result goes back, whole and streamed', async () => {
  const request = { ...basics, messages: user('use get_weather echo:done'), tools: [weather] };
  const message = await anthropic.messages.create(request);
  assert.equal(message.stop_reason, 'tool_use');
  const use = message.content.find(block => block.type === 'tool_use');
  assert.equal(use?.name, 'get_weather');
  const streamed = await anthropic.messages.stream(request).finalMessage();
  assert.deepEqual(streamed.content.find(block => block.type === 'tool_use')?.input, use.input);
  const second = await anthropic.messages.create({
    ...request,
    messages: [
      ...request.messages,
      { role: 'assistant', content: message.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: '11 °C' }] },
    ],
  });
  assert.equal(second.stop_reason, 'end_turn');
  const messages = lastBody(cluster.control, '/api/chat')['messages'] as Record<string, unknown>[];
  assert.deepEqual([messages.at(-1)?.['role'], messages.at(-1)?.['tool_name']], ['tool', 'get_weather']);
});

test('tool_choice none, any and tool hold', async () => {
  const request = { ...basics, messages: user('echo:just talk'), tools: [weather] };
  const reason = async (tool_choice: Anthropic.ToolChoice) =>
    (await anthropic.messages.create({ ...request, tool_choice })).stop_reason;
  assert.equal(await reason({ type: 'auto' }), 'end_turn');
  assert.equal(await reason({ type: 'none' }), 'end_turn');
  assert.equal(await reason({ type: 'any' }), 'tool_use');
  assert.equal(await reason({ type: 'tool', name: 'get_weather' }), 'tool_use');
});

test('images are seen', async () => {
  const source = {
    type: 'base64' as const,
    media_type: 'image/png' as const,
    data: Buffer.alloc(55, 1).toString('base64'),
  };
  const message = await anthropic.messages.create({
    ...basics,
    model: 'llava',
    messages: [{ role: 'user', content: [{ type: 'image', source }] }],
  });
  assert.deepEqual(message.content, [{ type: 'text', text: '1 image: 55 bytes' }]);
});

test('thinking is a block of its own, and a model that cannot think answers without', async () => {
  const thinking = { type: 'enabled' as const, budget_tokens: 1024 };
  const request = { max_tokens: 2000, thinking, messages: user('echo:done') };
  const deep = await anthropic.messages.create({ ...request, model: 'qwen3' });
  assert.deepEqual(
    deep.content.map(block => block.type),
    ['thinking', 'text'],
  );
  const streamed = await anthropic.messages.stream({ ...request, model: 'qwen3' }).finalMessage();
  assert.deepEqual(streamed.content, deep.content);
  const plain = await anthropic.messages.create({ ...request, model: 'llama3.2' });
  assert.deepEqual(plain.content, [{ type: 'text', text: 'done' }]);
});

test('tokens are counted, by estimate and without asking Ollama', async () => {
  const few = await anthropic.messages.countTokens({ model: 'llama3.2', messages: user('hello') });
  const many = await anthropic.messages.countTokens({ model: 'llama3.2', messages: user('hello '.repeat(100)) });
  assert.ok(few.input_tokens > 0 && many.input_tokens > few.input_tokens + 100);
  const answer = await ask(cluster, '/v1/messages/count_tokens', { model: 'x', messages: user('hi') });
  assert.equal(answer.headers.get('x-deci-estimate'), 'true');
});

test('ids are unique and the request id is where the client looks for it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => anthropic.messages.create({ ...basics, messages: user('echo:x') })),
  );
  assert.equal(new Set(answers.map(answer => answer.id)).size, 20);
  assert.ok(answers.every(answer => typeof answer._request_id === 'string'));
});

test('an abort reaches Ollama within a second', async () => {
  cluster.control.setOptions({ tokenMs: 50, tokens: 1000 });
  const stream = anthropic.messages.stream({ ...basics, max_tokens: 1000, messages: user('tell me') });
  await stream[Symbol.asyncIterator]().next();
  stream.abort();
  await abortSeen(cluster.control, 0);
  await assert.rejects(stream.done());
});

test('errors are those of Anthropic', async () => {
  const missing = anthropic.messages.create({ ...basics, model: 'nope', messages: user('hi') });
  await assert.rejects(missing, (error: unknown) => {
    assert.ok(error instanceof Anthropic.NotFoundError);
    assert.match(error.message, /model 'nope' not found/);
    assert.equal(error.type, 'not_found_error');
    assert.equal(typeof error.requestID, 'string');
    return true;
  });
  const answer = await ask(cluster, '/v1/messages', { ...basics, model: 'nope', messages: user('hi') });
  assert.deepEqual(json(answer), {
    type: 'error',
    error: { type: 'not_found_error', message: "model 'nope' not found" },
    request_id: answer.headers.get('x-request-id'),
  });
  await cluster.control.fault({ fault: 'busy-503' });
  const busy = anthropic.messages.create({ ...basics, messages: user('hi') });
  await assert.rejects(busy, { status: 503, type: 'overloaded_error' });
});

test('a stream that fails after it began says so, and the client throws', async () => {
  await cluster.control.fault({ fault: 'error-line', path: '/api/chat', message: 'CUDA error: out of memory' });
  const stream = await anthropic.messages.create({ ...basics, messages: user('tell me'), stream: true });
  await assert.rejects(Array.fromAsync(stream), /CUDA error: out of memory/);
  const { text } = await ask(cluster, '/v1/messages', { ...basics, messages: user('tell me'), stream: true });
  const last = events(text).at(-1);
  assert.equal(last?.event, 'error');
  assert.deepEqual((JSON.parse(last.data) as { error: unknown }).error, {
    type: 'api_error',
    message: 'CUDA error: out of memory',
  });
  assert.ok(!text.includes('message_stop'));
});

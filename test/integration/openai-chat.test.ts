/** The npm client `openai`: chat. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startCluster, type TestCluster } from '../support/start-cluster.ts';
import { abortSeen, ask, inferenceCount, lastBody } from './wire.ts';

let cluster: TestCluster;
let openai: OpenAI;

before(async () => {
  cluster = await startCluster();
  openai = new OpenAI({ baseURL: `${cluster.url}/v1`, apiKey: cluster.key, maxRetries: 0, fetch: checkedFetch });
});
after(() => cluster?.stop());
beforeEach(() => cluster.control.reset());

const model = 'llama3.2';
const user = (content: string) => [{ role: 'user' as const, content }];
const tool = (name: string, properties: Record<string, unknown> = { city: { type: 'string' } }) => ({
  type: 'function' as const,
  function: { name, parameters: { type: 'object', required: Object.keys(properties), properties } },
});

test('chat gives a whole answer', async () => {
  const answer = await openai.chat.completions.create({ model, messages: user('echo:hello') });
  assert.equal(answer.object, 'chat.completion');
  assert.deepEqual(
    answer.choices.map(({ index, finish_reason, message }) => [index, finish_reason, message.role, message.content]),
    [[0, 'stop', 'assistant', 'hello']],
  );
  assert.equal(answer.usage?.total_tokens, (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0));
});

test('chat streams, and its usage comes last when it is asked for', async () => {
  const whole = await openai.chat.completions.create({ model, messages: user('tell me') });
  const stream = await openai.chat.completions.create({
    model,
    messages: user('tell me'),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  assert.equal(chunks[0]?.choices[0]?.delta.role, 'assistant');
  assert.equal(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join(''), whole.choices[0]?.message.content);
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'stop');
  assert.deepEqual([chunks.at(-1)?.choices, chunks.at(-1)?.usage], [[], whole.usage]);
  assert.equal(new Set(chunks.map(chunk => chunk.id)).size, 1);
});

test('without include_usage no chunk has a usage, and the stream ends with [DONE]', async () => {
  const { text } = await ask(cluster, '/v1/chat/completions', { model, messages: user('hi'), stream: true });
  assert.ok(text.endsWith('data: [DONE]\n\n'));
  assert.ok(!text.includes('"usage"'));
});

test("the client's own stream helper puts an answer together", async () => {
  const stream = openai.chat.completions.stream({ model, messages: user('echo:put me together') });
  assert.equal((await stream.finalMessage()).content, 'put me together');
});

test('ids are unique over many requests', async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => openai.chat.completions.create({ model, messages: user('echo:x') })),
  );
  assert.equal(new Set(answers.map(answer => answer.id)).size, 40);
});

test('parameters become native options; max_completion_tokens counts', async () => {
  const answer = await openai.chat.completions.create({
    model,
    messages: user('tell me'),
    max_completion_tokens: 4,
    temperature: 0.25,
    top_p: 0.5,
    seed: 3,
    stop: 'zzz',
    frequency_penalty: 0.5,
    presence_penalty: -0.5,
  });
  assert.deepEqual([answer.choices[0]?.finish_reason, answer.usage?.completion_tokens], ['length', 4]);
  assert.deepEqual(lastBody(cluster.control, '/api/chat')['options'], {
    stop: ['zzz'],
    num_predict: 4,
    temperature: 0.25,
    seed: 3,
    frequency_penalty: 0.5,
    presence_penalty: -0.5,
    top_p: 0.5,
  });
});

test('n answers are different ones, whole and streamed', async () => {
  const request = { model, messages: user('tell me'), n: 3, seed: 1 };
  const whole = await openai.chat.completions.create(request);
  const texts = whole.choices.map(choice => choice.message.content ?? '');
  assert.deepEqual(
    whole.choices.map(choice => choice.index),
    [0, 1, 2],
  );
  assert.equal(new Set(texts).size, 3);
  assert.equal(whole.usage?.completion_tokens, 60);
  const streamed = ['', '', ''];
  const finished: number[] = [];
  const stream = await openai.chat.completions.create({ ...request, stream: true });
  for await (const { choices } of stream) {
    for (const { index, delta, finish_reason } of choices) {
      streamed[index] += delta.content ?? '';
      if (finish_reason !== null) finished.push(index);
    }
  }
  assert.deepEqual(streamed, texts);
  assert.deepEqual(finished.toSorted(), [0, 1, 2]);
});

test('tools: auto calls one with a JSON text as its arguments, whole and streamed', async () => {
  const request = {
    model,
    messages: user('use get_weather and get_time now'),
    tools: [tool('get_weather'), tool('get_time')],
  };
  const whole = await openai.chat.completions.create(request);
  assert.equal(whole.choices[0]?.finish_reason, 'tool_calls');
  const calls = (whole.choices[0]?.message.tool_calls ?? []).filter(call => call.type === 'function');
  assert.deepEqual(
    calls.map(call => call.function.name),
    ['get_weather', 'get_time'],
  );
  assert.equal(typeof JSON.parse(calls[0]?.function.arguments ?? '').city, 'string');
  const final = await openai.chat.completions.stream(request).finalMessage();
  assert.deepEqual(
    final.tool_calls?.map(call => (call.type === 'function' ? call.function : undefined)).map(call => call?.name),
    ['get_weather', 'get_time'],
  );
});

test('tools: a result goes back with the name of its tool', async () => {
  await openai.chat.completions.create({
    model,
    tools: [tool('get_weather')],
    messages: [
      ...user('use get_weather'),
      {
        role: 'assistant',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: '11 °C' },
    ],
  });
  const [, call, result] = lastBody(cluster.control, '/api/chat')['messages'] as Record<string, unknown>[];
  assert.deepEqual(call?.['tool_calls'], [
    { id: 'call_1', function: { name: 'get_weather', arguments: { city: 'Bern' } } },
  ]);
  assert.deepEqual([result?.['role'], result?.['content'], result?.['tool_name']], ['tool', '11 °C', 'get_weather']);
});

test('tool_choice none, required and named hold', async () => {
  const tools = [tool('get_weather'), tool('get_time', { zone: { type: 'string' } })];
  const request = { model, messages: user('use get_weather'), tools };
  const none = await openai.chat.completions.create({ ...request, tool_choice: 'none' });
  assert.equal(none.choices[0]?.message.tool_calls, undefined);
  const unwilling = { ...request, messages: user('just talk') };
  const required = await openai.chat.completions.create({ ...unwilling, tool_choice: 'required' });
  assert.equal(required.choices[0]?.finish_reason, 'tool_calls');
  assert.equal(required.choices[0]?.message.tool_calls?.length, 1);
  const named = { ...unwilling, tool_choice: { type: 'function' as const, function: { name: 'get_time' } } };
  for (const message of [
    (await openai.chat.completions.create(named)).choices[0]?.message,
    await openai.chat.completions.stream(named).finalMessage(),
  ]) {
    const [call] = (message?.tool_calls ?? []).filter(made => made.type === 'function');
    assert.equal(call?.function.name, 'get_time');
    assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ['zone']);
  }
});

test('response_format: json_schema and json_object', async () => {
  const schema = { type: 'object', required: ['colour'], properties: { colour: { enum: ['red', 'blue'] } } };
  const shaped = await openai.chat.completions.create({
    model,
    messages: user('tell me'),
    response_format: { type: 'json_schema', json_schema: { name: 'c', strict: true, schema } },
  });
  assert.match(shaped.choices[0]?.message.content ?? '', /^\{"colour":"(red|blue)"\}$/);
  const free = await openai.chat.completions.create({
    model,
    messages: user('tell me'),
    response_format: { type: 'json_object' },
  });
  assert.equal(typeof JSON.parse(free.choices[0]?.message.content ?? ''), 'object');
});

test('images as data URLs are seen; remote ones are refused', async () => {
  const look = (url: string) =>
    openai.chat.completions.create({
      model: 'llava',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what is this' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
  const data = `data:image/png;base64,${Buffer.alloc(99, 1).toString('base64')}`;
  assert.equal((await look(data)).choices[0]?.message.content, '1 image: 99 bytes');
  await assert.rejects(look('https://example.com/a.png'), {
    status: 400,
    message: /image URLs are not currently supported/,
  });
});

test('thinking is told as reasoning and steered by reasoning_effort', async () => {
  const request = { model: 'qwen3', messages: user('echo:done') };
  const whole = await openai.chat.completions.create({ ...request, reasoning_effort: 'high' });
  const message = whole.choices[0]?.message as { content: string; reasoning?: string };
  assert.equal(message.content, 'done');
  assert.ok((message.reasoning ?? '').length > 10);
  assert.equal(lastBody(cluster.control, '/api/chat')['think'], 'high');
  let reasoning = '';
  const stream = await openai.chat.completions.create({ ...request, reasoning_effort: 'high', stream: true });
  for await (const chunk of stream) {
    reasoning += (chunk.choices[0]?.delta as { reasoning?: string } | undefined)?.reasoning ?? '';
  }
  assert.equal(reasoning, message.reasoning);
  await openai.chat.completions.create({ ...request, reasoning_effort: 'none' });
  assert.equal(lastBody(cluster.control, '/api/chat')['think'], false);
});

test('logprobs are told in the form of OpenAI', async () => {
  const answer = await openai.chat.completions.create({
    model,
    messages: user('echo:one two'),
    logprobs: true,
    top_logprobs: 2,
  });
  const [first] = answer.choices[0]?.logprobs?.content ?? [];
  assert.equal(typeof first?.logprob, 'number');
  assert.equal(first?.top_logprobs.length, 2);
});

test('an abort reaches Ollama within a second: one answer, and all of n', async () => {
  cluster.control.setOptions({ tokenMs: 50, tokens: 1000, numParallel: 4 });
  const leave = new AbortController();
  const request = { model, messages: user('tell me'), stream: true as const };
  const stream = await openai.chat.completions.create(request, { signal: leave.signal });
  await stream[Symbol.asyncIterator]().next();
  leave.abort();
  await abortSeen(cluster.control, 0);

  const leaveAll = new AbortController();
  const three = openai.chat.completions.create(
    { model, messages: user('all of it'), n: 3 },
    { signal: leaveAll.signal },
  );
  await cluster.control.waitFor(state => state.active === 3);
  leaveAll.abort();
  await assert.rejects(three, { name: 'Error' });
  await abortSeen(cluster.control, 1, 3);
});

test('errors are those of OpenAI, and the client knows whether to try again', async () => {
  const missing = openai.chat.completions.create({ model: 'nope', messages: user('hi') });
  await assert.rejects(missing, (error: unknown) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /model 'nope' not found/);
    assert.equal(error.type, 'not_found_error');
    return true;
  });
  const empty = openai.chat.completions.create({ model, messages: [] });
  await assert.rejects(empty, { status: 400, type: 'invalid_request_error', param: 'messages' });
  await cluster.control.fault({ fault: 'busy-503' });
  const patient = new OpenAI({ baseURL: `${cluster.url}/v1`, apiKey: cluster.key, maxRetries: 0, fetch: checkedFetch });
  const busy = patient.chat.completions.create({ model, messages: user('asked of a busy server') });
  await assert.rejects(busy, { status: 503, message: /server busy, please try again\. {2}maximum pending/ });
  // Three attempts of ours, and none of the client's.
  assert.equal(inferenceCount(cluster.control), 4);
});

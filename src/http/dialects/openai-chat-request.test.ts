import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOpenAiChatRequest } from './openai-chat-request.ts';

const messages = [{ role: 'user', content: 'hi' }];

function native(body: object) {
  return parseOpenAiChatRequest({ model: 'm', messages, ...body }).request;
}

test('the smallest request becomes a native stream with the defaults of OpenAI', () => {
  const request = { model: 'm', messages, stream: true, options: { temperature: 1, top_p: 1 } };
  assert.deepEqual(parseOpenAiChatRequest({ model: 'm', messages }), {
    model: 'm',
    stream: false,
    includeUsage: false,
    n: 1,
    request,
    requests: [request],
    forced: undefined,
  });
});

test('null is absent for every field', () => {
  const names = [
    'stream',
    'stream_options',
    'n',
    'seed',
    'stop',
    'tools',
    'tool_choice',
    'reasoning',
    'reasoning_effort',
  ];
  const more = [
    'response_format',
    'logprobs',
    'top_logprobs',
    'max_tokens',
    'max_completion_tokens',
    'keep_alive',
    'options',
  ];
  const nulls = Object.fromEntries([...names, ...more].map(name => [name, null]));
  assert.deepEqual(
    parseOpenAiChatRequest({ model: 'm', messages, ...nulls }),
    parseOpenAiChatRequest({ model: 'm', messages }),
  );
});

test('max_completion_tokens wins over max_tokens', () => {
  assert.equal(native({ max_tokens: 5 }).options?.['num_predict'], 5);
  assert.equal(native({ max_tokens: 5, max_completion_tokens: 9 }).options?.['num_predict'], 9);
});

test('response_format becomes format', () => {
  assert.equal(native({ response_format: { type: 'json_object' } }).format, 'json');
  const schema = { type: 'object' };
  assert.deepEqual(native({ response_format: { type: 'json_schema', json_schema: { schema } } }).format, schema);
  assert.equal(native({ response_format: { type: 'text' } }).format, undefined);
  const wrong = { response_format: { type: 'json_schema', json_schema: { schema: 'x' } } };
  assert.throws(() => native(wrong), { status: 400, param: 'response_format.json_schema.schema' });
});

test('effort becomes think and the reasoning object decides over reasoning_effort', () => {
  assert.equal(native({ reasoning_effort: 'none' }).think, false);
  assert.equal(native({ reasoning_effort: 'xhigh' }).think, 'max');
  assert.equal(native({ reasoning_effort: 'low', reasoning: { effort: 'high' } }).think, 'high');
  assert.equal(native({ reasoning_effort: 'low', reasoning: {} }).think, undefined);
  assert.throws(() => native({ reasoning: { effort: 'huge' } }), { status: 400, param: 'reasoning.effort' });
});

test('logprobs, keep_alive and options are passed on', () => {
  const request = native({ logprobs: true, top_logprobs: 3, keep_alive: '1m', options: { num_ctx: 8192 } });
  assert.equal(request.logprobs, true);
  assert.equal(request.top_logprobs, 3);
  assert.equal(request.keep_alive, '1m');
  assert.equal(request.options?.['num_ctx'], 8192);
});

test('n makes one request per choice and different seeds', () => {
  const seeded = parseOpenAiChatRequest({ model: 'm', messages, n: 3, seed: 10 });
  const seeds = seeded.requests.map(request => request.options?.['seed']);
  assert.deepEqual(seeds, [10, 11, 12]);
  const unseeded = parseOpenAiChatRequest({ model: 'm', messages, n: 2 });
  assert.deepEqual(unseeded.requests, [unseeded.request, unseeded.request]);
  for (const n of [0, 17, 1.5, '2']) {
    assert.throws(() => parseOpenAiChatRequest({ model: 'm', messages, n }), { status: 400, param: 'n' });
  }
});

test('tool_choice decides over tools and format', () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', required: ['a'] } } }];
  const none = parseOpenAiChatRequest({ model: 'm', messages, tools, tool_choice: 'none' });
  assert.equal(none.request.tools, undefined);
  const body = { model: 'm', messages, tools, tool_choice: 'required', n: 2, response_format: { type: 'json_object' } };
  const forced = parseOpenAiChatRequest(body);
  assert.deepEqual(forced.forced, { shape: 'arguments', names: ['f'] });
  const formats = forced.requests.map(request => request.format);
  assert.deepEqual(formats, [tools[0]?.function.parameters, tools[0]?.function.parameters]);
  assert.throws(() => parseOpenAiChatRequest({ model: 'm', messages, tool_choice: 'required' }), {
    param: 'tool_choice',
  });
});

test('fields without effect are accepted in any form', () => {
  const ignored = { parallel_tool_calls: 'x', user: 1, metadata: [], logit_bias: 'y', service_tier: 2, store: true };
  assert.deepEqual(native(ignored), native({}));
});

test('a request without a model or that is no object is refused', () => {
  assert.throws(() => parseOpenAiChatRequest({ messages }), {
    status: 400,
    message: 'model is required',
    param: 'model',
  });
  assert.throws(() => parseOpenAiChatRequest([]), { status: 400 });
});

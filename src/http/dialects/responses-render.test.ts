import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { APIError } from 'openai';
import type { CollectedAnswer, DeltaEvent, EndEvent } from '../../gateway/generation.ts';
import { emptyUsage } from '../../gateway/generation.ts';
import { DeciError } from '../../kernel/errors.ts';
import type { ResponsesAnswerOptions } from './responses-object.ts';
import { ResponsesRenderer, renderResponse } from './responses-render.ts';

const usage = { ...emptyUsage, promptTokens: 11, outputTokens: 7 };
const weatherCall = { id: 'call_w', function: { index: 0, name: 'weather', arguments: { city: 'Ulm' } } };
const options: ResponsesAnswerOptions = {
  id: 'resp_1',
  model: 'm',
  createdAtMs: 1_700_000_000_000,
  now: () => 1_700_000_005_000,
  echo: { instructions: null, tools: [], tool_choice: 'auto', metadata: {} },
};

interface WireEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly response?: {
    readonly status: string;
    readonly output: { readonly type: string }[];
    readonly error: unknown;
  };
  readonly [member: string]: unknown;
}

function delta(part: Partial<DeltaEvent>): DeltaEvent {
  return { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [], ...part };
}

function end(reason = 'stop'): EndEvent {
  return { type: 'end', reason, usage };
}

function answerOf(part: Partial<CollectedAnswer>): CollectedAnswer {
  return { text: '', thinking: '', toolCalls: [], logprobs: [], reason: 'stop', usage, ...part };
}

function parse(bytes: string): WireEvent[] {
  return bytes
    .split('\n\n')
    .filter(block => block.startsWith('event: '))
    .map(block => {
      const [first = '', second = ''] = block.split('\n');
      const data: WireEvent = JSON.parse(second.slice('data: '.length));
      assert.equal(first, `event: ${data.type}`);
      return data;
    });
}

/** What the official client makes of the bytes. */
function clientFor(bytes: string): OpenAI {
  return new OpenAI({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => new Response(bytes, { headers: { 'content-type': 'text/event-stream' } }),
  });
}

test('a plain answer has the events of the Responses API in their order, numbered', () => {
  const renderer = new ResponsesRenderer(options);
  const bytes = renderer.render([delta({ text: 'Hel' })]) + renderer.render([delta({ text: 'lo' }), end()]);
  const events = parse(bytes);
  assert.deepEqual(
    events.map(item => item.type),
    [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ],
  );
  assert.deepEqual(
    events.map(item => item.sequence_number),
    events.map((_, index) => index),
  );
  assert.deepEqual(events[5], {
    type: 'response.output_text.delta',
    item_id: 'msg_1_0',
    output_index: 0,
    content_index: 0,
    logprobs: [],
    delta: 'lo',
    sequence_number: 5,
  });
  assert.equal(events[6]?.['text'], 'Hello');
});

test('the streamed response equals the one that is sent whole', () => {
  const toolCalls = [weatherCall, { function: { name: 'time', arguments: {} } }];
  const streamed = parse(
    new ResponsesRenderer(options).render([
      delta({ thinking: 'h' }),
      delta({ thinking: 'm', text: 'a' }),
      delta({ text: 'b' }),
      delta({ toolCalls }),
      end(),
    ]),
  ).at(-1)?.response;
  const whole = renderResponse(options, answerOf({ thinking: 'hm', text: 'ab', toolCalls }));
  assert.deepEqual(streamed, whole);
  assert.deepEqual(
    streamed?.output.map(item => item.type),
    ['reasoning', 'message', 'function_call', 'function_call'],
  );
});

test('the official client adds reasoning, text and calls up without complaint', async () => {
  const bytes = new ResponsesRenderer(options).render([
    delta({ thinking: 'hm' }),
    delta({ text: 'A "quote"\n\u2028 ☃' }),
    delta({ toolCalls: [weatherCall] }),
    delta({ text: 'after' }),
    end(),
  ]);
  const response = await clientFor(bytes).responses.stream({ model: 'm', input: 'hi' }).finalResponse();
  assert.equal(response.output_text, 'A "quote"\n\u2028 ☃after');
  const call = response.output.find(item => item.type === 'function_call');
  assert.equal(call?.type === 'function_call' ? call.arguments : '', '{"city":"Ulm"}');
  assert.equal(response.usage?.total_tokens, 18);
});

test('an answer that ran into the token limit is incomplete, streamed and whole', async () => {
  const bytes = new ResponsesRenderer(options).render([delta({ text: 'a' }), end('length')]);
  const last = parse(bytes).at(-1);
  assert.equal(last?.type, 'response.incomplete');
  assert.deepEqual(last?.response, renderResponse(options, answerOf({ text: 'a', reason: 'length' })));
  const response = await clientFor(bytes).responses.stream({ model: 'm', input: 'hi' }).finalResponse();
  assert.equal(response.status, 'incomplete');
  assert.deepEqual(response.incomplete_details, { reason: 'max_output_tokens' });
});

test('an answer without anything in it is an empty message', () => {
  const last = parse(new ResponsesRenderer(options).render([end()])).at(-1);
  assert.deepEqual(last?.response, renderResponse(options, answerOf({})));
  assert.equal(last?.response?.output.length, 1);
});

test('a failure closes with response.failed and an error event, which the official client throws', async () => {
  const renderer = new ResponsesRenderer(options);
  const bytes = renderer.render([delta({ text: 'a' })]) + renderer.fail(new DeciError('stall_timeout'), 'req_7');
  const [failed, error] = parse(bytes).slice(-2);
  assert.equal(failed?.type, 'response.failed');
  assert.equal(failed?.response?.status, 'failed');
  assert.deepEqual(failed?.response?.error, {
    code: 'server_error',
    message: new DeciError('stall_timeout').message,
  });
  assert.equal(error?.type, 'error');
  assert.equal(error?.['code'], 'stall_timeout');
  assert.equal(error?.['request_id'], 'req_7');
  assert.doesNotMatch(bytes, /event: response\.(completed|incomplete)/);
  await assert.rejects(
    clientFor(bytes).responses.stream({ model: 'm', input: 'hi' }).finalResponse(),
    (thrown: unknown) => thrown instanceof APIError && thrown.code === 'stall_timeout',
  );
});

test('a failure before the first event still begins with response.created', () => {
  const events = parse(new ResponsesRenderer(options).fail(new DeciError('internal'), 'req_8'));
  assert.deepEqual(
    events.map(item => item.type),
    ['response.created', 'response.in_progress', 'response.failed', 'error'],
  );
});

test('a heartbeat is a comment that the official client does not see', async () => {
  const renderer = new ResponsesRenderer(options);
  const bytes = renderer.heartbeat() + renderer.render([delta({ text: 'a' })]) + renderer.heartbeat();
  const rest = renderer.render([end()]);
  const response = await clientFor(bytes + rest)
    .responses.stream({ model: 'm', input: 'hi' })
    .finalResponse();
  assert.equal(response.output_text, 'a');
});

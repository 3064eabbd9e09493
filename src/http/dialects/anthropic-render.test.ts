import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import type { CollectedAnswer, DeltaEvent, EndEvent, GenerationEvent } from '../../gateway/generation.ts';
import { emptyUsage } from '../../gateway/generation.ts';
import { DeciError } from '../../kernel/errors.ts';
import { AnthropicRenderer, renderAnthropicMessage } from './anthropic-render.ts';

const usage = { ...emptyUsage, promptTokens: 11, outputTokens: 7 };
const weatherCall = { id: 'call_1', function: { index: 0, name: 'weather', arguments: { city: 'Ulm' } } };

function delta(part: Partial<DeltaEvent>): DeltaEvent {
  return { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [], ...part };
}

function end(reason = 'stop'): EndEvent {
  return { type: 'end', reason, usage };
}

function newRenderer(): AnthropicRenderer {
  return new AnthropicRenderer({ id: 'msg_1', model: 'm', estimatedInputTokens: 9 });
}

function parse(bytes: string): { event: string; data: Record<string, unknown> }[] {
  return bytes
    .split('\n\n')
    .filter(block => block.startsWith('event: '))
    .map(block => {
      const [first = '', second = ''] = block.split('\n');
      return { event: first.slice('event: '.length), data: JSON.parse(second.slice('data: '.length)) };
    });
}

/** What the official client makes of the bytes. */
function clientFor(bytes: string): Anthropic {
  return new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => new Response(bytes, { headers: { 'content-type': 'text/event-stream' } }),
  });
}

const params = { model: 'm', max_tokens: 10, messages: [{ role: 'user' as const, content: 'hi' }] };

test('a plain answer is one text block between message_start and message_stop', () => {
  const renderer = newRenderer();
  const bytes = renderer.render([delta({ text: 'Hel' })]) + renderer.render([delta({ text: 'lo' }), end()]);
  const events = parse(bytes);
  assert.deepEqual(
    events.map(item => item.event),
    [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ],
  );
  for (const item of events) {
    assert.equal(item.data['type'], item.event);
  }
  assert.deepEqual(events[3]?.data, {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'lo' },
  });
  assert.deepEqual(events[5]?.data, {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { input_tokens: 11, output_tokens: 7 },
  });
});

test('the first call opens the message even without an event', () => {
  const renderer = newRenderer();
  const events = parse(renderer.render([]));
  assert.deepEqual(
    events.map(item => item.event),
    ['message_start'],
  );
  assert.deepEqual((events[0]!.data['message'] as { usage: unknown }).usage, { input_tokens: 9, output_tokens: 0 });
  assert.equal(renderer.render([]), '');
});

test('the official client adds thinking, text and tool calls up to the message that is sent whole', async () => {
  const renderer = newRenderer();
  const bytes = renderer.render([
    delta({ thinking: 'hm' }),
    delta({ thinking: 'm', text: 'A "quote"\n' }),
    delta({ text: '\u2028 ☃' }),
    delta({ toolCalls: [weatherCall, { function: { name: 'time', arguments: {} } }] }),
    end(),
  ]);
  const message = await clientFor(bytes).messages.stream(params).finalMessage();
  const answer: CollectedAnswer = {
    text: 'A "quote"\n\u2028 ☃',
    thinking: 'hmm',
    toolCalls: [weatherCall, { function: { name: 'time', arguments: {} } }],
    logprobs: [],
    reason: 'stop',
    usage,
  };
  const whole = renderAnthropicMessage({ id: 'msg_1', model: 'm' }, answer) as Record<string, unknown>;
  const streamed: Record<string, unknown> = JSON.parse(JSON.stringify(message));
  assert.deepEqual(streamed['content'], whole['content']);
  assert.deepEqual(streamed['usage'], whole['usage']);
  assert.equal(streamed['stop_reason'], 'tool_use');
  assert.equal(whole['stop_reason'], 'tool_use');
});

test('calls without an id get ids that differ', () => {
  const call = { function: { name: 'time', arguments: {} } };
  const events = parse(newRenderer().render([delta({ toolCalls: [call] }), delta({ toolCalls: [call] }), end()]));
  const ids = events
    .filter(item => item.event === 'content_block_start')
    .map(item => (item.data['content_block'] as { id: string }).id);
  assert.deepEqual(ids, ['toolu_msg_1_0', 'toolu_msg_1_1']);
});

test('thinking after text opens a new block', () => {
  const events = parse(newRenderer().render([delta({ text: 'a' }), delta({ thinking: 'b' }), end()]));
  const starts = events.filter(item => item.event === 'content_block_start').map(item => item.data['index']);
  const stops = events.filter(item => item.event === 'content_block_stop').map(item => item.data['index']);
  assert.deepEqual(
    [starts, stops],
    [
      [0, 1],
      [0, 1],
    ],
  );
});

test('an answer that ran into the token limit says max_tokens', () => {
  const whole = renderAnthropicMessage(
    { id: 'msg_1', model: 'm' },
    { text: 'a', thinking: '', toolCalls: [], logprobs: [], reason: 'length', usage },
  );
  assert.equal((whole as { stop_reason: string }).stop_reason, 'max_tokens');
  const events: GenerationEvent[] = [delta({ text: 'a' }), end('length')];
  assert.match(newRenderer().render(events), /"stop_reason":"max_tokens"/);
});

test('a heartbeat is a comment before the message and a ping in it, and no client sees either', async () => {
  const renderer = newRenderer();
  const early = renderer.heartbeat();
  const first = renderer.render([delta({ text: 'a' })]);
  const late = renderer.heartbeat();
  assert.equal(early, ': ping\n\n');
  assert.equal(late, 'event: ping\ndata: {"type":"ping"}\n\n');
  const bytes = early + first + late + renderer.render([delta({ text: 'b' }), end()]);
  assert.equal(await clientFor(bytes).messages.stream(params).finalText(), 'ab');
});

test('a failure in the middle reaches the official client as an error and is no end', async () => {
  const renderer = newRenderer();
  const bytes = renderer.render([delta({ text: 'a' })]) + renderer.fail(new DeciError('draining'), 'req_7');
  assert.doesNotMatch(bytes, /message_stop/);
  await assert.rejects(clientFor(bytes).messages.stream(params).finalMessage(), (error: unknown) => {
    assert.ok(error instanceof APIError);
    assert.deepEqual(error.error, {
      type: 'error',
      error: { type: 'overloaded_error', message: new DeciError('draining').message },
      request_id: 'req_7',
    });
    return true;
  });
});

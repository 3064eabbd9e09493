import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CollectedAnswer, type DeltaEvent, type EndEvent, emptyUsage } from '../../gateway/generation.ts';
import { DeciError } from '../../kernel/errors.ts';
import { OpenAiChatRenderer, renderOpenAiChat } from './openai-chat-render.ts';

const options = { id: 'chatcmpl-1', model: 'm', createdSeconds: 7 };
const usage = { ...emptyUsage, promptTokens: 4, outputTokens: 2 };
const end: EndEvent = { type: 'end', reason: 'stop', usage };
const head =
  '"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","system_fingerprint":"fp_ollama"';

function delta(part: Partial<DeltaEvent>): DeltaEvent {
  return { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [], ...part };
}

function renderer(more: { includeUsage?: boolean; choices?: number } = {}): OpenAiChatRenderer {
  return new OpenAiChatRenderer({ ...options, includeUsage: false, choices: 1, ...more });
}

/** The chunks without the members that are the same in all of them. */
function choicesOf(bytes: string): unknown[] {
  return bytes
    .split('\n\n')
    .filter(line => line.startsWith('data: {'))
    .flatMap(line => (JSON.parse(line.slice(6)) as { choices: unknown[] }).choices);
}

function choice(members: object, finish: string | null = null): object {
  return { index: 0, delta: members, finish_reason: finish };
}

test('a text answer is a role chunk, text chunks, a finish chunk and the end', () => {
  const bytes = renderer().render([delta({ text: 'Hi' }), delta({ text: ' "you"\n' }), end]);
  assert.equal(
    bytes,
    `data: {${head},"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n` +
      `data: {${head},"choices":[{"index":0,"delta":{"content":" \\"you\\"\\n"},"finish_reason":null}]}\n\n` +
      `data: {${head},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n` +
      'data: [DONE]\n\n',
  );
});

test('usage comes in a chunk without choices before the end', () => {
  const bytes = renderer({ includeUsage: true }).render([delta({ text: 'x' }), end]);
  const tail = `data: {${head},"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}\n\ndata: [DONE]\n\n`;
  assert.ok(bytes.endsWith(tail));
});

test('an answer without any text still opens with a role chunk', () => {
  const bytes = renderer().render([end]);
  assert.deepEqual(choicesOf(bytes), [choice({ role: 'assistant', content: '' }), choice({}, 'stop')]);
});

test('thinking goes into reasoning and is split from text that comes with it', () => {
  const bytes = renderer().render([
    delta({ thinking: 'a' }),
    delta({ thinking: 'b', text: 'c' }),
    delta({ thinking: 'd' }),
  ]);
  assert.deepEqual(choicesOf(bytes), [
    choice({ role: 'assistant', content: '', reasoning: 'a' }),
    choice({ reasoning: 'b' }),
    choice({ content: 'c' }),
    choice({ content: '', reasoning: 'd' }),
  ]);
});

test('the first chunk of a split has the role and no content', () => {
  const bytes = renderer().render([delta({ thinking: 'b', text: 'c' })]);
  assert.deepEqual(choicesOf(bytes), [choice({ role: 'assistant', reasoning: 'b' }), choice({ content: 'c' })]);
});

test('tool calls are numbered over the whole answer and end it with tool_calls', () => {
  const call = (name: string, id?: string) => ({
    ...(id === undefined ? {} : { id }),
    function: { index: 0, name, arguments: { a: 1 } },
  });
  const bytes = renderer().render([delta({ toolCalls: [call('f', 'c1')] }), delta({ toolCalls: [call('g')] }), end]);
  const rendered = (name: string, id: string, index: number) => ({
    id,
    index,
    type: 'function',
    function: { name, arguments: '{"a":1}' },
  });
  assert.deepEqual(choicesOf(bytes), [
    choice({ role: 'assistant', content: '', tool_calls: [rendered('f', 'c1', 0)] }),
    choice({ content: '', tool_calls: [rendered('g', 'call_chatcmpl-1_1', 1)] }),
    choice({}, 'tool_calls'),
  ]);
});

test('an answer cut by the limit says length even after a tool call', () => {
  const toolCalls = [{ id: 'c', function: { name: 'f', arguments: {} } }];
  const bytes = renderer().render([delta({ toolCalls }), { ...end, reason: 'length' }]);
  assert.deepEqual(choicesOf(bytes).at(-1), choice({}, 'length'));
});

test('logprobs stand beside the delta', () => {
  const logprobs = [{ token: 'x', logprob: -0.5, bytes: [120] }];
  const bytes = renderer().render([delta({ text: 'x', logprobs }), delta({ text: 'x', logprobs })]);
  const withLogprobs = (members: object) => ({ ...choice(members), logprobs: { content: logprobs } });
  assert.deepEqual(choicesOf(bytes), [
    withLogprobs({ role: 'assistant', content: 'x' }),
    withLogprobs({ content: 'x' }),
  ]);
});

test('a delta without anything in it writes nothing once the answer is open', () => {
  const stream = renderer();
  stream.render([delta({ text: 'x' })]);
  assert.equal(stream.render([delta({})]), '');
});

test('interleaved answers keep their index and end together', () => {
  const stream = renderer({ choices: 2, includeUsage: true });
  assert.deepEqual(choicesOf(stream.renderChoice(1, [delta({ text: 'b' }), end])), [
    { index: 1, delta: { role: 'assistant', content: 'b' }, finish_reason: null },
    { index: 1, delta: {}, finish_reason: 'stop' },
  ]);
  const last = stream.renderChoice(0, [delta({ text: 'a' }), end]);
  assert.deepEqual(choicesOf(last), [choice({ role: 'assistant', content: 'a' }), choice({}, 'stop')]);
  assert.match(last, /"completion_tokens":4.*\n\ndata: \[DONE\]\n\n$/);
  assert.throws(() => stream.renderChoice(2, []), RangeError);
});

test('a failure is an error event without an end', () => {
  const stream = renderer();
  stream.render([delta({ text: 'x' })]);
  const bytes = stream.fail(new DeciError('upstream_truncated'), 'r1');
  assert.match(bytes, /^data: \{"error":\{.*"code":"upstream_truncated","request_id":"r1"\}\}\n\n$/);
  assert.equal(stream.heartbeat(), ': ping\n\n');
  assert.equal(stream.contentType, 'text/event-stream');
});

test('whole answers are the choices of one completion', () => {
  const answer: CollectedAnswer = { text: 'hi', thinking: '', toolCalls: [], logprobs: [], reason: 'stop', usage };
  const toolCalls = [{ function: { name: 'f', arguments: { a: 1 } } }];
  const logprobs = [{ token: 'x', logprob: -1 }];
  const second: CollectedAnswer = { ...answer, text: '', thinking: 't', toolCalls, logprobs };
  assert.deepEqual(renderOpenAiChat(options, [answer, second]), {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 7,
    model: 'm',
    system_fingerprint: 'fp_ollama',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' },
      {
        index: 1,
        message: {
          role: 'assistant',
          content: '',
          reasoning: 't',
          tool_calls: [
            { id: 'call_chatcmpl-1_1_0', index: 0, type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
          ],
        },
        finish_reason: 'tool_calls',
        logprobs: { content: logprobs },
      },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 },
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLines } from './decode-lines.ts';
import { emptyUsage } from './generation.ts';

const decode = (...lines: object[]) =>
  decodeLines(Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join('')));
const nothing = { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [] };

test('text of chat and of generate becomes the same event', () => {
  assert.deepEqual(decode({ message: { role: 'assistant', content: 'hi' }, done: false }), [
    { ...nothing, text: 'hi' },
  ]);
  assert.deepEqual(decode({ response: 'hi', done: false }), [{ ...nothing, text: 'hi' }]);
});

test('one line may hold thinking, text, tool calls and logprobs at once', () => {
  const toolCalls = [{ id: 'a', function: { index: 0, name: 'f', arguments: { x: 1 } } }];
  const logprobs = [{ token: 'hi', logprob: -0.5, bytes: [104, 105], top_logprobs: [{ token: 'ho', logprob: -1 }] }];
  assert.deepEqual(
    decode({ message: { content: 'hi', thinking: 'hm', tool_calls: toolCalls }, logprobs, done: false }),
    [{ type: 'delta', text: 'hi', thinking: 'hm', toolCalls, logprobs }],
  );
  assert.deepEqual(decode({ response: '', thinking: 'hm', tool_calls: toolCalls, logprobs, done: false }), [
    { type: 'delta', text: '', thinking: 'hm', toolCalls, logprobs },
  ]);
});

test('the last line becomes the end, with its reason and its counts', () => {
  const line = {
    message: { content: '' },
    done: true,
    done_reason: 'length',
    total_duration: 1,
    load_duration: 2,
    prompt_eval_count: 3,
    prompt_eval_duration: 4,
    eval_count: 5,
    eval_duration: 6,
  };
  const usage = { promptTokens: 3, outputTokens: 5, totalNs: 1, loadNs: 2, promptNs: 4, outputNs: 6 };
  assert.deepEqual(decode(line), [{ type: 'end', reason: 'length', usage }]);
});

test('counts that were left out are zero, and a reason that was left out is `stop`', () => {
  assert.deepEqual(decode({ done: true }), [{ type: 'end', reason: 'stop', usage: emptyUsage }]);
});

test('text on the last line comes before the end', () => {
  assert.deepEqual(
    decode({ message: { content: 'bye' }, done: true }).map(event => event.type),
    ['delta', 'end'],
  );
});

test('a line that says nothing is no event', () => {
  assert.deepEqual(
    decode({ message: { role: 'assistant', content: '' }, done: false }, { response: '', done: false }),
    [],
  );
});

test('several lines of one block keep their order', () => {
  const texts = decode({ response: 'a', done: false }, { response: 'b', done: false }, { response: 'c', done: true });
  assert.deepEqual(
    texts.map(event => (event.type === 'delta' ? event.text : event.type)),
    ['a', 'b', 'c', 'end'],
  );
});

test('line ends inside a text, and a CR behind a line, change nothing', () => {
  assert.deepEqual(decodeLines(Buffer.from('{"response":"a\\nb","done":false}\r\n')), [{ ...nothing, text: 'a\nb' }]);
});

test('an empty block has no events', () => {
  assert.deepEqual(decodeLines(Buffer.alloc(0)), []);
});

test('a line that is not JSON is `upstream_invalid`', () => {
  assert.throws(() => decodeLines(Buffer.from('{"done":false\n')), { code: 'upstream_invalid' });
});

test('members that are null count as absent', () => {
  const line = { message: { content: null, thinking: null, tool_calls: null }, logprobs: null, done: false };
  assert.deepEqual(decode(line), []);
});

test('members of another type than Ollama writes are `upstream_invalid`', () => {
  const call = { name: 'f', arguments: {} };
  for (const line of [
    '5',
    'null',
    '[]',
    '{"message":"hi","done":false}',
    '{"message":{"content":5},"done":false}',
    '{"message":{"content":["a"]},"done":false}',
    '{"message":{"content":"","thinking":{}},"done":false}',
    '{"response":{"a":1},"done":false}',
    '{"response":"","thinking":1,"done":false}',
    '{"message":{"tool_calls":{}},"done":false}',
    '{"message":{"tool_calls":[null]},"done":false}',
    '{"message":{"tool_calls":[{}]},"done":false}',
    JSON.stringify({ tool_calls: [{ function: { ...call, name: 1 } }] }),
    JSON.stringify({ tool_calls: [{ function: { ...call, arguments: '{}' } }] }),
    JSON.stringify({ tool_calls: [{ function: { ...call, arguments: null } }] }),
    JSON.stringify({ tool_calls: [{ function: { ...call, index: '0' } }] }),
    JSON.stringify({ tool_calls: [{ id: 7, function: call }] }),
    '{"response":"a","logprobs":"x","done":false}',
    '{"response":"a","logprobs":[null],"done":false}',
    '{"response":"a","logprobs":[{"token":1,"logprob":-1}],"done":false}',
    '{"response":"a","logprobs":[{"token":"a","logprob":"-1"}],"done":false}',
    '{"response":"a","logprobs":[{"token":"a","logprob":-1e999}],"done":false}',
    '{"response":"a","logprobs":[{"token":"a","logprob":-1,"top_logprobs":[1]}],"done":false}',
    '{"response":"","done":true,"done_reason":1}',
    '{"response":"","done":true,"eval_count":"5"}',
    '{"response":"","done":true,"prompt_eval_count":1e999}',
    '{"response":"","done":true,"total_duration":[]}',
  ]) {
    assert.throws(() => decodeLines(Buffer.from(`${line}\n`)), { name: 'DeciError', code: 'upstream_invalid' }, line);
  }
});

test('null inside calls, logprobs and the last line counts as absent', () => {
  const call = { id: null, function: { index: null, name: 'f', arguments: {} } };
  const [said] = decode({
    response: '',
    tool_calls: [call],
    logprobs: [{ token: 'a', logprob: 0, top_logprobs: null }],
  });
  assert.deepEqual(said, { ...nothing, toolCalls: [call], logprobs: [{ token: 'a', logprob: 0 }] });
  assert.deepEqual(decode({ message: null, done: true, done_reason: null, eval_count: null }), [
    { type: 'end', reason: 'stop', usage: emptyUsage },
  ]);
});

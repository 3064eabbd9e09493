import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOpenAiMessages } from './openai-messages.ts';

const png = 'data:image/png;base64,AAAA';

function call(id: string, name: string): object {
  return { id, type: 'function', function: { name, arguments: '{}' } };
}

test('plain messages keep role, content and reasoning', () => {
  const messages = [
    { role: 'system', content: 'be kind' },
    { role: 'assistant', content: 'hi', reasoning: 'greet', name: null, tool_calls: null },
  ];
  assert.deepEqual(readOpenAiMessages({ messages }), [
    { role: 'system', content: 'be kind' },
    { role: 'assistant', content: 'hi', thinking: 'greet' },
  ]);
});

test('no messages are refused in the words of Ollama', () => {
  for (const messages of [[], null, undefined]) {
    assert.throws(() => readOpenAiMessages({ messages }), {
      status: 400,
      param: 'messages',
      message: "[] is too short - 'messages'",
    });
  }
});

test('every content part becomes a message of its own', () => {
  const content = [
    { type: 'text', text: 'what is this' },
    { type: 'image_url', image_url: { url: png } },
    { type: 'image_url', image_url: png },
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
  ];
  assert.deepEqual(readOpenAiMessages({ messages: [{ role: 'user', content }] }), [
    { role: 'user', content: 'what is this' },
    { role: 'user', content: '', images: ['AAAA'] },
    { role: 'user', content: '', images: ['AAAA'] },
    { role: 'user', content: '', images: ['AAAA'] },
  ]);
});

test('parts that cannot be read are refused with their place', () => {
  const refusal = (part: unknown, message: string) => {
    const messages = [{ role: 'user', content: [part] }];
    assert.throws(() => readOpenAiMessages({ messages }), { status: 400, message, param: 'messages[0].content[0]' });
  };
  refusal('text', 'invalid message format');
  refusal({ type: 'text' }, 'invalid message format');
  refusal({ type: 'video' }, 'invalid message format');
  refusal({ type: 'image_url', image_url: {} }, 'invalid message format');
  refusal({ type: 'image_url', image_url: 'data:text/plain;base64,AAAA' }, 'invalid image input');
  refusal({ type: 'input_audio' }, 'invalid input_audio format');
  refusal({ type: 'input_audio', input_audio: {} }, 'invalid input_audio format: missing data');
  refusal({ type: 'input_audio', input_audio: { data: '%' } }, 'invalid input_audio base64 data');
});

test('a tool message finds the name of its tool through the id of the call', () => {
  const messages = [
    { role: 'assistant', content: null, tool_calls: [call('c1', 'old')] },
    { role: 'assistant', content: null, tool_calls: [call('c1', 'weather'), call('c1', 'second')] },
    { role: 'tool', content: 'sunny', tool_call_id: 'c1' },
    { role: 'tool', content: [{ type: 'text', text: 'rain' }], tool_call_id: 'c1' },
    { role: 'tool', content: 'x', tool_call_id: 'c1', name: 'given' },
    { role: 'tool', content: 'y', tool_call_id: 'unknown' },
  ];
  assert.deepEqual(readOpenAiMessages({ messages }).slice(2), [
    { role: 'tool', content: 'sunny', tool_name: 'weather', tool_call_id: 'c1' },
    { role: 'tool', content: 'rain', tool_name: 'weather', tool_call_id: 'c1' },
    { role: 'tool', content: 'x', tool_name: 'given', tool_call_id: 'c1' },
    { role: 'tool', content: 'y', tool_call_id: 'unknown' },
  ]);
});

test('calls and reasoning stay with the last part of their message', () => {
  const content = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ];
  const messages = [{ role: 'assistant', content, reasoning: 'r', tool_calls: [call('c', 'f')] }];
  const calls = [{ id: 'c', function: { name: 'f', arguments: {} } }];
  assert.deepEqual(readOpenAiMessages({ messages }), [
    { role: 'assistant', content: 'a' },
    { role: 'assistant', content: 'b', thinking: 'r', tool_calls: calls },
  ]);
});

test('calls beside an empty list of parts are not lost', () => {
  const messages = [{ role: 'assistant', content: [], tool_calls: [call('c', 'f')] }];
  const calls = [{ id: 'c', function: { name: 'f', arguments: {} } }];
  assert.deepEqual(readOpenAiMessages({ messages }), [{ role: 'assistant', content: '', tool_calls: calls }]);
});

test('content may be missing only beside tool calls', () => {
  assert.deepEqual(readOpenAiMessages({ messages: [{ role: 'assistant', tool_calls: [] }] }), [
    { role: 'assistant', content: '' },
  ]);
  const refusal = (content: unknown, type: string) =>
    assert.throws(() => readOpenAiMessages({ messages: [{ role: 'user', content }] }), {
      status: 400,
      message: `invalid message content type: ${type}`,
      param: 'messages[0].content',
    });
  refusal(null, '<nil>');
  refusal(3, 'float64');
  refusal(true, 'bool');
  refusal({}, 'map[string]interface {}');
});

test('a message must be an object with a role', () => {
  assert.throws(() => readOpenAiMessages({ messages: ['hi'] }), { status: 400, param: 'messages[0]' });
  assert.throws(() => readOpenAiMessages({ messages: [{ content: 'hi' }] }), {
    status: 400,
    param: 'messages[0].role',
  });
  assert.throws(() => readOpenAiMessages({ messages: 'hi' }), { status: 400, param: 'messages' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../../kernel/errors.ts';
import { readAnthropicMessages, readAnthropicSystem } from './anthropic-messages.ts';

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };

test('the text blocks of the system prompt are joined', () => {
  const system = [
    { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
    { type: 'text', text: 'b' },
  ];
  assert.deepEqual(readAnthropicSystem({ system }), [{ role: 'system', content: 'ab' }]);
  assert.deepEqual(readAnthropicSystem({ system: '' }), []);
});

test('text, images and plain documents of a turn become one message', () => {
  const content = [
    { type: 'text', text: 'Look: ' },
    image,
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'paper' } },
  ];
  assert.deepEqual(readAnthropicMessages([{ role: 'user', content }]), [
    { role: 'user', content: 'Look: paper', images: ['aGk='] },
  ]);
});

test('a call and its result keep their order, their id and the name of the tool', () => {
  const messages = readAnthropicMessages([
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'redacted_thinking', data: 'x' },
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Ulm' } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'So?' },
        { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'rain' }, image] },
      ],
    },
  ]);
  assert.deepEqual(messages, [
    {
      role: 'assistant',
      content: 'I look.',
      thinking: 'hm',
      tool_calls: [{ id: 'toolu_1', function: { name: 'weather', arguments: { city: 'Ulm' } } }],
    },
    { role: 'tool', content: 'rain', images: ['aGk='], tool_name: 'weather', tool_call_id: 'toolu_1' },
    { role: 'user', content: 'So?' },
  ]);
});

test('a result that is an error says so in its text, once', () => {
  const results = ['no such city', 'Error: no such city'].map(content => ({
    role: 'user',
    content: [{ type: 'tool_result', tool_use_id: 't', content, is_error: true }],
  }));
  const contents = readAnthropicMessages(results).map(message => message.content);
  assert.deepEqual(contents, ['Error: no such city', 'Error: no such city']);
});

test('what a model cannot be given is refused', () => {
  const cases: [object, RegExp][] = [
    [
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      /^image URLs are not currently supported, please use base64 encoded data instead$/,
    ],
    [{ type: 'image', source: { type: 'file', file_id: 'f' } }, /file/],
    [{ type: 'image', source: { type: 'base64', data: '!' } }, /base64/],
    [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } }, /plain text/],
    [{ type: 'tool_use', name: 'weather', input: {} }, /'id'/],
    [{ type: 'tool_use', id: 't', input: {} }, /'name'/],
    [{ type: 'tool_result', content: 'x' }, /tool_use_id/],
  ];
  for (const [block, message] of cases) {
    assert.throws(
      () => readAnthropicMessages([{ role: 'user', content: [block] }]),
      (error: unknown) => error instanceof DeciError && error.status === 400 && message.test(error.message),
      JSON.stringify(block),
    );
  }
});

test('blocks of an unknown kind and empty turns are left out', () => {
  assert.deepEqual(
    readAnthropicMessages([
      { role: 'user', content: [{ type: 'container_upload', file_id: 'f' }] },
      { role: 'User', content: 'hi' },
    ]),
    [{ role: 'user', content: 'hi' }],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../../kernel/errors.ts';
import { readResponsesInput } from './responses-input.ts';

const call = { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Ulm"}' };
const nativeCall = { id: 'call_1', function: { name: 'weather', arguments: { city: 'Ulm' } } };
const output = { type: 'function_call_output', call_id: 'call_1', output: 'rain' };
const nativeOutput = { role: 'tool', content: 'rain', tool_name: 'weather', tool_call_id: 'call_1' };

function read(...input: unknown[]): unknown {
  return readResponsesInput({ input });
}

test('a string is what the user says', () => {
  assert.deepEqual(readResponsesInput({ input: 'hi' }), [{ role: 'user', content: 'hi' }]);
});

test('messages are read with and without their type, and developer means system', () => {
  const parts = [
    { type: 'input_text', text: 'a' },
    { type: 'input_image', image_url: 'data:image/png;base64,aGk=' },
    { type: 'input_text', text: 'b' },
  ];
  assert.deepEqual(
    read({ role: 'developer', content: 'Be short.' }, { type: 'message', role: 'user', content: parts }),
    [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'ab', images: ['aGk='] },
    ],
  );
});

test('reasoning and calls join the message of their turn', () => {
  const reasoning = { type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text: 'hm' }] };
  const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] };
  const expected = [{ role: 'assistant', content: 'I look.', thinking: 'hm', tool_calls: [nativeCall] }, nativeOutput];
  assert.deepEqual(read(reasoning, said, call, output), expected);
});

test('text between a call and its output does not part them', () => {
  const said = { role: 'assistant', content: 'I look.' };
  assert.deepEqual(read(call, said, output), [
    { role: 'assistant', content: 'I look.', tool_calls: [nativeCall] },
    nativeOutput,
  ]);
});

test('reasoning without a summary is taken from encrypted_content, and kept at the end of the input', () => {
  assert.deepEqual(read({ type: 'reasoning', summary: [], encrypted_content: 'hm' }), [
    { role: 'assistant', content: '', thinking: 'hm' },
  ]);
});

test('an output may be a list of parts', () => {
  const parts = [
    { type: 'input_text', text: 'rain' },
    { type: 'input_image', image_url: 'data:;base64,aGk=' },
  ];
  assert.deepEqual(read({ ...output, output: parts }), [
    { role: 'tool', content: 'rain', images: ['aGk='], tool_call_id: 'call_1' },
  ]);
});

test('what cannot be given to a model is refused with its place', () => {
  const part = (value: object) => ({ role: 'user', content: [value] });
  const cases: [unknown, string, RegExp][] = [
    [{}, 'input[0]', /missing required 'type'/],
    ['hi', 'input[0]', /object/],
    [{ type: 'item_reference', id: 'x' }, 'input[0]', /not stored/],
    [{ type: 'mcp_call' }, 'input[0]', /unknown input item type: "mcp_call"/],
    [{ role: 'wizard', content: 'x' }, 'input[0].role', /developer/],
    [{ role: 'user', content: 7 }, 'input[0].content', /string or an array/],
    [{ ...call, arguments: '[1]' }, 'input[0].arguments', /failed to parse function call arguments/],
    [part({ type: 'input_image', image_url: 'https://a/b.png' }), 'input[0].content[0].image_url', /image URLs/],
    [part({ type: 'input_image', file_id: 'f' }), 'input[0].content[0].image_url', /image_url/],
    [part({ type: 'input_file', file_id: 'f' }), 'input[0].content[0]', /file inputs/],
    [part({ type: 'video' }), 'input[0].content[0]', /unknown content type: video/],
  ];
  for (const [item, param, message] of cases) {
    assert.throws(
      () => read(item),
      (error: unknown) => error instanceof DeciError && error.param === param && message.test(error.message),
      JSON.stringify(item),
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOpenAiTools, readToolCalls } from './openai-tools.ts';

test('tools keep name, description and parameters', () => {
  const parameters = { type: 'object', properties: { a: { type: 'string' } } };
  const tools = [{ type: 'function', function: { name: 'f', description: 'd', parameters, strict: true } }];
  assert.deepEqual(readOpenAiTools({ tools }), [
    { type: 'function', function: { name: 'f', description: 'd', parameters } },
  ]);
  assert.deepEqual(readOpenAiTools({ tools: null }), []);
});

test('a tool without a function or a name is refused', () => {
  assert.throws(() => readOpenAiTools({ tools: [{ type: 'custom' }] }), { status: 400, param: 'tools[0].function' });
  assert.throws(() => readOpenAiTools({ tools: [{ function: {} }] }), { status: 400, param: 'tools[0].function.name' });
  assert.throws(() => readOpenAiTools({ tools: {} }), { status: 400, param: 'tools' });
});

test('the arguments of a call become an object', () => {
  const message = { tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"b":1,"a":2}' } }] };
  const expected = [{ id: 'c1', function: { name: 'f', arguments: { b: 1, a: 2 } } }];
  assert.deepEqual(readToolCalls(message, 'messages[0]'), expected);
  assert.equal(readToolCalls({}, 'messages[0]'), undefined);
  assert.deepEqual(readToolCalls({ tool_calls: [] }, 'messages[0]'), []);
});

test('arguments that are not the JSON text of an object are refused', () => {
  for (const text of ['', '{', '[]', '3', 'null', {}, undefined]) {
    const message = { tool_calls: [{ id: 'c', function: { name: 'f', arguments: text } }] };
    assert.throws(() => readToolCalls(message, 'messages[1]'), {
      status: 400,
      message: 'invalid tool call arguments',
      param: 'messages[1].tool_calls[0].function.arguments',
    });
  }
});

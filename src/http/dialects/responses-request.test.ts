import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../../kernel/errors.ts';
import { parseResponsesRequest } from './responses-request.ts';

const base = { model: 'm', input: 'hi' };

function refusal(body: unknown): DeciError {
  try {
    parseResponsesRequest(body);
  } catch (error) {
    assert.ok(error instanceof DeciError);
    assert.equal(error.status, 400);
    return error;
  }
  return assert.fail('the request was not refused');
}

test('a plain request becomes a native chat, with OpenAI’s default temperature', () => {
  const plan = parseResponsesRequest({ ...base, instructions: 'Be short.' });
  assert.equal(plan.stream, false);
  assert.equal(plan.forced, undefined);
  assert.deepEqual(plan.request, {
    model: 'm',
    stream: true,
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'hi' },
    ],
    options: { temperature: 1 },
  });
});

test('options have their native names, and the response repeats the request', () => {
  const tools = [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: true }];
  const { request, echo, stream } = parseResponsesRequest({
    ...base,
    stream: true,
    store: true,
    include: ['reasoning.encrypted_content'],
    temperature: 0.3,
    top_p: 0.8,
    max_output_tokens: 99,
    truncation: 'auto',
    reasoning: { effort: 'minimal', summary: 'auto' },
    metadata: { a: 'b' },
    tools,
  });
  assert.equal(stream, true);
  assert.deepEqual(request.options, { temperature: 0.3, top_p: 0.8, num_predict: 99 });
  assert.equal(request.think, 'low');
  assert.deepEqual(echo, {
    instructions: null,
    max_output_tokens: 99,
    metadata: { a: 'b' },
    parallel_tool_calls: true,
    reasoning: { effort: 'minimal', summary: 'auto' },
    temperature: 0.3,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools,
    top_p: 0.8,
    truncation: 'auto',
  });
});

test('whatever needs a stored response is refused with a reason', () => {
  const cases: [object, string][] = [
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: { id: 'conv_1' } }, 'conversation'],
    [{ background: true }, 'background'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
  ];
  for (const [part, param] of cases) {
    const error = refusal({ ...base, ...part });
    assert.equal(error.param, param);
    assert.match(error.message, /not supported/);
  }
  const nothing = { previous_response_id: null, conversation: null, background: false, prompt: null };
  assert.equal(parseResponsesRequest({ ...base, ...nothing }).model, 'm');
});

test('what is missing or of the wrong type is named', () => {
  const cases: [object, string][] = [
    [{ model: '' }, 'model'],
    [{ input: null }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: 7 }, 'input'],
    [{ max_output_tokens: 1.5 }, 'max_output_tokens'],
    [{ include: [7] }, 'include[0]'],
    [{ reasoning: { effort: 'extreme' } }, 'reasoning.effort'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
    [{ text: { format: { type: 'json_schema' } } }, 'text.format.schema'],
    [{ tool_choice: 'required' }, 'tool_choice'],
  ];
  for (const [part, param] of cases) {
    assert.equal(refusal({ ...base, ...part }).param, param, JSON.stringify(part));
  }
});

test('the text format becomes the native format', () => {
  const schema = { type: 'object' };
  const format = (value: unknown) => parseResponsesRequest({ ...base, text: { format: value } }).request.format;
  assert.equal(format({ type: 'text' }), undefined);
  assert.equal(format({ type: 'json_object' }), 'json');
  assert.deepEqual(format({ type: 'json_schema', name: 'n', schema }), schema);
});

test('tool_choice holds: a named tool is forced, allowed tools are the only ones offered', () => {
  const tools = ['weather', 'time', 'mail'].map(name => ({ type: 'function', name, parameters: null }));
  const named = parseResponsesRequest({ ...base, tools, tool_choice: { type: 'function', name: 'time' } });
  assert.deepEqual(named.forced, { shape: 'arguments', names: ['time'] });
  const allowed = [
    { type: 'function', name: 'mail' },
    { type: 'function', name: 'time' },
  ];
  const some = parseResponsesRequest({
    ...base,
    tools,
    tool_choice: { type: 'allowed_tools', mode: 'required', tools: allowed },
  });
  assert.deepEqual(some.forced, { shape: 'call', names: ['time', 'mail'] });
  assert.equal(parseResponsesRequest({ ...base, tools, tool_choice: 'none' }).request.tools, undefined);
  assert.equal(refusal({ ...base, tools, tool_choice: { type: 'web_search' } }).param, 'tool_choice');
});

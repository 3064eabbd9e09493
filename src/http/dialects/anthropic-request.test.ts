import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../../kernel/errors.ts';
import { parseAnthropicRequest } from './anthropic-request.ts';

const base = { model: 'm', max_tokens: 64, messages: [{ role: 'user', content: 'hi' }] };
const tools = [
  { name: 'weather', description: 'Says the weather', input_schema: { type: 'object', properties: { city: {} } } },
  { name: 'time', input_schema: { type: 'object' } },
];

function refusal(body: unknown): DeciError {
  try {
    parseAnthropicRequest(body);
  } catch (error) {
    assert.ok(error instanceof DeciError);
    assert.equal(error.status, 400);
    return error;
  }
  return assert.fail('the request was not refused');
}

test('a plain request becomes a native chat', () => {
  assert.deepEqual(parseAnthropicRequest({ ...base, system: 'Be short.' }), {
    model: 'm',
    stream: false,
    forced: undefined,
    request: {
      model: 'm',
      stream: true,
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'hi' },
      ],
      options: { num_predict: 64 },
    },
  });
});

test('sampling options have their native names, and null counts as absent', () => {
  const { request, stream } = parseAnthropicRequest({
    ...base,
    stream: true,
    temperature: 0.2,
    top_p: 0.9,
    top_k: 5,
    stop_sequences: ['END'],
    system: null,
    tools: null,
    thinking: null,
    output_config: null,
    tool_choice: null,
  });
  assert.equal(stream, true);
  assert.deepEqual(request.options, { num_predict: 64, temperature: 0.2, top_p: 0.9, top_k: 5, stop: ['END'] });
  assert.deepEqual(Object.keys(request).sort(), ['messages', 'model', 'options', 'stream']);
});

test('what is missing is named', () => {
  assert.equal(refusal({ ...base, model: undefined }).message, 'model is required');
  assert.equal(refusal({ ...base, max_tokens: null }).message, 'max_tokens is required and must be positive');
  assert.equal(refusal({ ...base, max_tokens: 0 }).param, 'max_tokens');
  assert.equal(refusal({ ...base, messages: [] }).message, 'messages is required');
  assert.equal(refusal({ ...base, messages: [{ role: 'user', content: '' }] }).param, 'messages');
});

test('wrong types are refused with the name of the field', () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ max_tokens: '64' }, 'max_tokens'],
    [{ temperature: 'warm' }, 'temperature'],
    [{ stop_sequences: 'END' }, 'stop_sequences'],
    [{ messages: 'hi' }, 'messages'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    [{ system: 7 }, 'system'],
    [{ tools: [{ input_schema: {} }] }, 'tools[0].name'],
    [{ thinking: { type: 'sometimes' } }, 'thinking.type'],
    [{ tool_choice: { type: 'maybe' } }, 'tool_choice.type'],
    [{ output_config: { format: { type: 'xml' } } }, 'output_config.format.type'],
  ];
  for (const [part, param] of wrong) {
    assert.equal(refusal({ ...base, ...part }).param, param, JSON.stringify(part));
  }
});

test('tools are offered, tools of Anthropic itself are refused by name', () => {
  const { request } = parseAnthropicRequest({ ...base, tools });
  assert.deepEqual(request.tools?.[0], {
    type: 'function',
    function: { name: 'weather', description: 'Says the weather', parameters: tools[0]?.input_schema },
  });
  const error = refusal({ ...base, tools: [{ type: 'web_search_20250305', name: 'web_search' }] });
  assert.match(error.message, /web_search_20250305/);
  assert.equal(
    parseAnthropicRequest({ ...base, tools: [{ type: 'bash_20250124', name: 'bash' }] }).request.tools?.length,
    1,
  );
});

test('tool_choice holds: none takes the tools away, any and tool force a call', () => {
  const none = parseAnthropicRequest({ ...base, tools, tool_choice: { type: 'none' } });
  assert.equal(none.request.tools, undefined);
  const any = parseAnthropicRequest({ ...base, tools, tool_choice: { type: 'any' } });
  assert.deepEqual(any.forced, { shape: 'call', names: ['weather', 'time'] });
  const named = parseAnthropicRequest({ ...base, tools, tool_choice: { type: 'tool', name: 'time' } });
  assert.deepEqual(named.forced, { shape: 'arguments', names: ['time'] });
  assert.notEqual(named.request.format, undefined);
  assert.equal(refusal({ ...base, tools, tool_choice: { type: 'tool', name: 'other' } }).param, 'tool_choice');
});

test('thinking and effort become think as Ollama maps them', () => {
  const cases: [Record<string, unknown>, unknown][] = [
    [{}, undefined],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, true],
    [{ thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, false],
    [{ thinking: { type: 'adaptive' } }, undefined],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }, 'max'],
    [{ output_config: { effort: 'xhigh' } }, 'high'],
    [{ output_config: { effort: ' Low ' } }, 'low'],
  ];
  for (const [part, think] of cases) {
    assert.equal(parseAnthropicRequest({ ...base, ...part }).request.think, think, JSON.stringify(part));
  }
});

test('a JSON schema for the answer becomes the native format', () => {
  const schema = { type: 'object' };
  const { request } = parseAnthropicRequest({ ...base, output_config: { format: { type: 'json_schema', schema } } });
  assert.deepEqual(request.format, schema);
});

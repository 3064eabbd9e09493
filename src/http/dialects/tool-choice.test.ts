import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeltaEvent, type EndEvent, emptyUsage } from '../../gateway/generation.ts';
import type { NativeChatRequest, NativeTool } from '../../gateway/native-request.ts';
import { constrainTools, ForcedToolReader, parseOpenAiToolChoice } from './tool-choice.ts';

const weather: NativeTool = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
const clock: NativeTool = { type: 'function', function: { name: 'clock' } };
const request: NativeChatRequest = { model: 'm', stream: true, messages: [], tools: [weather, clock] };
const badChoice = { code: 'invalid_request', param: 'tool_choice' };

function delta(part: Partial<DeltaEvent>): DeltaEvent {
  return { type: 'delta', text: '', thinking: '', toolCalls: [], logprobs: [], ...part };
}

const end: EndEvent = { type: 'end', reason: 'stop', usage: emptyUsage };
const weatherForced = { shape: 'arguments', names: ['weather'] } as const;
const anyForced = { shape: 'call', names: ['weather', 'clock'] } as const;

test('every form of tool_choice is read and absence means auto', () => {
  assert.deepEqual(parseOpenAiToolChoice(undefined), { type: 'auto' });
  assert.deepEqual(parseOpenAiToolChoice(null), { type: 'auto' });
  assert.deepEqual(parseOpenAiToolChoice('auto'), { type: 'auto' });
  assert.deepEqual(parseOpenAiToolChoice('none'), { type: 'none' });
  assert.deepEqual(parseOpenAiToolChoice('required'), { type: 'required' });
  const named = { type: 'function', function: { name: 'clock' } };
  assert.deepEqual(parseOpenAiToolChoice(named), { type: 'named', name: 'clock' });
});

test('a tool_choice of another form is refused by name', () => {
  for (const value of ['any', 7, [], {}, { type: 'function' }, { type: 'function', function: { name: '' } }]) {
    assert.throws(() => parseOpenAiToolChoice(value), badChoice);
  }
});

test('auto changes nothing and none takes the tools away', () => {
  assert.deepEqual(constrainTools(request, { type: 'auto' }), { request, forced: undefined });
  const none = constrainTools(request, { type: 'none' });
  assert.deepEqual(none, { request: { model: 'm', stream: true, messages: [] }, forced: undefined });
});

test('a named tool constrains the answer to its arguments and the template still sees all tools', () => {
  const { request: constrained, forced } = constrainTools(request, { type: 'named', name: 'weather' });
  assert.deepEqual(constrained, { ...request, format: weather.function.parameters });
  assert.deepEqual(forced, weatherForced);
});

test('a tool without parameters is constrained to an object', () => {
  const { request: constrained } = constrainTools(request, { type: 'named', name: 'clock' });
  assert.deepEqual(constrained.format, { type: 'object' });
});

test('required with one tool is that tool', () => {
  const one = constrainTools({ ...request, tools: [weather] }, { type: 'required' });
  assert.deepEqual(one.request.format, weather.function.parameters);
  assert.deepEqual(one.forced, weatherForced);
});

test('required with several tools lets the model choose among their calls', () => {
  const { request: constrained, forced } = constrainTools(request, { type: 'required' });
  assert.deepEqual(forced, anyForced);
  const call = (name: string, parameters: unknown) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: parameters },
    required: ['name', 'arguments'],
  });
  assert.deepEqual(constrained.format, {
    anyOf: [call('weather', weather.function.parameters), call('clock', { type: 'object' })],
  });
});

test('references inside a schema still point at their target after several schemas became one', () => {
  const place = { type: 'object', properties: { at: { $ref: '#/$defs/Place' } }, $defs: { Place: { type: 'string' } } };
  const map: NativeTool = { type: 'function', function: { name: 'map', parameters: place } };
  const { request: constrained } = constrainTools({ ...request, tools: [clock, map] }, { type: 'required' });
  const format = constrained.format as { anyOf: { properties: { arguments: unknown } }[]; $defs: unknown };
  assert.deepEqual(format.anyOf[1]?.properties.arguments, { $ref: '#/$defs/tool1' });
  const moved = { ...place, properties: { at: { $ref: '#/$defs/tool1/$defs/Place' } } };
  assert.deepEqual(format.$defs, { tool1: moved });
});

test('a property that is called $ref is no reference', () => {
  const parameters = { type: 'object', properties: { $ref: { type: 'string' }, a: { $ref: 'http://x/#y' } } };
  const odd: NativeTool = { type: 'function', function: { name: 'odd', parameters } };
  const { request: constrained } = constrainTools({ ...request, tools: [clock, odd] }, { type: 'required' });
  assert.deepEqual((constrained.format as { $defs: unknown }).$defs, { tool1: parameters });
});

test('forcing without tools, or a tool that is not there, is refused', () => {
  const bare: NativeChatRequest = { model: 'm', stream: true, messages: [] };
  assert.throws(() => constrainTools(bare, { type: 'required' }), badChoice);
  assert.throws(() => constrainTools(bare, { type: 'named', name: 'weather' }), badChoice);
  assert.throws(() => constrainTools(request, { type: 'named', name: 'other' }), badChoice);
});

test('constrained text becomes one tool call at the end, and thinking passes at once', () => {
  const reader = new ForcedToolReader(weatherForced, 'call_1');
  assert.deepEqual(reader.read([delta({ thinking: 'hm', text: '{"city"' })]), [delta({ thinking: 'hm' })]);
  assert.deepEqual(reader.read([delta({ text: ':"Graz"}' })]), []);
  const call = { id: 'call_1', function: { index: 0, name: 'weather', arguments: { city: 'Graz' } } };
  assert.deepEqual(reader.read([end]), [delta({ toolCalls: [call] }), end]);
});

test('a choice among several tools is read from the text', () => {
  const reader = new ForcedToolReader(anyForced, 'c');
  const events = reader.read([delta({ text: '{"name":"clock","arguments":{}}' }), end]);
  assert.deepEqual(events, [
    delta({ toolCalls: [{ id: 'c', function: { index: 0, name: 'clock', arguments: {} } }] }),
    end,
  ]);
});

test('a call the model made in its own way is used and its text is dropped', () => {
  const reader = new ForcedToolReader(anyForced, 'c');
  const own = { id: 'x', function: { name: 'weather', arguments: {} } };
  const other = { id: 'y', function: { name: 'unasked', arguments: {} } };
  const events = reader.read([delta({ text: 'calling', toolCalls: [own, other] }), end]);
  assert.deepEqual(events, [delta({ toolCalls: [own] }), end]);
});

test('text that is no JSON, no object or a call of an unknown tool is an invalid answer', () => {
  for (const text of ['', 'sunny', '[1]', '"x"', '{"name":"other","arguments":{}}', '{"name":"clock"}', 'null']) {
    const reader = new ForcedToolReader(anyForced, 'c');
    assert.throws(() => reader.read([delta({ text }), end]), { code: 'upstream_invalid' });
  }
  assert.throws(() => new ForcedToolReader(weatherForced, 'c').read([delta({ text: '[]' }), end]), {
    code: 'upstream_invalid',
  });
});

test('an answer cut by the token limit is told as cut, not as a failure of the server', () => {
  const cut: EndEvent = { ...end, reason: 'length' };
  const reader = new ForcedToolReader(weatherForced, 'c');
  assert.deepEqual(reader.read([delta({ text: '{"ci' }), cut]), [delta({ text: '{"ci' }), cut]);
});

test('text that is held back for a forced tool is bounded', () => {
  const reader = new ForcedToolReader(weatherForced, 'c');
  const text = ' '.repeat(32 * 1024 * 1024);
  assert.deepEqual(reader.read([delta({ text }), delta({ text })]), []);
  assert.throws(() => reader.read([delta({ text: '{' })]), { code: 'upstream_invalid', message: /longer than 64 MB/ });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKeepAlive, readSamplingOptions, readStreamFields, readTopLogprobs } from './openai-options.ts';

test('temperature and top_p default to 1 as OpenAI defines', () => {
  assert.deepEqual(readSamplingOptions({}, undefined, {}), { temperature: 1, top_p: 1 });
});

test('the fields of OpenAI win over the options of Ollama, which win over defaults', () => {
  const body = { temperature: 0, seed: 3, stop: 'x', options: { temperature: 0.5, top_p: 0.4, num_ctx: 4096 } };
  assert.deepEqual(readSamplingOptions(body, 9, { presence_penalty: 0 }), {
    temperature: 0,
    top_p: 0.4,
    presence_penalty: 0,
    num_ctx: 4096,
    stop: ['x'],
    num_predict: 9,
    seed: 3,
  });
});

test('penalties and a list of stops are passed on', () => {
  const body = { stop: ['a', 'b'], frequency_penalty: 0.1, presence_penalty: -0.2, top_p: null };
  const options = { temperature: 1, top_p: 1, stop: ['a', 'b'], frequency_penalty: 0.1, presence_penalty: -0.2 };
  assert.deepEqual(readSamplingOptions(body, undefined, {}), options);
});

test('wrong types are refused by name', () => {
  for (const [field, value] of Object.entries({ temperature: '1', seed: 1.5, stop: 7, top_p: [], options: 'x' })) {
    assert.throws(() => readSamplingOptions({ [field]: value }, undefined, {}), { status: 400, param: field });
  }
});

test('keep_alive may be seconds or a duration', () => {
  assert.deepEqual(readKeepAlive({}), {});
  assert.deepEqual(readKeepAlive({ keep_alive: 0 }), { keep_alive: 0 });
  assert.deepEqual(readKeepAlive({ keep_alive: '5m' }), { keep_alive: '5m' });
  assert.throws(() => readKeepAlive({ keep_alive: true }), { status: 400, param: 'keep_alive' });
});

test('top_logprobs outside of 0 to 20 are refused in the words of Ollama', () => {
  assert.equal(readTopLogprobs({ top_logprobs: 20 }, 'top_logprobs'), 20);
  for (const count of [-1, 21]) {
    assert.throws(() => readTopLogprobs({ top_logprobs: count }, 'top_logprobs'), {
      status: 400,
      message: 'top_logprobs must be between 0 and 20',
    });
  }
});

test('answers are whole and without usage unless asked otherwise', () => {
  assert.deepEqual(readStreamFields({ stream: null, stream_options: null }), { stream: false, includeUsage: false });
  const body = { stream: true, stream_options: { include_usage: true } };
  assert.deepEqual(readStreamFields(body), { stream: true, includeUsage: true });
  assert.throws(() => readStreamFields({ stream_options: { include_usage: 1 } }), {
    param: 'stream_options.include_usage',
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainText } from './plain-text.ts';

const head = { model: 'm', created_at: '2026-11-21T10:00:00.000000000Z' };
const chat = (message: object, behind: object = { done: false }): string =>
  JSON.stringify({ ...head, message: { role: 'assistant', ...message }, ...behind });
const generate = (members: object, behind: object = { done: false }): string =>
  JSON.stringify({ ...head, ...members, ...behind });

test('the text of a chunk that carries nothing else is cut out', () => {
  for (const text of ['', 'a', ' über 🦙', "it's", '{}', '},', 'done:false', ',']) {
    assert.equal(plainText(chat({ content: text })), text);
    assert.equal(plainText(generate({ response: text })), text);
  }
});

test('a text with anything escaped has to be parsed', () => {
  for (const text of ['"', '\\', '\n', '\u0001', '"},"done":false}', ',"response":"x']) {
    assert.equal(plainText(chat({ content: text })), undefined, text);
    assert.equal(plainText(generate({ response: text })), undefined, text);
  }
});

test('a chunk that carries more has to be parsed', () => {
  const call = [{ function: { name: 'f', arguments: { response: 'x' } } }];
  for (const line of [
    chat({ content: 'a', thinking: 'b' }),
    chat({ content: 'a', tool_calls: call }),
    chat({ content: 'a' }, { done: false, logprobs: [] }),
    chat({ content: 'a' }, { done: true }),
    chat({ content: 'a' }, { done: true, done_reason: 'stop', eval_count: 1 }),
    generate({ response: 'a', thinking: 'b' }),
    generate({ response: 'a' }, { done: true }),
    generate({ response: 'a' }, { done: false, logprobs: [] }),
    generate({ response: 'a' }, { done: false, tool_calls: call }),
    '{"error":"x"}',
    '{}',
    '',
  ]) {
    assert.equal(plainText(line), undefined, line);
  }
});

test('a message deeper inside is not the message', () => {
  const line = JSON.stringify({ ...head, debug: { a: 1, message: { role: 'assistant', content: 'x' } }, done: false });
  assert.equal(plainText(line), undefined);
  assert.equal(plainText(JSON.stringify({ ...head, options: { a: 1, response: 'x' }, done: false })), undefined);
});

test('a text that quotes a chunk is not taken for one', () => {
  const quoted = chat({ content: 'x' });
  assert.equal(plainText(chat({ content: quoted })), undefined);
  assert.equal(plainText(generate({ response: quoted })), undefined);
});

test('members that stand before the text are not lost, whatever order a server writes them in', () => {
  const logprobs = [{ token: 'a', logprob: -1 }];
  assert.equal(
    plainText(JSON.stringify({ ...head, logprobs, message: { role: 'assistant', content: 'a' }, done: false })),
    undefined,
  );
  assert.equal(plainText(JSON.stringify({ ...head, thinking: 'hm', response: 'a', done: false })), undefined);
});

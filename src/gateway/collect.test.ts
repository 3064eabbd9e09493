import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { collectAnswer, collectNative } from './collect.ts';
import { emptyUsage } from './generation.ts';

/** Blocks of whole lines; an error ends them. */
async function* blocks(...items: Array<object[] | DeciError>): AsyncGenerator<Buffer> {
  for (const item of items) {
    if (item instanceof DeciError) throw item;
    yield Buffer.from(item.map(line => `${JSON.stringify(line)}\n`).join(''));
  }
}

const call = (name: string) => ({ function: { name, arguments: { done: true } } });
const logprob = (token: string) => ({ token, logprob: -1 });

test('events: text, thinking, tool calls and logprobs are gathered in order', async () => {
  const answer = await collectAnswer(
    blocks(
      [{ message: { content: '', thinking: 'let ' }, done: false }],
      [
        { message: { content: '', thinking: 'me see' }, done: false },
        { message: { content: 'grü', tool_calls: [call('a')] }, logprobs: [logprob('grü')], done: false },
      ],
      [{ message: { content: 'ße', tool_calls: [call('b'), call('c')] }, logprobs: [logprob('ße')], done: false }],
      [{ message: { content: '' }, done: true, done_reason: 'length', eval_count: 2 }],
    ),
  );
  assert.deepEqual(answer, {
    text: 'grüße',
    thinking: 'let me see',
    toolCalls: [call('a'), call('b'), call('c')],
    logprobs: [logprob('grü'), logprob('ße')],
    reason: 'length',
    usage: { ...emptyUsage, outputTokens: 2 },
  });
});

test('events: a map may rewrite what is gathered', async () => {
  const answer = await collectAnswer(blocks([{ response: 'x', done: false }, { done: true }]), events =>
    events.map(event => (event.type === 'delta' ? { ...event, text: 'y' } : event)),
  );
  assert.equal(answer.text, 'y');
});

test('events: an answer that fails is no answer', async () => {
  const lines = blocks([{ response: 'x', done: false }], new DeciError('upstream_truncated'));
  await assert.rejects(collectAnswer(lines), { code: 'upstream_truncated' });
});

test('native: chat becomes the last line with the content of all lines', async () => {
  const base = { model: 'm', created_at: 't' };
  const whole = await collectNative(
    blocks(
      [{ ...base, message: { role: 'assistant', content: 'a', thinking: 'x' }, done: false }],
      [{ ...base, message: { role: 'assistant', content: 'b', thinking: 'y' }, logprobs: [logprob('b')], done: false }],
      [{ ...base, message: { role: 'assistant', content: '', tool_calls: [call('f')] }, done: false }],
      [{ ...base, created_at: 'last', message: { role: 'assistant', content: '' }, done: true, eval_count: 9 }],
    ),
  );
  assert.deepEqual(whole, {
    model: 'm',
    created_at: 'last',
    message: { role: 'assistant', content: 'ab', thinking: 'xy', tool_calls: [call('f')] },
    logprobs: [logprob('b')],
    done: true,
    eval_count: 9,
  });
});

test('native: generate becomes the last line with the response of all lines', async () => {
  const whole = await collectNative(
    blocks([
      { response: 'a', thinking: 'x', done: false },
      { response: 'b', done: false },
      { response: '', done: true, context: [1, 2], done_reason: 'stop' },
    ]),
  );
  assert.deepEqual(whole, { response: 'ab', thinking: 'x', done: true, context: [1, 2], done_reason: 'stop' });
});

test('native: members that nobody said do not appear', async () => {
  const whole = await collectNative(
    blocks([
      { message: { role: 'assistant', content: 'a' }, done: false },
      { message: { role: 'assistant', content: '' }, done: true },
    ]),
  );
  assert.deepEqual(whole, { message: { role: 'assistant', content: 'a' }, done: true });
});

test('native: an empty answer keeps its empty text, and fields that we do not know', async () => {
  const load = { model: 'm', response: '', done: true, done_reason: 'load', novel: { a: 1 } };
  assert.deepEqual(await collectNative(blocks([load])), load);
});

test('native: calls of several tools in several lines are all kept', async () => {
  const whole = await collectNative(
    blocks(
      [{ message: { role: 'assistant', content: '', tool_calls: [call('a')] }, done: false }],
      [{ message: { role: 'assistant', content: '', tool_calls: [call('b')] }, done: true }],
    ),
  );
  assert.deepEqual((whole['message'] as Record<string, unknown>)['tool_calls'], [call('a'), call('b')]);
});

test('native: an answer that fails is no answer', async () => {
  const lines = blocks([{ response: 'x', done: false }], new DeciError('upstream_failed'));
  await assert.rejects(collectNative(lines), { code: 'upstream_failed' });
});

async function* large(line: object, times: number): AsyncGenerator<Buffer> {
  const block = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let i = 0; i < times; i++) yield block;
  yield Buffer.from('{"done":true}\n');
}

test('an answer longer than 64 MB is not gathered', async () => {
  const line = { response: '"'.repeat(4 * 1024 * 1024), done: false };
  const tooLong = { code: 'upstream_invalid', message: 'the model server sent an answer longer than 64 MB' };
  await assert.rejects(collectAnswer(large(line, 9)), tooLong);
  await assert.rejects(collectNative(large(line, 9)), tooLong);
  assert.equal((await collectAnswer(large(line, 7))).text.length, 7 * 4 * 1024 * 1024);
});

test('a list of 300 000 items is gathered as well as a short one', async () => {
  const logprobs = Array.from({ length: 300_000 }, () => ({ token: '', logprob: 0 }));
  assert.equal((await collectAnswer(large({ response: 'a', logprobs }, 1))).logprobs.length, 300_000);
  const native = await collectNative(large({ response: 'a', logprobs }, 1));
  assert.equal((native['logprobs'] as unknown[]).length, 300_000);
});

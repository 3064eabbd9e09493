import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAnthropicTokens } from './anthropic-count-tokens.ts';

function count(part: object): number {
  return countAnthropicTokens({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(400) }], ...part })
    .input_tokens;
}

test('four bytes of text are one token, and a message adds three', () => {
  assert.equal(count({}), 103);
});

test('max_tokens is not needed, messages are', () => {
  assert.throws(() => countAnthropicTokens({ model: 'm' }), /messages is required/);
});

test('system prompts, tools and images are counted', () => {
  const plain = count({});
  assert.equal(count({ system: 'y'.repeat(40) }), plain + 13);
  assert.ok(count({ tools: [{ name: 'weather', input_schema: { type: 'object' } }] }) > plain + 10);
  const content = [{ type: 'image', source: { type: 'base64', data: 'aGk=' } }];
  assert.equal(count({ messages: [{ role: 'user', content }] }), 579);
});

test('text beyond ASCII is counted by its bytes', () => {
  assert.equal(count({ messages: [{ role: 'user', content: '漢'.repeat(40) }] }), 33);
});

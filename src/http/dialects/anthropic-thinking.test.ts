import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NativeChatRequest } from '../../gateway/native-request.ts';
import { DeciError } from '../../kernel/errors.ts';
import { withoutRefusedThinking } from './anthropic-thinking.ts';

const request: NativeChatRequest = {
  model: 'm',
  stream: true,
  messages: [{ role: 'user', content: 'hi' }],
  think: true,
};
const refused = new DeciError('upstream_refused', { status: 400, message: '"m" does not support thinking' });

test('a model that cannot think is asked again without thinking', () => {
  const { think: _think, ...expected } = request;
  assert.deepEqual(withoutRefusedThinking(request, refused), expected);
});

test('other refusals, and requests that did not wish for thinking, stand', () => {
  const other = new DeciError('upstream_refused', { status: 400, message: '"m" does not support tools' });
  assert.equal(withoutRefusedThinking(request, other), undefined);
  assert.equal(withoutRefusedThinking({ ...request, think: false }, refused), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../../kernel/errors.ts';
import { renderAnthropicError } from './anthropic-error.ts';

test('an error becomes the body that Anthropic clients read', () => {
  assert.deepEqual(
    renderAnthropicError(new DeciError('model_not_found', { message: "model 'x' not found" }), 'req_1'),
    {
      type: 'error',
      error: { type: 'not_found_error', message: "model 'x' not found" },
      request_id: 'req_1',
    },
  );
});

test('every status has the type that Anthropic gives it', () => {
  const expected: [number, string][] = [
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [502, 'api_error'],
    [503, 'overloaded_error'],
    [504, 'api_error'],
    [529, 'overloaded_error'],
  ];
  for (const [status, type] of expected) {
    const body = renderAnthropicError(new DeciError('upstream_refused', { status }), 'req_2');
    assert.equal(body.error.type, type, `status ${status}`);
  }
});

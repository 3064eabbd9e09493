import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../../kernel/errors.ts';
import { renderOpenAiError, renderOpenAiStreamError } from './openai-error.ts';

test('an error carries the OpenAI object and the members of RFC 9457', () => {
  const error = new DeciError('invalid_request', { message: 'n must be an integer', param: 'n' });
  assert.deepEqual(renderOpenAiError(error, 'r1'), {
    error: {
      message: 'n must be an integer',
      type: 'invalid_request_error',
      param: 'n',
      code: 'invalid_request',
      request_id: 'r1',
    },
    type: '/docs/errors#invalid_request',
    title: 'Bad Request',
    status: 400,
    detail: 'n must be an integer',
    code: 'invalid_request',
    request_id: 'r1',
    retryable: false,
    hint: 'Correct the field that the text names.',
  });
});

test('the type follows the status as in Ollama', () => {
  const typeOf = (error: DeciError) => (renderOpenAiError(error, 'r') as { error: { type: string } }).error.type;
  assert.equal(typeOf(new DeciError('model_not_found')), 'not_found_error');
  assert.equal(typeOf(new DeciError('draining')), 'api_error');
  assert.equal(typeOf(new DeciError('body_too_large')), 'api_error');
});

test('a refusal of Ollama keeps its text and status and has no code', () => {
  const error = new DeciError('upstream_refused', { message: '"m" does not support tools', status: 400 });
  const { error: object } = renderOpenAiError(error, 'r') as { error: object };
  assert.deepEqual(object, {
    message: '"m" does not support tools',
    type: 'invalid_request_error',
    param: null,
    code: null,
    request_id: 'r',
  });
});

test('an error in a stream is one event and no end', () => {
  const text = renderOpenAiStreamError(new DeciError('stall_timeout'), 'r');
  assert.match(
    text,
    /^data: \{"error":\{"message":"[^"]+","type":"api_error","param":null,"code":"stall_timeout",.*\}\}\n\n$/,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError, toDeciError } from './errors.ts';

test('an error takes status, fault, retryability and words from the catalogue', () => {
  const error = new DeciError('upstream_unreachable');
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'DeciError');
  assert.equal(error.status, 503);
  assert.equal(error.fault, 'ollama');
  assert.equal(error.retryable, true);
  assert.equal(error.message, 'no model server can be reached');
  assert.equal('cause' in error, false);
});

test('details replace the words and the status, and keep the cause, the field and the extra members', () => {
  const cause = new Error('what really happened');
  const extra = { signin_url: 'https://ollama.com/connect' };
  const error = new DeciError('upstream_refused', {
    message: 'unauthorized',
    status: 401,
    cause,
    param: 'model',
    extra,
  });
  assert.equal(error.message, 'unauthorized');
  assert.equal(error.status, 401);
  assert.equal(error.cause, cause);
  assert.equal(error.param, 'model');
  assert.equal(error.extra, extra);
});

test('a foreign error becomes `internal` with the original as its cause, and says nothing of it', () => {
  const thrown = new TypeError('secret detail');
  const error = toDeciError(thrown);
  assert.equal(error.code, 'internal');
  assert.equal(error.cause, thrown);
  assert.doesNotMatch(error.message, /secret/);
});

test('an error of ours passes as it is, and things that are no errors are wrapped too', () => {
  const ours = new DeciError('draining');
  assert.equal(toDeciError(ours), ours);
  assert.equal(toDeciError('a string').cause, 'a string');
  assert.equal(toDeciError(undefined).code, 'internal');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeciError } from '../kernel/errors.ts';
import { toUpstreamError } from './upstream-error.ts';

const withCode = (code: string): Error => Object.assign(new Error(code.toLowerCase()), { code });

test('what fails while dialling is `upstream_unreachable`', () => {
  for (const code of [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ETIMEDOUT',
    'UND_ERR_CONNECT_TIMEOUT',
  ]) {
    assert.equal(toUpstreamError(withCode(code), false).code, 'upstream_unreachable', code);
  }
});

test('the same behind the first byte of an answer is a broken connection', () => {
  assert.equal(toUpstreamError(withCode('ETIMEDOUT'), true).code, 'upstream_broken');
});

test('a reset is a broken connection before and behind the first byte', () => {
  for (const code of ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']) {
    assert.equal(toUpstreamError(withCode(code), false).code, 'upstream_broken', code);
    assert.equal(toUpstreamError(withCode(code), true).code, 'upstream_broken', code);
  }
});

test('a host name with several addresses fails as its first address did', () => {
  const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')]);
  assert.equal(toUpstreamError(error, false).code, 'upstream_unreachable');
  assert.equal(toUpstreamError(new AggregateError([]), false).code, 'upstream_broken');
});

test('bytes that are not HTTP are `upstream_invalid`', () => {
  assert.equal(toUpstreamError(withCode('HPE_INVALID_CONSTANT'), false).code, 'upstream_invalid');
  assert.equal(toUpstreamError(withCode('UND_ERR_HEADERS_OVERFLOW'), false).code, 'upstream_invalid');
});

test('the original is kept as the cause, and an error of ours passes as it is', () => {
  const original = withCode('ECONNRESET');
  assert.equal(toUpstreamError(original, true).cause, original);
  const ours = new DeciError('stall_timeout');
  assert.equal(toUpstreamError(ours, false), ours);
});

test('a thing that is no error at all is a broken connection', () => {
  assert.equal(toUpstreamError('gone', false).code, 'upstream_broken');
  assert.equal(toUpstreamError(undefined, false).code, 'upstream_broken');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { DeciError } from '../kernel/errors.ts';
import { RequestContext } from './request-context.ts';

const context = (url = '/api/chat'): RequestContext => new RequestContext('req_1', { url } as Request, {} as Response);

test('an abort reaches a signal that was asked for before it, and one that was asked for behind it', () => {
  const reason = new DeciError('draining');
  const before = context();
  const { signal } = before;
  before.abort(reason);
  assert.equal(signal.reason, reason);
  const behind = context();
  behind.abort(reason);
  assert.equal(behind.signal.aborted, true);
  assert.equal(behind.signal.reason, reason);
});

test('there is one signal, and the first reason counts', () => {
  const each = context();
  assert.equal(each.signal, each.signal);
  each.abort(new DeciError('draining'));
  each.abort(new DeciError('client_closed'));
  assert.throws(() => each.throwIfAborted(), { code: 'draining' });
  assert.equal((each.signal.reason as DeciError).code, 'draining');
});

test('errors are told as the route wants, and as the path suggests while there is none', () => {
  const each = context();
  assert.equal(each.dialect, 'ollama');
  assert.equal(context('/v1/unknown').dialect, 'openai');
  assert.equal(context('/v1/messages/unknown').dialect, 'anthropic');
  each.route = {
    path: '/v1/messages',
    dialect: 'anthropic',
    role: 'executor',
    body: 'inference',
    rate: 'execute',
    time: 'inference',
  };
  assert.equal(each.dialect, 'anthropic');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { ActiveRequests } from './active-requests.ts';
import { RequestContext } from './request-context.ts';

function context(headersSent = false): RequestContext {
  return new RequestContext('req_1', {} as Request, { headersSent } as Response);
}

const closes = (each: RequestContext): boolean => each.headers.join(': ').includes('Connection: close');

test('requests are counted while they are under way', () => {
  const active = new ActiveRequests();
  const [a, b] = [context(), context()];
  active.add(a);
  active.add(b);
  assert.equal(active.size, 2);
  active.delete(a);
  active.delete(a);
  assert.equal(active.size, 1);
});

test('before a drain connections are kept', () => {
  const active = new ActiveRequests();
  const each = context();
  active.add(each);
  assert.equal(active.draining, false);
  assert.equal(closes(each), false);
});

test('a drain asks every client that can still be told to leave its connection', () => {
  const active = new ActiveRequests();
  const [waiting, streaming, later] = [context(), context(true), context()];
  active.add(waiting);
  active.add(streaming);
  active.beginDrain();
  active.add(later);
  assert.equal(active.draining, true);
  assert.deepEqual([closes(waiting), closes(streaming), closes(later)], [true, false, true]);
});

test('what is left at the deadline is ended with a reason that is ours', () => {
  const active = new ActiveRequests();
  const [left, done] = [context(), context()];
  active.add(left);
  active.add(done);
  active.delete(done);
  active.endAll();
  assert.throws(() => left.throwIfAborted(), { code: 'draining' });
  assert.equal(left.signal.aborted, true);
  assert.doesNotThrow(() => done.throwIfAborted());
});

test('without keep-alive every new answer is the last of its connection, until it is back', () => {
  const active = new ActiveRequests();
  const [before, during, after] = [context(), context(), context()];
  active.add(before);
  active.setKeepAlive(false);
  active.add(during);
  active.setKeepAlive(true);
  active.add(after);
  assert.deepEqual([before, during, after].map(closes), [false, true, false]);
  assert.deepEqual([...active], [before, during, after]);
});

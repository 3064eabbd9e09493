import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { discardBody, readBody } from './read-body.ts';

const limits = { maxBytes: 10, timeoutMs: 1000 };

/** A request that arrives when the test says so. */
function request(headers: Record<string, string> = {}): { stream: PassThrough; req: IncomingMessage } {
  const stream = Object.assign(new PassThrough(), { headers });
  return { stream, req: stream as unknown as IncomingMessage };
}

function fakeTime(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
}

test('a body is read whole, in however many chunks it comes', async () => {
  const { stream, req } = request();
  const body = readBody(req, limits);
  for (const chunk of ['ab', 'c', 'def']) stream.write(chunk);
  stream.end();
  assert.equal((await body).toString(), 'abcdef');
});

test('a body of one chunk is not copied', async () => {
  const { stream, req } = request();
  const chunk = Buffer.from('abc');
  const body = readBody(req, limits);
  stream.end(chunk);
  assert.equal((await body).buffer, chunk.buffer);
});

test('no body is an empty body', async () => {
  const { stream, req } = request({ 'content-length': '0' });
  stream.end();
  assert.equal((await readBody(req, limits)).length, 0);
});

test('a body of exactly the limit passes, one byte more does not', async () => {
  const fits = request();
  fits.stream.end('x'.repeat(10));
  assert.equal((await readBody(fits.req, limits)).length, 10);
  const tooLong = request();
  tooLong.stream.end('x'.repeat(11));
  await assert.rejects(readBody(tooLong.req, limits), { code: 'body_too_large', status: 413, message: /10 bytes/ });
});

test('a body that is declared too large is refused before it is read', async () => {
  const { req } = request({ 'content-length': '11' });
  await assert.rejects(readBody(req, limits), { code: 'body_too_large' });
});

test('a body that grows without end is refused as soon as it is too large', async () => {
  const { stream, req } = request();
  const body = readBody(req, limits);
  stream.write('x'.repeat(6));
  stream.write('x'.repeat(6));
  await assert.rejects(body, { code: 'body_too_large' });
});

test('a body that does not arrive in time is `request_timeout`', async t => {
  fakeTime(t);
  const { stream, req } = request();
  const body = readBody(req, limits);
  stream.write('half');
  t.mock.timers.tick(1000);
  await assert.rejects(body, { code: 'request_timeout', status: 408 });
});

test('a client that leaves in the middle is `client_closed`', async () => {
  for (const error of [undefined, new Error('aborted')]) {
    const { stream, req } = request();
    const body = readBody(req, limits);
    stream.write('half');
    stream.destroy(error);
    await assert.rejects(body, { code: 'client_closed' });
    stream.on('error', () => undefined);
  }
});

test('nothing stays behind: no listener and no timer', async t => {
  fakeTime(t);
  const { stream, req } = request();
  const before = (['data', 'end', 'close', 'error'] as const).map(event => stream.listenerCount(event));
  const body = readBody(req, limits);
  stream.end('x');
  await body;
  assert.deepEqual(
    (['data', 'end', 'close', 'error'] as const).map(event => stream.listenerCount(event)),
    before,
  );
  t.mock.timers.tick(10_000);
});

test('a body that nobody wants goes by within the same bounds', async t => {
  fakeTime(t);
  const done = request();
  done.stream.end('abc');
  await discardBody(done.req, limits);
  const large = request({ 'content-length': '11' });
  large.stream.end('x'.repeat(11));
  await assert.rejects(discardBody(large.req, limits), { code: 'body_too_large' });
  const slow = discardBody(request().req, limits);
  t.mock.timers.tick(1000);
  await assert.rejects(slow, { code: 'request_timeout' });
});

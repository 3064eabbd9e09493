import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ExchangeError, exchange, type HttpRequest } from './http-exchange.ts';

const never = new AbortController().signal;

async function serve(t: TestContext, answer: RequestListener, port = 0): Promise<URL> {
  const server = createServer(answer).listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function ask(url: URL, more: Partial<HttpRequest> = {}): HttpRequest {
  return { url, method: 'GET', headers: {}, body: undefined, timeoutMs: 5000, ...more };
}

test('the whole answer comes back, whatever its status, with characters that were cut between packets', async t => {
  const bytes = Buffer.from('{"a":"ö"}');
  const url = await serve(t, (req, res) => {
    res.writeHead(302, { location: '/elsewhere', 'content-type': `text/${req.method}` });
    res.write(bytes.subarray(0, 7), () => res.end(bytes.subarray(7)));
  });
  assert.deepEqual(await exchange(ask(url), never), { status: 302, contentType: 'text/GET', text: '{"a":"ö"}' });
});

test('a body is sent with its length', async t => {
  const url = await serve(t, (req, res) => {
    req.pipe(res.writeHead(200, { 'content-type': String(req.headers['content-length']) }));
  });
  const { contentType, text } = await exchange(ask(url, { method: 'PUT', body: 'ö' }), never);
  assert.deepEqual([contentType, text], ['2', 'ö']);
});

test('a failure says whether the other side may have got the request', async t => {
  const gone = await serve(t, req => req.socket.destroy());
  const slow = await serve(t, () => undefined);
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const nobody = new URL(`http://127.0.0.1:${(closed.address() as AddressInfo).port}/`);
  closed.close();
  await once(closed, 'close');
  for (const [url, code, sent] of [
    [gone, 'ECONNRESET', true],
    [slow, 'TIMEOUT', true],
    [nobody, 'ECONNREFUSED', false],
  ] as const) {
    const thrown = await exchange(ask(url, { timeoutMs: 200 }), never).catch((error: unknown) => error);
    assert.ok(thrown instanceof ExchangeError);
    assert.deepEqual([thrown.code, thrown.sent], [code, sent]);
  }
});

test('a signal ends it at once', async t => {
  const url = await serve(t, () => undefined);
  const stop = new AbortController();
  const asked = exchange(ask(url, { timeoutMs: 60_000 }), stop.signal);
  stop.abort();
  await assert.rejects(asked, { code: 'ABORT_ERR' });
});

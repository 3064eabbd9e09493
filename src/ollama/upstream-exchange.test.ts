import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import {
  closed,
  drip,
  failure,
  poolFor,
  readAll,
  send,
  turns,
  upstream,
} from '../../test/support/exchange-upstream.ts';
import { DeciError } from '../kernel/errors.ts';

test('status and headers are known when it is open, then the bytes come in order', async t => {
  const { send: start } = await upstream(t, (_, res) => {
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    res.write('one ');
    res.end('two');
  });
  let ends = 0;
  const exchange = start({ onEnd: () => ends++ });
  assert.equal(exchange.begun, false);
  await exchange.opened();
  assert.equal(exchange.begun, true);
  assert.equal(exchange.status, 200);
  assert.equal(exchange.headers['content-type'], 'application/x-ndjson');
  assert.equal(await readAll(exchange), 'one two');
  assert.equal(ends, 1);
  assert.deepEqual(await exchange.next(), { done: true, value: undefined });
});

test('an informational response is not the response', async t => {
  const { send: start } = await upstream(t, (_, res) => {
    res.writeEarlyHints({ link: '</a>; rel=preload' });
    res.writeHead(201).end('made');
  });
  const exchange = start();
  await exchange.opened();
  assert.equal(exchange.status, 201);
  assert.equal(await readAll(exchange), 'made');
});

test('a refused connection is `upstream_unreachable`, with the reason as its cause', async t => {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  let ends = 0;
  const exchange = send(poolFor(t, `http://127.0.0.1:${port}`), { onEnd: () => ends++ });
  const error = await failure(exchange.opened());
  assert.equal(error.code, 'upstream_unreachable');
  assert.match(String(error.cause), /ECONNREFUSED/);
  assert.equal(exchange.begun, false);
  assert.equal(ends, 1);
});

test('a connection that closes before a response is `upstream_broken`, and nothing has begun', async t => {
  const { send: start } = await upstream(t, req => req.socket.destroy());
  const exchange = start();
  assert.equal((await failure(exchange.opened())).code, 'upstream_broken');
  assert.equal(exchange.begun, false);
});

test('an answer that is not HTTP is `upstream_invalid`', async t => {
  const server = createTcpServer(socket => void socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const exchange = send(poolFor(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  assert.equal((await failure(exchange.opened())).code, 'upstream_invalid');
});

test('a host that dies in the middle of a stream: what came is given out, then it fails', async t => {
  const { send: start } = await upstream(t, (_, res) => {
    res.write('half', () => res.destroy());
  });
  const exchange = start();
  await exchange.opened();
  assert.equal((await exchange.next()).value?.toString(), 'half');
  assert.equal((await failure(exchange.next())).code, 'upstream_broken');
  assert.equal((await failure(exchange.next())).code, 'upstream_broken');
});

test('a body shorter than it was declared is broken, not complete', async t => {
  const { send: start } = await upstream(t, (_, res) => {
    res.writeHead(200, { 'content-length': '100' });
    res.write('only this', () => res.destroy());
  });
  const exchange = start();
  await exchange.opened();
  assert.equal((await failure(readAll(exchange))).code, 'upstream_broken');
});

test('an abort before the response closes the connection', async t => {
  const abort = new AbortController();
  const { send: start, server, sockets } = await upstream(t, () => undefined);
  const exchange = start({ signal: abort.signal });
  await once(server, 'request');
  abort.abort(new DeciError('draining'));
  assert.equal((await failure(exchange.opened())).code, 'draining');
  await closed(sockets[0]);
});

test('an abort in the middle closes the connection, and whoever waits hears why', async t => {
  const abort = new AbortController();
  const { send: start, sockets } = await upstream(t, (_, res) => void res.write('one'));
  let ends = 0;
  const exchange = start({ signal: abort.signal, onEnd: () => ends++ });
  await exchange.opened();
  await exchange.next();
  const waiting = failure(exchange.next());
  abort.abort(new Error('anything'));
  const error = await waiting;
  assert.equal(error.code, 'client_closed');
  assert.equal((error.cause as Error).message, 'anything');
  await closed(sockets[0]);
  assert.equal(ends, 1);
});

test('an abort that came before the request was sent sends nothing', async t => {
  let requests = 0;
  const { send: start } = await upstream(t, () => requests++);
  const exchange = start({ signal: AbortSignal.abort(new DeciError('client_closed')) });
  assert.equal((await failure(exchange.opened())).code, 'client_closed');
  assert.equal(requests, 0);
});

test('a reader that leaves early closes the connection', async t => {
  const { send: start, sockets } = await upstream(t, (_, res) => drip(res, 1000, 1));
  const exchange = start();
  await exchange.opened();
  for await (const chunk of exchange) {
    assert.ok(chunk.length > 0);
    break;
  }
  await closed(sockets[0]);
  assert.equal((await failure(exchange.next())).code, 'client_closed');
});

test('an answer read to its end leaves its connection for the next request', async t => {
  const { send: start, sockets } = await upstream(t, (_, res) => void res.end('x'));
  for (let i = 0; i < 3; i++) {
    const exchange = start();
    await exchange.opened();
    await readAll(exchange);
    // The client takes a connection back one turn behind its response.
    await turns(2);
  }
  assert.equal(sockets.length, 1);
});

test('a discarded rest runs out, and its connection is used again', async t => {
  const { send: start, sockets } = await upstream(t, (_, res) => {
    res.write('the answer');
    setImmediate(() => res.end('x'.repeat(100_000)));
  });
  const ended = Promise.withResolvers<void>();
  const exchange = start({ onEnd: ended.resolve });
  await exchange.opened();
  await exchange.next();
  exchange.discard();
  await ended.promise;
  await turns(2);
  const second = start();
  await second.opened();
  await second.next();
  assert.equal(sockets.length, 1);
});

test('a rest that does not run out is not waited for', { timeout: 5000 }, async t => {
  const { send: start, sockets } = await upstream(t, (_, res) => void res.write('the answer'));
  const exchange = start();
  await exchange.opened();
  await exchange.next();
  exchange.discard();
  await closed(sockets[0]);
});

test('a discard while paused lets the rest run out too', async t => {
  const { send: start, sockets } = await upstream(t, (_, res) => void res.end(Buffer.alloc(4 * 1024 * 1024, 'x')));
  const ended = Promise.withResolvers<void>();
  const exchange = start({ onEnd: ended.resolve });
  await exchange.opened();
  exchange.discard();
  await ended.promise;
  assert.equal(sockets[0]?.destroyed, false);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Dispatcher, Pool } from 'undici';
import { DeciError } from '../kernel/errors.ts';
import { type ExchangeLimits, UpstreamExchange } from './upstream-exchange.ts';

const patient: ExchangeLimits = { firstMs: 60_000, stallMs: 60_000, totalMs: 60_000 };
const never = new AbortController().signal;

interface Upstream {
  readonly server: Server;
  readonly url: string;
  /** Sockets accepted so far. */
  readonly sockets: readonly Socket[];
  send(over?: { limits?: Partial<ExchangeLimits>; signal?: AbortSignal; onEnd?: () => void }): UpstreamExchange;
}

async function upstream(t: TestContext, listener: RequestListener): Promise<Upstream> {
  const sockets: Socket[] = [];
  const server = createServer({ highWaterMark: 64 * 1024 }, listener);
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = poolFor(t, url);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url, sockets, send: over => send(pool, over) };
}

function poolFor(t: TestContext, url: string): Pool {
  const pool = new Pool(url, { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 1000 } });
  t.after(() => pool.destroy());
  return pool;
}

function send(pool: Pool, over: Parameters<Upstream['send']>[0] = {}): UpstreamExchange {
  const limits = { ...patient, ...over.limits };
  const exchange = new UpstreamExchange(limits, over.signal ?? never, over.onEnd ?? (() => undefined));
  pool.dispatch({ method: 'POST', path: '/api/chat', body: '{}' }, exchange);
  return exchange;
}

async function readAll(exchange: UpstreamExchange): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of exchange) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Resolves with the error; for checks that need more of it than `assert.rejects` sees. */
async function failure(work: Promise<unknown>): Promise<DeciError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof DeciError, String(error));
    return error;
  }
  return assert.fail('it did not fail');
}

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

test('silence before the response ends with `first_token_timeout` and closes the connection', async t => {
  const { send: start, sockets, server } = await upstream(t, () => undefined);
  let ends = 0;
  const exchange = start({ limits: { firstMs: 30 }, onEnd: () => ends++ });
  const asked = once(server, 'request');
  assert.equal((await failure(exchange.opened())).code, 'first_token_timeout');
  await asked;
  await closed(sockets[0]);
  assert.equal(ends, 1);
});

test('silence in the middle of the answer ends with `stall_timeout` and closes the connection', async t => {
  const { send: start, sockets } = await upstream(t, (_, res) => void res.write('one'));
  const exchange = start({ limits: { stallMs: 30 } });
  await exchange.opened();
  assert.equal((await exchange.next()).value?.toString(), 'one');
  assert.equal((await failure(exchange.next())).code, 'stall_timeout');
  await closed(sockets[0]);
});

test('a stream that keeps moving does not stall, however long it takes in total', async t => {
  const { send: start } = await upstream(t, (_, res) => drip(res, 12, 10));
  const exchange = start({ limits: { firstMs: 60, stallMs: 60 } });
  await exchange.opened();
  assert.equal(await readAll(exchange), '............');
});

test('the total limit ends a stream that keeps moving', async t => {
  const { send: start } = await upstream(t, (_, res) => drip(res, 1000, 5));
  const exchange = start({ limits: { totalMs: 60 } });
  await exchange.opened();
  assert.equal((await failure(readAll(exchange))).code, 'total_timeout');
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

test('a reader that does not read stops the host: memory stays bounded, and every byte arrives later', async t => {
  const total = 64 * 1024 * 1024;
  const block = Buffer.alloc(64 * 1024, 'x');
  let written = 0;
  let onStuck: () => void = () => undefined;
  const stuck = new Promise<void>(resolve => {
    onStuck = resolve;
  });
  const { send: start } = await upstream(t, async (_, res) => {
    while (written < total) {
      written += block.length;
      if (res.write(block)) continue;
      const drains: unknown[] = [];
      const drained = once(res, 'drain').then(() => drains.push('drain'));
      // The kernel's buffers take some megabytes; when they are full nothing drains any more, however often we look.
      for (let turn = 0; turn < 2000 && drains.length === 0; turn++) await turns(1);
      if (drains.length === 0) onStuck();
      await drained;
    }
    res.end();
  });
  const exchange = start({ limits: { stallMs: 500 } });
  await exchange.opened();
  await stuck;
  const sentBeforeReading = written;
  assert.ok(sentBeforeReading < total / 2, `${sentBeforeReading} bytes were taken from a host that nobody reads`);
  let read = 0;
  for await (const chunk of exchange) read += chunk.length;
  assert.equal(read, total);
});

// --- the same with a controller in the hand: what exactly is paused, and when ---

class FakeController implements Pick<Dispatcher.DispatchController, 'abort' | 'pause' | 'resume'> {
  readonly calls: string[] = [];
  readonly aborted = false;
  readonly paused = false;
  readonly reason = null;
  abort(): void {
    this.calls.push('abort');
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
}

function inHand(limits: Partial<ExchangeLimits> = {}) {
  const controller = new FakeController();
  const exchange = new UpstreamExchange({ ...patient, ...limits }, never, () => undefined);
  const given = controller as unknown as Dispatcher.DispatchController;
  exchange.onRequestStart(given);
  exchange.onResponseStart(given, 200, {});
  const data = (bytes: number): void => exchange.onResponseData(given, Buffer.alloc(bytes));
  return { controller, exchange, given, data };
}

test('it pauses at 256 kB in waiting and resumes only when all of it was read', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { controller, exchange, data } = inHand();
  data(255 * 1024);
  assert.deepEqual(controller.calls, []);
  data(1024);
  assert.deepEqual(controller.calls, ['pause']);
  await exchange.next();
  assert.deepEqual(controller.calls, ['pause']);
  await exchange.next();
  assert.deepEqual(controller.calls, ['pause', 'resume']);
  data(256 * 1024);
  assert.deepEqual(controller.calls, ['pause', 'resume', 'pause']);
});

test('a chunk for a waiting reader never waits in memory', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { controller, exchange, data } = inHand();
  const waiting = exchange.next();
  data(1024 * 1024);
  assert.equal((await waiting).value?.length, 1024 * 1024);
  assert.deepEqual(controller.calls, []);
});

test('while it is us who paused no stall is counted; after the resume it is again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { controller, exchange, data } = inHand({ stallMs: 1000, totalMs: undefined });
  data(256 * 1024);
  t.mock.timers.tick(1_000_000);
  assert.deepEqual(controller.calls, ['pause']);
  await exchange.next();
  t.mock.timers.tick(999);
  assert.deepEqual(controller.calls, ['pause', 'resume']);
  t.mock.timers.tick(1);
  assert.deepEqual(controller.calls, ['pause', 'resume', 'abort']);
  assert.equal((await failure(exchange.next())).code, 'stall_timeout');
});

test('chunks that came before a failure are given out before it', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { exchange, given, data } = inHand();
  data(3);
  data(4);
  exchange.onResponseError(given, new Error('gone'));
  assert.equal((await exchange.next()).value?.length, 3);
  assert.equal((await exchange.next()).value?.length, 4);
  assert.equal((await failure(exchange.next())).code, 'upstream_broken');
});

test('the first end counts: what comes behind it changes nothing', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ends = 0;
  const controller = new FakeController() as unknown as Dispatcher.DispatchController;
  const exchange = new UpstreamExchange(patient, never, () => ends++);
  exchange.onRequestStart(controller);
  exchange.onResponseStart(controller, 200, {});
  exchange.onResponseEnd();
  exchange.onResponseError(controller, new Error('late'));
  exchange.abort(new DeciError('draining'));
  exchange.discard();
  t.mock.timers.tick(1_000_000);
  assert.equal(ends, 1);
  assert.deepEqual(await exchange.next(), { done: true, value: undefined });
});

function drip(res: ServerResponse, times: number, everyMs: number): void {
  let left = times;
  const timer = setInterval(() => {
    if (res.destroyed || left-- === 0) {
      clearInterval(timer);
      res.end();
    } else res.write('.');
  }, everyMs);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}

async function closed(socket: Socket | undefined): Promise<void> {
  assert.ok(socket !== undefined);
  if (!socket.closed) await once(socket, 'close');
}

test('a first token that is late is waited for when somebody knows why, once', async t => {
  const { send: to } = await upstream(t, () => undefined);
  let asked = 0;
  const startedAt = performance.now();
  const exchange = to({ limits: { firstMs: 20, firstAgain: async () => (++asked === 1 ? 60 : 60_000) } });
  assert.equal((await failure(exchange.opened())).code, 'first_token_timeout');
  assert.ok(performance.now() - startedAt >= 75);
  assert.equal(asked, 1);
});

test('one that comes while that is found out is in time', async t => {
  const late = Promise.withResolvers<void>();
  const { send: to } = await upstream(t, async (_, res) => {
    await late.promise;
    res.end('late');
  });
  const exchange = to({
    limits: {
      firstMs: 10,
      firstAgain: async () => {
        late.resolve();
        await exchange.opened();
        return 0;
      },
    },
  });
  await exchange.opened();
  assert.equal(await readAll(exchange), 'late');
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import type { Request, Response } from 'express';
import { ActiveRequests } from '../http/active-requests.ts';
import { RequestContext } from '../http/request-context.ts';
import { HttpServer } from '../http/server.ts';
import { drain } from './drain.ts';

interface Served {
  readonly context: RequestContext;
  readonly res: ServerResponse;
}

/** A worker reduced to what a drain touches; each request waits until the test answers it. */
async function worker(t: TestContext) {
  const active = new ActiveRequests();
  const arrived: Served[] = [];
  let onArrival: (served: Served) => void = () => undefined;
  const server = new HttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    onRefused: () => 'req_0',
    handler: (req, res) => {
      const context = new RequestContext('req_1', req as Request, res as unknown as Response);
      active.add(context);
      res.on('close', () => active.delete(context));
      arrived.push({ context, res });
      onArrival({ context, res });
    },
  });
  await server.listen();
  const { port } = server;
  t.after(() => server.destroyAll());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return {
    active,
    server,
    port,
    ask: (): ClientRequest => request({ host: '127.0.0.1', port, agent }).end(),
    next: () =>
      new Promise<Served>(resolve => {
        onArrival = resolve;
      }),
    drain: (drainMs: number) => drain({ active, servers: [server], drainMs }),
  };
}

async function responseOf(req: ClientRequest): Promise<{ res: IncomingMessage; text: string }> {
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of res.setEncoding('utf8')) text += String(chunk);
  return { res, text };
}

function answer({ context, res }: Served, text: string): void {
  res.writeHead(200, [...context.headers, 'Content-Length', String(text.length)]).end(text);
}

// Side by side: a drain waits in real time for clients that may still have something to say.
suite('drain', { concurrency: true }, () => {
  test('an idle worker leaves at once, and takes no more connections', async t => {
    const { drain: leave, port } = await worker(t);
    assert.deepEqual(await leave(60_000), { ended: 0 });
    const socket = connect(port, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });

  test('a request under way is finished, and its client is told to leave the connection', async t => {
    const { ask, next, drain: leave, server } = await worker(t);
    const arrival = next();
    const response = responseOf(ask());
    const served = await arrival;
    const left = leave(60_000);
    answer(served, 'done');
    const { res, text } = await response;
    assert.equal(text, 'done');
    assert.equal(res.headers.connection, 'close');
    assert.deepEqual(await left, { ended: 0 });
    assert.equal(server.connections, 0);
  });

  test('a stream that has begun goes on through the drain', async t => {
    const { ask, next, drain: leave } = await worker(t);
    const arrival = next();
    const response = responseOf(ask());
    const { res } = await arrival;
    res.write('one ');
    const left = leave(60_000);
    res.write('two ');
    res.end('three');
    assert.equal((await response).text, 'one two three');
    assert.deepEqual(await left, { ended: 0 });
  });

  test('a request that comes on a kept connection while draining is served, not lost', { timeout: 10_000 }, async t => {
    const { ask, next, drain: leave } = await worker(t);
    const first = next();
    const firstResponse = responseOf(ask());
    answer(await first, 'one');
    assert.equal((await firstResponse).res.headers.connection, 'keep-alive');
    const left = leave(60_000);
    const second = next();
    const secondResponse = responseOf(ask());
    answer(await second, 'two');
    const { res, text } = await secondResponse;
    assert.deepEqual([text, res.headers.connection], ['two', 'close']);
    assert.deepEqual(await left, { ended: 0 });
  });

  test('an idle kept connection is closed when its grace is over, long before the deadline', {
    timeout: 10_000,
  }, async t => {
    const { ask, next, drain: leave, server } = await worker(t);
    const arrival = next();
    const response = responseOf(ask());
    answer(await arrival, 'one');
    await response;
    assert.equal(server.connections, 1);
    assert.deepEqual(await leave(60_000), { ended: 0 });
    assert.equal(server.connections, 0);
  });

  test('a connection that never said anything does not hold the worker', { timeout: 10_000 }, async t => {
    const { port, server, drain: leave } = await worker(t);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    while (server.connections === 0) await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(await leave(60_000), { ended: 0 });
  });

  test('what is not done at the deadline is ended in protocol and counted', { timeout: 10_000 }, async t => {
    const { ask, next, drain: leave } = await worker(t);
    const arrival = next();
    const response = responseOf(ask());
    const { context, res } = await arrival;
    res.write('one ');
    context.signal.addEventListener('abort', () => res.end(`error: ${(context.signal.reason as Error).message}`));
    assert.deepEqual(await leave(100), { ended: 1 });
    assert.match((await response).text, /^one error: the server is restarting/);
  });

  test('who does not even hear the farewell is cut', { timeout: 10_000 }, async t => {
    const { ask, next, drain: leave } = await worker(t);
    const arrival = next();
    const response = responseOf(ask());
    const lost = assert.rejects(response);
    (await arrival).res.write('one ');
    assert.deepEqual(await leave(100), { ended: 1 });
    await lost;
  });

  test('a server that has left still tells its port: the private door is asked for it during a drain', async t => {
    const { server, port } = await worker(t);
    server.leave();
    assert.equal(server.port, port);
  });
});

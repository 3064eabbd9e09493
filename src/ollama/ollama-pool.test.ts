import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { OllamaPool, type OllamaPoolOptions } from './ollama-pool.ts';
import type { UpstreamHost, UpstreamRequest } from './upstream-host.ts';

const limits = { firstMs: 5000, stallMs: 5000, totalMs: 5000 };
const never = new AbortController().signal;
const chat: UpstreamRequest = { method: 'POST', path: '/api/chat', headers: {}, body: '{}' };

/** An Ollama as far as a probe sees one; `answer` handles everything else. */
function ollama(answer: RequestListener = (_, res) => void res.end('{}')): RequestListener {
  return (req, res) => {
    const body = { '/api/version': { version: '0.33.0' }, '/api/tags': { models: [{ name: 'a' }, { name: 'b' }] } }[
      req.url ?? ''
    ];
    if (body === undefined) answer(req, res);
    else res.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  };
}

async function listen(
  t: TestContext,
  listener: RequestListener,
  port = 0,
): Promise<{ server: Server; url: string; port: number }> {
  const server = createServer(listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => stop(server));
  const at = (server.address() as AddressInfo).port;
  return { server, url: `http://127.0.0.1:${at}`, port: at };
}

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** A port that nobody listens on. */
async function deadUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

function poolOf(t: TestContext, urls: readonly string[], over: Partial<OllamaPoolOptions> = {}): OllamaPool {
  const pool = new OllamaPool({
    upstreams: urls.map(url => ({ url })),
    connectMs: 1000,
    requestMs: 1000,
    embedMs: 1000,
    healthIntervalMs: 60_000,
    via: 'test',
    random: () => 0.5,
    onHostChange: () => undefined,
    ...over,
  });
  t.after(() => pool.stop());
  return pool;
}

const open = (pool: OllamaPool, request = chat, signal = never) => pool.open(request, limits, signal);

async function finish(attempt: { exchange: AsyncIterable<Buffer> }): Promise<void> {
  for await (const _ of attempt.exchange);
}

test('after the start every host is known: its version and models, or why it is down', async t => {
  const up = await listen(t, ollama());
  const changes: string[] = [];
  const onHostChange = (host: UpstreamHost): void => void changes.push(`${host.name} ${host.state.is}`);
  const dead = await deadUrl();
  const pool = poolOf(t, [up.url, dead], { onHostChange });
  assert.deepEqual(
    pool.hosts.map(host => host.state.is),
    ['unknown', 'unknown'],
  );
  await pool.start();
  assert.deepEqual(pool.hosts[0]!.state, { is: 'up', version: '0.33.0', models: 2 });
  const { state } = pool.hosts[1]!;
  assert.ok(state.is === 'down');
  assert.match(state.reason, /ECONNREFUSED/);
  assert.deepEqual(changes.sort(), [`127.0.0.1:${up.port} up`, `${new URL(dead).host} down`].sort());
});

test('a host that answers a probe with an error, or with something else, is down', async t => {
  const broken = await listen(t, (_, res) => void res.writeHead(500).end('{"error":"disk full"}'));
  const html = await listen(t, (_, res) => void res.end('<html>'));
  const pool = poolOf(t, [broken.url, html.url]);
  await pool.start();
  assert.deepEqual(
    pool.hosts.map(host => host.state.is),
    ['down', 'down'],
  );
});

test('a host that accepts and says nothing is silent when the request limit is over', async t => {
  const silent = await listen(t, () => undefined);
  const pool = poolOf(t, [silent.url], { requestMs: 50 });
  await pool.start();
  assert.equal(pool.hosts[0]!.state.is, 'silent');
});

test('reachable hosts come first, then those with fewer requests in flight, then the order of the configuration', async t => {
  const pool = poolOf(t, ['http://a:1', 'http://b:1', 'http://c:1', 'http://d:1']);
  const [a, b, c, d] = pool.hosts as readonly [UpstreamHost, UpstreamHost, UpstreamHost, UpstreamHost];
  const names = (): string =>
    pool
      .candidates()
      .map(host => host.name[0])
      .join('');
  assert.equal(names(), 'abcd');
  a.inFlight = 2;
  b.inFlight = 1;
  assert.equal(names(), 'cdba');
  c.state = { is: 'down', reason: 'x' };
  d.state = { is: 'up', version: '1', models: 0 };
  assert.equal(names(), 'dbac');
});

test('requests in flight are counted until the answer is over', async t => {
  let end: () => void = () => undefined;
  const { url } = await listen(
    t,
    ollama((_, res) => {
      res.write('x');
      end = () => res.end();
    }),
  );
  const pool = poolOf(t, [url]);
  const [host] = pool.hosts;
  const attempt = await open(pool);
  assert.equal(host!.inFlight, 1);
  end();
  await finish(attempt);
  assert.equal(host!.inFlight, 0);
});

test('two requests at a time go to two hosts', async t => {
  const listener = ollama((_, res) => void res.write('x'));
  const urls = [(await listen(t, listener)).url, (await listen(t, listener)).url];
  const pool = poolOf(t, urls);
  const abort = new AbortController();
  const [first, second] = await Promise.all([open(pool, chat, abort.signal), open(pool, chat, abort.signal)]);
  assert.notEqual(first.host, second.host);
  abort.abort();
});

test('a host that cannot be dialled is passed over and marked down', async t => {
  const up = await listen(t, ollama());
  const changes: string[] = [];
  const pool = poolOf(t, [await deadUrl(), up.url], { onHostChange: host => changes.push(host.state.is) });
  const attempt = await open(pool);
  assert.equal(attempt.host, pool.hosts[1]);
  await finish(attempt);
  assert.equal(pool.hosts[0]!.state.is, 'down');
  assert.deepEqual(changes, ['down']);
  assert.equal(pool.candidates()[0], pool.hosts[1]);
  assert.deepEqual(
    pool.hosts.map(host => host.inFlight),
    [0, 0],
  );
});

test('when no host can be dialled the error names all of them', async t => {
  const [a, b] = [await deadUrl(), await deadUrl()];
  const pool = poolOf(t, [a, b]);
  await assert.rejects(open(pool), {
    code: 'upstream_unreachable',
    message: `no Ollama server can be reached (tried ${new URL(a).host}, ${new URL(b).host})`,
  });
});

test('a connection that breaks behind the dial is not tried on another host here', async t => {
  let asked = 0;
  const breaking = await listen(
    t,
    ollama(req => req.socket.destroy()),
  );
  const other = await listen(
    t,
    ollama(() => asked++),
  );
  const pool = poolOf(t, [breaking.url, other.url]);
  await assert.rejects(open(pool), { code: 'upstream_broken' });
  assert.equal(asked, 0);
  assert.notEqual(pool.hosts[0]!.state.is, 'down');
});

test('a body that is read from the client is sent once only', async t => {
  let asked = 0;
  const up = await listen(
    t,
    ollama(() => asked++),
  );
  const pool = poolOf(t, [await deadUrl(), up.url]);
  await assert.rejects(open(pool, { ...chat, body: Readable.from(['x']) }), { code: 'upstream_unreachable' });
  assert.equal(asked, 0);
});

test('an abort while waiting for the status ends the wait, and marks nobody down', async t => {
  const { url, server } = await listen(
    t,
    ollama(() => undefined),
  );
  const pool = poolOf(t, [url]);
  const abort = new AbortController();
  const waiting = open(pool, chat, abort.signal);
  await once(server, 'request');
  abort.abort();
  await assert.rejects(waiting, { code: 'client_closed' });
  assert.equal(pool.hosts[0]!.state.is, 'unknown');
  assert.equal(pool.hosts[0]!.inFlight, 0);
});

test('the Host of the upstream is sent, and a prefix of its URL is kept', async t => {
  let seen: IncomingMessage | undefined;
  const { url, port } = await listen(t, (req, res) => {
    seen = req;
    res.end();
  });
  const pool = poolOf(t, [`${url}/ollama`]);
  await finish(await open(pool, { ...chat, headers: { 'content-type': 'application/json' } }));
  assert.equal(seen?.url, '/ollama/api/chat');
  assert.equal(seen?.headers.host, `127.0.0.1:${port}`);
  assert.equal(seen?.headers['content-type'], 'application/json');
});

test('a host that went down is found again when it is back, and again told once', { timeout: 10_000 }, async t => {
  const first = await listen(t, ollama());
  const changes: string[] = [];
  const changed = { wait: Promise.withResolvers<void>() };
  const onHostChange = (host: UpstreamHost): void => {
    changes.push(host.state.is);
    changed.wait.resolve();
  };
  const pool = poolOf(t, [first.url], { onHostChange, random: () => 0 });
  await pool.start();
  stop(first.server);
  await once(first.server, 'close');
  await assert.rejects(open(pool), { fault: 'ollama' });
  // The connection of the probe was kept alive, so the first failure may be a broken one; the next is a failed dial.
  if (pool.hosts[0]!.state.is !== 'down') await assert.rejects(open(pool), { code: 'upstream_unreachable' });
  assert.deepEqual(changes, ['up', 'down']);
  changed.wait = Promise.withResolvers<void>();
  await listen(t, ollama(), first.port);
  // The next look is due about a second after the change; its timer alone would not keep this process alive.
  const alive = setInterval(() => undefined, 1000);
  await changed.wait.promise;
  clearInterval(alive);
  assert.deepEqual(changes, ['up', 'down', 'up']);
});

test('an embedding goes through the client of the host and is counted', async t => {
  const { url } = await listen(
    t,
    ollama((_, res) => void res.setHeader('content-type', 'application/json').end('{"embeddings":[[1,2]]}')),
  );
  const [host] = poolOf(t, [url]).hosts;
  const answer = host!.embed({ model: 'm', input: ['a'] }, never);
  assert.equal(host!.inFlight, 1);
  assert.deepEqual((await answer).embeddings, [[1, 2]]);
  assert.equal(host!.inFlight, 0);
});

test('an embedding that is aborted closes its connection', async t => {
  const { url, server } = await listen(
    t,
    ollama(() => undefined),
  );
  const [host] = poolOf(t, [url], { embedMs: 60_000 }).hosts;
  const abort = new AbortController();
  const answer = host!.embed({ model: 'm', input: ['a'] }, abort.signal);
  const [req] = (await once(server, 'request')) as [IncomingMessage];
  abort.abort();
  await assert.rejects(answer);
  if (!req.socket.closed) await once(req.socket, 'close');
});

test('stop does not wait for a host that hangs in a probe', async t => {
  const { url, server } = await listen(t, () => undefined);
  const pool = poolOf(t, [url], { requestMs: 1500 });
  const started = pool.start();
  await once(server, 'request');
  const before = performance.now();
  await pool.stop();
  await started;
  assert.ok(performance.now() - before < 1000);
});

test('a host that dies is known to be down at once, and to be back soon after, whatever the interval', async t => {
  const up = await listen(t, ollama());
  const changed = { wait: Promise.withResolvers<string>() };
  const pool = poolOf(t, [up.url], { onHostChange: host => changed.wait.resolve(host.state.is) });
  const next = async (): Promise<string> => {
    const state = await changed.wait.promise;
    changed.wait = Promise.withResolvers();
    return state;
  };
  await pool.start();
  assert.equal(await next(), 'up');
  stop(up.server);
  assert.equal(await next(), 'down');
  await listen(t, ollama(), up.port);
  assert.equal(await next(), 'up');
});

test('a host that is looked at and lets in without a word is silent, and asked last', { timeout: 15_000 }, async t => {
  const mute = { on: false };
  const first = await listen(t, (req, res) => (mute.on ? undefined : ollama()(req, res)));
  const second = await listen(t, ollama());
  const pool = poolOf(t, [first.url, second.url], { requestMs: 100 });
  await pool.start();
  const [silent, other] = pool.hosts;
  assert.equal(await pool.look(silent!), true);
  mute.on = true;
  assert.equal(await pool.look(silent!), false);
  assert.equal(silent!.state.is, 'silent');
  const wanted = { model: 'a', body: '{}' };
  assert.deepEqual(
    pool.candidates(wanted).map(host => host.name),
    [other!.name],
  );
  assert.equal(pool.candidates().at(-1), silent);
  assert.equal(pool.home(), other);
});

test('where all hosts that are wanted drain, that is why there is none, whatever the others do', t => {
  const pool = poolOf(t, ['http://a:1', 'http://b:1'], { isDraining: host => host === 'a:1' });
  assert.equal(pool.nobody([], ['a:1']).code, 'hosts_draining');
  assert.equal(pool.nobody([]).code, 'upstream_unreachable');
  const gone = pool.nobody(['b:1'], ['b:1']);
  assert.deepEqual([gone.code, gone.message.includes('(tried b:1)')], ['upstream_unreachable', true]);
});

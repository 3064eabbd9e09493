import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { chat, deadUrl, finish, listen, never, ollama, open, poolOf } from '../../test/support/pool-hosts.ts';
import type { UpstreamHost } from './upstream-host.ts';

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

test('where all hosts that are wanted drain, that is why there is none, whatever the others do', t => {
  const pool = poolOf(t, ['http://a:1', 'http://b:1'], { isDraining: host => host === 'a:1' });
  assert.equal(pool.nobody([], ['a:1']).code, 'hosts_draining');
  assert.equal(pool.nobody([]).code, 'upstream_unreachable');
  const gone = pool.nobody(['b:1'], ['b:1']);
  assert.deepEqual([gone.code, gone.message.includes('(tried b:1)')], ['upstream_unreachable', true]);
});

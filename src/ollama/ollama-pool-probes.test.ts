/** What the pool knows of its hosts by looking at them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { deadUrl, listen, ollama, open, poolOf, stop } from '../../test/support/pool-hosts.ts';
import type { UpstreamHost } from './upstream-host.ts';

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

test('stop does not wait for a host that hangs in a probe', async t => {
  const { url, server } = await listen(t, () => undefined);
  const pool = poolOf(t, [url], { requestMs: 20_000 });
  const started = pool.start();
  await once(server, 'request');
  const before = performance.now();
  await pool.stop();
  await started;
  assert.ok(performance.now() - before < 10_000);
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

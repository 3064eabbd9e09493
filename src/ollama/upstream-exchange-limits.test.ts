/** How long an exchange may take: until its first token, between two of them, and in all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { closed, drip, failure, readAll, upstream } from '../../test/support/exchange-upstream.ts';

test('silence before the response ends with `first_token_timeout` and closes the connection', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { send: start, sockets, server } = await upstream(t, () => undefined);
  let ends = 0;
  const exchange = start({ limits: { firstMs: 30 }, onEnd: () => ends++ });
  await once(server, 'request');
  t.mock.timers.tick(29);
  assert.equal(ends, 0);
  t.mock.timers.tick(1);
  assert.equal((await failure(exchange.opened())).code, 'first_token_timeout');
  await closed(sockets[0]);
  assert.equal(ends, 1);
});

test('silence in the middle of the answer ends with `stall_timeout` and closes the connection', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { send: start, sockets } = await upstream(t, (_, res) => void res.write('one'));
  const exchange = start({ limits: { stallMs: 30 } });
  await exchange.opened();
  assert.equal((await exchange.next()).value?.toString(), 'one');
  t.mock.timers.tick(30);
  assert.equal((await failure(exchange.next())).code, 'stall_timeout');
  await closed(sockets[0]);
});

test('a stream that keeps moving does not stall, however long it takes in total', async t => {
  const { send: start } = await upstream(t, (_, res) => drip(res, 60, 10));
  const exchange = start({ limits: { firstMs: 400, stallMs: 400 } });
  await exchange.opened();
  const startedAt = performance.now();
  assert.equal(await readAll(exchange), '.'.repeat(60));
  assert.ok(performance.now() - startedAt > 400);
});

test('the total limit ends a stream that keeps moving', async t => {
  const { send: start } = await upstream(t, (_, res) => drip(res, 1000, 5));
  const exchange = start({ limits: { totalMs: 60 } });
  await exchange.opened();
  assert.equal((await failure(readAll(exchange))).code, 'total_timeout');
});

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

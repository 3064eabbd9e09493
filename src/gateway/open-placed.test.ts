import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { attemptDeps } from '../../test/support/attempt-deps.ts';
import { testAsker } from '../../test/support/test-asker.ts';
import { OllamaPool } from '../ollama/ollama-pool.ts';
import { AttemptPlan } from './attempt-plan.ts';
import { openPlaced, type Placed } from './open-placed.ts';
import type { Place } from './placing.ts';

const limits = { firstMs: 5000, stallMs: 5000, totalMs: 5000 };
const never = new AbortController().signal;
const done = '{"done":true}\n';

function planFor(host: string, leftMs: () => number): AttemptPlan {
  const target = { model: 'M', embeds: false };
  return new AttemptPlan(attemptDeps([host]), target, { asked: [], barred: [] }, leftMs);
}

/** Everything that was done with the slots, in order. */
async function setUp(t: TestContext, listener: RequestListener | undefined, waitingMs = 0) {
  let leftMs = limits.totalMs;
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const name = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  if (listener === undefined) server.close();
  const hosts = new OllamaPool({
    upstreams: [{ url: `http://${name}` }],
    connectMs: 1000,
    requestMs: 1000,
    embedMs: 1000,
    healthIntervalMs: 60_000,
    via: 'test',
    random: () => 0.5,
    onHostChange: () => undefined,
  });
  t.after(() => hosts.stop());
  const told: string[] = [];
  const left = Promise.withResolvers<void>();
  const enter = async (entry: { model: string; hosts: () => readonly string[] }): Promise<Place> => {
    const [host = ''] = entry.hosts();
    leftMs -= waitingMs;
    told.push(`enter ${entry.model}`);
    return {
      host,
      waitedMs: waitingMs,
      leave: how => {
        told.push(how ?? 'left');
        left.resolve();
      },
      observe: () => undefined,
      overloaded: () => void told.push('overloaded'),
    };
  };
  const open = (over: { signal?: AbortSignal; limits?: Partial<typeof limits> } = {}): Promise<Placed> =>
    openPlaced(
      { hosts, admission: { enter }, limits: { ...limits, ...over.limits } },
      {
        request: { method: 'POST', path: '/api/chat', headers: {}, body: '{}', model: 'M' },
        wanted: { asker: testAsker, model: 'M', body: '{}' },
        plan: planFor(name, () => leftMs),
      },
      over.signal ?? never,
    );
  return { open, told, left: left.promise, hosts };
}

test('a slot is held until the host has sent all, whoever reads it', async t => {
  const end = Promise.withResolvers<void>();
  const { open, told, left, hosts } = await setUp(t, async (_, res) => {
    res.write('{"done":false}\n');
    await end.promise;
    res.end(done);
  });
  await open();
  assert.deepEqual(told, ['enter m:latest']);
  assert.equal(hosts.hosts[0]?.inventory.isLoaded('m:latest'), true);
  end.resolve();
  await left;
  assert.deepEqual(told, ['enter m:latest', 'left']);
});

test('a slot of what was aborted is left as such, before and behind the first byte', async t => {
  for (const begins of [false, true]) {
    const abort = new AbortController();
    const { open, told, left } = await setUp(t, (_, res) => {
      if (begins) res.write('{"done":false}\n');
      else abort.abort();
    });
    const opening = open({ signal: abort.signal });
    if (begins) {
      await opening;
      abort.abort();
    } else {
      await assert.rejects(opening, { code: 'client_closed' });
    }
    await left;
    assert.equal(told[1], 'aborted');
  }
});

test('a host that is busy or late is told as overloaded; one that refuses is not', async t => {
  const refuses = (status: number): RequestListener => {
    const body = JSON.stringify({ error: 'server busy, please try again' });
    return (_, res) => void res.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };
  const busy = await setUp(t, refuses(503));
  await assert.rejects(busy.open(), { status: 503 });
  assert.ok(busy.told.includes('overloaded') && busy.told.includes('left'));
  const refused = await setUp(t, refuses(400));
  await assert.rejects(refused.open(), { status: 400 });
  assert.ok(!refused.told.includes('overloaded') && refused.told.includes('left'));
  const late = await setUp(t, () => undefined);
  await assert.rejects(late.open({ limits: { firstMs: 30 } }), { code: 'first_token_timeout' });
  assert.deepEqual(late.told.slice(1, 3), ['overloaded', 'aborted']);
});

test('a host that cannot be dialled leaves no slot taken, and there is none to ask after it', async t => {
  const { open, told } = await setUp(t, undefined);
  await assert.rejects(open(), { code: 'upstream_unreachable' });
  assert.deepEqual(told, ['enter m:latest', 'left']);
});

test('what was waited in line is not there any more for the answer', async t => {
  const { open } = await setUp(t, () => undefined, limits.totalMs - 30);
  await assert.rejects(open(), { code: 'total_timeout' });
});

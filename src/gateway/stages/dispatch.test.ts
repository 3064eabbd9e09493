import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { attemptDeps, freeAdmission } from '../../../test/support/attempt-deps.ts';
import { modelPolicy } from '../../../test/support/model-policy.ts';
import { testAsker } from '../../../test/support/test-asker.ts';
import { AnswerTimes } from '../../ollama/answer-times.ts';
import { OllamaPool } from '../../ollama/ollama-pool.ts';
import { AdaptiveLimits } from '../adaptive-limits.ts';
import type { Generate, NativeStream } from '../generate.ts';
import { createPipeline } from '../pipeline.ts';

const limits = { firstMs: 5000, stallMs: 5000, totalMs: 5000 };
const never = new AbortController().signal;
const job = { path: '/api/chat', model: 'm', body: '{"model":"m"}', tenant: 'local', asker: testAsker } as const;
const final = '{"message":{"content":"hi"},"done":true}\n';

const answers =
  (text = final) =>
  (_: unknown, res: ServerResponse) =>
    void res.setHeader('content-type', 'application/x-ndjson').end(text);
const refuses = (status: number, error: string) => (_: unknown, res: ServerResponse) =>
  void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
const missing = refuses(404, "model 'm' not found");

interface TestHosts {
  readonly generate: Generate;
  readonly pool: OllamaPool;
  readonly names: readonly string[];
  /** How often each host was asked. */
  readonly asked: number[];
}

function pipelineOf(pool: OllamaPool, firstMs = limits.firstMs, adaptive?: AdaptiveLimits): Generate {
  const attempts = attemptDeps(pool.hosts.map(host => host.name));
  return createPipeline({
    placed: { hosts: pool, admission: freeAdmission, limits: { ...limits, firstMs }, adaptive },
    attempts,
    models: modelPolicy(),
  });
}

/** `undefined` is a host that cannot be dialled. */
async function hosts(t: TestContext, ...listeners: Array<RequestListener | undefined>): Promise<TestHosts> {
  const asked = listeners.map(() => 0);
  const urls: string[] = [];
  for (const [index, listener] of listeners.entries()) {
    const server = createServer((req, res) => {
      asked[index]!++;
      req.resume();
      listener?.(req, res);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    if (listener === undefined) {
      server.close();
      await once(server, 'close');
    }
  }
  const pool = new OllamaPool({
    upstreams: urls.map(url => ({ url })),
    connectMs: 1000,
    requestMs: 1000,
    embedMs: 1000,
    healthIntervalMs: 60_000,
    via: 'test',
    random: () => 0.5,
    onHostChange: () => undefined,
  });
  t.after(() => pool.stop());
  return { generate: pipelineOf(pool), pool, names: pool.hosts.map(host => host.name), asked };
}

async function read(stream: NativeStream): Promise<string> {
  let text = '';
  for await (const block of stream) text += block.toString();
  return text;
}

test('the answer of the first host is given, with its name', async t => {
  const { generate, names, asked } = await hosts(t, answers(), answers());
  const stream = await generate(job, never);
  assert.equal(stream.upstream, names[0]);
  assert.equal(await read(stream), final);
  assert.equal(stream.final?.['done'], true);
  assert.deepEqual(asked, [1, 0]);
});

test('the job is sent as it is, to its path, as JSON', async t => {
  const seen = Promise.withResolvers<string>();
  const { generate } = await hosts(t, async (req, res) => {
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += String(chunk);
    seen.resolve(`${req.method} ${req.url} ${req.headers['content-type']} ${body}`);
    answers()(req, res);
  });
  await read(await generate({ ...job, path: '/api/generate' }, never));
  assert.equal(await seen.promise, 'POST /api/generate application/json {"model":"m"}');
});

test('a host that does not have the model is passed over', async t => {
  const { generate, names, asked } = await hosts(t, missing, missing, answers());
  const stream = await generate(job, never);
  assert.equal(stream.upstream, names[2]);
  await read(stream);
  assert.deepEqual(asked, [1, 1, 1]);
});

test('when no host has the model, its refusal is kept word for word', async t => {
  const { generate, asked } = await hosts(t, missing, refuses(404, 'model "m" not found, try pulling it first'));
  await assert.rejects(generate(job, never), {
    code: 'model_not_found',
    status: 404,
    message: 'model "m" not found, try pulling it first',
  });
  assert.deepEqual(asked, [1, 1]);
});

test('any other refusal is not taken to the next host', async t => {
  const sentence = '"m" does not support thinking';
  const { generate, asked } = await hosts(t, refuses(400, sentence), answers());
  await assert.rejects(generate(job, never), { code: 'upstream_refused', status: 400, message: sentence });
  assert.deepEqual(asked, [1, 0]);
});

test('a host that cannot be dialled and one without the model are both passed over', async t => {
  const { generate, names, asked } = await hosts(t, undefined, missing, answers());
  const stream = await generate(job, never);
  assert.equal(stream.upstream, names[2]);
  await read(stream);
  assert.deepEqual(asked, [0, 1, 1]);
});

test('no host at all is `upstream_unreachable`', async t => {
  const { generate } = await hosts(t, undefined, undefined);
  await assert.rejects(generate(job, never), { code: 'upstream_unreachable' });
  await assert.rejects((await hosts(t)).generate(job, never), { code: 'upstream_unreachable' });
});

test('a connection that breaks before an answer is tried once more', async t => {
  let times = 0;
  const { generate, asked } = await hosts(t, (req, res) => {
    if (times++ === 0) req.socket.destroy();
    else answers()(req, res);
  });
  assert.equal(await read(await generate(job, never)), final);
  assert.deepEqual(asked, [2]);
});

test('a connection that breaks again and again is given up', async t => {
  const { generate, asked } = await hosts(t, req => req.socket.destroy());
  await assert.rejects(generate(job, never), { code: 'upstream_broken' });
  assert.deepEqual(asked, [3]);
});

test('a connection that breaks behind the first byte is not tried again', async t => {
  const { generate, asked } = await hosts(t, (_, res) => {
    res.setHeader('content-type', 'application/x-ndjson');
    res.write('{"message":{"content":"a"},"done":false}\n', () => res.destroy());
  });
  const stream = await generate(job, never);
  await assert.rejects(read(stream), { code: 'upstream_broken' });
  assert.deepEqual(asked, [1]);
});

test('a page of HTML with status 200 is no answer, and its connection is closed', async t => {
  let closed: Promise<unknown> | undefined;
  const { generate } = await hosts(t, (req, res) => {
    closed = once(req.socket, 'close');
    res.setHeader('content-type', 'text/html').write('<html>');
  });
  await assert.rejects(generate(job, never), { code: 'upstream_invalid', message: /"text\/html" instead of NDJSON/ });
  await closed;
});

test('a redirect is no answer', async t => {
  const { generate } = await hosts(t, (_, res) => void res.writeHead(302, { location: '/login' }).end());
  await assert.rejects(generate(job, never), { code: 'upstream_invalid' });
});

test('an abort while waiting for the first byte ends the wait and is not retried', async t => {
  const abort = new AbortController();
  const { generate, asked } = await hosts(t, () => abort.abort());
  await assert.rejects(generate(job, abort.signal), { code: 'client_closed' });
  assert.deepEqual(asked, [1]);
});

test('silence before the first byte is not retried: the model may be at work', async t => {
  const silent = await hosts(t, () => undefined);
  const pool = new OllamaPool({
    upstreams: [{ url: `http://${silent.names[0]}` }],
    connectMs: 1000,
    requestMs: 1000,
    embedMs: 1000,
    healthIntervalMs: 60_000,
    via: 'test',
    random: () => 0.5,
    onHostChange: () => undefined,
  });
  t.after(() => pool.stop());
  const generate = pipelineOf(pool, 30);
  await assert.rejects(generate(job, never), { code: 'first_token_timeout' });
  assert.deepEqual(silent.asked, [1]);
});

test('a host that is known and falls silent is given up after what its answers take, not after what loading does', async t => {
  const whole = JSON.stringify({ message: { content: 'hi' }, done: true, eval_count: 2, eval_duration: 1e6 });
  const host = { hangs: false };
  const lists: Record<string, object> = {
    '/api/version': { version: '1' },
    '/api/tags': { models: [{ name: 'm:latest' }] },
    '/api/ps': { models: [{ name: 'm:latest' }] },
  };
  const { pool } = await hosts(t, (req, res) => {
    const list = lists[req.url ?? ''];
    if (list !== undefined) res.setHeader('content-type', 'application/json').end(JSON.stringify(list));
    else if (!host.hangs) answers(`${whole}\n`)(req, res);
  });
  const floors = { firstMs: 50, stallMs: 5000 };
  const generate = pipelineOf(pool, 60_000, new AdaptiveLimits({ times: new AnswerTimes(), floors }));
  await pool.hosts[0]?.probe(never);
  for (let count = 0; count < 5; count++) await Array.fromAsync(await generate(job, never));
  host.hangs = true;
  const startedAt = performance.now();
  await assert.rejects(generate(job, never), { code: 'first_token_timeout' });
  assert.ok(performance.now() - startedAt < 4000);
});

/** How a worker leaves: what is under way finishes, and what cannot finish says that it was cut. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askSocket } from '../../src/kernel/socket-request.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { ask, at } from '../support/keep-alive-load.ts';
import { doneContent, nativeLines, openStream } from '../support/open-stream.ts';
import { spawnWorker, startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';

const messages = [{ role: 'user', content: 'Tell me of the sea' }];
const chat = { model: 'llama3.2', messages, options: { num_predict: 40 } };

let fake: FakeOllama;

before(async () => {
  fake = await startFakeOllama({ tokenMs: 25, numParallel: 16 });
});

after(() => fake.stop());

function upstream(): Record<string, string> {
  return { OLLAMA_URLS: `${fake.url}#slots=16`, OLLAMA_MAX_CONNECTIONS: '16' };
}

async function refused(worker: TestWorker): Promise<boolean> {
  try {
    await ask(at(worker, '/api/show'), '{"model":"llama3.2"}', false);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}

/** Whoever gives an order with a deadline gives it again. */
function order({ home, pid }: TestWorker): Promise<unknown> {
  const socketPath = join(home, 'run', `blue-${pid}.sock`);
  return askSocket({ socketPath, method: 'POST', path: '/drain', timeoutMs: 2000 });
}

const ways: ReadonlyArray<[name: string, leave: (worker: TestWorker) => unknown]> = [
  ['SIGTERM', worker => worker.child.kill('SIGTERM')],
  ['SIGINT', worker => worker.child.kill('SIGINT')],
  ['the shutdown message', worker => worker.child.send('shutdown')],
  ['an order that is repeated', worker => Promise.all([order(worker), order(worker), order(worker)])],
  [
    'an order and a signal behind it',
    async worker => {
      await order(worker);
      worker.child.kill('SIGINT');
    },
  ],
];

for (const [name, leave] of ways) {
  test(`on ${name} a worker takes no more connections, finishes its stream and exits 0`, async () => {
    await using worker = await startWorker(upstream());
    const stream = await openStream(at(worker, '/api/chat'), chat);
    await stream.first;
    leave(worker);
    await until('new connections are refused', () => refused(worker));
    const end = await stream.ended;
    assert.equal(doneContent(end)?.split(' ').length, 40, end.text.slice(-300));
    assert.equal(await worker.exited, 0);
    assert.match(worker.output(), /worker has left/);
  });
}

const endless = { num_predict: 100_000 };
const dialects: ReadonlyArray<{ path: string; body: object; error: RegExp; success: RegExp }> = [
  {
    path: '/api/chat',
    body: { model: 'llama3.2', messages, options: endless },
    error: /\n\{"error":"[^\n]+"[^\n]*\}\n$/,
    success: /"done":true/,
  },
  {
    path: '/api/generate',
    body: { model: 'llama3.2', prompt: 'Tell', options: endless },
    error: /\n\{"error":"[^\n]+"[^\n]*\}\n$/,
    success: /"done":true/,
  },
  {
    path: '/v1/chat/completions',
    body: { model: 'llama3.2', messages, stream: true, max_tokens: 100_000 },
    error: /\n\ndata: \{"error":\{[^\n]+\}\n\n$/,
    success: /\[DONE\]|"finish_reason":"/,
  },
  {
    path: '/v1/completions',
    body: { model: 'llama3.2', prompt: 'Tell', stream: true, max_tokens: 100_000 },
    error: /\n\ndata: \{"error":\{[^\n]+\}\n\n$/,
    success: /\[DONE\]|"finish_reason":"/,
  },
  {
    path: '/v1/responses',
    body: { model: 'llama3.2', input: 'Tell', stream: true, max_output_tokens: 100_000 },
    error: /event: (?:response\.failed|error)\ndata: [^\n]+\n\n$/,
    success: /response\.completed/,
  },
  {
    path: '/v1/messages',
    body: { model: 'llama3.2', messages, stream: true, max_tokens: 100_000 },
    error: /event: error\ndata: \{"type":"error"[^\n]+\n\n$/,
    success: /message_stop/,
  },
];

test('beyond DRAIN_TIMEOUT every stream ends with the error of its dialect and none as a success', async t => {
  await using worker = await startWorker({ ...upstream(), DRAIN_TIMEOUT: '400ms' });
  const streams = await Promise.all(dialects.map(({ path, body }) => openStream(at(worker, path), body)));
  await Promise.all(streams.map(stream => stream.first));
  const collected = openStream(at(worker, '/api/chat'), { ...chat, stream: false, options: endless });
  await fake.control.waitFor(({ active }) => active > streams.length, AbortSignal.timeout(5000));
  worker.child.kill('SIGTERM');
  for (const [index, { path, error, success }] of dialects.entries()) {
    await t.test(path, async () => {
      const { text, whole } = await streams[index]!.ended;
      assert.ok(whole, 'the connection broke instead of the answer ending');
      assert.match(text.slice(-1500), error);
      assert.doesNotMatch(text, success);
    });
  }
  await t.test('an answer that is not streamed is a 503', async () => {
    const answer = await collected;
    assert.equal(answer.status, 503);
    assert.match(nativeLines((await answer.ended).text)[0]?.error ?? '', /\w/);
  });
  assert.equal(await worker.exited, 0);
});

test('a second signal ends the worker at once with 1', async () => {
  await using worker = await startWorker({ ...upstream(), DRAIN_TIMEOUT: '1m' });
  const stream = await openStream(at(worker, '/api/chat'), { ...chat, options: endless });
  await stream.first;
  worker.child.kill('SIGINT');
  await until('the worker is leaving', () => worker.output().includes('worker is leaving'));
  worker.child.kill('SIGINT');
  assert.equal(await worker.exited, 1);
  const { text, whole } = await stream.ended;
  assert.equal(whole, false);
  assert.doesNotMatch(text, /"done":true/);
});

test('a worker whose port is taken says so and exits 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await using worker = spawnWorker({ ...upstream(), PORT: String(port) });
  assert.equal(await worker.exited, 1);
  assert.match(worker.output(), /EADDRINUSE/);
  other.close();
});

test('a worker with a configuration that is not valid names every error and exits 78', async () => {
  await using worker = spawnWorker({ PORT: '0', DECI_WORKERS: 'many', STALL_TIMEOUT: '5' });
  assert.equal(await worker.exited, 78);
  for (const name of ['PORT', 'DECI_WORKERS', 'STALL_TIMEOUT'])
    assert.match(worker.output(), new RegExp(`  ${name}: expected`));
});

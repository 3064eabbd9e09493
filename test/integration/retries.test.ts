/** Hosts that fail for a moment: the client gets its whole answer, once, and nobody is asked more often than allowed. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Fault } from '../fake-ollama/faults.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { answerText, type DialectCase, dialectCases } from './resilience-cases.ts';
import { ask, chat, inferenceCount, json } from './wire.ts';

const quick = {
  HEARTBEAT_INTERVAL: 'off',
  FIRST_TOKEN_TIMEOUT: '700ms',
  LOAD_TIMEOUT: '700ms',
  STALL_TIMEOUT: '500ms',
  RETRY_BASE: '100ms',
  RETRY_BUDGET: '1',
  BREAKER_FAILURES: 'off',
  CACHE: 'off',
};

let first: FakeOllama;
let second: FakeOllama;
let one: TestWorker;
let two: TestWorker;

before(async () => {
  first = await startFakeOllama({ numParallel: 16 });
  second = await startFakeOllama({ numParallel: 16 });
  one = await startWorker({ OLLAMA_URLS: first.url, ...quick });
  two = await startWorker({ OLLAMA_URLS: `${first.url},${second.url}`, ...quick });
});
after(async () => {
  await one?.[Symbol.asyncDispose]();
  await two?.[Symbol.asyncDispose]();
  await first?.stop();
  await second?.stop();
});
beforeEach(async () => {
  await first.control.reset();
  await second.control.reset();
});

interface Passing {
  readonly name: string;
  readonly fault: Fault;
  /** Something of an answer has come by then: only who gets it whole does not see it. */
  readonly begun?: boolean;
  /** Only another host is asked. */
  readonly elsewhere?: boolean;
}

const passing: readonly Passing[] = [
  { name: 'resets', fault: { fault: 'reset' } },
  { name: 'is busy', fault: { fault: 'busy-503' } },
  { name: 'does not load the model', fault: { fault: 'load-failure' } },
  { name: 'answers with HTML', fault: { fault: 'html-200' } },
  { name: 'breaks before the first line', fault: { fault: 'half-line', after: 0 } },
  { name: 'says an error first', fault: { fault: 'error-line', after: 0 } },
  { name: 'hangs', fault: { fault: 'hang' }, elsewhere: true },
  { name: 'dies in the middle', fault: { fault: 'die-mid-stream', after: 2 }, begun: true },
  { name: 'ends silently', fault: { fault: 'end-silently', after: 2 }, begun: true },
  { name: 'sends nonsense in the middle', fault: { fault: 'malformed-line', after: 2 }, begun: true },
  { name: 'says an error in the middle', fault: { fault: 'error-line', after: 2 }, begun: true },
];

async function answers(worker: TestWorker, cases: readonly DialectCase[]): Promise<void> {
  for (const { name, path, body, read } of cases) {
    const { status, text } = await ask(worker, path, body);
    assert.equal(status, 200, `${name}: ${text}`);
    assert.equal(read(text), answerText, name);
  }
}

for (const { name, fault, begun, elsewhere } of passing) {
  const cases = begun === true ? dialectCases.filter(({ stream }) => !stream) : dialectCases;
  if (elsewhere !== true) {
    test(`the only host ${name} once: every dialect gets its whole answer with the second attempt`, async () => {
      for (const one_ of cases) {
        await first.control.reset();
        await first.control.fault({ ...fault, path: '/api/*', times: 1, skip: 0, method: 'POST' });
        await answers(one, [one_]);
        assert.equal(inferenceCount(first.control), 2, one_.name);
      }
    });
  }

  test(`the first of two hosts ${name} always: every dialect gets its whole answer from the other`, async () => {
    await first.control.fault({ ...fault, path: '/api/*', method: 'POST' });
    await answers(two, cases);
    assert.equal(inferenceCount(second.control), cases.length);
    assert.ok(inferenceCount(first.control) <= cases.length);
  });
}

for (const { name, path, body, read, error } of dialectCases.filter(({ stream }) => stream)) {
  test(`${name}: what breaks behind the first content is told, and not begun again`, async () => {
    for (const fake of [first, second]) await fake.control.fault({ fault: 'end-silently', after: 2, path: '/api/*' });
    const { text } = await ask(two, path, body);
    assert.match(String(error(text)), /ended the answer before it was complete/);
    assert.throws(() => assert.equal(read(text), answerText));
    assert.equal(inferenceCount(first.control) + inferenceCount(second.control), 1);
  });
}

test('a heartbeat is no content: behind it an attempt is still made again', async () => {
  await using worker = await startWorker({
    OLLAMA_URLS: `${first.url},${second.url}`,
    ...quick,
    HEARTBEAT_INTERVAL: '100ms',
  });
  for (const { name, path, body, read } of dialectCases.filter(({ stream }) => stream)) {
    await first.control.reset();
    await first.control.fault({ fault: 'hang', path: '/api/*', method: 'POST' });
    const { text } = await ask(worker, path, body);
    assert.equal(read(text), answerText, name);
  }
});

test('what fails always is told after three attempts, in its own words', async () => {
  await first.control.fault({ fault: 'load-failure', path: '/api/*', message: 'out of memory' });
  for (const { name, path, body, error } of dialectCases.filter(({ stream }) => stream)) {
    const earlier = inferenceCount(first.control);
    const { status, text } = await ask(one, path, body);
    assert.equal(status, 500, name);
    assert.match(String(error(text)), /out of memory/);
    assert.equal(inferenceCount(first.control) - earlier, 3, name);
  }
});

test('what the client did wrong is asked once', async () => {
  await ask(one, '/api/chat', { ...chat('x'), model: 'nope' });
  await first.control.fault({ fault: 'status', status: 400, message: 'no such option', path: '/api/chat' });
  assert.equal((await ask(one, '/api/chat', chat('x'))).status, 400);
  assert.equal(inferenceCount(first.control), 2);
});

test('embeddings: a runner that crashed is tried again, a bad request is not', async () => {
  const body = { model: 'nomic-embed-text', input: 'x', prompt: 'x' };
  for (const path of ['/api/embed', '/api/embeddings', '/v1/embeddings']) {
    for (const fault of ['crash-embed-400', 'reset', 'html-200'] as const) {
      await first.control.reset();
      await first.control.fault({ fault, path: '/api/emb*', times: 1 });
      const answer = await ask(one, path, body);
      assert.equal(answer.status, 200, `${path} ${fault}: ${answer.text}`);
      assert.match(answer.text, /embedding/);
      assert.equal(inferenceCount(first.control), 2);
    }
  }
  await first.control.reset();
  const refused = await ask(one, '/api/embed', { model: 'nomic-embed-text', input: 5 });
  assert.deepEqual([refused.status, json(refused)['error']], [400, 'invalid input type']);
  assert.equal(inferenceCount(first.control), 1);
});

test('a host that was there and goes for 2 s: nobody hears of it, and answers come soon after it is back', async () => {
  await using worker = await startWorker({ OLLAMA_URLS: first.url, OLLAMA_HEALTH_INTERVAL: '1s' });
  await first.control.refuse({ forMs: 2000, cut: true });
  const startedAt = performance.now();
  await Promise.all(
    dialectCases.map(async ({ name, path, body, read }) => {
      const { status, text } = await ask(worker, path, body);
      assert.equal(status, 200, `${name}: ${text}`);
      assert.equal(read(text), answerText, name);
    }),
  );
  assert.ok(performance.now() - startedAt < 2000 + 5000);
  assert.equal(inferenceCount(first.control), dialectCases.length);
});

test('a client that leaves while an attempt waits is not tried for again', async () => {
  await first.control.fault({ fault: 'busy-503', path: '/api/*' });
  await using worker = await startWorker({ OLLAMA_URLS: first.url, ...quick, RETRY_BASE: '60s' });
  const leaving = new AbortController();
  const asked = fetch(`${worker.url}/api/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${worker.key}` },
    body: JSON.stringify(chat('x')),
    signal: leaving.signal,
  });
  await first.control.waitFor(state => state.requests.some(({ path }) => path === '/api/chat'));
  leaving.abort();
  await assert.rejects(asked);
  assert.equal(inferenceCount(first.control), 1);
});

test('retries are a tenth of the requests once the first ten are spent', async () => {
  await using worker = await startWorker({
    OLLAMA_URLS: first.url,
    RETRY_BASE: '10ms',
    BREAKER_FAILURES: 'off',
  });
  await first.control.fault({ fault: 'load-failure', path: '/api/*' });
  for (let request = 0; request < 60; request++) assert.equal((await ask(worker, '/api/chat', chat('x'))).status, 500);
  const attempts = inferenceCount(first.control);
  assert.ok(attempts > 60 && attempts <= 60 + 10 + 6 + 3, `${attempts} attempts`);
  const metrics = (await ask(worker, '/metrics')).text;
  assert.match(metrics, /deci_retries_total\{reason="server_error",result="budget"\} \d+/);
});

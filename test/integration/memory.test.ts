/** A worker whose memory gets short: it refuses, lives, and is well again; and one that leaks says that it wants to be replaced. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { askWorkers, type WorkerState } from '../../scripts/lib/worker-sockets.ts';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { largeQuestions, type Told } from '../support/large-questions.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, bearer, type Json, json, lines, open } from './wire.ts';

const megabyte = 1024 * 1024;
let fake: FakeOllama;

before(async () => {
  fake = await startFakeOllama();
});
after(() => fake.stop());
beforeEach(() => fake.control.reset());

/** A heap of 128 MB, and an engine that dies at 160. */
function small(changes: Readonly<Record<string, string>> = {}): Promise<TestWorker> {
  return startWorker({
    OLLAMA_URLS: `${fake.url}#slots=1`,
    HEAP_LIMIT_MB: '128',
    NODE_OPTIONS: '--max-old-space-size=160',
    QUEUE_MAX: '1000',
    ...changes,
  });
}

async function stateOf({ home }: TestWorker): Promise<WorkerState> {
  const [asked] = await askWorkers(`${home}/run`);
  assert.ok(asked?.answer !== undefined);
  return asked.answer;
}

async function recordsOf(worker: TestWorker): Promise<Json[]> {
  const page = json(await ask(worker, '/api/journal?healer=memory-guard'));
  return page['data'] as Json[];
}

test('a burst that fills the heap is refused with 503, kills nobody, and is over when it is over', async () => {
  await using worker = await small();
  await fake.control.fault({ fault: 'hang', path: '/api/chat' });
  const abort = new AbortController();
  const answers: Told[] = [];
  // A small one has the slot: that of a large prompt is kept until its host can have finished with it.
  const asked: Array<Promise<unknown>> = largeQuestions(worker, 1, 1000, abort.signal);
  await fake.control.waitFor(state => state.requests.some(({ fault }) => fault === 'hang'));
  await until(
    'new work is refused',
    () => {
      if (asked.length < 400) {
        for (const answer of largeQuestions(worker, 10, 0.7 * megabyte, abort.signal)) {
          asked.push(answer.then(told => answers.push(told)));
        }
      }
      return answers.some(({ status }) => status === 503);
    },
    15_000,
  );
  const refused = answers.find(({ status }) => status === 503);
  assert.match(refused?.text ?? '', /short of memory/);
  assert.ok((refused?.retryAfter ?? 0) >= 5 && (refused?.retryAfter ?? 0) <= 10);
  for (const path of ['/api/health/live', '/metrics', '/api/journal', '/api/admin/queue']) {
    assert.equal((await ask(worker, path)).status, 200, path);
  }
  const openAi = await ask(worker, '/v1/chat/completions', { model: 'llama3.2', messages: [] });
  assert.equal(json(openAi)['error'] !== undefined && openAi.status, 503);

  abort.abort();
  await Promise.all(asked);
  await fake.control.reset();
  await until('it takes work again', async () => (await stateOf(worker)).memory?.stage === 'normal');
  const well = await ask(worker, '/api/chat', {
    model: 'llama3.2',
    messages: [{ role: 'user', content: 'hi' }],
    stream: false,
  });
  assert.equal(well.status, 200);
  assert.equal(worker.child.exitCode, null);
  await until('the record is complete', async () => (await recordsOf(worker)).every(({ result }) => result !== null));
  assert.deepEqual(
    (await recordsOf(worker)).map(({ action, target, result }) => [action, target, result]),
    [['relieve', `worker ${worker.pid}`, 'healed']],
  );
});

test('a body that does not fit any more is refused before it is read', async () => {
  await using worker = await small();
  await fake.control.fault({ fault: 'hang', path: '/api/chat' });
  const abort = new AbortController();
  const asked = largeQuestions(worker, 12, 15 * megabyte, abort.signal);
  const first = await Promise.any(
    asked.map(async answer => {
      const told = await answer;
      assert.equal(told.status, 503);
      return told;
    }),
  );
  assert.match(first.text, /short of memory/);
  abort.abort();
  await Promise.all(asked);
  const metrics = await ask(worker, '/metrics');
  assert.match(metrics.text, /^deci_memory_refused_total\{why="no_room"\} [1-9]/m);
  assert.equal(worker.child.exitCode, null);
});

test('so is one that does not say its length, as soon as it is too much', async () => {
  await using worker = await small();
  const options = { method: 'POST', headers: bearer(worker.key) };
  const requests = Array.from({ length: 6 }, () => httpRequest(`${worker.url}/api/chat`, options));
  const refused = requests.map(async request => {
    // Refused ones may be cut while they still send.
    request.on('error', () => undefined);
    const answered = once(request, 'response');
    const piece = Buffer.alloc(megabyte, 0x20);
    for (let sent = 0; sent < 30; sent++) request.write(piece);
    const [response] = (await answered) as [IncomingMessage];
    assert.equal(response.resume().statusCode, 503);
  });
  await Promise.any(refused);
  for (const request of requests) request.destroy();
  await Promise.allSettled(refused);
  assert.match((await ask(worker, '/metrics')).text, /^deci_memory_refused_total\{why="no_room"\} [1-9]/m);
  assert.equal(worker.child.exitCode, null);
});

test('a worker that leaks asks to be replaced before it dies, and says why', async () => {
  const leak = new URL('../faults/leak-memory.ts', import.meta.url).href;
  await using worker = await small({ NODE_OPTIONS: `--max-old-space-size=300 --import=${leak}` });
  assert.equal((await stateOf(worker)).replace, null);
  worker.child.kill('SIGUSR2');
  await until('it asks', async () => (await stateOf(worker)).replace !== null, 20_000);
  const { replace, memory } = await stateOf(worker);
  assert.equal(replace?.reason, 'memory_held');
  assert.ok(!Number.isNaN(Date.parse(replace?.since ?? '')));
  assert.ok(memory !== undefined && memory.stage !== 'normal' && memory.live_mb < 200, JSON.stringify(memory));
  assert.match((await ask(worker, '/metrics')).text, /^deci_workers_to_replace 1$/m);
  assert.deepEqual(
    (await recordsOf(worker)).map(({ action, result }) => [action, result]),
    [['relieve', null]],
  );
});

test('when memory is nearly gone, what holds most of it ends in its own protocol', async () => {
  const leak = new URL('../faults/leak-memory.ts', import.meta.url).href;
  await using worker = await small({ NODE_OPTIONS: `--max-old-space-size=400 --import=${leak}` });
  await fake.control.fault('hang-mid-stream');
  const messages = [{ role: 'user', content: 'x'.repeat(900_000) }];
  const large = await open(worker, '/api/chat', { model: 'llama3.2', messages });
  worker.child.kill('SIGUSR2');
  const [last] = lines(await large.text()).slice(-1);
  assert.match(String(last?.['error']), /short of memory and ended this answer/);
  assert.match((await ask(worker, '/metrics')).text, /^deci_memory_ended_total 1$/m);
});

test('in a dry run it says what it would do, and refuses nothing', async () => {
  const leak = new URL('../faults/leak-memory.ts', import.meta.url).href;
  // Far enough away that it has looked at its mode before it is there, which it does every 2 s.
  const env = { HEAP_LIMIT_MB: '200', NODE_OPTIONS: `--max-old-space-size=500 --import=${leak}` };
  await using worker = await small(env);
  const set = { mode: 'dry_run' };
  assert.equal((await ask(worker, '/api/admin/healers/memory-guard', set, { method: 'PUT' })).status, 200);
  worker.child.kill('SIGUSR2');
  // With a result: a record is written before anything is done, and completed behind it.
  await until('it is told', async () => (await recordsOf(worker)).some(({ result }) => result !== null), 20_000);
  assert.deepEqual(
    (await recordsOf(worker)).map(({ action, result }) => [action, result]),
    [['relieve', 'dry_run']],
  );
  const question = { model: 'llama3.2', messages: [{ role: 'user', content: 'hi' }], stream: false };
  assert.equal((await ask(worker, '/api/chat', question)).status, 200);
});

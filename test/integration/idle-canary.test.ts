/** Hosts that nobody asks: one whose runner hangs is found out, and what is asked of one that is well changes nothing there. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startWorker, type TestWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, chat, type Json, json } from './wire.ts';

let fake: FakeOllama;
let worker: TestWorker;
const model = 'llama3.2:latest';

before(async () => {
  fake = await startFakeOllama();
  worker = await startWorker({
    OLLAMA_URLS: fake.url,
    OLLAMA_CANARY_INTERVAL: '2s',
    OLLAMA_RESTART_COMMAND: 'off',
    CACHE: 'off',
    HEARTBEAT_INTERVAL: 'off',
  });
});
after(async () => {
  await worker?.[Symbol.asyncDispose]();
  await fake?.stop();
});
beforeEach(async () => await fake.control.reset());

const canaries = (): Json[] =>
  fake.control
    .state()
    .requests.filter(({ path, body }) => path === '/api/generate' && (body as Json | undefined)?.['prompt'] === '.')
    .map(({ body }) => body as Json);

async function row(): Promise<Json | undefined> {
  return (json(await ask(fake, '/api/ps'))['models'] as Json[]).find(({ name }) => name === model);
}

async function leavesAtMs(): Promise<number> {
  return Date.parse(String((await row())?.['expires_at']));
}

test('a canary neither loads a model anew nor keeps it in memory, and the next request keeps it as long as before', async () => {
  const options = { num_ctx: 8192 };
  await ask(fake, '/api/generate', { model, keep_alive: '10m', options });
  const leavesAt = await leavesAtMs();
  await until('it was asked twice', () => canaries().length >= 2, 30_000);
  assert.deepEqual(canaries()[0]?.['options'], { num_predict: 1, num_ctx: 8192 });
  assert.ok(Math.abs((await leavesAtMs()) - leavesAt) < 2000, 'it leaves when it would have');
  assert.equal(fake.control.state().models[model]?.loads, 1);
  // The model has been used through us, by somebody who says nothing of how long it is to stay.
  assert.equal((await ask(worker, '/api/chat', { ...chat('x', { model }), options })).status, 200);
  await until('it stays as long as it did', async () => (await leavesAtMs()) - Date.now() > 10 * 60_000 - 10_000);
  const metrics = await ask(worker, '/metrics');
  assert.match(metrics.text, /deci_canaries_total\{[^}]*result="answered"\} [1-9]/);
});

test('what is about to leave the memory, or is used by others, is not asked', async () => {
  await ask(fake, '/api/generate', { model, keep_alive: '30s' });
  const seen = canaries().length;
  const used = async (): Promise<number> =>
    Number(/deci_canaries_total\{[^}]*result="used"\} (\d+)/.exec((await ask(worker, '/metrics')).text)?.[1] ?? 0);
  const usedBefore = await used();
  await until(
    'it was seen to be in use',
    async () => {
      await ask(fake, '/api/generate', { model, prompt: 'x', keep_alive: '10m' });
      return (await used()) > usedBefore;
    },
    30_000,
  );
  assert.equal(canaries().length, seen);
});

test('a host that hangs while nobody asks it is wedged', { timeout: 60_000 }, async () => {
  await ask(fake, '/api/generate', { model, keep_alive: -1 });
  fake.control.wedge(model);
  await until(
    'it is wedged',
    async () => {
      const { data } = json(await ask(worker, '/api/admin/hosts'));
      return (data as Json[])[0]?.['state'] === 'wedged';
    },
    40_000,
  );
});

/** Models that are loaded before anybody asks for them, by one worker for all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster } from '../support/start-cluster.ts';
import { startWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, inferenceCount } from './wire.ts';

test('the listed models are loaded once at the start, and again on a host that has come back', async () => {
  const first = await startFakeOllama({ models: ['one', 'two', 'three', 'nomic-embed-text'] });
  await using cluster = await startCluster({
    workers: 2,
    env: { OLLAMA_URLS: first.url, PRE_WARM: 'one,two,nomic-embed-text', OLLAMA_HEALTH_INTERVAL: '200ms' },
  });
  const loaded = (fake: typeof first): string[] =>
    Object.entries(fake.control.state().models)
      .filter(([, model]) => model.loads > 0)
      .map(([name]) => name)
      .toSorted();
  await until('all are loaded', () => loaded(first).length === 3);
  assert.deepEqual(
    [loaded(first), inferenceCount(first.control)],
    [['nomic-embed-text:latest', 'one:latest', 'two:latest'], 4],
  );
  await first.stop();
  await until('every worker has seen it go', async () =>
    (await cluster.workers()).every(({ upstreams }) => upstreams.every(host => host.state.is === 'down')),
  );
  const again = await startFakeOllama({
    models: ['one', 'two', 'nomic-embed-text'],
    port: Number(new URL(first.url).port),
  });
  try {
    await until('all are loaded again', () => loaded(again).length === 3);
    assert.equal(inferenceCount(again.control), 4);
  } finally {
    await again.stop();
  }
});

test('a virtual model whose base is not there loads none of its fallbacks', async () => {
  const first = await startFakeOllama({ models: ['spare'] });
  const env = { OLLAMA_URLS: first.url, PRE_WARM: 'helpdesk', OLLAMA_HEALTH_INTERVAL: '200ms' };
  await using worker = await startWorker(env);
  const failures = (): number => worker.output().split('a model could not be loaded before somebody asks').length - 1;
  await until('nobody knows it yet', () => failures() === 1);
  const body = { base: 'absent', fallbacks: ['spare'] };
  assert.equal((await ask(worker, '/api/admin/models/helpdesk', body, { method: 'PUT' })).status, 200);
  const answered = await ask(worker, '/api/generate', { model: 'helpdesk', prompt: 'x', stream: false });
  assert.equal(answered.headers.get('x-deci-model'), 'spare', 'who asks is answered by it');
  await first.stop();
  await until('it has seen it go', () => worker.output().includes('ollama host is down'));
  const again = await startFakeOllama({ models: ['spare'], port: Number(new URL(first.url).port) });
  try {
    await until('it was tried again', () => failures() === 2);
    assert.equal(inferenceCount(again.control), 1);
    assert.ok(Object.values(again.control.state().models).every(({ loads }) => loads === 0));
  } finally {
    await again.stop();
  }
});

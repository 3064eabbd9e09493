/** Models that are loaded before anybody asks for them, by one worker for all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster } from '../support/start-cluster.ts';
import { until } from '../support/until.ts';
import { inferenceCount } from './wire.ts';

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

/** Models that only embed: they cannot be made to generate, and are tried and loaded by what they do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostCare } from '../../src/ollama/host-care.ts';
import { UpstreamHost } from '../../src/ollama/upstream-host.ts';
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts';
import { startCluster } from '../support/start-cluster.ts';
import { startWorker } from '../support/start-worker.ts';
import { until } from '../support/until.ts';
import { ask, type Json, json } from './wire.ts';

const model = 'nomic-embed-text';

test('one is loaded and tried by whoever heals', async () => {
  const fake = await startFakeOllama();
  const { signal } = new AbortController();
  const care = new HostCare(
    new UpstreamHost({ url: fake.url, connectMs: 1000, requestMs: 1000, embedMs: 1000, via: 'test' }),
  );
  try {
    await care.load(model, signal);
    assert.deepEqual(await care.loaded(), [`${model}:latest`]);
    await care.generateOne(model, signal);
    await assert.rejects(care.load('nobody-has-it', signal), /not found/);
  } finally {
    await care.stop();
    await fake.stop();
  }
});

test('a host that comes back with nothing else in memory is tried by it, and well', async () => {
  const fake = await startFakeOllama();
  await using cluster = await startCluster({
    workers: 1,
    env: {
      OLLAMA_URLS: fake.url,
      OLLAMA_HEALTH_INTERVAL: '300ms',
      RETRY_MAX: '1',
      FIRST_TOKEN_TIMEOUT: '300ms',
      LOAD_TIMEOUT: '300ms',
      CACHE: 'off',
    },
  });
  const embed = async (): Promise<number> => (await ask(cluster, '/api/embed', { model, input: 'x' })).status;
  const open = async (): Promise<number> =>
    (json(await ask(cluster, '/api/admin/breakers'))['data'] as Json[]).filter(({ state }) => state !== 'closed')
      .length;
  try {
    assert.equal(await embed(), 200);
    await fake.control.fault({ fault: 'hang', path: '/api/embed' });
    for (let time = 0; time < 5; time++) await embed();
    assert.ok((await open()) > 0);
    await fake.control.clearFaults();
    await until('every breaker is closed', async () => (await open()) === 0, 20_000);
    assert.equal(await embed(), 200);
  } finally {
    await fake.stop();
  }
});

test('every dialect waits for an answer as long', async () => {
  const fake = await startFakeOllama();
  await using worker = await startWorker({
    OLLAMA_URLS: fake.url,
    RETRY_MAX: '1',
    LOAD_TIMEOUT: '1s',
    CACHE: 'off',
  });
  try {
    await fake.control.fault({ fault: 'hang', path: '/api/embed' });
    for (const path of ['/api/embed', '/v1/embeddings']) {
      const startedAt = performance.now();
      const answer = await ask(worker, path, { model, input: 'x' });
      assert.equal(answer.status, 504, `${path}: ${answer.text}`);
      assert.ok(performance.now() - startedAt < 3000, path);
    }
  } finally {
    await fake.stop();
  }
});

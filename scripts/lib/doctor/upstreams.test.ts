import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startFakeOllama } from '../../../test/fake-ollama/start-fake-ollama.ts';
import { runChecks } from './run-checks.ts';
import { upstreamChecks } from './upstreams.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('every host is asked; none of them, however it lies, is more than a warning', async t => {
  const fake = await startFakeOllama({});
  t.after(() => fake.stop());
  const onlyVersion: RequestListener = (req, res) =>
    res.end(req.url === '/api/version' ? '{"version":"0.5.0"}' : '<html>');
  const noModels: RequestListener = (req, res) =>
    res.end(req.url === '/api/version' ? '{"version":"0.5.0"}' : '{"models":[]}');
  const urls = [
    fake.url,
    await serve(t, (_req, res) => res.end('<html>')),
    await serve(t, (_req, res) => res.writeHead(500).end('{"version":"1"}')),
    await serve(t, () => undefined),
    'http://127.0.0.1:9',
    await serve(t, onlyVersion),
    await serve(t, noModels),
  ];
  const results = await runChecks(upstreamChecks(urls.map(url => ({ url }))));
  assert.deepEqual(
    results.map(({ name }) => name),
    urls,
  );
  assert.match(results[0]?.detail ?? '', /^Ollama \d.*, \d+ models$/);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['ok', 'warn', 'warn', 'warn', 'warn', 'warn', 'warn'],
  );
  assert.deepEqual(
    results.slice(1).map(({ detail }) => detail),
    [
      'answers, but not as Ollama does',
      'not reachable (status 500)',
      'not reachable (no answer within 2 s)',
      'not reachable (ECONNREFUSED)',
      'Ollama 0.5.0, but its list of models cannot be read (not a list)',
      'Ollama 0.5.0, 0 models',
    ],
  );
});

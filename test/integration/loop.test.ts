/** Deci in front of itself, by mistake: a request must not go round until memory ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { startWorker } from '../support/start-worker.ts';
import { ask, chat } from './wire.ts';

/** A way back to a server that nobody could see from its address. */
async function wayBack(): Promise<{ url: string; to(port: number): void } & AsyncDisposable> {
  const target = { port: 0 };
  const server = createServer(socket => {
    const back = connect(target.port, '127.0.0.1');
    socket.on('error', () => back.destroy()).pipe(back);
    back.on('error', () => socket.destroy()).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    to: to => {
      target.port = to;
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

test('a server whose Ollama is itself refuses what comes back to it, on every kind of route', async () => {
  await using back = await wayBack();
  await using worker = await startWorker({ OLLAMA_URLS: back.url });
  back.to(Number(new URL(worker.url).port));
  for (const [path, body] of [
    ['/api/tags', undefined],
    ['/api/ps', undefined],
    ['/api/chat', chat('hi')],
    ['/api/embed', { model: 'x', input: 'y' }],
    ['/api/show', { model: 'x' }],
    ['/v1/chat/completions', chat('hi')],
  ] as const) {
    const startedAt = performance.now();
    const answer = await ask(worker, path, body);
    assert.ok(answer.status >= 500, `${path}: ${answer.status} ${answer.text}`);
    assert.ok(performance.now() - startedAt < 3000, path);
  }
  const { text } = await ask(worker, '/metrics');
  const requests = [...text.matchAll(/^http_server_requests_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
  assert.ok(requests.reduce((sum, count) => sum + count, 0) < 100, text);
});

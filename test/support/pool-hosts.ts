/** Ollama servers for tests of the pool, as far as it looks at them, and pools that have them. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { OllamaPool, type OllamaPoolOptions } from '../../src/ollama/ollama-pool.ts';
import type { UpstreamRequest } from '../../src/ollama/upstream-host.ts';

const limits = { firstMs: 5000, stallMs: 5000, totalMs: 5000 };
export const never = new AbortController().signal;
export const chat: UpstreamRequest = { method: 'POST', path: '/api/chat', headers: {}, body: '{}' };

/** An Ollama as far as a probe sees one; `answer` handles everything else. */
export function ollama(answer: RequestListener = (_, res) => void res.end('{}')): RequestListener {
  return (req, res) => {
    const body = { '/api/version': { version: '0.33.0' }, '/api/tags': { models: [{ name: 'a' }, { name: 'b' }] } }[
      req.url ?? ''
    ];
    if (body === undefined) answer(req, res);
    else res.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  };
}

export async function listen(
  t: TestContext,
  listener: RequestListener,
  port = 0,
): Promise<{ server: Server; url: string; port: number }> {
  const server = createServer(listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => stop(server));
  const at = (server.address() as AddressInfo).port;
  return { server, url: `http://127.0.0.1:${at}`, port: at };
}

export function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** A port that nobody listens on. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

export function poolOf(t: TestContext, urls: readonly string[], over: Partial<OllamaPoolOptions> = {}): OllamaPool {
  const pool = new OllamaPool({
    upstreams: urls.map(url => ({ url })),
    connectMs: 1000,
    requestMs: 1000,
    embedMs: 1000,
    healthIntervalMs: 60_000,
    via: 'test',
    random: () => 0.5,
    onHostChange: () => undefined,
    ...over,
  });
  t.after(() => pool.stop());
  return pool;
}

export const open = (pool: OllamaPool, request = chat, signal = never) => pool.open(request, limits, signal);

export async function finish(attempt: { exchange: AsyncIterable<Buffer> }): Promise<void> {
  for await (const _ of attempt.exchange);
}

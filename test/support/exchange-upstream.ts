/** A host for tests of one exchange: what it does with a request is the test's own, and every socket of it can be looked at. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Pool } from 'undici';
import { DeciError } from '../../src/kernel/errors.ts';
import { type ExchangeLimits, UpstreamExchange } from '../../src/ollama/upstream-exchange.ts';

/** Nothing is late. */
export const patient: ExchangeLimits = { firstMs: 60_000, stallMs: 60_000, totalMs: 60_000 };
export const never = new AbortController().signal;

interface Upstream {
  readonly server: Server;
  readonly url: string;
  /** Sockets accepted so far. */
  readonly sockets: readonly Socket[];
  send(over?: { limits?: Partial<ExchangeLimits>; signal?: AbortSignal; onEnd?: () => void }): UpstreamExchange;
}

export async function upstream(t: TestContext, listener: RequestListener): Promise<Upstream> {
  const sockets: Socket[] = [];
  const server = createServer({ highWaterMark: 64 * 1024 }, listener);
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = poolFor(t, url);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url, sockets, send: over => send(pool, over) };
}

export function poolFor(t: TestContext, url: string): Pool {
  const pool = new Pool(url, { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 1000 } });
  t.after(() => pool.destroy());
  return pool;
}

export function send(pool: Pool, over: Parameters<Upstream['send']>[0] = {}): UpstreamExchange {
  const limits = { ...patient, ...over.limits };
  const exchange = new UpstreamExchange(limits, over.signal ?? never, over.onEnd ?? (() => undefined));
  pool.dispatch({ method: 'POST', path: '/api/chat', body: '{}' }, exchange);
  return exchange;
}

export async function readAll(exchange: UpstreamExchange): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of exchange) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Resolves with the error; for checks that need more of it than `assert.rejects` sees. */
export async function failure(work: Promise<unknown>): Promise<DeciError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof DeciError, String(error));
    return error;
  }
  return assert.fail('it did not fail');
}
export function drip(res: ServerResponse, times: number, everyMs: number): void {
  let left = times;
  const timer = setInterval(() => {
    if (res.destroyed || left-- === 0) {
      clearInterval(timer);
      res.end();
    } else res.write('.');
  }, everyMs);
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}

export async function closed(socket: Socket | undefined): Promise<void> {
  assert.ok(socket !== undefined);
  if (!socket.closed) await once(socket, 'close');
}

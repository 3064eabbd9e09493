/** What the tests of the fake share: a started server and ways to ask it, down to the bytes. */
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import type { FakeOptions } from './options.ts';
import { type FakeOllama, startFakeOllama } from './start-fake-ollama.ts';

export async function startFor(context: TestContext, options: Partial<FakeOptions> = {}): Promise<FakeOllama> {
  const fake = await startFakeOllama(options);
  context.after(() => fake.stop());
  return fake;
}

export function post(fake: FakeOllama, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${fake.url}${path}`, { method: 'POST', body: text, ...init });
}

export async function postJson(fake: FakeOllama, path: string, body: unknown): Promise<Record<string, unknown>> {
  return (await (await post(fake, path, body)).json()) as Record<string, unknown>;
}

export type Line = Record<string, unknown> & { message?: Record<string, unknown> };

export async function postLines(fake: FakeOllama, path: string, body: unknown): Promise<Line[]> {
  const text = await (await post(fake, path, body)).text();
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Line);
}

export const chat = (content: string, extra: Record<string, unknown> = {}) => ({
  model: 'llama3.2',
  messages: [{ role: 'user', content }],
  ...extra,
});

export interface RawAnswer {
  pieces: Buffer[];
  bytes: Buffer;
  /** How the connection ended, as the client saw it. */
  ending: 'end' | 'reset';
}

/** Sends one request over a bare socket and reads until the connection ends. */
export function rawPost(fake: FakeOllama, path: string, body: unknown): Promise<RawAnswer> {
  const text = JSON.stringify(body);
  const pieces: Buffer[] = [];
  return new Promise(resolve => {
    const finish = (ending: 'end' | 'reset') => resolve({ pieces, bytes: Buffer.concat(pieces), ending });
    const socket = connect(fake.port, '127.0.0.1');
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('end', () => finish('end'));
    socket.on('error', () => finish('reset'));
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  });
}

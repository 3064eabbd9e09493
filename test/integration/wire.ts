/** What the integration tests share: requests down to the bytes, answers taken apart, and looks at the workers from outside. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { FakeControl } from '../fake-ollama/control.ts';
import type { RecordedRequest } from '../fake-ollama/recorder.ts';
import { checkedFetch } from '../support/checked-fetch.ts';

export type Json = Record<string, unknown>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** A server, and the key for it if it wants one. */
export interface Server {
  readonly url: string;
  readonly key?: string;
}

export function bearer(key: string): { authorization: string } {
  return { authorization: `Bearer ${key}` };
}

/** One request with any body, as a client without manners sends it: no content type unless the test gives one. */
export async function ask(server: Server, path: string, body?: unknown, options: AskOptions = {}): Promise<Answer> {
  const response = await open(server, path, body, options);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The same, with the answer still on its way. */
export function open(server: Server, path: string, body?: unknown, options: AskOptions = {}): Promise<Response> {
  const key = server.key === undefined ? {} : bearer(server.key);
  return checkedFetch(`${server.url}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...key, ...options.headers },
    ...(body === undefined ? {} : { body: encode(body) }),
    // A request that nobody answers must fail its own test instead of keeping the process.
    signal: AbortSignal.timeout(30_000),
  });
}

function encode(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

export function json(answer: Answer): Json {
  return JSON.parse(answer.text) as Json;
}

/** Lines of NDJSON; every one must be an object. */
export function lines(text: string): Json[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Json);
}

export interface SseEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** Events of an SSE body; comments are left out. */
export function events(text: string): SseEvent[] {
  return text
    .split('\n\n')
    .map(block => block.split('\n'))
    .map(rows => ({ event: valueOf(rows, 'event: '), data: valueOf(rows, 'data: ') }))
    .filter((event): event is SseEvent => event.data !== undefined);
}

function valueOf(rows: readonly string[], prefix: string): string | undefined {
  return rows.find(row => row.startsWith(prefix))?.slice(prefix.length);
}

export const chat = (content: string, extra: Json = {}): Json => ({
  model: 'llama3.2',
  messages: [{ role: 'user', content }],
  ...extra,
});

export interface RawAnswer {
  /** Everything the server sent until it closed, or until `until` was satisfied. */
  readonly text: string;
  readonly closed: boolean;
}

/** Sends bytes over a bare socket and reads until the server closes or `until` holds; fails after `deadlineMs`. */
export function raw(
  port: number,
  bytes: string | Buffer | readonly string[],
  until?: (text: string) => boolean,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  let text = '';
  const socket = connect(port, '127.0.0.1');
  const timer = setTimeout(() => fail(new Error(`no end of the answer after ${deadlineMs} ms: ${text}`)), deadlineMs);
  const finish = (closed: boolean): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ text, closed });
  };
  const fail = (error: Error): void => {
    clearTimeout(timer);
    socket.destroy();
    reject(error);
  };
  socket.on('data', piece => {
    text += piece.toString('latin1');
    if (until?.(text) === true) finish(false);
  });
  socket.on('close', () => finish(true));
  // A server that refuses while the client still writes may reset the connection; what it said before counts.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  if (typeof bytes === 'string' || Buffer.isBuffer(bytes)) socket.write(bytes);
  else void drip(socket, bytes);
  return promise;
}

/** Each piece in a packet of its own. */
async function drip(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await wait(1);
  }
}

const deadlineMs = 5000;

export function statusOf(answer: RawAnswer): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.text)?.[1] ?? 0);
}

/** A request over a socket of its own, which the test may leave unread or break as it likes. */
export function rawPost(port: number, path: string, body: unknown): Socket {
  const text = JSON.stringify(body);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  return socket;
}

export function lastRequest(control: FakeControl, path: string): RecordedRequest {
  const found = control.state().requests.findLast(request => request.path === path);
  if (found === undefined) throw new Error(`the fake got no request for ${path}`);
  return found;
}

export function lastBody(control: FakeControl, path: string): Json {
  return lastRequest(control, path).body as Json;
}

/** Requests that clients caused; workers look at their hosts on their own all the time. */
export function inferenceCount(control: FakeControl): number {
  return control.state().requests.filter(request => /^\/api\/(chat|generate|embed)/.test(request.path)).length;
}

/** Ends within the time in which a gone client must have reached Ollama, or fails. */
export async function abortSeen(control: FakeControl, before: number, count = 1): Promise<void> {
  await control.waitFor(state => state.aborted >= before + count, AbortSignal.timeout(1000));
}

/** How far the workers' memory rises above what it was, looked at from outside while something goes on. */
export class PeakRss {
  readonly #baseline: ReadonlyMap<number, number>;
  readonly #timer: NodeJS.Timeout;
  #grownMb = 0;

  static async watch(cluster: { workers(): Promise<ReadonlyArray<{ readonly pid: number }>> }): Promise<PeakRss> {
    const workers = await cluster.workers();
    return new PeakRss(workers.map(({ pid }) => pid));
  }

  private constructor(pids: readonly number[]) {
    this.#baseline = new Map(pids.map(pid => [pid, rssMb(pid)]));
    this.#timer = setInterval(() => this.#look(), 20).unref();
  }

  /** The largest rise of one worker, in MB. */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#grownMb;
  }

  #look(): void {
    for (const [pid, before] of this.#baseline) this.#grownMb = Math.max(this.#grownMb, rssMb(pid) - before);
  }
}

function rssMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

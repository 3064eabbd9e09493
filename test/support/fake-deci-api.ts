/** Deci's own API as the `deci` command sees it: a real server with a journal and healers, which can lie and go away. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

export interface JournalRecord {
  readonly id: string;
  readonly [name: string]: unknown;
}

export const testKey = `deci_${'5e'.repeat(32)}`;

export class FakeDeciApi implements AsyncDisposable {
  /** Oldest first. */
  readonly records: JournalRecord[] = [];
  /** Everything that was asked, as `METHOD /path?query`. */
  readonly asked: string[] = [];
  readonly sent: string[] = [];
  /** Answers instead, when set. */
  lie: Answer | undefined;
  pageLimit = 100;
  #server: Server | undefined;
  #port = 0;

  /** On the port it had before. */
  async start(): Promise<this> {
    this.#server = createServer((req, res) => this.#answer(req, res));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  add(count: number, more: Readonly<Record<string, unknown>> = {}): void {
    for (let left = count; left > 0; left--) {
      const number = this.records.length + 1;
      this.records.push({
        id: `rec-${number}`,
        time: new Date(Date.UTC(2026, 0, 1, 0, 0, number)).toISOString(),
        healer: 'breaker',
        trigger: { signal: 'failures', value: 5, threshold: 5 },
        decision: 'open',
        action: 'stop_sending',
        target: 'http://10.0.0.1:11434',
        result: 'healed',
        duration_ms: 1234,
        requests_affected: 2,
        ids: [],
        ...more,
      });
    }
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const { method = '', url = '' } = req;
    this.asked.push(`${method} ${url}`);
    if (this.lie !== undefined) this.lie(req, res);
    else if (req.headers.authorization !== `Bearer ${testKey}`) refuse(res);
    else if (url.startsWith('/api/journal')) json(res, 200, this.#journal(new URL(url, this.url).searchParams));
    else if (url === '/api/admin/healers') json(res, 200, { data: [healer], total: 1 });
    else if (url === '/api/admin/healers/breaker' && method === 'PUT') this.#set(req, res);
    else if (url === '/api/admin/hosts') json(res, 200, { data: [host], next_cursor: null, has_more: false });
    else if (url === '/api/admin/hosts/gpu%3A11434/drain' && method === 'POST')
      json(res, 200, { ...host, state: 'draining' });
    else json(res, 404, { detail: 'there is no such healer', hint: 'See the list.', code: 'not_found' });
  }

  #set(req: IncomingMessage, res: ServerResponse): void {
    req.setEncoding('utf8').once('data', (text: string) => {
      this.sent.push(text);
      json(res, 200, { ...healer, ...(JSON.parse(text) as object) });
    });
  }

  #journal(query: URLSearchParams): unknown {
    const wanted = this.records.filter(record => [null, record['healer']].includes(query.get('healer')));
    const limit = Math.min(Number(query.get('limit')), this.pageLimit);
    const after = query.get('after');
    if (after !== null) {
      const rest = wanted.slice(wanted.findIndex(({ id }) => id === after) + 1);
      return { data: rest.slice(0, limit), next_cursor: null, has_more: rest.length > limit };
    }
    const from = Number(query.get('cursor') ?? 0);
    const data = wanted.toReversed().slice(from, from + limit);
    const hasMore = from + limit < wanted.length;
    return { data, next_cursor: hasMore ? String(from + limit) : null, has_more: hasMore };
  }
}

const healer = {
  name: 'breaker',
  repairs: 'a host that fails',
  mode: 'on',
  budget: { actions: 3, window_s: 600 },
  used: 1,
  last: '2026-01-01T00:00:01.500Z',
};

const host = {
  name: 'gpu:11434',
  state: 'busy',
  reason: null,
  version: '0.33.0',
  slots: { in_use: 5, max: 5 },
  models: [
    { name: 'llama3.2:latest', loaded: true },
    { name: 'qwen3:latest', loaded: false, differs: true },
  ],
};

function refuse(res: ServerResponse): void {
  const problem = {
    title: 'Unauthorized',
    detail: 'this server asks for a key',
    hint: 'Send a key.',
    request_id: 'r-1',
  };
  json(res, 401, problem);
}

export function json(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

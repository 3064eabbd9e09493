/** One Ollama server: its connections, what we know of it, and how many of our requests it is working on. */
import { Readable } from 'node:stream';
import { type EmbedRequest, type EmbedResponse, Ollama } from 'ollama';
import { Pool, Response, fetch as undiciFetch } from 'undici';
import { DeciError } from '../kernel/errors.ts';
import { Generations } from './generations.ts';
import { HostInventory } from './host-inventory.ts';
import { modelKey } from './model-key.ts';
import { RecentFailures } from './recent-failures.ts';
import { type ExchangeLimits, UpstreamExchange } from './upstream-exchange.ts';

export type HostState =
  | { readonly is: 'unknown' }
  | { readonly is: 'up'; readonly version: string; readonly models: number }
  /** It cannot be dialled, or what answers is no Ollama. */
  | { readonly is: 'down'; readonly reason: string }
  /** It lets in and does not answer. */
  | { readonly is: 'silent'; readonly reason: string };

export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string | AsyncIterable<Buffer> | null;
  /** The model that it uses, where it uses one. */
  readonly model?: string;
}

export interface UpstreamHostOptions {
  readonly url: string;
  /** How much of the work it gets, beside others; 1 when absent. */
  readonly weight?: number | undefined;
  readonly connectMs: number;
  /** For the calls off the relay path: lists, versions. */
  readonly requestMs: number;
  readonly embedMs: number;
  /** Names this installation, so that it knows a request of its own when one comes back to it. */
  readonly via: string;
}

const viaHeader = 'x-deci-via';
/** A timer that fires so late after its time tells that this process stood still. */
const lateMs = 100;
const embedPaths: ReadonlySet<string> = new Set(['/api/embed', '/api/embeddings']);

export class UpstreamHost {
  /** `host:port`: how logs and `X-Deci-Upstream` name it. */
  readonly name: string;
  readonly url: string;
  /** The npm client, for everything off the relay path. */
  readonly client: Ollama;
  state: HostState = { is: 'unknown' };
  inFlight = 0;
  readonly weight: number;
  readonly inventory = new HostInventory();
  readonly failures = new RecentFailures();
  readonly generations = new Generations();
  /** How many requests wait for the first token of a model that is not loaded, by its name. */
  readonly loading = new Map<string, number>();
  readonly #options: UpstreamHostOptions;
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #hostHeader: string;

  constructor(options: UpstreamHostOptions) {
    this.#options = options;
    const url = new URL(options.url);
    this.url = options.url;
    this.weight = options.weight ?? 1;
    this.name = url.host;
    this.#prefix = url.pathname.replace(/\/$/, '');
    // Ollama on loopback refuses a Host that is not local, so a public name of ours must never reach it.
    this.#hostHeader = url.host;
    this.#pool = new Pool(url.origin, {
      // No limit on connections: how many generations a host gets is decided in front of it, not by sockets.
      connections: null,
      connect: { timeout: options.connectMs },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 64 * 1024,
    });
    this.client = new Ollama({ host: options.url, fetch: this.#fetchFor(options.requestMs, undefined) });
  }

  /** Sends and returns at once; `exchange.opened()` ends with the status. */
  send(request: UpstreamRequest, limits: ExchangeLimits, signal: AbortSignal): UpstreamExchange {
    this.inFlight++;
    let over: (() => void) | undefined;
    const onEnd = (error: DeciError | undefined): void => {
      this.inFlight--;
      over?.();
      if (error !== undefined && error.fault === 'ollama') this.failures.note(performance.now());
    };
    const { model, body } = request;
    const exchange = new UpstreamExchange(
      limits,
      signal,
      onEnd,
      model === undefined ? undefined : this.generations.pulse,
    );
    if (model !== undefined) {
      const embeds = embedPaths.has(request.path);
      over = this.generations.add({ exchange, model: modelKey(model), bytes: lengthOf(body), embeds });
    }
    this.#pool.dispatch(
      {
        method: request.method,
        path: this.#prefix + request.path,
        headers: { ...request.headers, host: this.#hostHeader, [viaHeader]: this.#options.via },
        body: bodyOf(request),
      },
      exchange,
    );
    return exchange;
  }

  /** Asks for nothing but a sign of life. @throws what the npm client throws */
  async look(maxMs: number): Promise<void> {
    const { url, requestMs } = this.#options;
    await new Ollama({ host: url, fetch: this.#fetchFor(Math.min(maxMs, requestMs), undefined) }).version();
  }

  /** @throws what the npm client throws */
  async probe(signal: AbortSignal): Promise<{ version: string; models: number; isChanged: boolean }> {
    const { url, requestMs } = this.#options;
    const client = new Ollama({ host: url, fetch: this.#fetchFor(requestMs, signal) });
    // What is loaded is good to know, and no reason to call a host unreachable.
    const running = client.ps().catch(() => undefined);
    const [{ version }, { models }, ps] = await Promise.all([client.version(), client.list(), running]);
    // Something else at this address may answer 200 to anything.
    if (typeof version !== 'string' || version === '') throw new DeciError('upstream_invalid');
    const isChanged = this.inventory.update(models, ps?.models);
    return { version, models: Array.isArray(models) ? models.length : 0, isChanged };
  }

  /** Through the npm client, with a signal of its own: the client can only abort all of its requests at once. */
  async embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResponse> {
    this.inFlight++;
    try {
      const { url, embedMs } = this.#options;
      const answer = await new Ollama({ host: url, fetch: this.#fetchFor(embedMs, signal) }).embed(request);
      this.inventory.noteLoaded(request.model);
      return answer;
    } finally {
      this.inFlight--;
    }
  }

  /** It cannot be dialled, or does not answer. */
  get isAway(): boolean {
    return this.state.is === 'down' || this.state.is === 'silent';
  }

  /** Models that requests wait for and that are not known to be in memory. */
  isLoading(): boolean {
    return this.loading.size > 0;
  }

  markSilent(): void {
    this.state = { is: 'silent', reason: 'it lets in and does not answer' };
  }

  markDown(error: DeciError): void {
    this.state = { is: 'down', reason: causeText(error) };
  }

  async stop(): Promise<void> {
    await this.#pool.destroy();
  }

  /** fetch over our own connections: one deadline for the whole answer, which is read here so that it holds for the body too. */
  #fetchFor(timeoutMs: number, signal: AbortSignal | undefined): typeof fetch {
    const dispatcher = this.#pool;
    const { via } = this.#options;
    const bounded = async (input: unknown, init: Record<string, unknown> = {}): Promise<unknown> => {
      const call = new AbortController();
      const expire = (dueMs: number): void => {
        // A process that stood still has not read what was said meanwhile.
        if (performance.now() > dueMs + lateMs) timer = setTimeout(expire, lateMs, Number.POSITIVE_INFINITY);
        else call.abort(new DeciError('first_token_timeout'));
      };
      let timer = setTimeout(expire, timeoutMs, performance.now() + timeoutMs);
      // Not AbortSignal.any: a loop's signal lives as long as the process, and what is tied to it would gather.
      const onAbort = (): void => call.abort(signal?.reason);
      signal?.addEventListener('abort', onAbort);
      try {
        signal?.throwIfAborted();
        const ownHeaders = { ...(init['headers'] as Record<string, string> | undefined), [viaHeader]: via };
        const response = await undiciFetch(input as string, {
          ...init,
          headers: ownHeaders,
          dispatcher,
          signal: call.signal,
        });
        const { status, statusText, headers } = response;
        const body = await response.arrayBuffer();
        // A 204 must not have a body, not even an empty one.
        return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    };
    return bounded as typeof fetch;
  }
}

/** undici's types know no async iterables, its code does; a Readable around one costs a copy of nothing. */
function bodyOf({ body }: UpstreamRequest): Buffer | string | Readable | null {
  if (body === null || typeof body === 'string' || Buffer.isBuffer(body)) return body;
  return Readable.from(body, { objectMode: false });
}

function lengthOf(body: UpstreamRequest['body']): number {
  return typeof body === 'string' || Buffer.isBuffer(body) ? body.length : 0;
}

function causeText(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

/**
 * The Ollama hosts of this worker: which one gets a request, what all of them have, who is reachable. The choice is the
 * plain one: reachable before not, then fewest requests in flight; a host that cannot be dialled is passed over.
 */
import { aborted, withDeadline } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { Ticker } from '../kernel/ticker.ts';
import { toUpstreamError } from './upstream-error.ts';
import type { ExchangeLimits, UpstreamExchange } from './upstream-exchange.ts';
import { UpstreamHost, type UpstreamRequest } from './upstream-host.ts';

export interface OllamaPoolOptions {
  readonly urls: readonly string[];
  readonly connectMs: number;
  readonly requestMs: number;
  /** An embedding may wait for its model to load. */
  readonly embedMs: number;
  readonly healthIntervalMs: number;
  /** See `UpstreamHostOptions`. */
  readonly via: string;
  readonly random: () => number;
  readonly onHostChange: (host: UpstreamHost) => void;
}

export interface Attempt {
  readonly host: UpstreamHost;
  readonly exchange: UpstreamExchange;
}

/** After a change a host is looked at again this soon, so that coming back is noticed quickly. */
const changedIntervalMs = 1000;
/** A host that accepts and never answers must not keep a worker from starting. */
const firstLookMs = 1000;

export class OllamaPool implements Resource {
  readonly name = 'ollama-pool';
  readonly hosts: readonly UpstreamHost[];
  readonly #options: OllamaPoolOptions;
  readonly #tickers: readonly Ticker[];
  #turn = -1;

  constructor(options: OllamaPoolOptions) {
    this.#options = options;
    this.hosts = options.urls.map(url => new UpstreamHost({ ...options, url }));
    this.#tickers = this.hosts.map(
      host =>
        new Ticker({
          name: `probe ${host.name}`,
          tick: signal => this.#probe(host, signal),
          intervalMs: options.healthIntervalMs,
          onFailure: () => undefined,
          random: options.random,
        }),
    );
  }

  /** Gives the first look at every host a moment, so that a ready worker knows what it stands in front of. */
  async start(): Promise<void> {
    const looked = Promise.all(this.#tickers.map(ticker => ticker.start()));
    await withDeadline(firstLookMs, signal => Promise.race([looked, aborted(signal)]));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tickers.map(ticker => ticker.stop()));
    await Promise.all(this.hosts.map(host => host.stop()));
  }

  /** Hosts in the order in which they should be tried; those that are equal take turns. */
  candidates(): UpstreamHost[] {
    if (this.hosts.length === 1) return [...this.hosts];
    this.#turn = (this.#turn + 1) % this.hosts.length;
    const turned = [...this.hosts.slice(this.#turn), ...this.hosts.slice(0, this.#turn)];
    return turned.toSorted((a, b) => rank(a) - rank(b) || a.inFlight - b.inFlight);
  }

  /** The first in the order of the configuration, so that every worker and every request means the same one. */
  home(): UpstreamHost {
    const [first] = this.hosts;
    if (first === undefined) throw new DeciError('upstream_unreachable');
    return this.hosts.find(host => host.state.is !== 'down') ?? first;
  }

  /**
   * Sends to the first candidate that can be dialled and waits for its status.
   * @throws DeciError `upstream_unreachable` when none can be, or what went wrong after dialling
   */
  async open(
    request: UpstreamRequest,
    limits: ExchangeLimits,
    signal: AbortSignal,
    candidates: readonly UpstreamHost[] = this.candidates(),
  ): Promise<Attempt> {
    const failures: string[] = [];
    for (const host of candidates) {
      const exchange = host.send(request, limits, signal);
      try {
        await exchange.opened();
        return { host, exchange };
      } catch (thrown) {
        const error = toUpstreamError(thrown, false);
        if (error.code !== 'upstream_unreachable') throw error;
        this.#setDown(host, error);
        failures.push(host.name);
        // A body that is being read from the client cannot be sent a second time.
        if (request.body !== null && typeof request.body === 'object' && !Buffer.isBuffer(request.body)) break;
      }
    }
    throw new DeciError('upstream_unreachable', {
      message: `no Ollama server can be reached (tried ${failures.join(', ')})`,
    });
  }

  async #probe(host: UpstreamHost, signal: AbortSignal): Promise<number | undefined> {
    const before = host.state.is;
    try {
      host.state = { is: 'up', ...(await host.probe(signal)) };
    } catch (thrown) {
      if (signal.aborted) return undefined;
      host.markDown(toUpstreamError(unwrapFetch(thrown), false));
    }
    if (host.state.is === before) return host.state.is === 'down' ? changedIntervalMs : undefined;
    this.#options.onHostChange(host);
    return changedIntervalMs;
  }

  #setDown(host: UpstreamHost, error: DeciError): void {
    const changed = host.state.is !== 'down';
    host.markDown(error);
    if (changed) this.#options.onHostChange(host);
  }
}

function rank(host: UpstreamHost): number {
  return host.state.is === 'down' ? 1 : 0;
}

/** fetch wraps what really happened as the cause of a TypeError. */
function unwrapFetch(thrown: unknown): unknown {
  return thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown;
}

/**
 * The Ollama hosts of this worker: which one gets a request, what each of them has and has loaded, who is reachable. The order in
 * which they are tried is decided in choose-host.ts; here are the facts. A host that cannot be dialled is passed over.
 *
 * Probes are each worker's own: they cost a host nothing, and a worker that relied on another's would know nothing when that one
 * died. What costs a host a generation is done by one worker of all, elsewhere.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { aborted, withDeadline } from '../kernel/deadline.ts';
import { DeciError } from '../kernel/errors.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { isOwnShortage } from '../kernel/own-shortage.ts';
import { Ticker } from '../kernel/ticker.ts';
import { allHosts, type HostFacts, hostsFor } from './choose-host.ts';
import { forgetOne } from './forget-one.ts';
import { modelKey } from './model-key.ts';
import { type ColdLoadsView, withOneLoading } from './one-loading.ts';
import { PrefixAffinity, prefixHash } from './prefix-affinity.ts';
import { toUpstreamError, unreachable, unwrapFetch } from './upstream-error.ts';
import type { ExchangeLimits, UpstreamExchange } from './upstream-exchange.ts';
import { UpstreamHost, type UpstreamRequest } from './upstream-host.ts';
import { isOutOfQuestion, type Wanted } from './wanted.ts';
import { WatchConnection } from './watch-connection.ts';

export interface OllamaPoolOptions {
  readonly upstreams: ReadonlyArray<{ readonly url: string; readonly weight?: number }>;
  readonly connectMs: number;
  readonly requestMs: number;
  /** An embedding may wait for its model to load. */
  readonly embedMs: number;
  readonly healthIntervalMs: number;
  /** See `UpstreamHostOptions`. */
  readonly via: string;
  readonly random: () => number;
  readonly onHostChange: (host: UpstreamHost) => void;
  /** Models were made, pulled, copied or removed through us. */
  readonly onModelsChanged?: () => void;
  /** Where models are being loaded, by whichever worker; undefined where each request decides for itself. */
  readonly coldLoads?: ColdLoadsView;
  /** Whether a host is to get nothing new. */
  readonly isDraining?: (host: string) => boolean;
}

export interface Attempt {
  readonly host: UpstreamHost;
  readonly exchange: UpstreamExchange;
}

/** After a change a host is looked at again this soon, so that coming back is noticed quickly. */
const changedIntervalMs = 1000;
/** A host that accepts and never answers must not keep a worker from starting. */
const firstLookMs = 1000;
/** A host that answers at all says its version in milliseconds. Twice so long without an answer, it is silent. */
const lookMs = 2000;
/** Nobody knows better for how long a host is at work on what was given up. */
const maxBusyMs = 60_000;

export class OllamaPool implements Resource {
  readonly name = 'ollama-pool';
  readonly hosts: readonly UpstreamHost[];
  readonly #options: OllamaPoolOptions;
  readonly #tickers: ReadonlyMap<UpstreamHost, Ticker>;
  readonly #watches: readonly WatchConnection[];
  readonly #affinity = new PrefixAffinity();
  #turn = -1;

  constructor(options: OllamaPoolOptions) {
    this.#options = options;
    this.hosts = options.upstreams.map(upstream => new UpstreamHost({ ...options, ...upstream }));
    const tickers = this.hosts.map(host => {
      const ticker = new Ticker({
        name: `probe ${host.name}`,
        tick: signal => this.#probe(host, signal),
        intervalMs: options.healthIntervalMs,
        onFailure: () => undefined,
        random: options.random,
      });
      return [host, ticker] as const;
    });
    this.#tickers = new Map(tickers);
    this.#watches = tickers.map(([host, ticker]) => {
      const onReached = (): void => (host.isAway ? ticker.wake() : undefined);
      const onRefused = (error: Error): void => this.#setDown(host, toUpstreamError(error, false));
      return new WatchConnection({ ...options, url: host.url, onReached, onRefused });
    });
  }

  /** Gives the first look at every host a moment, so that a ready worker knows what it stands in front of. */
  async start(): Promise<void> {
    const looked = Promise.all([...this.#tickers.values()].map(ticker => ticker.start()));
    await withDeadline(firstLookMs, signal => Promise.race([looked, aborted(signal)]));
    for (const watch of this.#watches) watch.start();
  }

  async stop(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    await Promise.all([...this.#tickers.values()].map(ticker => ticker.stop()));
    await Promise.all(this.hosts.map(host => host.stop()));
  }

  /**
   * Hosts in the order in which they should be tried; those that are equal take turns.
   * @param wanted by a request that uses a model: only hosts that may have new work, see `hostsFor`
   * @param tried names of those that are out of the question
   */
  candidates(wanted?: Wanted, tried?: readonly string[]): UpstreamHost[] {
    const [only] = this.hosts;
    if (this.hosts.length === 1 && only !== undefined) {
      const isOut = isOutOfQuestion(only, wanted, tried) || (wanted !== undefined && this.#isDraining(only));
      return isOut ? [] : [only];
    }
    this.#turn = (this.#turn + 1) % this.hosts.length;
    const turned = [...this.hosts.slice(this.#turn), ...this.hosts.slice(0, this.#turn)];
    const facts = turned.filter(host => !isOutOfQuestion(host, wanted, tried)).map(this.#factsFor(wanted));
    if (wanted === undefined) return allHosts(facts).map(({ host }) => host);
    const key = modelKey(wanted.model);
    return withOneLoading(hostsFor(facts), wanted.mayLoadElsewhere === true ? undefined : this.#options.coldLoads, key);
  }

  /** Why there are no candidates among the hosts that were wanted, all of them when that is not said. */
  nobody(tried: readonly string[], wanted?: readonly string[]): DeciError {
    const hosts = wanted === undefined ? this.hosts : this.hosts.filter(({ name }) => wanted.includes(name));
    const untried = hosts.filter(host => !tried.includes(host.name));
    if (untried.length > 0 && untried.every(host => this.#isDraining(host))) return new DeciError('hosts_draining');
    return unreachable(wanted ?? hosts.map(host => host.name));
  }

  /** What is known of models is old: every host is looked at again now. */
  forgetModels(): void {
    for (const host of this.hosts) {
      host.inventory.forget();
      this.#tickers.get(host)?.wake();
    }
  }

  /** What the hosts have under this name, one after the other where they differ; undefined when nobody knows of it. */
  digestOf(model: string): string | undefined {
    const key = modelKey(model);
    let all: string | undefined;
    for (const { inventory } of this.hosts) {
      const digest = inventory.digestOf(key);
      if (digest === undefined || all?.includes(digest) === true) continue;
      all = all === undefined ? digest : `${all} ${digest}`;
    }
    return all;
  }

  /**
   * Resolves when a host works on nothing that nobody wants any more, as far as can be told: it has seen that we hung up when it
   * answers again, but reads a prompt to its end first. Never rejects.
   * @param busyMs how long that will take
   */
  async untilFree(name: string, busyMs = 0): Promise<void> {
    const host = this.hosts.find(one => one.name === name);
    const read = busyMs > 0 ? delay(Math.min(busyMs, maxBusyMs), undefined, { ref: false }) : undefined;
    await Promise.all([read, host?.client.ps().catch(() => undefined)]);
  }

  /** The first in the order of the configuration, so that every worker and every request means the same one. */
  home(): UpstreamHost {
    const [first] = this.hosts;
    if (first === undefined) throw new DeciError('upstream_unreachable');
    return this.hosts.find(host => !host.isAway) ?? first;
  }

  /** Looks whether a host answers at all. @returns false when it lets in and stays silent. Never rejects. */
  async look(host: UpstreamHost): Promise<boolean> {
    for (let time = 0; time < 2; time++) {
      try {
        await host.look(lookMs);
        return true;
      } catch (thrown) {
        const error = toUpstreamError(unwrapFetch(thrown), false);
        if (error.code === 'first_token_timeout') continue;
        if (error.code === 'upstream_unreachable') this.#setDown(host, error);
        return true;
      }
    }
    const changed = host.state.is !== 'silent';
    host.markSilent();
    if (changed) this.#changed(host);
    return false;
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
    let last: DeciError | undefined;
    for (const host of candidates) {
      const exchange = host.send(request, limits, signal);
      const told = this.#noteSent(host, request);
      try {
        await exchange.opened();
        told(exchange.status);
        // A pull changes them at its end.
        if (changesModels.test(request.path)) exchange.whenOver(() => this.#options.onModelsChanged?.());
        return { host, exchange };
      } catch (thrown) {
        told(0);
        const error = toUpstreamError(thrown, false);
        if (error.code !== 'upstream_unreachable') throw error;
        this.#setDown(host, error);
        failures.push(host.name);
        last = error;
        // A body that is being read from the client cannot be sent a second time.
        if (request.body !== null && typeof request.body === 'object' && !Buffer.isBuffer(request.body)) break;
      }
    }
    throw unreachable(failures, last?.cause);
  }

  /** Notes what a request tells of its host. @returns to be called with the status, 0 when there was none */
  #noteSent(host: UpstreamHost, { path, model, body }: UpstreamRequest): (status: number) => void {
    if (changesModels.test(path)) host.inventory.forget();
    if (model === undefined) return () => undefined;
    const key = modelKey(model);
    const isLoading = !host.inventory.isLoaded(key);
    if (isLoading) host.loading.set(key, (host.loading.get(key) ?? 0) + 1);
    const loaded = isLoading ? this.#options.coldLoads?.begun(key, host.name) : undefined;
    return status => {
      if (isLoading) forgetOne(host.loading, key);
      loaded?.(status > 0 && status < 300);
      if (status >= 500) host.failures.note(performance.now());
      // The status comes with the first token.
      if (status === 0 || status >= 300) return;
      host.inventory.noteLoaded(model);
      const isText = typeof body === 'string' || Buffer.isBuffer(body);
      if (this.hosts.length > 1 && isText) this.#affinity.note(prefixHash(key, body), host.name);
    };
  }

  #factsFor(wanted: Wanted | undefined): (host: UpstreamHost) => HostFacts & { readonly host: UpstreamHost } {
    const atMs = performance.now();
    const key = wanted === undefined ? undefined : modelKey(wanted.model);
    const known =
      wanted === undefined || key === undefined ? undefined : this.#affinity.hostOf(prefixHash(key, wanted.body));
    return host => ({
      host,
      isDown: host.state.is === 'down',
      isSilent: host.state.is === 'silent',
      isLoadingOther: key !== undefined && host.loading.size > 0 && !host.loading.has(key),
      isDraining: this.#isDraining(host),
      isFailing: host.failures.isFailing(atMs),
      has: key === undefined ? undefined : host.inventory.has(key),
      isLoaded: key !== undefined && host.inventory.isLoaded(key),
      hasPrefix: known === host.name,
      inFlight: host.inFlight,
      weight: host.weight,
    });
  }

  #isDraining(host: UpstreamHost): boolean {
    return this.#options.isDraining?.(host.name) === true;
  }

  async #probe(host: UpstreamHost, signal: AbortSignal): Promise<number | undefined> {
    const before = host.state.is;
    let isMoved = false;
    try {
      const { isChanged, ...seen } = await host.probe(signal);
      host.state = { is: 'up', ...seen };
      isMoved = isChanged;
    } catch (thrown) {
      if (signal.aborted || isOwnShortage(thrown)) return this.#soonMs;
      const error = toUpstreamError(unwrapFetch(thrown), false);
      if (error.code === 'first_token_timeout') host.markSilent();
      else host.markDown(error);
    }
    if (host.state.is === before) return host.isAway || isMoved ? this.#soonMs : undefined;
    this.#options.onHostChange(host);
    return this.#soonMs;
  }

  get #soonMs(): number {
    return Math.min(changedIntervalMs, this.#options.healthIntervalMs);
  }

  #setDown(host: UpstreamHost, error: DeciError): void {
    if (isOwnShortage(error)) return;
    const changed = host.state.is !== 'down';
    host.markDown(error);
    if (changed) this.#changed(host);
  }

  /** It is looked at soon, and not only when the long pause of a steady host is over. */
  #changed(host: UpstreamHost): void {
    this.#options.onHostChange(host);
    this.#tickers.get(host)?.wake();
  }
}

const changesModels = /^\/api\/(?:pull|create|copy|delete)\b/;

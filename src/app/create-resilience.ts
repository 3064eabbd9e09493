/** What a worker knows of failing hosts, put together: retries, breakers, and what tells of them. */
import type { Config } from '../config/config.ts';
import type { AdaptiveLimits } from '../gateway/adaptive-limits.ts';
import type { AttemptDeps } from '../gateway/attempts.ts';
import type { Admission } from '../gateway/placing.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { Journal } from '../journal/journal.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import { modelKey } from '../ollama/model-key.ts';
import { nativeAnswer } from '../ollama/native-answer.ts';
import { isNoGenerator } from '../ollama/no-generator.ts';
import type { OllamaPool } from '../ollama/ollama-pool.ts';
import { readRefusal } from '../ollama/refusal.ts';
import type { UpstreamHost } from '../ollama/upstream-host.ts';
import { BreakerBoard } from '../resilience/breaker-board.ts';
import { BreakerProbe, type ProbedHost } from '../resilience/breaker-probe.ts';
import { HostOutlook } from '../resilience/host-outlook.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { SilenceWatch, type WatchedHost } from '../resilience/silence-watch.ts';
import { createBreakerStore, createSignsOfLife } from './breaker-store.ts';
import { BreakerTeller } from './breaker-teller.ts';
import type { Spine } from './create-spine.ts';

export interface Resilience {
  readonly attempts: AttemptDeps;
  readonly board: BreakerBoard;
  readonly outlook: HostOutlook;
  /** Started behind the pool. */
  resources(pool: OllamaPool, admission: Admission, adaptive: AdaptiveLimits | undefined): Resource[];
}

export interface ResilienceOptions {
  readonly config: Config;
  readonly spine: Spine;
  readonly isDraining: () => boolean;
}

export function createResilience({ config, spine, isDraining }: ResilienceOptions): Resilience {
  const { retries, breakers: limits, timeouts } = config;
  const { log, events } = spine;
  const hosts = config.upstreams.map(({ url }) => new URL(url).host);
  const monotonicMs = (): number => performance.now();
  const outlook = new HostOutlook(hosts, monotonicMs);
  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const teller = new BreakerTeller({
    info: healerCatalogue.breaker,
    journal: new Journal({ store: spine.journal, now: () => new Date(), newId: () => ids.next(), log }),
    modeOf: name => spine.healerModes.of(name),
    events,
    log,
    nowMs: Date.now,
  });
  const store = createBreakerStore(spine);
  const board = new BreakerBoard({
    limits,
    hosts,
    store,
    mayOpen: () => teller.licence.may(),
    onChange: change => {
      teller.tell(change);
      const { name, state } = change;
      // What another worker saw counts here too, or an old outage would look like a new one.
      if (state.is === 'open' && state.cause === 'upstream_unreachable') outlook.lost(name);
    },
    nowMs: Date.now,
    random: Math.random,
  });
  for (const upstream of hosts) events.breakerState({ upstream, state: 'closed' });
  return {
    board,
    outlook,
    attempts: {
      board,
      outlook,
      budget: new RetryBudget({ ratio: retries.ratio, nowMs: monotonicMs }),
      settings: retries,
      totalMs: timeouts.totalMs,
      isDraining,
      nowMs: monotonicMs,
      random: Math.random,
      onRetry: event => events.retry(event),
    },
    resources: (pool, admission, adaptive) =>
      limits === undefined
        ? []
        : [
            new BreakerProbe({
              board,
              hosts: pool.hosts.map(host => probed(pool, admission, host)),
              store,
              refresh: () => teller.licence.refresh(),
              nowMs: Date.now,
              random: Math.random,
              onFailure: error => log.warn('looking after breakers failed', { cause: String(error) }),
            }),
            new SilenceWatch({
              board,
              hosts: pool.hosts.map(host => watched(pool, host, adaptive)),
              store,
              signs: createSignsOfLife(spine),
              nowMs: monotonicMs,
              random: Math.random,
              onFailure: error => log.warn('looking for silent hosts failed', { cause: String(error) }),
            }),
          ],
  };
}

/** It waits like everybody; hosts that are well are wanted soon. */
const prober = { owner: 'deci', priority: 'interactive', tokens: 1 } as const;
const probeLimits = { firstMs: 15_000, stallMs: 5000, totalMs: 20_000 };
const headers = { 'content-type': 'application/json' } as const;

function probed(pool: OllamaPool, admission: Admission, host: UpstreamHost): ProbedHost {
  return {
    name: host.name,
    look: async signal => void (await host.probe(signal)),
    loaded: async () => (await host.client.ps()).models.map(({ name }) => name),
    generate: async (model, signal) => {
      const entry = {
        model: modelKey(model),
        group: `trial of ${host.name}`,
        hosts: () => [host.name],
        caller: prober,
      };
      const place = await admission.enter(entry, signal);
      try {
        await tryOne({ pool, host, model }, signal);
      } finally {
        place.leave(signal.aborted ? 'aborted' : undefined);
      }
    },
  };
}

interface OneToken {
  readonly pool: OllamaPool;
  readonly host: UpstreamHost;
  readonly model: string;
}

async function generateOne({ pool, host, model }: OneToken, signal: AbortSignal): Promise<void> {
  // Without options of its own, so that nothing is loaded anew for it.
  const body = JSON.stringify({ model, prompt: '.', options: { num_predict: 1 } });
  const request = { method: 'POST', path: '/api/generate', headers, body, model } as const;
  const attempt = await pool.open(request, probeLimits, signal, [host]);
  if (attempt.exchange.status >= 300) throw await readRefusal(attempt.exchange);
  await Array.fromAsync(nativeAnswer(attempt));
}

/** A model that only embeds is tried by that. */
async function tryOne(of: OneToken, signal: AbortSignal): Promise<void> {
  try {
    await generateOne(of, signal);
  } catch (error) {
    if (!isNoGenerator(error)) throw error;
    await embedOne(of, signal);
  }
}

async function embedOne({ pool, host, model }: OneToken, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ model, input: '.' });
  const request = { method: 'POST', path: '/api/embed', headers, body, model } as const;
  const { exchange } = await pool.open(request, probeLimits, signal, [host]);
  if (exchange.status >= 300) throw await readRefusal(exchange);
  exchange.discard();
}

function expectedMs(
  host: UpstreamHost,
  { unreadBytes, unreadModel: model }: ReturnType<UpstreamHost['generations']['work']>,
  adaptive: AdaptiveLimits | undefined,
): number | undefined {
  return model === undefined ? undefined : adaptive?.expectedMs(host, { model, body: { length: unreadBytes } });
}

function watched(pool: OllamaPool, host: UpstreamHost, adaptive: AdaptiveLimits | undefined): WatchedHost {
  return {
    name: host.name,
    pulse: () => host.generations.pulse.count,
    work: () => {
      const work = host.generations.work();
      return { ...work, expectedMs: expectedMs(host, work, adaptive) };
    },
    isLoading: () => host.isLoading(),
    look: () => pool.look(host),
    hasLoaded: model => host.inventory.isLoaded(model),
    generate: (model, signal) => generateOne({ pool, host, model }, signal),
  };
}

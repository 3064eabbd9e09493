/** What a worker knows of failing hosts, put together: retries, breakers, and what tells of them. */
import type { Config } from '../config/config.ts';
import type { AttemptDeps } from '../gateway/attempts.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { Journal } from '../journal/journal.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import type { OllamaPool } from '../ollama/ollama-pool.ts';
import { BreakerBoard } from '../resilience/breaker-board.ts';
import { BreakerProbe } from '../resilience/breaker-probe.ts';
import { HostOutlook } from '../resilience/host-outlook.ts';
import { IdleCanary } from '../resilience/idle-canary.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { SilenceWatch } from '../resilience/silence-watch.ts';
import { createBreakerStore, createCanaryTurns, createSignsOfLife } from './breaker-store.ts';
import { BreakerTeller } from './breaker-teller.ts';
import type { Spine } from './create-spine.ts';
import { type HostKnowledge, idle, type ProbeAdmission, probed, watched } from './host-probes.ts';

export interface Resilience {
  readonly attempts: AttemptDeps;
  readonly board: BreakerBoard;
  readonly outlook: HostOutlook;
  /** Started behind the pool. */
  resources(pool: OllamaPool, admission: ProbeAdmission, knows: HostKnowledge): Resource[];
}

export interface ResilienceOptions {
  readonly config: Config;
  readonly spine: Spine;
  readonly isDraining: () => boolean;
  /** Whether there is time for what nobody waits for. */
  readonly isOptionalAllowed: () => boolean;
}

export function createResilience({ config, spine, isDraining, isOptionalAllowed }: ResilienceOptions): Resilience {
  const { retries, breakers: limits, timeouts } = config;
  const { log, events } = spine;
  const hosts = config.upstreams.map(({ url }) => new URL(url).host);
  const monotonicMs = (): number => performance.now();
  const outlook = new HostOutlook(hosts, monotonicMs);
  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const teller = new BreakerTeller({
    info: healerCatalogue.breaker,
    journal: new Journal({ store: spine.journal, now: () => new Date(), newId: () => ids.next(), log }),
    // A failing host is to be left alone also while nobody knows the settings: that ends by itself, and loses nothing.
    modeOf: name => spine.healerModes.of(name, 'on'),
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
  const signs = createSignsOfLife(spine);
  const idleCanary = (pool: OllamaPool, admission: ProbeAdmission, intervalMs: number): IdleCanary =>
    new IdleCanary({
      board,
      hosts: pool.hosts.map(host => idle({ pool, admission, host })),
      takeTurn: createCanaryTurns(spine),
      signs,
      isAllowed: isOptionalAllowed,
      intervalMs,
      onCanary: (upstream, result) => events.canary({ upstream, result }),
      nowMs: monotonicMs,
      random: Math.random,
      onFailure: error => log.warn('asking idle hosts failed', { cause: String(error) }),
    });
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
    resources: (pool, admission, knows) =>
      limits === undefined
        ? []
        : [
            new BreakerProbe({
              board,
              hosts: pool.hosts.map(host => probed({ pool, admission, host })),
              store,
              refresh: () => teller.licence.refresh(),
              nowMs: Date.now,
              random: Math.random,
              onFailure: error => log.warn('looking after breakers failed', { cause: String(error) }),
            }),
            new SilenceWatch({
              board,
              hosts: pool.hosts.map(host => watched({ pool, admission, host }, knows)),
              store,
              signs,
              nowMs: monotonicMs,
              random: Math.random,
              onFailure: error => log.warn('looking for silent hosts failed', { cause: String(error) }),
            }),
            ...(config.canaryMs === undefined ? [] : [idleCanary(pool, admission, config.canaryMs)]),
          ],
  };
}

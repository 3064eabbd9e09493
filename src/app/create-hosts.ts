/** The Ollama hosts of a worker, put together: the pool, which of them are kept free, and what is told of each. */
import type { Config } from '../config/config.ts';
import { ColdLoads } from '../ollama/cold-loads.ts';
import { DrainedHosts } from '../ollama/drained-hosts.ts';
import { OllamaPool } from '../ollama/ollama-pool.ts';
import type { UpstreamHost } from '../ollama/upstream-host.ts';
import { HostSettingsRepository } from '../storage/host-settings-repository.ts';
import type { Resilience } from './create-resilience.ts';
import type { Spine } from './create-spine.ts';
import { HostStates } from './host-states.ts';
import { createHostViews } from './host-views.ts';
import { ModelChanges } from './model-changes.ts';

export interface HostsOptions {
  readonly config: Config;
  readonly spine: Spine;
  readonly resilience: Resilience;
  /** See `UpstreamHostOptions`. */
  readonly via: string;
  /** Slots of one model on one host; asked when hosts are shown. */
  readonly limitOf: (host: string, model: string) => number;
  /** Told when a host comes or goes. */
  readonly onChange: (host: UpstreamHost) => void;
}

export function createHosts({ config, spine, resilience, via, limitOf, onChange }: HostsOptions) {
  const { timeouts, upstreams, healthIntervalMs, maxConnections } = config;
  const { log, events } = spine;
  const { board } = resilience;
  const drained = new DrainedHosts({
    settings: new HostSettingsRepository(spine.store, () => new Date()),
    random: Math.random,
    onFailure: error => log.warn('which hosts are drained cannot be read', { cause: String(error) }),
  });
  const isDraining = (host: string): boolean => drained.has(host);
  const coldLoads = new ColdLoads({
    leases: spine.leases,
    loadMs: timeouts.loadMs + 10_000,
    knownMs: healthIntervalMs,
    nowMs: () => performance.now(),
  });
  const pool = new OllamaPool({
    upstreams,
    isDraining,
    coldLoads,
    connectMs: timeouts.connectMs,
    requestMs: Math.min(timeouts.requestMs, 5000),
    embedMs: timeouts.totalMs,
    healthIntervalMs,
    via,
    random: Math.random,
    onHostChange: host => {
      tellChange(host, spine, resilience);
      onChange(host);
    },
    onModelsChanged: () => changes.tell(),
  });
  const changes = new ModelChanges({
    counters: spine.counters,
    now: Date.now,
    onChange: () => pool.forgetModels(),
  });
  const weights = {
    digestOf: (model: string) => {
      changes.look();
      return pool.digestOf(model);
    },
    changes: () => changes.count(),
  };
  const { leases } = spine;
  const leftAloneFor = (host: string): string | undefined => board.cause(host, '');
  const views = createHostViews({
    hosts: pool.hosts,
    isDraining,
    leases,
    slotsMax: maxConnections,
    limitOf,
    leftAloneFor,
  });
  const states = new HostStates({ list: views, events, log, random: Math.random });
  const describe = (): object[] =>
    pool.hosts.map(({ url, name, state }) => ({ url, state, draining: drained.has(name), condition: states.of(name) }));
  return { pool, coldLoads, drained, views, states, describe, weights };
}

function tellChange(host: UpstreamHost, { log, events }: Spine, { outlook, board }: Resilience): void {
  const { name: upstream, state } = host;
  events.upstreamState({ upstream, up: state.is === 'up' });
  if (state.is === 'up') {
    outlook.heard(upstream);
    board.heard(upstream);
    log.info('ollama host is up', { upstream, ...state });
  } else if (state.is !== 'unknown') {
    if (state.is === 'down') outlook.lost(upstream);
    log.warn(`ollama host is ${state.is}`, { upstream, reason: state.reason });
  }
}

/** A virtual model: a name of ours that stands for a model of the hosts, and what goes with it. Shapes only. */
import type { JsonObject } from '../kernel/json.ts';

/** What becomes of a client's options that make Ollama load a model anew. */
export type RunnerPolicy = 'keep' | 'round_up' | 'fix';

export interface VirtualModel {
  readonly name: string;
  /** The model that is sent to the hosts; always one of theirs, never another virtual one. */
  readonly base: string;
  /** Names of the hosts that may be asked; empty means all. */
  readonly hosts: readonly string[];
  /** Defaults: what a client says itself holds. */
  readonly options: JsonObject;
  /** Null: as `RUNNER_OPTIONS` says. */
  readonly runner_options: RunnerPolicy | null;
  readonly system: string | null;
  /** `default`: only for a client that has no system prompt of its own. */
  readonly system_policy: 'default' | 'always';
  /** Models that answer when this one cannot, in order; virtual ones or real ones. */
  readonly fallbacks: readonly string[];
  readonly fallback_text: string | null;
  readonly cache: VirtualCache;
  readonly retry: VirtualRetry;
  /** For requests that say none. Seconds or a duration, as Ollama takes it. */
  readonly keep_alive: string | number | null;
  readonly knowledge: null;
}

export interface VirtualCache {
  readonly policy: 'default' | 'always' | 'never';
  /** A duration such as `10m`; null: as `CACHE_TTL` says. */
  readonly ttl: string | null;
  /** Null: as `CACHE_SCOPE` says. */
  readonly scope: CacheScope | null;
}

/** Who shares answers: everybody of a tenant, or nobody but the key itself. */
export type CacheScope = 'tenant' | 'key';

export interface VirtualRetry {
  /** In total; null: as `RETRY_MAX` says. */
  readonly attempts: number | null;
  /** Classes of failures that are retried here, although they are not otherwise. */
  readonly also: readonly string[];
  readonly never: readonly string[];
}

/** The response cache of a worker, wired: memory, the store on the disk, the flights and their leases. */
import { join } from 'node:path';
import { FlightElection } from '../cache/flight-election.ts';
import { MemoryTier } from '../cache/memory-tier.ts';
import type { OneBlock } from '../cache/one-block.ts';
import { requestKey } from '../cache/request-key.ts';
import { maxRecordedBytes, ResponseCache } from '../cache/response-cache.ts';
import { SharedTier } from '../cache/shared-tier.ts';
import { SingleFlight } from '../cache/single-flight.ts';
import type { CacheConfig } from '../config/config.ts';
import type { NativeStream } from '../gateway/generate.ts';
import type { CacheDeps } from '../gateway/pipeline.ts';
import type { RouteDeps } from '../http/routes.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { CounterRepository } from '../storage/counter-repository.ts';
import { HotStore } from '../storage/hot-store.ts';
import type { LeaseRepository } from '../storage/lease-repository.ts';
import { cacheSchema, SharedCache } from '../storage/shared-cache.ts';
import { Upkeep } from '../supervision/upkeep.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { MetricsRegistry } from '../telemetry/metrics-registry.ts';

export interface CacheParts {
  readonly log: Logger;
  readonly events: Events;
  readonly registry: MetricsRegistry;
  readonly leases: LeaseRepository;
  readonly counters: CounterRepository;
}

export interface CacheOptions extends CacheConfig {
  readonly runDir: string;
  /** How long an answer of another worker is waited for. */
  readonly maxWaitMs: number;
  readonly digestOf: (model: string) => string | undefined;
}

export interface WorkerCache extends CacheDeps {
  readonly vectorFlights: SingleFlight<OneBlock>;
  readonly cache: ResponseCache;
  readonly admin: NonNullable<RouteDeps['cacheAdmin']['cache']>;
  readonly resources: readonly Resource[];
}

/** Of a flight: more than is recorded, so that what is recorded was always kept whole. */
const maxFlightBytes = 2 * maxRecordedBytes;
/** Of embeddings, which come in one piece: every size that is gathered at all. */
const maxVectorBytes = Number.POSITIVE_INFINITY;
/** Pages that are not full, the index, and what is written before older entries are thrown away. */
const fileBytesFor = (bytes: number): number => Math.ceil(1.3 * bytes) + 16 * 1024 * 1024;

/** Reading an answer from the file itself takes three times as long. */
const pageCacheKb = 8192;

const purgesKey = 'cache purges';

export function createCache(options: CacheOptions, parts: CacheParts): WorkerCache {
  const { log, events, registry, leases, counters } = parts;
  const { runDir, ttlMs, staleMs, maxEntries, maxBytes, sharedBytes, maxWaitMs } = options;
  const hot = new HotStore({
    dir: join(runDir, 'cache'),
    name: 'cache',
    schema: cacheSchema,
    maxBytes: fileBytesFor(sharedBytes),
    pageCacheKb,
    now: Date.now,
    onRebuilt: cause => log.warn('the shared cache was lost and made anew', { cause: cause.message }),
  });
  const store = new SharedCache({ store: hot, maxBytes: sharedBytes, now: Date.now });
  events.sharedCacheState({ usable: true });
  const shared = new SharedTier({
    store,
    keepMs: staleMs,
    clock: () => performance.now(),
    onTrouble: error => {
      events.sharedCacheState({ usable: false });
      log.warn('the shared cache cannot be used and is left alone for a while', { cause: String(error) });
    },
    onRecovered: () => {
      events.sharedCacheState({ usable: true });
      log.info('the shared cache is used again');
    },
  });
  const memory = new MemoryTier({ maxEntries, maxBytes, onEvicted: () => events.cacheEvicted() });
  registry.sample(() => events.cacheMemory(memory.usage));
  const cache = new ResponseCache({
    memory,
    shared,
    purges: { count: () => counters.get(purgesKey), add: () => void counters.add(purgesKey, 1) },
    nameOf: modelKey,
    digestOf: options.digestOf,
    now: Date.now,
    ttlMs,
    staleMs,
  });
  const election = new FlightElection({ leases, clock: () => performance.now(), maxWaitMs });
  const upkeep = new Upkeep({
    tasks: [
      { name: 'flight leases', everyMs: 3000, run: async () => election.renew() },
      { name: 'expired answers', everyMs: 600_000, run: async () => void (await store.reapExpired()) },
    ],
    random: Math.random,
    onFailure: (task, error) => log.warn('upkeep failed', { task, cause: String(error) }),
  });
  const flights = new SingleFlight<NativeStream>(maxFlightBytes);
  const vectorFlights = new SingleFlight<OneBlock>(maxVectorBytes);
  return {
    cache,
    admin: {
      usage: () => ({ ...cache.usage(), flights: flights.size + vectorFlights.size }),
      limits: options,
      purge: (what, signal) => cache.purge(what, signal),
    },
    flights,
    vectorFlights,
    election,
    keyOf: requestKey,
    onResult: result => events.cacheAnswer({ result }),
    resources: [
      {
        name: 'response-cache',
        start: async () => undefined,
        stop: async () => {
          cache.close();
          hot.close();
        },
      },
      upkeep,
    ],
  };
}

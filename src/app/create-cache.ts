/** The response cache of a worker, wired: memory, the store on the disk, the flights and their leases. */

import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { FlightElection } from '../cache/flight-election.ts';
import { MemoryTier } from '../cache/memory-tier.ts';
import type { OneBlock } from '../cache/one-block.ts';
import { RefreshAhead } from '../cache/refresh-ahead.ts';
import { requestKey } from '../cache/request-key.ts';
import { maxRecordedBytes, ResponseCache, type ResponseCacheOptions } from '../cache/response-cache.ts';
import { SharedTier } from '../cache/shared-tier.ts';
import { SingleFlight } from '../cache/single-flight.ts';
import type { CacheConfig } from '../config/config.ts';
import type { NativeStream } from '../gateway/generate.ts';
import type { CacheDeps } from '../gateway/pipeline.ts';
import type { Urgency } from '../gateway/urgency.ts';
import type { RouteDeps } from '../http/routes.ts';
import { healerCatalogue } from '../journal/healer-catalogue.ts';
import { Journal } from '../journal/journal.ts';
import { tellFailure } from '../kernel/failure-kinds.ts';
import type { Resource } from '../kernel/lifecycle.ts';
import { SortableIds } from '../kernel/sortable-id.ts';
import { modelKey } from '../ollama/model-key.ts';
import type { ExchangeLimits } from '../ollama/upstream-exchange.ts';
import { HotStore } from '../storage/hot-store.ts';
import { cacheSchema, SharedCache } from '../storage/shared-cache.ts';
import { Upkeep } from '../supervision/upkeep.ts';
import type { Spine } from './create-spine.ts';
import { createFlightFollower, FlightDoor } from './flight-door.ts';
import { HealerLicence } from './healer-licence.ts';
import { SharedCacheTeller } from './shared-cache-teller.ts';

export interface CacheOptions extends CacheConfig {
  readonly runDir: string;
  /** The name of this worker's socket there. */
  readonly address: string;
  /** Of an answer, also of one that another worker makes. */
  readonly limits: ExchangeLimits & { readonly totalMs: number };
  readonly weights: ResponseCacheOptions['weights'];
  /** Whether nobody waits for a slot. */
  readonly isIdle: () => boolean;
}

export interface WorkerCache extends CacheDeps {
  readonly vectorFlights: SingleFlight<OneBlock, Urgency>;
  readonly cache: ResponseCache;
  /** What is at hand of it. */
  readonly memory: MemoryTier;
  readonly admin: NonNullable<RouteDeps['cacheAdmin']['cache']>;
  readonly resources: readonly Resource[];
  /** Where other workers read along. */
  readonly flightDoor: FlightDoor;
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
/** Of its disk, for what matters more: the journal, the logs. */
const reserveBytes = 64 * 1024 * 1024;

export function createCache(options: CacheOptions, spine: Spine): WorkerCache {
  const { log, events, registry, leases, counters } = spine;
  const info = healerCatalogue['shared-cache'];
  const ids = new SortableIds({ now: Date.now, random: Math.random });
  const journal = new Journal({ store: spine.journal, now: () => new Date(), newId: () => ids.next(), log });
  const { runDir, ttlMs, staleMs, maxEntries, maxBytes, sharedBytes, address, limits } = options;
  const maxWaitMs = limits.totalMs;
  const dir = join(runDir, 'cache');
  const licence = new HealerLicence({ info, journal, modeOf: name => spine.healerModes.of(name), nowMs: Date.now });
  const clock = (): number => performance.now();
  const teller = new SharedCacheTeller({ info, licence, journal, events, log, path: dir, clock });
  const hot = new HotStore({
    dir,
    name: 'cache',
    schema: cacheSchema,
    maxBytes: fileBytesFor(sharedBytes),
    pageCacheKb,
    now: Date.now,
    mayRebuild: cause => teller.mayRebuild(cause),
    onRebuilt: cause => teller.rebuilt(cause),
  });
  const store = new SharedCache({
    store: hot,
    maxBytes: sharedBytes,
    now: Date.now,
    whenFull: teller,
    disk: { freeBytes: () => freeBytesOf(dir), reserveBytes },
  });
  const purges = { count: () => counters.get(purgesKey), add: () => void counters.add(purgesKey, 1) };
  const shared = new SharedTier({
    store,
    keepMs: staleMs,
    clock,
    onTrouble: error => teller.leftAlone(error),
    onRecovered: () => teller.usedAgain(),
    purges,
  });
  const memory = new MemoryTier({ maxEntries, maxBytes, onEvicted: () => events.cacheEvicted() });
  registry.sample(() => events.cacheMemory(memory.usage));
  const cache = new ResponseCache({
    memory,
    shared,
    purges,
    nameOf: modelKey,
    weights: options.weights,
    writesBehind: options.write === 'behind',
    now: Date.now,
    ttlMs,
    staleMs,
  });
  const election = new FlightElection({ leases, clock, maxWaitMs, address });
  const flights = new SingleFlight<NativeStream, Urgency>(maxFlightBytes);
  const vectorFlights = new SingleFlight<OneBlock, Urgency>(maxVectorBytes);
  const upkeep = new Upkeep({
    tasks: [
      { name: 'flight leases', everyMs: 3000, run: async () => election.renew() },
      { name: 'urgency of answers that others want too', everyMs: 200, run: async () => election.listen() },
      { name: 'readers that stall', everyMs: 250, run: async () => flights.look() },
      { name: 'licence of the healer', everyMs: 2000, run: () => licence.refresh() },
      { name: 'expired answers', everyMs: 600_000, run: async () => void (await store.reapExpired()) },
    ],
    random: Math.random,
    onFailure: (task, error) => tellFailure(log, 'upkeep failed', error, { task }),
  });
  return {
    cache,
    memory,
    admin: {
      usage: () => ({ ...cache.usage(), flights: flights.size + vectorFlights.size }),
      limits: options,
      purge: (what, signal) => cache.purge(what, signal),
    },
    flights,
    vectorFlights,
    election,
    follow: createFlightFollower({ runDir, limits: { ...limits, firstMs: maxWaitMs } }),
    flightDoor: new FlightDoor(flights),
    keyOf: requestKey,
    onResult: result => events.cacheAnswer({ result }),
    refresh:
      options.refreshAfter === undefined
        ? undefined
        : new RefreshAhead({
            ttlMs,
            after: options.refreshAfter,
            now: Date.now,
            isIdle: options.isIdle,
            leases,
            maxMs: maxWaitMs,
            onRefreshed: result => events.cacheRefreshed({ result }),
          }),
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

/** What may be used without being root; where that cannot be known, the store itself says when it is full. */
function freeBytesOf(dir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

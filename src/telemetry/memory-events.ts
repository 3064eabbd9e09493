/** What happens to the memory of a worker, as calls. */
import { memoryMetrics } from './memory-metric-table.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export interface MemoryEvents {
  memory(event: {
    readonly pressure: number;
    readonly liveBytes: number;
    readonly gcShare: number;
    /** 0 where there is no leak. */
    readonly leakBytesPerHour: number;
    readonly wantsReplacement: boolean;
  }): void;
  memoryRefused(event: { readonly why: 'shed' | 'no_room' }): void;
  memoryEnded(event: { readonly count: number }): void;
  memoryCollected(event: { readonly reason: string }): void;
}

/** @throws when the registry has them already */
export function memoryEvents(registry: MetricsRegistry): MemoryEvents {
  const pressures = registry.gauge(memoryMetrics.pressure);
  const live = registry.gauge(memoryMetrics.live);
  const gc = registry.gauge(memoryMetrics.gcShare);
  const leaks = registry.gauge(memoryMetrics.leak);
  const wanted = registry.gauge(memoryMetrics.replaceWanted);
  const refused = registry.counter(memoryMetrics.refused);
  const ended = registry.counter(memoryMetrics.ended);
  const collections = registry.counter(memoryMetrics.collections);
  return {
    memory: ({ pressure, liveBytes, gcShare, leakBytesPerHour, wantsReplacement }) => {
      pressures.with({}).set(pressure);
      live.with({}).set(liveBytes);
      gc.with({}).set(gcShare);
      leaks.with({}).set(leakBytesPerHour);
      wanted.with({}).set(wantsReplacement ? 1 : 0);
    },
    memoryRefused: event => refused.with(event).add(),
    memoryEnded: ({ count }) => ended.with({}).add(count),
    memoryCollected: event => collections.with(event).add(),
  };
}

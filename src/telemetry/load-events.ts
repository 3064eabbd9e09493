/** What happens to the time of a worker, as calls. */
import { loadMetrics } from './load-metric-table.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export interface LoadEvents {
  /** @param event `stage` as the metric numbers it */
  load(event: { readonly utilisation: number; readonly delayMs: number; readonly stage: number }): void;
  loadShed(event: { readonly priority: string }): void;
}

/** @throws when the registry has them already */
export function loadEvents(registry: MetricsRegistry): LoadEvents {
  const utilisations = registry.gauge(loadMetrics.utilisation);
  const delays = registry.gauge(loadMetrics.delay);
  const stages = registry.gauge(loadMetrics.stage);
  const shed = registry.counter(loadMetrics.shed);
  return {
    load: ({ utilisation, delayMs, stage }) => {
      utilisations.with({}).set(utilisation);
      delays.with({}).set(delayMs / 1000);
      stages.with({}).set(stage);
    },
    loadShed: event => shed.with(event).add(),
  };
}
